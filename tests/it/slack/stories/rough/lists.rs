//! What runs, what waits and what is in line, as a person reads it; and that doing it twice does it once.

use devtask::domain::report::Phase;
use devtask::domain::session::Status;
use devtask::wire::api::Control;
use devtask::workbench::slack::{Fault, Place};
use serde_json::json;

use super::{ANA, DEV, Mode, Rules, Town, comes_to, sessions, told};

in_both_modes! {
    a_list_says_who_waits_and_who_is_in_line
    doing_it_twice_makes_one_session
}

async fn a_list_says_who_waits_and_who_is_in_line(mode: Mode) {
    let town = Town::open_with(mode, Rules { slots: 1, hold: 1, ..Rules::default() }).await;
    town.says(ANA, DEV, "/devtask new Greet in the team's language\n<script:later>", None).await;
    comes_to(&town, 1, Status::Paused).await;
    let briefs = ["Write the greeting's history\n<script:cancelled>", "Leave a note", "Leave another note"];
    for (n, text) in briefs.into_iter().enumerate() {
        town.says(ANA, DEV, &format!("/devtask new {text}"), None).await;
        town.told(n + 2).await;
    }
    comes_to(&town, 2, Status::Running).await;
    town.sees(DEV, "the roots stand", |seen| seen.contains("2nd in line") && seen.contains("Next in line"))
        .await;
    town.sees(DEV, "the root shows that it waits", |seen| seen.contains("*Waiting for you*")).await;
    town.until("the second works on the code", async || {
        let session = town.remote.show("2".parse().unwrap()).await.ok()?;
        (session.phase == Phase::Execute).then_some(())
    })
    .await;
    for (n, words) in ["list", "show 1", "show 2", "show 4", "list all"].into_iter().enumerate() {
        town.says(ANA, DEV, &format!("/devtask {words}"), None).await;
        town.told(n + 5).await;
    }
    let seen = town.seen(DEV);
    let list = seen.rfind("(only ana) [devtask]\n  *4 sessions*").unwrap();
    let first = seen.find("(only ana) [devtask]\n  *4 sessions*").unwrap();
    assert!(first < list, "the own list and everybody's");
    insta::assert_snapshot!("lists", told(&seen[first..]));
}

async fn doing_it_twice_makes_one_session(mode: Mode) {
    let town = Town::open_with(mode, Rules { repo: None, slots: 1, ..Rules::default() }).await;
    town.invite(DEV);
    let say = "/devtask new repo:demo/sample Leave a note";
    town.slack.fault(Fault::Twice { times: 1 });
    town.says(ANA, DEV, say, None).await;
    town.told(1).await;
    town.slack.fault(Fault::Repeat { times: 2 });
    town.says(ANA, DEV, "@devtask Leave a second note", None).await;
    town.told(2).await;
    town.slack.fault(Fault::Twice { times: 1 });
    town.says(ANA, DEV, "/devtask new", None).await;
    town.until("the form is open", async || town.slack.modal(ANA)).await;
    let view = town.slack.state(ANA).unwrap()["modal"].clone();
    assert_eq!(view["depth"], 1, "one form for one trigger");
    let at = || Place::View { view: view["id"].as_str().unwrap().to_owned() };
    town.fills(ANA, at(), "goal", "value", json!("Leave a third note")).await;
    // The first is made and nobody hears of it; so it is sent again, and that one twice.
    town.slack.fault(Fault::Unheard { times: 1 });
    let receipt = town.slack.act(ANA, devtask::workbench::slack::Act::Submit).unwrap();
    let lost =
        town.slack.settled(receipt.delivery.as_deref().unwrap(), std::time::Duration::from_secs(30)).await;
    assert_eq!(lost.unwrap()["outcome"], "failed");
    let form = town.slack.modal(ANA).unwrap();
    assert!(form.contains("Leave a third note"), "what was typed stays: {form}");
    town.slack.fault(Fault::Twice { times: 1 });
    town.submits(ANA).await;
    assert!(town.slack.modal(ANA).is_none(), "the form is gone");
    town.sees(DEV, "all is said", |seen| seen.matches("is on its way").count() >= 3).await;
    assert_eq!(sessions(&town).await, 3);
    town.sees(DEV, "all have their roots", |seen| seen.contains("## dt-3")).await;
    let seen = town.seen(DEV);
    for n in 1..=3 {
        assert_eq!(seen.matches(&format!("## dt-{n} ")).count(), 1, "{seen}");
    }
}
