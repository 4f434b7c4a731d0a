//! Laws of an attempt's life, played without a process: an agent that is a few lines, a clock turned by hand.

mod anything;
mod endings;
mod people;
mod turns;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::agent::{Remedy, Signal, Word};
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::command::{MessageMode, uuid_of};
use crate::domain::report::{CheckKind, Pushed, Retry, Usage};
use crate::domain::{Actor, Attempt};
use crate::supervisor::checks::Round;
use crate::supervisor::fixture;

/// An attempt and everything it has done so far.
struct Stage {
    life: Life,
    now: Time,
    done: Vec<Effect>,
    /// How much of `done` a test has looked at.
    seen: usize,
}

fn mark() -> Uuid {
    fixture::run().new.mark
}

fn begin(c: CommandNo) -> Command {
    Command { c, uuid: uuid_of(mark(), c), body: CommandBody::Begin }
}

fn message(c: CommandNo, mode: MessageMode) -> Command {
    let from = Actor::Person("local/ana".to_owned());
    Command {
        c,
        uuid: uuid_of(mark(), c),
        body: CommandBody::Message { text: format!("words {c}"), mode, from },
    }
}

fn answer(c: CommandNo, ask: &str) -> Command {
    let answer = Answer::Decide { decide: Decision::Allow, message: None };
    Command { c, uuid: uuid_of(mark(), c), body: CommandBody::Answer { ask: id(ask), answer } }
}

fn id(ask: &str) -> AskId {
    AskId(ask.to_owned())
}

fn held(ask: &str) -> Input {
    let what = AskWhat::Permission { tool: "Bash".to_owned(), detail: "rm -r target".to_owned() };
    Input::Signal(Signal::Held { ask: id(ask), what })
}

fn ended(outcome: TurnOutcome) -> Input {
    Input::Signal(Signal::TurnEnded { outcome, usage: Usage::default(), queued: 0 })
}

fn completed() -> Input {
    ended(TurnOutcome::Completed { text: "did it".to_owned() })
}

/// A completed turn with something left running.
fn lingering() -> Input {
    let outcome = TurnOutcome::Completed { text: "it runs".to_owned() };
    Input::Signal(Signal::TurnEnded { outcome, usage: Usage::default(), queued: 1 })
}

fn exit() -> Input {
    Input::Exited { outcome: TurnOutcome::Interrupted, remedy: None }
}

fn ready() -> Input {
    let ready = Ready { base: "main".to_owned(), base_sha: "b".repeat(40), branch: "devtask/1-x".to_owned() };
    Input::Prepared(Ok(ready))
}

fn round(tree: &str, code: i32) -> Input {
    let evidence = Evidence {
        command: "just test".to_owned(),
        kind: CheckKind::Test,
        exit_code: Some(code),
        timed_out: false,
        duration_ms: 5,
        tests: Some(1),
        tree: tree.to_owned(),
        tail: "the end".to_owned(),
    };
    let round = Round {
        n: 1,
        tree: tree.to_owned(),
        evidence: vec![evidence],
        coverage: None,
        wants: None,
        cancelled: false,
    };
    Input::Checked(Ok(Verdict::Round { round, rounds: 3 }))
}

fn pushed() -> Pushed {
    Pushed { branch: "devtask/1-x".to_owned(), sha: "c".repeat(40), tree: "t".to_owned() }
}

impl Stage {
    fn new() -> Self {
        Self::of(Life::new(fixture::run(), Recall::default(), Plan::default()))
    }

    fn of(life: Life) -> Self {
        Self { life, now: Time::UNIX_EPOCH, done: Vec::new(), seen: 0 }
    }

    /// With the first words said.
    fn talking() -> Self {
        let mut stage = Self::new();
        stage.play([Input::Secrets, Input::Command(begin(1)), ready(), Input::Launched(Ok(()))]);
        stage.news();
        stage
    }

    fn play(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            let effects = self.life.step(self.now, input);
            self.done.extend(effects);
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.play([Input::Tick]);
    }

    /// What was done since the last look, in short.
    fn news(&mut self) -> Vec<String> {
        let news = self.done[self.seen..].iter().map(short).collect();
        self.seen = self.done.len();
        news
    }

    fn ending(&self) -> Option<&Ending> {
        self.done.iter().find_map(|e| match e {
            Effect::Record { report: Report::Ended { how }, .. } => Some(how),
            _ => None,
        })
    }

    /// The rest of a life that is on its way out.
    fn leave(&mut self) {
        self.play([exit(), Input::Swept(true), Input::Checkpointed(Ok(None))]);
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Record { report: Report::Phase { phase }, .. } => format!("phase {phase:?}"),
        Effect::Record { report: Report::CommandConsumed { c }, .. } => format!("consumed {c}"),
        Effect::Record { report: Report::Ended { how }, .. } => {
            let text = format!("{how:?}");
            format!("ended {}", text.split([' ', '{']).next().unwrap())
        }
        Effect::Record { report, .. } => {
            serde_json::to_value(report).unwrap()["kind"].as_str().unwrap().to_owned()
        }
        Effect::Say { text, .. } => {
            format!("say {}", text.lines().next().unwrap().chars().take(24).collect::<String>())
        }
        Effect::Tell(Word::Answer { answer: Answer::Decide { decide, .. }, ask }) => {
            format!("{decide:?} {ask}")
        }
        Effect::Tell(word) => format!("{word:?}"),
        Effect::Launch { resume, plan } => format!("launch resume={resume} plan={plan}"),
        Effect::KeepPlan(plan) => format!("plan approved={}", plan.approved),
        other => format!("{other:?}"),
    }
}
