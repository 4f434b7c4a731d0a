//! A supervisor as a strict model: keeps a journal, speaks the link, checks its laws on every frame.
//!
//! Knows only the wire; must not know the control plane.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::DateTime;
use devtask::domain::command::Command;
use devtask::domain::report::{Ending, Record, Report};
use devtask::wire::link::{Down, Frame, Level, MAGIC, MAX_BODY, Up, read_frame, write_frame};
use devtask::wire::run::Run;
use tokio::io::{AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone)]
pub struct Supervisor {
    state: Arc<Mutex<State>>,
    news: Arc<Notify>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one way to misbehave")]
struct State {
    run: Option<Run>,
    journal: Vec<Record>,
    acked: u64,
    epoch: u64,
    levels: Vec<Level>,
    commands: Vec<Command>,
    secrets: BTreeMap<String, String>,
    credentials: Vec<String>,
    asked: u64,
    attaches: u32,
    gone: bool,
    /// What it does by itself when it is told to drain or stop.
    obeys: bool,
    /// Records are sent without their first one, once.
    skip_once: bool,
    /// Records claim to be longer than anybody takes.
    lies: bool,
    /// The next connection breaks after so many frames of records.
    break_after: Option<u32>,
    cut: CancellationToken,
}

impl Supervisor {
    pub fn start(run: Run) -> Self {
        let state = State { run: Some(run), obeys: true, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), news: Arc::new(Notify::new()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn run(&self) -> Run {
        self.state().run.clone().unwrap()
    }

    /// Writes one record into the journal.
    pub fn say(&self, report: Report) -> u64 {
        self.say_raw(report, None)
    }

    pub fn say_raw(&self, report: Report, raw: Option<Vec<u8>>) -> u64 {
        let mut state = self.state();
        let n = state.journal.len() as u64 + 1;
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        state.journal.push(Record { n, at, report, raw });
        drop(state);
        self.news.notify_one();
        n
    }

    pub fn end(&self, how: Ending) {
        self.say(Report::Ended { how });
    }

    pub fn ask_credential(&self) {
        self.state().asked += 1;
        self.news.notify_one();
    }

    pub fn disobey(&self) {
        self.state().obeys = false;
    }

    pub fn lie_about_length(&self) {
        self.state().lies = true;
    }

    pub fn skip_once(&self) {
        self.state().skip_once = true;
    }

    pub fn break_after(&self, frames: u32) {
        self.state().break_after = Some(frames);
    }

    /// Breaks the connection there is.
    pub fn cut(&self) {
        self.state().cut.cancel();
    }

    /// kill -9.
    pub fn kill(&self) {
        let mut state = self.state();
        state.gone = true;
        state.cut.cancel();
    }

    /// Started again over the same journal.
    #[must_use]
    pub fn again(self) -> Self {
        self.state().gone = false;
        self
    }

    pub fn is_gone(&self) -> bool {
        self.state().gone
    }

    pub fn acked(&self) -> u64 {
        self.state().acked
    }

    pub fn attaches(&self) -> u32 {
        self.state().attaches
    }

    pub fn levels(&self) -> Vec<Level> {
        self.state().levels.clone()
    }

    pub fn commands(&self) -> Vec<Command> {
        self.state().commands.clone()
    }

    pub fn secrets(&self) -> BTreeMap<String, String> {
        self.state().secrets.clone()
    }

    pub fn credentials(&self) -> Vec<String> {
        self.state().credentials.clone()
    }

    /// A new connection to its socket.
    pub fn connect(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let cut = CancellationToken::new();
        self.state().cut = cut.clone();
        let me = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = me.serve(far) => {}
            }
        });
        near
    }

    async fn serve(&self, stream: DuplexStream) {
        let (read, mut write) = tokio::io::split(stream);
        let hello = format!("Welcome to the node\r\n{MAGIC}\n");
        if write.write_all(hello.as_bytes()).await.is_err() {
            return;
        }
        let (tell, mut heard) = mpsc::channel(16);
        let mut reader = BufReader::new(read);
        let _reading = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok(frame) = read_frame::<Down>(&mut reader).await {
                if tell.send(frame).await.is_err() {
                    return;
                }
            }
        }));
        let mut at: Option<(u64, u64)> = None;
        let mut asked = 0;
        let mut frames = 0;
        loop {
            let Ok(done) = self.send(&mut write, &mut at, &mut asked, &mut frames).await else { break };
            if done {
                break;
            }
            tokio::select! {
                frame = heard.recv() => {
                    let Some(frame) = frame else { break };
                    let Ok(()) = self.hear(frame, &mut at, &mut write).await else { break };
                }
                () = self.news.notified() => {}
            }
        }
    }

    /// Everything there is to send; `true` when the attempt is over and all of it is acked.
    async fn send(
        &self,
        write: &mut (impl AsyncWriteExt + Unpin),
        at: &mut Option<(u64, u64)>,
        asked: &mut u64,
        frames: &mut u32,
    ) -> Result<bool, ()> {
        let Some((sent, offset)) = at else { return Ok(false) };
        while let Some(record) = self.record_after(*sent) {
            let raw = record.raw.clone().unwrap_or_default();
            let lies = self.state().lies;
            let total = record.raw.as_ref().map(|r| if lies { 70 << 20 } else { r.len() as u64 });
            let start = usize::try_from(*offset).unwrap();
            let end = (start + MAX_BODY).min(raw.len());
            let header =
                Up::Record { n: record.n, at: record.at, report: record.report, offset: *offset, total };
            write_frame(write, &Frame { header, body: raw[start..end].to_vec() }).await.map_err(|_| ())?;
            *frames += 1;
            let breaks = self.state().break_after;
            if breaks.is_some_and(|n| *frames >= n) {
                self.state().break_after = None;
                return Err(());
            }
            if end == raw.len() {
                (*sent, *offset) = (record.n, 0);
            } else {
                *offset = end as u64;
            }
        }
        let wants = self.state().asked;
        while *asked < wants {
            *asked += 1;
            write_frame(write, &Up::NeedCredential { id: *asked }.into()).await.map_err(|_| ())?;
        }
        let over = self.over();
        if let Some((attempt, last)) = over {
            write_frame(write, &Up::Ended { attempt, last }.into()).await.map_err(|_| ())?;
            self.state().gone = true;
            return Ok(true);
        }
        Ok(false)
    }

    fn record_after(&self, sent: u64) -> Option<Record> {
        let mut state = self.state();
        let mut next = sent + 1;
        if state.skip_once && state.journal.len() as u64 > next {
            state.skip_once = false;
            next += 1;
        }
        state.journal.iter().find(|r| r.n == next).cloned()
    }

    fn over(&self) -> Option<(devtask::domain::Attempt, u64)> {
        let state = self.state();
        let last = state.journal.last()?;
        let ended = matches!(last.report, Report::Ended { .. }) && state.acked == last.n;
        ended.then(|| (state.run.as_ref().unwrap().attempt, last.n))
    }

    async fn hear(
        &self,
        frame: Frame<Down>,
        at: &mut Option<(u64, u64)>,
        write: &mut (impl AsyncWriteExt + Unpin),
    ) -> Result<(), ()> {
        match frame.header {
            Down::Attach { epoch, attempt, after, offset } => {
                let hello = {
                    let mut state = self.state();
                    let run = state.run.clone().unwrap();
                    let last = state.journal.len() as u64;
                    if epoch <= state.epoch || attempt != run.attempt {
                        Up::Refused { why: format!("epoch {epoch} of attempt {attempt}") }
                    } else {
                        // Far beyond everything: nothing of this attempt counts any more.
                        let fenced = after >= 1 << 48;
                        assert!(after <= last || fenced, "attached after a record that was never written");
                        let after = after.min(last);
                        if fenced {
                            state.acked = last;
                        }
                        state.epoch = epoch;
                        state.attaches += 1;
                        *at = Some((after.max(state.acked), offset));
                        Up::Hello { version: "test".into(), session: run.new.id, attempt, last }
                    }
                };
                write_frame(write, &hello.into()).await.map_err(|_| ())?;
            }
            Down::Secrets => {
                self.state().secrets = serde_json::from_slice(&frame.body).unwrap();
            }
            Down::Want { level } => self.want(level),
            Down::Command { command } => {
                assert!(at.is_some(), "a command before the attach");
                let c = command.c;
                self.state().commands.push(command);
                write_frame(write, &Up::Received { c }.into()).await.map_err(|_| ())?;
            }
            Down::Ack { n } => {
                let mut state = self.state();
                let sent = at.unwrap().0;
                assert!(n <= sent, "acked record {n} that was never sent (last is {sent})");
                state.acked = state.acked.max(n);
            }
            Down::Credential { .. } => {
                let text = String::from_utf8(frame.body).unwrap();
                self.state().credentials.push(text);
            }
            Down::Ping { id } => write_frame(write, &Up::Pong { id }.into()).await.map_err(|_| ())?,
        }
        Ok(())
    }

    fn want(&self, level: Level) {
        let over = {
            let mut state = self.state();
            state.levels.push(level);
            let ended = matches!(state.journal.last().map(|r| &r.report), Some(Report::Ended { .. }));
            state.obeys && !ended
        };
        match level {
            Level::Drain if over => self.end(Ending::Drained),
            Level::Stop if over => self.end(Ending::Stopped),
            Level::Run | Level::Drain | Level::Stop => {}
        }
    }
}
