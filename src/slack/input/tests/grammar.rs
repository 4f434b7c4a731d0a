//! The words after `/devtask` and after a mention.

use super::super::command::{Command, InThread, Mine};
use super::super::options::Draft;
use crate::domain::SessionId;
use crate::wire::api::Act;

fn typed(line: &str) -> Command {
    Command::typed(line)
}

fn id(number: u32) -> SessionId {
    SessionId::new(number).unwrap()
}

fn goal(text: &str) -> Draft {
    Draft { goal: text.into(), ..Draft::default() }
}

#[test]
fn every_verb_is_understood() {
    let table = [
        ("", Command::Help),
        ("  help ", Command::Help),
        ("help me", Command::Help),
        ("new", Command::New(Draft::default())),
        ("NEW  Add a retry", Command::New(goal("Add a retry"))),
        ("new\nAdd a retry\nand a test", Command::New(goal("Add a retry\nand a test"))),
        ("list", Command::List(Mine::Mine)),
        ("list all", Command::List(Mine::All)),
        ("list Mine", Command::List(Mine::Mine)),
        ("show dt-7", Command::Show(id(7))),
        ("status 7", Command::Show(id(7))),
        ("pause DT-7", Command::Act { session: id(7), act: Act::Pause { reason: None } }),
        ("resume 7 please", Command::Act { session: id(7), act: Act::Resume }),
        (
            "cancel 7 not needed any more",
            Command::Act { session: id(7), act: Act::Cancel { reason: Some("not needed any more".into()) } },
        ),
    ];
    for (line, command) in table {
        assert_eq!(typed(line), command, "{line}");
    }
}

#[test]
fn a_verb_without_its_session_says_so() {
    for (line, verb, said) in
        [("show", "show", ""), ("pause it", "pause", "it"), ("cancel dt-0", "cancel", "dt-0")]
    {
        assert_eq!(typed(line), Command::NoId { verb, said: said.into() }, "{line}");
    }
}

#[test]
fn a_verb_misspelt_is_offered_and_nothing_else() {
    let nearest = |line: &str| match typed(line) {
        Command::Unknown { nearest, .. } => nearest,
        other => panic!("understood `{line}`: {other:?}"),
    };
    let table = [
        ("nwe Add a retry", Some("new")),
        ("neu", Some("new")),
        ("puase 7", Some("pause")),
        ("pauze 7", Some("pause")),
        ("cancle 7", Some("cancel")),
        ("resme", Some("resume")),
        ("lst", Some("list")),
        ("shwo 1", Some("show")),
        ("hlep", Some("help")),
        ("list everything", Some("list")),
        ("Add a retry", None),
        ("deploy", None),
        ("xy", None),
        (&"n".repeat(40_000), None),
    ];
    for (line, offered) in table {
        assert_eq!(nearest(line), offered, "{}", &line[..line.len().min(40)]);
    }
}

#[test]
fn options_stand_anywhere_and_are_taken_out() {
    let draft = Draft::of(
        "repo:acme/api Add a retry base:dev model:opus to the sender effort:high agent:claude priority:-2",
    );
    assert_eq!(draft.goal, "Add a retry to the sender");
    assert_eq!(draft.repo.as_deref(), Some("acme/api"));
    assert_eq!(draft.base.as_deref(), Some("dev"));
    assert_eq!(draft.model.as_deref(), Some("opus"));
    assert_eq!(draft.effort.as_deref(), Some("high"));
    assert_eq!(draft.agent.as_deref(), Some("claude"));
    assert_eq!(draft.priority.as_deref(), Some("-2"));
    assert_eq!(draft.plan, None);
}

#[test]
fn lines_stay_lines() {
    let draft = Draft::of("Add a retry\n\n- with jitter repo:acme/api\n- and a test\nbase:dev");
    assert_eq!(draft.goal, "Add a retry\n\n- with jitter\n- and a test");
    assert_eq!(draft.base.as_deref(), Some("dev"));
}

#[test]
fn a_value_apart_from_its_key_must_look_like_one() {
    let draft = Draft::of("Fix it repo: acme/api priority: 3 effort: low");
    assert_eq!((draft.goal.as_str(), draft.repo.as_deref()), ("Fix it", Some("acme/api")));
    assert_eq!((draft.priority.as_deref(), draft.effort.as_deref()), (Some("3"), Some("low")));
    for sentence in [
        "Fix the model: it is slow",
        "One more repo: the old one",
        "Set priority: high in the config",
        "The base: a table",
        "effort:",
        "Mention repo:",
        "see http://x.org/base:dev",
    ] {
        assert_eq!(Draft::of(sentence), goal(sentence), "{sentence}");
    }
}

#[test]
fn a_repository_that_is_none_is_kept_as_typed_so_that_it_can_be_said() {
    assert_eq!(Draft::of("Fix it repo:nonsense").repo.as_deref(), Some("nonsense"));
    assert_eq!(Draft::of("Fix it (repo:acme/api), please").repo, None, "a bracket makes it a sentence");
    assert_eq!(Draft::of("Fix it repo:acme/api, please").repo.as_deref(), Some("acme/api"));
    assert_eq!(Draft::of("repo:a/b Fix it repo:c/d").repo.as_deref(), Some("c/d"), "the last one counts");
}

#[test]
fn a_github_address_names_the_repository_and_stays_in_the_text() {
    let repo = |text: &str| {
        let draft = Draft::of(text);
        assert_eq!(draft.goal, text);
        draft.repo
    };
    assert_eq!(repo("Fix https://github.com/acme/api/issues/3.").as_deref(), Some("acme/api"));
    assert_eq!(repo("Fix (https://github.com/acme/api)").as_deref(), Some("acme/api"));
    assert_eq!(repo("https://github.com/a/b and https://github.com/a/b/pull/1").as_deref(), Some("a/b"));
    assert_eq!(repo("https://github.com/a/b like https://github.com/c/d"), None, "two are no choice");
    assert_eq!(repo("https://github.com/acme and https://gitlab.com/a/b"), None);
    let said = Draft::of("Fix https://github.com/a/b/issues/3 repo:c/d");
    assert_eq!(said.repo.as_deref(), Some("c/d"), "what is said counts before what is found");
}

#[test]
fn plan_and_auto_are_options_beside_options_and_words_in_sentences() {
    let of = |text: &str| {
        let draft = Draft::of(text);
        (draft.goal.clone(), draft.plan)
    };
    assert_eq!(of("Add a retry repo:a/b plan"), ("Add a retry".into(), Some(true)));
    assert_eq!(of("plan repo:a/b Add a retry"), ("Add a retry".into(), Some(true)));
    assert_eq!(of("Add a retry --plan now"), ("Add a retry now".into(), Some(true)));
    assert_eq!(of("Add a retry repo:a/b auto"), ("Add a retry".into(), Some(false)));
    assert_eq!(of("Write the test plan"), ("Write the test plan".into(), Some(true)));
    assert_eq!(of("Write the test plan repo:a/b"), ("Write the test plan".into(), Some(true)));
    assert_eq!(of("Write a plan for the move"), ("Write a plan for the move".into(), None));
    assert_eq!(of("repo:a/b plan the move"), ("plan the move".into(), None));
}

#[test]
fn what_a_form_has_no_field_for_comes_back_from_it() {
    let draft = Draft::of("Add a retry model:opus effort:high repo:a/b agent:claude priority:3");
    let again = Draft::of(&draft.kept());
    assert_eq!(again, Draft { repo: None, ..draft });
}

#[test]
fn what_is_given_back_is_what_was_typed() {
    for text in
        ["Add a retry repo:a/b base:dev plan", "Write the test plan", "Fix https://github.com/a/b/issues/3"]
    {
        assert_eq!(Draft::of(text).typed(), text);
        assert_eq!(Draft::of(&Draft::of(text).typed()), Draft::of(text));
    }
}

#[test]
fn a_mention_is_a_brief_unless_it_is_a_verb_and_nothing_else() {
    assert_eq!(Command::spoken("help"), Command::Help);
    assert_eq!(Command::spoken(""), Command::Help);
    assert_eq!(Command::spoken("list all"), Command::List(Mine::All));
    assert_eq!(
        Command::spoken("pause dt-3"),
        Command::Act { session: id(3), act: Act::Pause { reason: None } }
    );
    assert_eq!(Command::spoken("new Add a retry"), Command::New(goal("Add a retry")));
    for sentence in [
        "Add a retry",
        "list the users by name",
        "pause 3 of the workers when it is hot",
        "cancel the order",
        "help me with the tests",
        "show the price",
        "resume 7 of the workers",
    ] {
        assert_eq!(Command::spoken(sentence), Command::New(goal(sentence)), "{sentence}");
    }
}

#[test]
fn in_a_thread_only_a_lone_verb_is_one() {
    let said = |text: &str| InThread::spoken(text, id(3));
    assert_eq!(said("pause"), InThread::Act(Act::Pause { reason: None }));
    assert_eq!(said("Resume!"), InThread::Act(Act::Resume));
    assert_eq!(said("cancel dt-3"), InThread::Act(Act::Cancel { reason: None }));
    assert_eq!(said("status"), InThread::Status);
    assert_eq!(said("help"), InThread::Help);
    assert_eq!(
        said("new Add a retry repo:a/b"),
        InThread::New(Box::new(Draft { repo: Some("a/b".into()), ..goal("Add a retry") }))
    );
    for words in ["pause the deploy first", "cancel dt-4", "stop", "and the list?"] {
        assert_eq!(said(words), InThread::Interrupt(words.into()), "{words}");
    }
}
