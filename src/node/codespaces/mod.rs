//! GitHub Codespaces as a provider: a node is a codespace of one of our identities, marked by its display name.
//!
//! Knows GitHub's laws: a codespace belongs to a user, stops by itself after 12 hours at the latest, and its creation
//! has no key. Must not know what runs in one; the way in is built by [`Reach`].

mod ensure;
mod identities;
mod identity;
mod leave;
mod life;
mod memory;
mod name;
mod reach;
mod settings;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Caps, Condition, Link, NodeError, NodeRef, Owned, Price, Provider, Spec};
use crate::clock::{Clock, Time};
use crate::domain::lease::Key;
use crate::github::codespaces::Codespace;
use crate::github::{self, GitHubError};

pub use identities::{Account, Accounts, NoAccounts};
pub use reach::{Door, OverSsh, Reach};
pub use settings::{IdentitySettings, Settings};

use identities::Identities;
use identity::{Forge, Identity, Opened};
use memory::Memory;

/// GitHub stops every codespace so long after its start, used or not.
const LIFETIME: Duration = Duration::from_hours(12);
/// Where a codespace has its repository.
const CHECKOUTS: &str = "/workspaces";

/// Codespaces of our identities.
pub struct Codespaces {
    settings: Settings,
    instance: String,
    identities: Identities,
    memory: Memory,
    reach: Arc<dyn Reach>,
}

impl Codespaces {
    /// `github`: where GitHub is; its own token is not used here. `instance`: the installation's mark.
    pub fn new(
        settings: Settings,
        github: &github::Settings,
        instance: &str,
        clock: Clock,
        accounts: Arc<dyn Accounts>,
        reach: Arc<dyn Reach>,
    ) -> Self {
        let forge = Forge { settings: github.clone(), clock };
        let identities = Identities::new(&settings, forge, accounts);
        Self { settings, instance: instance.to_owned(), identities, memory: Memory::default(), reach }
    }

    fn forge(&self) -> &Forge {
        &self.identities.forge
    }

    fn now(&self) -> Time {
        self.forge().clock.now()
    }

    async fn opened(&self, node: &NodeRef) -> Result<(Arc<Identity>, Arc<Opened>), NodeError> {
        let (login, _) = name::parts(node)?;
        let identity = self.identities.with_login(login).await?;
        let opened = identity.open(self.forge()).await?;
        Ok((identity, opened))
    }

    /// As it stands; `None` where there is none.
    async fn look(&self, node: &NodeRef) -> Result<Option<Codespace>, NodeError> {
        let (_, codespace) = name::parts(node)?;
        let (identity, opened) = self.opened(node).await?;
        let found = opened.github.codespace(codespace).await;
        let found = found.map_err(|error| identity.sort(error, self.forge()))?;
        if let Some(found) = &found {
            self.memory.saw(&node.name, found);
        }
        Ok(found)
    }

    /// All of one identity that carry this installation's mark, older ones first.
    async fn owned_by(&self, identity: &Identity, instance: &str) -> Result<Vec<Owned>, NodeError> {
        let opened = identity.open(self.forge()).await?;
        let found = opened.github.codespaces().await;
        let mut found = found.map_err(|error| identity.sort(error, self.forge()))?;
        found.retain(|c| c.state != github::codespaces::CodespaceState::Deleted);
        found.sort_by_key(|c| (c.created_at, c.id));
        let owned = found.iter().filter_map(|codespace| {
            let key = name::key(codespace, instance)?;
            let node = name::node(&opened.login, codespace);
            self.memory.saw(&node.name, codespace);
            Some(Owned { node, key, created_at: codespace.created_at })
        });
        Ok(owned.collect())
    }
}

#[async_trait]
impl Provider for Codespaces {
    fn kind(&self) -> &'static str {
        "codespaces"
    }

    fn caps(&self) -> Caps {
        Caps { suspend: true, max_lifetime: Some(LIFETIME), survives_restart: true }
    }

    async fn preflight(&self, spec: &Spec) -> Result<(), NodeError> {
        ensure::repository(spec)?;
        self.reach.fit(&self.settings.gh).await?;
        let identity = self.identities.of(&spec.owner).await?;
        let opened = identity.open(self.forge()).await?;
        self.machine(&identity, &opened, spec).await.map(drop)
    }

    async fn ensure(&self, key: &Key, spec: &Spec) -> Result<NodeRef, NodeError> {
        self.adopt_or_make(key, spec).await
    }

    async fn inspect(&self, node: &NodeRef) -> Result<Condition, NodeError> {
        self.look(node).await?.as_ref().map_or(Ok(Condition::Gone), life::condition)
    }

    async fn start(&self, node: &NodeRef) -> Result<(), NodeError> {
        let (_, codespace) = name::parts(node)?;
        let (identity, opened) = self.opened(node).await?;
        match opened.github.start_codespace(codespace).await {
            Ok(_) => Ok(()),
            // One that is up already is busy being up.
            Err(busy @ GitHubError::Busy { .. }) => match self.look(node).await? {
                Some(found) if life::is_coming(&found) && !found.pending_operation => Ok(()),
                Some(_) => Err(identity.sort(busy, self.forge())),
                None => Err(NodeError::Gone),
            },
            Err(error) => Err(identity.sort(error, self.forge())),
        }
    }

    async fn stop(&self, node: &NodeRef) -> Result<(), NodeError> {
        let (_, codespace) = name::parts(node)?;
        let (identity, opened) = self.opened(node).await?;
        let stopped = opened.github.stop_codespace(codespace).await;
        stopped.map(drop).map_err(|error| identity.sort(error, self.forge()))
    }

    async fn destroy(&self, node: &NodeRef) -> Result<(), NodeError> {
        self.let_go(node).await
    }

    /// An identity whose token is refused shows nothing: nothing can be made in its name either.
    async fn list_owned(&self, instance: &str) -> Result<Vec<Owned>, NodeError> {
        let mut owned: Vec<Owned> = Vec::new();
        for identity in self.identities.all().await? {
            match self.owned_by(&identity, instance).await {
                Ok(found) => {
                    // Two identities may be one user.
                    let new = |o: &Owned| !owned.iter().any(|known| known.node == o.node);
                    let found: Vec<_> = found.into_iter().filter(new).collect();
                    owned.extend(found);
                }
                Err(error @ NodeError::Auth { .. }) => {
                    tracing::warn!(node.identity = %identity.name, %error, "its codespaces cannot be listed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(owned)
    }

    async fn link(&self, node: &NodeRef) -> Result<Box<dyn Link>, NodeError> {
        let (_, codespace) = name::parts(node)?;
        let (_, opened) = self.opened(node).await?;
        let door = Door {
            codespace: codespace.to_owned(),
            login: opened.login.clone(),
            token: opened.token.clone(),
            api_url: self.forge().settings.api_url.clone(),
            home: self.settings.home.clone(),
            ssh_user: self.settings.ssh_user.clone(),
            gh: self.settings.gh.clone(),
        };
        self.reach.reach(door).await
    }

    fn is_far(&self) -> bool {
        true
    }

    /// Our program is brought, once it is sure that this is the repository's own container and not the one GitHub
    /// falls back to, which looks the same from outside.
    async fn prepare(&self, node: &NodeRef) -> Result<(), NodeError> {
        let found = self.look(node).await?.ok_or(NodeError::Gone)?;
        let link = self.link(node).await?;
        let repository = found.repository.as_deref().and_then(|full| full.rsplit('/').next());
        let checkout = repository.map(|name| Path::new(CHECKOUTS).join(name));
        self.reach.bring(link.as_ref(), checkout).await
    }

    async fn notice(&self, node: &NodeRef) -> Result<Option<String>, NodeError> {
        Ok(self.look(node).await?.as_ref().and_then(life::notice))
    }

    fn price(&self, node: &NodeRef) -> Option<Price> {
        self.memory.price(&node.name)
    }
}
