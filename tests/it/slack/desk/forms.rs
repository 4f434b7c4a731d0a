//! The brief form.

use super::house::{ANA, DEV, House};

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost() {
    let house = House::open_with(None).await;
    house.commands("/devtask new Sort the basket model:opus priority:3").await;
    assert!(house.slack.modal(ANA).unwrap().contains("Sort the basket model:opus priority:3"));
    house.fills(ANA, "repo", "acme/nothing");
    house.fills(ANA, "done_when", "It is sorted");
    house.submits(ANA).await;
    insta::assert_snapshot!("form_unknown_repo", house.slack.modal(ANA).unwrap());
    house.fills(ANA, "repo", "acme/shop");
    house.fills(ANA, "checks", "make 'open");
    house.submits(ANA).await;
    insta::assert_snapshot!("form_bad_check", house.slack.modal(ANA).unwrap());
    house.fills(ANA, "checks", "make test");
    house.submits(ANA).await;
    assert!(house.slack.modal(ANA).is_none());
    let view = house.world.show(1).await;
    assert_eq!(
        (view.brief.goal.as_str(), view.priority, view.model.as_deref()),
        ("Sort the basket", 3, Some("opus"))
    );
    assert_eq!(
        (view.brief.done_when, view.brief.checks),
        (vec!["It is sorted".into()], vec!["make test".into()])
    );
    insta::assert_snapshot!("form_started", house.seen(DEV));
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_session() {
    let house = House::open_with(None).await;
    house.commands("/devtask new").await;
    house.fills(ANA, "goal", "Sort the basket");
    house.fills(ANA, "repo", "acme/shop");
    let again = house.slack.state(ANA).unwrap()["modal"]["view"].clone();
    house.submits(ANA).await;
    assert_eq!(house.sessions().await, 1);
    // The same form once more, as a finger that was too fast sends it.
    let view = serde_json::json!({
        "id": again["id"], "callback_id": "dt.brief", "private_metadata": again["private_metadata"],
        "state": { "values": {
            "goal": { "value": { "type": "plain_text_input", "value": "Sort the basket" } },
            "repo": { "value": { "type": "plain_text_input", "value": "acme/shop" } },
        } },
    });
    assert!(view["private_metadata"].is_string(), "{again:#}");
    let payload =
        serde_json::json!({ "type": "view_submission", "user": { "id": ANA }, "view": view }).to_string();
    let now = house.world.clock.now();
    let delivery = devtask::store::slack::Delivery {
        key: "interaction:again".into(),
        kind: "interaction".into(),
        payload,
        received_at: now,
        deadline: now,
    };
    devtask::slack::deliveries::Work::work(&*house.desk, &delivery).await;
    assert_eq!(house.sessions().await, 1);
}

#[tokio::test]
async fn the_repository_used_last_stands_in_the_form() {
    let house = House::open_with(None).await;
    house.commands("/devtask new Sort the basket repo:acme/shop").await;
    assert_eq!(house.sessions().await, 1);
    house.commands("/devtask new Paint it").await;
    assert_eq!(house.sessions().await, 2, "it is used without asking");
    house.commands("/devtask new").await;
    assert!(house.slack.modal(ANA).unwrap().contains("acme/shop"));
}
