//! What is shown to one person only: lists, one session in full, help, refusals.
//!
//! Must not know how it is sent.

use slack_morphism::prelude::SlackBlock;

use super::finale;
use super::parts::{Control, actions, context, markdown, preformatted, section};
use super::post::Post;
use super::root;
use crate::domain::session::Status;
use crate::slack::button::Button;
use crate::slack::escape;
use crate::slack::words::troubles::{self, Trouble};
use crate::slack::words::{People, asks, ends, forms, help as said_in_help, person, status};
use crate::wire::api::Refusal;
use crate::wire::view::SessionView;

const MAX_ROWS: usize = 20;
/// Of a text that is given back; what follows is cut.
const MAX_TYPED: usize = 8_000;

/// Sessions as they come, the first twenty of them.
pub fn list(sessions: &[SessionView], people: People<'_>) -> Post {
    if sessions.is_empty() {
        return said(said_in_help::NOTHING_YET);
    }
    let waiting = sessions.iter().filter(|v| !v.asks.is_empty()).count();
    let mut blocks = vec![section(&said_in_help::list(sessions.len(), waiting))];
    blocks.extend(sessions.iter().take(MAX_ROWS).map(|v| section(&row(v, people))));
    let more = sessions.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        blocks.push(context(&said_in_help::more(more)));
    }
    Post::new(said_in_help::list_spoken(sessions.len()), blocks)
}

/// `*dt-142* ✅ Done · Add a retry` and below it where and whose.
fn row(v: &SessionView, people: People<'_>) -> String {
    let state = status::brief(v);
    let title = escape::line(&v.brief.title, 80);
    let pull = v.pull_request.as_ref().filter(|_| v.status == Status::Done);
    let pull =
        pull.map(|p| format!(" · {}", escape::link(&p.url, &format!("#{}", p.number)))).unwrap_or_default();
    let repo = escape::line(&v.repo, 100);
    format!("*{}* {state} · {title}\n{repo} · {}{pull}", v.id, person(people, &v.owner))
}

/// One session in full, without controls: those are at its message.
pub fn show(v: &SessionView, people: People<'_>) -> Post {
    let mut blocks = root::about(v, people);
    blocks.extend(
        v.asks.iter().take(10).map(|a| section(&format!("❓ {}", escape::line(&a.ask.headline(), 300)))),
    );
    blocks.extend(finale::checks(v));
    if let Some(summary) = v.summary.as_deref().filter(|s| !s.trim().is_empty()) {
        blocks.push(markdown(summary, 3_000));
    }
    blocks.push(context(&if v.status.is_settled() { ends::took(v) } else { asks::GOES_ON.to_owned() }));
    Post::new(status::spoken(v), blocks)
}

/// How to talk with us.
pub fn help() -> Post {
    let blocks: [SlackBlock; 2] = [section(said_in_help::HELP), context(said_in_help::OPTIONS)];
    Post::new(said_in_help::HELP_SPOKEN, blocks)
}

/// What the control plane refused.
pub fn refused(refusal: &Refusal) -> Post {
    notice(&troubles::refused(refusal))
}

/// `nearest`: the verb that was perhaps meant.
pub fn unknown_verb(word: &str, nearest: Option<&str>) -> Post {
    notice(&troubles::unknown_verb(word, nearest))
}

/// What happened, then what to do.
pub fn notice(trouble: &Trouble) -> Post {
    let Trouble { what, todo } = trouble;
    Post::new(format!("{what} {todo}"), [section(what), context(todo)])
}

/// As [`notice`], with what was typed, so that it can be copied.
pub fn notice_with(trouble: &Trouble, typed: &str) -> Post {
    let Trouble { what, todo } = trouble;
    let text = preformatted(typed, MAX_TYPED);
    Post::new(format!("{what} {todo}"), [section(what), context(todo), context(forms::YOUR_TEXT), text])
}

/// As [`notice_with`], with a button that opens the brief form. `request`: under which what was typed is kept.
pub fn notice_form_button(trouble: &Trouble, typed: Option<&str>, request: &str) -> Post {
    let Trouble { what, todo } = trouble;
    let label = if *trouble == troubles::no_repo() { forms::CHOOSE_REPO } else { forms::OPEN };
    let open = Control::new(0, label, label, Button::Brief { request: request.to_owned() }).primary();
    let mut blocks = vec![section(what)];
    blocks.extend(actions([open]));
    blocks.push(context(todo));
    if let Some(typed) = typed.filter(|typed| !typed.trim().is_empty()) {
        blocks.extend([context(forms::YOUR_TEXT), preformatted(typed, MAX_TYPED)]);
    }
    Post::new(format!("{what} {todo}"), blocks)
}

/// A sentence of ours from `words`.
pub fn said(words: &str) -> Post {
    Post::new(words, [section(words)])
}
