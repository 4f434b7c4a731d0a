//! `run.json`: what one attempt's supervisor is told before it starts.
//!
//! Made from the session's row and the settings; holds no secret. Must not know how it gets to the node.

use super::settings::{AgentSettings, Settings};
use crate::domain::session::Session;
use crate::domain::{Actor, Repo};
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
        author: author(session.owner(), settings),
    }
}

/// The requester by name; their address is not ours to invent, so it is the installation's.
fn author(owner: &Actor, settings: &Settings) -> Person {
    let name = if owner.is_person() { owner.name() } else { &settings.author.name };
    Person { name: name.to_owned(), email: settings.author.email.clone() }
}

/// A folder without a forge is its own remote.
pub(super) fn remote_of_path(repo: &Repo) -> Option<Remote> {
    match repo {
        Repo::Path(path) => Some(Remote { url: path.clone(), needs_credential: false }),
        Repo::Forge { .. } => None,
    }
}
