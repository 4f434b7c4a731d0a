//! One record as bytes, and back: a length, a checksum, and what they cover.
//!
//! ```text
//!   len: u32   crc32: u32   body[len] = n: u64  at: i64 (µs)  meta: u32  raw?: u8  meta[meta]  raw[…]
//! ```
//! All little-endian. Bytes that fail any of this are the torn end of a file, never a panic. Must not know files.

use chrono::DateTime;
use serde_json::value::RawValue;

use crate::domain::Time;
use crate::domain::report::Report;

/// Before the body: length and checksum.
pub const PREFIX: usize = 8;
/// Of the body, before the two variable parts.
const FIXED: usize = 8 + 8 + 4 + 1;
/// Where the length of the meta part stands in a record.
const META_LENGTH: usize = PREFIX + 8 + 8;
/// Bytes that most meta parts fit into.
const USUAL_META: usize = 512;
/// No record is longer: a raw line of 64 MiB and its typed view.
pub const MAX_BODY: usize = 66 * 1024 * 1024;

/// What stands before the raw bytes of a record.
#[derive(Clone, Debug)]
pub struct Head {
    pub n: u64,
    pub at: Time,
    /// A [`Report`] as it was written: who only passes it on need not understand it.
    pub report: Box<RawValue>,
    /// Length of the raw line; `None` = it has none.
    pub raw: Option<u64>,
    /// Where the raw bytes start, counted from the record's first byte.
    pub raw_at: u64,
}

pub fn encode(n: u64, at: Time, report: &Report, raw: Option<&[u8]>) -> Result<Vec<u8>, serde_json::Error> {
    let bytes = raw.unwrap_or_default();
    let mut out = Vec::with_capacity(PREFIX + FIXED + USUAL_META + bytes.len());
    out.extend_from_slice(&[0; PREFIX]);
    out.extend_from_slice(&n.to_le_bytes());
    out.extend_from_slice(&at.timestamp_micros().to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(u8::from(raw.is_some()));
    serde_json::to_writer(&mut out, report)?;
    let meta = to_u32(out.len() - PREFIX - FIXED).to_le_bytes();
    if let Some(place) = out.get_mut(META_LENGTH..META_LENGTH + 4) {
        place.copy_from_slice(&meta);
    }
    out.extend_from_slice(bytes);
    seal(&mut out);
    Ok(out)
}

/// Fills the prefix of `out` in for all that follows it.
pub fn seal(out: &mut [u8]) {
    if let Some((prefix, body)) = out.split_first_chunk_mut::<PREFIX>() {
        let both = u64::from(crc32fast::hash(body)) << 32 | u64::from(to_u32(body.len()));
        *prefix = both.to_le_bytes();
    }
}

fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Length of the body and its checksum; `None` where no record of ours is that long.
pub fn prefix(bytes: [u8; PREFIX]) -> Option<(usize, u32)> {
    let both = u64::from_le_bytes(bytes);
    let crc = u32::try_from(both >> 32).ok()?;
    let length = usize::try_from(both & u64::from(u32::MAX)).ok()?;
    (length <= MAX_BODY).then_some((length, crc))
}

/// Reads a head from the first bytes of a body of `length` bytes in all; they must reach over the meta part.
pub fn head(length: usize, body: &[u8]) -> Option<Head> {
    let (n, rest) = body.split_first_chunk::<8>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (meta, rest) = rest.split_first_chunk::<4>()?;
    let (has_raw, rest) = rest.split_first()?;
    let meta_length = usize::try_from(u32::from_le_bytes(*meta)).ok()?;
    let report = serde_json::from_slice(rest.get(..meta_length)?).ok()?;
    let raw = length.checked_sub(FIXED + meta_length)? as u64;
    Some(Head {
        n: u64::from_le_bytes(*n),
        at: DateTime::from_timestamp_micros(i64::from_le_bytes(*at))?,
        report,
        raw: (*has_raw == 1).then_some(raw),
        raw_at: (PREFIX + FIXED + meta_length) as u64,
    })
}

/// How many bytes of the body hold the head, told from its fixed part.
pub fn head_length(fixed: &[u8]) -> Option<usize> {
    let (meta, _) = fixed.get(16..)?.split_first_chunk::<4>()?;
    FIXED.checked_add(usize::try_from(u32::from_le_bytes(*meta)).ok()?)
}

/// Length of the fixed part.
pub const fn fixed() -> usize {
    FIXED
}
