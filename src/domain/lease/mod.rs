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
            created_at: now,
            updated_at: now,
        }
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }
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
        Input::Occupy { .. } | Input::Swept { .. } | Input::Stumbled { .. } => return None,
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
    }
}

#[cfg(test)]
mod tests;
