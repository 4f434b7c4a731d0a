//! An ask in its thread: while it is open with controls, afterwards as the record of who decided what and when.
//!
//! Knows which control fits which question; must not know how answers are read back (that is `button`'s table).

use slack_morphism::prelude::SlackBlock;

use super::parts::{self, Control, actions, context, input, markdown, preformatted, section};
use super::post::{Post, fits};
use crate::domain::ask::{Answer, AskState, AskWhat, Question};
use crate::slack::button::{Button, VALUE, question_block};
use crate::slack::escape::units;
use crate::slack::words::{People, asks, desk};
use crate::wire::view::{AskView, SessionView};

/// More options than this are a menu instead of buttons; more words than this do not fit a button.
const MAX_BUTTONS: usize = 4;
const MAX_LABEL: usize = 75;
/// More questions than this are answered in the form.
const MAX_INLINE: usize = 5;
/// Units of a command. One that is longer cannot be allowed here: nobody allows what they cannot read.
const MAX_COMMAND: usize = 6_000;
const MAX_PLAN: usize = 12_000;

/// One ask, open or settled.
pub fn ask(v: &SessionView, a: &AskView, people: People<'_>) -> Post {
    let blocks = match (&a.ask.state, &a.ask.what) {
        (AskState::Open, _) if !is_operable(a) => unanswerable(v, a, people),
        (AskState::Open, AskWhat::Questions { questions }) => questions_open(v, a, questions, people),
        (AskState::Open, AskWhat::Permission { detail, .. }) => permission_open(v, a, detail, people),
        (AskState::Open, AskWhat::Plan { text }) => plan_open(v, a, text, people),
        _ => record(a, people),
    };
    Post::new(asks::spoken(a), blocks)
}

fn questions_open(
    v: &SessionView,
    a: &AskView,
    questions: &[Question],
    people: People<'_>,
) -> Vec<SlackBlock> {
    let opening = section(&asks::opening(v, a, people));
    let body = match questions {
        [lone] if is_for_buttons(lone) => buttons(a, lone),
        [lone] if lone.options.is_empty() => in_words(a, questions),
        many if many.len() <= MAX_INLINE => inputs(a, many),
        many => in_words(a, many),
    };
    let whole: Vec<SlackBlock> = std::iter::once(opening.clone()).chain(body).collect();
    // Menus cannot be cut; where they are too much for a message, the form has room.
    if fits(&whole) { whole } else { std::iter::once(opening).chain(in_words(a, questions)).collect() }
}

fn is_for_buttons(q: &Question) -> bool {
    !q.multi_select && (1..=MAX_BUTTONS).contains(&q.options.len())
}

/// A lone question with few options: each is a button and answers at once.
fn buttons(a: &AskView, q: &Question) -> Vec<SlackBlock> {
    let mut blocks = vec![section(&asks::question(q, None))];
    let options = asks::options(&q.options, MAX_LABEL);
    if !options.is_empty() {
        blocks.push(section(&options));
    }
    let choices = q.options.iter().enumerate().map(|(choice, option)| {
        let does = Button::Choose { handle: a.handle.clone(), question: 0, choice };
        Control::new(choice, &option.label, &aloud(&option.label, a), does)
    });
    blocks.extend(actions(choices));
    blocks.extend(others(a));
    blocks.push(context(&asks::terms(a, true)));
    blocks
}

/// Menus, boxes and fields in the message itself, and one button that sends them all.
fn inputs(a: &AskView, questions: &[Question]) -> Vec<SlackBlock> {
    let lone = questions.len() == 1;
    let mut blocks = Vec::new();
    for (i, q) in questions.iter().enumerate() {
        // Nothing in a message is sent by Slack itself, so "needed" only keeps "(optional)" from being shown.
        blocks.push(input(
            &question_block(i),
            &asks::label(q, (!lone).then_some(i + 1)),
            "",
            true,
            element(q),
        ));
        let hidden = q.options.len().saturating_sub(parts::MAX_OPTIONS);
        blocks.extend((hidden > 0).then(|| context(&asks::more_options(hidden))));
    }
    let send = Button::Send { handle: a.handle.clone() };
    let send = Control::new(0, asks::SEND, &aloud(asks::SEND, a), send).primary();
    blocks.extend(actions(std::iter::once(send).chain(other_controls(a))));
    blocks.push(context(&asks::terms(a, lone)));
    blocks
}

/// The input for a question: a menu, boxes or a field.
pub(super) fn element(q: &Question) -> slack_morphism::prelude::SlackInputBlockElement {
    let choices: Vec<parts::Choice<'_>> =
        q.options.iter().map(|o| parts::Choice { label: &o.label, description: &o.description }).collect();
    match (choices.is_empty(), q.multi_select) {
        (true, _) => parts::words_field(VALUE, true, asks::WRITE, ""),
        (false, true) => parts::select_some(VALUE, asks::CHOOSE_SOME, &choices),
        (false, false) => parts::select(VALUE, asks::CHOOSE, &choices),
    }
}

/// The questions as text, to be answered by a reply or in the form.
fn in_words(a: &AskView, questions: &[Question]) -> Vec<SlackBlock> {
    let lone = questions.len() == 1;
    let mut blocks = Vec::new();
    for (i, q) in questions.iter().enumerate() {
        blocks.push(section(&asks::question(q, (!lone).then_some(i + 1))));
        let options = asks::options(&q.options, 0);
        if !options.is_empty() {
            blocks.push(section(&options));
        }
    }
    blocks.extend(others(a));
    blocks.push(context(&asks::terms(a, lone)));
    blocks
}

/// Words of one's own, or the agent's choice.
fn others(a: &AskView) -> Option<SlackBlock> {
    actions(other_controls(a))
}

fn other_controls(a: &AskView) -> [Control; 2] {
    let own = Button::OpenForm { handle: a.handle.clone() };
    let agent = Button::AgentDecides { handle: a.handle.clone() };
    [
        Control::new(50, asks::OWN_WORDS, &aloud(asks::OWN_WORDS, a), own),
        Control::new(51, asks::AGENT_DECIDES, &aloud(asks::AGENT_DECIDES, a), agent),
    ]
}

fn permission_open(v: &SessionView, a: &AskView, detail: &str, people: People<'_>) -> Vec<SlackBlock> {
    let made = |readable: bool| {
        let mut blocks = vec![section(&asks::opening(v, a, people)), preformatted(detail, MAX_COMMAND)];
        let allow = decide(a, true, 0, asks::ALLOW).primary();
        let deny = decide(a, false, 1, asks::DENY).danger();
        let why = Button::OpenForm { handle: a.handle.clone() };
        let why = Control::new(2, asks::DENY_WHY, &aloud(asks::DENY_WHY, a), why);
        if !readable {
            blocks.push(context(&asks::elsewhere(a)));
        }
        blocks.extend(actions(Some(allow).filter(|_| readable).into_iter().chain([deny, why])));
        blocks.push(context(&asks::terms(a, false)));
        blocks
    };
    let whole = made(true);
    if units(detail) <= MAX_COMMAND && fits(&whole) { whole } else { made(false) }
}

fn plan_open(v: &SessionView, a: &AskView, text: &str, people: People<'_>) -> Vec<SlackBlock> {
    let approve = decide(a, true, 0, asks::APPROVE).primary();
    let change = Button::OpenForm { handle: a.handle.clone() };
    let change = Control::new(1, asks::CHANGES, &aloud(asks::CHANGES, a), change);
    let mut blocks = vec![section(&asks::opening(v, a, people)), markdown(text, MAX_PLAN)];
    let tail: Vec<SlackBlock> =
        actions([approve, change]).into_iter().chain([context(&asks::terms(a, false))]).collect();
    let whole: Vec<SlackBlock> = blocks.iter().chain(&tail).cloned().collect();
    if units(text) > MAX_PLAN || !fits(&whole) {
        blocks.push(context(&asks::cut(a)));
    }
    blocks.extend(tail);
    blocks
}

fn decide(a: &AskView, allow: bool, n: usize, label: &str) -> Control {
    Control::new(n, label, &aloud(label, a), Button::Decide { handle: a.handle.clone(), allow })
}

/// `Allow for dt-142`: what a button is about, for who cannot see the message.
fn aloud(label: &str, a: &AskView) -> String {
    let label: String = label.chars().take(55).collect();
    format!("{label} for {}", a.session)
}

/// The record of a settled ask, for somebody who came later.
pub fn settled(a: &AskView, people: People<'_>) -> Post {
    Post::new(asks::spoken(a), std::iter::once(section(desk::SETTLED)).chain(record(a, people)))
}

/// What was asked and how it ended; no controls.
fn record(a: &AskView, people: People<'_>) -> Vec<SlackBlock> {
    let mut blocks = vec![section(&asks::verdict(a, people)), asked(a)];
    blocks.extend(asks::remark(&a.ask.state).map(|remark| section(&remark)));
    blocks
}

/// What was asked, and behind each question its answer.
fn asked(a: &AskView) -> SlackBlock {
    match &a.ask.what {
        AskWhat::Questions { questions } => {
            let answer = given(&a.ask.state);
            let lines: Vec<String> = questions.iter().map(|q| asks::answered(q, answer)).collect();
            section(&lines.join("\n"))
        }
        AskWhat::Permission { tool, detail } => preformatted(&format!("{tool}: {detail}"), 1_500),
        AskWhat::Plan { text } => markdown(text, 6_000),
    }
}

/// Ids come from agents: one can be so long that no button can carry it.
fn is_operable(a: &AskView) -> bool {
    let longest = Button::Choose { handle: a.handle.clone(), question: MAX_INLINE, choice: MAX_BUTTONS };
    units(&longest.value()) <= parts::MAX_VALUE
}

fn unanswerable(v: &SessionView, a: &AskView, people: People<'_>) -> Vec<SlackBlock> {
    vec![section(&asks::opening(v, a, people)), asked(a), context(&asks::elsewhere(a))]
}

fn given(state: &AskState) -> Option<&Answer> {
    match state {
        AskState::Answered { answer, .. } | AskState::Defaulted { answer, .. } => Some(answer),
        AskState::Open | AskState::Withdrawn { .. } => None,
    }
}
