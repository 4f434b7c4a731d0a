//! The finale: how a session ended, in its thread, once.
//!
//! Knows what belongs to an end and in which order; must not know when it is posted.

use slack_morphism::prelude::SlackBlock;

use super::parts::{Control, actions, context, markdown, preformatted, section};
use super::post::Post;
use super::root::act;
use crate::domain::report::Evidence;
use crate::domain::session::{Status, Verb};
use crate::slack::escape::units;
use crate::slack::words::{People, ends, status};
use crate::wire::view::SessionView;

const MAX_SUMMARY: usize = 5_000;
const MAX_CHECKS: usize = 12;
/// Of what a failed check printed last.
const MAX_PRINTED: usize = 1_200;

pub fn finale(v: &SessionView, people: People<'_>) -> Post {
    let mut blocks = vec![section(&ends::outcome(v, people)), section(&ends::result(v, people))];
    if let Some(summary) = v.summary.as_deref().filter(|s| !s.trim().is_empty() && v.status == Status::Done) {
        blocks.push(markdown(summary, MAX_SUMMARY));
        blocks.extend((units(summary) > MAX_SUMMARY).then(|| context(&ends::cut(v))));
    }
    blocks.extend(checks(v));
    blocks.push(context(&ends::took(v)));
    blocks.extend(controls(v));
    blocks.push(context(ends::next(v)));
    Post::new(ends::spoken(v), blocks)
}

/// The evidence, one line a check, and the end of what the first failed one printed.
pub(super) fn checks(v: &SessionView) -> Vec<SlackBlock> {
    // That there are none counts where the work stands without them; an end before the checks says nothing of them.
    if v.evidence.is_empty() && v.status != Status::Done {
        return Vec::new();
    }
    let mut lines = vec![ends::checks_from(v)];
    lines.extend(v.evidence.iter().take(MAX_CHECKS).map(ends::evidence));
    let more = v.evidence.len().saturating_sub(MAX_CHECKS);
    if more > 0 {
        lines.push(ends::more_checks(more));
    }
    let mut blocks = vec![section(&lines.join("\n"))];
    blocks.extend(ends::trees(v).map(|trees| context(&trees)));
    if let Some(failed) = v.evidence.iter().find(|e| !e.passed()) {
        blocks.extend(printed(v, failed));
    }
    blocks
}

fn printed(v: &SessionView, e: &Evidence) -> Vec<SlackBlock> {
    let whole = e.tail.trim_end();
    if whole.is_empty() {
        return Vec::new();
    }
    let skip = whole.chars().count().saturating_sub(MAX_PRINTED);
    let end: String = whole.chars().skip(skip).collect();
    // Half a line says nothing, where whole ones follow it.
    let end = end.split_once('\n').map_or(end.as_str(), |(half, rest)| {
        if skip > 0 && half.len() < end.len() / 2 { rest } else { &end }
    });
    vec![context(&ends::printed(v, e, skip > 0)), preformatted(end, 2 * MAX_PRINTED)]
}

fn controls(v: &SessionView) -> Option<SlackBlock> {
    let link = v.pull_request.as_ref().and_then(|p| {
        let aloud = format!("{} #{}", status::OPEN_PULL_REQUEST, p.number);
        Control::link(0, status::OPEN_PULL_REQUEST, &aloud, &p.url)
    });
    let again = v.verbs.contains(&Verb::Rerun) && v.status != Status::Done;
    actions(link.into_iter().chain(again.then(|| act(1, v, Verb::Rerun))))
}
