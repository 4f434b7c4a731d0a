//! How the root differs from what it should show, and when it is worth a call.
//!
//! Pure. Changes are gathered: a changed state within ten seconds, steps on the way ever more seldom; only who has
//! just clicked does not wait, and nobody reads "running" above a thread that says how it ended. Must not know what the root says.

use chrono::TimeDelta;

use super::budget::Rank;
use super::edge::Touch;
use crate::domain::{Seq, Time};

/// A place in the queue changes without an event of this session.
const QUEUE_MOVES: TimeDelta = TimeDelta::minutes(1);
/// What comes so soon after a click is its effect.
const EFFECT: TimeDelta = TimeDelta::seconds(2);

/// From which reading a message was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The newest event that is in it.
    pub head: Seq,
    /// It shows a place in the queue.
    pub queued: bool,
    pub settled: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Root {
    touched: Option<Touch>,
    /// The first event that changed the state and is not in it.
    pub first: Option<Seq>,
    since: Option<Time>,
    nudged: Option<Time>,
    /// Somebody clicked, and this is what came of it.
    at_once: bool,
    /// The session ended, and that is not in it.
    ended: bool,
    /// Versions for steps alone since the state changed.
    calm: u32,
    compared: Option<Time>,
    /// The last reading was older than the log: not at once again.
    rests: Option<Time>,
    queued: bool,
}

/// How long it rests then.
const REST: TimeDelta = TimeDelta::milliseconds(250);

impl Root {
    /// Whatever it showed when we stopped, it is compared once.
    pub fn unknown() -> Self {
        Self {
            touched: Some(Touch::Progress),
            first: None,
            since: None,
            nudged: None,
            at_once: false,
            ended: false,
            calm: 0,
            compared: None,
            rests: None,
            queued: false,
        }
    }

    pub fn touch(&mut self, touch: Touch, seq: Seq, at: Time) {
        self.touched = self.touched.max(Some(touch));
        self.since.get_or_insert(at);
        if touch > Touch::Progress {
            self.first.get_or_insert(seq);
        }
        if touch == Touch::State && self.nudged.is_some_and(|nudged| at <= nudged + EFFECT) {
            self.at_once = true;
        }
    }

    pub fn nudge(&mut self, now: Time) {
        self.nudged = Some(now);
        if self.touched == Some(Touch::State) {
            self.at_once = true;
        }
        self.touched = self.touched.max(Some(Touch::Progress));
    }

    /// The session's end was read: what was touched is worth a call now.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn is_clean(&self) -> bool {
        self.touched.is_none()
    }

    /// Since when it is not what it should be.
    pub fn since(&self, otherwise: Time) -> Time {
        self.since.unwrap_or(otherwise)
    }

    /// When it is worth a look, and how urgent that is. `written`: when it was written last.
    pub fn due(&self, written: Time) -> Option<(Time, Rank)> {
        let compared = self.compared.map_or(written, |at| at.max(written));
        let (due, rank) = match self.touched {
            Some(_) if self.at_once => (written, Rank::Ask),
            Some(_) if self.ended => (written, Rank::State),
            Some(Touch::Progress) => (compared + Touch::Progress.window(self.calm), Rank::Progress),
            Some(touch) => (written + touch.window(self.calm), Rank::State),
            None if self.queued => (compared + QUEUE_MOVES, Rank::Progress),
            None => return None,
        };
        Some((self.rests.map_or(due, |rests| rests.max(due)), rank))
    }

    /// It shows this reading now. `read`: events that were read meanwhile; those after the reading are not in it.
    pub fn shown(&mut self, shown: Shown, read: Seq, now: Time, written: bool) {
        if written {
            self.calm = match self.touched {
                Some(Touch::State) => 0,
                Some(Touch::Asked) => self.calm,
                Some(Touch::Progress) | None => self.calm.saturating_add(1),
            };
        }
        (self.compared, self.queued) = (Some(now), shown.queued);
        if read <= shown.head {
            (self.touched, self.first, self.since) = (None, None, None);
            (self.at_once, self.ended) = (false, false);
            self.rests = None;
        } else {
            self.first = self.first.map(|first| first.max(shown.head + 1));
            self.rests = Some(now + REST);
        }
    }
}
