//! Commands on this machine's disk: a line each, synced before they are said to be received.
//!
//! Knows one file; must not know what a command does. A torn last line is a command nobody was told we have.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::domain::command::{Command, CommandNo};

#[derive(Debug)]
pub struct Inbox {
    file: File,
    end: u64,
    have: BTreeSet<CommandNo>,
}

impl Inbox {
    /// Opens the file and gives what it holds, in the order of arrival.
    pub fn open(path: &Path) -> std::io::Result<(Self, Vec<Command>)> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut end = 0;
        let mut commands: Vec<Command> = Vec::new();
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let Some(command) = line.strip_suffix(b"\n").and_then(|l| serde_json::from_slice(l).ok()) else {
                break;
            };
            commands.push(command);
            end += line.len() as u64;
        }
        file.set_len(end)?;
        let have = commands.iter().map(|c| c.c).collect();
        Ok((Self { file, end, have }, commands))
    }

    /// Writes a command down for good. After an error nothing of it is there and the call may be made again.
    pub fn put(&mut self, command: &Command) -> std::io::Result<()> {
        if self.have.contains(&command.c) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::Start(self.end))?;
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += line.len() as u64;
        self.have.insert(command.c);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{CommandBody, uuid_of};

    fn command(c: CommandNo) -> Command {
        Command {
            c,
            uuid: uuid_of(uuid::Uuid::nil(), c),
            body: CommandBody::GoOn { why: format!("reason {c}\n") },
        }
    }

    #[test]
    fn a_file_torn_at_any_byte_gives_the_whole_commands_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.commands");
        let (mut inbox, none) = Inbox::open(&path).unwrap();
        assert!(none.is_empty());
        let all: Vec<Command> = (1..=3).map(command).collect();
        let ends: Vec<u64> = all.iter().map(|c| (inbox.put(c).unwrap(), inbox.end).1).collect();
        inbox.put(&all[0]).unwrap();
        assert_eq!(inbox.end, ends[2], "a second copy is not written");
        let bytes = std::fs::read(&path).unwrap();
        for cut in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let (mut inbox, found) = Inbox::open(&path).unwrap();
            let whole = ends.iter().filter(|e| **e <= cut as u64).count();
            assert_eq!(found, all[..whole]);
            inbox.put(&command(9)).unwrap();
            assert_eq!(Inbox::open(&path).unwrap().1.last(), Some(&command(9)));
        }
    }
}
