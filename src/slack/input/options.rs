//! The options in a brief's text: `repo:acme/api base:dev model:opus effort:high agent:claude priority:2 plan`.
//!
//! They may stand anywhere and are taken out; everything else is the goal, to the letter. A sentence that only sounds
//! like an option ("fix the model: it is slow") stays a sentence. Must not know which values are good ones: that is said
//! by who is asked to start the session.

use serde::{Deserialize, Serialize};

use crate::domain::Repo;

/// A brief as far as it is written. Values are as typed: nothing is checked here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub goal: String,
    pub repo: Option<String>,
    pub base: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub effort: Option<String>,
    pub priority: Option<String>,
    /// `Some(true)`: a plan first. `None`: nobody said.
    pub plan: Option<bool>,
    /// What was said before, by whom it may be.
    pub context: String,
    /// One sentence a line.
    pub done_when: String,
    /// One command a line.
    pub checks: String,
}

const KEYS: [&str; 6] = ["repo", "base", "agent", "model", "effort", "priority"];
const EFFORTS: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];
/// What may follow a value in a sentence and is not part of it.
const AFTER: [char; 6] = [',', ';', '.', ')', '!', '?'];

impl Draft {
    /// Takes the options out of a text.
    pub fn of(text: &str) -> Self {
        let mut draft = Self::default();
        let words: Vec<(usize, &str)> = words(text).collect();
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut n = 0;
        while let Some(&(at, word)) = words.get(n) {
            let next = words.get(n + 1).map(|(_, word)| *word);
            let used = draft.option(word, next);
            if let Some((last, end)) = words.get(n + used.saturating_sub(1)).filter(|_| used > 0) {
                taken.push((at, last + end.len()));
            }
            n += used.max(1);
        }
        draft.bare_words(&words, &mut taken);
        draft.goal = left(text, &taken);
        if draft.repo.is_none() {
            draft.repo = lone_address(&draft.goal);
        }
        draft
    }

    /// The goal with the options a form has no field for, so that nothing typed is lost when it comes back from one.
    pub fn kept(&self) -> String {
        let options = [
            ("agent", &self.agent),
            ("model", &self.model),
            ("effort", &self.effort),
            ("priority", &self.priority),
        ];
        let mut kept = self.goal.clone();
        for (key, value) in options {
            if let Some(value) = value {
                let gap = if kept.is_empty() { "" } else { " " };
                kept.push_str(&format!("{gap}{key}:{value}"));
            }
        }
        kept
    }

    /// All that was typed, the options behind the goal.
    pub fn typed(&self) -> String {
        let mut typed = self.kept();
        // One that an address in the goal names stands there.
        let repo = self.repo.as_ref().filter(|repo| !self.goal.contains(repo.as_str()));
        for (key, value) in [("repo", repo), ("base", self.base.as_ref())] {
            if let Some(value) = value {
                typed.push_str(&format!(" {key}:{value}"));
            }
        }
        let plan = self.plan.map_or("", |plan| if plan { "plan" } else { "auto" });
        if !typed.ends_with(plan) {
            typed.push_str(&format!(" {plan}"));
        }
        typed.trim().to_owned()
    }

    /// Reads an option that starts with `word`; how many words it took.
    fn option(&mut self, word: &str, next: Option<&str>) -> usize {
        let Some((key, value)) = word.split_once(':') else { return 0 };
        let key = key.to_ascii_lowercase();
        if !KEYS.contains(&key.as_str()) {
            return 0;
        }
        let (value, used) = if value.is_empty() { (next.unwrap_or_default(), 2) } else { (value, 1) };
        let value = value.trim_end_matches(AFTER);
        // Apart from its key, a value must look like one.
        if value.is_empty() || (used == 2 && !looks_like(&key, value)) {
            return 0;
        }
        self.set(&key, value.to_owned());
        used
    }

    fn set(&mut self, key: &str, value: String) {
        let slot = match key {
            "repo" => &mut self.repo,
            "base" => &mut self.base,
            "agent" => &mut self.agent,
            "model" => &mut self.model,
            "effort" => &mut self.effort,
            _ => &mut self.priority,
        };
        *slot = Some(value);
    }

    /// `plan` or `auto` after the last option or before the first is one too. As the last word of the sentence it is one
    /// and stays in it, for nobody knows which was meant.
    fn bare_words(&mut self, words: &[(usize, &str)], taken: &mut Vec<(usize, usize)>) {
        for (n, (at, word)) in words.iter().enumerate() {
            let Some(plan) = plan_word(word) else { continue };
            let before = n.checked_sub(1).and_then(|n| words.get(n));
            let ends = words.iter().skip(n + 1).all(|word| is_taken(word, taken));
            let after_option = ends && before.is_some_and(|word| is_taken(word, taken));
            let before_option = n == 0 && words.get(1).is_some_and(|word| is_taken(word, taken));
            if after_option || before_option || word.starts_with("--") {
                taken.push((*at, at + word.len()));
            } else if !ends {
                continue;
            }
            self.plan = Some(plan);
        }
        taken.sort_unstable();
    }
}

fn is_taken((at, _): &(usize, &str), taken: &[(usize, usize)]) -> bool {
    taken.iter().any(|(from, to)| (*from..*to).contains(at))
}

fn plan_word(word: &str) -> Option<bool> {
    match word {
        "plan" | "--plan" => Some(true),
        "auto" | "--auto" => Some(false),
        _ => None,
    }
}

fn looks_like(key: &str, value: &str) -> bool {
    match key {
        "repo" => matches!(value.parse(), Ok(Repo::Forge { .. })),
        "effort" => EFFORTS.contains(&value),
        "priority" => value.parse::<i8>().is_ok(),
        _ => false,
    }
}

/// Every word with where it starts.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let pieces = text.split_inclusive(char::is_whitespace);
    let placed = pieces.scan(0, |next, piece| {
        let at = *next;
        *next += piece.len();
        Some((at, piece.trim_end()))
    });
    placed.filter(|(_, word)| !word.is_empty())
}

/// The text without what was taken, each time with the blanks that stood before it.
fn left(text: &str, taken: &[(usize, usize)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in taken {
        out.push_str(text.get(from..*start).unwrap_or_default().trim_end_matches([' ', '\t']));
        from = *end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.trim().to_owned()
}

/// The repository a text's GitHub addresses name, if they all name the same one.
fn lone_address(text: &str) -> Option<String> {
    let mut repos = text.split_whitespace().filter_map(repo_of_address);
    let first = repos.next()?;
    repos.all(|other| other == first).then_some(first)
}

/// `https://github.com/acme/api/issues/3` → `acme/api`.
fn repo_of_address(word: &str) -> Option<String> {
    let word = word
        .trim_start_matches(['(', '<', '"', '\''])
        .trim_end_matches(AFTER)
        .trim_end_matches(['>', '"', '\'']);
    let path = ["https://github.com/", "http://github.com/", "github.com/", "git@github.com:"]
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix))?;
    let mut parts = path.split(['/', '?', '#']);
    let (owner, name) = (parts.next()?, parts.next()?);
    match format!("{owner}/{name}").parse() {
        Ok(repo @ Repo::Forge { .. }) => Some(repo.to_string()),
        _ => None,
    }
}
