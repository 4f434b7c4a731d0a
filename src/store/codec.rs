//! How the domain's words are spelt in the database, and back.
//!
//! Knows keys, times and JSON; must not know statements or transactions.

use chrono::DateTime;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::domain::{Seq, SessionId, Time};

/// Parts longer than this lie beside the log, so that reading the log stays cheap.
pub(super) const SPILL: usize = 256 * 1024;
/// Bits of `events.spilled`, and the `part` of a blob.
pub(super) const BODY: i64 = 1;
pub(super) const RAW: i64 = 2;

const POSITIONS: i64 = u32::MAX as i64;

/// `session << 32 | position`: the key of an event or a command. Positions beyond 32 bits share the last key,
/// which the database then refuses.
pub(super) fn key(session: SessionId, position: u64) -> i64 {
    let low = i64::try_from(position).unwrap_or(POSITIONS).min(POSITIONS);
    (i64::from(session.number()) << 32) | low
}

/// The position in a key.
pub(super) fn position(key: i64) -> Seq {
    u64::try_from(key & POSITIONS).unwrap_or_default()
}

pub(super) fn micros(time: Time) -> i64 {
    time.timestamp_micros()
}

/// A stored time; one that no calendar has becomes 1970.
pub(super) fn time(micros: i64) -> Time {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A counter as a column. Ours never reach 2⁶³.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn count(column: i64) -> u64 {
    u64::try_from(column).unwrap_or_default()
}

pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Corrupt { what, source })
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Corrupt { what, source })
}

/// The `kind` an event's JSON begins with: serde writes the tag first.
pub(super) fn kind(body: &str) -> &str {
    let tail = body.strip_prefix(r#"{"kind":""#).unwrap_or_default();
    tail.split_once('"').map_or("", |(kind, _)| kind)
}
