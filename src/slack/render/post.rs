//! A message: its text and its blocks, within Slack's limits whatever is put in.
//!
//! Must not know what it says.

use sha2::{Digest, Sha256};
use slack_morphism::prelude::*;

use super::parts;
use crate::slack::escape::{self, units};

/// Blocks in a message.
const MAX_BLOCKS: usize = 50;
/// Characters of all blocks as JSON. Slack refuses somewhere above 13,000 and does not say how it counts.
const MAX_ALL: usize = 12_000;
/// Top-level text: what a notification or a screen reader needs.
const MAX_TEXT: usize = 1_000;
/// A text is not cut below this to make room for another.
const KEPT: usize = 120;

/// What is posted. `text` is a whole sentence whose beginning says which session and what happened: the notification,
/// and what a screen reader reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub text: String,
    pub blocks: Vec<SlackBlock>,
}

impl Post {
    /// Cuts what is too long; what a person needs first stands first, and controls are never cut.
    pub fn new(text: impl AsRef<str>, blocks: impl IntoIterator<Item = SlackBlock>) -> Self {
        let mut blocks: Vec<SlackBlock> = blocks.into_iter().collect();
        blocks.truncate(MAX_BLOCKS);
        shrink(&mut blocks);
        Self { text: escape::cut_mrkdwn(text.as_ref(), MAX_TEXT), blocks }
    }

    /// The same for the same look; what was shown last is compared by it.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.text.as_bytes());
        hash.update([0]);
        hash.update(json(&self.blocks).as_bytes());
        hash.finalize().into()
    }
}

/// Whether these blocks fit one message as they are.
pub(super) fn fits(blocks: &[SlackBlock]) -> bool {
    blocks.len() <= MAX_BLOCKS && units(&json(blocks)) <= MAX_ALL
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Cuts the longest text again and again until all fits; then leaves out blocks from the end that hold no control.
fn shrink(blocks: &mut Vec<SlackBlock>) {
    loop {
        let over = units(&json(blocks)).saturating_sub(MAX_ALL);
        if over == 0 || !(shorten(blocks, over) || leave_out(blocks)) {
            return;
        }
    }
}

/// Takes what is over from the longest text; false where no text has anything left to give.
fn shorten(blocks: &mut [SlackBlock], over: usize) -> bool {
    let length = |block: &mut SlackBlock| parts::text_of(block).map_or(0, |text| units(text));
    let longest = blocks.iter_mut().map(|block| (length(block), block)).max_by_key(|(has, _)| *has);
    let Some((has, block)) = longest.filter(|(has, _)| *has > KEPT) else { return false };
    parts::cut_text(block, has.saturating_sub(over).max(has / 2).max(KEPT));
    true
}

fn leave_out(blocks: &mut Vec<SlackBlock>) -> bool {
    let holds = |block: &SlackBlock| matches!(block, SlackBlock::Actions(_) | SlackBlock::Header(_));
    let spare = blocks.iter().rposition(|block| !holds(block));
    spare.map(|at| blocks.remove(at)).is_some()
}
