//! The verbs of a machine with a control plane: which server, which configuration, and the exit code.
//!
//! Reads the environment, once, and hands it on as a value. Must not know what the verbs do.

mod health;
pub mod serve;

use std::future::Future;
use std::io::{BufReader, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use secrecy::SecretString;

use super::args::{Common, Verb};
use super::talk::{Look, Terminal, Trouble, carry_out};
use super::{doctor, slack};
use crate::client::{Remote, Target};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Vars};
use crate::domain::Actor;
use crate::{http, telemetry};

pub(super) fn run(common: &Common, verb: Verb) -> ExitCode {
    let vars: Vars = std::env::vars_os()
        .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let quiet = !matches!(verb, Verb::Serve(_));
    let filter = vars.get("DEVTASK_LOG").map(String::as_str).or(quiet.then_some("off"));
    telemetry::log(filter, telemetry::Format::of(vars.get("DEVTASK_LOG_FORMAT").map(String::as_str)));
    let done = block_on(async {
        match verb {
            Verb::Serve(args) => {
                let listen = args.listen.map(|l| ("http.listen", l));
                let config = config(common, &vars, listen.into_iter().collect())?;
                serve::run(config, serve::providers, &mut std::io::stderr(), stop_signal()?).await?;
                Ok(0)
            }
            Verb::Doctor => {
                let config = config(common, &vars, Vec::new());
                let target = target(common, &vars).ok();
                let checks = doctor::checks(config, target.map(|t| remote(t, common, &vars)), &vars);
                at_terminal(common.json, |at| Box::pin(doctor::run(checks, at))).await
            }
            Verb::Health => {
                let remote = remote(target(common, &vars)?, common, &vars);
                at_terminal(common.json, |at| Box::pin(super::health::run(remote, at))).await
            }
            Verb::Slack(verb) => {
                at_terminal(common.json, |at| Box::pin(async move { slack::run(&verb, at) })).await
            }
            verb => {
                let remote = remote(target(common, &vars)?, common, &vars);
                let by = actor(&vars);
                at_terminal(common.json, |at| {
                    Box::pin(async move { carry_out(verb, &remote, &by, at).await })
                })
                .await
            }
        }
    });
    ended(done)
}

fn block_on(work: impl Future<Output = Result<u8, Trouble>>) -> Result<u8, Trouble> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn ended(done: Result<u8, Trouble>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(trouble) => {
            if let Some(text) = trouble.text() {
                eprintln!("{text}");
            }
            ExitCode::from(trouble.exit())
        }
    }
}

/// The real terminal. Colours only where somebody looks and nobody said no; questions only where both ends are there.
async fn at_terminal<F>(json: bool, verb: F) -> Result<u8, Trouble>
where
    F: for<'a, 'b> FnOnce(
        &'a mut Terminal<'b>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, Trouble>> + 'a>>,
{
    let (mut data, mut talk) = (std::io::stdout(), std::io::stderr());
    let sits = std::io::stdin().is_terminal() && talk.is_terminal();
    let mut typed = BufReader::new(std::io::stdin());
    let colour = data.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let look = Look { colour, width: width(), now: Clock::system().now() };
    let mut at = Terminal {
        data: &mut data,
        talk: &mut talk,
        typed: if sits { Some(&mut typed) } else { None },
        piped,
        called,
        here: std::env::current_dir()?,
        json,
        look,
    };
    verb(&mut at).await
}

/// Longest text that is taken from standard input.
const PIPED_MAX: u64 = 1024 * 1024;

fn piped() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(PIPED_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The name that stands in the person's own commits.
fn called() -> Option<String> {
    let asked = std::process::Command::new("git").args(["config", "--get", "user.name"]).output().ok()?;
    let name = String::from_utf8(asked.stdout).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn width() -> u16 {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.ok().map(|s| s.ws_col).filter(|w| *w >= 40).unwrap_or(120)
}

/// The configuration, with what the command line says of it on top.
fn config(common: &Common, vars: &Vars, mut flags: Vec<(&str, String)>) -> Result<Config, Trouble> {
    if let Some(dir) = &common.data_dir {
        let dir = std::path::absolute(dir)?;
        let text = dir.to_str().ok_or_else(|| Trouble::usage("`--data-dir` is no UTF-8 path"))?;
        flags.push(("data_dir", text.to_owned()));
    }
    Config::read(common.config.as_deref(), vars, &flags).map_err(Trouble::from)
}

impl From<ConfigError> for Trouble {
    fn from(error: ConfigError) -> Self {
        let hint = error.hint().map(str::to_owned);
        let mut what = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            what = format!("{what}: {source}");
        }
        Self::Setup { what, hint }
    }
}

/// The server that is meant: the one named, else the socket in the data folder.
fn target(common: &Common, vars: &Vars) -> Result<Target, Trouble> {
    match &common.server {
        Some(target) => Ok(target.clone()),
        None => Ok(Target::Socket(data_dir(common, vars)?.join(http::SOCKET))),
    }
}

fn data_dir(common: &Common, vars: &Vars) -> Result<PathBuf, Trouble> {
    match &common.data_dir {
        Some(dir) => Ok(std::path::absolute(dir)?),
        None => Ok(config(common, vars, Vec::new())?.data_dir),
    }
}

/// Our own token is shown to a server on this machine only; for others it must be handed in.
fn remote(target: Target, common: &Common, vars: &Vars) -> Remote {
    let token = match (vars.get("DEVTASK_TOKEN"), &target) {
        (Some(token), _) => Some(SecretString::from(token.clone())),
        (None, Target::Url(_)) if target.is_local() => own_token(common, vars),
        _ => None,
    };
    Remote::new(target, token, Clock::system())
}

fn own_token(common: &Common, vars: &Vars) -> Option<SecretString> {
    let config = config(common, vars, Vec::new()).ok()?;
    http::read_token(&http::token_file(&config.http, &config.data_dir)).ok()
}

/// The machine's user, as a name that may stand in logs and commits.
fn actor(vars: &Vars) -> Actor {
    let user = ["USER", "LOGNAME"].iter().find_map(|n| vars.get(*n)).map_or("", String::as_str);
    let user = if http::is_actor_name(user) { user } else { "owner" };
    Actor::Person(format!("local/{user}"))
}

/// Ends at SIGINT or SIGTERM.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    })
}
