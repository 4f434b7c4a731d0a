//! From drafts to requests, and what is wrong with them.

use super::super::new::{field_of, request, short};
use super::super::repo::named_in;
use crate::slack::button::brief;
use crate::slack::input::Draft;
use crate::wire::api::{Code, Refusal};

fn draft(text: &str) -> Draft {
    Draft::of(text)
}

fn wrong(draft: &Draft) -> (&'static str, String) {
    let (field, stop) = request(draft).unwrap_err();
    (field, stop.sentence())
}

#[test]
fn a_draft_becomes_a_request_to_the_letter() {
    let text = "Add a retry repo:acme/api base:dev agent:claude model:opus effort:high priority:-3 plan";
    let create =
        request(&Draft { done_when: "one\n\n two ".into(), checks: "cargo test\n".into(), ..draft(text) })
            .unwrap();
    assert_eq!((create.brief.goal.as_str(), create.repo.as_str()), ("Add a retry", "acme/api"));
    assert_eq!(
        (create.brief.done_when, create.brief.checks),
        (vec!["one".into(), "two".into()], vec!["cargo test".into()])
    );
    let options = [create.base, create.agent, create.model, create.effort].map(Option::unwrap);
    assert_eq!(options, ["dev", "claude", "opus", "high"]);
    assert_eq!((create.priority, create.plan), (-3, true));
}

#[test]
fn what_cannot_be_read_is_said_at_its_field() {
    let says = |field: &str, says: &str| (field.to_owned(), says.to_owned());
    let told = |draft: &Draft| {
        let (field, sentence) = wrong(draft);
        (field.to_owned(), sentence)
    };
    let empty = "the brief is empty; say what should be different when the session is done";
    assert_eq!(told(&draft("")), says(brief::GOAL, empty));
    let priority = "I cannot read `priority:high`. It takes a whole number from -128 to 127.";
    assert_eq!(told(&draft("Add a retry priority:high")), says(brief::GOAL, priority));
    let (field, sentence) = wrong(&draft(&"x".repeat(50_001)));
    assert!(field == brief::GOAL && sentence.starts_with("the brief has 50001 characters"), "{sentence}");
    let (field, sentence) = wrong(&Draft { checks: "cargo test 'open".into(), ..draft("Add a retry") });
    assert!(
        field == brief::CHECKS && sentence.starts_with("a check of the brief cannot be run"),
        "{sentence}"
    );
}

#[test]
fn forty_thousand_characters_are_a_brief() {
    let text = "long ".repeat(8_000);
    assert_eq!(request(&draft(&text)).unwrap().brief.goal.len(), 39_999);
}

#[test]
fn a_refusal_finds_the_field_it_is_about() {
    let create = request(&draft("Add a retry repo:acme/nothing base:-x agent:gpt model:o@1")).unwrap();
    let field = |message: &str| field_of(&Refusal::new(Code::Invalid, message), &create);
    assert_eq!(field("`-x` is no branch name"), brief::BASE);
    assert_eq!(field("there is no agent `gpt`"), brief::GOAL);
    assert_eq!(field("`o@1` is no name of a model or an effort"), brief::GOAL);
    assert_eq!(field("`acme/nothing` is not on the forge"), brief::REPO);
    assert_eq!(field("something else"), brief::REPO);
}

#[test]
fn a_topic_names_the_channels_repository() {
    let named = |topic: &str| named_in(topic);
    assert_eq!(named("Webhooks · repo:acme/api · on call: <@U1>").as_deref(), Some("acme/api"));
    assert_eq!(named("<https://github.com/acme/api|the code>").as_deref(), Some("acme/api"));
    assert_eq!(named("repo:<https://github.com/acme/api>").as_deref(), Some("acme/api"));
    for topic in ["", "Webhooks", "repo:nonsense", "repo:/etc", "repo:"] {
        assert_eq!(named(topic), None, "{topic}");
    }
}

#[test]
fn a_key_fits_whatever_it_is_made_of() {
    assert_eq!(short("slack/C1/17.1"), "slack/C1/17.1");
    let (one, two) = (short(&"x".repeat(151)), short(&"x".repeat(152)));
    assert!(one.len() < 60 && one != two && one == short(&"x".repeat(151)));
}
