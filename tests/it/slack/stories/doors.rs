//! Every door leads to the same session: a mention without a repository, a message's menu, a direct message.

use devtask::slack::manifest::SHORTCUT;
use devtask::wire::api::{Control, Filter};
use devtask::workbench::forge::Access;
use devtask::workbench::slack::{Act, Place};
use serde_json::json;

use super::super::town::{ANA, BO, DEV, Mode, Rules, Town};
use super::hands::told;
use super::summed_up;

in_both_modes! {
    a_mention_without_a_repository_is_asked_for_one
    a_message_is_given_to_devtask_from_its_menu
    a_direct_message_starts_a_session_there
    who_links_an_account_publishes_in_its_name
}

/// No repository is set up, and the bot hears the channel.
async fn bare(mode: Mode) -> Town {
    let town = Town::open_with(mode, Rules { repo: None, ..Rules::default() }).await;
    town.invite(DEV);
    town
}

impl Town {
    async fn brief_form(&self, who: &str) -> (String, String) {
        self.until("the form is open", async || {
            let id = self.slack.state(who)?["modal"]["id"].as_str()?.to_owned();
            Some((id, self.slack.modal(who)?))
        })
        .await
    }

    async fn chooses(&self, who: &str, view: &str, block: &str, repo: &str) {
        let at = Place::View { view: view.to_owned() };
        self.fills(who, at, block, "value", json!(repo)).await;
    }

    async fn sessions(&self) -> usize {
        self.remote.list(Filter::default()).await.unwrap().sessions.len()
    }
}

async fn a_mention_without_a_repository_is_asked_for_one(mode: Mode) {
    let town = bare(mode).await;
    town.says(ANA, DEV, "@devtask Leave a note model:scripted", None).await;
    let asked =
        town.sees(DEV, "it asks for a repository", |seen| seen.contains("[Choose a repository]")).await;
    insta::assert_snapshot!("which_repository", asked);
    town.presses(ANA, "Choose a repository").await;
    let (view, form) = town.brief_form(ANA).await;
    assert!(form.contains("[Leave a note model:scripted]"), "{form}");
    town.chooses(ANA, &view, "repo", "demo/sample").await;
    town.submits(ANA).await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("repository_chosen", told(&seen));
    town.presses(ANA, "Choose a repository").await;
    town.sees(DEV, "it was started before", |seen| seen.contains("has started a session before")).await;
    town.says(ANA, DEV, "/devtask new", None).await;
    let (_, form) = town.brief_form(ANA).await;
    insta::assert_snapshot!("form_with_repositories", form);
    assert_eq!(town.sessions().await, 1);
}

async fn a_message_is_given_to_devtask_from_its_menu(mode: Mode) {
    let town = bare(mode).await;
    let ts = town.says(BO, DEV, "The greeting should be polite, somebody leave a note", None).await;
    let menu = |callback: &str| Act::Shortcut {
        callback: callback.to_owned(),
        channel: Some(DEV.to_owned()),
        ts: ts.clone(),
    };
    let receipt = town.slack.act(ANA, menu(SHORTCUT.1)).unwrap();
    town.acked(&receipt).await;
    let (view, form) = town.brief_form(ANA).await;
    assert!(form.contains("[The greeting should be polite, somebody leave a note]"), "{form}");
    town.chooses(ANA, &view, "repo", "demo/sample").await;
    town.submits(ANA).await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("given_from_the_menu", told(&seen));
    let session = town.remote.show("1".parse().unwrap()).await.unwrap();
    assert_eq!(session.owner, "person:slack/U0ANA", "who gives it owns it");
}

async fn a_direct_message_starts_a_session_there(mode: Mode) {
    let town = bare(mode).await;
    let direct = town.slack.act(ANA, Act::Dm).unwrap().ts.unwrap();
    town.says(ANA, &direct, "thanks!", None).await;
    town.sees(&direct, "nothing was started", |seen| seen.contains("Nothing was started")).await;
    town.says(ANA, &direct, "new Leave a note repo:demo/sample", None).await;
    let seen = town.sees(&direct, "the summary is there", summed_up).await;
    insta::assert_snapshot!("direct_message", told(&seen));
    assert_eq!(town.sessions().await, 1);
}

async fn who_links_an_account_publishes_in_its_name(mode: Mode) {
    let town = Town::open(mode).await;
    town.forge.device_settings(|s| s.interval = 0);
    town.forge.grant("demo", "sample", "ana-l", Access::Write).await.unwrap();
    town.says(ANA, DEV, "/devtask link", None).await;
    let shown = town.sees(DEV, "a code is shown", |seen| seen.contains("and type `")).await;
    let code = shown.split_once("and type `").unwrap().1.split_once('`').unwrap().0.to_owned();
    assert!(town.forge.approve_device(&code, "ana-l"));
    town.until("it is linked", async || {
        town.says(ANA, DEV, "/devtask link", None).await;
        town.seen(DEV).contains("You are `ana-l`").then_some(())
    })
    .await;
    town.says(ANA, DEV, "/devtask new Leave a note", None).await;
    town.sees(DEV, "the summary is there", summed_up).await;
    assert_eq!(town.forge.pulls().await.unwrap()[0].author, "ana-l");
    town.says(ANA, DEV, "/devtask link remove", None).await;
    let seen = town.sees(DEV, "it is forgotten", |seen| seen.contains("You are not linked")).await;
    let first = seen.split("[devtask]").nth(1).unwrap().replace(&code, "<code>");
    insta::assert_snapshot!("link", first.trim());
    assert!(std::fs::read_dir(town.path("data/links")).unwrap().next().is_none(), "no token is left");
}
