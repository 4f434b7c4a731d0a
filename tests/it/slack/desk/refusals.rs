//! What is not done is said to the one who asked, where they asked, with what they typed.

use devtask::workbench::slack::{Fault, What};

use super::house::{ANA, BO, DEV, GUS, House, QUIET, ZOE};

#[tokio::test]
async fn a_command_that_cannot_be_carried_out_says_why_and_what_to_do() {
    let house = House::open().await;
    for text in [
        "/devtask nwe Sort the basket",
        "/devtask Sort the basket",
        "/devtask list everything",
        "/devtask show",
        "/devtask pause it",
        "/devtask cancel 7",
        "/devtask new Sort the basket repo:acme/nothing",
        "/devtask new Sort the basket repo:nonsense",
        "/devtask new Sort the basket base:-x",
        "/devtask new Sort the basket priority:high",
        "/devtask new Sort the basket agent:gpt",
        "/devtask list",
    ] {
        house.commands(text).await;
    }
    insta::assert_snapshot!("refused_commands", house.seen(DEV));
    assert_eq!(house.sessions().await, 0);
}

#[tokio::test]
async fn guests_and_other_workspaces_are_refused_and_members_drive_only_their_own() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    for who in [GUS, ZOE] {
        house.says(who, DEV, "/devtask new Paint it", None).await;
        house.says(who, DEV, "/devtask list all", None).await;
    }
    house.says(BO, DEV, "/devtask cancel 1", None).await;
    house.says(BO, DEV, "/devtask show 1", None).await;
    insta::assert_snapshot!("refused_people", house.seen(DEV));
    assert_eq!(house.sessions().await, 1);
}

#[tokio::test]
async fn a_private_channel_we_are_not_in_says_how_to_invite() {
    let house = House::open().await;
    house.says(ANA, QUIET, "/devtask new Sort the basket", None).await;
    insta::assert_snapshot!("not_invited", house.seen(QUIET));
    assert_eq!(house.sessions().await, 0);
    house.slack.enter(QUIET, &house.slack.bot_user()).unwrap();
    house.says(ANA, QUIET, "/devtask new Sort the basket", None).await;
    assert_eq!(house.sessions().await, 1);
}

#[tokio::test]
async fn without_a_repository_a_mention_is_given_a_button() {
    let house = House::open_with(None).await;
    house.slack.enter(DEV, &house.slack.bot_user()).unwrap();
    house.says(ANA, DEV, "@devtask Sort the <basket> & say \"done\"", None).await;
    insta::assert_snapshot!("no_repository", house.seen(DEV));
    house.slack.set_topic(DEV, "Shop · repo:acme/shop").unwrap();
    house.says(ANA, DEV, "@devtask Sort the basket", None).await;
    assert_eq!(house.world.show(1).await.repo, "acme/shop", "the topic says it");
}

#[tokio::test]
async fn forty_thousand_characters_and_hostile_text_are_a_brief_like_any_other() {
    let house = House::open().await;
    let long = "long ".repeat(7_900);
    house.commands(&format!("/devtask new {long}")).await;
    house.commands("/devtask new <!channel> <@U0BO> \u{202e}evil\0 `x` *b* <https://evil.example|ok>").await;
    house.commands("/devtask nwe <!channel> <@U0BO> \u{202e}evil").await;
    house.pass(4).await;
    assert_eq!(house.world.show(1).await.brief.goal, long.trim());
    let seen = house.seen(DEV);
    assert!(
        !seen.contains("‹@channel›") && !seen.contains("‹!channel›") && !seen.contains("‹@bo›"),
        "{seen}"
    );
    assert_eq!(house.sessions().await, 2);
}

#[tokio::test]
async fn a_form_that_slack_does_not_open_any_more_is_said_with_the_text() {
    let house = House::open_with(None).await;
    house.slack.fault(Fault::call("views.open", What::Error { error: "expired_trigger_id".into() }));
    house.commands("/devtask new Sort the basket").await;
    insta::assert_snapshot!("expired_trigger", house.seen(DEV));
    assert!(house.slack.modal(ANA).is_none());
}
