//! The figures: what an event costs, how late it is, what a session holds, how fast a start is. Prints only.
//!
//! One line a figure: `figure NAME VALUE UNIT limit OP N ok|short`. Every group runs in a process of its own, because
//! processor time and memory are read from the kernel's books for whole processes. Must not be run beside anything
//! else; `cargo bench -- relay` runs one group.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench that cannot go on says so and ends; its figures are its output; its counts are small"
)]

mod dispatch;
mod effect;
mod figure;
mod process;
mod pump;
mod relay;
mod restart;
mod slack;
mod store;
mod supervisor;
#[path = "../it/slack/sender/world.rs"]
#[allow(dead_code, reason = "the suites use what is not used here")]
mod world;

/// The groups, by the word that runs one of them alone.
const GROUPS: &[(&str, fn())] = &[
    ("relay", relay_cpu),
    ("live", relay_live),
    ("supervisor", supervisor::run),
    ("dispatch", dispatch::run),
    ("restart", restart::run),
    ("store", store::run),
    ("slack", slack::run),
    ("effect", effect::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => GROUPS.iter().for_each(|(name, _)| process::wait(process::own(&[name]))),
        ["far", plan] => relay::far::main(plan),
        // Whoever starts an agent adds words of its own.
        ["pump", lines, bytes, ..] => pump::main(lines.parse().unwrap(), bytes.parse().unwrap()),
        [name] => match GROUPS.iter().find(|(group, _)| *group == name) {
            Some((_, run)) => run(),
            None => panic!("there is no group `{name}`"),
        },
        _ => panic!("one group at a time"),
    }
}

/// One committed, acked event under full load.
fn relay_cpu() {
    figure::print("relay.control_cpu", relay::flood(8, 8_000), "us", "<=", 20.0);
}

/// Calm sessions, ten events a second each, each with a reader: how late events are and what a session holds.
fn relay_live() {
    let live = relay::live(&[50, 100, 200], 10);
    let (few, middle, many) = (&live[0], &live[1], &live[2]);
    figure::print("relay.p50", middle.p50_ms, "ms", "<=", 6.0);
    figure::print("relay.p99", middle.p99_ms, "ms", "<=", 6.0);
    let slope = (many.rss_mb - few.rss_mb) / f64::from(many.sessions - few.sessions);
    figure::print("relay.mem_per_session", slope, "MB", "<=", 0.2);
}
