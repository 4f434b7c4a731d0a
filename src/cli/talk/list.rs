//! `devtask list`: sessions or open asks as a table.

use comfy_table::{ContentArrangement, Table, presets};

use super::paint::{Ink, Look, line};
use super::{Outcome, Terminal, words};
use crate::cli::args;
use crate::domain::session::Status;
use crate::wire::api::{Control, Filter};
use crate::wire::view::{AskView, SessionView};

pub(super) async fn run(args: args::List, control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    if args.asks { asks(control, at).await } else { sessions(args, control, at).await }
}

async fn sessions(args: args::List, control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    let args::List { status, owner, label, limit, cursor, .. } = args;
    let narrowed = status.is_some() || owner.is_some() || label.is_some() || cursor.is_some();
    let owner = owner.map(|o| if o.contains('/') { o } else { format!("local/{o}") });
    let page = control.list(Filter { status, owner, label, limit: Some(limit), cursor }).await?;
    if at.json {
        for session in &page.sessions {
            at.print_json(session)?;
        }
    } else if page.sessions.is_empty() {
        let text = if narrowed { "no session fits" } else { "there is no session yet" };
        at.say(text)?;
        if !narrowed {
            at.say("make one with `devtask create --repo PATH --brief TEXT`")?;
        }
    } else {
        let mut table = new_table(at, &["SESSION", "STATUS", "", "BRIEF", "REPO", "OWNER", "AGE"]);
        for session in &page.sessions {
            table.add_row(row(session, at));
        }
        at.print(&finished(&table, &at.look))?;
    }
    if let Some(cursor) = page.next_cursor {
        at.say(&format!("more with `--cursor {cursor}`"))?;
    }
    Ok(0)
}

/// Plain words: colours come after the columns are measured.
fn row(view: &SessionView, at: &Terminal<'_>) -> Vec<String> {
    let repo = match view.repo.strip_prefix('/') {
        Some(path) => path.rsplit('/').next().unwrap_or_default(),
        None => &view.repo,
    };
    vec![
        view.id.to_string(),
        view.status.name().to_owned(),
        words::doing(view, &at.look),
        line(&view.brief.title, 48),
        line(repo, 28),
        line(words::person(&view.owner), 16),
        at.look.span(view.created_at),
    ]
}

async fn asks(control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    let asks = control.asks().await?;
    if at.json {
        for ask in &asks {
            at.print_json(ask)?;
        }
        return Ok(0);
    }
    if asks.is_empty() {
        at.say("nobody waits for an answer")?;
        return Ok(0);
    }
    let mut table = new_table(at, &["SESSION", "ASKS", "SINCE", "HANDLE"]);
    for AskView { handle, session, ask } in &asks {
        let since = at.look.span(ask.opened_at);
        table.add_row(vec![session.to_string(), line(&ask.headline(), 56), since, line(handle, 60)]);
    }
    at.print(&finished(&table, &at.look))?;
    at.say("answer with `devtask answer SESSION`")?;
    Ok(0)
}

pub(super) fn new_table(at: &Terminal<'_>, head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(at.look.width)
        .set_header(head.iter().copied());
    table
}

/// The table without the blanks that pad its lines, with its colours.
pub(super) fn finished(table: &Table, look: &Look) -> String {
    let mut out = String::new();
    for (i, line) in table.to_string().lines().enumerate() {
        let line = line.trim_end();
        let line = line.strip_prefix(' ').unwrap_or(line);
        out.push_str(&if i == 0 { look.paint(Ink::Dim, line) } else { painted(line, look) });
        out.push('\n');
    }
    out
}

/// The id and the status in their colours; a wrapped line has neither.
fn painted(line: &str, look: &Look) -> String {
    let Some((id, rest)) = line.split_once(' ').filter(|(id, _)| id.starts_with("dt-")) else {
        return line.to_owned();
    };
    let id = look.paint(Ink::Bold, id);
    let word = rest.trim_start();
    let gap = rest.get(..rest.len() - word.len()).unwrap_or_default();
    let status = Status::ALL.into_iter().find(|s| word.starts_with(s.name()));
    match status.and_then(|s| Some((s, word.strip_prefix(s.name())?))) {
        Some((status, more)) => format!("{id} {gap}{}{more}", look.paint(words::ink(status), status.name())),
        None => format!("{id} {rest}"),
    }
}
