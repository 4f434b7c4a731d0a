//! `kill -9` of anything in the middle of a turn changes nothing in the outcome and loses nothing that was said.
//!
//! Agents say numbered markers; the stream is read from outside through every restart. Must not know journals.

use std::collections::BTreeSet;
use std::time::Duration;

use devtask::clock::Clock;
use devtask::domain::SessionId;
use devtask::domain::session::Status;
use devtask::workbench::script::{Markers, OVER, Step};
use rustix::process::Signal;

use super::house::{House, Rules, asking, finish, kill};
use crate::figures;

fn markers(count: u64) -> Markers {
    Markers { count, every_ms: 20, prefix: "marker".to_owned() }
}

fn story(markers: &Markers) -> Vec<Step> {
    let mut steps = vec![Step { markers: Some(markers.clone()), ..Step::default() }];
    steps.extend(finish());
    steps
}

/// Waits until the stream has shown so many of the markers.
async fn has_said(house: &House, id: SessionId, markers: &Markers, count: usize) {
    let stream = house.stream(id);
    house
        .wait(&format!("{count} markers"), async || stream.look(|s| s.markers(markers).len()) >= count)
        .await;
}

/// Small numbers that a seed replays.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let said = std::env::var("DEVTASK_SEED").ok().and_then(|s| s.parse().ok());
        let seed = said.unwrap_or_else(|| Clock::system().random_id().as_u64_pair().0);
        println!("seed {seed}: DEVTASK_SEED={seed} plays it again");
        Self(seed | 1)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[tokio::test]
async fn the_control_plane_may_die_at_any_moment() {
    let mut dice = Dice::new();
    let mut house = House::open(Rules::default()).await;
    let markers = markers(120);
    let sessions = [house.create(story(&markers)).await, house.create(story(&markers)).await];
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(50 + dice.up_to(700))).await;
        house.kill().await;
        tokio::time::sleep(Duration::from_millis(dice.up_to(300))).await;
        house.start().await;
    }
    let mut lost = 0;
    for id in sessions {
        let done = house.done(id).await;
        assert_eq!(done.attempt.0, 1, "nobody but the control plane died");
        let seen = house.seen(id);
        lost += seen.breaks() + seen.again(&markers) + seen.missing(&markers).len() as u64;
    }
    figures::none("kill9.control.lost", lost);
    house.end().await;
}

/// What the agent's own transcript has, which a reader that died may not have read to its end.
fn written(house: &House, markers: &Markers) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    let mut open = vec![house.data().join("nodes")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "jsonl") {
                let text = std::fs::read_to_string(&path).unwrap();
                let said = |n: &u64| text.contains(&format!("\"{}\"", markers.text(*n)));
                found.extend((1..=markers.count).filter(said));
            }
        }
    }
    found
}

/// Every marker is in the stream, or, where its reader died, at least in the transcript; one that came again came
/// under its own uuid, and at most one did for each kill.
async fn all_is_kept(house: &House, id: SessionId, markers: &Markers, kills: u64, reader_died: bool) -> u64 {
    house.done(id).await;
    let seen = house.seen(id);
    for (n, uuids) in seen.markers(markers) {
        assert!(uuids.iter().all(|uuid| *uuid == uuids[0]), "marker {n} has two uuids: {uuids:?}");
    }
    assert!(seen.again(markers) <= kills, "{:?}", seen.markers(markers));
    let missing = seen.missing(markers);
    if !reader_died {
        return seen.breaks() + missing.len() as u64;
    }
    let kept = written(house, markers);
    assert!(missing.len() as u64 <= 2 * kills, "not read from a pipe: {missing:?}");
    seen.breaks() + missing.iter().filter(|n| !kept.contains(n)).count() as u64
}

#[tokio::test]
async fn the_supervisor_may_die_in_the_middle_of_a_turn() {
    let mut house = House::open(Rules::default()).await;
    let markers = markers(60);
    let id = house.create(story(&markers)).await;
    for said in [10, 35] {
        has_said(&house, id, &markers, said).await;
        kill(house.supervisor(id).unwrap(), Signal::KILL);
    }
    let lost = all_is_kept(&house, id, &markers, 2, true).await;
    figures::none("kill9.supervisor.lost", lost);
    house.end().await;
}

#[tokio::test]
async fn the_agent_may_die_in_the_middle_of_a_turn() {
    let mut house = House::open(Rules::default()).await;
    let markers = markers(60);
    let id = house.create(story(&markers)).await;
    for said in [10, 35] {
        has_said(&house, id, &markers, said).await;
        for pid in house.agents(id) {
            kill(pid, Signal::KILL);
        }
    }
    let lost = all_is_kept(&house, id, &markers, 2, false).await;
    figures::none("kill9.agent.lost", lost);
    house.end().await;
}

#[tokio::test]
async fn supervisor_agent_and_control_plane_may_die_together() {
    let mut house = House::open(Rules::default()).await;
    let markers = markers(60);
    let id = house.create(story(&markers)).await;
    has_said(&house, id, &markers, 20).await;
    house.kill().await;
    for pid in house.processes(id) {
        kill(pid, Signal::KILL);
    }
    house.gone(id).await;
    house.start().await;
    let lost = all_is_kept(&house, id, &markers, 1, true).await;
    figures::none("kill9.together.lost", lost);
    house.end().await;
}

/// From the clone to the push: whatever is under way when one of the three dies.
#[tokio::test]
async fn any_of_the_three_may_die_at_any_moment() {
    let mut dice = Dice::new();
    let limits = vec![("max_retries", 50.into())];
    let mut house = House::open(Rules { limits, ..Rules::default() }).await;
    let markers = markers(30);
    let id = house.create(story(&markers)).await;
    let kills = 8;
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(dice.up_to(600))).await;
        match dice.up_to(3) {
            0 => {
                house.kill().await;
                house.start().await;
            }
            1 => house.supervisor(id).into_iter().for_each(|pid| kill(pid, Signal::KILL)),
            _ => house.agents(id).into_iter().for_each(|pid| kill(pid, Signal::KILL)),
        }
    }
    let lost = all_is_kept(&house, id, &markers, kills, true).await;
    figures::none("kill9.any.lost", lost);
    figures::none("kill9.leftovers", house.close().await.len() as u64);
}

#[tokio::test]
async fn an_agent_that_dies_after_its_answer_is_told_to_go_on_and_not_the_answer_again() {
    let mut house = House::open(Rules::default()).await;
    let markers = markers(40);
    let mut steps = vec![asking("Left or right?"), Step::say("{{last_tool_result}}")];
    steps.extend(story(&markers));
    let id = house.create(steps).await;
    let ask = house.ask(id).await;
    house.answer(&ask, "Left").await.unwrap();
    has_said(&house, id, &markers, 10).await;
    for pid in house.agents(id) {
        kill(pid, Signal::KILL);
    }
    assert_eq!(all_is_kept(&house, id, &markers, 1, false).await, 0);
    let seen = house.seen(id);
    assert_eq!((seen.count("ask.opened"), seen.count("ask.applied")), (1, 1));
    assert_eq!(seen.said().iter().filter(|t| t.contains("\"Left or right?\"=\"Left\"")).count(), 1);
    assert!(!seen.said().contains(&OVER), "nothing was said beyond the script: {:?}", seen.said());
    house.end().await;
}

#[tokio::test]
async fn an_ask_that_died_with_its_agent_waits_and_its_answer_is_told_in_the_next_attempt() {
    let mut house = House::open(Rules::default()).await;
    let mut steps = vec![asking("Left or right?")];
    steps.extend(finish());
    let id = house.create(steps).await;
    let ask = house.ask(id).await;
    for pid in house.processes(id) {
        kill(pid, Signal::KILL);
    }
    house
        .wait("it waits for its answer", async || {
            let view = house.show(id).await;
            !view.asks.is_empty() && (view.status == Status::Paused || !house.agents(id).is_empty())
        })
        .await;
    house.answer(&ask, "Left").await.unwrap();
    house.done(id).await;
    assert_eq!(house.seen(id).count("ask.applied"), 1);
    house.end().await;
}

#[tokio::test]
async fn what_a_dead_agents_tool_left_behind_is_ended_with_its_attempt() {
    let mut house = House::open(Rules::default()).await;
    let mut steps = vec![Step { spawn: Some(600), ..Step::say("It stays.") }];
    steps.push(Step { markers: Some(markers(40)), ..Step::default() });
    steps.extend(finish());
    let id = house.create(steps).await;
    has_said(&house, id, &markers(40), 5).await;
    for pid in house.processes(id) {
        kill(pid, Signal::KILL);
    }
    house.done(id).await;
    house.end().await;
}
