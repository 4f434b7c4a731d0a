//! What the agent asks of its host: hooks, permissions, and what we cannot serve.
//!
//! Knows which request leads to a held call; must not know how a held call is answered (`asks`). None of this traffic is
//! kept: what matters of it is reported in its own words.

use serde_json::Value;

use super::asks::{self, Call, Way};
use super::views::{self, view};
use super::{Claude, policy, speak};
use crate::agent::Signal;
use crate::domain::AskId;

const PLANNING: &str =
    "You are making a plan: look, but change nothing. When the plan is written, call ExitPlanMode.";

impl Claude {
    pub(super) fn asked(&mut self, value: &Value) -> Vec<Signal> {
        let asked: views::Asked = view(value);
        let id = asked.request_id;
        match asked.request.subtype.as_str() {
            "hook_callback" => self.hooked(id, &asked.request),
            "can_use_tool" => self.permission(id, asked.request),
            other => {
                let other = policy::cut(other, 100);
                let error = format!("This host does not serve `{other}` requests; go on without.");
                vec![Signal::Write(speak::refuse(&id, &error))]
            }
        }
    }

    fn hooked(&mut self, id: String, request: &views::Request) -> Vec<Signal> {
        let hook: views::HookInput = view(&request.input);
        if hook.hook_event_name != "PreToolUse" {
            return vec![Signal::Write(speak::hook_pass(&id))];
        }
        let Some(what) = self.policy.needs_person(&hook.tool_name, &hook.tool_input, self.plan.text()) else {
            return vec![Signal::Write(speak::hook_pass(&id))];
        };
        let call = Call {
            ask: ask_id(&[&hook.tool_use_id, &request.tool_use_id, &id]),
            input: hook.tool_input,
            subagent: hook.agent_id.or(request.agent_id.clone()).is_some_and(|a| !a.is_empty()),
        };
        self.person(call, what, Way::Hook(id))
    }

    fn permission(&mut self, id: String, request: views::Request) -> Vec<Signal> {
        let (tool, input) = (request.tool_name.as_str(), request.input);
        if let Some(what) = self.policy.needs_person(tool, &input, self.plan.text()) {
            let call = Call {
                ask: ask_id(&[&request.tool_use_id, &id]),
                input,
                subagent: request.agent_id.is_some_and(|a| !a.is_empty()),
            };
            return self.person(call, what, Way::Permission(id));
        }
        let line = if self.planning && policy::changes(tool, &input, |path| self.plan.is_at(path)) {
            speak::permission_deny(&id, PLANNING)
        } else {
            speak::permission_allow(&id, &input, false)
        };
        vec![Signal::Write(line)]
    }

    fn person(&mut self, call: Call, what: crate::domain::ask::AskWhat, way: Way) -> Vec<Signal> {
        if let Some(reason) = policy::unaskable(&what) {
            return vec![Signal::Write(asks::denied(&way, reason))];
        }
        let mut signals = self.asks.arrive(call, what, way);
        self.say_beside(&mut signals);
        signals
    }
}

/// The first id there is; a call without one is known by its request.
fn ask_id(ids: &[&str]) -> AskId {
    AskId(ids.iter().find(|id| !id.is_empty()).map(|id| policy::cut(id, 200)).unwrap_or_default())
}
