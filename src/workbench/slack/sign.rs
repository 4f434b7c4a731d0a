//! Slack's signature of a request: `v0=` and the HMAC-SHA256 of `v0:timestamp:body`.
//!
//! Must not know what is signed.

use sha2::{Digest, Sha256};

const BLOCK: usize = 64;

/// The header `X-Slack-Signature`.
pub fn signature(secret: &[u8], timestamp: i64, body: &str) -> String {
    let mac = hmac(secret, format!("v0:{timestamp}:{body}").as_bytes());
    mac.iter().fold("v0=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn hmac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let short = if secret.len() > BLOCK { Sha256::digest(secret).to_vec() } else { secret.to_vec() };
    let padded = |with: u8| -> Vec<u8> {
        let rest = std::iter::repeat_n(0, BLOCK - short.len().min(BLOCK));
        short.iter().copied().chain(rest).map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}
