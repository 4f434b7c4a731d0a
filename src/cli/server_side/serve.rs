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
use crate::control::settings::Machine;
use crate::control::{Local, Providers};
use crate::http::{Doors, Parts};
use crate::node::Provider;
use crate::slack::Slack;
use crate::store::{Store, StoreError};
use crate::supervisor::chain;
use crate::{control, node, slack, telemetry};

/// Makes the providers of an installation: `instance` is its mark, `caged` whether bubblewrap works here.
pub type MakeProviders = fn(config: &Config, instance: &str, caged: bool) -> Providers;

/// Those of every installation.
pub fn providers(config: &Config, instance: &str, caged: bool) -> Providers {
    let local = node::local::Local::new(&config.data_dir, instance, config.nodes.local.clone(), caged);
    Providers::from([("local".to_owned(), Arc::new(local) as Arc<dyn Provider>)])
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
    let made = providers(&config, store.instance(), bubblewrap.is_some());
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

/// Without a token there is no forge: sessions work on folders.
fn forge(config: &Config, clock: Clock) -> Result<Option<Arc<dyn Forge>>, Trouble> {
    let github = &config.github;
    if github.token.is_none() && github.token_file.is_none() && github.token_env.is_none() {
        return Ok(None);
    }
    let forge = OnGitHub::new(github.clone(), clock)
        .map_err(|e| Trouble::setup(e.sentence()).hint("`devtask doctor` looks at everything at once"))?;
    Ok(Some(Arc::new(forge)))
}

/// What no agent may see: our data, and the files secrets are read from.
fn hidden(config: &Config) -> Vec<PathBuf> {
    let files = [config.http.token_file.clone(), config.github.token_file.clone(), config.file.clone()];
    std::iter::once(config.data_dir.clone()).chain(files.into_iter().flatten()).collect()
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
