//! Which tool calls wait for a person, and how a call is told to one.
//!
//! Knows tools' names and inputs; must not know how a call is held or answered. Everything the policy does not name is
//! allowed: the sandbox is the boundary, the policy is a person's wish.

use serde_json::Value;

use super::views::{self, view};
use crate::domain::ask::{AskWhat, Choice, Question};

const QUESTION: &str = "AskUserQuestion";
const PLAN: &str = "ExitPlanMode";
/// Tools whose spelling we know; another name in the policy makes us look at every call ourselves.
const KNOWN: [&str; 10] = [
    "Bash",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "Read",
    "Task",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];
/// What changes things; refused while a plan is being made.
const CHANGING: [&str; 5] = ["Bash", "Edit", "MultiEdit", "NotebookEdit", "Write"];
/// Characters of a literal command that are shown; whole, so that nothing hides behind its end.
const MAX_DETAIL: usize = 32 * 1024;
/// Bytes of questions that a person can be shown.
const MAX_QUESTIONS: usize = 128 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// Lower-case; `*` stands for any characters.
    patterns: Vec<String>,
    /// Spelt as the agent spells them; `None` = look at every call.
    matchers: Option<Vec<String>>,
}

impl Policy {
    /// `Bash(git push)` and `bash` both mean every use of Bash: asked too often is better than not asked.
    pub(super) fn new(require_approval_for: &[String]) -> Self {
        let mut matchers = Some(vec![QUESTION.to_owned(), PLAN.to_owned()]);
        let mut patterns = Vec::new();
        for name in require_approval_for {
            let name = name.split('(').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            patterns.push(name.to_ascii_lowercase());
            match (KNOWN.iter().find(|k| k.eq_ignore_ascii_case(name)), &mut matchers) {
                (Some(known), Some(list)) if !list.iter().any(|m| m == known) => {
                    list.push((*known).to_owned())
                }
                (Some(_), _) => {}
                (None, _) => matchers = None,
            }
        }
        Self { patterns, matchers }
    }

    /// The tools to hook by name; `None` = all of them.
    pub(super) fn matchers(&self) -> Option<&[String]> {
        self.matchers.as_deref()
    }

    /// What a person is asked before this call; `None` = it may go on.
    pub(super) fn needs_person(&self, tool: &str, input: &Value, plan: &str) -> Option<AskWhat> {
        match tool {
            QUESTION => Some(AskWhat::Questions { questions: questions(input) }),
            PLAN => {
                let own = input.get("plan").and_then(Value::as_str).unwrap_or(plan);
                Some(AskWhat::Plan { text: cut(own, super::MAX_TEXT) })
            }
            _ => {
                let lower = tool.to_ascii_lowercase();
                let asked = self.patterns.iter().any(|p| glob(p.as_bytes(), lower.as_bytes()));
                asked.then(|| AskWhat::Permission { tool: tool.to_owned(), detail: detail(tool, input) })
            }
        }
    }
}

/// Whether this call changes things although a plan is still being made.
pub(super) fn changes(tool: &str, input: &Value, is_plan: impl Fn(&str) -> bool) -> bool {
    let path = input.get("file_path").and_then(Value::as_str);
    CHANGING.contains(&tool) && !path.is_some_and(is_plan)
}

/// Whether these questions can be put to a person at all; else what the agent is told.
pub(super) fn unaskable(what: &AskWhat) -> Option<&'static str> {
    let AskWhat::Questions { questions } = what else { return None };
    let size: usize = questions.iter().map(size).sum();
    if questions.is_empty() {
        Some("There is no question in this. Ask again with at least one question and its options.")
    } else if size > MAX_QUESTIONS {
        Some("This is too long to be shown to a person. Ask again, much shorter.")
    } else {
        None
    }
}

fn size(q: &Question) -> usize {
    let options: usize = q.options.iter().map(|o| o.label.len() + o.description.len()).sum();
    q.question.len() + q.header.len() + options
}

fn questions(input: &Value) -> Vec<Question> {
    let asked = input.get("questions").and_then(Value::as_array);
    let asked = asked.into_iter().flatten().map(view::<views::AskedQuestion>);
    asked.filter(|q| !q.question.is_empty()).map(question).collect()
}

fn question(asked: views::AskedQuestion) -> Question {
    let choice = |o: views::AskedOption| Choice { label: o.label, description: o.description };
    Question {
        question: asked.question,
        header: asked.header,
        multi_select: asked.multi_select,
        options: asked.options.into_iter().filter(|o| !o.label.is_empty()).map(choice).collect(),
    }
}

/// What exactly is about to happen: the literal command, or the path with the whole input behind it.
fn detail(tool: &str, input: &Value) -> String {
    let text = match (tool, subject(input)) {
        ("Bash", Some(command)) => command.to_owned(),
        (_, Some(subject)) => format!("{subject}\n{input}"),
        (_, None) => input.to_string(),
    };
    cut(&text, MAX_DETAIL)
}

/// One line for the log: the command, the path, or what else the call is about.
pub(super) fn summary(input: &Value) -> String {
    let text = subject(input).map_or_else(|| input.to_string(), str::to_owned);
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), 300)
}

fn subject(input: &Value) -> Option<&str> {
    let keys = ["command", "file_path", "notebook_path", "path", "url", "query", "pattern", "description"];
    let named = keys.iter().find_map(|key| input.get(key).and_then(Value::as_str));
    let asked = || input.pointer("/questions/0/question").and_then(Value::as_str);
    named.or_else(asked).filter(|s| !s.trim().is_empty())
}

/// At most `max` bytes of `text`, and how much is missing.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max);
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}… ({} more bytes)", text.len() - end)
}

/// Whether `text` fits `pattern`, where `*` stands for any bytes.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let Some(star) = pattern.iter().position(|b| *b == b'*') else { return pattern == text };
    let (head, tail) = (pattern.get(..star).unwrap_or_default(), pattern.get(star + 1..).unwrap_or_default());
    let Some(rest) = text.strip_prefix(head) else { return false };
    (0..=rest.len()).any(|skip| glob(tail, rest.get(skip..).unwrap_or_default()))
}
