//! One run of the agent: find or make the conversation, then a turn for every user message until the input ends.
//!
//! Must not know what a turn does.

use serde_json::{Value, json};
use uuid::Uuid;

use super::desk::{Abort, Desk, Gone, Said};
use super::ending::Ended;
use super::flags::Flags;
use super::transcript::Transcript;
use super::turn::Turn;
use super::{End, Stdio, Surroundings, listen};

pub(super) async fn run(io: Stdio, flags: Flags, at: Surroundings) -> End {
    let Stdio { input, output, errors, signals } = io;
    let opened = open(&flags, &at);
    let session = match &opened {
        Ok(talk) => talk.session,
        Err(_) => at.clock.random_id(),
    };
    let desk = Desk::new(flags, at, session, output, errors);
    let mut talk = match opened {
        Ok(talk) => talk,
        Err(why) => return refuse(&desk, why).await,
    };
    desk.change(|s| (s.heard, s.told_before) = (talk.heard.clone(), talk.heard.clone()));
    if let Some(prompt) = desk.flags.prompt.clone() {
        let message = json!({ "role": "user", "content": prompt });
        let said = Said { uuid: desk.id(), message };
        desk.change(|s| {
            s.queue.push_back(said);
            s.busy = true;
        });
    }
    let mut halves = tokio::task::JoinSet::new();
    halves.spawn(listen::mind_signals(desk.clone(), signals));
    if desk.flags.streams() {
        halves.spawn(listen::listen(desk.clone(), input));
    } else {
        desk.change(|s| s.eof = true);
    }
    // The halves end with the set: nothing of this run outlives it.
    match turns(&desk, &mut talk).await {
        Ok(end) => end,
        Err(Gone) => End::Code(1),
    }
}

enum Why {
    /// On standard error only.
    Plain(String),
    /// On standard error and as a result.
    NoConversation(String),
}

fn open(flags: &Flags, at: &Surroundings) -> Result<Transcript, Why> {
    let config = at.config_dir();
    if flags.mode() == "bypassPermissions"
        && rustix::process::geteuid().is_root()
        && at.var("IS_SANDBOX") != Some("1")
    {
        let why =
            "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons";
        return Err(Why::Plain(why.into()));
    }
    let wanted = flags.value("--session-id").and_then(|id| Uuid::parse_str(id).ok());
    if let Some(id) = wanted.filter(|id| Transcript::find(&config, *id).is_some()) {
        return Err(Why::Plain(format!("Error: Session ID {id} is already in use.")));
    }
    let fresh = wanted.unwrap_or_else(|| at.clock.random_id());
    let Some(resume) = flags.value("--resume") else {
        return Ok(Transcript::new(&config, &at.cwd, fresh));
    };
    let talk = resumed(&config, resume)?;
    if !flags.has("--fork-session") {
        return Ok(talk);
    }
    talk.fork(&config, &at.cwd, fresh)
        .map_err(|e| Why::Plain(format!("Error: cannot fork the conversation: {e}")))
}

/// By id in any project's folder, or by the path of its file.
fn resumed(config: &std::path::Path, resume: &str) -> Result<Transcript, Why> {
    let file = std::path::Path::new(resume);
    let named = file.file_stem().and_then(|s| s.to_str()).and_then(|s| Uuid::parse_str(s).ok());
    let (path, id) = match (Uuid::parse_str(resume), named) {
        (Ok(id), _) => (Transcript::find(config, id), id),
        (Err(_), Some(id)) => (file.is_file().then(|| file.to_path_buf()), id),
        _ => {
            let why = "Error: --resume requires a valid session ID or session title when used with --print. \
                Usage: claude -p --resume <session-id>";
            return Err(Why::NoConversation(why.into()));
        }
    };
    let missing = || Why::NoConversation(format!("No conversation found with session ID: {resume}"));
    Transcript::load(path.ok_or_else(missing)?, id).map_err(|_| missing())
}

async fn refuse(desk: &Desk, why: Why) -> End {
    let text = match why {
        Why::Plain(text) => text,
        Why::NoConversation(text) => {
            let result = json!({
                "subtype": "error_during_execution", "is_error": true, "duration_ms": 0, "duration_api_ms": 0,
                "num_turns": 0, "stop_reason": null, "total_cost_usd": 0, "usage": {}, "modelUsage": {},
                "permission_denials": [], "errors": [text], "result_index": 0,
            });
            let _ = desk.write(desk.line("result", result)).await;
            text
        }
    };
    desk.complain(&text).await;
    End::Code(1)
}

async fn turns(desk: &Desk, talk: &mut Transcript) -> Result<End, Gone> {
    let mut failed = false;
    let mut index = 0;
    if talk.deferred.is_some() && desk.flags.value("--resume").is_some() {
        match take_up_deferred(desk, talk, index).await? {
            Ended::Now(end) => return Ok(end),
            Ended::Turn { is_error } => failed = is_error,
        }
        index += 1;
    }
    loop {
        match next(desk).await {
            Next::Said(said) => match Turn::new(desk, talk, vec![said.uuid], index).told(said).await? {
                Ended::Now(end) => return Ok(end),
                Ended::Turn { is_error } => failed = is_error,
            },
            Next::End(Some(end)) => return Ok(end),
            Next::End(None) => return Ok(End::Code(failed.into())),
        }
        index += 1;
        settle(desk).await?;
    }
}

async fn take_up_deferred(desk: &Desk, talk: &mut Transcript, index: u64) -> Result<Ended, Gone> {
    let own = desk.id();
    desk.write_with(|state| {
        let was_busy = std::mem::replace(&mut state.busy, true);
        let running = if was_busy { None } else { desk.state_line("running") };
        running.into_iter().chain([desk.lifecycle(own, "started")]).collect()
    })
    .await?;
    if desk.flags.has("--await-initialize") {
        desk.until(|s| (s.initialized || s.eof || s.abort.is_some()).then_some(())).await;
    }
    let ended = Turn::new(desk, talk, Vec::new(), index).deferred(own).await?;
    settle(desk).await?;
    Ok(ended)
}

enum Next {
    Said(Said),
    /// With the end a signal or a refused line asked for, if that is why.
    End(Option<End>),
}

async fn next(desk: &Desk) -> Next {
    desk.until(|state| match (state.abort, state.queue.is_empty()) {
        (Some(Abort::Now(end)), _) => Some(Next::End(Some(end))),
        _ if state.ending => Some(Next::End(state.interrupted.then_some(End::Code(0)))),
        (_, false) => {
            state.abort = None;
            state.queue.pop_front().map(Next::Said)
        }
        _ if state.eof => Some(Next::End(None)),
        _ => None,
    })
    .await
}

/// After a turn: an interrupt is used up, and without a queued message the agent is idle.
async fn settle(desk: &Desk) -> Result<(), Gone> {
    desk.write_with(|state| {
        if state.abort == Some(Abort::Interrupt) {
            state.abort = None;
        }
        if !state.queue.is_empty() {
            return Vec::<Value>::new();
        }
        state.busy = false;
        desk.state_line("idle").into_iter().collect()
    })
    .await
}
