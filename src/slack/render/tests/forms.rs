//! The forms.

use super::*;
use crate::slack::button::{Form, brief};
use crate::slack::render::{Draft, View, answer_form, brief_form, notice_form, problems};
use crate::slack::words::{forms as say, troubles};

const BAD_REPO: &str = "This names no repository; it looks like acme/api.";

fn shown(name: &str, view: &View) -> String {
    assert_eq!(limits::view(view), Vec::<String>::new(), "{name}");
    format!("== {name}\n{}\n\n", plain::view(view))
}

fn new() -> Form {
    Form::Brief { request: "r-1".to_owned(), channel: "C024".to_owned(), thread: None }
}

fn answer() -> Form {
    Form::Answer { handle: "dt-142:toolu_01".to_owned() }
}

#[test]
fn each_form_asks_for_what_is_needed_and_keeps_what_was_typed() {
    let typed = Draft {
        repo: "api".to_owned(),
        goal: "Add a retry\nto the sender".to_owned(),
        checks: "cargo test".to_owned(),
        plan: true,
        ..Draft::default()
    };
    let mut several = question("Retry on what?", &["HTTP 429", "HTTP 5xx"]);
    several.multi_select = true;
    let asked = questions(vec![
        question("Which budget?", &["3 tries", "5 tries"]),
        several,
        question("Its name?", &[]),
    ]);
    let permission = ask(AskWhat::Permission { tool: "Bash".to_owned(), detail: "rm -rf target".to_owned() });
    let plan = ask(AskWhat::Plan { text: "# Plan".to_owned() });
    let all = [
        shown("brief", &brief_form(&Draft::default(), &new(), &[])),
        shown("brief, come back", &brief_form(&typed, &new(), &[(brief::REPO, BAD_REPO)])),
        shown("three questions", &answer_form(&asked, &answer())),
        shown("free text", &answer_form(&questions(vec![question("Its name?", &[])]), &answer())),
        shown("permission", &answer_form(&permission, &answer())),
        shown("plan", &answer_form(&plan, &answer())),
        shown("over", &notice_form(&troubles::no_form(), Some("my words"))),
    ];
    insta::assert_snapshot!("forms", all.concat());
}

#[test]
fn a_text_that_does_not_fit_a_form_goes_along_whole_or_is_cut_and_the_form_says_so() {
    let draft = Draft { goal: "word ".repeat(8_000), ..Draft::default() };
    let shown = shown("long", &brief_form(&draft, &new(), &[]));
    assert!(shown.contains("Your text of 40000 characters goes along as it is."), "{shown}");
    let draft = Draft { done_when: "word ".repeat(8_000), ..Draft::default() };
    let shown = self::shown("long", &brief_form(&draft, &new(), &[]));
    assert!(shown.contains("It has 40000 characters"), "{}", shown.chars().take(300).collect::<String>());
}

#[test]
fn options_that_would_break_a_form_leave_room_for_words() {
    let labels: Vec<String> = (0..100).map(|i| format!("{i} {}", "x".repeat(70))).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut asked: Vec<Question> = (0..40).map(|_| question("Which?", &labels)).collect();
    asked.iter_mut().flat_map(|q| &mut q.options).for_each(|o| o.description = "\"".repeat(75));
    let shown = shown("large", &answer_form(&questions(asked), &answer()));
    assert!(shown.contains("`q39own`") && !shown.contains("static_select"), "{}", shown.len());
}

#[test]
fn problems_stand_beside_their_fields() {
    let both = [
        (brief::REPO.to_owned(), BAD_REPO.to_owned()),
        (brief::GOAL.to_owned(), say::NEEDS_ANSWER.to_owned()),
    ];
    insta::assert_snapshot!(
        problems(&both),
        @r#"{"errors":{"goal":"Choose an option or write an answer.","repo":"This names no repository; it looks like acme/api."},"response_action":"errors"}"#
    );
}
