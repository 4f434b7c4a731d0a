//! Slack's own client for Node, unmodified, on the local Slack: what it takes for Slack is a Slack.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use devtask::workbench::slack::{Act, Place, Slack};
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::figures;

const WITHIN: Duration = Duration::from_secs(20);

async fn start_app(slack: &Slack, modules: &str) -> Child {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bolt");
    let mut app = Command::new("node")
        .arg("app.js")
        .current_dir(folder)
        .env("NODE_PATH", PathBuf::from(modules).join("node_modules"))
        .env("SLACK_API_URL", format!("{}/", slack.api_url()))
        .env("SLACK_BOT_TOKEN", slack.tokens().bot.expose_secret())
        .env("SLACK_APP_TOKEN", slack.tokens().app.expose_secret())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(app.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.ends_with("ready") {
                return;
            }
        }
        panic!("the app ended before it was ready");
    };
    tokio::time::timeout(WITHIN, ready).await.unwrap();
    app
}

/// Waits until the workspace shows what is awaited.
async fn until(slack: &Slack, what: &str, shown: impl Fn() -> bool) {
    let mut versions = slack.versions();
    let wait = async {
        while !shown() {
            versions.changed().await.unwrap();
        }
    };
    let done = tokio::time::timeout(WITHIN, wait).await;
    assert!(done.is_ok(), "never seen: {what}\n{}", slack.transcript("C0DEV").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn slacks_own_client_takes_it_for_slack() {
    let Ok(modules) = std::env::var("DEVTASK_BOLT") else {
        return figures::skipped("Slack's own client for Node: DEVTASK_BOLT does not name its modules");
    };
    let slack = Slack::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let _app = start_app(&slack, &modules).await;
    slack.enter("C0DEV", &slack.bot_user()).unwrap();

    let command = slack.say("U0ANA", "C0DEV", "/devtask fix <it>", None).unwrap();
    let answer = slack.settled(&command.delivery.unwrap(), WITHIN).await.unwrap();
    assert_eq!(answer["outcome"], "acked", "{answer}");
    until(&slack, "the modal", || slack.modal("U0ANA").is_some()).await;
    let view = slack.state("U0ANA").unwrap()["modal"]["id"].as_str().unwrap().to_owned();

    // Too short: the modal stays, with what was typed and what is wrong.
    let at = || Place::View { view: view.clone() };
    let fill =
        |text: &str| Act::Fill { at: at(), block: "goal".into(), action: "value".into(), value: text.into() };
    slack.act("U0ANA", fill("short")).unwrap();
    slack.act("U0ANA", Act::Submit).unwrap();
    until(&slack, "the error", || slack.modal("U0ANA").unwrap().contains("! ")).await;
    insta::assert_snapshot!(slack.modal("U0ANA").unwrap(), @r"
    == New task ==
    What should be done?
      [short]
      ! Say a little more.
    [Cancel] [Start]
    ");

    slack.act("U0ANA", fill("fix the login page")).unwrap();
    slack.act("U0ANA", Act::Submit).unwrap();
    until(&slack, "the root", || slack.transcript("C0DEV").unwrap().contains("[Pause]")).await;
    slack.press("U0BO", "C0DEV", "Pause").unwrap();
    until(&slack, "the end of it", || slack.transcript("C0DEV").unwrap().contains("Done.")).await;
    slack.say("U0BO", "C0DEV", "and you, @devtask?", None).unwrap();
    until(&slack, "the hello", || slack.transcript("C0DEV").unwrap().contains("Hello")).await;
    insta::assert_snapshot!(slack.transcript("C0DEV").unwrap(), @r"
    # dev
    · devtask joined
    (only ana) [devtask] Asked for: fix <it>
    [devtask] Paused by ‹@bo›
    (only bo) [devtask] Done.
    [bo] and you, ‹@devtask›?
        ↳ [devtask] Hello ‹@bo›
    ");

    let calls = slack.calls();
    assert_eq!(calls.got_429(), 0);
    let errors: Vec<_> = calls.counts.iter().filter(|(_, count)| !count.errors.is_empty()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(slack.deliveries().iter().all(|d| d["attempts"] == 1), "{:?}", slack.deliveries());
}
