//! From choices, forms and sentences to answers.

use chrono::DateTime;

use super::super::answers::{Sentence, chosen, decided, sentence, session_of, written};
use crate::domain::ask::{Answer, Ask, AskState, AskWhat, Choice, Decision, Question};
use crate::domain::{AskId, SessionId};
use crate::slack::button::{own_words_block, question_block};
use crate::slack::input::{Field, Fields};
use crate::wire::view::AskView;

fn question(text: &str, labels: &[&str], multi_select: bool) -> Question {
    let option = |label: &&str| Choice { label: (*label).to_owned(), description: String::new() };
    Question {
        question: text.into(),
        header: String::new(),
        multi_select,
        options: labels.iter().map(option).collect(),
    }
}

fn ask(what: AskWhat) -> Ask {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    Ask {
        id: AskId("toolu_1".into()),
        what,
        opened_at: at,
        expires_at: at,
        default: None,
        state: AskState::Open,
        command: None,
    }
}

fn questions(questions: Vec<Question>) -> Ask {
    ask(AskWhat::Questions { questions })
}

fn budget() -> Question {
    question("Which budget?", &["3 tries", "5 tries"], false)
}

fn codes() -> Question {
    question("Retry on?", &["429", "5xx", "time-out"], true)
}

fn plan() -> Ask {
    ask(AskWhat::Plan { text: "1. Read".into() })
}

fn said(pairs: &[(&str, &str)]) -> Answer {
    Answer::Answers { answers: pairs.iter().map(|(q, a)| ((*q).to_owned(), (*a).to_owned())).collect() }
}

fn picked(block: &str, values: &[&str]) -> Fields {
    Fields::default()
        .with(block, Field { chosen: values.iter().map(|v| (*v).to_owned()).collect(), ..Field::default() })
}

fn text(text: &str) -> Field {
    Field { text: text.into(), ..Field::default() }
}

fn view(ask: &Ask) -> AskView {
    AskView::of(SessionId::new(3).unwrap(), ask)
}

#[test]
fn a_handle_names_its_session() {
    assert_eq!(session_of("dt-3:toolu_1:x"), SessionId::new(3));
    for bad in ["", "dt-3", ":toolu_1", "dt-x:toolu_1", "toolu_1:dt-3"] {
        assert_eq!(session_of(bad), None, "{bad}");
    }
}

#[test]
fn a_choice_is_its_label_and_one_that_is_not_there_is_none() {
    let ask = questions(vec![budget()]);
    assert_eq!(chosen(&ask, 0, 1), Some(said(&[("Which budget?", "5 tries")])));
    assert_eq!((chosen(&ask, 0, 2), chosen(&ask, 1, 0), chosen(&plan(), 0, 0)), (None, None, None));
}

#[test]
fn what_is_chosen_in_a_form_is_one_answer_to_all_questions() {
    let ask = questions(vec![budget(), codes(), question("Name?", &[], false)]);
    let fields = picked(&question_block(0), &["1"]).with(&question_block(2), text("retry.max"));
    assert_eq!(written(&ask, &fields), Err(vec![1]), "what has no answer is named");
    let chosen = Field { chosen: vec!["0".into(), "2".into(), "9".into(), "x".into()], ..Field::default() };
    let fields = fields.with(&question_block(1), chosen);
    let all = said(&[("Which budget?", "5 tries"), ("Retry on?", "429, time-out"), ("Name?", "retry.max")]);
    assert_eq!(written(&ask, &fields), Ok(all));
    assert_eq!(written(&ask, &Fields::default()), Err(vec![0, 1, 2]));
}

#[test]
fn own_words_go_before_what_is_chosen() {
    let ask = questions(vec![budget()]);
    let fields = picked(&question_block(0), &["1"]).with(&own_words_block(0), text("as often as it takes"));
    assert_eq!(written(&ask, &fields), Ok(said(&[("Which budget?", "as often as it takes")])));
}

#[test]
fn the_form_of_a_plan_says_no_and_why() {
    let fields = Fields::default().with(&question_block(0), text("Tests first"));
    assert_eq!(written(&plan(), &fields), Ok(decided(Decision::Deny, Some("Tests first".into()))));
    assert_eq!(written(&plan(), &Fields::default()), Err(vec![0]));
}

#[test]
fn a_sentence_answers_only_where_one_question_is_open() {
    let (one, two) = (view(&questions(vec![budget()])), view(&questions(vec![budget(), codes()])));
    let answers = |text: &str, answer: &str| {
        let expected = Sentence::Answers("dt-3:toolu_1".into(), said(&[("Which budget?", answer)]));
        assert_eq!(sentence(std::slice::from_ref(&one), text), expected, "{text}");
    };
    answers("5 TRIES ", "5 tries");
    answers("seven", "seven");
    assert_eq!(sentence(std::slice::from_ref(&two), "5 tries"), Sentence::Unclear(2));
    assert_eq!(sentence(&[one.clone(), two], "5 tries"), Sentence::Unclear(3));
    assert_eq!(sentence(&[], "go on"), Sentence::Words);
    assert_eq!(sentence(&[view(&plan())], "yes"), Sentence::Words, "a plan is not approved by a word");
    let beside = [view(&plan()), one];
    assert!(matches!(sentence(&beside, "seven"), Sentence::Answers(..)));
}
