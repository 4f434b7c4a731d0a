//! `devtask demo`: the whole of DevTask on one machine, with no account and nothing left behind.
//!
//! Knows what is shown and said; the stage and the story have files of their own.

mod hands;
mod keeper;
mod single;
mod stage;
mod story;
mod watch;
mod welcome;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use tokio::net::TcpListener;

use self::keeper::Keeper;
use self::stage::Stage;
use self::story::Play;
use super::args::{Common, Demo};
use crate::workbench::page::{self, Sides};

/// An agent process is let go this soon in the headless demo, so that deferral is seen.
const SHORT_HOLD: u32 = 2;
const USUAL_HOLD: u32 = 300;

/// What the command line says.
pub(super) struct DemoArgs {
    headless: bool,
    repo: Option<PathBuf>,
    agent: String,
    unsandboxed: bool,
    port: u16,
    /// Everything is kept here instead of in a folder that goes away.
    data_dir: Option<PathBuf>,
}

/// `devtask demo`.
pub(super) fn main(common: &Common, args: Demo) -> ExitCode {
    let Demo { headless, repo, agent, unsandboxed, port } = args;
    let args = DemoArgs { headless, repo, agent, unsandboxed, port, data_dir: common.data_dir.clone() };
    let json = common.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let played = runtime.map_err(anyhow::Error::from).and_then(|r| r.block_on(run(args, json)));
    played.unwrap_or_else(|error| {
        said(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Plays the demo; `json` = only the last line, machine-readable, on stdout.
async fn run(args: DemoArgs, json: bool) -> anyhow::Result<ExitCode> {
    match (args.headless, &args.repo) {
        (true, None) => headless(&args, json).await,
        (true, Some(_)) => on_a_real_repository(&args).await,
        (false, _) => open(&args).await,
    }
}

/// The story, checked from outside; the exit code says whether it went as promised.
async fn headless(args: &DemoArgs, json: bool) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut stage = Stage::set(args, SHORT_HOLD).await?;
    let mut play = Play::new(&mut stage, said);
    let played = play.play().await;
    let mut outcome = play.outcome;
    stage.stop().await;
    outcome.seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    if let Err(cause) = &played {
        outcome.ok = false;
        said(&format!("the story broke off: {cause:#}"));
    }
    let line = serde_json::to_string(&outcome)?;
    if json {
        out(&line);
    } else {
        out(&format!("{}: {line}", if outcome.ok { "all as promised" } else { "not as promised" }));
    }
    Ok(if outcome.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One session on a real repository, whose checkout is only read.
async fn on_a_real_repository(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let mut stage = Stage::set(args, USUAL_HOLD).await?;
    let done = single::run(&stage, "Leave a note that says what this repository is for", said).await;
    let fetched = if done.is_ok() { fetch_lines(args, &stage).await } else { Ok(()) };
    stage.stop().await;
    done?;
    fetched?;
    Ok(ExitCode::SUCCESS)
}

/// Leaves everything running for a person to play with, until Ctrl-C.
async fn open(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(args, USUAL_HOLD).await?;
    let scripted = args.repo.is_none() && args.agent == "scripted";
    if scripted {
        story::begin(&stage).await?;
    }
    let sides = Sides { slack: stage.slack.url().to_owned(), forge: stage.forge.url().to_owned() };
    let keeper = Keeper::new(stage, welcome::hints(scripted));
    let keeping = keeper.keep();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the page")?;
    let page = page::serve(listener, sides, keeper.clone()).context("the page has no address")?;
    welcome::say(page.url(), scripted, &*keeper.stage().await);
    super::server_side::stop_signal()?.await;
    said("\nending: agents secure their work and go");
    drop(page);
    keeper.end(keeping).await;
    fetch_lines(args, &*keeper.stage().await).await?;
    Ok(ExitCode::SUCCESS)
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// How to bring each branch into the repository it was made for.
async fn fetch_lines(args: &DemoArgs, stage: &Stage) -> anyhow::Result<()> {
    let Some(path) = &args.repo else { return Ok(()) };
    let (owner, name) = stage.repo.split_once('/').unwrap_or_default();
    let bare = stage.forge.repo_dir(owner, name)?;
    for pull in stage.forge.pulls().await? {
        let branch = &pull.head;
        let (here, there) = (quoted(&path.to_string_lossy()), quoted(&bare.to_string_lossy()));
        said("\nThe branch is yours with:");
        out(&format!("git -C {here} fetch {there} {branch}:{branch}"));
    }
    Ok(())
}

/// For people: stderr.
fn said(line: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Data: stdout.
fn out(line: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stdout(), "{line}"));
}
