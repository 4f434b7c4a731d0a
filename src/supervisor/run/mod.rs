//! The shell around one attempt: real processes, timers and files on one side, [`Life`] on the other.
//!
//! Each input is one step; its effects are carried out in order, and what an effect brings about at once (the adapter's
//! signals) comes before the effects behind it. A record that cannot be written stops everything behind it, so that
//! nothing is said before it is on the disk. Must not decide anything.

mod launch;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::agent::{Adapter, Signal, Start, Word};
use crate::clock::Clock;
use crate::domain::report::Report;
use crate::supervisor::home::Home;
use crate::supervisor::journal::{CAP, JournalError};
use crate::supervisor::life::{Effect, Input, Life};
use crate::supervisor::process::{Happened, Process};
use crate::supervisor::sandbox::Cage;
use crate::supervisor::station::{Said, Station};
use crate::supervisor::text::chain;
use crate::supervisor::transcript;
use crate::supervisor::yard::Yard;
use crate::wire::link::Level;
use crate::wire::run::Run;

/// Effects that may wait for the disk before we stop listening to the link too.
const MAX_WAITING: usize = 10_000;
/// After a failed write.
const AGAIN: Duration = Duration::from_secs(1);
/// How often exits of orphans are taken in.
const REAP: Duration = Duration::from_secs(15);

/// Makes the adapter for an agent.
pub type MakeAdapter = fn(Start) -> Box<dyn Adapter>;

/// One attempt under way.
pub struct Shell {
    run: Run,
    home: Arc<Home>,
    station: Arc<Station>,
    yard: Arc<Yard>,
    cage: Cage,
    clock: Clock,
    make: MakeAdapter,
    life: Life,
    alone: bool,
    agent: Option<Agent>,
    effects: VecDeque<Effect>,
    /// The disk took no record: tried again then.
    blocked: Option<Instant>,
    work: Option<JoinHandle<()>>,
    /// Results of abandoned work carry an older number.
    generation: u64,
    done: (mpsc::Sender<Done>, mpsc::Receiver<Done>),
}

/// A result of work, and its generation.
type Done = (u64, Input);

struct Agent {
    process: Process,
    adapter: Box<dyn Adapter>,
    /// It may have heard our lines before.
    resumed: bool,
}

/// What a shell is made of.
pub struct Parts {
    pub run: Run,
    pub home: Arc<Home>,
    pub station: Arc<Station>,
    pub cage: Cage,
    pub clock: Clock,
    pub make: MakeAdapter,
    pub life: Life,
    /// All descendants of this process are the attempt's.
    pub alone: bool,
}

/// The next thing that happened.
enum Event {
    Said(Option<Said>),
    Done(u64, Input),
    Agent(Happened),
    Stop,
    /// A timer, an ack or a retry.
    Woken,
}

impl Shell {
    pub fn new(parts: Parts) -> Self {
        let Parts { run, home, station, cage, clock, make, life, alone } = parts;
        let yard = Yard::new(run.clone(), Arc::clone(&home), cage.clone(), Arc::clone(&station));
        Self {
            run,
            home,
            station,
            yard: Arc::new(yard),
            cage,
            clock,
            make,
            life,
            alone,
            agent: None,
            effects: VecDeque::new(),
            blocked: None,
            work: None,
            generation: 0,
            done: mpsc::channel(64),
        }
    }

    /// Runs the attempt to its last record. `stop`: rises with every wish of the machine that we end.
    pub async fn run(&mut self, said: &mut mpsc::Receiver<Said>, stop: &mut watch::Receiver<u32>) {
        let mut acked = self.station.watch();
        let mut reaped = Instant::now();
        while !(self.life.is_over() && self.effects.is_empty()) {
            if reaped.elapsed() > REAP {
                reaped = Instant::now();
                self.reap();
            }
            match self.next(said, stop, &mut acked).await {
                Event::Said(Some(Said::Secrets)) => self.feed(Input::Secrets),
                Event::Said(Some(Said::Want(level))) => self.feed(Input::Want(level)),
                Event::Said(Some(Said::Command(command))) => self.feed(Input::Command(command)),
                Event::Done(generation, input) if generation == self.generation => self.feed(input),
                Event::Agent(happened) => self.happened(happened),
                Event::Stop => {
                    let level = if *stop.borrow() > 1 { Level::Stop } else { Level::Drain };
                    self.station.desk.hurry();
                    self.feed(Input::Want(level));
                }
                Event::Said(None) | Event::Done(..) | Event::Woken => self.feed(Input::Tick),
            }
        }
    }

    async fn next(
        &mut self,
        said: &mut mpsc::Receiver<Said>,
        stop: &mut watch::Receiver<u32>,
        acked: &mut watch::Receiver<u64>,
    ) -> Event {
        acked.borrow_and_update();
        let wake = self.wake();
        let behind = self.station.journal().is_behind(CAP);
        let reads = self.blocked.is_none() && (!behind || self.life.is_ending());
        let listens = self.effects.len() < MAX_WAITING;
        let agent = self.agent.as_mut().filter(|_| reads);
        tokio::select! {
            Ok(()) = stop.changed() => Event::Stop,
            word = said.recv(), if listens => Event::Said(word),
            Some((generation, input)) = self.done.1.recv() => Event::Done(generation, input),
            happened = hear(agent) => Event::Agent(happened),
            // Only an ack can end being behind; otherwise our own records would wake us.
            _ = acked.changed(), if behind => Event::Woken,
            () = tokio::time::sleep_until(wake) => Event::Woken,
        }
    }

    fn wake(&self) -> Instant {
        let due = self.life.wake().map(|at| {
            let wait = (at - self.clock.now()).to_std().unwrap_or_default();
            Instant::now() + wait
        });
        let longest = Instant::now() + REAP;
        [due, self.blocked].into_iter().flatten().min().map_or(longest, |at| at.min(longest))
    }

    /// One step, and everything that follows from it.
    fn feed(&mut self, input: Input) {
        let effects = self.life.step(self.clock.now(), input);
        for effect in effects {
            if self.blocked.is_some() && is_urgent(&effect) {
                // A full disk does not keep anybody from stopping.
                self.act(effect);
            } else {
                self.effects.push_back(effect);
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        if self.blocked.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.blocked = None;
        while let Some(effect) = self.effects.pop_front() {
            if let Effect::Record { report, raw } = &effect
                && !self.record(report, raw.as_deref())
            {
                self.effects.push_front(effect);
                self.blocked = Some(Instant::now() + AGAIN);
                return;
            }
            let mut first = Vec::new();
            for input in self.act(effect) {
                first.extend(self.life.step(self.clock.now(), input));
            }
            for effect in first.into_iter().rev() {
                self.effects.push_front(effect);
            }
        }
    }

    fn record(&self, report: &Report, raw: Option<&[u8]>) -> bool {
        match self.station.record(self.clock.now(), report, raw) {
            Ok(_) => true,
            Err(error @ JournalError::Io(..)) => {
                tracing::warn!(error = chain(&error), "a record waits for the disk");
                false
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "a record cannot be written");
                true
            }
        }
    }

    fn happened(&mut self, happened: Happened) {
        let Some(agent) = self.agent.as_mut() else { return };
        match happened {
            Happened::Said(line) => {
                for signal in agent.adapter.heard(line) {
                    self.feed(Input::Signal(signal));
                }
            }
            Happened::Exited { code, stderr } => {
                tracing::info!(process.code = code, "the agent's process ended");
                let outcome = agent.adapter.exited(code, &stderr);
                let remedy = agent.adapter.remedy();
                self.agent = None;
                self.feed(Input::Exited { outcome, remedy });
            }
        }
    }

    /// Carries one effect out; gives what follows from it at once.
    fn act(&mut self, effect: Effect) -> Vec<Input> {
        match effect {
            // Written before it comes here.
            Effect::Record { .. } => Vec::new(),
            Effect::Live(line) => {
                self.station.live(line);
                Vec::new()
            }
            Effect::Launch { resume, plan } => self.launch(resume, plan),
            Effect::Say { uuid, text } => {
                let known = self.agent.as_ref().is_some_and(|a| a.resumed)
                    && transcript::holds(&self.home.agent(), uuid);
                if known { vec![Input::Known(uuid)] } else { self.tell(Word::Say { uuid, text }) }
            }
            Effect::Tell(word) => self.tell(word),
            Effect::Write(line) => self.write(line),
            Effect::CloseStdin => self.with_process(Process::close_stdin),
            Effect::Terminate => self.with_process(|p| p.terminate()),
            Effect::Kill => self.with_process(Process::kill),
            Effect::KeepPlan(plan) => {
                let kept = serde_json::to_vec(&plan).map_err(std::io::Error::from);
                if let Err(error) = kept.and_then(|bytes| std::fs::write(self.home.plan(), bytes)) {
                    tracing::warn!(%error, "the plan's state was not kept");
                }
                Vec::new()
            }
            Effect::Over => {
                self.station.end();
                Vec::new()
            }
            Effect::Abandon => {
                self.abandon();
                Vec::new()
            }
            Effect::Prepare | Effect::Checkpoint | Effect::Check { .. } | Effect::Publish | Effect::Sweep => {
                self.work(effect);
                Vec::new()
            }
        }
    }

    fn with_process(&mut self, act: impl FnOnce(&mut Process)) -> Vec<Input> {
        if let Some(agent) = &mut self.agent {
            act(&mut agent.process);
        }
        Vec::new()
    }

    fn tell(&mut self, word: Word) -> Vec<Input> {
        let signals = self.agent.as_mut().map(|a| a.adapter.tell(word)).unwrap_or_default();
        signals.into_iter().map(Input::Signal).collect()
    }

    fn write(&mut self, line: Vec<u8>) -> Vec<Input> {
        let wrote = self.agent.as_ref().map_or(Ok(()), |a| a.process.write(line));
        match wrote {
            Ok(()) => Vec::new(),
            Err(_) => {
                vec![Input::Signal(Signal::Broken { cause: "the agent does not read its input".to_owned() })]
            }
        }
    }
}

fn is_urgent(effect: &Effect) -> bool {
    matches!(effect, Effect::CloseStdin | Effect::Terminate | Effect::Kill | Effect::Abandon)
}

/// Waits for ever where there is nobody to hear.
async fn hear(agent: Option<&mut Agent>) -> Happened {
    match agent {
        Some(agent) => {
            // Lines that were read already cost the runtime nothing it counts: a flood of short ones would keep it
            // from its timers, and so the agent from its end.
            tokio::task::coop::consume_budget().await;
            agent.process.next().await
        }
        None => std::future::pending().await,
    }
}
