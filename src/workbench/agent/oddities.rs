//! The steps no honest agent plays: silence, floods, garbage, deaths, API errors; and the numbered markers.
//!
//! Knows how each looks on the wire; must not know what a host makes of it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::ending::Stop;
use super::turn::Turn;
use super::{End, tools};
use crate::workbench::script::Cursor;
use crate::workbench::script::{Call, Markers, Step, marker_id};

impl Turn<'_> {
    /// Plays what is odd about a step, in a fixed order; most steps have nothing of it.
    pub(super) async fn oddities(&mut self, step: &Step) -> Result<(), Stop> {
        self.quiet(seconds(step.delay)).await?;
        if let Err(stop) = self.quiet(seconds(step.hang)).await {
            // A silence that was broken off is over: the next turn does not begin with it again.
            self.advance().await?;
            return Err(stop);
        }
        self.quiet(Duration::from_millis(step.slow.unwrap_or(0))).await?;
        if step.ignore_sigterm {
            self.desk.change(|s| s.deaf_to_sigterm = true);
        }
        if let Some(seconds) = step.spawn {
            self.leave_behind(seconds).await;
        }
        if let Some(flood) = step.flood {
            for n in 1..=flood.lines {
                let head = format!("flood {n} of {} ", flood.lines);
                let text = format!("{head}{}", "~".repeat(flood.bytes.saturating_sub(head.len())));
                self.say(&text).await?;
                self.still_wanted()?;
            }
        }
        if let Some(bytes) = step.long_line {
            self.say(&"x".repeat(bytes)).await?;
        }
        if step.garbage {
            self.desk
                .write_raw(b"this is not json\n\xff\xfe\x00\xc3\x28\n{\"type\":\n\x00\x00\n[1,2]\n\n")
                .await?;
        }
        if let Some(times) = step.repeat_call {
            self.full_speed(times).await?;
        }
        if let Some(limit) = step.rate_limit {
            return self.rate_limited(limit.resets_in).await;
        }
        if let Some(status) = step.api_error.or(step.error) {
            self.api_error(status, step).await?;
        }
        let Some(crash) = step.crash else { return Ok(()) };
        // Noted before: a resumed conversation does not die of the same step.
        self.advance().await?;
        Err(Stop::Now(match (crash.signal, crash.code) {
            (Some(signal), _) => End::Signal(signal),
            (None, code) => End::Code(code.unwrap_or(1)),
        }))
    }

    async fn quiet(&self, time: Duration) -> Result<(), Stop> {
        if time.is_zero() {
            return Ok(());
        }
        Ok(self.desk.unless_aborted(tokio::time::sleep(time)).await?)
    }

    fn still_wanted(&self) -> Result<(), Stop> {
        self.desk.look(|s| s.abort).map_or(Ok(()), |abort| Err(abort.into()))
    }

    /// Goes on behind the last marker the conversation knows of.
    pub(super) async fn markers(&mut self, markers: &Markers) -> Result<(), Stop> {
        while let Some(cursor) = self.talk.cursor.as_ref().filter(|c| c.marker < markers.count) {
            let (round, step, number) = (cursor.round, cursor.step, cursor.marker + 1);
            let place = Cursor { marker: number, ..cursor.clone() };
            self.quiet(Duration::from_millis(markers.every_ms)).await?;
            self.still_wanted()?;
            let uuid = marker_id(self.talk.session, round, step, number);
            let block = json!({ "type": "text", "text": markers.text(number) });
            let place = super::transcript::Transcript::place(&place, false);
            self.block(&format!("msg_sim_{}", uuid.simple()), uuid, &block, Some(place)).await?;
        }
        self.model_turns += 1;
        Ok(())
    }

    async fn full_speed(&mut self, times: u64) -> Result<(), Stop> {
        for _ in 0..times {
            self.within_limits()?;
            let call = Call { name: "Bash".into(), input: json!({ "command": ":" }), id: None };
            let call = self.tool_use(call);
            self.speak(vec![call.clone()]).await?;
            self.calls(vec![call]).await?;
            self.fold_in().await?;
        }
        Ok(())
    }

    /// A process in a session of its own that nobody waits for.
    async fn leave_behind(&self, seconds: u64) {
        if let Err(e) = tools::start(self.desk, &["sleep", &seconds.to_string()], Stdio::null()) {
            self.desk.complain(&format!("cannot leave a process behind: {e}")).await;
        }
    }

    async fn rate_limited(&mut self, resets_in: u64) -> Result<(), Stop> {
        let resets = self.desk.at.clock.now().timestamp() + i64::try_from(resets_in).unwrap_or(0);
        let info = json!({ "status": "rejected", "resetsAt": resets, "rateLimitType": "five_hour", "utilization": 1.0 });
        self.desk.write(self.desk.line("rate_limit_event", json!({ "rate_limit_info": info }))).await?;
        self.api_failed(429, "API Error: Request rejected (429) · rate limit error").await
    }

    /// Tries as often as the real agent would be told to, with next to no time between.
    async fn api_error(&mut self, status: u16, step: &Step) -> Result<(), Stop> {
        let most: u32 = self.desk.at.var("CLAUDE_CODE_MAX_RETRIES").and_then(|n| n.parse().ok()).unwrap_or(2);
        let retries = if matches!(status, 401 | 408 | 409 | 429 | 500..) { most } else { 0 };
        let fails = step.times.unwrap_or(u32::MAX);
        for attempt in 1..=retries.min(fails) {
            let body = json!({
                "subtype": "api_retry", "attempt": attempt, "max_retries": most, "retry_delay_ms": 10,
                "error_status": status, "error": error_word(status),
            });
            self.desk.write(self.desk.line("system", body)).await?;
            self.quiet(Duration::from_millis(10)).await?;
        }
        if fails <= retries {
            return if step.text.is_none() && step.calls().is_empty() {
                self.say("(recovered)").await
            } else {
                Ok(())
            };
        }
        let said = step.message.clone().unwrap_or_else(|| error_kind(status).replace('_', " "));
        let lead = if status == 401 { "Failed to authenticate. " } else { "" };
        self.api_failed(status, &format!("{lead}API Error: {status} {said}")).await
    }

    async fn api_failed(&mut self, status: u16, text: &str) -> Result<(), Stop> {
        let block = json!({ "type": "text", "text": text });
        let id = self.desk.id().to_string();
        let message = super::lines::message(&id, "<synthetic>", &block, &Value::Null);
        let body = json!({
            "message": message, "parent_tool_use_id": null, "error": error_word(status),
            "is_api_error_message": true, "api_error_status": status, "api_error_type": error_kind(status),
        });
        self.desk.write(self.desk.line("assistant", body)).await?;
        self.advance().await?;
        Err(Stop::Api { status, kind: error_kind(status), text: text.to_owned() })
    }
}

fn seconds(of: Option<f64>) -> Duration {
    Duration::try_from_secs_f64(of.unwrap_or(0.0)).unwrap_or(Duration::MAX)
}

fn error_word(status: u16) -> &'static str {
    match status {
        429 => "rate_limit",
        529 => "overloaded",
        500.. => "server_error",
        401 | 403 => "authentication_failed",
        _ => "unknown",
    }
}

fn error_kind(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}
