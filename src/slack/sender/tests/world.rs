//! A session with its log, and a track that reads it as the sender would.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use crate::domain::ask::{Answer, AskWhat, Choice, Question};
use crate::domain::brief::Brief;
use crate::domain::event::{Event, Logged};
use crate::domain::limits::{Limits, Policy};
use crate::domain::report::{Ending, Record, Report};
use crate::domain::session::{Input, NewSession, Session, create, step};
use crate::domain::{Actor, AskId, Seq, SessionId, Time};
use crate::slack::sender::plan::{Outcome, ROOT, Track};
use crate::slack::sender::root::Shown;
use crate::slack::sender::wish::{What, Wish};
use crate::store::slack::Thread;
use crate::wire::view::{EventView, SessionView};

pub fn start() -> Time {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

pub fn ana() -> Actor {
    Actor::Person("slack/U1".to_owned())
}

pub fn new_session(id: SessionId) -> NewSession {
    NewSession {
        id,
        mark: Uuid::from_u128(7),
        owner: ana(),
        brief: Brief::from_text("Make the tests pass"),
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
        limits: Limits { max_retries: 2, max_cost_micro_usd: 1_000_000, ..Limits::default() },
        policy: Policy::default(),
    }
}

pub fn question(text: &str) -> AskWhat {
    let option = |label: &str| Choice { label: label.to_owned(), description: String::new() };
    AskWhat::Questions {
        questions: vec![Question {
            question: text.to_owned(),
            header: String::new(),
            multi_select: false,
            options: vec![option("Yes"), option("No")],
        }],
    }
}

pub fn yes(text: &str) -> Answer {
    Answer::Answers { answers: [(text.to_owned(), "Yes".to_owned())].into() }
}

/// A session and its log as readers get it, on a clock that only the test turns.
pub struct Log {
    pub session: Session,
    pub events: Vec<EventView>,
    pub now: Time,
}

impl Log {
    pub fn new() -> Self {
        let change = create(new_session(SessionId::new(142).unwrap()), start()).unwrap();
        Self { session: change.session, events: change.events.iter().map(view).collect(), now: start() }
    }

    /// Whether it was legal.
    pub fn say(&mut self, input: Input) -> bool {
        let Ok(change) = step(&self.session, input, self.now) else { return false };
        self.session = change.session;
        self.events.extend(change.events.iter().map(view));
        true
    }

    pub fn must(&mut self, input: Input) -> &mut Self {
        let said = format!("{input:?}");
        assert!(self.say(input), "refused: {said}");
        self
    }

    pub fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    pub fn runs(&mut self) -> &mut Self {
        let attempt = self.session.attempt.next();
        self.must(Input::Admit { attempt }).must(Input::Hello { attempt })
    }

    pub fn report(&mut self, report: Report) -> bool {
        let n = self.session.ingested + 1;
        let record = Record { n, at: self.now, report, raw: None };
        self.say(Input::Records { attempt: self.session.attempt, records: vec![record] })
    }

    pub fn asks(&mut self, id: &str) -> &mut Self {
        assert!(self.report(Report::AskRaised { id: AskId(id.to_owned()), what: question(id) }));
        self
    }

    pub fn answers(&mut self, id: &str) -> &mut Self {
        self.must(Input::Answer { by: ana(), ask: AskId(id.to_owned()), answer: yes(id) })
    }

    /// Ends without a change, and so without a pull request.
    pub fn finishes(&mut self) -> &mut Self {
        let how = Ending::Finished { pushed: None, evidence: Vec::new(), summary: "done".to_owned() };
        assert!(self.report(Report::Ended { how }));
        self
    }

    pub fn view(&self) -> SessionView {
        SessionView::of(&self.session, None, None, self.now)
    }

    pub fn thread(&self, cursor: Seq) -> Thread {
        Thread {
            session: self.session.id(),
            channel: "C1".to_owned(),
            thread: None,
            root: None,
            owner: ana(),
            cursor,
            head: self.session.head,
        }
    }

    /// Lets the track read all that is there.
    pub fn read_by(&self, track: &mut Track) {
        track.thread.head = self.session.head;
        let read = usize::try_from(track.read).unwrap();
        self.events.iter().skip(read).for_each(|event| track.take(event));
    }

    pub fn shown(&self) -> Shown {
        Shown { head: self.session.head, queued: false, settled: self.session.status.is_settled() }
    }
}

fn view(event: &Event) -> EventView {
    let body = serde_json::to_value(&event.body).unwrap();
    let logged = Logged {
        seq: event.seq,
        at: event.at,
        attempt: event.attempt,
        kind: body["kind"].as_str().unwrap().to_owned(),
        body: body.to_string(),
        raw: event.raw.clone(),
    };
    EventView::of(logged).unwrap()
}

/// A track that takes every wish as soon as it is wished, and what was posted and changed on the way.
pub struct Told {
    pub track: Track,
    /// `post ask:q` or `update root`, in order.
    pub calls: Vec<String>,
    ts: u32,
}

impl Told {
    pub fn new(log: &Log) -> Self {
        Self { track: Track::new(log.thread(0), Vec::new()), calls: Vec::new(), ts: 0 }
    }

    /// Reads the log and carries everything out that may be done now; each root is a new version.
    pub fn tick(&mut self, log: &Log) -> Option<Time> {
        log.read_by(&mut self.track);
        loop {
            let (wishes, later) = self.track.wishes(log.now);
            let Some(Wish { slot, what, .. }) = wishes.into_iter().next() else { return later };
            self.ts += 1;
            let (ts, call) = match what {
                What::Update { ts, .. } => (ts, "update"),
                What::Post => (format!("{}.0", self.ts), "post"),
                What::Look { .. } => panic!("nothing is in doubt"),
            };
            self.calls.push(format!("{call} {slot}"));
            let hash = [u8::try_from(self.ts % 256).unwrap(); 32];
            self.track.outcome(&slot, Outcome::Stands { ts, hash, shown: log.shown() }, log.now);
        }
    }

    /// Ticks until `seconds` have passed, whenever something is due.
    pub fn pass(&mut self, log: &mut Log, seconds: i64) {
        for _ in 0..seconds {
            self.tick(log);
            log.wait(1);
        }
        self.tick(log);
    }

    /// Calls since the last look.
    pub fn news(&mut self) -> String {
        std::mem::take(&mut self.calls).join(", ")
    }

    pub fn root_versions(&self) -> usize {
        self.calls.iter().filter(|call| call.ends_with(ROOT)).count()
    }
}
