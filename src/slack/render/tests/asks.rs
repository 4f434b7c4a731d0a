//! Every kind of ask, open and settled.

use std::collections::BTreeMap;

use super::*;
use crate::domain::ask::{Answer, Decision};
use crate::slack::button::Button;
use crate::slack::render::ask as render;

fn shown(name: &str, a: &AskView) -> String {
    let post = render(&session(), a, &people);
    assert_eq!(limits::post(&post), Vec::<String>::new(), "{name}");
    format!("== {name}\n{}\n\n", plain::post(&post))
}

fn described(mut q: Question) -> Question {
    for (choice, more) in q.options.iter_mut().zip(["as today", "with jitter"]) {
        choice.description = more.to_owned();
    }
    q
}

fn several(mut q: Question) -> Question {
    q.multi_select = true;
    q
}

fn labels(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("choice {i}")).collect()
}

fn many(text: &str, n: usize) -> Question {
    let labels = labels(n);
    question(text, &labels.iter().map(String::as_str).collect::<Vec<_>>())
}

fn permission() -> AskView {
    ask(AskWhat::Permission {
        tool: "Bash".to_owned(),
        detail: "git push --force origin main && echo \"<!channel>\"".to_owned(),
    })
}

fn plan() -> AskView {
    ask(AskWhat::Plan { text: "# Plan\n\n1. Read `send.rs`\n2. Add a retry\n3. Test it".to_owned() })
}

fn three() -> AskView {
    questions(vec![
        many("Which retry budget?", 3),
        several(question("Retry on what?", &["HTTP 429", "HTTP 5xx"])),
        question("What is the configuration key called?", &[]),
    ])
}

#[test]
fn every_open_ask_has_the_controls_that_fit_it() {
    let mut due = questions(vec![question("Which budget?", &["3 tries", "5 tries"])]);
    due.ask.default = Some(Decision::Agent);
    let all = [
        ("one question, few options", due),
        (
            "one question, options explained",
            questions(vec![described(question("Which budget?", &["3", "5"]))]),
        ),
        ("one question, many options", questions(vec![many("Which region?", 6)])),
        (
            "one question, several answers",
            questions(vec![several(question("Retry on what?", &["429", "5xx"]))]),
        ),
        ("one question, several of many", questions(vec![several(many("Which services?", 12))])),
        ("one question, free text", questions(vec![question("What is the key called?", &[])])),
        ("three questions", three()),
        ("six questions", questions((1..=6).map(|i| many(&format!("Number {i}?"), 2)).collect())),
        ("permission", permission()),
        ("plan", plan()),
    ];
    let all: String = all.iter().map(|(name, a)| shown(name, a)).collect();
    insta::assert_snapshot!("asks_open", all);
}

#[test]
fn a_settled_ask_is_a_record_of_who_what_and_when() {
    let answered = |mut a: AskView, answer: Answer| {
        a.ask.state = AskState::Answered { by: ana(), at: noon() + minutes(31), answer, applied: false };
        a
    };
    let decide =
        |decide, message: Option<&str>| Answer::Decide { decide, message: message.map(str::to_owned) };
    let said: BTreeMap<String, String> = [
        ("Which retry budget?", "choice 2"),
        ("Retry on what?", "HTTP 429, HTTP 5xx"),
        ("What is the configuration key called?", "retry.max"),
    ]
    .map(|(q, a)| (q.to_owned(), a.to_owned()))
    .into();
    let mut defaulted = three();
    let answer = decide(Decision::Agent, None);
    defaulted.ask.state = AskState::Defaulted { at: noon() + minutes(31), answer, applied: true };
    let mut withdrawn = permission();
    withdrawn.ask.state = AskState::Withdrawn { at: noon(), why: "the session was cancelled".to_owned() };
    let all = [
        ("answered", answered(three(), Answer::Answers { answers: said })),
        ("left to the agent", answered(three(), decide(Decision::Agent, None))),
        ("defaulted", defaulted),
        ("allowed", answered(permission(), decide(Decision::Allow, None))),
        (
            "denied, with words",
            answered(permission(), decide(Decision::Deny, Some("not on main\nuse a branch"))),
        ),
        ("approved", answered(plan(), decide(Decision::Allow, None))),
        ("changes", answered(plan(), decide(Decision::Deny, Some("no new dependency")))),
        ("withdrawn", withdrawn),
    ];
    let all: String = all.iter().map(|(name, a)| shown(name, a)).collect();
    insta::assert_snapshot!("asks_settled", all);
}

#[test]
fn the_json_is_what_slack_takes() {
    let a = questions(vec![many("Which region?", 5)]);
    let json = serde_json::to_string_pretty(&render(&session(), &a, &people).blocks).unwrap();
    insta::assert_snapshot!("ask_json", json);
}

#[test]
fn nobody_allows_what_they_cannot_read() {
    let long = ask(AskWhat::Permission { tool: "Bash".to_owned(), detail: "true; ".repeat(2_000) });
    let shown = shown("long", &long);
    assert!(!shown.contains("[*Allow]") && shown.contains("[!Deny]"), "{shown}");
    assert!(shown.contains("devtask answer 142"), "{shown}");
}

#[test]
fn a_plan_that_is_cut_says_where_all_of_it_is() {
    let long = ask(AskWhat::Plan { text: "- a step\n".repeat(3_000) });
    let shown = shown("long", &long);
    assert!(shown.contains("`devtask show 142` has all of it"), "{shown}");
    assert!(shown.contains("[*Approve]"), "{shown}");
}

#[test]
fn menus_that_are_too_much_for_a_message_go_into_the_form() {
    let label = "a label of some length, as they are when a machine has written them".to_owned();
    let mut q = many("Which one?", 100);
    q.options.iter_mut().for_each(|o| (o.label, o.description) = (label.clone(), label.clone()));
    let shown = shown("much", &questions(vec![q]));
    assert!(!shown.contains("static_select") && shown.contains("[Answer in words…]"), "{shown}");
}

#[test]
fn options_beyond_a_menu_can_be_named_in_words() {
    let shown = shown("many", &questions(vec![many("Which one?", 103)]));
    assert!(
        shown.contains("99=choice 100)") && shown.contains("3 more options can be named in words."),
        "{shown}"
    );
}

/// The adapter cuts ids at 200 bytes and a note; what a node sends is not bound by that.
#[test]
fn the_longest_id_the_adapter_makes_fits_every_button_and_a_longer_one_breaks_none() {
    let handle =
        |bytes: usize| format!("dt-{}:{}… ({} more bytes)", u32::MAX, "\u{1}".repeat(bytes), usize::MAX);
    let longest = Button::Choose { handle: handle(200), question: 9, choice: 9 };
    assert!(longest.value().len() <= 2_000, "{}", longest.value().len());
    let mut a = permission();
    a.handle = handle(200);
    assert!(shown("longest", &a).contains("[*Allow]"));
    a.handle = handle(3_000);
    let shown = shown("longer", &a);
    assert!(!shown.contains('[') && shown.contains("devtask answer 142"), "{shown}");
}
