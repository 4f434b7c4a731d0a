//! Names of things in Slack: people, places, messages.
//!
//! Plain texts in types of their own, so that a channel is not taken for a user. Must not know what is done with them.

use serde::{Deserialize, Serialize};

use crate::domain::Actor;

/// A person in a workspace. `team` is the person's own workspace, which in a shared channel may be another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct User {
    /// `None` where an org-wide installation sends none.
    pub team: Option<String>,
    /// `U024…` or `W024…`.
    pub id: String,
}

impl User {
    /// How sessions name this person: `slack/U024`.
    pub fn actor(&self) -> Actor {
        Actor::Person(format!("slack/{}", self.id))
    }

    /// The person behind an actor, where it is one of Slack's.
    pub fn id_of(actor: &Actor) -> Option<&str> {
        match actor {
            Actor::Person(name) => name.strip_prefix("slack/"),
            Actor::Control | Actor::Node => None,
        }
    }
}

/// Where a message lies or is to lie. A message's own name is its `ts` in its channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub channel: String,
    /// `ts` of the thread's first message; `None` = in the channel itself.
    pub thread: Option<String>,
}
