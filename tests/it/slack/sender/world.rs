//! Sessions that do what a test says, a Slack that sees what is told of them, and a sender that can be restarted.
//!
//! One world for the suites and for the bench of `slack.effect_p99`. Must not know what is expected of anybody.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use devtask::clock::Clock;
use devtask::control::{Local, Providers, Settings as ControlSettings};
use devtask::domain::ask::{Answer, AskWhat, Choice, Question};
use devtask::domain::brief::Brief;
use devtask::domain::lease::{self, Key, Lease};
use devtask::domain::limits::{Limits, Policy};
use devtask::domain::report::{Ending, Phase, Record, Report};
use devtask::domain::session::{self, Input, NewSession};
use devtask::domain::{Actor, AskId, SessionId};
use devtask::slack::sender::Sender;
use devtask::slack::web::Web;
use devtask::slack::{Parts, Settings, Slack as Room};
use devtask::store::slack::Thread;
use devtask::store::{Lane, Row, Store};
use devtask::workbench::slack::{Count, Settings as Workspace, Slack};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const DEV: &str = "C0DEV";

pub struct World {
    pub slack: Slack,
    pub store: Store,
    pub clock: Clock,
    pub web: Web,
    pub sender: Sender,
    settings: Settings,
    local: Local,
    _dir: TempDir,
}

pub fn person(user: &str) -> Actor {
    Actor::Person(format!("slack/{user}"))
}

pub fn question(text: &str) -> AskWhat {
    let option = |label: &str| Choice { label: label.to_owned(), description: String::new() };
    let options = vec![option("Yes"), option("No")];
    let question =
        Question { question: text.to_owned(), header: String::new(), multi_select: false, options };
    AskWhat::Questions { questions: vec![question] }
}

impl World {
    pub async fn new() -> Self {
        Self::on(Clock::by_hand(DateTime::from_timestamp(1_790_000_000, 0).unwrap())).await
    }

    pub async fn on(clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), clock.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let slack = Slack::start_with(listener, Workspace::default(), clock.clone()).unwrap();
        let settings = Settings {
            bot_token: Some(slack.tokens().bot.expose_secret().into()),
            app_token: Some(slack.tokens().app.expose_secret().into()),
            api_url: Some(slack.api_url()),
            ..Settings::default()
        };
        let web = Web::new(&settings, clock.clone()).unwrap();
        let local =
            Local::new(ControlSettings::default(), store.clone(), Providers::new(), None, clock.clone())
                .unwrap();
        let sender = Sender::new(store.slack(), Arc::new(local.clone()), web.clone(), clock.clone());
        Self { slack, store, clock, web, sender, settings, local, _dir: dir }
    }

    /// The process dies and comes back: what was in memory is gone.
    pub fn restart(&mut self) {
        let control = Arc::new(self.local.clone());
        self.sender = Sender::new(self.store.slack(), control, self.web.clone(), self.clock.clone());
    }

    /// From now on the sender ticks by itself.
    pub fn start(&mut self) {
        let control = Arc::new(self.local.clone());
        self.sender = Sender::start(self.store.slack(), control, self.web.clone(), self.clock.clone());
    }

    /// The whole room as a server runs it, sockets and all, beside the sender that only ticks by hand.
    pub fn room(&self) -> Room {
        let (settings, clock) = (self.settings.clone(), self.clock.clone());
        let control = Arc::new(self.local.clone());
        Room::start(Parts { settings, control, notes: self.store.slack(), clock }).unwrap()
    }

    /// A session of this person's whose root goes to this channel.
    pub async fn create(&self, user: &str, channel: &str, goal: &str) -> SessionId {
        self.create_in(user, channel, None, goal).await
    }

    /// The same, asked for in a thread.
    pub async fn create_in(&self, user: &str, channel: &str, thread: Option<&str>, goal: &str) -> SessionId {
        let (owner, goal) = (person(user), goal.to_owned());
        let make = move |id, mark, _: &_, now| {
            let new = NewSession {
                id,
                mark,
                owner: owner.clone(),
                brief: Brief::from_text(&goal),
                repo: "acme/shop".parse().unwrap(),
                base: None,
                provider: "local".to_owned(),
                agent: "scripted".to_owned(),
                model: None,
                effort: None,
                plan: false,
                priority: 0,
                labels: Vec::new(),
                requester: None,
                branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
                require_approval_for: Vec::new(),
                limits: Limits::default(),
                policy: Policy::default(),
            };
            session::create(new, now)
        };
        let id = self.store.create(Lane::People, None, make).await.unwrap().session.id();
        let (channel, thread, owner) = (channel.to_owned(), thread.map(str::to_owned), person(user));
        let thread = Thread { session: id, channel, thread, root: None, owner, cursor: 0, head: 0 };
        self.store.slack().thread_put(thread).await.unwrap();
        id
    }

    pub async fn say(&self, id: SessionId, input: Input) {
        let step =
            move |row: &devtask::store::Row, _: &_, now| session::step(&row.session, input.clone(), now);
        self.store.commit(id, Lane::People, None, step).await.unwrap();
    }

    /// A node was asked for.
    pub async fn has_node(&self, id: SessionId) {
        let key = Key::new(self.store.instance(), id, 1);
        let made = move |_: &Row, now| Ok(Lease::request(key.clone(), id, 1, "local".to_owned(), now));
        self.store.lease(id, made).await.unwrap();
    }

    pub async fn node(&self, id: SessionId, step: lease::Input) {
        let step = move |row: &Row, now| lease::step(row.lease.as_ref().unwrap(), step.clone(), now);
        self.store.lease(id, step).await.unwrap();
    }

    pub async fn runs(&self, id: SessionId) {
        let attempt = self.store.row(id).await.unwrap().unwrap().session.attempt.next();
        self.say(id, Input::Admit { attempt }).await;
        self.say(id, Input::Hello { attempt }).await;
    }

    pub async fn reports(&self, id: SessionId, reports: Vec<Report>) {
        let row = self.store.row(id).await.unwrap().unwrap().session;
        let now = self.clock.now();
        let record = |(n, report)| Record { n, at: now, report, raw: None };
        let records = (row.ingested + 1..).zip(reports).map(record).collect();
        self.say(id, Input::Records { attempt: row.attempt, records }).await;
    }

    /// One busy second: every fifth of them says something and moves on to another phase.
    pub async fn bustle(&self, ids: &[SessionId], second: usize) {
        for (n, id) in ids.iter().enumerate().filter(|(n, _)| (n + second).is_multiple_of(5)) {
            let phase = if (n + second).is_multiple_of(2) { Phase::Execute } else { Phase::Validate };
            let words = Report::Message { text: "on it".to_owned() };
            self.reports(*id, vec![Report::Phase { phase }, words]).await;
        }
    }

    pub async fn asks(&self, id: SessionId, ask: &str) {
        let what = question(&format!("{ask}?"));
        self.reports(id, vec![Report::AskRaised { id: AskId(ask.to_owned()), what }]).await;
    }

    pub async fn answers(&self, id: SessionId, ask: &str, user: &str) {
        let answer = Answer::Answers { answers: [(format!("{ask}?"), "Yes".to_owned())].into() };
        self.say(id, Input::Answer { by: person(user), ask: AskId(ask.to_owned()), answer }).await;
    }

    pub async fn finishes(&self, id: SessionId) {
        let how = Ending::Finished { pushed: None, evidence: Vec::new(), summary: "It is blue.".to_owned() };
        self.reports(id, vec![Report::Ended { how }]).await;
    }

    pub async fn tick(&self) -> Option<devtask::clock::Time> {
        self.sender.tick(self.clock.now()).await
    }

    /// Time passes, and the sender ticks whenever its loop would, but at least every second.
    pub async fn pass(&self, seconds: i64) {
        let end = self.clock.now() + TimeDelta::seconds(seconds);
        while self.clock.now() < end {
            let now = self.clock.now();
            let due = self.tick().await.map_or(end, |due| due.max(now + TimeDelta::milliseconds(10)));
            self.slack.turn(due.min(end).min(now + TimeDelta::seconds(1)) - now);
        }
        self.tick().await;
    }

    pub fn sees(&self, channel: &str) -> String {
        self.slack.transcript(channel).unwrap()
    }

    /// Calls of this method that went well.
    pub fn count(&self, method: &str) -> Count {
        self.slack.calls().counts.get(method).cloned().unwrap_or_default()
    }
}
