//! What one person alone is shown.

use super::*;
use crate::domain::session::Refusal as Illegal;
use crate::slack::render::{Post, help, list, notice, notice_with, refused, said, show, unknown_verb};
use crate::slack::words::troubles;
use crate::wire::api::{Code, Refusal};

fn shown(name: &str, post: &Post) -> String {
    assert_eq!(limits::post(post), Vec::<String>::new(), "{name}");
    format!("== {name}\n{}\n\n", plain::post(post))
}

#[test]
fn lists_help_and_one_session_in_full() {
    let mut asking = session();
    asking.asks = vec![questions(vec![question("Which budget?", &[])])];
    let all = [
        shown("list", &list(&[done(), asking.clone(), session()], &people)),
        shown("list of none", &list(&[], &people)),
        shown("show, asking", &show(&asking, &people)),
        shown("show, done", &show(&done(), &people)),
        shown("help", &help()),
    ];
    insta::assert_snapshot!("lists", all.concat());
}

#[test]
fn a_long_list_says_how_many_are_left_out() {
    let shown = shown("long", &list(&vec![session(); 33], &people));
    assert!(shown.contains("and 13 sessions older"), "{shown}");
}

#[test]
fn every_refusal_says_what_happened_and_what_to_do() {
    let id = session().id;
    let illegal = Illegal::Illegal {
        session: id,
        status: Status::Paused,
        verb: Verb::Pause,
        legal: vec![Verb::Resume, Verb::Cancel],
    };
    let all = [
        shown("illegal", &refused(&Refusal::from(illegal))),
        shown(
            "settled",
            &refused(&Refusal::new(Code::Settled, "this ask was settled before: bo answered it")),
        ),
        shown(
            "invalid",
            &refused(&Refusal::new(Code::Invalid, "there is no agent `gpt`").hint("known: claude")),
        ),
        shown("internal", &refused(&Refusal::new(Code::Internal, "the database is full"))),
        shown("nearest verb", &unknown_verb("paus", Some("pause"))),
        shown("no verb", &unknown_verb("<!channel>", None)),
        shown("not yours", &notice(&troubles::not_yours(id, "person:slack/U024", &people))),
        shown("guest", &notice(&troubles::guest())),
        shown("other workspace", &notice(&troubles::other_workspace())),
        shown("not in channel", &notice(&troubles::not_in_channel("C024"))),
        shown("late", &notice(&troubles::late())),
        shown("no form", &notice(&troubles::no_form())),
        shown("no repository", &notice(&troubles::no_repo())),
        shown("empty", &notice(&troubles::empty())),
        shown("no session", &notice(&troubles::no_session("dt-0"))),
        shown("which session", &notice(&troubles::no_session(""))),
        shown("which question", &notice(&troubles::which_question(2))),
        shown("bad option", &notice(&troubles::bad_option("priority:high", "a whole number"))),
        shown("unknown control", &notice(&troubles::unknown_control())),
        shown("what was typed comes back", &notice_with(&troubles::no_repo(), "Add a retry\n<!channel>")),
        shown("starting", &said(&troubles::starting("Add a retry & more"))),
    ];
    insta::assert_snapshot!("refusals", all.concat());
}

#[test]
fn only_who_came_through_slack_is_mentioned() {
    for (actor, shown) in [
        ("person:slack/U024", "<@U024>"),
        ("person:local/ana", "ana"),
        ("person:slack/<!channel>", "‹!channel&gt;"),
        ("person:local/<@U999>", "‹@U999&gt;"),
        ("person:slack/u024", "u024"),
        ("control", "DevTask"),
        ("node", "the agent"),
        ("<@U1> <!here>", "‹@U1&gt; ‹!here&gt;"),
    ] {
        assert_eq!(words::person(&people, actor), shown, "{actor}");
    }
}
