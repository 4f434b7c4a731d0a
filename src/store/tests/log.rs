//! The log: gapless, each event once, and the session is what it tells.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::domain::ask::{Answer, AskWhat};
use crate::domain::report::{Ending, TurnOutcome, Usage};
use crate::domain::session::{Session, fold};
use crate::domain::{AskId, Seq};

fn seqs(events: &[Event]) -> Vec<Seq> {
    events.iter().map(|e| e.seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seq_is_gapless_under_concurrent_commits() {
    let bench = Bench::new().await;
    let sessions = [bench.running("ana").await, bench.running("ben").await];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..60 {
        let store = bench.store.clone();
        let input =
            if n % 3 == 0 { message("ana", "and the frame") } else { Input::Grant { by: person("ana") } };
        tasks.spawn(async move { step(&store, sessions[n % 2], input).await.is_ok() });
    }
    for n in 1..=40 {
        bench.step(sessions[0], records(vec![note(n, "x", None)])).await.unwrap();
    }
    let accepted = tasks.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!(accepted, 20, "messages are taken, grants without a hold are refused");
    let logs = [bench.events(sessions[0]).await, bench.events(sessions[1]).await];
    for log in &logs {
        assert_eq!(seqs(log), (1..=log.len() as u64).collect::<Vec<_>>());
    }
    assert_eq!(logs.iter().map(Vec::len).sum::<usize>(), 2 * 5 + 20 + 40);
}

#[tokio::test]
async fn a_change_that_does_not_continue_the_log_is_refused() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    let skip = |row: &Row, _: &_, now| {
        let mut change = session::step(&row.session, message("ana", "hi"), now)?;
        change.events[0].seq += 1;
        Ok(change)
    };
    let error = bench.store.commit(id, Lane::People, None, skip).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Discontinuous(_))), "{error:?}");
    assert_eq!(bench.events(id).await.len(), 3);
}

#[tokio::test]
async fn records_that_come_twice_are_kept_once() {
    let bench = Bench::new().await;
    let id = bench.running("ana").await;
    let first = vec![note(1, "one", None), note(2, "two", None)];
    let before = bench.step(id, records(first.clone())).await.unwrap();
    let again = bench.step(id, records(first)).await.unwrap();
    assert_eq!((before.version, before.session.ingested), (again.version, 2), "a repeat writes nothing");
    bench.step(id, records(vec![note(2, "two", None), note(3, "three", None)])).await.unwrap();
    assert_eq!(bench.events(id).await.len(), 5 + 3);
}

#[tokio::test]
async fn long_bodies_and_lines_lie_beside_the_log_and_come_back_whole() {
    let bench = Bench::new().await;
    let id = bench.running("ana").await;
    let (text, line) = ("é".repeat(200 * 1024), vec![0xff; 300 * 1024]);
    let wanted =
        [("short", None), (text.as_str(), None), ("x", Some(line.clone())), (text.as_str(), Some(line))];
    let batch = wanted.iter().zip(1..).map(|((text, raw), n)| note(n, text, raw.clone())).collect();
    bench.step(id, records(batch)).await.unwrap();
    let events = bench.store.events(id, 5, 10, usize::MAX).await.unwrap();
    let got: Vec<_> = events.iter().map(|e| (e.body.clone(), e.raw.clone())).collect();
    let wanted = wanted
        .map(|(text, raw)| (crate::domain::event::Body::Report(Report::Note { text: text.to_owned() }), raw));
    assert_eq!(got, wanted);
    let inline: i64 = count(&bench, "SELECT coalesce(sum(length(body) + length(raw)), 0) FROM events").await;
    assert!(inline < 10_000, "{inline} bytes lie in the log itself");
    assert_eq!(count(&bench, "SELECT count(*) FROM blobs").await, 4);
}

async fn count(bench: &Bench, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&bench.store.0.shared.readers).await.unwrap()
}

#[tokio::test]
async fn a_page_of_the_log_ends_at_its_limits_but_is_never_empty() {
    let bench = Bench::new().await;
    let id = bench.running("ana").await;
    let batch = (1..=20).map(|n| note(n, "x", Some(vec![b'y'; 1000]))).collect();
    bench.step(id, records(batch)).await.unwrap();
    let page = async |after, limit, bytes| seqs(&bench.store.events(id, after, limit, bytes).await.unwrap());
    assert_eq!(page(0, 3, usize::MAX).await, [1, 2, 3]);
    assert_eq!(page(5, 100, 1).await, [6]);
    assert_eq!(page(5, 100, 2_500).await, [6, 7, 8]);
    assert_eq!(page(24, 100, 2_500).await, [25]);
    assert_eq!(page(25, 100, 2_500).await, [0; 0]);
}

#[tokio::test]
async fn commands_are_read_by_number_and_marked_when_consumed() {
    let bench = Bench::new().await;
    let id = bench.running("ana").await;
    bench.step(id, message("ana", "two")).await.unwrap();
    bench.step(id, message("ana", "three")).await.unwrap();
    let consumed = Record { n: 1, at: start(), report: Report::CommandConsumed { c: 2 }, raw: None };
    let row = bench.step(id, records(vec![consumed])).await.unwrap();
    assert_eq!(row.session.commands, [1, 3]);
    let commands = bench.store.commands(id, &[3, 1, 9]).await.unwrap();
    assert_eq!(commands.iter().map(|c| c.c).collect::<Vec<_>>(), [1, 3]);
    let told: Vec<_> = bench
        .events(id)
        .await
        .into_iter()
        .filter_map(|e| match e.body {
            crate::domain::event::Body::CommandIssued { command } if command.c != 2 => Some(command),
            _ => None,
        })
        .collect();
    assert_eq!(commands, told);
    assert_eq!(count(&bench, "SELECT count(*) FROM commands WHERE consumed_seq = 8").await, 1);
    assert_eq!(bench.store.commands(id, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn transcripts_are_kept_in_order_beside_the_log() {
    let bench = Bench::new().await;
    let id = bench.running("ana").await;
    let piece = |n, line: &str| Record {
        n,
        at: start(),
        report: Report::Transcript { path: "p.jsonl".to_owned() },
        raw: Some(line.as_bytes().to_vec()),
    };
    let before = bench.store.row(id).await.unwrap().unwrap();
    bench.step(id, records(vec![piece(1, "a"), piece(2, "b")])).await.unwrap();
    bench.step(id, records(vec![piece(3, "c")])).await.unwrap();
    // No verb reads them yet: they wait for the node that goes on where this one stopped.
    let kept = sqlx::query_as::<_, (u32, u32, Vec<u8>)>(
        "SELECT attempt, n, line FROM transcripts ORDER BY attempt, n",
    );
    let lines = kept.fetch_all(&bench.store.0.shared.readers).await.unwrap();
    assert_eq!(lines, [(1, 1, b"a".to_vec()), (1, 2, b"b".to_vec()), (1, 3, b"c".to_vec())]);
    let after = bench.store.row(id).await.unwrap().unwrap();
    assert_eq!((after.session.head, after.session.ingested), (before.session.head, 3));
}

/// One move of somebody in a story; illegal ones are refused and must leave no trace.
fn moves() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..16, 1..60)
}

fn input(kind: u8, session: &Session, now: Time) -> Input {
    let (attempt, n) = (session.attempt, session.ingested + 1);
    let told = |report| Input::Records { attempt, records: vec![Record { n, at: now, report, raw: None }] };
    let ask = AskId("toolu_1".to_owned());
    match kind {
        0..=2 => Input::Admit { attempt: attempt.next() },
        3..=5 => Input::Hello { attempt },
        6 => Input::Pause { by: person("ana"), reason: None },
        7 => Input::Resume { by: person("ana") },
        8 => message("ben", "hm"),
        9 => told(Report::AskRaised { id: ask, what: AskWhat::Plan { text: "dig".to_owned() } }),
        10 => {
            let answer = Answer::Decide { decide: crate::domain::ask::Decision::Allow, message: None };
            Input::Answer { by: person("ana"), ask, answer }
        }
        11 => told(Report::Ended { how: Ending::Drained }),
        12 => {
            let finished = Ending::Finished { pushed: None, evidence: Vec::new(), summary: "ok".to_owned() };
            told(Report::Ended { how: finished })
        }
        13 => {
            let usage = Usage { cost_micro_usd: 7, input_tokens: 1, output_tokens: 2, turns: 3 };
            told(Report::TurnEnded { outcome: TurnOutcome::Completed { text: "t".to_owned() }, usage })
        }
        14 => Input::Lost { attempt, cause: "gone".to_owned(), transient: true },
        _ => Input::Rerun { by: person("ana") },
    }
}

#[test]
fn the_log_read_back_folds_into_the_row() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::new());
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let law = |moves: Vec<u8>| {
        runtime.block_on(async {
            let id = bench.create("ana").await.session.id();
            for kind in moves {
                bench.clock.turn(TimeDelta::seconds(40));
                let row = bench.store.row(id).await.unwrap().unwrap();
                let before = (row.version, bench.store.row(id).await.unwrap());
                let done = bench.step(id, input(kind, &row.session, bench.clock.now())).await;
                if done.is_err() {
                    prop_assert_eq!(&before, &(row.version, bench.store.row(id).await.unwrap()));
                }
            }
            let row = bench.store.row(id).await.unwrap().unwrap();
            let folded = fold(&bench.events(id).await).unwrap();
            // Counts records, not events.
            prop_assert_eq!(&Session { ingested: row.session.ingested, ..folded }, &*row.session);
            Ok(())
        })
    };
    runner.run(&moves(), law).unwrap();
}
