//! A wish: one call that a thread would make now.
//!
//! Pure. Must not know whether it is granted or how it is carried out.

use chrono::TimeDelta;

use super::budget::{Method, Rank};
use super::plan::Stands;
use crate::domain::Time;

/// A post whose answer never came is looked for after this time.
const DOUBT: TimeDelta = TimeDelta::seconds(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub slot: String,
    pub what: What,
    pub rank: Rank,
    /// Of one rank, the oldest goes first.
    pub since: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Post,
    /// Change the message at `ts`, unless `hash` says that it shows this already.
    Update {
        ts: String,
        hash: Option<[u8; 32]>,
    },
    /// Look whether it was posted.
    Look {
        since: Time,
    },
}

impl What {
    pub fn method(&self) -> Method {
        match self {
            Self::Post => Method::Post,
            Self::Update { .. } => Method::Update,
            Self::Look { .. } => Method::Look,
        }
    }
}

/// Wishes as they are found, and when there may be more.
pub struct Next {
    now: Time,
    wishes: Vec<Wish>,
    later: Option<Time>,
}

impl Next {
    pub fn at(now: Time) -> Self {
        Self { now, wishes: Vec::new(), later: None }
    }

    pub fn later(&mut self, at: Time) {
        self.later = Some(self.later.map_or(at, |later| later.min(at)));
    }

    pub fn update(&mut self, slot: &str, ts: &str, hash: Option<[u8; 32]>, rank: Rank, since: Time) {
        self.push(slot, What::Update { ts: ts.to_owned(), hash }, rank, since);
    }

    /// A post; or, where one may have been sent, a look for it when it must have arrived.
    pub fn post(&mut self, slot: &str, stands: Option<&Stands>, rank: Rank, since: Time) {
        match stands {
            Some(Stands::Doubted { at, .. }) if *at + DOUBT > self.now => self.later(*at + DOUBT),
            Some(Stands::Doubted { at, .. }) => self.push(slot, What::Look { since: *at }, rank, since),
            Some(Stands::There { .. } | Stands::Gone) | None => self.push(slot, What::Post, rank, since),
        }
    }

    pub fn done(self) -> (Vec<Wish>, Option<Time>) {
        (self.wishes, self.later)
    }

    fn push(&mut self, slot: &str, what: What, rank: Rank, since: Time) {
        self.wishes.push(Wish { slot: slot.to_owned(), what, rank, since });
    }
}
