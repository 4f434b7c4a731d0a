//! `devtask serve`: store, control plane, providers and doors put together, and taken apart again in order.
//!
//! Holds no rules: every part brings its own.

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::health;
use crate::cli::talk::Trouble;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::forge::{Forge, OnGitHub};
use crate::control::links::Links;
use crate::control::settings::Machine;
use crate::control::{Local, Providers};
use crate::http::{Doors, Parts};
use crate::node::Provider;
use crate::node::bootstrap::Binaries;
use crate::node::codespaces::{Codespaces, OverSsh};
use crate::node::ssh::Ssh;
use crate::slack::Slack;
use crate::store::{Store, StoreError};
use crate::supervisor::chain;
use crate::{control, github, node, slack, telemetry};

/// What providers are made from.
pub struct Ground<'a> {
    pub config: &'a Config,
    pub store: &'a Store,
    pub clock: &'a Clock,
    /// Whether bubblewrap works here.
    pub caged: bool,
}

/// Makes the providers of an installation.
pub type MakeProviders = fn(ground: &Ground<'_>) -> Result<Providers, Trouble>;

/// Those of every installation, and codespaces where somebody's token is or may come to be.
pub fn providers(ground: &Ground<'_>) -> Result<Providers, Trouble> {
    let Ground { config, store, caged, .. } = *ground;
    let local =
        node::local::Local::new(&config.data_dir, store.instance(), config.nodes.local.clone(), caged);
    let mut all = Providers::from([("local".to_owned(), Arc::new(local) as Arc<dyn Provider>)]);
    if !config.nodes.codespaces.identities.is_empty() || has_forge(&config.github) {
        all.insert("codespaces".to_owned(), Arc::new(codespaces(ground)?));
    }
    Ok(all)
}

/// Made without asking anybody: what is missing is told where a codespace is wanted, and by `devtask doctor`.
fn codespaces(ground: &Ground<'_>) -> Result<Codespaces, Trouble> {
    let Ground { config, store, clock, .. } = *ground;
    let folder = config.data_dir.join("ssh");
    let ssh = Ssh::new(&folder, node::ssh::Settings::default(), clock.clone())
        .map_err(|e| Trouble::setup(format!("`{}`: {e}", folder.display())))?;
    let reach = OverSsh::new(ssh, Binaries::new(config.nodes.binaries.clone()));
    Ok(Codespaces::new(
        config.nodes.codespaces.clone(),
        &config.github,
        store.instance(),
        clock.clone(),
        Arc::new(Links::new(store.clone())),
        Arc::new(reach),
    ))
}

/// Serves until `stop` ends; then nothing new is taken, streams end, and the far ends go on without us.
pub async fn run(
    config: Config,
    providers: MakeProviders,
    talk: &mut (dyn Write + Send),
    stop: impl Future<Output = ()>,
) -> Result<(), Trouble> {
    let clock = Clock::system();
    let store =
        Store::open(&config.data_dir, clock.clone()).await.map_err(|e| not_open(&config.data_dir, &e))?;
    let doors = Doors::open(&config.http, &config.data_dir, &clock)
        .await
        .map_err(|e| Trouble::setup(chain(&e)).hint("`devtask doctor` looks at everything at once"))?;
    let bubblewrap = node::local::bubblewrap().await;
    let ground = Ground { config: &config, store: &store, clock: &clock, caged: bubblewrap.is_some() };
    let made = providers(&ground)?;
    let local = start(&config, &store, made, bubblewrap, clock.clone())?;
    let slack = slack(&config, &local, &store, clock)?;
    let doors = doors.signed(slack.as_ref().map_or_else(Router::new, |slack| slack.routes()));
    writeln!(talk, "{}", greeting(&config, &doors))?;

    let closing = CancellationToken::new();
    let parts = Parts {
        control: Arc::new(local.clone()),
        health: health::of(&store, &local, slack.clone()),
        metrics: telemetry::figures(),
        closing: closing.clone(),
    };
    let serving = tokio::spawn(doors.serve(parts));
    stop.await;
    tracing::info!("ending: nothing new is taken, agents go on");
    closing.cancel();
    if serving.await.is_err() {
        tracing::error!("the doors broke");
    }
    if let Some(slack) = slack {
        slack.shutdown().await;
    }
    local.shutdown().await;
    store.close().await;
    Ok(())
}

fn start(
    config: &Config,
    store: &Store,
    providers: Providers,
    bubblewrap: Option<PathBuf>,
    clock: Clock,
) -> Result<Local, Trouble> {
    let forge = forge(config, clock.clone())?;
    let mut settings: control::Settings = config.control.clone();
    settings.machine = Machine {
        program: None,
        mirrors: Some(config.data_dir.join("mirrors")),
        bubblewrap,
        links: Some(config.data_dir.join("links")),
        hide: hidden(config),
    };
    Local::start(settings, store.clone(), providers, forge, clock).map_err(|e| Trouble::setup(e.to_string()))
}

/// Off where no token is set.
fn slack(config: &Config, local: &Local, store: &Store, clock: Clock) -> Result<Option<Arc<Slack>>, Trouble> {
    if config.slack.mode().is_none() {
        return Ok(None);
    }
    let parts = slack::Parts {
        settings: config.slack.clone(),
        control: Arc::new(local.clone()),
        notes: store.slack(),
        clock,
    };
    let slack = Slack::start(parts).map_err(|e| {
        Trouble::setup(format!("Slack: {}", chain(&e))).hint("`devtask doctor` looks at everything at once")
    })?;
    Ok(Some(Arc::new(slack)))
}

/// Our own token, or an app through which people link theirs.
fn has_forge(github: &github::Settings) -> bool {
    let token = github.token.is_some() || github.token_file.is_some() || github.token_env.is_some();
    token || github.client_id.is_some()
}

/// Without one sessions work on folders.
fn forge(config: &Config, clock: Clock) -> Result<Option<Arc<dyn Forge>>, Trouble> {
    if !has_forge(&config.github) {
        return Ok(None);
    }
    let forge = OnGitHub::new(config.github.clone(), clock)
        .map_err(|e| Trouble::setup(e.sentence()).hint("`devtask doctor` looks at everything at once"))?;
    Ok(Some(Arc::new(forge)))
}

/// What no agent may see: our data, and the files secrets are read from.
fn hidden(config: &Config) -> Vec<PathBuf> {
    let files = [config.http.token_file.clone(), config.github.token_file.clone(), config.file.clone()];
    let identities = config.nodes.codespaces.identities.iter().filter_map(|i| i.token_file.clone());
    let all = std::iter::once(config.data_dir.clone()).chain(files.into_iter().flatten());
    all.chain(identities).collect()
}

fn greeting(config: &Config, doors: &Doors) -> String {
    format!(
        "DevTask {} listens on http://{} and {} · {} slots · next: `devtask create --repo PATH --brief TEXT`",
        env!("CARGO_PKG_VERSION"),
        doors.address(),
        doors.socket().display(),
        config.control.slots,
    )
}

fn not_open(dir: &Path, error: &StoreError) -> Trouble {
    let trouble = Trouble::setup(format!("`{}`: {}", dir.display(), chain(error)));
    match error {
        StoreError::Locked => trouble.hint("stop the other one, or name another folder with `--data-dir`"),
        StoreError::Newer => trouble.hint("update this DevTask; a database never goes back"),
        _ => trouble.hint("`devtask doctor` looks at everything at once"),
    }
}
