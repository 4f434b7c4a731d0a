//! What deliveries say, by the payloads Slack sends.

mod grammar;
mod payloads;
mod random;
mod texts;

use serde_json::Value;

use super::{Me, Said, What, Words, read};

fn me() -> Me {
    Me { user: "UBOT".into(), bot: Some("B1".into()), team: Some("T1".into()) }
}

fn heard(kind: &str, payload: &Value) -> Option<Said> {
    read(kind, &payload.to_string(), &me())
}

fn words(said: Option<Said>) -> Words {
    match said.map(|s| s.what) {
        Some(What::Words(words)) => words,
        other => panic!("no words: {other:?}"),
    }
}
