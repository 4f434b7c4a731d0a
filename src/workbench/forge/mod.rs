//! A local GitHub: bare repositories, the part of the API that octocrab needs for pull requests, git over HTTP.
//!
//! A model of strict laws (`model/`) with thin faces: `rest.rs` as octocrab calls it, `smart.rs` as git does,
//! `view.rs` as JSON for whoever looks. It refuses what GitHub refuses, and what GitHub ignores but nobody should
//! send. The same forge serves the demo and every test; faults are made on demand ([`Fault`]).
//!
//! ```text
//! /api/v3/user · /api/v3/repos/O/N · …/branches/B · …/pulls[/n] · …/issues/n/comments     GitHub's API
//! …/codespaces…  · /_tunnel/NAME                                                            `codespaces/`
//! /login/device[/code] · /login/oauth/access_token                                         the device flow
//! /O/N.git/info/refs · …/git-upload-pack · …/git-receive-pack                              git
//! /_forge/pulls · /_forge/calls · /_forge/faults · /O/N/pull/n                              our own JSON
//! ```
//!
//! Must not know DevTask: it sees branches and pull requests, as GitHub would.

mod answers;
mod asks;
mod auth;
pub mod codespaces;
mod device;
mod disk;
mod faults;
mod gate;
mod git;
mod model;
mod names;
mod refusal;
mod rest;
mod shop;
mod smart;
#[cfg(test)]
mod tests;
mod view;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use self::codespaces::{Codespaces, Hub};
use self::refusal::Refusal;
use self::shop::Shop;
use crate::clock::Clock;
use crate::workbench::serve;

pub use device::DeviceSettings;
pub use faults::{Call, Calls, Fault, What};
pub use model::{Access, Scope};
pub use view::{CommentView, PullView};

/// A forge that serves; dropping it ends its connections. What it holds stays in its folder.
pub struct Forge {
    shop: Arc<Shop>,
    _serving: AbortOnDropHandle<()>,
    /// Lets time pass for codespaces.
    _living: AbortOnDropHandle<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    #[error("the forge's folder {} cannot be used", dir.display())]
    Folder { dir: PathBuf, source: std::io::Error },
    #[error("the forge has no address")]
    Address(#[source] std::io::Error),
    #[error("`{0}` is no name for a repository or a user")]
    BadName(String),
    #[error("the repository {0} exists already")]
    Exists(String),
    #[error("the repository could not be made")]
    Git(#[from] git::GitFailed),
    #[error("the forge refuses: {0}")]
    Refused(String),
}

impl From<Refusal> for ForgeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.message)
    }
}

impl Forge {
    /// Serves the forge kept in `dir` (made where absent) on `listener`, for as long as it is held.
    pub async fn start(dir: &Path, listener: TcpListener) -> Result<Self, ForgeError> {
        Self::start_with(dir, listener, Clock::system()).await
    }

    pub async fn start_with(dir: &Path, listener: TcpListener, clock: Clock) -> Result<Self, ForgeError> {
        let bad_folder = |source| ForgeError::Folder { dir: dir.to_owned(), source };
        let url = url_of(listener.local_addr().map_err(ForgeError::Address)?);
        let at = std::path::absolute(dir).map_err(bad_folder)?;
        let opened = tokio::task::spawn_blocking(move || {
            let lock = disk::prepare(&at)?;
            let at = at.canonicalize()?;
            let model = disk::load(&at, disk::FORGE)?;
            let codespaces = disk::load(&at, disk::CODESPACES)?;
            Ok((lock, at, model, codespaces))
        });
        let opened = opened.await.map_err(std::io::Error::other).and_then(|done| done);
        let (lock, at, model, codespaces) = opened.map_err(bad_folder)?;
        let hub = Arc::new(Hub::new(at.clone(), url.clone(), clock.clone(), codespaces));
        let living = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&hub).live()));
        let shop = Arc::new(Shop::new(at, url, clock, model, hub, lock));
        let serving = AbortOnDropHandle::new(tokio::spawn(serve::serve(listener, router(Arc::clone(&shop)))));
        Ok(Self { shop, _serving: serving, _living: living })
    }

    /// `http://127.0.0.1:PORT`: what stands before `/owner/name.git` and before pages.
    pub fn url(&self) -> &str {
        &self.shop.url
    }

    /// The root of the REST API.
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.shop.url)
    }

    /// Makes a repository: empty, or a copy of the one at `from` with its default branch. Its owner is made too.
    pub async fn create_repo(&self, owner: &str, name: &str, from: Option<&Path>) -> Result<(), ForgeError> {
        let bad_name = || ForgeError::BadName(format!("{owner}/{name}"));
        let key = names::key(owner, name).ok_or_else(bad_name)?;
        if self.shop.model().repo(&key).is_some() {
            return Err(ForgeError::Exists(key));
        }
        let dir = self.shop.repo_dir(&key);
        let parent = dir.parent().ok_or_else(bad_name)?;
        let bad_folder = |source| ForgeError::Folder { dir: parent.to_owned(), source };
        tokio::fs::create_dir_all(parent).await.map_err(bad_folder)?;
        // A folder without its row is left over from a start that was cut off: the row comes now.
        if !tokio::fs::try_exists(&dir).await.map_err(bad_folder)? {
            git::make(parent, &dir, from).await?;
        }
        let branch = git::default_branch(&dir).await?;
        let (owner, name) = (owner.to_owned(), name.to_owned());
        Ok(self.shop.commit(move |model, now| model.add_repo(&owner, &name, &branch, now)).await?)
    }

    pub fn has_repo(&self, owner: &str, name: &str) -> bool {
        names::key(owner, name).is_some_and(|key| self.shop.model().repo(&key).is_some())
    }

    pub async fn set_private(&self, owner: &str, name: &str, private: bool) -> Result<(), ForgeError> {
        let key = key_of(owner, name)?;
        let change =
            move |model: &mut model::Model, _| model.repo_mut(&key).map(|repo| repo.private = private);
        Ok(self.shop.commit(change).await?)
    }

    /// Says what a user may do in a repository; its owner may write anyway.
    pub async fn grant(
        &self,
        owner: &str,
        name: &str,
        login: &str,
        access: Access,
    ) -> Result<(), ForgeError> {
        let (key, login) = (key_of(owner, name)?, login.to_owned());
        let change = move |model: &mut model::Model, _| {
            model.add_user(&login)?;
            model.repo_mut(&key).map(|repo| repo.grant(&login, access))
        };
        Ok(self.shop.commit(change).await?)
    }

    /// A new token of a user, who is made where unknown. Only its hash is kept.
    pub async fn token(&self, login: &str, scope: Scope) -> Result<SecretString, ForgeError> {
        let token = SecretString::from(format!("forge_{}", self.shop.clock.random_id().simple()));
        self.admit_token(login, &token, scope).await?;
        Ok(token)
    }

    /// Takes this token for the user's from now on.
    pub async fn admit_token(
        &self,
        login: &str,
        token: &SecretString,
        scope: Scope,
    ) -> Result<(), ForgeError> {
        let (login, hash) = (login.to_owned(), auth::hash(token.expose_secret()));
        Ok(self.shop.commit(move |model, _| model.add_token(hash, &login, scope)).await?)
    }

    /// Where a repository lies, bare.
    pub fn repo_dir(&self, owner: &str, name: &str) -> Result<PathBuf, ForgeError> {
        Ok(self.shop.repo_dir(&key_of(owner, name)?))
    }

    /// Every pull request with its diff, as at `/_forge/pulls`.
    pub async fn pulls(&self) -> Result<Vec<PullView>, ForgeError> {
        Ok(view::all(&self.shop).await?)
    }

    pub fn calls(&self) -> Calls {
        self.shop.calls().clone()
    }

    /// Lets the next matching calls go wrong.
    pub fn fault(&self, fault: Fault) {
        self.shop.faults().add(fault);
    }

    /// A person enters a device's code and lets it in; `false` where no such code waits.
    pub fn approve_device(&self, user_code: &str, login: &str) -> bool {
        self.shop.devices.decide(user_code, Some(login), self.shop.clock.now())
    }

    /// A person enters a device's code and turns it away; `false` where no such code waits.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.shop.devices.decide(user_code, None, self.shop.clock.now())
    }

    /// Reads or turns the patience of the device flow; holds for codes to come.
    pub fn device_settings<T>(&self, turn: impl FnOnce(&mut DeviceSettings) -> T) -> T {
        self.shop.devices.settings(turn)
    }

    /// Its codespaces: settings, troubles, machines.
    pub fn codespaces(&self) -> Codespaces {
        Codespaces(Arc::clone(&self.shop.codespaces))
    }

    pub fn clear_faults(&self) {
        self.shop.faults().clear();
    }
}

fn key_of(owner: &str, name: &str) -> Result<String, ForgeError> {
    names::key(owner, name).ok_or_else(|| ForgeError::BadName(format!("{owner}/{name}")))
}

fn url_of(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .nest("/api/v3", rest::routes())
        .merge(smart::routes())
        .merge(view::routes())
        .merge(codespaces::tunnel())
        .merge(device::routes())
        .fallback(|| async { Refusal::not_found() })
        .layer(from_fn_with_state(Arc::clone(&shop), gate::pass))
        .with_state(shop)
}
