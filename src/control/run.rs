//! `run.json`: what one attempt's supervisor is told before it starts.
//!
//! Made from the session's row and the settings; holds no secret. Must not know how it gets to the node.

use super::settings::{AgentSettings, Settings};
use crate::domain::Repo;
use crate::domain::session::{NewSession, Session};
use crate::wire::run::{AgentRun, Person, Remote, Run, Sandbox};

/// `here`: the node is this machine, so its mirrors and its sandbox count.
pub(super) fn build(
    session: &Session,
    agent: &AgentSettings,
    settings: &Settings,
    instance: &str,
    remote: Remote,
    here: bool,
) -> Run {
    let machine = &settings.machine;
    Run {
        new: session.new.clone(),
        attempt: session.attempt,
        instance: instance.to_owned(),
        remote,
        mirrors: machine.mirrors.clone().filter(|_| here),
        branch: session.branch.clone(),
        base_sha: session.base_sha.clone(),
        conversation: session.new.conversation(),
        resume: session.conversed,
        agent: AgentRun { command: agent.command.clone(), env: agent.env.clone() },
        sandbox: Sandbox {
            bubblewrap: machine.bubblewrap.clone().filter(|_| here),
            hide: if here { machine.hide.clone() } else { Vec::new() },
        },
        author: author(&session.new, settings),
    }
}

/// The requester by name; their address is not ours to invent, so it is the installation's.
fn author(new: &NewSession, settings: &Settings) -> Person {
    let name = if new.owner.is_person() { new.asked_by() } else { &settings.author.name };
    Person { name: name.to_owned(), email: settings.author.email.clone() }
}

/// Longest name of a person.
const MAX_NAME: usize = 80;

/// What somebody says they are called, as it may stand in a commit: one line, no sign that is unseen, turns the line
/// around or ends a name there. `None` where nothing is left.
pub(super) fn called(name: &str) -> Option<String> {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let name = name.replace(|c: char| unseen(c) || c.is_whitespace() || matches!(c, '<' | '>'), " ");
    let words: Vec<&str> = name.split_whitespace().collect();
    let name = crate::domain::brief::one_line(&words.join(" "), MAX_NAME);
    let named = name.chars().any(char::is_alphanumeric);
    named.then_some(name)
}

/// A folder without a forge is its own remote.
pub(super) fn remote_of_path(repo: &Repo) -> Option<Remote> {
    match repo {
        Repo::Path(path) => Some(Remote { url: path.clone(), needs_credential: false }),
        Repo::Forge { .. } => None,
    }
}
