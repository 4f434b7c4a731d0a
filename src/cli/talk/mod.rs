//! The verbs that talk about sessions: each is one or a few calls of `Control` and a page of text.
//!
//! Data goes to `data`, everything else to `talk`. Must not know where the control plane is.

mod act;
mod answer;
mod create;
mod link;
mod list;
mod logs;
mod nodes;
mod paint;
mod show;
mod trouble;
mod wait;
mod words;

use std::io::{BufRead, Write};
use std::path::PathBuf;

pub use paint::{Look, clean};
pub use trouble::Trouble;

use super::args::Verb;
use crate::domain::Actor;
use crate::wire::api::Control;

/// Who is spoken to and through what.
pub struct Terminal<'a> {
    /// What was asked for.
    pub data: &'a mut (dyn Write + Send),
    /// Everything else.
    pub talk: &'a mut (dyn Write + Send),
    /// Where answers are typed; `None` where nobody sits.
    pub typed: Option<&'a mut (dyn BufRead + Send)>,
    /// Standard input as a text, for `-`.
    pub piped: fn() -> std::io::Result<String>,
    /// What the person calls themselves, where git knows it.
    pub called: fn() -> Option<String>,
    /// What relative paths are relative to.
    pub here: PathBuf,
    pub json: bool,
    pub look: Look,
}

/// The exit code of a verb that went well.
pub type Outcome = Result<u8, Trouble>;

/// Carries a verb out.
pub async fn carry_out(verb: Verb, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    match verb {
        Verb::Create(args) => create::run(args, control, by, at).await,
        Verb::List(args) => list::run(args, control, at).await,
        Verb::Show { session } => show::run(session, control, at).await,
        Verb::Nodes => nodes::run(control, at).await,
        Verb::Link(args) => link::run(args, control, by, at).await,
        Verb::Logs(args) => logs::run(&args, control, at).await,
        Verb::Answer(args) => answer::run(args, control, by, at).await,
        Verb::Message(args) => act::message(args, control, by, at).await,
        Verb::Pause(args) => act::pause(args, control, by, at).await,
        Verb::Resume(args) => act::resume(args, control, by, at).await,
        Verb::Cancel(args) => act::cancel(args, control, by, at).await,
        Verb::Rerun(args) => act::rerun(args, control, by, at).await,
        Verb::Wait(args) => wait::run(args.session, args.timeout, control, at).await,
        other => Err(Trouble::usage(format!("{other:?} is no verb of sessions"))),
    }
}

impl Terminal<'_> {
    /// One JSON value on a line of its own.
    pub(crate) fn print_json(&mut self, value: &impl serde::Serialize) -> Result<(), Trouble> {
        let mut line = serde_json::to_vec(value).map_err(std::io::Error::other)?;
        line.push(b'\n');
        self.data.write_all(&line)?;
        Ok(self.data.flush()?)
    }

    pub(crate) fn print(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(self.data.write_all(text.as_bytes())?)
    }

    pub(crate) fn say(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.talk, "{text}")?)
    }

    /// A text, standard input (`-`) or a file (`@path`).
    fn text(&self, word: &str) -> Result<String, Trouble> {
        match word.strip_prefix('@') {
            _ if word == "-" => Ok((self.piped)()?),
            Some(path) => std::fs::read_to_string(self.here.join(path))
                .map_err(|e| Trouble::usage(format!("`{path}` cannot be read: {e}"))),
            None => Ok(word.to_owned()),
        }
    }
}
