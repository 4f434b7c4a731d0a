//! `devtask logs`: events as lines people can read.
//!
//! Knows a line for every kind; what it does not know it names by its kind.

use futures_util::StreamExt;

use super::paint::{Ink, Look, clean, line, money};
use super::{Outcome, Terminal, show, words};
use crate::cli::args;
use crate::domain::command::CommandBody;
use crate::domain::event::{Body, Queued};
use crate::domain::report::{Ending, Report, TurnOutcome};
use crate::domain::session::Hold;
use crate::wire::api::Control;
use crate::wire::view::{AskView, EventView};

pub(super) async fn run(args: &args::Logs, control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    let view = control.show(args.session).await?;
    if !args.follow && view.head <= args.after {
        return Ok(0);
    }
    let mut events = control.events(args.session, args.after).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        let seq = event.seq;
        if at.json {
            at.print_json(&event)?;
        } else if let Some(text) = entry(&event, args, &at.look) {
            at.print(&text)?;
            std::io::Write::flush(at.data)?;
        }
        if !args.follow && seq >= view.head {
            break;
        }
    }
    Ok(0)
}

/// A line, or several where the text has more; `None` for what only machines care about.
fn entry(event: &EventView, args: &args::Logs, look: &Look) -> Option<String> {
    let body: Option<Body> = serde_json::from_str(event.body.get()).ok();
    let said = body.as_ref().and_then(|b| said(b, args, look));
    let (ink, label, text) = match said {
        Some(said) => said,
        None if args.all => (Ink::Dim, "", line(&event.kind, 60)),
        None => return None,
    };
    let time = event.at.format("%H:%M:%S").to_string();
    let mut lines = clean_lines(&text);
    let first = if lines.is_empty() { String::new() } else { lines.remove(0) };
    let label = look.paint(ink, &format!("{label:<9}"));
    let mut out = format!("{}  {label} {first}", look.paint(Ink::Dim, &time)).trim_end().to_owned();
    out.push('\n');
    for more in lines {
        out.push_str(format!("{:20}{more}", "").trim_end());
        out.push('\n');
    }
    Some(out)
}

/// Colours of ours are in the text already, so only its lines are taken apart here.
fn clean_lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(str::to_owned).collect()
}

type Said = (Ink, &'static str, String);

fn said(body: &Body, args: &args::Logs, look: &Look) -> Option<Said> {
    let who = |by: &crate::domain::Actor| clean(by.name());
    let why =
        |reason: &Option<String>| reason.as_ref().map(|r| format!(": {}", clean(r))).unwrap_or_default();
    Some(match body {
        Body::Created(new) => {
            (Ink::Bold, "created", format!("by {}: {}", who(&new.owner), line(&new.brief.title, 80)))
        }
        Body::Queued { why, .. } => (Ink::Cyan, "queued", queued(*why).to_owned()),
        Body::Admitted { attempt } => (Ink::Cyan, "starts", format!("attempt {attempt}")),
        Body::Running => (Ink::Blue, "running", String::new()),
        Body::Stopping => (Ink::Yellow, "stopping", String::new()),
        Body::Held { hold, by, reason } => {
            (Ink::Yellow, "held", format!("{} by {}{}", hold_of(*hold), who(by), why(reason)))
        }
        Body::Lifted { hold, by } => (Ink::Cyan, "lifted", format!("{} by {}", hold_of(*hold), who(by))),
        Body::Paused => (Ink::Yellow, "paused", String::new()),
        Body::Publishing => (Ink::Blue, "publishes", String::new()),
        Body::Published { pull_request: p } => {
            (Ink::Green, "pull", format!("#{} {}", p.number, clean(&p.url)))
        }
        Body::PublishFailed { cause, tries, .. } => {
            (Ink::Red, "pull", format!("try {tries} failed: {}", clean(cause)))
        }
        Body::Done => (Ink::Green, "done", String::new()),
        Body::Failed { cause } => (Ink::Red, "failed", clean(cause)),
        Body::Cancelled { by, reason } => (Ink::Dim, "cancelled", format!("by {}{}", who(by), why(reason))),
        Body::FollowedUp { by } => (Ink::Bold, "follow-up", format!("by {}", who(by))),
        Body::Rerun { by } => (Ink::Bold, "rerun", format!("by {}", who(by))),
        Body::Granted { by } => (Ink::Cyan, "budget", format!("granted again by {}", who(by))),
        Body::AttemptLost { cause } => (Ink::Red, "lost", clean(cause)),
        Body::AskOpened { ask } => {
            let view = AskView::of(args.session, ask);
            (Ink::Yellow, "asks", show::asked(&view, look).trim_start().to_owned())
        }
        Body::AskAnswered { by, answer, .. } => {
            (Ink::Yellow, "answered", format!("by {}: {}", who(by), answered(answer)))
        }
        Body::AskDefaulted { answer, .. } => {
            (Ink::Yellow, "answered", format!("by time-out: {}", answered(answer)))
        }
        Body::AskWithdrawn { why, .. } => (Ink::Dim, "withdrawn", clean(why)),
        Body::CommandIssued { command } => match &command.body {
            CommandBody::Message { text, from, .. } => {
                (Ink::Bold, "message", format!("{}: {}", who(from), clean(text)))
            }
            _ => return None,
        },
        Body::NodeChanged { state, detail, notice, .. } => {
            let detail =
                notice.as_ref().or(detail.as_ref()).map(|d| format!(": {}", clean(d))).unwrap_or_default();
            (Ink::Dim, "node", format!("{}{detail}", state.name()))
        }
        Body::Report(report) => return reported(report, look),
    })
}

fn reported(report: &Report, look: &Look) -> Option<Said> {
    let short = |sha: &str| sha.chars().take(8).collect::<String>();
    Some(match report {
        Report::WorkspaceReady { base, base_sha, branch } => {
            (Ink::Dim, "workspace", format!("{} from {} @ {}", clean(branch), clean(base), short(base_sha)))
        }
        Report::Phase { phase } => (Ink::Blue, "phase", words::phase(*phase).to_owned()),
        Report::Note { text } => (Ink::Dim, "note", clean(text)),
        Report::AgentStarted { version, model, resumed, .. } => {
            let word = if *resumed { "resumed" } else { "started" };
            let model = model.as_ref().map(|m| format!(" with {}", clean(m))).unwrap_or_default();
            (Ink::Dim, "agent", format!("{} {word}{model}", clean(version)))
        }
        Report::Message { text } => (Ink::Bold, "agent", clean(text)),
        Report::Tool { tool, summary, .. } => {
            (Ink::Dim, "tool", format!("{}  {}", line(tool, 40), line(summary, 120)))
        }
        Report::ToolResult { ok: false, excerpt, .. } => {
            (Ink::Dim, "tool", format!("failed: {}", line(excerpt, 120)))
        }
        Report::Retrying { error, retry, of, .. } => {
            (Ink::Yellow, "retry", format!("{retry} of {of}: {}", clean(error)))
        }
        Report::TurnEnded { outcome, usage } => {
            (Ink::Dim, "turn", format!("{}, {} so far", turn(outcome), money(usage.cost_micro_usd)))
        }
        Report::ChecksPlanned { source, commands } if commands.is_empty() => {
            (Ink::Dim, "checks", format!("none ({})", clean(source)))
        }
        Report::ChecksPlanned { source, commands } => {
            (Ink::Dim, "checks", format!("{} ({})", clean(&commands.join(", ")), clean(source)))
        }
        Report::CheckEnded { evidence, .. } => (Ink::Dim, "check", words::check(evidence, look)),
        Report::Checkpoint { sha } => (Ink::Dim, "saved", short(sha)),
        Report::Pushed(pushed) => {
            (Ink::Green, "pushed", format!("{} at {}", clean(&pushed.branch), short(&pushed.sha)))
        }
        Report::Ended { how } => ended(how)?,
        Report::ToolResult { .. }
        | Report::CheckStarted { .. }
        | Report::Other { .. }
        | Report::Transcript { .. }
        | Report::AskRaised { .. }
        | Report::AskTakenBack { .. }
        | Report::AnswerApplied { .. }
        | Report::CommandConsumed { .. } => return None,
    })
}

fn ended(how: &Ending) -> Option<Said> {
    Some(match how {
        Ending::Finished { summary, .. } => (Ink::Green, "finished", clean(summary)),
        Ending::Failed { cause, .. } => (Ink::Red, "failed", clean(cause)),
        Ending::Deferred | Ending::Drained | Ending::Stopped => return None,
    })
}

fn turn(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed { .. } => "ended".to_owned(),
        TurnOutcome::Deferred { .. } => "waits for an answer".to_owned(),
        TurnOutcome::Interrupted => "interrupted".to_owned(),
        TurnOutcome::Failed { message, .. } => format!("failed: {}", line(message, 120)),
    }
}

fn queued(why: Queued) -> &'static str {
    match why {
        Queued::New => "new",
        Queued::Resumed => "resumed",
        Queued::Retry => "to try again",
        Queued::Quota => "until the quota opens",
        Queued::Handover => "its node went away",
        Queued::FollowUp => "for more work",
        Queued::Rerun => "to run again",
    }
}

fn hold_of(hold: Hold) -> &'static str {
    match hold {
        Hold::Person => "a person's hold",
        Hold::Ask => "an open ask",
        Hold::Budget => "a spent budget",
    }
}

fn answered(answer: &crate::domain::ask::Answer) -> String {
    use crate::domain::ask::{Answer, Decision};
    match answer {
        Answer::Answers { answers } => {
            let all: Vec<String> = answers.values().map(|a| line(a, 80)).collect();
            all.join(" · ")
        }
        Answer::Decide { decide, message } => {
            let word = match decide {
                Decision::Agent => "the agent decides",
                Decision::Allow => "allowed",
                Decision::Deny => "denied",
            };
            let message = message.as_ref().map(|m| format!(", {}", clean(m))).unwrap_or_default();
            format!("{word}{message}")
        }
    }
}
