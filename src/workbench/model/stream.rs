//! An answer as server-sent events, in the API's order and as slowly as its step wants.
//!
//! Knows the events' shapes; must not know scripts beyond a step's manner.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};

use super::play::Answer;

/// What the stream does next.
enum Beat {
    Event(Value),
    Wait(Duration),
    /// The connection breaks.
    Cut,
}

/// The events, one after the other; the stream ends with an error where the step drops the connection.
pub(super) fn of(answer: &Answer) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    futures_util::stream::unfold(beats(answer).into_iter(), |mut beats| async move {
        loop {
            match beats.next()? {
                Beat::Wait(time) => tokio::time::sleep(time).await,
                Beat::Event(event) => return Some((Ok(sse(&event)), beats)),
                Beat::Cut => {
                    let cut = io::Error::new(io::ErrorKind::ConnectionReset, "the step drops the connection");
                    return Some((Err(cut), Vec::new().into_iter()));
                }
            }
        }
    })
}

fn sse(event: &Value) -> Bytes {
    Bytes::from(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
}

fn beats(answer: &Answer) -> Vec<Beat> {
    let mut beats = vec![Beat::Event(json!({ "type": "message_start", "message": answer.message }))];
    beats.push(Beat::Event(json!({ "type": "ping" })));
    let silence = Duration::try_from_secs_f64(answer.manner.hang.unwrap_or(0.0)).unwrap_or_default();
    for _ in 0..silence.as_millis().div_ceil(1000) {
        beats.push(Beat::Wait(Duration::from_secs(1).min(silence)));
        beats.push(Beat::Event(json!({ "type": "ping" })));
    }
    for (index, block) in answer.blocks.iter().enumerate() {
        if !one_block(index, block, answer, &mut beats) {
            beats.push(Beat::Cut);
            return beats;
        }
    }
    let delta = json!({ "stop_reason": answer.stop_reason, "stop_sequence": null });
    beats.push(Beat::Event(json!({ "type": "message_delta", "delta": delta, "usage": answer.usage })));
    beats.push(Beat::Event(json!({ "type": "message_stop" })));
    beats
}

/// False: the connection is cut within this block.
fn one_block(index: usize, block: &Value, answer: &Answer, beats: &mut Vec<Beat>) -> bool {
    let (empty, deltas) = match block["type"].as_str() {
        Some("text") => {
            let text = block["text"].as_str().unwrap_or_default();
            let deltas =
                chunks(text, answer.manner.chunk).map(|t| json!({ "type": "text_delta", "text": t }));
            (json!({ "type": "text", "text": "" }), deltas.collect())
        }
        Some("thinking") => (
            json!({ "type": "thinking", "thinking": "", "signature": "" }),
            vec![
                json!({ "type": "thinking_delta", "thinking": block["thinking"] }),
                json!({ "type": "signature_delta", "signature": block["signature"] }),
            ],
        ),
        _ => {
            let mut empty = block.clone();
            empty["input"] = json!({});
            let input = block["input"].to_string();
            (empty, vec![json!({ "type": "input_json_delta", "partial_json": input })])
        }
    };
    beats.push(Beat::Event(json!({ "type": "content_block_start", "index": index, "content_block": empty })));
    let pause = answer.manner.chunk_delay.and_then(|s| Duration::try_from_secs_f64(s).ok());
    let kept = if answer.manner.drop { deltas.len() / 2 } else { deltas.len() };
    for delta in deltas.iter().take(kept) {
        beats.push(Beat::Event(json!({ "type": "content_block_delta", "index": index, "delta": delta })));
        beats.extend(pause.map(Beat::Wait));
    }
    beats.push(Beat::Event(json!({ "type": "content_block_stop", "index": index })));
    if answer.manner.drop {
        beats.pop();
    }
    !answer.manner.drop
}

/// Pieces of `size` characters; long texts in large ones.
fn chunks(text: &str, size: Option<usize>) -> impl Iterator<Item = String> + '_ {
    let size = size.unwrap_or(if text.len() < 4000 { 20 } else { 4000 }).max(1);
    let mut chars = text.chars();
    std::iter::from_fn(move || Some(chars.by_ref().take(size).collect::<String>()).filter(|c| !c.is_empty()))
}
