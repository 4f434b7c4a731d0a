//! The way down: attach, secrets, want, commands, acks and credentials, all computed from the row.
//!
//! Must not know what comes up, nor decide anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::super::super::refusals::in_full;
use super::super::Trouble;
use super::Talk;
use crate::domain::command::{Command, CommandBody, CommandNo};
use crate::domain::{AskId, Repo};
use crate::store::Row;
use crate::wire::link::{Down, Frame, Level, LinkError, encode};

const WRITE: Duration = Duration::from_secs(30);
const CREDENTIAL: Duration = Duration::from_secs(20);
/// Attached after this, an attempt that was replaced has nothing left to tell: how much of it was kept is not
/// known any more, and none of it counts.
const BEYOND: u64 = 1 << 48;
/// Commands looked through for answers that the agent has not been told.
const LOOK_BACK: u32 = 500;
/// Silent over so many pings: the link is dead, whatever the operating system says.
const SILENT_PINGS: u32 = 3;

impl Talk<'_> {
    /// Attach, secrets, want and commands, in one write.
    pub(super) async fn open(&mut self) -> Result<(), Trouble> {
        let newest = self.row.session.attempt == self.attempt;
        let after = if newest { self.row.session.ingested } else { BEYOND };
        let (epoch, offset) = (self.inner.next_epoch(), self.intake.offset());
        self.say(Down::Attach { epoch, attempt: self.attempt, after, offset })?;
        if newest && after > 0 {
            // The last ack may have been lost with its link.
            self.say(Down::Ack { n: after })?;
        }
        if self.inner.level_of(&self.row, self.attempt).is_some_and(|l| l != Level::Stop) {
            let body = self.secrets()?;
            encode(&Frame { header: Down::Secrets, body }, &mut self.out)?;
        }
        self.follow(true).await?;
        self.flush_out().await
    }

    /// Values by name, from this process's environment straight into the frame.
    fn secrets(&self) -> Result<Vec<u8>, Trouble> {
        let agent = self.inner.settings.agents.get(&self.row.session.new.agent);
        let names = agent.map(|a| a.secrets.as_slice()).unwrap_or_default();
        let found = names.iter().filter_map(|name| Some((name.as_str(), std::env::var(name).ok()?)));
        let map: BTreeMap<&str, SecretString> = found.map(|(n, v)| (n, v.into())).collect();
        let shown: BTreeMap<&str, &str> = map.iter().map(|(n, v)| (*n, v.expose_secret())).collect();
        serde_json::to_vec(&shown).map_err(|e| Trouble::Link(LinkError::BadHeader(e)))
    }

    /// Reads the row anew and says what has changed.
    pub(super) async fn look(&mut self) -> Result<(), Trouble> {
        self.row = self.inner.store.row(self.id).await?.ok_or(Trouble::Moved)?;
        self.follow(false).await?;
        self.flush_out().await
    }

    /// Want and commands as the row has them now. `all`: also answers that were consumed but never applied.
    pub(super) async fn follow(&mut self, all: bool) -> Result<(), Trouble> {
        let level = self.inner.level_of(&self.row, self.attempt).ok_or(Trouble::Moved)?;
        if self.level != Some(level) {
            self.level = Some(level);
            self.say(Down::Want { level })?;
        }
        if level != Level::Run {
            return Ok(());
        }
        let mut numbers: BTreeSet<CommandNo> = self.row.session.commands.iter().copied().collect();
        let untold = untold(&self.row);
        if all && !untold.is_empty() {
            let last = self.row.session.last_command;
            numbers.extend(last.saturating_sub(LOOK_BACK).max(1)..=last);
        }
        numbers.retain(|c| !self.sent.contains(c));
        if numbers.is_empty() {
            return Ok(());
        }
        let numbers: Vec<CommandNo> = numbers.into_iter().collect();
        let open: BTreeSet<CommandNo> = self.row.session.commands.iter().copied().collect();
        for command in self.inner.store.commands(self.id, &numbers).await? {
            if open.contains(&command.c) || answers_one_of(&command, &untold) {
                self.sent.insert(command.c);
                self.say(Down::Command { command })?;
            }
        }
        Ok(())
    }

    pub(super) async fn ping(&mut self) -> Result<(), Trouble> {
        self.quiet_pings += 1;
        if self.quiet_pings > SILENT_PINGS {
            return Err(Trouble::Silent);
        }
        let id = u64::from(self.quiet_pings);
        self.say(Down::Ping { id })?;
        self.flush_out().await
    }

    pub(super) fn say(&mut self, header: Down) -> Result<(), Trouble> {
        Ok(encode(&Frame::from(header), &mut self.out)?)
    }

    pub(super) async fn flush_out(&mut self) -> Result<(), Trouble> {
        if self.out.is_empty() {
            return Ok(());
        }
        let write = async {
            self.down.write_all(&self.out).await?;
            self.down.flush().await
        };
        match timeout(WRITE, write).await {
            Ok(written) => written.map_err(LinkError::from)?,
            Err(_) => return Err(Trouble::Silent),
        }
        self.out.clear();
        Ok(())
    }

    pub(super) async fn credential(&mut self, id: u64) -> Result<(), Trouble> {
        let session = &self.row.session;
        let body = match (&session.new.repo, self.inner.forge_for(session.owner()).await) {
            (Repo::Forge { owner, name }, Some(forge)) => {
                let asked = timeout(CREDENTIAL, forge.credential(owner, name)).await;
                match asked {
                    Ok(Ok(Some(secret))) => secret.expose_secret().as_bytes().to_vec(),
                    Ok(Err(error)) => {
                        tracing::warn!(session.id = %self.id, error = %in_full(&error), "there is no credential for a push");
                        Vec::new()
                    }
                    Ok(Ok(None)) | Err(_) => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        Ok(encode(&Frame { header: Down::Credential { id }, body }, &mut self.out)?)
    }
}

/// Asks whose answer the agent has not been told.
fn untold(row: &Row) -> BTreeSet<AskId> {
    let asks = row.session.asks.iter().filter(|a| a.unapplied_answer().is_some());
    asks.map(|a| a.id.clone()).collect()
}

fn answers_one_of(command: &Command, asks: &BTreeSet<AskId>) -> bool {
    matches!(&command.body, CommandBody::Answer { ask, .. } if asks.contains(ask))
}
