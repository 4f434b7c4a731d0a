//! `devtask doctor`: what DevTask needs on this machine, whether it is there, and what mends it.
//!
//! A [`Check`] is a value: one line, whatever it takes to find out. Must not mend anything itself.

mod checks;
mod codespaces;
mod slack;

use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;

pub use checks::{agent, bubblewrap, data_dir, database, forge, git, server};
pub use codespaces::codespaces;
pub use slack::slack;

use super::talk::{Outcome, Terminal, Trouble, clean};
use crate::client::Remote;
use crate::config::{Config, Vars};

/// A check may take this long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Something must be mended.
const UNWELL: u8 = 3;

/// One thing to look at.
pub struct Check {
    pub name: &'static str,
    pub look: BoxFuture<'static, Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    Ok,
    /// Works, with less.
    Warn,
    Fail,
}

/// What was found, and the command or setting that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub mark: Mark,
    pub found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    pub fn ok(found: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, found: found.into(), mend: None }
    }

    pub fn warn(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { mark: Mark::Warn, found: found.into(), mend: Some(mend.into()) }
    }

    pub fn fail(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { mark: Mark::Fail, found: found.into(), mend: Some(mend.into()) }
    }
}

impl Check {
    pub fn new(name: &'static str, look: impl Future<Output = Finding> + Send + 'static) -> Self {
        Self { name, look: look.boxed() }
    }
}

/// All checks for this configuration; a broken one is a finding itself, and what does not need it is still looked at.
pub fn checks(config: Result<Config, Trouble>, remote: Option<Remote>, vars: &Vars) -> Vec<Check> {
    let path = vars.get("PATH").cloned().unwrap_or_default();
    let mut all = vec![git(path.clone())];
    match config {
        Ok(config) => {
            let file = config.file.as_deref().map_or("none, all defaults".to_owned(), shown);
            all.insert(0, Check::new("configuration", async move { Finding::ok(file) }));
            all.extend(agents(&config, &path));
            all.push(bubblewrap(path.clone(), config.nodes.local.unsandboxed));
            all.push(data_dir(config.data_dir.clone()));
            all.push(database(config.data_dir.clone()));
            all.push(forge(config.github.clone()));
            all.extend(codespaces(&config, &path));
            all.extend(slack(&config.slack));
        }
        Err(trouble) => {
            let text = trouble.text().unwrap_or_default();
            let text = text.trim_start_matches("error: ").replace("\nhint: ", "; ");
            let found = Finding::fail(text, "mend the file or the variable named there");
            all.insert(0, Check::new("configuration", async move { found }));
        }
    }
    if let Some(remote) = remote {
        all.push(server(remote));
    }
    all
}

/// Every configured agent. The one sessions use that name none must be there, the others may be missing.
fn agents(config: &Config, path: &str) -> Vec<Check> {
    let control = &config.control;
    control
        .agents
        .iter()
        .map(|(n, a)| agent(n, a.command.clone(), path.to_owned(), *n == control.agent))
        .collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Looks at everything at once, tells in order.
pub async fn run(checks: Vec<Check>, at: &mut Terminal<'_>) -> Outcome {
    let look = |check: Check| async move {
        let late = || Finding::fail(format!("no answer within {} s", PATIENCE.as_secs()), "try again");
        (check.name, tokio::time::timeout(PATIENCE, check.look).await.unwrap_or_else(|_| late()))
    };
    let found = join_all(checks.into_iter().map(look)).await;
    for (name, finding) in &found {
        if at.json {
            at.print_json(&serde_json::json!({
                "name": name, "mark": finding.mark, "found": finding.found, "mend": finding.mend
            }))?;
        } else {
            at.print(&line(name, finding, at))?;
        }
    }
    let unwell = found.iter().any(|(_, f)| f.mark == Mark::Fail);
    if !at.json {
        let serves = found.iter().any(|(name, f)| *name == "server" && f.mark == Mark::Ok);
        at.say(match (unwell, serves) {
            (true, _) => "\nsome things must be mended first",
            (false, true) => "\nready, and a server runs: `devtask create --repo PATH --brief TEXT`",
            (false, false) => "\nready: `devtask serve`",
        })?;
    }
    Ok(if unwell { UNWELL } else { 0 })
}

fn line(name: &str, finding: &Finding, at: &Terminal<'_>) -> String {
    let mark = match finding.mark {
        Mark::Ok => at.look.good("✓"),
        Mark::Warn => at.look.odd("!"),
        Mark::Fail => at.look.bad("✗"),
    };
    let mend = finding.mend.as_ref().map(|m| format!("{:18}mend: {m}\n", "")).unwrap_or_default();
    clean_but_marks(&mark, &format!("{name:<15} {}\n{mend}", finding.found))
}

fn clean_but_marks(mark: &str, text: &str) -> String {
    format!("{mark} {}", clean(text))
}
