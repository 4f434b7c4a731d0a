//! The root: a session's one message in its channel, edited in place.
//!
//! Knows which state shows which lines and controls; must not know when it is shown.

use slack_morphism::prelude::SlackBlock;

use super::parts::{Control, actions, context, header, section};
use super::post::Post;
use crate::domain::session::{Status, Verb};
use crate::slack::button::Button;
use crate::slack::words::{People, status};
use crate::wire::view::SessionView;

pub fn root(v: &SessionView, people: People<'_>) -> Post {
    let mut blocks = about(v, people);
    blocks.extend(controls(v));
    Post::new(status::spoken(v), blocks)
}

/// Everything but the controls.
pub(super) fn about(v: &SessionView, people: People<'_>) -> Vec<SlackBlock> {
    let status::State { sign, word, more } = status::state(v);
    let state = format!("{sign} *{word}*");
    let state = if more.is_empty() { state } else { format!("{state} · {more}") };
    let mut blocks = vec![
        header(&format!("{} · {}", v.id, v.brief.title)),
        section(&state),
        context(&format!("{}\n{}", status::place(v), status::crew(v, people))),
    ];
    if v.unsandboxed {
        blocks.push(context(status::UNSANDBOXED));
    }
    blocks
}

/// At most three, in the order of what is wanted most; each carries the reading it was shown with.
fn controls(v: &SessionView) -> Option<SlackBlock> {
    let pull = v.pull_request.as_ref().filter(|_| v.status == Status::Done);
    let link = pull.and_then(|p| {
        let aloud = format!("{} #{}", status::OPEN_PULL_REQUEST, p.number);
        Control::link(0, status::OPEN_PULL_REQUEST, &aloud, &p.url)
    });
    let verbs = [Verb::Resume, Verb::Pause, Verb::Cancel, Verb::Rerun];
    let legal = verbs.into_iter().filter(|verb| v.verbs.contains(verb));
    let buttons = legal.enumerate().map(|(i, verb)| act(i + 1, v, verb));
    actions(link.into_iter().chain(buttons))
}

/// The button of a verb.
pub(super) fn act(n: usize, v: &SessionView, verb: Verb) -> Control {
    let does = Button::Act { session: v.id, verb, rev: v.rev };
    let control = Control::new(n, status::verb(verb), &status::aloud(verb, v), does);
    match verb {
        Verb::Resume => control.primary(),
        Verb::Cancel => control.danger().sure(status::sure(v)),
        _ => control,
    }
}
