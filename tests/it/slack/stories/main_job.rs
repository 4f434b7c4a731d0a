//! The main job, from the first word to the pull request.

use devtask::domain::session::Status;
use devtask::wire::api::{Control, Filter};
use devtask::workbench::slack::Place;
use serde_json::json;

use super::super::town::{ANA, BO, CY, DEV, GUS, Mode, QUIET, Rules, Town, ZOE};
use super::hands::told;
use super::{summed_up, without_figures};

in_both_modes! {
    a_slash_command_becomes_a_pull_request
    a_mention_does_the_same_and_its_thread_is_the_sessions
    the_form_keeps_what_was_typed_and_makes_one_session
    a_thread_steers_its_session
    a_question_nobody_answers_in_time_looks_the_same_and_is_answered_later
    only_the_owner_and_admins_drive
    what_cannot_be_done_is_said_where_it_was_asked
    a_killed_server_tells_everything_once
}

async fn a_slash_command_becomes_a_pull_request(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite priority:1\n<script:question>", None).await;
    town.presses(ANA, "With an exclamation mark").await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    assert!(seen.contains("(only ana) [devtask]\n  *dt-1* is on its way in demo/sample"), "{seen}");
    insta::assert_snapshot!("slash_to_pull_request", told(&seen));
    let pulls = town.forge.pulls().await.unwrap();
    assert_eq!(pulls.len(), 1);
    assert!(pulls[0].body.contains("\ndt-1 for Ana, from `main`"), "{}", pulls[0].body);
    assert_eq!(town.authors(&pulls[0].head).await, ["Ana"]);
    let session = town.remote.show("1".parse().unwrap()).await.unwrap();
    assert_eq!(
        (session.status, session.owner.as_str(), session.priority),
        (Status::Done, "person:slack/U0ANA", 1)
    );
}

async fn a_mention_does_the_same_and_its_thread_is_the_sessions(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    let ts = town.says(ANA, DEV, "@devtask Leave a note", None).await.unwrap();
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("mention_to_pull_request", told(&seen));
    town.says(ANA, DEV, "And now sign it", Some(&ts)).await;
    let again = |seen: &str| seen.matches("is done*").count() == 2;
    town.sees(DEV, "the follow-up is done", again).await;
    assert_eq!(town.remote.list(Filter::default()).await.unwrap().sessions.len(), 1);
}

async fn the_form_keeps_what_was_typed_and_makes_one_session(mode: Mode) {
    let town = Town::open_with(mode, Rules { repo: None, ..Rules::default() }).await;
    town.says(ANA, DEV, "/devtask new", None).await;
    let form = town.until("the form is open", async || town.slack.modal(ANA)).await;
    insta::assert_snapshot!("brief_form", form);
    let view = town.slack.state(ANA).unwrap()["modal"]["id"].as_str().unwrap().to_owned();
    let at = || Place::View { view: view.clone() };
    town.fills(ANA, at(), "goal", "value", json!("Leave a note")).await;
    town.fills(ANA, at(), "repo", "value", json!("not a repository")).await;
    town.submits(ANA).await;
    let refused = town.until("the form says what is wrong", async || {
        town.slack.modal(ANA).filter(|form| form.contains("not a repository") && form.contains("names no"))
    });
    insta::assert_snapshot!("brief_form_refused", refused.await);
    town.fills(ANA, at(), "repo", "value", json!("demo/sample")).await;
    town.submits(ANA).await;
    town.sees(DEV, "the session is there", |seen| seen.contains("dt-1")).await;
    assert!(town.slack.modal(ANA).is_none(), "the form is gone");
    assert_eq!(town.remote.list(Filter::default()).await.unwrap().sessions.len(), 1);
}

async fn a_thread_steers_its_session(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    let ts = town.says(ANA, DEV, "@devtask Make the greeting polite\n<script:question>", None).await.unwrap();
    let thread = Some(ts.as_str());
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    town.told(1).await;
    town.says(ANA, DEV, "@devtask pause", thread).await;
    town.sees(DEV, "it is paused", |seen| seen.contains("*Paused*")).await;
    town.told(2).await;
    town.says(ANA, DEV, "@devtask status", thread).await;
    town.told(3).await;
    town.says(ANA, DEV, "@devtask resume", thread).await;
    town.told(4).await;
    town.says(ANA, DEV, "!aside this is for people only", thread).await;
    town.says(ANA, DEV, "@devtask cancel", thread).await;
    town.told(5).await;
    let over = |seen: &str| seen.contains("is cancelled*") && seen.contains("*Cancelled*");
    let seen = town.sees(DEV, "it is cancelled", over).await;
    insta::assert_snapshot!("thread_steers", without_figures(&told(&seen)));
    let elsewhere = town.says(BO, DEV, "Who has lunch plans?", None).await.unwrap();
    town.says(BO, DEV, "A reply in somebody's own thread", Some(&elsewhere)).await;
    assert_eq!(town.remote.list(Filter::default()).await.unwrap().sessions.len(), 1);
}

async fn a_question_nobody_answers_in_time_looks_the_same_and_is_answered_later(mode: Mode) {
    let mut town = Town::open_with(mode, Rules { hold: 1, ..Rules::default() }).await;
    town.says(ANA, DEV, "/devtask new Greet in the team's language\n<script:later>", None).await;
    town.until("its agent sleeps", async || {
        let session = town.remote.show("1".parse().unwrap()).await.ok()?;
        (session.status == Status::Paused).then_some(())
    })
    .await;
    town.kill();
    town.start().await;
    let seen = town.sees(DEV, "it waits", |seen| seen.contains("Waiting for you")).await;
    insta::assert_snapshot!("deferred_question", told(&seen));
    town.presses(ANA, "English").await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("deferred_question_done", told(&seen));
}

async fn only_the_owner_and_admins_drive(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    for (n, stranger) in [BO, GUS, ZOE].into_iter().enumerate() {
        town.presses(stranger, "Pause").await;
        town.told(2 * n + 2).await;
        town.presses(stranger, "With an exclamation mark").await;
        town.told(2 * n + 3).await;
    }
    for (n, stranger) in [GUS, ZOE].into_iter().enumerate() {
        town.says(stranger, DEV, "@devtask Leave a note", None).await;
        town.told(n + 8).await;
    }
    let session = town.remote.show("1".parse().unwrap()).await.unwrap();
    assert_eq!((session.status, session.asks.len()), (Status::Running, 1), "{session:#?}");
    town.presses(CY, "Cancel").await;
    let over = |seen: &str| seen.contains("is cancelled*") && seen.contains("*Cancelled*");
    let seen = town.sees(DEV, "an admin cancelled it", over).await;
    insta::assert_snapshot!("who_may", without_figures(&told(&seen)));
    assert_eq!(town.remote.list(Filter::default()).await.unwrap().sessions.len(), 1);
}

async fn what_cannot_be_done_is_said_where_it_was_asked(mode: Mode) {
    let town = Town::open_with(mode, Rules { repo: None, ..Rules::default() }).await;
    let words = [
        "/devtask cancle 1",
        "/devtask help",
        "/devtask list",
        "/devtask show 7",
        "/devtask pause",
        "/devtask pause 7",
        "/devtask new repo:nothing Leave a note",
    ];
    for (n, text) in words.into_iter().enumerate() {
        town.says(ANA, DEV, text, None).await;
        town.told(n + 1).await;
    }
    town.says(ANA, QUIET, "/devtask new repo:demo/sample Leave a note", None).await;
    insta::assert_snapshot!("refusals", town.seen(DEV));
    let quiet = town.sees(QUIET, "the way in is said", |seen| seen.contains("/invite")).await;
    insta::assert_snapshot!("private_channel", quiet);
}

async fn a_killed_server_tells_everything_once(mode: Mode) {
    let mut town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    town.kill();
    town.start().await;
    town.presses(ANA, "With an exclamation mark").await;
    town.kill();
    town.start().await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("slash_to_pull_request_killed", told(&seen));
}
