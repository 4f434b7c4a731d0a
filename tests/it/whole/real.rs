//! Whole sessions with the real `claude`, which thinks with the scripted model.
//!
//! `DEVTASK_CLAUDE` names the binary; without it these are skipped, and say so. Must not know the agent's protocol.

use std::path::PathBuf;

use devtask::domain::ask::Decision;
use devtask::domain::session::Status;
use devtask::workbench::model::Model;
use devtask::workbench::sample;
use devtask::workbench::script::{Script, Step};
use rustix::process::Signal;

use super::house::{House, Rules, asking, kill};
use crate::figures::claude;

async fn house(claude: PathBuf, model: &Model, rules: Rules) -> House {
    House::open(Rules { claude: Some((claude, model.url())), ..rules }).await
}

#[tokio::test]
async fn the_real_agent_brings_a_brief_to_a_pull_request() {
    let Some(claude) = claude("a whole session") else { return };
    let model = Model::start().await.unwrap();
    let mut house = house(claude, &model, Rules::default()).await;
    let first = vec![
        Step::run("sh test.sh || true"),
        asking("Left or right?"),
        Step::say("{{last_tool_result}}"),
        Step::write("NOTES.md", "# Notes\n"),
        Step::run("sh greet.sh Ada"),
        Step::text("The notes are there."),
    ];
    // `Write` refuses a file the agent has not read.
    let read = Step {
        tool: Some("Read".into()),
        input: Some(serde_json::json!({"file_path": "greet.sh"})),
        ..Step::default()
    };
    let second = vec![read, Step::write("greet.sh", sample::REPAIRED), Step::text("Repaired.")];
    let id = house.create_on("demo/sample", Script { rounds: vec![first, second] }).await;
    let ask = house.ask(id).await;
    house.answer(&ask, "Right").await.unwrap();
    house.done(id).await;

    let seen = house.seen(id);
    let codes: Vec<_> =
        seen.of_kind("check.ended").map(|e| e["body"]["evidence"]["exitCode"].clone()).collect();
    assert_eq!(codes, [1, 0], "red, then green");
    assert!(seen.said().iter().any(|t| t.contains("\"Left or right?\"=\"Right\"")), "{:?}", seen.said());
    let tools: Vec<_> = seen.of_kind("agent.tool").filter_map(|e| e["body"]["tool"].as_str()).collect();
    for tool in ["Bash", "Write", "AskUserQuestion"] {
        assert!(tools.contains(&tool), "{tools:?}");
    }
    let pulls = house.forge.pulls().await.unwrap();
    assert!(pulls[0].body.contains("sh test.sh"), "the evidence is shown: {}", pulls[0].body);
    assert!(pulls[0].diff.contains("+# Notes"));
    assert_eq!(model.broken(), Vec::<String>::new());
    house.end().await;
}

#[tokio::test]
async fn the_real_agents_deferred_question_survives_the_death_of_everything() {
    let Some(claude) = claude("a deferred question") else { return };
    let model = Model::start().await.unwrap();
    let mut house = house(claude, &model, Rules { hold: 1, ..Rules::default() }).await;
    let read = Step {
        tool: Some("Read".into()),
        input: Some(serde_json::json!({"file_path": "greet.sh"})),
        ..Step::default()
    };
    let steps = vec![
        read,
        asking("Left or right?"),
        Step::say("{{last_tool_result}}"),
        Step::write("greet.sh", sample::REPAIRED),
        Step::text("Done."),
    ];
    let id = house.create(steps).await;
    let ask = house.ask(id).await;
    house.asleep(id).await;
    house.kill().await;
    house.start().await;
    house.answer(&ask, "Right").await.unwrap();
    // It is resumed; everything dies before it gets anywhere, and once more nothing is lost.
    house.wait("the agent is back", async || !house.agents(id).is_empty()).await;
    house.kill().await;
    for pid in house.processes(id) {
        kill(pid, Signal::KILL);
    }
    house.gone(id).await;
    house.start().await;
    house.done(id).await;
    let seen = house.seen(id);
    let opened: Vec<_> = seen.of_kind("ask.opened").filter_map(|e| e["body"]["ask"]["id"].as_str()).collect();
    assert_eq!(opened, [ask.ask.id.0.as_str()]);
    assert_eq!(seen.count("ask.applied"), 1);
    assert!(seen.said().iter().any(|t| t.contains("\"Left or right?\"=\"Right\"")), "{:?}", seen.said());
    assert_eq!(model.broken(), Vec::<String>::new());
    house.end().await;
}

#[tokio::test]
async fn the_real_agents_deferred_command_does_not_run_before_its_approval() {
    let Some(claude) = claude("a deferred command") else { return };
    let model = Model::start().await.unwrap();
    let rules = Rules { hold: 1, require_approval_for: vec!["Bash"], ..Rules::default() };
    let mut house = house(claude, &model, rules).await;
    let read = Step {
        tool: Some("Read".into()),
        input: Some(serde_json::json!({"file_path": "greet.sh"})),
        ..Step::default()
    };
    let steps = vec![
        Step::run("touch allowed.txt"),
        read,
        Step::write("greet.sh", sample::REPAIRED),
        Step::text("Done."),
    ];
    let id = house.create(steps).await;
    let ask = house.ask(id).await;
    house.asleep(id).await;
    let key = house.show(id).await.node_id.unwrap();
    let made = house.data().join("nodes").join(key).join("work/allowed.txt");
    assert!(!made.exists() && made.parent().unwrap().is_dir(), "{}", made.display());
    assert_eq!(house.show(id).await.status, Status::Paused);
    house.decide(&ask, Decision::Allow).await.unwrap();
    house.done(id).await;
    assert!(made.exists());
    let seen = house.seen(id);
    let at = |kind: &str| seen.of_kind(kind).next().unwrap()["seq"].as_u64().unwrap();
    let result = seen.of_kind("agent.tool_result").next().unwrap();
    assert!(result["seq"].as_u64().unwrap() > at("ask.answered"), "{result}");
    let pulls = house.forge.pulls().await.unwrap();
    assert!(pulls[0].diff.contains("allowed.txt"), "{}", pulls[0].diff);
    assert_eq!(model.broken(), Vec::<String>::new());
    house.end().await;
}
