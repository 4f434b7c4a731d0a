//! `devtask nodes`: the machines as a table.

use super::list::{finished, new_table};
use super::paint::{line, money};
use super::{Outcome, Terminal, words};
use crate::wire::api::Control;
use crate::wire::fleet::NodeView;

pub(super) async fn run(control: &dyn Control, at: &mut Terminal<'_>) -> Outcome {
    let nodes = control.nodes().await?;
    if at.json {
        for node in &nodes {
            at.print_json(node)?;
        }
        return Ok(0);
    }
    if nodes.is_empty() {
        at.say("there is no node")?;
        return Ok(0);
    }
    let mut table = new_table(at, &["SESSION", "STATE", "PROVIDER", "NODE", "OWNER", "AGE", "COST"]);
    for node in &nodes {
        table.add_row(row(node, at));
    }
    at.print(&finished(&table, &at.look))?;
    for node in &nodes {
        remarks(node, at)?;
    }
    Ok(0)
}

fn row(node: &NodeView, at: &Terminal<'_>) -> Vec<String> {
    let dash = || "–".to_owned();
    vec![
        node.session.map_or_else(dash, |id| id.to_string()),
        node.state.map_or("stray", |s| s.name()).to_owned(),
        line(&node.provider, 16),
        line(node.node_id.as_deref().unwrap_or("–"), 40),
        node.owner.as_deref().map_or_else(dash, |o| line(words::person(o), 16)),
        at.look.span(node.created_at),
        node.cost_micro_usd.map_or_else(dash, |c| format!("~{}", money(c))),
    ]
}

/// What a table has no room for.
fn remarks(node: &NodeView, at: &mut Terminal<'_>) -> Result<(), super::Trouble> {
    let name = node.session.map_or_else(|| node.key.clone(), |id| id.to_string());
    if let Some(notice) = &node.notice {
        at.say(&format!("{name}: {}", line(notice, 300)))?;
    }
    if let Some(trouble) = &node.trouble {
        at.say(&format!("{name}: tried again, because {}", line(trouble, 300)))?;
    }
    if node.state.is_none() {
        at.say(&format!("{name}: belongs to no session; it goes after a grace time, once its work is safe"))?;
    }
    Ok(())
}
