//! Messages deleted under us: the session goes on and can still be answered.

use devtask::workbench::slack::{Act, Fault, What};

use super::{ANA, CY, DEV, Mode, Town, over, saying, told};

in_both_modes! {
    an_ask_deleted_under_us_is_answered_by_a_reply
    a_deleted_root_comes_again_and_its_thread_goes_on
    a_thread_whose_first_message_went_moves_to_the_owner
}

/// An admin takes a message away.
fn deletes(town: &Town, ts: &str) {
    town.slack.act(CY, Act::Delete { channel: DEV.into(), ts: ts.to_owned() }).unwrap();
}

async fn an_ask_deleted_under_us_is_answered_by_a_reply(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    let (ask, message) = saying(&town, "How shall the greeting end?");
    deletes(&town, &ask);
    town.says(ANA, DEV, "With an exclamation mark", message["thread"].as_str()).await;
    let seen = town.sees(DEV, "the summary is there", over).await;
    insta::assert_snapshot!("deleted_ask", told(&seen));
}

async fn a_deleted_root_comes_again_and_its_thread_goes_on(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    let (root, _) = saying(&town, "dt-1 · Make the greeting polite");
    deletes(&town, &root);
    town.says(ANA, DEV, "@devtask pause", Some(&root)).await;
    town.sees(DEV, "the root is there again", |seen| seen.contains("*Paused*")).await;
    town.presses(ANA, "Resume").await;
    town.says(ANA, DEV, "With an exclamation mark", Some(&root)).await;
    let seen = town.sees(DEV, "the summary is there", over).await;
    insta::assert_snapshot!("deleted_root", told(&seen));
    assert_eq!(seen.matches("## dt-1 ").count(), 1, "{seen}");
}

async fn a_thread_whose_first_message_went_moves_to_the_owner(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    // Long enough for somebody to think better of it.
    town.slack.fault(Fault::call("chat.postMessage", What::Delay { ms: 1_500 }));
    let ts = town.says(ANA, DEV, "@devtask Leave a note", None).await.unwrap();
    town.until("the root is on its way", async || {
        (town.slack.calls().count("chat.postMessage") > 0).then_some(())
    })
    .await;
    town.slack.act(ANA, Act::Delete { channel: DEV.into(), ts: ts.clone() }).unwrap();
    let seen = town.sees("D0ANA", "the summary is there", over).await;
    insta::assert_snapshot!("deleted_parent", told(&seen));
    assert!(!town.seen(DEV).contains("## dt-1"), "{}", town.seen(DEV));
}
