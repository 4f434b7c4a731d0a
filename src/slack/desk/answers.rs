//! From a choice, a form or a sentence to an answer that fits what was asked.
//!
//! Pure. Must not know who answers or whether they may.

use crate::domain::SessionId;
use crate::domain::ask::{Answer, Ask, AskWhat, Decision, Question};
use crate::slack::button::{own_words_block, question_block};
use crate::slack::input::Fields;
use crate::wire::view::AskView;

/// The session of an ask's handle, `dt-142:toolu_01`.
pub(super) fn session_of(handle: &str) -> Option<SessionId> {
    handle.split_once(':')?.0.parse().ok()
}

/// An option of a lone question.
pub(super) fn chosen(ask: &Ask, question: usize, choice: usize) -> Option<Answer> {
    let AskWhat::Questions { questions } = &ask.what else { return None };
    let question = questions.get(question)?;
    let label = &question.options.get(choice)?.label;
    Some(answers([(question.question.clone(), label.clone())]))
}

pub(super) fn decided(decide: Decision, message: Option<String>) -> Answer {
    Answer::Decide { decide, message }
}

/// What a form or a message's inputs say; the indexes of questions that have no answer yet.
pub(super) fn written(ask: &Ask, fields: &Fields) -> Result<Answer, Vec<usize>> {
    let AskWhat::Questions { questions } = &ask.what else {
        let why = fields.text(&question_block(0));
        // The form of a permission or a plan is for saying no.
        return if why.is_empty() { Err(vec![0]) } else { Ok(decided(Decision::Deny, Some(why.to_owned()))) };
    };
    let said: Vec<(usize, &Question, String)> =
        questions.iter().enumerate().map(|(i, q)| (i, q, answer_to(i, q, fields))).collect();
    let missing: Vec<usize> = said.iter().filter(|(_, _, text)| text.is_empty()).map(|(i, ..)| *i).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    Ok(answers(said.into_iter().map(|(_, q, text)| (q.question.clone(), text))))
}

/// Own words go before what is chosen.
fn answer_to(index: usize, question: &Question, fields: &Fields) -> String {
    let (block, own) = (question_block(index), fields.text(&own_words_block(index)));
    let typed = if own.is_empty() { fields.text(&block) } else { own };
    if !typed.is_empty() {
        return typed.to_owned();
    }
    let label = |value: &String| question.options.get(value.parse::<usize>().ok()?).map(|c| c.label.clone());
    let labels: Vec<String> = fields.chosen(&block).iter().filter_map(label).collect();
    labels.join(", ")
}

fn answers(pairs: impl IntoIterator<Item = (String, String)>) -> Answer {
    Answer::Answers { answers: pairs.into_iter().collect() }
}

/// What a sentence in a session's thread is.
#[derive(Debug, PartialEq)]
pub(super) enum Sentence {
    /// The answer to the one open question.
    Answers(String, Answer),
    /// Several questions are open, so nobody knows which one it answers.
    Unclear(usize),
    /// Words for the agent. Permissions and plans are never settled by a sentence: it is too easily said.
    Words,
}

pub(super) fn sentence(open: &[AskView], text: &str) -> Sentence {
    let questions = |a: &AskView| match &a.ask.what {
        AskWhat::Questions { questions } => questions.clone(),
        AskWhat::Permission { .. } | AskWhat::Plan { .. } => Vec::new(),
    };
    let all: Vec<(&AskView, Question)> =
        open.iter().flat_map(|a| questions(a).into_iter().map(move |q| (a, q))).collect();
    match all.as_slice() {
        [] => Sentence::Words,
        [(a, q)] => Sentence::Answers(a.handle.clone(), answers([(q.question.clone(), as_label(q, text))])),
        more => Sentence::Unclear(more.len()),
    }
}

/// A sentence as the answer to an ask of one question.
pub(super) fn in_words(ask: &Ask, text: &str) -> Option<Answer> {
    let AskWhat::Questions { questions } = &ask.what else { return None };
    let [question] = questions.as_slice() else { return None };
    Some(answers([(question.question.clone(), as_label(question, text))]))
}

/// A label in other letters is that label.
fn as_label(question: &Question, text: &str) -> String {
    let text = text.trim();
    let same = question.options.iter().find(|c| c.label.trim().to_lowercase() == text.to_lowercase());
    same.map_or(text, |c| c.label.as_str()).to_owned()
}
