//! A lease: one node's row, with its own small machine.
//!
//! ```text
//!   requested ─► creating ─► booting ─► bootstrapping ─► ready ◄─► suspending ─► suspended
//!       │           │           │             │            │            │           │
//!       └───────────┴───────────┴──► releasing ◄───────────┴────────────┴───────────┘
//!                                        └─► gone
//! ```
//! Forward steps may skip places a provider does not have. The intent (`creating`, `releasing`) is committed before
//! the provider is called. A lease in `releasing` is never adopted; the next incarnation waits for `gone`.
//!
//! Knows one node's life; must not know the session's, nor how any provider works.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Attempt, SessionId, Time};

/// `<instance8>-<session>-<incarnation>`: our mark on everything a provider makes for us.
/// Not the attempt: resuming must find the stopped node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// `instance`: the installation's mark; its first 8 characters are used.
    pub fn new(instance: &str, session: SessionId, incarnation: u32) -> Self {
        let mark: String = instance.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        Self(format!("{mark}-{}-{incarnation}", session.number()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = NodeState))]
#[serde(rename_all = "lowercase")]
pub enum State {
    Requested,
    Creating,
    Booting,
    Bootstrapping,
    Ready,
    Suspending,
    Suspended,
    Releasing,
    Gone,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Creating,
        Self::Booting,
        Self::Bootstrapping,
        Self::Ready,
        Self::Suspending,
        Self::Suspended,
        Self::Releasing,
        Self::Gone,
    ];

    /// The node runs, as far as we know. One on its way out is not asked: it keeps what it was.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Booting | Self::Bootstrapping | Self::Ready | Self::Suspending)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Creating => "creating",
            Self::Booting => "booting",
            Self::Bootstrapping => "bootstrapping",
            Self::Ready => "ready",
            Self::Suspending => "suspending",
            Self::Suspended => "suspended",
            Self::Releasing => "releasing",
            Self::Gone => "gone",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    pub key: Key,
    pub session: SessionId,
    /// Rises with each new node of the session.
    pub incarnation: u32,
    pub provider: String,
    pub state: State,
    /// The provider's own name for the node (a folder, a codespace name).
    pub node: Option<String>,
    /// The attempt whose processes may be alive there; cleared when the node is swept.
    pub busy: Option<Attempt>,
    /// Tries of the present step that failed, and when the next may be made.
    pub tries: u32,
    pub not_before: Option<Time>,
    pub detail: Option<String>,
    /// What the provider last said about the node that a person should know: why it stopped, which policy cut a wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Since when it is up, and for how many seconds it was up before: what a rented node costs comes from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_since: Option<Time>,
    #[serde(default)]
    pub up_before: u64,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What a provider or the dispatcher says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The provider is about to be called: remembered first.
    Create,
    Created {
        node: String,
    },
    Boot,
    Bootstrap,
    Ready,
    Suspend,
    Suspended,
    Release {
        why: String,
    },
    Gone,
    /// A supervisor of this attempt was started there.
    Occupy {
        attempt: Attempt,
    },
    /// No process of that attempt is left.
    Swept {
        attempt: Attempt,
    },
    /// The present step failed; try again from `not_before`.
    Stumbled {
        cause: String,
        not_before: Time,
    },
    /// The provider says something of the node that a person should know.
    Noticed {
        notice: String,
    },
}

/// The input does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lease in `{state:?}` does not take `{input}`")]
pub struct Illegal {
    pub state: State,
    pub input: &'static str,
}

impl Lease {
    pub fn request(key: Key, session: SessionId, incarnation: u32, provider: String, now: Time) -> Self {
        Self {
            key,
            session,
            incarnation,
            provider,
            state: State::Requested,
            node: None,
            busy: None,
            tries: 0,
            not_before: None,
            detail: None,
            notice: None,
            up_since: None,
            up_before: 0,
            created_at: now,
            updated_at: now,
        }
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Seconds it was up until now, in all.
    pub fn up(&self, now: Time) -> u64 {
        self.up_before + self.up_since.map_or(0, |since| whole_seconds(since, now))
    }

    fn count_up(&mut self, now: Time) {
        match (self.state.is_up(), self.up_since) {
            (true, None) => self.up_since = Some(now),
            (false, Some(since)) => {
                self.up_before += whole_seconds(since, now);
                self.up_since = None;
            }
            _ => {}
        }
    }
}

fn whole_seconds(from: Time, to: Time) -> u64 {
    u64::try_from((to - from).num_seconds()).unwrap_or(0)
}

/// The next lease, or why not.
pub fn step(lease: &Lease, input: Input, now: Time) -> Result<Lease, Illegal> {
    let mut next = lease.clone();
    next.updated_at = now;
    if let Some(state) = target(&input) {
        if !may(lease.state, state) {
            return Err(Illegal { state: lease.state, input: name(&input) });
        }
        if state != lease.state {
            next.tries = 0;
            next.not_before = None;
            next.detail = None;
        }
        next.state = state;
        if state != State::Releasing {
            next.count_up(now);
        }
    }
    match input {
        Input::Created { node } => next.node = Some(node),
        Input::Release { why } => next.detail = Some(why),
        Input::Gone => next.busy = None,
        Input::Occupy { attempt } => occupy(&mut next, attempt)?,
        Input::Swept { attempt } => {
            if next.busy.is_some_and(|busy| busy <= attempt) {
                next.busy = None;
            }
        }
        Input::Stumbled { cause, not_before } => {
            next.tries = next.tries.saturating_add(1);
            next.not_before = Some(not_before);
            next.detail = Some(cause);
        }
        Input::Noticed { notice } => next.notice = Some(notice),
        Input::Create | Input::Boot | Input::Bootstrap | Input::Ready | Input::Suspend | Input::Suspended => {
        }
    }
    Ok(next)
}

fn occupy(lease: &mut Lease, attempt: Attempt) -> Result<(), Illegal> {
    let older_lives = lease.busy.is_some_and(|busy| busy > attempt);
    if lease.state != State::Ready || older_lives {
        return Err(Illegal { state: lease.state, input: "occupy" });
    }
    lease.busy = Some(attempt);
    Ok(())
}

/// The state an input leads to; `None` where it leaves the state alone.
fn target(input: &Input) -> Option<State> {
    Some(match input {
        Input::Create => State::Creating,
        Input::Created { .. } | Input::Boot => State::Booting,
        Input::Bootstrap => State::Bootstrapping,
        Input::Ready => State::Ready,
        Input::Suspend => State::Suspending,
        Input::Suspended => State::Suspended,
        Input::Release { .. } => State::Releasing,
        Input::Gone => State::Gone,
        Input::Occupy { .. } | Input::Swept { .. } | Input::Stumbled { .. } | Input::Noticed { .. } => {
            return None;
        }
    })
}

/// The table drawn above.
pub fn may(from: State, to: State) -> bool {
    use State::{Booting, Bootstrapping, Creating, Gone, Ready, Releasing, Requested, Suspended, Suspending};
    match (from, to) {
        (Gone, _) => false,
        (Releasing, to) => matches!(to, Releasing | Gone),
        // A node can vanish under us in any state but the first, where there is none.
        (from, Gone) => from != Requested,
        (_, Releasing) | (Requested, Creating) | (Creating, Creating | Booting) => true,
        (Booting | Suspended | Suspending, Booting) | (Booting, Bootstrapping | Ready) => true,
        (Bootstrapping, Bootstrapping | Ready) | (Ready, Ready | Bootstrapping | Suspending) => true,
        // It can stop by itself: idle, twelve hours, a spending limit.
        (Ready | Bootstrapping | Booting | Suspending, Suspended) => true,
        (Suspended, Ready) => true,
        _ => false,
    }
}

fn name(input: &Input) -> &'static str {
    match input {
        Input::Create => "create",
        Input::Created { .. } => "created",
        Input::Boot => "boot",
        Input::Bootstrap => "bootstrap",
        Input::Ready => "ready",
        Input::Suspend => "suspend",
        Input::Suspended => "suspended",
        Input::Release { .. } => "release",
        Input::Gone => "gone",
        Input::Occupy { .. } => "occupy",
        Input::Swept { .. } => "swept",
        Input::Stumbled { .. } => "stumbled",
        Input::Noticed { .. } => "noticed",
    }
}

#[cfg(test)]
mod tests;
