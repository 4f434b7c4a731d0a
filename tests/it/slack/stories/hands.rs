//! What people's hands do in these stories beyond typing and pressing: menus, forms, and screens that are not fresh.
//!
//! Must not know any story.

use devtask::domain::SessionId;
use devtask::wire::api::Control;
use devtask::workbench::sample::REPAIRED;
use devtask::workbench::script::{Script, Step};
use devtask::workbench::slack::{Act, Place};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::super::town::{DEV, Town, plain};

/// An agent that mends the greeting, then plays these.
pub fn brief(goal: &str, steps: Vec<Step>) -> String {
    brief_of(goal, std::iter::once(Step::write("greet.sh", REPAIRED)).chain(steps).collect())
}

/// An agent that plays these and sums up with what it was told last.
pub fn brief_of(goal: &str, mut steps: Vec<Step>) -> String {
    steps.push(Step::text("{{last_tool_result}}"));
    format!("/devtask new {goal}\n{}", Script::of(steps).tag())
}

/// The agent repeats what it was told: the log has it.
pub fn repeated() -> Step {
    Step::say("I was told: {{last_tool_result}}")
}

/// One ask: a question, or a list of them.
pub fn asking(what: Value) -> Step {
    Step { ask: Some(what), ..Step::default() }
}

pub fn question(text: &str, options: &[&str]) -> Value {
    json!({ "question": text, "options": options })
}

/// The thread as it stands: a root may be told again at any moment, so what is snapshotted on the way is below it.
pub fn thread(seen: &str) -> String {
    let lines = seen.lines().skip_while(|line| !line.starts_with("    ↳"));
    lines.take_while(|line| line.is_empty() || line.starts_with("    ")).collect::<Vec<_>>().join("\n")
}

/// All but the private word that a session is on its way: it may come before or after the session's message.
pub fn told(seen: &str) -> String {
    let mut lines = seen.lines().peekable();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        let own = line.trim_start().trim_start_matches("↳ ").starts_with("(only ");
        if own && lines.next_if(|next| next.contains(" is on its way in ")).is_some() {
            lines.next();
        } else {
            kept.push(line);
        }
    }
    kept.join("\n")
}

impl Town {
    /// The server starts again with more in its `[control]`.
    pub async fn restarts_with(&mut self, control: &str) {
        self.kill();
        let file = self.path("devtask.toml");
        let mut all: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        merge(all["control"].as_table_mut().unwrap(), control.parse().unwrap());
        std::fs::write(&file, toml::to_string(&all).unwrap()).unwrap();
        self.start().await;
    }

    /// Replies in the newest thread of the bot's own.
    pub async fn replies(&self, who: &str, text: &str) {
        let root = self.until("there is a root", async || self.root(who)).await;
        self.says(who, DEV, text, Some(&root)).await;
    }

    fn root(&self, who: &str) -> Option<String> {
        let state = self.slack.state(who)?;
        let is_root = |m: &&Value| m["blocks"][0]["type"] == "header" && m["thread"].is_null();
        let root = messages(&state)?.iter().rev().find(is_root)?;
        root["ts"].as_str().map(str::to_owned)
    }

    /// Chooses or types in an input of the form that is open, else of the newest message that has it.
    pub async fn picks(&self, who: &str, block: &str, value: Value) {
        let at = self.until(&format!("there is an input {block}"), async || self.input(who, block)).await;
        self.fills(who, at, block, "value", value).await;
    }

    fn input(&self, who: &str, block: &str) -> Option<Place> {
        let state = self.slack.state(who)?;
        let has =
            |blocks: &Value| blocks.as_array().is_some_and(|all| all.iter().any(|b| b["block_id"] == block));
        if let Some(view) = state["modal"]["id"].as_str() {
            return has(&state["modal"]["view"]["blocks"]).then(|| Place::View { view: view.to_owned() });
        }
        let ts = messages(&state)?.iter().rev().find(|m| has(&m["blocks"]))?["ts"].as_str()?.to_owned();
        Some(Place::message(DEV, &ts))
    }

    /// The form on this person's screen, once it says this.
    pub async fn form(&self, who: &str, words: &str) -> String {
        let what = format!("the form says {words}");
        let form = self.until(&what, async || self.slack.modal(who).filter(|form| form.contains(words)));
        plain(&form.await)
    }

    /// A button as it stands on somebody's screen now, to be pressed when it is no longer there.
    pub async fn looks_at(&self, who: &str, words: &str) -> Act {
        self.until(&format!("there is a button [{words}]"), async || self.button(who, words)).await
    }

    fn button(&self, who: &str, words: &str) -> Option<Act> {
        let state = self.slack.state(who)?;
        messages(&state)?.iter().rev().find_map(|message| {
            let blocks = message["blocks"].as_array()?;
            let (block, element) = blocks.iter().find_map(|block| {
                let all = block["elements"].as_array()?;
                Some((block, all.iter().find(|e| e["text"]["text"] == words)?))
            })?;
            let at = Place::message(DEV, message["ts"].as_str()?);
            let (block, action) = (block["block_id"].as_str()?.into(), element["action_id"].as_str()?.into());
            Some(Act::Click { at, block, action, value: None, gone: Some(element.clone()) })
        })
    }

    pub async fn does(&self, who: &str, act: Act) {
        let receipt = self.slack.act(who, act).unwrap();
        self.acked(&receipt).await;
    }

    /// The agent of this session has said these words: what it repeats is what it was told.
    pub async fn repeats(&self, session: u32, words: &str) {
        let id = session.to_string().parse().unwrap();
        self.until(&format!("the agent repeats {words}"), async || {
            let said = self.said_by_the_agent(id).await?;
            said.iter().any(|text| text.contains(words)).then_some(())
        })
        .await;
    }

    async fn said_by_the_agent(&self, id: SessionId) -> Option<Vec<String>> {
        let head = self.remote.show(id).await.ok()?.head;
        let mut events = self.remote.events(id, 0).await.ok()?;
        let mut said = Vec::new();
        while let Some(Ok(event)) = events.next().await {
            let body: Value = serde_json::from_str(event.body.get()).ok()?;
            said.extend(body["text"].as_str().map(str::to_owned));
            if event.seq >= head {
                break;
            }
        }
        Some(said)
    }
}

fn messages(state: &Value) -> Option<&Vec<Value>> {
    let rooms = state["channels"].as_array()?;
    rooms.iter().find(|room| room["id"] == DEV)?["messages"].as_array()
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(more)) => merge(inner, more),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
