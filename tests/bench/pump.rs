//! An agent that only talks: it answers the first request, waits for its first message, and then writes lines of the
//! real agent's shape as fast as they are read. The scripted agent is slower than the supervisor that is measured.

use std::io::{BufRead, BufWriter, Write};

use serde_json::{Value, json};

/// Plays the agent on standard input and output; `lines` of about `bytes` each.
pub fn main(lines: u64, bytes: usize) {
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let said: Value = serde_json::from_str(&line).unwrap();
        match said["type"].as_str() {
            Some("control_request") => say(&mut out, &accepted(&said)),
            Some("user") => (1..=lines).for_each(|n| say(&mut out, &message(n, bytes))),
            _ => {}
        }
        out.flush().unwrap();
    }
}

fn say(out: &mut impl Write, line: &Value) {
    writeln!(out, "{line}").unwrap();
}

fn accepted(request: &Value) -> Value {
    json!({ "type": "control_response", "response":
        { "subtype": "success", "request_id": request["request_id"], "response": { "hooks_applied": true } } })
}

fn message(n: u64, bytes: usize) -> Value {
    let text = format!("line {n}: {}", "what the agent says in one breath ".repeat(bytes / 34));
    json!({
        "type": "assistant",
        "message": {
            "id": format!("msg_{n:08}"), "type": "message", "role": "assistant", "model": "bench",
            "content": [{ "type": "text", "text": text }],
            "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 4, "cache_read_input_tokens": 17_890, "output_tokens": 301 },
        },
        "parent_tool_use_id": null,
        "session_id": "11111111-2222-3333-4444-555555555555",
        "uuid": format!("6f1b7c52-93a4-4c5e-8d6f-{n:012}"),
    })
}
