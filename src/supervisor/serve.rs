//! A supervisor from its start to its exit: the lock, what older ones left, the socket, the attempt, the last ack.
//!
//! Knows the order of these; must not know what an attempt does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::domain::Attempt;
use crate::sweep::{self, Left, Target};
use crate::wire::run::MARK;

use super::home::{Home, HomeError, Lock};
use super::inbox::Inbox;
use super::journal::{Journal, JournalError};
use super::life::{Input, Life, Plan};
use super::listen;
use super::run::{MakeAdapter, Parts, Shell};
use super::sandbox::Cage;
use super::station::Station;

/// An older supervisor may interrupt its agent, end it and secure its work; then it is ended.
const FOR_OLDER: Duration = Duration::from_secs(20);
const FOR_SWEEP: Duration = Duration::from_secs(10);
/// How long the end of an attempt waits for its ack; the journal stays, and a later start serves it.
const FOR_ACK: Duration = Duration::from_mins(10);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("a newer attempt ({0}) has this home")]
    Newer(Attempt),
    #[error("another supervisor holds this home and does not let go")]
    Held,
    #[error("processes of an older attempt do not end")]
    Leftovers(#[from] Left),
    #[error("the supervisor could not be set up")]
    Io(#[from] std::io::Error),
}

/// Serves the home's attempt to its end. Returns at once where a supervisor of the same attempt stands already.
/// `alone`: this process is nothing but a supervisor, so all its descendants are the attempt's.
pub async fn serve(dir: &Path, clock: Clock, make: MakeAdapter, alone: bool) -> Result<(), ServeError> {
    let home = Arc::new(Home::open(dir)?);
    let run = home.run()?;
    let Some(mut lock) = take_lock(&home, run.attempt).await? else { return Ok(()) };
    if alone {
        // Orphans fall to us, and are found below us, whatever they do to their environment.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
    // Nothing of an older attempt, or of an earlier life of this one, may still write to the tree.
    Target { mark: Some(format!("{MARK}={}", run.mark())), below: None }.sweep(FOR_SWEEP).await?;
    home.forget_before(run.attempt);

    let journal = Journal::open(&home.journal(run.attempt))?;
    let recall = journal.recall().clone();
    let (inbox, commands) = Inbox::open(&home.commands(run.attempt))?;
    let (sender, mut said) = mpsc::channel(64);
    let station = Arc::new(Station::new(run.new.id, run.attempt, journal, inbox, sender));
    let listener = listen::bind(&home.socket())?;
    let serving = tokio::spawn(listen::serve(listener, Arc::clone(&station)));
    lock.sign(run.attempt)?;
    tracing::info!(session.id = %run.new.id, session.attempt = run.attempt.0, "the supervisor stands");

    let mut life = Life::new(run.clone(), recall, plan(&home));
    for command in commands {
        // They wait inside until the first attach: nothing is to be done yet.
        let _ = life.step(clock.now(), Input::Command(command));
    }
    let cage = Cage::new(&run, &home, |name| std::env::var_os(name));
    let parts =
        Parts { run, home: Arc::clone(&home), station: Arc::clone(&station), cage, clock, make, life, alone };
    let mut stop = watch_signals()?;
    Shell::new(parts).run(&mut said, &mut stop).await;
    let last_words = async {
        // Late words have nobody to hear them, but the link must not wait for us.
        while said.recv().await.is_some() {}
    };
    tokio::select! {
        () = acked(&station, &mut stop) => {}
        () = last_words => {}
    }
    serving.abort();
    Ok(())
}

/// Until the end was told to somebody who has everything, the machine wants us gone, or nobody came for long.
async fn acked(station: &Station, stop: &mut watch::Receiver<u32>) {
    let mut changed = station.watch();
    let told = async { while !station.ended_told() && changed.changed().await.is_ok() {} };
    let stopped = async {
        if *stop.borrow() == 0 {
            let _ = stop.changed().await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    tokio::select! {
        () = told => {}
        () = stopped => {}
        () = tokio::time::sleep(FOR_ACK) => {}
    }
}

fn plan(home: &Home) -> Plan {
    let bytes = std::fs::read(home.plan()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// `None`: a supervisor of this very attempt stands. An older one is asked to go, then made to.
async fn take_lock(home: &Home, attempt: Attempt) -> Result<Option<Lock>, ServeError> {
    // Twice: the holder may have been on its way out, or only just starting.
    for _ in 0..200 {
        if let Some(lock) = home.try_lock()? {
            return Ok(Some(lock));
        }
        match home.holder() {
            Some((_, held)) if held == attempt => return Ok(None),
            Some((_, held)) if held > attempt => return Err(ServeError::Newer(held)),
            Some((pid, held)) => {
                tracing::info!(
                    session.attempt = held.0,
                    process.id = pid,
                    "an older supervisor is asked to go"
                );
                if !sweep::end(pid, Signal::TERM, FOR_OLDER).await {
                    sweep::end(pid, Signal::KILL, Duration::from_secs(5)).await;
                }
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(ServeError::Held)
}

/// Counts the machine's wishes that we end.
fn watch_signals() -> std::io::Result<watch::Receiver<u32>> {
    let (sender, receiver) = watch::channel(0);
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            let more = tokio::select! { more = term.recv() => more, more = int.recv() => more };
            if more.is_none() {
                return;
            }
            sender.send_modify(|n| *n += 1);
        }
    });
    Ok(receiver)
}
