//! Which checks a session has.
//!
//! The brief's own come first, because a person wrote them for this session; then `.devtask.toml` of the base commit,
//! never of the work tree, which the agent can write; then what the base's files say, or the work's where the base is
//! too young to say anything. Knows the order; must not know how a check is run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::detect::{FILES, detect};
use super::settings::{FILE, Settings, kind, parse};
use super::{Check, Plan};
use crate::domain::argv::{BadWords, split};
use crate::supervisor::workspace::{Workspace, WorkspaceError};
use crate::wire::run::Run;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// For the person who wrote the brief.
    #[error("a check of the brief cannot be run")]
    Brief(#[from] BadWords),
    #[error("the repository cannot be read")]
    Workspace(#[from] WorkspaceError),
}

/// What will run for this session. Without any check anywhere the plan is empty and says `none`.
pub async fn plan(run: &Run, workspace: &Workspace) -> Result<Plan, PlanError> {
    let limit = Duration::from_secs(run.new.limits.check_timeout.into());
    let mut plan = Plan {
        source: "none".to_owned(),
        setup: Vec::new(),
        checks: Vec::new(),
        policy: run.new.policy.clone(),
        max_consecutive_failures: run.new.limits.max_consecutive_failures,
        notes: Vec::new(),
    };
    let settings = settings(workspace, limit, &mut plan).await?;
    settings.tighten(&mut plan);
    plan.setup = settings.setup;
    if !run.new.brief.checks.is_empty() {
        "the brief".clone_into(&mut plan.source);
        plan.checks = lines(&run.new.brief.checks, limit)?;
    } else if !settings.checks.is_empty() {
        FILE.clone_into(&mut plan.source);
        plan.checks = settings.checks;
    } else {
        detected(workspace, limit, &mut plan).await?;
    }
    Ok(plan)
}

/// A file that is not understood is said and left aside: it must not stop the work, and must not look obeyed.
async fn settings(workspace: &Workspace, limit: Duration, plan: &mut Plan) -> Result<Settings, PlanError> {
    let Some(bytes) = workspace.base_file(FILE).await? else { return Ok(Settings::default()) };
    match parse(&bytes, limit) {
        Ok(settings) => Ok(settings),
        Err(bad) => {
            let why = std::error::Error::source(&bad).map(|s| format!(": {s}")).unwrap_or_default();
            plan.notes.push(format!("{bad}{why}. The file is not used in this session."));
            Ok(Settings::default())
        }
    }
}

async fn detected(workspace: &Workspace, limit: Duration, plan: &mut Plan) -> Result<(), PlanError> {
    for base in [true, false] {
        let mut files = BTreeMap::new();
        for name in FILES {
            let file =
                if base { workspace.base_file(name).await? } else { workspace.head_file(name).await? };
            files.extend(file.map(|f| (name, f)));
        }
        let Some(found) = detect(&files) else { continue };
        plan.source = format!("detected from {}", found.file);
        plan.checks = lines(&found.lines, limit)?;
        if plan.setup.is_empty() {
            plan.setup = lines(&found.setup, limit)?;
        }
        return Ok(());
    }
    Ok(())
}

fn lines(lines: &[String], limit: Duration) -> Result<Vec<Check>, BadWords> {
    let check = |line: &String| {
        let line = line.trim().to_owned();
        let kind = kind(&line);
        Ok(Check { name: line.clone(), kind, argv: split(&line)?, line, limit })
    };
    lines.iter().map(check).collect()
}
