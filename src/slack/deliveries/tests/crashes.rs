//! Repeats, late ones and crashes in any order: what was acked is carried out, and once in each life.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::super::Taken;
use super::*;

#[derive(Clone, Debug)]
enum Happens {
    /// The sending with this number comes; `ms` after it was sent.
    Arrives { n: u8, ms: i64, holds: bool },
    /// Whatever waits for the gate goes on.
    GoesOn,
    /// The process ends without a word, and another one starts.
    Crash,
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let arrives = (0..6_u8, prop_oneof![4 => Just(0), 1 => 2_001..9_000_i64], any::<bool>());
    let one = prop_oneof![
        6 => arrives.prop_map(|(n, ms, holds)| Happens::Arrives { n, ms, holds }),
        2 => Just(Happens::GoesOn),
        1 => Just(Happens::Crash),
    ];
    proptest::collection::vec(one, 1..24)
}

async fn play(story: Vec<Happens>) {
    let mut bench = Bench::new().await;
    let (mut acked, mut lives) = (BTreeSet::new(), 1);
    bench.deliveries.start();
    for next in story {
        match next {
            Happens::Arrives { n, ms, holds } => {
                let arrival = bench.command(&n.to_string(), if holds { "hold" } else { "go" });
                bench.clock.turn(TimeDelta::milliseconds(ms));
                let key = arrival.delivery.key.clone();
                let known = acked.contains(&key);
                match bench.deliveries.take(arrival).await.0 {
                    Taken::Ack(_) => assert!(acked.insert(key) || known),
                    Taken::DoNotAck => assert!(ms > 2_000 && !known, "only what is late and new"),
                }
            }
            Happens::GoesOn => bench.desk.gate.add_permits(1),
            Happens::Crash => {
                bench.deliveries.0.pool.crash();
                bench.deliveries = put_together(&bench.notes, &bench.desk, &bench.clock);
                bench.deliveries.start();
                lives += 1;
            }
        }
    }
    bench.desk.gate.add_permits(1_000);
    bench.all_done().await;
    until("nothing is under way", async || bench.deliveries.under_way() == 0).await;
    let called = bench.desk.called();
    for key in &acked {
        let times = called.iter().filter(|c| **c == worked(key)).count();
        assert!((1..=lives).contains(&times), "{key} was carried out {times} times in {lives} lives");
    }
    let known = |c: &Called| matches!(c, Called::Late(_)) || acked.iter().any(|key| *c == worked(key));
    assert!(called.iter().all(known), "nothing is carried out that was not acked: {called:?}");
    bench.deliveries.shutdown().await;
    bench.store.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acked_is_carried_out_over_any_crash(story in happens()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(story));
    }
}
