//! What the control plane lends us, in memory only: the agent's secrets, and a credential per push.
//!
//! A request outlives the link it was made on: it is asked again with every attach until it is answered or given up.
//! Must not know what a credential opens.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{oneshot, watch};

use super::workspace::Credentials;

/// How long a push waits for its credential: longer than a control plane's restart.
const PATIENCE: Duration = Duration::from_mins(5);
/// The same when the machine wants us gone: long enough for a control plane that is there.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Desk {
    inner: Mutex<Inner>,
    asked: watch::Sender<u64>,
    /// The machine wants us gone.
    hurried: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Inner {
    secrets: BTreeMap<String, SecretString>,
    next: u64,
    open: BTreeMap<u64, oneshot::Sender<Option<SecretString>>>,
}

/// The body of a `Secrets` frame is no JSON object of strings.
#[derive(Debug, thiserror::Error)]
#[error("the secrets are no JSON object of strings")]
pub struct BadSecrets;

impl Desk {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a `Secrets` frame's body; it replaces what was there.
    pub fn put_secrets(&self, body: &[u8]) -> Result<(), BadSecrets> {
        let plain: BTreeMap<String, String> = if body.is_empty() {
            BTreeMap::new()
        } else {
            serde_json::from_slice(body).map_err(|_| BadSecrets)?
        };
        let fits = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        if !plain.iter().all(|(name, value)| fits(name) && !value.contains('\0')) {
            return Err(BadSecrets);
        }
        self.inner().secrets = plain.into_iter().map(|(k, v)| (k, SecretString::from(v))).collect();
        Ok(())
    }

    /// Hands the secrets to a process about to start.
    pub fn lend_secrets(&self, command: &mut tokio::process::Command) {
        for (name, value) in &self.inner().secrets {
            command.env(name, value.expose_secret());
        }
    }

    /// The answer to request `id`; empty = there is none.
    pub fn give(&self, id: u64, body: Vec<u8>) {
        let Some(waiting) = self.inner().open.remove(&id) else { return };
        let text = String::from_utf8(body).ok().filter(|t| !t.is_empty());
        let _ = waiting.send(text.map(SecretString::from));
    }

    /// Requests nobody has answered; rises with every new one.
    pub fn open(&self) -> Vec<u64> {
        self.inner().open.keys().copied().collect()
    }

    /// From now on nobody waits long for an answer: what cannot be pushed stays here, marked as unsaved.
    pub fn hurry(&self) {
        self.hurried.send_replace(true);
    }

    async fn patience(&self) {
        let mut hurried = self.hurried.subscribe();
        let hurry = async {
            drop(hurried.wait_for(|hurried| *hurried).await);
            tokio::time::sleep(SHORT_PATIENCE).await;
        };
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => {}
            () = hurry => {}
        }
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }
}

impl Credentials for Desk {
    fn lend(&self) -> BoxFuture<'_, Option<SecretString>> {
        async {
            let (sender, receiver) = oneshot::channel();
            let id = {
                let mut inner = self.inner();
                inner.next += 1;
                let id = inner.next;
                inner.open.insert(id, sender);
                id
            };
            let given_up = Given { desk: self, id };
            self.asked.send_replace(id);
            let answer = tokio::select! {
                answer = receiver => answer.ok().flatten(),
                () = self.patience() => None,
            };
            drop(given_up);
            answer
        }
        .boxed()
    }
}

/// Takes an unanswered request away when its asker goes.
struct Given<'a> {
    desk: &'a Desk,
    id: u64,
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        self.desk.inner().open.remove(&self.id);
    }
}
