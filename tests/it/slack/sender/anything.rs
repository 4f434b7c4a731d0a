//! Whatever sessions do, whatever Slack does to the calls, however often the process dies: in the end each ask and each
//! end stands in its thread exactly once.

use std::collections::BTreeMap;

use devtask::domain::AskId;
use devtask::domain::event::Body;
use devtask::domain::report::{Ending, Report};
use devtask::domain::session::{Input, Status};
use devtask::domain::{Actor, SessionId};
use devtask::workbench::slack::{Fault, What};

use super::world::{DEV, World, person, question};

const METHODS: [&str; 6] = [
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "conversations.join",
    "conversations.history",
    "conversations.replies",
];

/// Small, and the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn fault(&mut self) -> Fault {
        let fault = match self.roll(5) {
            0 => What::Drop,
            1 => What::Status { status: 502 },
            2 => What::Error { error: "fatal_error".into() },
            3 => What::RateLimited { seconds: 1 + self.roll(9) as u64 },
            _ => What::Error { error: "service_unavailable".into() },
        };
        let after = self.roll(2) == 0 && !matches!(fault, What::RateLimited { .. });
        let (method, times) =
            (METHODS[self.roll(METHODS.len())].to_owned(), 1 + u32::from(self.roll(3) == 0));
        // What is applied and then refused would be a lie; what is limited or unavailable was not applied.
        let after = after && !matches!(fault, What::Error { ref error } if error == "service_unavailable");
        Fault::Call { method, times, fault, after }
    }
}

struct Play {
    world: World,
    dice: Dice,
    ids: Vec<SessionId>,
    asks: Vec<(SessionId, String)>,
}

impl Play {
    async fn step(&mut self) {
        let Some(&id) = self.ids.get(self.dice.roll(self.ids.len().max(1))) else {
            self.ids.push(self.world.create("U0ANA", DEV, "Paint the door").await);
            return;
        };
        let session = self.world.store.row(id).await.unwrap().unwrap().session;
        match self.dice.roll(14) {
            0 if self.ids.len() < 5 => self.ids.push(self.world.create("U0ANA", DEV, "Paint the door").await),
            0..=2 if session.status == Status::Queued => self.world.runs(id).await,
            3 | 4 if session.attempt_lives() => {
                let ask = format!("s{}n{}x", id.number(), self.asks.len());
                self.world.reports(id, vec![raised(&ask)]).await;
                self.asks.push((id, ask));
            }
            5 | 6 if session.open_asks().next().is_some() => {
                let ask = session.open_asks().next().unwrap().id.0.clone();
                self.world.answers(id, &ask, "U0ANA").await;
                self.world.sender.nudge(id);
            }
            7 if session.attempt_lives() && session.open_asks().next().is_none() => {
                let cause = "the disk is full".to_owned();
                let how = match self.dice.roll(2) {
                    0 => Ending::Failed { cause, retry: devtask::domain::report::Retry::No },
                    _ => Ending::Finished { pushed: None, evidence: Vec::new(), summary: String::new() },
                };
                self.world.reports(id, vec![Report::Ended { how }]).await;
            }
            8 if session.status.is_settled() => self.world.say(id, Input::Rerun { by: by() }).await,
            9 if !session.status.is_settled() && self.dice.roll(3) == 0 => {
                self.world.say(id, Input::Cancel { by: by(), reason: None }).await;
            }
            10 => self.world.restart(),
            11 | 12 => drop(self.world.slack.fault(self.dice.fault())),
            _ => {
                let seconds = i64::try_from(self.dice.roll(8)).unwrap();
                self.world.pass(seconds).await;
            }
        }
    }

    async fn ends_well(&mut self) {
        self.world.slack.clear_faults();
        // The longest rest of a thread, and a doubt.
        self.world.pass(90).await;
        let seen = self.world.sees(DEV);
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        let mut unseen = Vec::new();
        for id in &self.ids {
            for event in self.world.store.events(*id, 0, usize::MAX, usize::MAX).await.unwrap() {
                match event.body {
                    Body::Done => *ends.entry(format!("*{id} is done*")).or_default() += 1,
                    Body::Failed { .. } => *ends.entry(format!("*{id} has failed*")).or_default() += 1,
                    Body::Cancelled { .. } => *ends.entry(format!("*{id} is cancelled*")).or_default() += 1,
                    Body::AskWithdrawn { id, .. } => unseen.push(id.0),
                    _ => {}
                }
            }
        }
        for (end, times) in ends {
            assert_eq!(seen.matches(&end).count(), times, "{end}\n{seen}");
        }
        for (_, ask) in &self.asks {
            let times = seen.matches(ask.as_str()).count();
            assert!(times == 1 || times == 0 && unseen.contains(ask), "{ask} is there {times} times\n{seen}");
        }
        for id in &self.ids {
            assert_eq!(seen.matches(&format!("## {id} ")).count(), 1, "{seen}");
        }
        assert_eq!(self.world.sender.behind(), devtask::slack::sender::Behind::default());
    }
}

fn raised(ask: &str) -> Report {
    Report::AskRaised { id: AskId(ask.to_owned()), what: question(&format!("{ask}?")) }
}

fn by() -> Actor {
    person("U0ANA")
}

#[tokio::test]
async fn each_ask_and_each_end_is_told_exactly_once() {
    for seed in (1..=12).map(|n| n * 104_729) {
        println!("seed {seed}");
        let world = World::new().await;
        let mut play = Play { world, dice: Dice(seed), ids: Vec::new(), asks: Vec::new() };
        for _ in 0..200 {
            play.step().await;
        }
        play.ends_well().await;
    }
}
