//! Whatever people, Slack and power cuts do in whatever order: each edge is posted once, and the kept cursor never
//! passes one that was not told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::world::{Log, ana};
use crate::domain::command::MessageMode;
use crate::domain::report::{Phase, Report};
use crate::domain::session::Input;
use crate::domain::{AskId, Seq};
use crate::slack::sender::edge::{Edge, edge};
use crate::slack::sender::plan::{Outcome, ROOT, Track};
use crate::slack::sender::wish::{What, Wish};
use crate::store::slack::Post;

#[derive(Clone, Copy, Debug)]
enum Move {
    Run,
    Ask(u8),
    Answer(u8),
    TakeBack(u8),
    Step,
    Talk,
    Pause,
    Resume,
    Cancel,
    Finish,
    Again,
    Lose,
    Wait(u8),
    Nudge,
    Read,
    /// Grants the n-th wish, and this becomes of it.
    Call(u8, Fate),
    Keep,
    Crash,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Well,
    /// It was applied and its answer lost.
    Unheard,
    /// It never arrived, and nobody knows.
    Lost,
    /// It was certainly not applied.
    NotNow,
    /// The process died before the call.
    CutBefore,
    /// It died after it.
    CutAfter,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Well),
        1 => Just(Fate::Unheard),
        1 => Just(Fate::Lost),
        1 => Just(Fate::NotNow),
        1 => Just(Fate::CutBefore),
        1 => Just(Fate::CutAfter),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::Run),
        4 => (0_u8..4).prop_map(Move::Ask),
        3 => (0_u8..4).prop_map(Move::Answer),
        1 => (0_u8..4).prop_map(Move::TakeBack),
        2 => Just(Move::Step),
        1 => Just(Move::Talk),
        1 => Just(Move::Pause),
        1 => Just(Move::Resume),
        1 => Just(Move::Cancel),
        2 => Just(Move::Finish),
        2 => Just(Move::Again),
        1 => Just(Move::Lose),
        3 => (0_u8..30).prop_map(Move::Wait),
        1 => Just(Move::Nudge),
        4 => Just(Move::Read),
        12 => (any::<u8>(), any_fate()).prop_map(|(n, fate)| Move::Call(n, fate)),
        3 => Just(Move::Keep),
        1 => Just(Move::Crash),
    ]
}

/// A channel that forgets nothing, the rows, and a track over both.
struct World {
    log: Log,
    track: Track,
    rows: BTreeMap<String, Post>,
    cursor: Seq,
    /// Messages of each slot.
    there: BTreeMap<String, Vec<String>>,
    records: BTreeSet<AskId>,
    /// Asks of which nothing was said, as they were taken back before.
    unsaid: BTreeSet<AskId>,
    n: u32,
}

impl World {
    fn new() -> Self {
        let log = Log::new();
        let track = Track::new(log.thread(0), Vec::new());
        let (rows, there, cursor) = (BTreeMap::new(), BTreeMap::new(), 0);
        Self { log, track, rows, cursor, there, records: BTreeSet::new(), unsaid: BTreeSet::new(), n: 0 }
    }

    fn go(&mut self, step: Move) {
        let ask = |n: u8| AskId(format!("q{n}"));
        let log = &mut self.log;
        let attempt = log.session.attempt;
        match step {
            Move::Run => {
                let attempt = attempt.next();
                log.say(Input::Admit { attempt });
                log.say(Input::Hello { attempt });
            }
            Move::Ask(n) => {
                let what = super::world::question(&ask(n).0);
                log.report(Report::AskRaised { id: ask(n), what });
            }
            Move::Answer(n) => {
                let answer = super::world::yes(&ask(n).0);
                log.say(Input::Answer { by: ana(), ask: ask(n), answer });
            }
            Move::TakeBack(n) => drop(log.report(Report::AskTakenBack { id: ask(n), why: "again".into() })),
            Move::Step => drop(log.report(Report::Phase { phase: Phase::Execute })),
            Move::Talk => {
                log.say(Input::Message { by: ana(), text: "hm".into(), mode: MessageMode::Queue });
            }
            Move::Pause => drop(log.say(Input::Pause { by: ana(), reason: None })),
            Move::Resume => drop(log.say(Input::Resume { by: ana() })),
            Move::Cancel => drop(log.say(Input::Cancel { by: ana(), reason: None })),
            Move::Finish => {
                let how = crate::domain::report::Ending::Finished {
                    pushed: None,
                    evidence: Vec::new(),
                    summary: String::new(),
                };
                log.report(Report::Ended { how });
            }
            Move::Again => drop(log.say(Input::Rerun { by: ana() })),
            Move::Lose => drop(log.say(Input::Lost { attempt, cause: "gone".into(), transient: false })),
            Move::Wait(seconds) => drop(log.wait(i64::from(seconds))),
            Move::Nudge => self.track.nudge(log.now),
            Move::Read => log.read_by(&mut self.track),
            Move::Call(n, fate) => self.call(n, fate),
            Move::Keep => self.keep(),
            Move::Crash => self.crash(),
        }
    }

    fn call(&mut self, n: u8, fate: Fate) {
        let (wishes, _) = self.track.wishes(self.log.now);
        if wishes.is_empty() {
            return;
        }
        let wish = wishes[usize::from(n) % wishes.len()].clone();
        match wish.what.clone() {
            What::Post => self.post(&wish, fate),
            What::Update { ts, .. } => self.update(&wish, ts, fate),
            What::Look { .. } => self.look(&wish, fate),
        }
    }

    fn is_unsaid(&self, wish: &Wish) -> Option<AskId> {
        use crate::domain::ask::AskState;
        match &self.track.edge_in(&wish.slot)?.edge {
            Edge::Asked(ask) if matches!(self.track.end_of(&ask.id), Some(AskState::Withdrawn { .. })) => {
                Some(ask.id.clone())
            }
            _ => None,
        }
    }

    fn post(&mut self, wish: &Wish, fate: Fate) {
        let now = self.log.now;
        if let Some(id) = self.is_unsaid(wish) {
            self.unsaid.insert(id);
            self.track.outcome(&wish.slot, Outcome::Nothing, now);
            return;
        }
        let (session, slot) = (self.log.session.id(), wish.slot.clone());
        let row = Post {
            session,
            slot: slot.clone(),
            channel: "C1".into(),
            ts: None,
            hash: Some([1; 32]),
            at: now,
        };
        self.rows.insert(slot.clone(), row.clone());
        self.track.sending(&slot, [1; 32], now);
        self.n += 1;
        let ts = format!("{:05}.0", self.n);
        if matches!(fate, Fate::Well | Fate::Unheard | Fate::CutAfter) {
            self.there.entry(slot.clone()).or_default().push(ts.clone());
        }
        match fate {
            Fate::Well => {
                self.rows.insert(slot.clone(), Post { ts: Some(ts.clone()), ..row });
                let outcome = Outcome::Stands { ts, hash: [1; 32], shown: self.log.shown() };
                self.track.outcome(&slot, outcome, now);
            }
            Fate::Unheard | Fate::Lost => self.track.outcome(&slot, Outcome::Unsure, now),
            Fate::NotNow => self.track.outcome(&slot, Outcome::NotNow, now),
            Fate::CutBefore | Fate::CutAfter => self.crash(),
        }
    }

    fn update(&mut self, wish: &Wish, ts: String, fate: Fate) {
        let now = self.log.now;
        let record = match self.track.edge_in(&wish.slot).map(|at| &at.edge) {
            Some(Edge::Settled { id, .. }) => Some(id.clone()),
            _ => None,
        };
        if matches!(fate, Fate::Well | Fate::Unheard | Fate::CutAfter) {
            self.records.extend(record);
        }
        match fate {
            Fate::Well => {
                let outcome = Outcome::Stands { ts, hash: [2; 32], shown: self.log.shown() };
                self.track.outcome(&wish.slot, outcome, now);
            }
            Fate::Unheard | Fate::Lost | Fate::NotNow => self.track.outcome(&wish.slot, Outcome::NotNow, now),
            Fate::CutBefore | Fate::CutAfter => self.crash(),
        }
    }

    fn look(&mut self, wish: &Wish, fate: Fate) {
        let now = self.log.now;
        let found = self.there.get(&wish.slot).and_then(|all| all.first()).cloned();
        match (fate, found) {
            (Fate::Well, Some(ts)) => {
                if let Some(row) = self.rows.get_mut(&wish.slot) {
                    row.ts = Some(ts.clone());
                }
                self.track.outcome(&wish.slot, Outcome::Found { ts }, now);
            }
            (Fate::Well, None) => self.track.outcome(&wish.slot, Outcome::Absent, now),
            (Fate::CutBefore | Fate::CutAfter, _) => self.crash(),
            _ => self.track.outcome(&wish.slot, Outcome::Unsure, now),
        }
    }

    fn keep(&mut self) {
        if let Some(cursor) = self.track.worth_keeping(self.log.now) {
            self.cursor = self.cursor.max(cursor);
            self.track.kept(cursor, self.log.now);
        }
    }

    fn crash(&mut self) {
        let root = self.rows.get(ROOT).and_then(|row| row.ts.clone());
        let thread = self.log.thread(self.cursor);
        let thread = crate::store::slack::Thread { root: root.clone(), thread: root, ..thread };
        self.track = Track::new(thread, self.rows.values().cloned().collect());
    }

    /// From here on everything goes well.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            self.log.read_by(&mut self.track);
            self.keep();
            match self.track.wishes(self.log.now) {
                (wishes, _) if !wishes.is_empty() => self.call(0, Fate::Well),
                (_, Some(later)) => self.log.now = later.max(self.log.now),
                (_, None) => return,
            }
        }
        panic!("it never comes to an end: {:?}", self.track);
    }

    /// Edges up to here, each with its place.
    fn edges(&self, up_to: Seq) -> Vec<(Seq, Edge)> {
        let told = self.log.events.iter().take_while(|event| event.seq <= up_to);
        told.filter_map(|event| Some((event.seq, edge(event)?))).collect()
    }

    fn check(&self, up_to: Seq) -> Result<(), TestCaseError> {
        for (slot, messages) in &self.there {
            prop_assert!(messages.len() <= 1, "{slot} was posted {} times", messages.len());
        }
        for (seq, edge) in self.edges(up_to) {
            match edge {
                Edge::Asked(ask) => {
                    let told = self.there.contains_key(&format!("ask:{}", ask.id));
                    prop_assert!(told || self.unsaid.contains(&ask.id), "{} was passed over", ask.id);
                }
                Edge::Settled { id, .. } => {
                    prop_assert!(
                        self.records.contains(&id) || self.unsaid.contains(&id),
                        "{id} has no record"
                    );
                }
                Edge::Ended { .. } => {
                    prop_assert!(
                        self.there.contains_key(&format!("final:{seq}")),
                        "the end at {seq} was passed over"
                    );
                }
                Edge::Spent { .. } | Edge::Unpublished { .. } | Edge::Noticed { .. } | Edge::Moved { .. } => {
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_edge_is_told_once_and_the_cursor_passes_none(moves in prop::collection::vec(any_move(), 1..120)) {
        let mut world = World::new();
        for step in moves {
            world.go(step);
            world.check(world.cursor)?;
        }
        world.log.now += TimeDelta::minutes(1);
        world.settle();
        world.check(world.log.session.head)?;
        prop_assert_eq!(world.cursor, world.log.session.head);
    }
}
