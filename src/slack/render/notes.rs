//! Notes: what happens on the way and needs a person. All else is told by the root alone.
//!
//! Must not know when or where they are posted.

use super::parts::{actions, section};
use super::post::Post;
use super::root::act;
use crate::domain::Time;
use crate::domain::session::Verb;
use crate::slack::words::{People, ends};
use crate::wire::view::SessionView;

/// The budget is used up: only a person can let it go on.
pub fn spent(v: &SessionView, reason: Option<&str>, people: People<'_>) -> Post {
    let text = ends::budget(v, reason, people);
    let legal = [Verb::Resume, Verb::Cancel].into_iter().filter(|verb| v.verbs.contains(verb));
    let buttons = actions(legal.enumerate().map(|(n, verb)| act(n, v, verb)));
    Post::new(ends::budget_spoken(v), std::iter::once(section(&text)).chain(buttons))
}

/// The pull request could not be opened in `tries` tries; the next is at `again`.
pub fn unpublished(v: &SessionView, cause: &str, tries: u32, again: Time, people: People<'_>) -> Post {
    let text = ends::unpublished(v, cause, tries, again, people);
    Post::new(ends::unpublished_spoken(v, cause), [section(&text)])
}

/// What the provider of its node says.
pub fn noticed(v: &SessionView, notice: &str) -> Post {
    let text = ends::noticed(v, notice);
    Post::new(ends::noticed_spoken(v, notice), [section(&text)])
}

/// To the owner in person: the session's channel takes nothing from us, so its messages come here.
pub fn moved(v: &SessionView, channel: &str, why: ends::Gone) -> Post {
    let text = ends::moved(v, channel, why);
    Post::new(&text, [section(&text)])
}
