//! Whose account on the forge a session works with: people link theirs, and everybody else's work is DevTask's own.
//!
//! ```text
//!   link ─► a code, shown ─► typed at the forge ─► token ─► private file ─► row in `links`
//!        └► a file of theirs on the server's machine ─────────────────────────┘
//! ```
//! A token is read from its file whenever it is used and is nowhere else. A link that waits lives in memory: after a
//! restart the person begins again. Must not know over which door they came.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::Inner;
use super::forge::{Forge, ForgeError};
use super::refusals::{self, in_full};
use crate::domain::Actor;
use crate::github::device::{DeviceCode, Poll};
use crate::github::token;
use crate::store::StoreError;
use crate::store::people::Linked;
use crate::wire::account::AccountView;
use crate::wire::api::{Code, Refusal};

/// One question to the forge.
const CALL: Duration = Duration::from_secs(30);
/// So much longer than its code lives a link is waited for, in case the forge's clock is another one.
const SKEW: TimeDelta = TimeDelta::minutes(1);
const TOO_LATE: &str = "the code was not typed in time";

/// Links that are not made yet, and why the last one came to nothing.
#[derive(Default)]
pub(super) struct Waiting(Mutex<BTreeMap<Actor, AccountView>>);

impl Waiting {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Actor, AccountView>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub(super) async fn account(&self, of: &Actor) -> Result<AccountView, Refusal> {
        if let Some(view) = self.linking.all().get(of) {
            return Ok(view.clone());
        }
        let linked = self.store.linked(of).await.map_err(|e| refusals::of_store(&e))?;
        Ok(linked
            .map_or(AccountView::Unlinked, |l| AccountView::Linked { login: l.login, since: l.linked_at }))
    }

    pub(super) async fn unlink(&self, by: &Actor) -> Result<AccountView, Refusal> {
        self.linking.all().remove(by);
        if let Some(linked) = self.store.linked(by).await.map_err(|e| refusals::of_store(&e))? {
            self.store.unlink(by).await.map_err(|e| refusals::of_store(&e))?;
            self.forget(&linked);
        }
        self.account(by).await
    }

    /// A code for the person; the same one again until it is typed or too old.
    pub(super) async fn link_device(self: &Arc<Self>, by: &Actor) -> Result<AccountView, Refusal> {
        let now = self.clock.now();
        if let waits @ AccountView::Waiting { until, .. } = self.account(by).await?
            && until > now
        {
            return Ok(waits);
        }
        let forge = self.forge_to_link()?;
        let device = in_time(forge.begin_link()).await.map_err(|e| of_forge(&e))?;
        let lasts = TimeDelta::from_std(device.expires_in).unwrap_or_default();
        let view = AccountView::Waiting {
            user_code: device.user_code.clone(),
            verification_uri: device.verification_uri.clone(),
            until: now + lasts,
        };
        self.linking.all().insert(by.clone(), view.clone());
        let (inner, by, end) = (Arc::clone(self), by.clone(), self.end.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = inner.wait_for(by, forge, device) => {}
            }
        });
        Ok(view)
    }

    /// Asks the forge as often as it allows until the code is typed, refused or too old, or another one is shown.
    async fn wait_for(&self, by: Actor, forge: Arc<dyn Forge>, device: DeviceCode) {
        let mut pause = device.interval;
        let ends = self.clock.now() + TimeDelta::from_std(device.expires_in).unwrap_or_default() + SKEW;
        loop {
            tokio::time::sleep(pause).await;
            let current = matches!(self.linking.all().get(&by),
                Some(AccountView::Waiting { user_code, .. }) if *user_code == device.user_code);
            if !current {
                return;
            }
            let done = match in_time(forge.typed(&device)).await {
                Ok(Poll::Pending) | Err(ForgeError::Transient { .. }) if self.clock.now() <= ends => continue,
                Ok(Poll::Pending) => Err(TOO_LATE.to_owned()),
                Ok(Poll::SlowDown(longer)) => {
                    pause = longer;
                    continue;
                }
                Ok(Poll::Token(token)) => self.keep_link(&by, forge.as_ref(), token).await,
                Ok(Poll::Denied) => Err("you refused it at the forge".to_owned()),
                Ok(Poll::Expired) => Err(TOO_LATE.to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match done {
                Ok(()) => self.linking.all().remove(&by),
                Err(why) => self.linking.all().insert(by, AccountView::Refused { why }),
            };
            return;
        }
    }

    async fn keep_link(&self, by: &Actor, forge: &dyn Forge, token: SecretString) -> Result<(), String> {
        let login = in_time(forge.login_of(&token)).await.map_err(|e| e.to_string())?;
        let folder = self.settings.machine.links.clone().ok_or("there is no folder for tokens")?;
        let kept = self.write_link(by, &login, &folder, &token).await;
        kept.map_err(|error| {
            tracing::error!(error = %in_full(&error), "a link could not be kept");
            "DevTask could not keep it; the operator's log says more".to_owned()
        })
    }

    /// The new file stands before the row names it, and the old one goes after that.
    async fn write_link(
        &self,
        by: &Actor,
        login: &str,
        folder: &Path,
        token: &SecretString,
    ) -> Result<(), StoreError> {
        let file = folder.join(format!("{}.token", self.clock.random_id().simple()));
        write(folder, &file, token)?;
        let before = self.store.linked(by).await?;
        self.store.link(by, login, &file.to_string_lossy()).await?;
        if let Some(before) = before {
            self.forget(&before);
        }
        Ok(())
    }

    /// A file with their token that is there already and stays theirs. Only people of this machine name files on it.
    pub(super) async fn link_file(&self, by: &Actor, file: String) -> Result<AccountView, Refusal> {
        let invalid = |why: String| Refusal::new(Code::Invalid, why);
        if !matches!(by, Actor::Person(name) if name.starts_with("local/")) {
            return Err(Refusal::new(
                Code::Forbidden,
                "only people of the server's machine name files on it",
            ));
        }
        if !Path::new(&file).is_absolute() {
            return Err(invalid(format!("`{file}` is no absolute path")));
        }
        let token = read(Path::new(&file)).map_err(|why| invalid(format!("`{file}` {why}")))?;
        let login = in_time(self.forge_to_link()?.login_of(&token)).await.map_err(|error| match error {
            ForgeError::Permanent(_) => {
                invalid(format!("`{file}` holds a token that the forge does not take"))
            }
            error => of_forge(&error),
        })?;
        self.linking.all().remove(by);
        self.store.link(by, &login, &file).await.map_err(|e| refusals::of_store(&e))?;
        self.account(by).await
    }

    fn forge_to_link(&self) -> Result<Arc<dyn Forge>, Refusal> {
        self.forge.clone().ok_or_else(|| {
            Refusal::new(Code::Invalid, "no forge is configured, so there is no account to link")
        })
    }

    /// Removes a token file of ours; one that was named by a person is theirs.
    fn forget(&self, linked: &Linked) {
        let file = Path::new(&linked.token_file);
        let ours = self.settings.machine.links.as_deref().is_some_and(|folder| file.starts_with(folder));
        if ours && let Err(error) = std::fs::remove_file(file) {
            tracing::warn!(error = %error, "the file of a token that is not needed any more stays");
        }
    }

    /// The forge as it is for this person: with their own token where they linked one that can be read.
    pub(super) async fn forge_for(&self, person: &Actor) -> Option<Arc<dyn Forge>> {
        let forge = self.forge.clone()?;
        let Ok(Some(linked)) = self.store.linked(person).await else { return Some(forge) };
        match read(Path::new(&linked.token_file)) {
            Ok(token) => Some(forge.on_behalf_of(token).unwrap_or(forge)),
            Err(why) => {
                tracing::warn!(person.login = %linked.login, "a linked token {why}; DevTask's own is used");
                Some(forge)
            }
        }
    }
}

fn of_forge(error: &ForgeError) -> Refusal {
    let code = if matches!(error, ForgeError::Transient { .. }) { Code::Unreachable } else { Code::Invalid };
    Refusal::new(code, error.to_string())
}

async fn in_time<T>(call: impl Future<Output = Result<T, ForgeError>>) -> Result<T, ForgeError> {
    match tokio::time::timeout(CALL, call).await {
        Ok(result) => result,
        Err(_) => {
            Err(ForgeError::Transient { why: "the forge did not answer in time".to_owned(), until: None })
        }
    }
}

fn write(folder: &Path, file: &PathBuf, token: &SecretString) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut to = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    to.write_all(token.expose_secret().as_bytes())?;
    to.sync_all()
}

fn read(file: &Path) -> Result<SecretString, String> {
    let found = token::from_file(file)?;
    token::fit(&found).ok().flatten().ok_or_else(|| "holds no token".to_owned())
}
