//! May this call run: hooks first, then the mode and its rules, then a person.
//!
//! Hooks of one turn fire together; permission asks come one at a time. Knows who is asked and what an answer means;
//! must not know what a tool does.

use serde_json::{Value, json};

use super::desk::{Desk, Gone};
use super::ending::Stop;
use super::hooks::{Hooked, Unheard, request_host};
use super::tools;
use super::turn::Turn;

/// What becomes of a call.
pub(super) enum Verdict {
    Run {
        input: Value,
        source: &'static str,
    },
    Refused {
        text: String,
        by_person: bool,
        stop: bool,
    },
    /// No refusal and no permission: there is no such tool.
    Missing {
        text: String,
    },
}

const NOT_NOW: &str = "The user doesn't want to take this action right now. STOP what you are doing and wait for \
    the user to tell you how to proceed.";
const CLOSED: &str = "AbortError: Tool permission stream closed before response received";

enum Rule {
    Allow,
    Ask,
    Refuse(String),
    Missing(String),
}

impl Turn<'_> {
    pub(super) async fn verdict(&mut self, call: &Value, said: Hooked) -> Result<Verdict, Stop> {
        let name = call["name"].as_str().unwrap_or_default();
        let refused = |text: String| Ok(Verdict::Refused { text, by_person: false, stop: false });
        let must_ask = match said {
            Hooked::Deny(text) => return refused(text),
            Hooked::Cut => return Ok(Verdict::Missing { text: NOT_NOW.to_owned() }),
            // Allowing a person's tool without saying anything in the person's place is not enough.
            Hooked::Allow(None) if person_only(name) => false,
            Hooked::Allow(input) => {
                let input = input.unwrap_or_else(|| call["input"].clone());
                return Ok(Verdict::Run { input, source: "hook" });
            }
            Hooked::Ask => true,
            Hooked::Nothing | Hooked::Defer => false,
        };
        match rule(self.desk, name, &call["input"]) {
            Rule::Refuse(text) => refused(text),
            Rule::Missing(text) => Ok(Verdict::Missing { text }),
            Rule::Allow if !must_ask => Ok(Verdict::Run { input: call["input"].clone(), source: "config" }),
            Rule::Allow | Rule::Ask => self.person(call, name).await,
        }
    }

    async fn person(&mut self, call: &Value, name: &str) -> Result<Verdict, Stop> {
        let mut request = json!({
            "subtype": "can_use_tool", "tool_name": name, "display_name": name, "input": call["input"],
            "tool_use_id": call["id"],
        });
        if person_only(name) {
            request["requires_user_interaction"] = true.into();
        }
        if name == "ExitPlanMode" {
            request["input"] = json!({});
        }
        self.asking(true).await?;
        let answer = request_host(self.desk, request, None).await;
        if let Ok(Ok(answer)) = &answer {
            self.new_mode(answer).await?;
        }
        self.asking(false).await?;
        let answer = match answer {
            Ok(answer) => answer,
            // The input ended: a question is given up with its turn, any other ask only fails.
            Err(Unheard::Eof) if name != "AskUserQuestion" => Err(CLOSED.to_owned()),
            Err(unheard) => return Err(unheard.into()),
        };
        let failed = |why: &str| Verdict::Refused {
            text: format!("Tool permission request failed: {why}"),
            by_person: false,
            stop: false,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(failed(&why)),
        };
        match answer["behavior"].as_str() {
            Some("allow") => {
                let input = answer.get("updatedInput").filter(|i| i.is_object()).unwrap_or(&call["input"]);
                Ok(Verdict::Run { input: input.clone(), source: "user_temporary" })
            }
            Some("deny") => Ok(Verdict::Refused {
                text: answer["message"].as_str().unwrap_or("Permission denied").to_owned(),
                by_person: true,
                stop: answer["interrupt"] == true,
            }),
            _ => Ok(failed("the answer is malformed")),
        }
    }

    /// An approval may set the mode; the agent says so before it says that it runs again.
    async fn new_mode(&self, answer: &Value) -> Result<(), Gone> {
        let updates = answer["updatedPermissions"].as_array().into_iter().flatten();
        for update in updates.filter(|u| answer["behavior"] == "allow" && u["type"] == "setMode") {
            self.set_mode(update["mode"].as_str().unwrap_or("default")).await?;
        }
        Ok(())
    }

    async fn asking(&self, asking: bool) -> Result<(), Gone> {
        self.desk
            .write_with(|state| {
                state.asking = asking;
                let word = if asking { "requires_action" } else { "running" };
                self.desk.state_line(word).into_iter().collect()
            })
            .await
    }

    pub(super) async fn set_mode(&self, mode: &str) -> Result<(), Gone> {
        self.desk
            .write_with(|state| {
                mode.clone_into(&mut state.mode);
                let body = json!({ "subtype": "status", "status": null, "permissionMode": mode });
                vec![self.desk.line("system", body)]
            })
            .await
    }
}

/// Tools that always wait for a person.
fn person_only(name: &str) -> bool {
    matches!(name, "AskUserQuestion" | "ExitPlanMode")
}

fn rule(desk: &Desk, name: &str, input: &Value) -> Rule {
    let missing =
        || Rule::Missing(format!("<tool_use_error>Error: No such tool available: {name}</tool_use_error>"));
    let ungranted = || {
        Rule::Refuse(format!("Claude requested permissions to use {name}, but you haven't granted it yet."))
    };
    let mode = desk.look(|s| s.mode.clone());
    let flags = &desk.flags;
    if !tools::known(name)
        || flags.lists("--disallowedTools", name)
        || (person_only(name) && !flags.can_ask())
    {
        return missing();
    }
    if person_only(name) {
        return if mode == "dontAsk" { ungranted() } else { Rule::Ask };
    }
    let edits = matches!(name, "Write" | "Edit");
    let plans = desk.at.config_dir().join("plans");
    let of_plan =
        edits && input["file_path"].as_str().is_some_and(|p| std::path::Path::new(p).starts_with(&plans));
    let allowed = name == "Read"
        || of_plan
        || mode == "bypassPermissions"
        || (edits && mode == "acceptEdits")
        || flags.lists("--allowedTools", name);
    match (allowed, flags.can_ask() && mode != "dontAsk") {
        (true, _) => Rule::Allow,
        (false, true) => Rule::Ask,
        (false, false) => ungranted(),
    }
}
