//! Laws of what is shown: a fixture session, and what the tests below look at it with.

mod anything;
mod asks;
mod ends;
mod forms;
mod limits;
mod lists;
mod plain;
mod roots;

use chrono::TimeDelta;
use serde_json::json;

use crate::clock::Time;
use crate::domain::ask::{Ask, AskState, AskWhat, Choice, Question};
use crate::domain::report::Evidence;
use crate::domain::session::{Status, Verb};
use crate::domain::{Actor, AskId};
use crate::slack::words;
use crate::wire::view::{AskView, SessionView};

fn noon() -> Time {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

/// A session at work.
fn session() -> SessionView {
    serde_json::from_value(json!({
        "id": "dt-142",
        "brief": { "title": "Add a retry to the webhook sender", "goal": "Add a retry to the webhook sender" },
        "status": "running", "phase": "execute", "waitingOn": null, "holds": [], "position": null, "rev": 7,
        "owner": "person:slack/U024", "repo": "acme/api", "base": "main",
        "baseSha": "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
        "branch": "devtask/dt-142-add-a-retry", "pushedSha": null, "pullRequest": null,
        "provider": "local", "unsandboxed": false, "nodeId": "n1", "agent": "claude", "agentSessionId": null,
        "agentVersion": "2.1.0", "model": "opus", "priority": 0, "labels": [], "attempt": 1, "retries": 0,
        "maxRetries": 3, "asks": [],
        "usage": { "costMicroUsd": 620_000, "inputTokens": 12_400, "outputTokens": 3_100, "turns": 41 },
        "checksFrom": null, "evidence": [], "summary": null, "failure": null,
        "verbs": ["pause", "cancel", "message"],
        "createdAt": "2026-11-21T12:00:00Z", "updatedAt": "2026-11-21T12:20:00Z", "settledAt": null, "head": 88
    }))
    .unwrap()
}

fn settled(status: Status) -> SessionView {
    let mut v = session();
    v.status = status;
    v.settled_at = Some(noon() + minutes(23));
    v.verbs = vec![Verb::Message, Verb::Rerun];
    v
}

/// Done with a pull request and two checks.
fn done() -> SessionView {
    let mut v = settled(Status::Done);
    v.pushed_sha = Some("feedface00112233".to_owned());
    v.pull_request = serde_json::from_value(
        json!({ "number": 918, "url": "https://github.com/acme/api/pull/918", "adopted": false }),
    )
    .unwrap();
    v.checks_from = Some(".devtask.toml".to_owned());
    v.evidence =
        vec![check("cargo test", "test", Some(0), Some(41)), check("cargo clippy", "lint", Some(0), None)];
    v.summary =
        Some("Retries three times with jitter.\n\n- `send.rs`: the loop\n- no new dependency".to_owned());
    v
}

fn check(command: &str, kind: &str, exit: Option<i32>, tests: Option<u32>) -> Evidence {
    serde_json::from_value(json!({
        "command": command, "kind": kind, "exitCode": exit, "timedOut": false, "durationMs": 12_345, "tests": tests,
        "tree": "0123456789abcdef", "tail": "running 41 tests\ntest result: FAILED. 40 passed; 1 failed\n"
    }))
    .unwrap()
}

fn ask(what: AskWhat) -> AskView {
    let ask = Ask {
        id: AskId("toolu_01".to_owned()),
        what,
        opened_at: noon(),
        expires_at: noon() + minutes(24 * 60),
        default: None,
        state: AskState::Open,
        command: None,
    };
    AskView { handle: "dt-142:toolu_01".to_owned(), session: session().id, ask }
}

fn question(text: &str, labels: &[&str]) -> Question {
    let choice = |label: &&str| Choice { label: (*label).to_owned(), description: String::new() };
    Question {
        question: text.to_owned(),
        header: String::new(),
        multi_select: false,
        options: labels.iter().map(choice).collect(),
    }
}

fn questions(questions: Vec<Question>) -> AskView {
    ask(AskWhat::Questions { questions })
}

fn people(actor: &str) -> String {
    words::mention(actor)
}

fn ana() -> Actor {
    Actor::Person("slack/U024".to_owned())
}
