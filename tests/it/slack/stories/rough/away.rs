//! We are not where we are asked: taken out of the channel, or the channel is closed.

use devtask::workbench::slack::Fault;

use super::harmless::all_harmless;
use super::{ANA, DEV, Mode, QUIET, Town, frozen, over, saying, told};

in_both_modes! {
    taken_out_of_the_channel_the_rest_goes_to_the_owner
    an_archived_channel_does_not_stop_the_work
    taken_out_of_a_private_channel_the_way_back_is_said
}

async fn taken_out_of_the_channel_the_rest_goes_to_the_owner(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    assert!(town.slack.fault(Fault::Removed { channel: DEV.into() }));
    town.presses(ANA, "With an exclamation mark").await;
    let direct = town.sees("D0ANA", "the summary is there", over).await;
    insta::assert_snapshot!("removed_channel", frozen(&town.seen(DEV)));
    insta::assert_snapshot!("removed_direct", told(&direct));
    all_harmless(&town, &["@U0ANA", "#C0DEV"]);
}

async fn an_archived_channel_does_not_stop_the_work(mode: Mode) {
    let town = Town::open(mode).await;
    town.says(ANA, DEV, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(DEV, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    assert!(town.slack.fault(Fault::Archived { channel: DEV.into() }));
    town.presses(ANA, "With an exclamation mark").await;
    let direct = town.sees("D0ANA", "the summary is there", over).await;
    insta::assert_snapshot!("archived_direct", told(&direct));
}

async fn taken_out_of_a_private_channel_the_way_back_is_said(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(QUIET);
    town.says(ANA, QUIET, "/devtask new Make the greeting polite\n<script:question>", None).await;
    town.sees(QUIET, "it asks", |seen| seen.contains("With an exclamation mark")).await;
    assert!(town.slack.fault(Fault::Removed { channel: QUIET.into() }));
    press(&town, QUIET, "Pause").await;
    town.sees("D0ANA", "it asks again where it can be answered", |seen| seen.contains("❓")).await;
    let (root, _) = saying(&town, "dt-1 · Make the greeting polite");
    town.says(ANA, "D0ANA", "With an exclamation mark", Some(&root)).await;
    town.sees("D0ANA", "it is answered", |seen| seen.contains("*Answered*")).await;
    press(&town, "D0ANA", "Resume").await;
    let direct = town.sees("D0ANA", "the summary is there", over).await;
    insta::assert_snapshot!("removed_private_direct", told(&direct));
    town.says(ANA, QUIET, "/devtask new Another note", None).await;
    let quiet = town.sees(QUIET, "the way in is said", |seen| seen.contains("/invite")).await;
    insta::assert_snapshot!("removed_private", frozen(&quiet));
}

async fn press(town: &Town, channel: &str, words: &str) {
    let what = format!("there is a button [{words}]");
    let receipt = town.until(&what, async || town.slack.press(ANA, channel, words).ok()).await;
    town.acked(&receipt).await;
}
