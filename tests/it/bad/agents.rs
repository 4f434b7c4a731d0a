//! Agents that are not there, too old, dead at their start, or no agents at all.

use std::fmt::Write as _;

use devtask::domain::session::Status;
use serde_json::json;

use super::house::{BIN, House};

/// Says a version we take, then does `run`.
fn shell(run: &str) -> String {
    let script = format!("case \"$*\" in *--version*) echo '2.1.329 (x)';; *) {run};; esac");
    format!("command = [\"sh\", \"-c\", {script:?}, \"agent\"]")
}

#[tokio::test]
async fn an_agent_that_cannot_work_fails_its_session_with_what_to_do() {
    let sim = |env: &str| {
        let (name, value) = env.split_once('=').unwrap();
        format!("command = [\"{BIN}\", \"agent-sim\"]\nenv = {{ {name} = \"{value}\" }}")
    };
    // The name, how it is started, and the attempts that are worth making.
    let agents = [
        ("missing", "command = [\"/nowhere/claude\"]".to_owned(), 1),
        ("forbidden", "command = [\"/etc/passwd\"]".to_owned(), 1),
        ("old", sim("DEVTASK_SIM_VERSION=1.0.17 (Claude Code)"), 1),
        ("new", sim("DEVTASK_SIM_VERSION=3.0.0 (Claude Code)"), 1),
        ("dies-at-start", sim("DEVTASK_SIM_DIE_AT_START=7"), 2),
        ("dies-later", shell("echo 'no licence found' >&2; exit 9"), 2),
        ("prose", shell("echo 'Hello, I am a friendly program.'; echo 'What can I do for you?'; exit 0"), 1),
        ("prose-for-ever", shell("while :; do echo 'Hello, I am a friendly program.'; sleep 0.01; done"), 1),
        ("binary", shell("while :; do printf '\\377\\376\\001\\n'; done"), 1),
    ];
    let mut tables = String::new();
    for (name, command, _) in &agents {
        writeln!(tables, "[agents.{name}]\n{command}").unwrap();
    }
    let house = House::open_with(&tables).await;
    let mut ids = Vec::new();
    for (name, _, _) in &agents {
        ids.push(house.made(json!({ "agent": name })).await);
    }
    let mut table = String::new();
    for (id, (name, _, attempts)) in ids.iter().zip(&agents) {
        let view = house.settled(*id).await;
        let said = house.plain(&view.failure.clone().unwrap_or_default()).replace('\n', "\n    ");
        assert_eq!((view.status, view.attempt.0), (Status::Failed, *attempts), "{view:#?}");
        writeln!(table, "{name}\n    {said}").unwrap();
    }
    insta::assert_snapshot!("agents", table);
    insta::assert_snapshot!("show_failed", house.shows("1").await);
    house.still_works().await;
}

#[tokio::test]
async fn noise_between_an_agents_lines_is_passed_over() {
    let house = House::open().await;
    let script =
        r#"<script>[{"garbage":true},{"write":{"path":"greet.sh","content":"x"}},{"text":"Done."}]</script>"#;
    let brief = json!({ "goal": format!("Greet {script}"), "checks": ["test -f greet.sh"] });
    let view = house.settled(house.made(json!({ "brief": brief })).await).await;
    assert_eq!(view.status.name(), "done", "{view:#?}");
}
