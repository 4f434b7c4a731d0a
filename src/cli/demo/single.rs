//! One session on a repository of somebody's own, from the brief to the pull request.
//!
//! Knows what is said of it meanwhile; must not know what the agent does.

use std::time::Duration;

use anyhow::bail;

use super::stage::Stage;
use crate::domain::Actor;
use crate::domain::report::Phase;
use crate::domain::session::Status;
use crate::wire::api::{Control, Create};
use crate::wire::view::SessionView;

/// One session from this brief to its pull request.
pub async fn run(stage: &Stage, brief: &str, say: fn(&str)) -> anyhow::Result<()> {
    let (remote, me) = (stage.remote(), Actor::Person("local/demo".to_owned()));
    let mut session = remote.create(&me, request(stage, brief), None).await?;
    say(&format!("{} {}", session.id, session.brief.title));
    let mut told = String::new();
    while !session.status.is_settled() {
        let now = doing(&session, stage);
        if now != told {
            say(&now);
            told = now;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        session = remote.show(session.id).await?;
    }
    match (session.status, session.pull_request) {
        (Status::Done, Some(pull)) => {
            let branch = session.branch.unwrap_or_default();
            say(&format!("{} is done: pull request #{} from `{branch}`", session.id, pull.number));
            Ok(())
        }
        (Status::Done, None) => bail!("{} is done and changed nothing", session.id),
        (other, _) => bail!("{} is {}: {}", session.id, other.name(), session.failure.unwrap_or_default()),
    }
}

/// What a session is at, for who watches.
fn doing(session: &SessionView, stage: &Stage) -> String {
    let id = session.id;
    if !session.asks.is_empty() {
        let config = super::quoted(&stage.config.to_string_lossy());
        return format!("{id} asks; answer it with `devtask --config {config} answer {}`", id.number());
    }
    let run = session.evidence.len();
    match (session.status, session.phase) {
        (Status::Running, Phase::Validate) if run > 0 => format!("{id} runs the checks, {run} so far"),
        (Status::Running, Phase::Validate) => format!("{id} runs the checks"),
        (Status::Running, Phase::Publish) => format!("{id} pushes and opens its pull request"),
        (Status::Running, _) => format!("{id} works"),
        (other, _) => format!("{id} is {}", other.name()),
    }
}

fn request(stage: &Stage, brief: &str) -> Create {
    Create {
        brief: crate::domain::brief::Brief::from_text(brief),
        repo: stage.repo.clone(),
        base: None,
        provider: None,
        agent: None,
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: vec!["demo".to_owned()],
        requester: None,
    }
}
