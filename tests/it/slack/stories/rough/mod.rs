//! Rough stories: hostile words, lost answers, deleted messages, a Slack that breaks. Each ends with what people see.
//!
//! Here stands what they share: the messages of ours as Slack keeps them, and controls as they were on a screen.

mod away;
mod deleted;
mod door;
mod harmless;
mod hostile;
mod lists;
mod sizes;
mod stale;
mod weather;

use devtask::domain::session::Status;
use devtask::wire::api::{Control, Filter};
use devtask::workbench::slack::{Act, Place};
use serde_json::Value;

use super::super::town::{ANA, BO, CY, DEV, Mode, QUIET, Rules, Town};

/// The end is told in the thread, and the root shows it.
fn over(seen: &str) -> bool {
    super::summed_up(seen) && seen.contains("✅ *Done*")
}

/// Of a root that nobody can change any more, how far it had come is chance.
fn frozen(seen: &str) -> String {
    let chance = |line: &&str| {
        let line = line.trim_start();
        !["🟢", "⚙️", "🟡", "⏳", "demo/sample"].iter().any(|start| line.starts_with(start))
    };
    told(seen).lines().filter(chance).collect::<Vec<_>>().join("\n")
}

/// Every message that anybody sees, once, oldest first.
fn messages(town: &Town) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    for person in [ANA, BO, CY] {
        let state = town.slack.state(person).unwrap();
        for channel in state["channels"].as_array().unwrap() {
            let id = channel["id"].as_str().unwrap().to_owned();
            for message in channel["messages"].as_array().unwrap() {
                if !found.iter().any(|(_, known)| known["ts"] == message["ts"]) {
                    found.push((id.clone(), message.clone()));
                }
            }
        }
    }
    found.sort_by(|a, b| a.1["ts"].as_str().cmp(&b.1["ts"].as_str()));
    found
}

/// Messages of the app, private notes among them.
fn ours(town: &Town) -> Vec<(String, Value)> {
    let bot = town.slack.bot_user();
    let line = |m: &Value| m["blocks"].as_array().is_some_and(|b| !b.is_empty()) || m["onlyYou"] == true;
    messages(town).into_iter().filter(|(_, m)| m["user"] == bot.as_str() && line(m)).collect()
}

/// The newest message of ours that says this anywhere: its `ts` and all of it.
fn saying(town: &Town, words: &str) -> (String, Value) {
    let found =
        ours(town).into_iter().rev().find(|(_, m)| m["onlyYou"] != true && m.to_string().contains(words));
    let (_, message) = found.unwrap_or_else(|| panic!("nothing says {words}\n{}", town.seen(DEV)));
    (message["ts"].as_str().unwrap().to_owned(), message)
}

/// A button as somebody has it on a screen that is not fresh.
struct Screen {
    ts: String,
    button: Value,
    block: String,
}

impl Screen {
    /// The button with these words in the newest message that has one.
    fn of(town: &Town, words: &str) -> Self {
        let found = ours(town).into_iter().rev().find_map(|(_, message)| {
            let blocks = message["blocks"].as_array()?.clone();
            blocks.into_iter().find_map(|block| {
                let button =
                    block["elements"].as_array()?.iter().find(|e| e["text"]["text"] == words)?.clone();
                let (ts, block) =
                    (message["ts"].as_str()?.to_owned(), block["block_id"].as_str()?.to_owned());
                Some(Self { ts, button, block })
            })
        });
        found.unwrap_or_else(|| panic!("there is no button [{words}]"))
    }

    /// It is pressed, whether or not it is still there.
    async fn pressed(&self, town: &Town, who: &str) {
        let act = Act::Click {
            at: Place::message(DEV, &self.ts),
            block: self.block.clone(),
            action: self.button["action_id"].as_str().unwrap().to_owned(),
            value: None,
            gone: Some(self.button.clone()),
        };
        let receipt = town.slack.act(who, act).unwrap();
        town.acked(&receipt).await;
    }
}

/// What stands in a channel. How far the agent came is not the story's, nor whether a word to one person came before
/// or after the root.
fn told(seen: &str) -> String {
    let seen = legible(&super::without_figures(seen));
    let (mut kept, mut rest) = (String::new(), seen.as_str());
    while let Some((before, note)) = rest.split_once("(only ana) [devtask]\n") {
        let own: usize = note
            .lines()
            .take_while(|l| l.starts_with("  ") && !l.starts_with("    ↳"))
            .map(|l| l.len() + 1)
            .sum();
        let (words, after) = note.split_at(own.min(note.len()));
        kept.push_str(before);
        if !words.contains("is on its way") {
            kept.push_str("(only ana) [devtask]\n");
            kept.push_str(words);
        }
        rest = after;
    }
    kept + rest
}

async fn sessions(town: &Town) -> usize {
    town.remote.list(Filter::default()).await.unwrap().sessions.len()
}

async fn comes_to(town: &Town, session: u32, status: Status) {
    let what = format!("dt-{session} is {status:?}");
    let id = session.to_string();
    town.until(&what, async || {
        let view = town.remote.show(id.parse().unwrap()).await.ok()?;
        (view.status == status).then_some(())
    })
    .await;
}

/// Calls of the Web API that Slack refused, by method and word; asking to join twice is none.
fn refusals(town: &Town) -> Vec<String> {
    let calls = town.slack.calls();
    let errors = calls.counts.iter().flat_map(|(method, count)| {
        count.errors.iter().map(move |(error, times)| format!("{method}: {error} ×{times}"))
    });
    errors.collect()
}

/// Runs of one character as `~×10000`, and what cannot be seen by its number: for snapshots.
fn legible(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mut times = 1;
        while rest.next_if_eq(&c).is_some() {
            times += 1;
        }
        let unseen = c != '\n'
            && (c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'));
        let shown = if unseen { c.escape_unicode().to_string() } else { c.to_string() };
        if times > 24 {
            out.push_str(&format!("{shown}×{times}"));
        } else {
            out.push_str(&shown.repeat(times));
        }
    }
    out
}
