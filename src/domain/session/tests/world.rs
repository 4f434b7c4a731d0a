//! What the session's tests share: a moment, a new session, and every input at random.

use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use crate::domain::ask::{Answer, AskWhat, Choice, Decision, Question};
use crate::domain::brief::Brief;
use crate::domain::command::MessageMode;
use crate::domain::event::Event;
use crate::domain::limits::{Limits, Policy};
use crate::domain::report::{Ending, Evidence, Phase, Pushed, Record, Report, Retry, TurnOutcome, Usage};
use crate::domain::session::{Input, NewSession, PullRequest, Refusal, Session, create, step};
use crate::domain::{Actor, AskId, Attempt, SessionId, Time};

pub fn noon() -> Time {
    Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

pub fn ana() -> Actor {
    Actor::Person("local/ana".to_owned())
}

pub fn new_session() -> NewSession {
    NewSession {
        id: SessionId::new(142).unwrap(),
        mark: Uuid::from_u128(7),
        owner: ana(),
        brief: Brief::from_text("Make the tests pass"),
        repo: "/srv/repo".parse().unwrap(),
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

/// A session with its log and a clock that only these tests turn.
pub struct Log {
    pub session: Session,
    pub events: Vec<Event>,
    pub now: Time,
}

impl Log {
    pub fn new() -> Self {
        Self::of(new_session())
    }

    pub fn of(new: NewSession) -> Self {
        let change = create(new, noon()).unwrap();
        Self { session: change.session, events: change.events, now: noon() }
    }

    pub fn say(&mut self, input: Input) -> Result<(), Refusal> {
        self.now += TimeDelta::seconds(1);
        let change = step(&self.session, input, self.now)?;
        self.session = change.session;
        self.events.extend(change.events);
        Ok(())
    }

    /// Says it and expects it to be legal.
    pub fn must(&mut self, input: Input) -> &mut Self {
        if let Err(refusal) = self.say(input) {
            panic!("refused: {refusal}");
        }
        self
    }

    pub fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    pub fn admitted(&mut self) -> &mut Self {
        let attempt = self.session.attempt.next();
        self.must(Input::Admit { attempt }).must(Input::Hello { attempt })
    }

    /// The live attempt reports this next.
    pub fn report(&mut self, report: Report) -> &mut Self {
        let n = self.session.ingested + 1;
        let record = Record { n, at: self.now, report, raw: None };
        let attempt = self.session.attempt;
        self.must(Input::Records { attempt, records: vec![record] })
    }

    pub fn end(&mut self, how: Ending) -> &mut Self {
        self.report(Report::Ended { how })
    }

    /// The log from event `from` on, a kind a line.
    pub fn kinds(&self, from: usize) -> String {
        let kind = |e: &Event| {
            let json = serde_json::to_value(&e.body).unwrap();
            json["kind"].as_str().unwrap().to_owned()
        };
        self.events.iter().skip(from).map(kind).collect::<Vec<_>>().join("\n")
    }
}

pub fn question(text: &str) -> AskWhat {
    let option = |label: &str| Choice { label: label.to_owned(), description: String::new() };
    AskWhat::Questions {
        questions: vec![Question {
            question: text.to_owned(),
            header: "Choice".to_owned(),
            multi_select: false,
            options: vec![option("Yes"), option("No")],
        }],
    }
}

pub fn yes(text: &str) -> Answer {
    Answer::Answers { answers: [(text.to_owned(), "Yes".to_owned())].into() }
}

pub fn finished() -> Ending {
    let pushed = Pushed { branch: "devtask/142-x".to_owned(), sha: "a".repeat(40), tree: "b".repeat(40) };
    Ending::Finished { pushed: Some(pushed), evidence: Vec::new(), summary: "done".to_owned() }
}

pub fn pull_request() -> PullRequest {
    PullRequest { number: 7, url: "https://forge.test/o/n/pull/7".to_owned(), adopted: false }
}

/// Something anybody might say to the session at any time, most of it at the right moment.
pub fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => Just(Move::Admit),
        4 => Just(Move::Hello),
        6 => any_report().prop_map(Move::Report),
        1 => (0u64..4).prop_map(Move::OldOrGappy),
        6 => any_person().prop_map(Move::Say),
        3 => any_control().prop_map(Move::Say),
        2 => (1i64..1_300_000).prop_map(Move::Wait),
    ]
}

#[derive(Clone, Debug)]
pub enum Move {
    Admit,
    Hello,
    Report(Report),
    OldOrGappy(u64),
    Say(Input),
    Wait(i64),
}

impl Move {
    pub fn play(self, log: &mut Log) -> Result<(), Refusal> {
        let attempt = log.session.attempt;
        match self {
            Self::Admit => log.say(Input::Admit { attempt: attempt.next() }),
            Self::Hello => log.say(Input::Hello { attempt }),
            Self::Report(report) => {
                let n = log.session.ingested + 1;
                let records = vec![Record { n, at: log.now, report, raw: None }];
                log.say(Input::Records { attempt, records })
            }
            Self::OldOrGappy(n) => {
                let records = vec![Record { n, at: log.now, report: note(), raw: None }];
                log.say(Input::Records { attempt, records })
            }
            Self::Say(input) => log.say(input),
            Self::Wait(seconds) => {
                log.wait(seconds);
                Ok(())
            }
        }
    }
}

fn note() -> Report {
    Report::Note { text: "a note".to_owned() }
}

fn any_id() -> impl Strategy<Value = AskId> {
    (0u8..3).prop_map(|n| AskId(format!("toolu_{n}")))
}

pub fn any_report() -> impl Strategy<Value = Report> {
    prop_oneof![
        Just(note()),
        Just(Report::Phase { phase: Phase::Execute }),
        (any_id(), any::<bool>()).prop_map(|(id, permission)| {
            let what = if permission {
                AskWhat::Permission { tool: "Bash".to_owned(), detail: "ls".to_owned() }
            } else {
                question("Go on?")
            };
            Report::AskRaised { id, what }
        }),
        any_id().prop_map(|id| Report::AskTakenBack { id, why: "interrupted".to_owned() }),
        any_id().prop_map(|id| Report::AnswerApplied { id }),
        (1u32..5).prop_map(|c| Report::CommandConsumed { c }),
        (0u64..3_000_000).prop_map(|cost_micro_usd| Report::TurnEnded {
            outcome: TurnOutcome::Completed { text: "ok".to_owned() },
            usage: Usage { cost_micro_usd, ..Usage::default() },
        }),
        Just(Report::AgentStarted {
            session: Uuid::from_u128(9),
            version: "2.1.329".to_owned(),
            model: None,
            resumed: false
        }),
        Just(Report::CheckEnded { round: 1, evidence: evidence() }),
        any_ending().prop_map(|how| Report::Ended { how }),
    ]
}

pub fn evidence() -> Evidence {
    Evidence {
        command: "sh test.sh".to_owned(),
        kind: crate::domain::report::CheckKind::Test,
        exit_code: Some(0),
        timed_out: false,
        duration_ms: 12,
        tests: Some(3),
        tree: "b".repeat(40),
        tail: "ok".to_owned(),
    }
}

fn any_ending() -> impl Strategy<Value = Ending> {
    let failed = |retry| Ending::Failed { cause: "it broke".to_owned(), retry };
    prop_oneof![
        Just(finished()),
        Just(Ending::Finished { pushed: None, evidence: Vec::new(), summary: String::new() }),
        Just(Ending::Deferred),
        Just(Ending::Drained),
        Just(Ending::Stopped),
        Just(failed(Retry::No)),
        Just(failed(Retry::Later)),
        Just(failed(Retry::Quota { until: noon() + TimeDelta::hours(1) })),
    ]
}

pub fn any_person() -> impl Strategy<Value = Input> {
    let by = ana;
    prop_oneof![
        Just(Input::Pause { by: by(), reason: None }),
        Just(Input::Resume { by: by() }),
        Just(Input::Cancel { by: by(), reason: None }),
        Just(Input::Grant { by: by() }),
        Just(Input::FollowUp { by: by(), text: "more".to_owned() }),
        Just(Input::Rerun { by: by() }),
        Just(Input::Message { by: by(), text: "hello".to_owned(), mode: MessageMode::Queue }),
        Just(Input::Message { by: by(), text: " ".to_owned(), mode: MessageMode::Interrupt }),
        (any_id(), any_answer()).prop_map(move |(ask, answer)| Input::Answer { by: ana(), ask, answer }),
    ]
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        Just(yes("Go on?")),
        Just(yes("Something else?")),
        Just(Answer::Decide { decide: Decision::Agent, message: None }),
        Just(Answer::Decide { decide: Decision::Allow, message: None }),
    ]
}

pub fn any_control() -> impl Strategy<Value = Input> {
    prop_oneof![
        (0u32..4, any::<bool>()).prop_map(|(a, transient)| Input::Lost {
            attempt: Attempt(a),
            cause: "the node is gone".to_owned(),
            transient
        }),
        Just(Input::Published { pull_request: Some(pull_request()) }),
        any::<bool>().prop_map(|again| Input::PublishFailed {
            cause: "403".to_owned(),
            not_before: again.then(|| noon() + TimeDelta::hours(1)),
        }),
        any_id().prop_map(|ask| Input::AskDue { ask }),
        (0u32..4).prop_map(|a| Input::TimeUp { attempt: Attempt(a) }),
        Just(Input::Forgotten),
        (0u32..4).prop_map(|a| Input::Admit { attempt: Attempt(a) }),
        (0u32..4).prop_map(|a| Input::Hello { attempt: Attempt(a) }),
    ]
}
