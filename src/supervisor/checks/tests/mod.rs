//! Laws of the checks: what is planned, how it is run, what is said of it.

mod planned;
mod rounds;
mod run;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::count::Counter;
use super::detect::detect;
use super::run::{MAX_TAIL, Ran, run};
use super::settings::parse;
use super::{Check, Plan, Progress, Round, plan};
use crate::domain::argv::split;
use crate::domain::limits::Policy;
use crate::domain::report::{CheckKind, Evidence, Report};
use crate::git::fixture::{Yard, commit, write};
use crate::supervisor::workspace::tests::{NoCredentials, attempt};
use crate::supervisor::workspace::{Folder, Workspace};

const MINUTE: Duration = Duration::from_mins(1);

fn start(argv: &[String], folder: &Path) -> Command {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
}

fn check(words: &[&str], limit: Duration) -> Check {
    let argv: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    Check { name: "x".into(), kind: CheckKind::Test, line: argv.join(" "), argv, limit }
}

async fn ran(words: &[&str], limit: Duration) -> Ran {
    let mark = uuid::Uuid::from_u128(u128::from(std::process::id()) << 32 | words.len() as u128 | 1 << 100);
    let mark = format!("{mark}-{}", words.join(" ").len());
    run(&check(words, limit), &std::env::temp_dir(), &mark, &start, &CancellationToken::new()).await
}

async fn workspace(yard: &Yard, repo: &Path) -> Workspace {
    let home = yard.path("home");
    std::fs::create_dir_all(&home).unwrap();
    Workspace::prepare(&attempt(repo, 1), &home, Arc::new(NoCredentials)).await.unwrap()
}
