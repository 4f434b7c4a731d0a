//! Making sure that there is one codespace with a key.
//!
//! ```text
//! list ─ one ──────────────────────────────────────────────► adopt it
//!   ├ several ─► the oldest stays, the others go ───────────► adopt it
//!   └ none ─ asked for lately ─ answered ─► look by name ───► adopt it
//!              │                └ lost ───► Ambiguous, until it is listed or the grace time is over
//!              └ no ─ cap reached ─► Quota
//!                       └ no ─► POST once ─ 201, 202 ───────► take it
//!                                 └ no answer, 5xx ─────────► Ambiguous
//! ```
//! Knows GitHub's lists lag and its creation has no key of its own. Must not know sessions.

use super::super::{NodeError, NodeRef, Spec};
use super::identity::{Identity, Opened};
use super::memory::Asked;
use super::{Codespaces, name};
use crate::domain::Repo;
use crate::domain::lease::Key;
use crate::github::codespaces::{Codespace, CodespaceState, Machine, NewCodespace};

impl Codespaces {
    pub(super) async fn adopt_or_make(&self, key: &Key, spec: &Spec) -> Result<NodeRef, NodeError> {
        let (owner, repo) = repository(spec)?;
        let display_name = name::display(key)?;
        let identity = self.identities.of(&spec.owner).await?;
        let opened = identity.open(self.forge()).await?;
        let _alone = identity.making.lock().await;
        let sort = |error| identity.sort(error, self.forge());
        let all = opened.github.codespaces().await.map_err(sort)?;
        let (ours, others): (Vec<_>, Vec<_>) =
            all.into_iter().filter(lives).partition(|c| c.display_name.as_ref() == Some(&display_name));
        if let Some(found) = self.oldest(&identity, &opened, ours).await {
            tracing::info!(node.key = %key, github.codespace = %found.name, "codespace adopted");
            return Ok(self.taken(&opened, &found));
        }
        if let Some(asked) = self.memory.lately(key, self.now()) {
            if let Some(found) = self.asked_for(&identity, &opened, asked).await? {
                return Ok(self.taken(&opened, &found));
            }
            self.memory.forget(key);
        }
        self.check_cap(&identity, &others)?;
        let machine = self.machine(&identity, &opened, spec).await?;
        let new = NewCodespace {
            owner: owner.to_owned(),
            name: repo.to_owned(),
            ref_: spec.base.clone(),
            machine: machine.map(|machine| machine.name),
            devcontainer_path: self.settings.devcontainer_path.clone(),
            geo: self.settings.geo.clone(),
            idle_timeout_minutes: Some(self.settings.idle_timeout_minutes),
            retention_minutes: Some(self.settings.retention_minutes),
            display_name,
        };
        self.make(key, &identity, &opened, &new).await
    }

    async fn make(
        &self,
        key: &Key,
        identity: &Identity,
        opened: &Opened,
        new: &NewCodespace,
    ) -> Result<NodeRef, NodeError> {
        match opened.github.create_codespace(new).await {
            Ok(made) => {
                self.memory.asked(key, self.now(), Some(&made.name));
                Ok(self.taken(opened, &made))
            }
            Err(error) => {
                let error = identity.sort(error, self.forge());
                if matches!(error, NodeError::Ambiguous(_)) {
                    self.memory.asked(key, self.now(), None);
                }
                Err(error)
            }
        }
    }

    /// Of several with one key nobody has seen any yet: the oldest stays, so that all who look agree.
    async fn oldest(
        &self,
        identity: &Identity,
        opened: &Opened,
        mut found: Vec<Codespace>,
    ) -> Option<Codespace> {
        found.sort_by_key(|c| (c.created_at, c.id));
        let mut found = found.into_iter();
        let oldest = found.next()?;
        for younger in found {
            if younger.git.holds_work() {
                tracing::warn!(github.codespace = %younger.name, "a second codespace with one key holds work; kept");
                continue;
            }
            let gone = opened.github.delete_codespace(&younger.name).await;
            match gone.map_err(|error| identity.sort(error, self.forge())) {
                Ok(()) => {
                    tracing::info!(github.codespace = %younger.name, "a second codespace with one key deleted");
                }
                Err(error) => {
                    tracing::warn!(github.codespace = %younger.name, %error, "a second codespace stays");
                }
            }
        }
        Some(oldest)
    }

    /// What was asked for and is not listed: there all the same, gone again (`None`), or nobody knows yet.
    async fn asked_for(
        &self,
        identity: &Identity,
        opened: &Opened,
        asked: Asked,
    ) -> Result<Option<Codespace>, NodeError> {
        let Some(made) = asked.made else {
            return Err(NodeError::Ambiguous(
                "GitHub's answer was lost, and its list does not show one yet".into(),
            ));
        };
        let found = opened.github.codespace(&made).await;
        let found = found.map_err(|error| identity.sort(error, self.forge()))?;
        Ok(found.filter(lives))
    }

    /// Counts all that are ours, stopped ones too, and those just asked for that no list shows yet.
    fn check_cap(&self, identity: &Identity, others: &[Codespace]) -> Result<(), NodeError> {
        let ours = others.iter().filter(|c| name::key(c, &self.instance).is_some()).count();
        if ours + self.memory.unlisted(self.now(), others) < identity.cap {
            return Ok(());
        }
        let why = format!("{ours} of {} codespaces are in use, stopped ones among them", identity.cap);
        Err(NodeError::Quota { scope: identity.name.clone(), until: None, why })
    }

    /// The first of the wanted machine types that is to be had; `None` = GitHub's choice.
    pub(super) async fn machine(
        &self,
        identity: &Identity,
        opened: &Opened,
        spec: &Spec,
    ) -> Result<Option<Machine>, NodeError> {
        let (owner, repo) = repository(spec)?;
        let asked = opened.github.machines(owner, repo, spec.base.as_deref()).await;
        let mut allowed = asked.map_err(|error| identity.sort(error, self.forge()))?;
        if allowed.is_empty() {
            return Err(NodeError::Permanent(format!(
                "`{owner}/{repo}` allows no machine type for the identity `{}`; a policy of its owner decides that",
                identity.name
            )));
        }
        let mut wanted = self.settings.machines().peekable();
        if wanted.peek().is_none() {
            return Ok(None);
        }
        let found = wanted.find_map(|name| allowed.iter().position(|m| m.name == name));
        if let Some(at) = found {
            return Ok(Some(allowed.swap_remove(at)));
        }
        let names: Vec<_> = allowed.into_iter().map(|m| m.name).collect();
        Err(NodeError::Permanent(format!(
            "`{owner}/{repo}` allows none of the machine types under `nodes.codespaces`; it allows {}",
            names.join(", ")
        )))
    }

    fn taken(&self, opened: &Opened, codespace: &Codespace) -> NodeRef {
        let node = name::node(&opened.login, codespace);
        self.memory.saw(&node.name, codespace);
        node
    }
}

/// A codespace is made of a repository on GitHub.
pub(super) fn repository(spec: &Spec) -> Result<(&str, &str), NodeError> {
    match &spec.repo {
        Repo::Forge { owner, name } => Ok((owner, name)),
        Repo::Path(path) => Err(NodeError::Permanent(format!(
            "`{path}` is a folder of this machine; a codespace needs a repository on GitHub, as `owner/name`"
        ))),
    }
}

/// Not on its way out, and not one that never came to be.
fn lives(codespace: &Codespace) -> bool {
    match codespace.state {
        CodespaceState::Deleted => false,
        CodespaceState::Failed => codespace.git.holds_work(),
        _ => true,
    }
}
