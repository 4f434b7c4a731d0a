//! A forge as a model: repositories by name, and answers by script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use devtask::control::forge::{Forge, ForgeError, Proposal, Wanted};
use devtask::domain::Repo;
use devtask::domain::session::PullRequest;
use devtask::wire::run::Remote;
use secrecy::SecretString;
use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Fake(Arc<Inside>);

#[derive(Default)]
struct Inside {
    state: Mutex<State>,
    go: Notify,
}

#[derive(Default)]
struct State {
    errors: VecDeque<ForgeError>,
    /// The next publish waits until it is let go.
    holds: bool,
    /// The same, once it was asked whether it is wanted: the request is under way.
    holds_late: bool,
    waits: bool,
    /// So many tries panic.
    panics: u32,
    proposals: Vec<Proposal>,
    pulls: Vec<Proposal>,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub fn fail(&self, error: ForgeError) {
        self.state().errors.push_back(error);
    }

    pub fn hold(&self) {
        self.state().holds = true;
    }

    /// The next publish waits when nothing can stop it any more.
    pub fn hold_late(&self) {
        self.state().holds_late = true;
    }

    /// A forge with a bug: so many tries panic.
    pub fn panic(&self, times: u32) {
        self.state().panics = times;
    }

    async fn wait(&self) {
        self.state().waits = true;
        self.0.go.notified().await;
    }

    pub fn waits(&self) -> bool {
        self.state().waits
    }

    pub fn go(&self) {
        self.0.go.notify_one();
    }

    pub fn asked(&self) -> usize {
        self.state().proposals.len()
    }

    pub fn pulls(&self) -> Vec<Proposal> {
        self.state().pulls.clone()
    }
}

#[async_trait]
impl Forge for Fake {
    async fn exists(&self, owner: &str, name: &str) -> Result<(), ForgeError> {
        if (owner, name) == ("acme", "shop") {
            return Ok(());
        }
        Err(ForgeError::Unknown(format!("{owner}/{name}")))
    }

    fn remote(&self, owner: &str, name: &str) -> Option<Remote> {
        Some(Remote { url: format!("https://forge.test/{owner}/{name}.git"), needs_credential: true })
    }

    fn recognise(&self, url: &str) -> Option<Repo> {
        url.strip_prefix("https://forge.test/").and_then(|path| path.parse().ok())
    }

    async fn credential(&self, _: &str, _: &str) -> Result<Option<SecretString>, ForgeError> {
        Ok(Some(SecretString::from("x-access-token:for-one-push")))
    }

    async fn publish(&self, proposal: Proposal, wanted: &dyn Wanted) -> Result<PullRequest, ForgeError> {
        self.state().proposals.push(proposal.clone());
        let panics = std::mem::take(&mut self.state().panics);
        self.state().panics = panics.saturating_sub(1);
        assert_eq!(panics, 0, "a bug in `publish`");
        if self.state().holds {
            self.wait().await;
        }
        let error = self.state().errors.pop_front();
        if let Some(error) = error {
            return Err(error);
        }
        let known = self.state().pulls.iter().position(|p| p.head == proposal.head);
        if known.is_none() && !wanted.still().await {
            return Err(ForgeError::NotWanted);
        }
        if std::mem::take(&mut self.state().holds_late) {
            self.wait().await;
        }
        let mut state = self.state();
        if known.is_none() {
            state.pulls.push(proposal);
        }
        let number = known.unwrap_or(state.pulls.len() - 1) as u64 + 1;
        let url = format!("https://forge.test/acme/shop/pull/{number}");
        Ok(PullRequest { number, url, adopted: known.is_some() })
    }
}
