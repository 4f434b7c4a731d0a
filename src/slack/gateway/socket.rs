//! One socket's life as a pure machine: what to do at each frame and each time-out.
//!
//! ```text
//!  greeting ──hello──► live ──disconnect──► leaving ──replaced──► over
//!      └── silence, close, refusal ──┴──────────────┴──────────────► over
//! ```
//! Knows no time but how long each state may be silent; must not know connections or what an envelope says.

use std::time::Duration;

use super::frame::{Envelope, Frame};

/// Longer frames are not read, and so not acked: nothing Slack sends is near it.
pub const FRAME_MAX: usize = 1024 * 1024;
/// Slack turned Socket Mode off, or the app out.
const LINK_DISABLED: &str = "link_disabled";

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the address, for the connection, and for the greeting.
    pub step: Duration,
    /// For a sign of life; Slack pings every few seconds.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { step: Duration::from_secs(10), idle: Duration::from_secs(75) }
    }
}

/// What was seen of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    Text(&'a str),
    /// A ping, or a frame that says nothing.
    Life,
    /// Nothing came in [`Socket::patience`].
    Silence,
    /// It closed or broke.
    Closed,
    /// Another connection took its place.
    Replaced,
    /// We are ending.
    Ending,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Go on reading.
    Wait,
    /// It is live.
    Greet,
    /// Keep it, then ack it, and go on reading.
    Take(Envelope),
    /// Open another one and go on reading this one until that is live.
    Replace(String),
    /// Send the acks that are under way, and close.
    Close(Why),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It broke, fell silent or never greeted.
    Broke(&'static str),
    /// Slack wants another one.
    Told(String),
    /// Slack wants none.
    Disabled,
    Replaced,
    Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Live,
    Leaving,
    Over,
}

#[derive(Debug)]
pub struct Socket {
    state: State,
    patience: Patience,
}

impl Socket {
    pub fn new(patience: Patience) -> Self {
        Self { state: State::Greeting, patience }
    }

    /// After so long without a sign of life it is [`Seen::Silence`].
    pub fn patience(&self) -> Duration {
        if self.state == State::Greeting { self.patience.step } else { self.patience.idle }
    }

    pub fn step(&mut self, seen: Seen<'_>) -> Do {
        match seen {
            _ if self.state == State::Over => Do::Wait,
            Seen::Text(text) if text.len() > FRAME_MAX => {
                tracing::warn!(
                    slack.frame_bytes = text.len(),
                    "a frame of Slack is too long and was not read"
                );
                Do::Wait
            }
            Seen::Text(text) => self.frame(Frame::read(text), text.len()),
            Seen::Life => Do::Wait,
            Seen::Silence => self.close(Why::Broke("Slack fell silent")),
            Seen::Closed => self.close(Why::Broke("the connection closed")),
            Seen::Replaced => self.close(Why::Replaced),
            Seen::Ending => self.close(Why::Ending),
        }
    }

    fn frame(&mut self, frame: Frame, bytes: usize) -> Do {
        match frame {
            Frame::Hello if self.state == State::Greeting => {
                self.state = State::Live;
                Do::Greet
            }
            Frame::Hello => Do::Wait,
            // Whatever the state: who delivers before the greeting has delivered.
            Frame::Envelope(envelope) => Do::Take(envelope),
            Frame::Disconnect(reason) => self.disconnect(reason),
            Frame::Unreadable => {
                tracing::warn!(slack.frame_bytes = bytes, "a frame of Slack was not understood");
                Do::Wait
            }
        }
    }

    fn disconnect(&mut self, reason: String) -> Do {
        match self.state {
            _ if reason == LINK_DISABLED => self.close(Why::Disabled),
            State::Greeting => self.close(Why::Told(reason)),
            State::Live => {
                self.state = State::Leaving;
                Do::Replace(reason)
            }
            State::Leaving | State::Over => Do::Wait,
        }
    }

    fn close(&mut self, why: Why) -> Do {
        self.state = State::Over;
        Do::Close(why)
    }
}
