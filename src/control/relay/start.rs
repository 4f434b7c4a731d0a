//! From a ready node to a stream that has said the magic word: occupy, write `run.json`, start the supervisor, open.
//!
//! All of it may be repeated: a supervisor that runs already is found, not doubled. Must not know what is said then.

use std::path::Path;
use std::time::Duration;

use tokio::io::{BufReader, ReadHalf, WriteHalf};

use super::super::Inner;
use super::super::nodes::{busy_with, node_of};
use super::super::run;
use super::Trouble;
use crate::domain::lease::{self, Illegal, Input as Step, State};
use crate::domain::session::{Want, wants};
use crate::domain::{Attempt, SessionId};
use crate::node::{Duplex, Link, NodeError};
use crate::store::{CommitError, Row};
use crate::wire::link::skip_noise;
use crate::wire::run::file;

const CONNECT: Duration = Duration::from_mins(1);
const START: Duration = Duration::from_mins(1);
const GREETING: Duration = Duration::from_secs(10);
/// How often, and how far apart, a supervisor that was just started is called.
const CALLS: u32 = 20;
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

/// Both ends of a link after its magic line, and what was read beyond it.
pub(super) struct Stream {
    pub(super) up: ReadHalf<Box<dyn Duplex>>,
    pub(super) down: WriteHalf<Box<dyn Duplex>>,
    pub(super) first: Vec<u8>,
}

impl Inner {
    /// A stream to the supervisor of this attempt, which is started where none listens.
    pub(super) async fn connect(&self, id: SessionId, attempt: Attempt) -> Result<(Row, Stream), Trouble> {
        let row = self.store.row(id).await?.ok_or(Trouble::Moved)?;
        let known = busy_with(&row, attempt);
        let link = self.link(&row).await?;
        if known && let Ok(stream) = open(link.as_ref()).await {
            return Ok((row, stream));
        }
        self.put_run(&row, attempt, link.as_ref()).await?;
        let row = if known { row } else { self.occupy(id, attempt).await? };
        self.start_supervisor(link.as_ref()).await?;
        let mut last = String::new();
        for _ in 0..CALLS {
            match open(link.as_ref()).await {
                Ok(stream) => return Ok((row, stream)),
                Err(Trouble::Node(NodeError::Gone)) => return Err(NodeError::Gone.into()),
                Err(trouble) => last = super::in_full(&trouble),
            }
            tokio::time::sleep(BETWEEN_CALLS).await;
        }
        Err(Trouble::NotStarted(last))
    }

    /// The intent first: from here on processes of this attempt may be alive on the node. Never beside older ones.
    async fn occupy(&self, id: SessionId, attempt: Attempt) -> Result<Row, Trouble> {
        let made = self
            .store
            .lease(id, move |row, now| {
                let illegal = |state| Illegal { state, input: "occupy" };
                let lease = row.lease.as_deref().ok_or_else(|| illegal(State::Gone))?;
                let wanted =
                    matches!(wants(&row.session, now), Want::Run { attempt: live } if live == attempt);
                if !wanted || lease.busy.is_some_and(|busy| busy != attempt) {
                    return Err(illegal(lease.state));
                }
                lease::step(lease, Step::Occupy { attempt }, now)
            })
            .await;
        match made {
            Ok(row) => Ok(row),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(_) => Err(Trouble::Moved),
        }
    }

    async fn link(&self, row: &Row) -> Result<Box<dyn Link>, Trouble> {
        let lease = row.lease.as_deref().ok_or(Trouble::Moved)?;
        let missing = || format!("the provider `{}` is not configured", lease.provider);
        let provider = self.providers.get(&lease.provider);
        let provider = provider.ok_or_else(|| NodeError::Transient { why: missing(), retry_after: None })?;
        let node = node_of(lease)?;
        in_time(CONNECT, provider.link(&node)).await
    }

    /// `run.json` is written for the live attempt alone: an older one's supervisor is started over its own file.
    /// Before the node counts as occupied, so that whatever occupies one can be started and swept.
    async fn put_run(&self, row: &Row, attempt: Attempt, link: &dyn Link) -> Result<(), Trouble> {
        let other = row.lease.as_ref().and_then(|l| l.busy).is_some_and(|busy| busy != attempt);
        if other || row.session.attempt != attempt || !row.session.status.runs() {
            return if busy_with(row, attempt) { Ok(()) } else { Err(Trouble::Moved) };
        }
        let run = self.run_file(row)?;
        in_time(START, link.put(&run, Path::new(file::RUN), 0o600)).await
    }

    async fn start_supervisor(&self, link: &dyn Link) -> Result<(), Trouble> {
        let home = link.home().to_string_lossy().into_owned();
        let program = link.program().map_or_else(|| self.program(), |p| p.to_string_lossy().into_owned());
        let argv = [program, "supervise".to_owned(), "--home".to_owned(), home, "--detach".to_owned()];
        let output = in_time(START + GREETING, link.exec(&argv, START)).await?;
        if output.code == Some(0) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.code.map_or_else(|| "a signal".to_owned(), |c| format!("exit code {c}"));
        Err(Trouble::NotStarted(format!("{code}: {}", tail(&said))))
    }

    fn run_file(&self, row: &Row) -> Result<Vec<u8>, Trouble> {
        let session = &row.session;
        let refuse = |why: String| Trouble::Node(NodeError::Permanent(why));
        let agent = self.settings.agents.get(&session.new.agent);
        let agent = agent
            .ok_or_else(|| refuse(format!("the agent `{}` is not configured any more", session.new.agent)))?;
        let remote = self.remote(&session.new.repo);
        let remote = remote.ok_or_else(|| refuse("no forge is configured any more".to_owned()))?;
        let provider = row.lease.as_ref().and_then(|l| self.providers.get(&l.provider));
        let here = provider.is_some_and(|p| !p.is_far());
        let run = run::build(session, agent, &self.settings, self.store.instance(), remote, here);
        serde_json::to_vec(&run).map_err(|e| refuse(format!("the run cannot be written: {e}")))
    }
}

/// A stream whose far side has said the magic word.
async fn open(link: &dyn Link) -> Result<Stream, Trouble> {
    let stream = in_time(CONNECT, link.open()).await?;
    let (up, down) = tokio::io::split(stream);
    let mut reader = BufReader::with_capacity(64 * 1024, up);
    match tokio::time::timeout(GREETING, skip_noise(&mut reader)).await {
        Ok(greeted) => greeted?,
        Err(_) => return Err(Trouble::Silent),
    }
    let first = reader.buffer().to_vec();
    Ok(Stream { up: reader.into_inner(), down, first })
}

async fn in_time<T>(limit: Duration, call: impl Future<Output = Result<T, NodeError>>) -> Result<T, Trouble> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => Ok(result?),
        Err(_) => {
            Err(NodeError::Transient { why: "it did not answer in time".to_owned(), retry_after: None }
                .into())
        }
    }
}

/// The end of what a program printed, on one line.
fn tail(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let skip = line.chars().count().saturating_sub(300);
    line.chars().skip(skip).collect()
}
