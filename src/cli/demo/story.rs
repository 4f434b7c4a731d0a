//! The headless demo: a person's afternoon in Slack with four sessions, played there and checked from outside: by what
//! stands in the channel, by the event streams, and by the forge.
//!
//! ```text
//!   question   asks, is answered in time; its check fails once, goes back, passes      → pull request
//!   later      asks, nobody answers, the agent goes to sleep; answered after a restart → pull request
//!   long       waits in the queue (two slots), is paused and resumed                   → pull request
//!   cancelled  is cancelled
//! ```
//! In the middle the control plane is killed with `kill -9` and started again.

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;

use super::hands::Hands;
use super::stage::Stage;
use super::watch::Seen;
use crate::client::Remote;
use crate::domain::SessionId;
use crate::domain::ask::AskWhat;
use crate::domain::session::{Status, WaitingOn};
use crate::wire::api::{Control, Filter};
use crate::wire::view::{AskView, SessionView};
use crate::workbench::demo::{Story, stories};

/// The longest any one thing of the story may take.
const PATIENCE: Duration = Duration::from_secs(45);
const GLANCE: Duration = Duration::from_millis(50);

/// The demo's last line.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub ok: bool,
    pub sessions: usize,
    pub pull_requests: usize,
    pub asks_answered: usize,
    /// A session was seen waiting for a slot.
    pub queued_seen: bool,
    /// Markers missing or doubled, gaps in the ids of the event streams, and whatever the scripts asked or said last
    /// that does not stand in Slack exactly once.
    pub events_lost: u64,
    /// How often the control plane was killed.
    pub killed: u32,
    pub seconds: f64,
}

/// One session of the story and what was made of it.
struct Part {
    story: Story,
    id: SessionId,
}

pub struct Play<'a> {
    stage: &'a mut Stage,
    remote: Remote,
    seen: Seen,
    pub outcome: Outcome,
    say: fn(&str),
}

impl<'a> Play<'a> {
    /// `say` is told what happens, a line each.
    pub fn new(stage: &'a mut Stage, say: fn(&str)) -> Self {
        let remote = stage.remote();
        Self { stage, remote, seen: Seen::default(), outcome: Outcome::default(), say }
    }

    /// Plays to the end. What is short of the promise is in the outcome; an error is a story that could not go on.
    pub async fn play(&mut self) -> anyhow::Result<()> {
        let [question, later, long, cancelled] = self.begin().await?;
        self.queue_is_seen(&long).await?;
        self.answer_in_time(&question).await?;
        self.sleeps(&later).await?;
        self.kill_in_the_middle(&long).await?;
        self.pause_and_resume(&long).await?;
        self.cancel(&cancelled).await?;
        self.answer_later(&later).await?;
        for part in [&question, &later, &long] {
            self.until(part.id, "is done", |s| s.status == Status::Done).await?;
        }
        self.count(&[question, later, long], &cancelled).await
    }

    async fn begin(&mut self) -> anyhow::Result<[Part; 4]> {
        let mut parts = Vec::new();
        for story in stories() {
            let session = create(self.stage, &self.remote, &story).await?;
            (self.say)(&format!("{} {}", session.id, story.title));
            drop(self.seen.follow(self.remote.clone(), session.id));
            parts.push(Part { story, id: session.id });
        }
        self.outcome.sessions = parts.len();
        parts.try_into().ok().context("the story has four sessions")
    }

    fn hands(&self) -> Hands<'_> {
        Hands(&self.stage.slack)
    }

    /// Presses a button of the session's thread, once it is there.
    async fn press(&self, part: &Part, words: &str) -> anyhow::Result<()> {
        let pressed = tokio::time::timeout(PATIENCE, async {
            while !self.hands().press(part.id, words).await? {
                tokio::time::sleep(GLANCE).await;
            }
            Ok(())
        });
        pressed.await.with_context(|| format!("{} shows no button [{words}]", part.id))?
    }

    async fn queue_is_seen(&mut self, waits: &Part) -> anyhow::Result<()> {
        let waiting = |s: &SessionView| s.status == Status::Queued && s.waiting_on == Some(WaitingOn::Slot);
        self.until(waits.id, "waits for a slot", waiting).await?;
        let running = self.remote.list(Filter::default()).await?.sessions;
        let busy = running.iter().filter(|s| s.status.runs()).count();
        if busy > 2 {
            bail!("{busy} sessions run in two slots");
        }
        self.outcome.queued_seen = true;
        (self.say)("two run, the third waits for a slot");
        Ok(())
    }

    async fn answer_in_time(&mut self, part: &Part) -> anyhow::Result<()> {
        self.answer(part).await?;
        (self.say)(&format!("{} asked and was answered in time by a button", part.id));
        Ok(())
    }

    async fn sleeps(&mut self, part: &Part) -> anyhow::Result<()> {
        self.ask_of(part).await?;
        let asleep = |s: &SessionView| s.status == Status::Paused && s.waiting_on == Some(WaitingOn::User);
        self.until(part.id, "is paused for its question", asleep).await?;
        (self.say)(&format!("{} asked, nobody answered: its agent is gone and its slot is free", part.id));
        Ok(())
    }

    /// Kills the control plane while one session is in the middle of its markers.
    async fn kill_in_the_middle(&mut self, long: &Part) -> anyhow::Result<()> {
        let markers = texts(&long.story);
        let seen = self.seen.clone();
        self.wait("the long session has begun", || seen.said(long.id, &markers) >= 3).await?;
        self.stage.kill().await?;
        self.outcome.killed += 1;
        (self.say)("kill -9 of the control plane, in the middle");
        self.stage.start().await?;
        (self.say)("it is back");
        Ok(())
    }

    async fn pause_and_resume(&mut self, part: &Part) -> anyhow::Result<()> {
        let (markers, seen) = (texts(&part.story), self.seen.clone());
        let before = seen.said(part.id, &markers);
        self.wait("it goes on after the kill", || seen.said(part.id, &markers) > before).await?;
        self.press(part, "Pause").await?;
        self.until(part.id, "is paused", |s| s.status == Status::Paused).await?;
        (self.say)(&format!("{} was paused", part.id));
        self.press(part, "Resume").await?;
        (self.say)(&format!("{} was resumed", part.id));
        Ok(())
    }

    async fn cancel(&mut self, part: &Part) -> anyhow::Result<()> {
        self.press(part, "Cancel").await?;
        self.until(part.id, "is cancelled", |s| s.status == Status::Cancelled).await?;
        (self.say)(&format!("{} was cancelled", part.id));
        Ok(())
    }

    async fn answer_later(&mut self, part: &Part) -> anyhow::Result<()> {
        self.answer(part).await?;
        (self.say)(&format!("{} was answered later and goes on", part.id));
        Ok(())
    }

    /// By the button of the first option.
    async fn answer(&mut self, part: &Part) -> anyhow::Result<()> {
        let ask = self.ask_of(part).await?;
        let AskWhat::Questions { questions } = &ask.ask.what else { bail!("that was no question") };
        let option =
            questions.first().and_then(|q| q.options.first()).context("a question without options")?;
        self.press(part, &option.label).await?;
        self.until(part.id, "is answered", |s| s.asks.iter().all(|a| a.handle != ask.handle)).await?;
        self.outcome.asks_answered += 1;
        Ok(())
    }

    /// The session's open ask, as soon as there is one.
    async fn ask_of(&self, part: &Part) -> anyhow::Result<AskView> {
        let session = self.until(part.id, "asks", |s| !s.asks.is_empty()).await?;
        session.asks.into_iter().next().context("the ask is gone")
    }

    async fn count(&mut self, done: &[Part], cancelled: &Part) -> anyhow::Result<()> {
        for part in done {
            let markers = texts(&part.story);
            let seen = self.seen.clone();
            self.wait("its stream has told all", || seen.has(part.id, "session.done")).await?;
            self.outcome.events_lost += self.seen.lost(part.id, &markers);
            self.passed(part).await?;
            self.told_once(part, "done").await?;
            self.outcome.events_lost += self.unlike_the_script(part);
        }
        self.outcome.events_lost += self.seen.lost(cancelled.id, &[]);
        self.told_once(cancelled, "cancelled").await?;
        let pulls = self.stage.forge.pulls().await?;
        self.outcome.pull_requests = pulls.len();
        let o = &self.outcome;
        self.outcome.ok = o.sessions == 4
            && o.pull_requests == 3
            && o.asks_answered == 2
            && o.queued_seen
            && o.events_lost == 0
            && o.killed == 1;
        Ok(())
    }

    /// Done with a pull request and evidence, and the first story's check failed before it passed.
    async fn passed(&self, part: &Part) -> anyhow::Result<()> {
        let session = self.remote.show(part.id).await?;
        let green = !session.evidence.is_empty() && session.evidence.iter().all(|e| e.exit_code == Some(0));
        if session.pull_request.is_none() || !green {
            bail!("{} is done without a pull request or without evidence", part.id);
        }
        if part.story.name == "question" && !self.seen.failed_a_check(part.id) {
            bail!("{}: its check was to fail first", part.id);
        }
        Ok(())
    }

    /// In Slack: one root, and one summary of its end. What is missing or doubled counts as lost.
    async fn told_once(&mut self, part: &Part, end: &str) -> anyhow::Result<()> {
        let hands = Hands(&self.stage.slack);
        let told = || hands.count(part.id, end) >= 2;
        self.wait(&format!("{} is summed up in Slack", part.id), told).await?;
        let wrong = hands.count(part.id, end).abs_diff(2) + hands.roots(part.id).abs_diff(1);
        self.outcome.events_lost += wrong as u64;
        Ok(())
    }

    /// What the script asked and said last, against the thread as its reader sees it.
    fn unlike_the_script(&self, part: &Part) -> u64 {
        let wrong = |words: &String| self.hands().shown(part.id, words).abs_diff(1) as u64;
        part.story.told().iter().map(wrong).sum()
    }

    async fn until(
        &self,
        id: SessionId,
        what: &str,
        is: impl Fn(&SessionView) -> bool,
    ) -> anyhow::Result<SessionView> {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.remote.show(id).await {
                    Ok(session) if is(&session) => return Ok(session),
                    Ok(session) if session.status == Status::Failed => {
                        bail!("{id} failed: {}", session.failure.unwrap_or_default())
                    }
                    other => last = Some(other),
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        match waited.await {
            Ok(done) => done,
            Err(_) => bail!("{id} was to be one that {what}; after {PATIENCE:?} it is {last:?}"),
        }
    }

    async fn wait(&self, what: &str, is: impl Fn() -> bool) -> anyhow::Result<()> {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is() {
                tokio::time::sleep(GLANCE).await;
            }
        });
        waited.await.with_context(|| format!("waited in vain until {what}"))
    }
}

/// The markers a story says once each.
fn texts(story: &Story) -> Vec<String> {
    (1..=story.markers.count).map(|n| story.markers.text(n)).collect()
}

/// What a person types for a session.
fn slash(brief: &str) -> String {
    format!("/devtask new {brief}")
}

/// Typed in the channel; the session is the newest one then.
async fn create(stage: &Stage, remote: &Remote, story: &Story) -> anyhow::Result<SessionView> {
    let before = newest(remote).await?.map(|s| s.id);
    Hands(&stage.slack).say(&slash(&story.brief())).await?;
    let made = tokio::time::timeout(PATIENCE, async {
        loop {
            match newest(remote).await? {
                Some(session) if Some(session.id) != before => return Ok(session),
                _ => tokio::time::sleep(GLANCE).await,
            }
        }
    });
    made.await.context("`/devtask new` made no session")?
}

async fn newest(remote: &Remote) -> anyhow::Result<Option<SessionView>> {
    let page = remote.list(Filter { limit: Some(1), ..Filter::default() }).await?;
    Ok(page.sessions.into_iter().next())
}

/// The stories that are worth watching, begun in Slack one after the other and left to a person.
pub async fn begin(stage: &Stage) -> anyhow::Result<()> {
    let remote = stage.remote();
    for story in stories().iter().filter(|s| s.name != "cancelled") {
        create(stage, &remote, story).await?;
    }
    Ok(())
}
