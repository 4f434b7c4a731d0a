//! The forms: a new brief, an answer, and what is shown in place of one that is over.
//!
//! Knows fields and their limits; what a form is for travels in its metadata (`button::Form`). Must not know what
//! becomes of what is typed.

use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackCallbackId, SlackModalView, SlackView};

use super::Post;
use super::ask::element;
use super::parts::{context, header, input, menu, preformatted, radio, section, words_field};
use crate::domain::ask::{AskWhat, Question};
use crate::slack::button::{Form, VALUE, brief, own_words_block, question_block};
use crate::slack::escape::{self, units};
use crate::slack::words::troubles::{self, Trouble};
use crate::slack::words::{asks, forms as say};
use crate::wire::view::AskView;

/// A form as Slack takes it.
pub type View = SlackView;

const MAX_TITLE: usize = 24;
/// Of an option's label and value.
const MAX_REPO: usize = 75;
const MAX_TYPED: usize = 3_000;
/// Of a text that is shown to be copied; Slack itself takes no longer one.
const MAX_SHOWN: usize = 40_000;
/// Bytes of a whole form: Slack refuses 250,000.
const MAX_VIEW: usize = 240_000;
/// Two inputs a question, and room for a note.
const MAX_QUESTIONS: usize = 45;

/// What is typed into the brief form, or stands in it when it opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The one that stands there at first.
    pub repo: String,
    /// Repositories to choose from, the likely ones first.
    pub known: Vec<String>,
    pub base: String,
    pub goal: String,
    /// One sentence a line.
    pub done_when: String,
    /// One command a line.
    pub checks: String,
    /// Show the plan first.
    pub plan: bool,
}

/// The form for a new session. `problems`: `(block_id, what is wrong)`, shown below their fields where the form comes
/// back; what was typed is kept.
pub fn brief_form(draft: &Draft, form: &Form, problems: &[(&str, &str)]) -> View {
    let mut blocks = Vec::new();
    if !problems.is_empty() {
        blocks.push(section(&say::came_back(problems.len())));
    }
    let longest = [&draft.done_when, &draft.checks].into_iter().map(|t| units(t)).max();
    if let Some(typed) = longest.filter(|n| *n > MAX_TYPED) {
        blocks.push(section(&say::shortened(typed)));
    }
    for (block, field) in fields(draft) {
        blocks.push(field);
        let own = problems.iter().filter(|(at, _)| *at == block);
        blocks.extend(own.map(|(_, says)| context(&say::problem(says))));
    }
    modal(say::NEW, Some(say::START), Some(form), blocks)
}

fn fields(draft: &Draft) -> Vec<(&'static str, SlackBlock)> {
    let field = |block, label, hint, needed, lines, example, typed: &str| {
        (block, input(block, label, hint, needed, words_field(VALUE, lines, example, typed)))
    };
    let ways = [("plan", say::PLAN_FIRST), ("go", say::JUST_GO)];
    let way = radio(VALUE, &ways, if draft.plan { "plan" } else { "go" });
    let whole = units(&draft.goal);
    let goal = if whole > MAX_TYPED {
        (brief::GOAL, section(&say::kept_whole(whole)))
    } else {
        field(brief::GOAL, say::GOAL, say::GOAL_HINT, true, true, "", &draft.goal)
    };
    let mut all = repository(draft);
    all.extend([
        field(brief::BASE, say::BASE, say::BASE_HINT, false, false, "", &draft.base),
        goal,
        field(brief::DONE_WHEN, say::DONE_WHEN, say::DONE_WHEN_HINT, false, true, "", &draft.done_when),
        field(brief::CHECKS, say::CHECKS, say::CHECKS_HINT, false, true, "", &draft.checks),
        (brief::PLAN, input(brief::PLAN, say::PLAN, "", true, way)),
    ]);
    all
}

/// A menu where some are known, and a field for any other one.
fn repository(draft: &Draft) -> Vec<(&'static str, SlackBlock)> {
    let fits =
        |repo: &&str| !repo.is_empty() && units(repo) <= MAX_REPO && escape::plain(repo, MAX_REPO) == **repo;
    let mut known: Vec<&str> = Vec::new();
    for repo in draft.known.iter().map(String::as_str).filter(fits) {
        if !known.contains(&repo) {
            known.push(repo);
        }
    }
    let typed = if known.contains(&draft.repo.as_str()) { "" } else { draft.repo.as_str() };
    let field = words_field(VALUE, false, say::REPO_EXAMPLE, typed);
    if known.is_empty() {
        return vec![(brief::REPO, input(brief::REPO, say::REPO, say::REPO_HINT, true, field))];
    }
    let menu = menu(VALUE, say::REPO_MENU, &known, &draft.repo);
    vec![
        (brief::KNOWN, input(brief::KNOWN, say::REPO, "", false, menu)),
        (brief::REPO, input(brief::REPO, say::OTHER_REPO, say::OTHER_REPO_HINT, false, field)),
    ]
}

/// The body of an ack that keeps the form open and says what is wrong beside each field.
pub fn problems(problems: &[(String, String)]) -> Value {
    let errors: serde_json::Map<String, Value> =
        problems.iter().map(|(block, says)| (block.clone(), escape::plain(says, 300).into())).collect();
    json!({ "response_action": "errors", "errors": errors })
}

/// The form that answers an ask in words of one's own.
pub fn answer_form(a: &AskView, form: &Form) -> View {
    let title = say::answer_title(a.session);
    let blocks = match &a.ask.what {
        AskWhat::Questions { questions } => {
            if questions.is_empty() {
                return notice_form(&troubles::no_question(), None);
            }
            let whole = questions_form(questions, true);
            let size = serde_json::to_string(&whole).map_or(usize::MAX, |json| json.len());
            if size <= MAX_VIEW { whole } else { questions_form(questions, false) }
        }
        AskWhat::Permission { detail, .. } => {
            let why = words_field(VALUE, true, "", "");
            let why = input(&question_block(0), say::DENY, say::DENY_HINT, true, why);
            vec![preformatted(detail, MAX_TYPED), why]
        }
        AskWhat::Plan { .. } => {
            let what = words_field(VALUE, true, "", "");
            vec![input(&question_block(0), say::CHANGES, say::CHANGES_HINT, true, what)]
        }
    };
    modal(&title, Some(say::SEND), Some(form), blocks)
}

/// `menus`: with the options to choose from, beside the words.
fn questions_form(questions: &[Question], menus: bool) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    for (i, q) in questions.iter().take(MAX_QUESTIONS).enumerate() {
        let label = asks::label(q, (questions.len() > 1).then_some(i + 1));
        if q.options.is_empty() {
            blocks.push(input(&question_block(i), &label, "", true, element(q)));
            continue;
        }
        if menus {
            blocks.push(input(&question_block(i), &label, "", false, element(q)));
        }
        let own = words_field(VALUE, true, "", "");
        let (label, hint) = if menus { (say::OWN_WORDS, say::OWN_WORDS_HINT) } else { (label.as_str(), "") };
        blocks.push(input(&own_words_block(i), label, hint, false, own));
    }
    blocks
}

/// A form that only says something: the session is refused. `typed` is shown so that it can be copied.
pub fn notice_form(trouble: &Trouble, typed: Option<&str>) -> View {
    shown_form(vec![section(&trouble.what), context(&trouble.todo)], typed)
}

/// A form in whose place a message is shown: the ask is settled.
pub fn settled_form(record: Post, typed: Option<&str>) -> View {
    shown_form(record.blocks, typed)
}

fn shown_form(mut blocks: Vec<SlackBlock>, typed: Option<&str>) -> View {
    if let Some(typed) = typed.filter(|t| !t.trim().is_empty()) {
        blocks.push(header(say::YOUR_TEXT));
        let letters: Vec<char> = typed.chars().take(MAX_SHOWN).collect();
        // Half of what fits: a letter may count twice.
        let pieces = letters.chunks(MAX_TYPED / 2).map(|piece| piece.iter().collect::<String>());
        blocks.extend(pieces.map(|piece| preformatted(&piece, MAX_TYPED)));
    }
    modal(say::SAYS, None, None, blocks)
}

fn modal(title: &str, submit: Option<&str>, form: Option<&Form>, blocks: Vec<SlackBlock>) -> View {
    let mut view =
        SlackModalView::new(escape::plain(title, MAX_TITLE).into(), blocks).with_close(say::CLOSE.into());
    view.submit = submit.map(Into::into);
    view.callback_id = form.map(|f| SlackCallbackId(f.name().to_owned()));
    view.private_metadata = form.map(Form::metadata);
    SlackView::Modal(view)
}
