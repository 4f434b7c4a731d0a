//! The demo's stage: a folder, a local forge and a local Slack in this process, and a control plane in a process of its
//! own, which can therefore be killed and started again.
//!
//! Knows how the pieces are started; must not know the story.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::DemoArgs;
use super::hands::CHANNEL;
use crate::client::{Remote, Target};
use crate::clock::Clock;
use crate::workbench::forge::{Forge, Scope};
use crate::workbench::sample;
use crate::workbench::slack::Slack;

/// How long a control plane may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stage {
    pub forge: Forge,
    pub slack: Slack,
    /// `owner/name` on the forge.
    pub repo: String,
    pub dir: PathBuf,
    /// Held so that a folder of our own goes away with the demo.
    _temp: Option<tempfile::TempDir>,
    /// What the control plane was started with; whoever names it meets that control plane.
    pub config: PathBuf,
    server: Option<Child>,
}

impl Stage {
    /// Sets everything up and waits until the control plane answers.
    pub async fn set(args: &DemoArgs, hold: u32) -> anyhow::Result<Self> {
        // What a real repository got is kept, so that it can be fetched afterwards.
        let (dir, temp) = folder(args.data_dir.as_deref(), args.repo.is_some())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the forge")?;
        let forge = Forge::start(&dir.join("forge"), listener).await?;
        let repo = seed(&forge, &dir, args.repo.as_deref()).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for Slack")?;
        let slack = Slack::start(listener)?;
        // As after `/invite @devtask`: mentions reach it from the first word on.
        slack.enter(CHANNEL, &slack.bot_user()).map_err(|refusal| anyhow!("{refusal}"))?;
        let config = dir.join("demo.toml");
        let mut stage = Self { forge, slack, repo, dir, _temp: temp, config, server: None };
        let text = stage.config_text(args, hold).await?;
        write_private(&stage.config, &text).context("the demo's configuration cannot be written")?;
        stage.start().await?;
        Ok(stage)
    }

    /// Starts the control plane and waits until it answers.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("serve.log"))?;
        let mut serve = Command::new(std::env::current_exe()?);
        serve.arg("--data-dir").arg(self.data()).arg("--config").arg(&self.config).arg("serve");
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let before = self.slack.connections().1;
        self.server = Some(serve.spawn().context("the control plane does not start")?);
        self.ready(before).await
    }

    /// It answers, and Slack reaches it over a socket that was not there `before`.
    async fn ready(&mut self, before: u64) -> anyhow::Result<()> {
        let answered = tokio::time::timeout(PATIENCE, async {
            while self.remote().ready().await.is_err() || self.slack.connections().1 == before {
                if let Some(Ok(Some(status))) = self.server.as_mut().map(Child::try_wait) {
                    bail!("the control plane ended at once ({status}):\n{}", self.log_tail());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        match answered.await {
            Ok(answered) => answered,
            Err(_) => bail!("the control plane does not answer:\n{}", self.log_tail()),
        }
    }

    /// Whether the control plane's process is gone.
    pub fn is_dead(&mut self) -> bool {
        self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)))
    }

    /// `kill -9`, as from outside.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill().await.context("the control plane could not be killed")?;
        }
        Ok(())
    }

    /// Lets the control plane and then its agents end: nothing of the demo runs on.
    pub async fn stop(&mut self) {
        self.stop_server().await;
        crate::node::local::rest(&self.data()).await;
    }

    async fn stop_server(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = server.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // Where it is gone already, there is nothing to wait for.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(PATIENCE, server.wait()).await.is_err() {
            drop(server.kill().await);
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.data().join(crate::http::SOCKET)
    }

    /// The control plane's own folder.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The control plane as any client sees it.
    pub fn remote(&self) -> Remote {
        Remote::new(Target::Socket(self.socket()), None, Clock::system())
    }

    async fn config_text(&self, args: &DemoArgs, hold: u32) -> anyhow::Result<String> {
        let Self { forge, dir, .. } = self;
        let token = forge.token("demo", Scope::FULL).await?;
        let token_file = dir.join("forge.token");
        write_private(&token_file, token.expose_secret())?;
        let agent_sim = std::env::current_exe()?;
        let mut text = toml::Table::new();
        text.insert("data_dir".into(), path_value(&dir.join("data")));
        text.insert("http".into(), table([("listen", format!("127.0.0.1:{}", args.port).into())]));
        let github = [
            ("api_url", forge.api_url().into()),
            ("git_base_url", forge.url().into()),
            ("token_file", path_value(&token_file)),
        ];
        text.insert("github".into(), table(github));
        text.insert("slack".into(), self.slack_table());
        let scripted = [("command", vec![path_value(&agent_sim), "agent-sim".into()].into())];
        let agents = [("scripted", table(scripted)), ("claude", table([("command", vec!["claude"].into())]))];
        let control = [
            ("slots", 2.into()),
            ("agent", args.agent.clone().into()),
            ("limits", table([("hold", i64::from(hold).into())])),
            ("agents", table(agents)),
        ];
        text.insert("control".into(), table(control));
        // The scripted agent in its throwaway folder may run without a sandbox; the real one only where it is asked for.
        let unsandboxed = args.unsandboxed || args.agent == "scripted";
        text.insert("nodes".into(), table([("local", table([("unsandboxed", unsandboxed.into())]))]));
        Ok(toml::to_string(&text)?)
    }

    fn slack_table(&self) -> toml::Value {
        let tokens = self.slack.tokens();
        table([
            ("bot_token", tokens.bot.expose_secret().into()),
            ("app_token", tokens.app.expose_secret().into()),
            ("api_url", self.slack.api_url().into()),
            ("repo", self.repo.clone().into()),
        ])
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("serve.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>().join("\n")
    }
}

/// The folder asked for, or one that goes away with the demo unless it is to be kept.
fn folder(asked: Option<&Path>, keep: bool) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(dir) = asked {
        std::fs::create_dir_all(dir).with_context(|| format!("`{}` cannot be made", dir.display()))?;
        return Ok((std::path::absolute(dir)?, None));
    }
    let temp = tempfile::Builder::new().prefix("devtask-demo-").tempdir()?;
    if keep { Ok((temp.keep(), None)) } else { Ok((temp.path().to_owned(), Some(temp))) }
}

/// Puts the sample, or the repository asked for, on the forge. The original is only read.
async fn seed(forge: &Forge, dir: &Path, asked: Option<&Path>) -> anyhow::Result<String> {
    let (name, from) = match asked {
        None => {
            let sample = dir.join("sample");
            if !sample.exists() {
                sample::make(&sample).context("the sample repository cannot be made")?;
            }
            ("sample".to_owned(), sample)
        }
        Some(path) => {
            let path = path.canonicalize().with_context(|| format!("`{}` is not there", path.display()))?;
            (repo_name(&path), path)
        }
    };
    if !forge.has_repo("demo", &name) {
        forge.create_repo("demo", &name, Some(&from)).await?;
    }
    Ok(format!("demo/{name}"))
}

/// The folder's own name where a forge would take it.
fn repo_name(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['-', '.']).to_owned();
    if name.is_empty() { "repository".to_owned() } else { name }
}

fn table<const N: usize>(rows: [(&str, toml::Value); N]) -> toml::Value {
    toml::Value::Table(rows.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn path_value(path: &Path) -> toml::Value {
    toml::Value::String(path.to_string_lossy().into_owned())
}

/// Readable by its owner alone from its first byte on.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
