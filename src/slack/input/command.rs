//! The words after `/devtask`, and the few a mention understands.
//!
//! ```text
//! new [text] · list [mine|all] · show <id> · pause|resume|cancel <id> [why] · link [remove] · help
//! ```
//!
//! After `/devtask` the first word is a verb. After a mention everything is a brief unless it is a verb and nothing
//! else: people talk to a bot in sentences. Must not know which sessions there are.

use super::options::Draft;
use crate::domain::SessionId;
use crate::wire::api::Act;

/// What `/devtask` understands, as it is offered.
pub const VERBS: [&str; 8] = ["new", "list", "show", "pause", "resume", "cancel", "link", "help"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    New(Draft),
    List(Mine),
    Show(SessionId),
    Act {
        session: SessionId,
        act: Act,
    },
    /// Their account on the forge: to be linked, or forgotten.
    Link {
        remove: bool,
    },
    Help,
    /// A verb that needs a session and has none; `said` is what stood in its place.
    NoId {
        verb: &'static str,
        said: String,
    },
    /// No verb of ours; `nearest` where one is spelt nearly so. `said`: the whole line.
    Unknown {
        word: String,
        nearest: Option<&'static str>,
        said: String,
    },
}

/// Whose sessions are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    Mine,
    All,
}

/// What a mention in a session's thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InThread {
    Act(Act),
    Status,
    Help,
    /// Another session, asked for here.
    New(Box<Draft>),
    /// Words for the agent.
    Interrupt(String),
}

/// Longest word that is said back.
const MAX_SAID: usize = 40;

impl Command {
    /// The line after `/devtask`.
    pub(super) fn typed(line: &str) -> Self {
        let (first, rest) = first_word(line);
        let verb = first.to_ascii_lowercase();
        if verb == "help" {
            return Self::Help;
        }
        // A verb that stands before something else is not what is wrong.
        let word = if VERBS.contains(&verb.as_str()) { cut(line) } else { cut(first) };
        let unknown = || Self::Unknown { nearest: nearest(&verb), word, said: line.trim().to_owned() };
        Self::known(&verb, rest).unwrap_or_else(unknown)
    }

    /// A mention outside sessions' threads, or a direct message: a brief, or a verb alone.
    pub fn spoken(text: &str) -> Self {
        let (first, rest) = first_word(text);
        let alone = rest.split_whitespace().count() <= 1;
        match Self::known(&first.to_ascii_lowercase(), rest) {
            Some(known @ (Self::New(_) | Self::List(_) | Self::Help)) => known,
            Some(known @ (Self::Show(_) | Self::Act { .. } | Self::Link { .. })) if alone => known,
            _ => Self::New(Draft::of(text)),
        }
    }

    fn known(verb: &str, rest: &str) -> Option<Self> {
        Some(match verb {
            "" => Self::Help,
            "new" => Self::New(Draft::of(rest)),
            "help" if rest.is_empty() => Self::Help,
            "list" => match rest.to_ascii_lowercase().as_str() {
                "" | "mine" => Self::List(Mine::Mine),
                "all" => Self::List(Mine::All),
                _ => return None,
            },
            "link" => match rest.to_ascii_lowercase().as_str() {
                "" => Self::Link { remove: false },
                "remove" => Self::Link { remove: true },
                _ => return None,
            },
            "show" | "status" => of_session("show", rest, |session, _| Self::Show(session)),
            "pause" => of_session("pause", rest, |session, reason| act(session, Act::Pause { reason })),
            "resume" => of_session("resume", rest, |session, _| act(session, Act::Resume)),
            "cancel" => of_session("cancel", rest, |session, reason| act(session, Act::Cancel { reason })),
            _ => return None,
        })
    }
}

fn act(session: SessionId, act: Act) -> Command {
    Command::Act { session, act }
}

/// `dt-142 [more]`
fn of_session(
    verb: &'static str,
    rest: &str,
    make: impl FnOnce(SessionId, Option<String>) -> Command,
) -> Command {
    let (id, more) = first_word(rest);
    match id.to_ascii_lowercase().parse() {
        Ok(session) => make(session, Some(more.to_owned()).filter(|more| !more.is_empty())),
        Err(_) => Command::NoId { verb, said: cut(rest) },
    }
}

impl InThread {
    /// What a mention says in the thread of `session`. Only a verb that stands alone, or with that session's name, is a
    /// verb: "pause the deploy first" is for the agent.
    pub fn spoken(text: &str, session: SessionId) -> Self {
        let (first, rest) = first_word(text);
        let alone =
            rest.is_empty() || rest.to_ascii_lowercase().parse().is_ok_and(|id: SessionId| id == session);
        let verb = first.trim_end_matches(['.', '!']).to_ascii_lowercase();
        match verb.as_str() {
            "new" if !rest.is_empty() => Self::New(Box::new(Draft::of(rest))),
            "pause" if alone => Self::Act(Act::Pause { reason: None }),
            "resume" if alone => Self::Act(Act::Resume),
            "cancel" if alone => Self::Act(Act::Cancel { reason: None }),
            "status" | "show" if alone => Self::Status,
            "help" if rest.is_empty() => Self::Help,
            _ => Self::Interrupt(text.trim().to_owned()),
        }
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim())
}

fn cut(text: &str) -> String {
    crate::domain::brief::one_line(text, MAX_SAID)
}

/// The verb that is spelt nearly like `word`: at most two letters wrong, and fewer than half of them.
fn nearest(word: &str) -> Option<&'static str> {
    if word.chars().count() > 12 {
        return None;
    }
    let (wrong, verb) = VERBS.iter().map(|verb| (distance(word, verb), *verb)).min()?;
    (wrong <= 2 && wrong * 2 < verb.len().max(3)).then_some(verb)
}

/// How many letters are put in, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: Option<&Vec<usize>>, j: usize| {
                row.and_then(|r| r.get(j)).copied().unwrap_or(usize::MAX / 2)
            };
            let above = rows.last();
            let change = at(above, j) + usize::from(x != y);
            let put_in = at(Some(&row), j) + 1;
            let left_out = at(above, j + 1) + 1;
            let mut best = change.min(put_in).min(left_out);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(i.checked_sub(1).and_then(|i| rows.get(i)), j - 1) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or_default()
}
