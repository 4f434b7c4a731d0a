//! Who a request is from: `Bearer`, `token` or `Basic`, as GitHub takes them.
//!
//! Knows that only a token's hash is kept. Must not know what a caller may do.

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use super::model::{Caller, Model};
use super::refusal::Refusal;

/// `None` = the request names nobody. A token that is given must be good, even where none is needed.
pub(super) fn caller(model: &Model, headers: &HeaderMap) -> Result<Option<Caller>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let known = value.to_str().ok().and_then(token_in).and_then(|token| model.caller(&hash(&token)));
    known.map(Some).ok_or_else(|| Refusal::plain(StatusCode::UNAUTHORIZED, "Bad credentials"))
}

fn token_in(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.trim().to_owned()),
        // The user name says nothing: the token says who.
        "basic" => Some(String::from_utf8(base64(rest.trim())?).ok()?.split_once(':')?.1.to_owned()),
        _ => None,
    }
}

pub(super) fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The standard alphabet, with or without padding; `None` where it is not that.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for c in text.bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0x3fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
