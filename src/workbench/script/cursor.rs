//! Where in a script a conversation stands.
//!
//! Knows how user messages and played steps move the place; must not know what a step does.

use serde::{Deserialize, Serialize};

use super::{Script, Step};

/// A script and the next step to play. Kept in the conversation, so that a resumed one goes on where it stood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    pub script: Script,
    pub round: usize,
    pub step: usize,
    /// Markers of the current step already said.
    #[serde(default)]
    pub marker: u64,
}

impl Cursor {
    pub fn new(script: Script) -> Self {
        Self { script, ..Self::default() }
    }

    /// The next step, or `None` at the end of the round.
    pub fn step(&self) -> Option<&Step> {
        self.script.rounds.get(self.round).and_then(|steps| steps.get(self.step))
    }

    /// A user message without a script has come: it starts the next round if this one is played.
    pub fn hear(&mut self) {
        if self.step().is_none() && self.round < self.script.rounds.len() {
            *self =
                Self { round: self.round + 1, step: 0, marker: 0, script: std::mem::take(&mut self.script) };
        }
    }

    /// The current step is played.
    pub fn advance(&mut self) {
        self.step += 1;
        self.marker = 0;
    }
}
