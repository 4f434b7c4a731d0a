//! `devtask show`: one session on one screen.

use std::fmt::Write as _;

use super::paint::{Ink, Look, clean, count, line, money};
use super::{Outcome, Terminal, words};
use crate::domain::SessionId;
use crate::domain::ask::{AskWhat, Question};
use crate::domain::session::{Status, Verb};
use crate::wire::api::Control;
use crate::wire::view::{AskView, SessionView};

pub(super) async fn run(id: SessionId, control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    let view = control.show(id).await?;
    if at.json {
        at.print_json(&view)?;
    } else {
        let page = page(&view, &at.look);
        at.print(&page)?;
        let next = next(&view);
        if !next.is_empty() {
            at.say(&format!("\n{}", at.look.paint(Ink::Dim, &next)))?;
        }
    }
    Ok(0)
}

/// `dt-142  queued, 1. in line  Add a retry`
pub(super) fn title(view: &SessionView, look: &Look) -> String {
    let doing = words::doing(view, look);
    let doing = if doing.is_empty() { doing } else { format!(", {doing}") };
    let status = look.paint(words::ink(view.status), view.status.name());
    format!(
        "{}  {status}{doing}  {}",
        look.paint(Ink::Bold, &view.id.to_string()),
        line(&view.brief.title, 80)
    )
}

fn page(view: &SessionView, look: &Look) -> String {
    let mut out = format!("{}\n\n", title(view, look));
    for (name, value) in facts(view, look) {
        let _infallible = writeln!(out, "  {}{value}", look.paint(Ink::Dim, &format!("{name:<10}")));
    }
    if !view.evidence.is_empty() || view.checks_from.is_some() {
        let from = view.checks_from.as_deref().unwrap_or("not looked for yet");
        let _infallible =
            writeln!(out, "\n  {}", look.paint(Ink::Dim, &format!("checks ({})", line(from, 60))));
        if view.evidence.is_empty() {
            out.push_str("    none have run\n");
        }
        for evidence in &view.evidence {
            let _infallible = writeln!(out, "    {}", words::check(evidence, look));
        }
    }
    for ask in &view.asks {
        let _infallible = write!(out, "\n{}", asked(ask, look));
    }
    let trouble = if view.status == Status::Failed { "failure" } else { "the last try failed" };
    for (name, ink, text) in [("summary", Ink::Dim, &view.summary), (trouble, Ink::Red, &view.failure)] {
        if let Some(text) = text {
            let _infallible = writeln!(out, "\n  {}", look.paint(ink, name));
            for part in clean(text).lines() {
                let _infallible = writeln!(out, "    {part}");
            }
        }
    }
    out
}

fn facts(view: &SessionView, look: &Look) -> Vec<(&'static str, String)> {
    let short = |sha: &Option<String>| sha.as_ref().map(|s| s.chars().take(8).collect::<String>());
    let mut all = Vec::new();
    let base =
        [view.base.clone(), short(&view.base_sha)].into_iter().flatten().collect::<Vec<_>>().join(" @ ");
    let base = if base.is_empty() { base } else { format!(" from {}", clean(&base)) };
    all.push(("repo", format!("{}{base}", clean(&view.repo))));
    if let Some(branch) = &view.branch {
        let pushed = short(&view.pushed_sha).map(|s| format!(" pushed at {s}")).unwrap_or_default();
        all.push(("branch", format!("{}{pushed}", clean(branch))));
    }
    if let Some(pull) = &view.pull_request {
        all.push(("pull", format!("#{} {}", pull.number, clean(&pull.url))));
    }
    let node = view.node_id.as_ref().map(|n| format!(" {}", clean(n))).unwrap_or_default();
    all.push(("node", format!("{}{node}", clean(&view.provider))));
    let version = view.agent_version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
    let model = view.model.as_ref().map(|m| format!(", model {m}")).unwrap_or_default();
    all.push(("agent", clean(&format!("{}{version}{model}", view.agent))));
    let retries = if view.retries > 0 {
        format!(", retry {} of {}", view.retries, view.max_retries)
    } else {
        String::new()
    };
    if view.attempt.0 > 0 {
        all.push(("attempt", format!("{}{retries}", view.attempt)));
    }
    let usage = &view.usage;
    if usage.turns > 0 {
        let tokens = format!("{} in, {} out", count(usage.input_tokens), count(usage.output_tokens));
        all.push(("spent", format!("{}, {} turns, {tokens}", money(usage.cost_micro_usd), usage.turns)));
    }
    if view.unsandboxed {
        let says = "none: the agent runs with all rights of the server's user";
        all.push(("sandbox", look.paint(Ink::Yellow, says)));
    }
    if let Some(by) = &view.cancelled_by {
        all.push(("ended by", clean(words::person(by))));
    }
    all.push(("owner", clean(words::person(&view.owner))));
    if !view.labels.is_empty() {
        all.push(("labels", clean(&view.labels.join(", "))));
    }
    let changed = look.span(view.updated_at);
    all.push(("age", format!("{}, changed {changed} ago", look.span(view.created_at))));
    all
}

/// An ask as it can be answered.
pub(super) fn asked(view: &AskView, look: &Look) -> String {
    let mut out = String::new();
    let mut put = |text: &str| {
        let _infallible = writeln!(out, "  {text}");
    };
    match &view.ask.what {
        AskWhat::Questions { questions } => questions.iter().for_each(|q| put(&question(q, look))),
        AskWhat::Permission { tool, detail } => {
            put(&look.paint(Ink::Yellow, &format!("? May the agent use {}?", line(tool, 60))));
            clean(detail).lines().take(20).for_each(|l| put(&format!("  {l}")));
        }
        AskWhat::Plan { text } => {
            put(&look.paint(Ink::Yellow, "? May the agent carry out this plan?"));
            clean(text).lines().for_each(|l| put(&format!("  {l}")));
        }
    }
    out
}

fn question(question: &Question, look: &Look) -> String {
    let several = if question.multi_select { " (several may be chosen)" } else { "" };
    let mut out = look.paint(Ink::Yellow, &format!("? {}{several}", clean(&question.question)));
    for (i, choice) in question.options.iter().enumerate() {
        let what = if choice.description.is_empty() {
            String::new()
        } else {
            format!("  {}", clean(&choice.description))
        };
        let _infallible =
            write!(out, "\n    {} {}{}", i + 1, clean(&choice.label), look.paint(Ink::Dim, &what));
    }
    out
}

/// What one would type next.
fn next(view: &SessionView) -> String {
    let n = view.id.number();
    if !view.asks.is_empty() {
        return format!("answer with `devtask answer {n}`");
    }
    let can = |verb: Verb| view.verbs.contains(&verb);
    match view.status {
        Status::Paused if can(Verb::Resume) => format!("go on with `devtask resume {n}`"),
        Status::Failed => {
            format!("read `devtask logs {n}`, then `devtask rerun {n}` or `devtask message {n} TEXT`")
        }
        Status::Done => format!("more work with `devtask message {n} TEXT`"),
        Status::Cancelled => format!("run it after all with `devtask rerun {n}`"),
        _ => format!("follow it with `devtask logs {n} -f`"),
    }
}
