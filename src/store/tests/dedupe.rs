//! The first answer stands.

use super::*;
use crate::domain::session::Refusal;
use crate::store::Dedupe;

fn key(name: &str, request: u8) -> Dedupe {
    Dedupe { key: name.to_owned(), request: [request; 32] }
}

async fn say(bench: &Bench, id: SessionId, dedupe: Dedupe, input: Input) -> Result<Row, CommitError> {
    let decide = move |row: &Row, _: &_, now| session::step(&row.session, input.clone(), now);
    bench.store.commit(id, Lane::People, Some(dedupe), decide).await
}

async fn make(bench: &Bench, dedupe: Dedupe, goal: &'static str) -> Result<Row, CommitError> {
    let make = move |id, mark, _: &_, now| {
        session::create(NewSession { brief: Brief::from_text(goal), ..new(id, mark, person("ana")) }, now)
    };
    bench.store.create(Lane::People, Some(dedupe), make).await
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let bench = Bench::new().await;
    let first = make(&bench, key("k", 1), "paint").await.unwrap();
    let again = make(&bench, key("k", 1), "paint").await.unwrap();
    assert_eq!(first, again);
    let id = first.session.id();
    let said = say(&bench, id, key("m", 1), message("ana", "hi")).await.unwrap();
    assert_eq!(say(&bench, id, key("m", 1), message("ana", "hi")).await.unwrap(), said);
    assert_eq!(said.session.last_command, 2, "it was said once");
}

#[tokio::test]
async fn a_refusal_is_kept_as_well() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    let refusal = |answer: Result<Row, CommitError>| match answer {
        Err(CommitError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let resume = || Input::Resume { by: person("ana") };
    let first = refusal(say(&bench, id, key("k", 1), resume()).await);
    // By now it would be legal; the key's answer stands all the same.
    bench.step(id, Input::Pause { by: person("ana"), reason: None }).await.unwrap();
    assert_eq!(refusal(say(&bench, id, key("k", 1), resume()).await), first);
    assert!(matches!(first, Refusal::Illegal { .. }));
    assert!(matches!(refusal(make(&bench, key("c", 1), " ").await), Refusal::BadBrief { .. }));
    assert!(matches!(refusal(make(&bench, key("c", 1), " ").await), Refusal::BadBrief { .. }));
    assert_eq!(bench.create("ana").await.session.id(), super::id(2), "a refused one uses up no number");
}

#[tokio::test]
async fn a_key_serves_one_request() {
    let bench = Bench::new().await;
    let first = make(&bench, key("k", 1), "paint").await.unwrap();
    assert!(matches!(make(&bench, key("k", 2), "other").await, Err(CommitError::KeyReused)));
    assert_eq!(make(&bench, key("k", 1), "paint").await.unwrap(), first);
}

#[tokio::test]
async fn repeats_at_the_same_moment_make_one() {
    let bench = Bench::new().await;
    let (a, b, c) = tokio::join!(
        make(&bench, key("k", 1), "x"),
        make(&bench, key("k", 1), "x"),
        make(&bench, key("k", 2), "y")
    );
    assert_eq!(a.unwrap(), b.unwrap());
    assert!(matches!(c, Err(CommitError::KeyReused)));
    assert_eq!(bench.store.open_rows().len(), 1);
}

#[tokio::test]
async fn what_nobody_can_repeat_any_more_is_forgotten() {
    let bench = Bench::new().await;
    let id = make(&bench, key("old", 1), "x").await.unwrap().session.id();
    bench.clock.turn(TimeDelta::hours(23));
    say(&bench, id, key("young", 1), message("ana", "a")).await.unwrap();
    bench.clock.turn(TimeDelta::hours(2));
    let now = bench.step(id, message("ana", "b")).await.unwrap();
    assert_eq!(
        say(&bench, id, key("young", 1), message("ana", "a")).await.unwrap(),
        now,
        "nothing is said again"
    );
    assert_ne!(make(&bench, key("old", 1), "x").await.unwrap().session.id(), id, "made anew");
}

#[tokio::test]
async fn an_answer_survives_a_restart() {
    let bench = Bench::new().await;
    let first = make(&bench, key("k", 1), "x").await.unwrap();
    bench.store.close().await;
    let bench = Bench { store: open(bench.path(), &bench.clock).await.unwrap(), ..bench };
    let again = make(&bench, key("k", 1), "x").await.unwrap();
    assert_eq!(again, first);
}
