//! `Control` as seen from afar: each call is one request.
//!
//! Knows the routes; must not know what they do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::events::follow;
use super::target::Target;
use super::wire::{Call, fetch, segment};
use crate::clock::Clock;
use crate::domain::ask::Answer;
use crate::domain::{Actor, Seq, SessionId};
use crate::wire::account::{AccountView, Link};
use crate::wire::api::{Act, Code, Control, Create, EventStream, Filter, Message, Page, Refusal};
use crate::wire::fleet::NodeView;
use crate::wire::view::{AskView, SessionView};

/// A control plane at the other end of a socket or an address. Cheap to clone.
#[derive(Clone)]
pub struct Remote {
    pub(super) target: Arc<Target>,
    pub(super) token: Option<SecretString>,
    pub(super) clock: Clock,
    /// How long a stream may stay without a server before it is given up.
    pub(super) patience: Duration,
}

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub state: String,
    pub version: String,
}

#[derive(Serialize)]
struct Reason {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Remote {
    /// Over TCP the server asks for `token`; over the socket none is needed.
    pub fn new(target: Target, token: Option<SecretString>, clock: Clock) -> Self {
        Self { target: Arc::new(target), token, clock, patience: Duration::from_mins(2) }
    }

    /// See [`Remote::patience`]: how long a stream waits for a server that is gone.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the server takes work.
    pub async fn ready(&self) -> Result<Ready, Refusal> {
        self.fetch(Call::get("/readyz")).await
    }

    async fn fetch<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T, Refusal> {
        fetch(&self.target, self.token.as_ref(), call).await
    }
}

/// Adds who does it. Only people of this installation come through this door.
fn as_actor(call: Call, by: &Actor) -> Result<Call, Refusal> {
    let local = match by {
        Actor::Person(name) => name.strip_prefix("local/"),
        Actor::Control | Actor::Node => None,
    };
    match local {
        Some(name) => Ok(call.header("devtask-actor", name)),
        None => Err(Refusal::new(Code::Forbidden, format!("`{by}` cannot act over this connection"))),
    }
}

#[async_trait]
impl Control for Remote {
    async fn create(&self, by: &Actor, new: Create, key: Option<&str>) -> Result<SessionView, Refusal> {
        self.fetch(under(as_actor(Call::post("/sessions", &new)?, by)?, key)).await
    }

    async fn list(&self, filter: Filter) -> Result<Page, Refusal> {
        self.fetch(Call::get(format!("/sessions{}", query(&filter)))).await
    }

    async fn show(&self, id: SessionId) -> Result<SessionView, Refusal> {
        self.fetch(Call::get(format!("/sessions/{id}"))).await
    }

    async fn act_once(
        &self,
        by: &Actor,
        id: SessionId,
        act: Act,
        rev: Option<u64>,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        let path = format!("/sessions/{id}/{}", act.verb().name());
        let reason = match act {
            Act::Pause { reason } | Act::Cancel { reason } => reason,
            Act::Resume | Act::Rerun => None,
        };
        let mut call = as_actor(Call::post(path, &Reason { reason })?, by)?;
        if let Some(rev) = rev {
            call = call.header("if-match", format!("\"{rev}\""));
        }
        self.fetch(under(call, key)).await
    }

    async fn message(&self, by: &Actor, id: SessionId, message: Message) -> Result<SessionView, Refusal> {
        self.fetch(as_actor(Call::post(format!("/sessions/{id}/messages"), &message)?, by)?).await
    }

    async fn asks(&self) -> Result<Vec<AskView>, Refusal> {
        self.fetch(Call::get("/asks?state=open")).await
    }

    async fn answer_once(
        &self,
        by: &Actor,
        handle: &str,
        answer: Answer,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        let path = format!("/asks/{}/answer", segment(handle));
        self.fetch(under(as_actor(Call::post(path, &answer)?, by)?, key)).await
    }

    async fn nodes(&self) -> Result<Vec<NodeView>, Refusal> {
        self.fetch(Call::get("/nodes")).await
    }

    async fn link(&self, by: &Actor, link: Link) -> Result<AccountView, Refusal> {
        self.fetch(as_actor(Call::post("/account/link", &link)?, by)?).await
    }

    async fn unlink(&self, by: &Actor) -> Result<AccountView, Refusal> {
        self.fetch(as_actor(Call::post("/account/unlink", &Link::default())?, by)?).await
    }

    async fn account(&self, of: &Actor) -> Result<AccountView, Refusal> {
        self.fetch(as_actor(Call::get("/account"), of)?).await
    }

    async fn events(&self, id: SessionId, after: Seq) -> Result<EventStream, Refusal> {
        follow(self.clone(), id, after).await
    }
}

/// Adds under which key repeats are one.
fn under(call: Call, key: Option<&str>) -> Call {
    match key {
        Some(key) => call.header("idempotency-key", key),
        None => call,
    }
}

fn query(filter: &Filter) -> String {
    let mut out = String::new();
    let mut add = |name: &str, value: &str| {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.push_str(&segment(value));
    };
    if let Some(status) = filter.status {
        add("status", status.name());
    }
    for (name, value) in [("owner", &filter.owner), ("label", &filter.label), ("cursor", &filter.cursor)] {
        if let Some(value) = value {
            add(name, value);
        }
    }
    if let Some(limit) = filter.limit {
        add("limit", &limit.to_string());
    }
    out
}
