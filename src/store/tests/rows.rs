//! Rows: which are kept in memory, which are listed, what a node's steps leave behind.

use super::*;
use crate::domain::event::Body;
use crate::domain::lease::State;
use crate::domain::session::Status;
use crate::store::ListQuery;

fn numbers(rows: &[Row]) -> Vec<u32> {
    rows.iter().map(|row| row.session.id().number()).collect()
}

#[tokio::test]
async fn settled_sessions_leave_the_memory_once_their_node_is_gone() {
    let bench = Bench::new().await;
    for owner in ["ana", "ben", "eve"] {
        bench.create(owner).await;
    }
    bench.request(id(2), 1).await;
    bench.step(id(1), cancel("ana")).await.unwrap();
    bench.step(id(2), cancel("ben")).await.unwrap();
    assert_eq!(numbers(&bench.store.open_rows()), [2, 3]);
    bench.lease(id(2), lease::Input::Release { why: "settled".to_owned() }).await;
    assert_eq!(numbers(&bench.store.open_rows()), [2, 3]);
    let row = bench.lease(id(2), lease::Input::Gone).await;
    assert_eq!(numbers(&bench.store.open_rows()), [3]);
    assert_eq!(bench.store.row(id(2)).await.unwrap(), Some(row), "it is read from the database");
    assert_eq!(bench.store.row(id(9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_settled_session_can_be_taken_up_again() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    bench.step(id(1), cancel("ana")).await.unwrap();
    assert_eq!(numbers(&bench.store.open_rows()), [0; 0]);
    let row = bench.step(id(1), Input::Rerun { by: person("ana") }).await.unwrap();
    assert_eq!(row.session.status, Status::Queued);
    assert_eq!(bench.store.open_rows(), [row]);
}

#[tokio::test]
async fn an_unknown_session_is_said_so() {
    let bench = Bench::new().await;
    let error = bench.step(id(7), cancel("ana")).await.unwrap_err();
    assert!(matches!(error, CommitError::Unknown(session) if session == id(7)));
}

#[tokio::test]
async fn the_version_rises_with_every_write() {
    let bench = Bench::new().await;
    assert_eq!(bench.create("ana").await.version, 1);
    assert_eq!(bench.step(id(1), message("ana", "x")).await.unwrap().version, 2);
    assert!(bench.step(id(1), Input::Resume { by: person("ana") }).await.is_err());
    assert_eq!(bench.request(id(1), 1).await.version, 3);
    assert_eq!(bench.store.row(id(1)).await.unwrap().unwrap().version, 3);
}

#[tokio::test]
async fn a_node_tells_the_log_of_each_new_state_and_each_new_trouble_once() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    bench.request(id(1), 1).await;
    bench.lease(id(1), lease::Input::Create).await;
    let later = start() + TimeDelta::seconds(5);
    let stumble = |cause: &str| lease::Input::Stumbled { cause: cause.to_owned(), not_before: later };
    for cause in ["busy", "busy", "full"] {
        bench.lease(id(1), stumble(cause)).await;
    }
    let row = bench.store.row(id(1)).await.unwrap().unwrap();
    assert_eq!(row.lease.unwrap().tries, 3, "each step is kept");
    let told = bench.events(id(1)).await.into_iter().filter_map(|e| match e.body {
        Body::NodeChanged { state, detail, .. } => Some((state, detail)),
        _ => None,
    });
    let trouble = |cause: &str| (State::Creating, Some(cause.to_owned()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(State::Requested, None), (State::Creating, None), trouble("busy"), trouble("full")]
    );
}

#[tokio::test]
async fn a_settled_sessions_node_is_let_go_in_silence() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    bench.request(id(1), 1).await;
    let head = bench.step(id(1), cancel("ana")).await.unwrap().session.head;
    let row = bench.lease(id(1), lease::Input::Release { why: "over".to_owned() }).await;
    assert_eq!((row.session.head, row.lease.unwrap().state), (head, State::Releasing));
}

#[tokio::test]
async fn an_illegal_step_of_a_node_changes_nothing() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let before = bench.request(id(1), 2).await;
    let ready = |row: &Row, now| lease::step(row.lease.as_ref().unwrap(), lease::Input::Ready, now);
    assert!(matches!(bench.store.lease(id(1), ready).await, Err(CommitError::Lease(_))));
    let older = |row: &Row, now| {
        let key = Key::new("x", row.session.id(), 1);
        Ok(Lease::request(key, row.session.id(), 1, "local".to_owned(), now))
    };
    let error = bench.store.lease(id(1), older).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Discontinuous(_))), "{error:?}");
    assert_eq!(bench.store.row(id(1)).await.unwrap(), Some(before));
}

#[tokio::test]
async fn the_next_node_waits_until_the_one_before_is_gone() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    bench.request(id(1), 1).await;
    bench.lease(id(1), lease::Input::Release { why: "stuck".to_owned() }).await;
    let next = |row: &Row, now| {
        let key = Key::new("x", row.session.id(), 2);
        Ok(Lease::request(key, row.session.id(), 2, "local".to_owned(), now))
    };
    assert!(matches!(bench.store.lease(id(1), next).await, Err(CommitError::Lease(_))));
    bench.lease(id(1), lease::Input::Gone).await;
    let row = bench.store.lease(id(1), next).await.unwrap();
    assert_eq!(row.lease.map(|l| (l.incarnation, l.state)), Some((2, State::Requested)));
}

#[tokio::test]
async fn lists_are_narrowed_and_paged_from_the_newest() {
    let bench = Bench::new().await;
    for (owner, labels) in [("ana", &["ui"][..]), ("ben", &["ui", "db"]), ("ana", &[]), ("ana", &["ui"])] {
        bench.create_with(owner, labels).await;
    }
    bench.step(id(4), cancel("ana")).await.unwrap();
    let list = async |query: ListQuery| numbers(&bench.store.list(&query).await.unwrap());
    let all = || ListQuery { limit: 50, ..ListQuery::default() };
    let (ana, ui) = (Some(person("ana")), Some("ui".to_owned()));
    assert_eq!(list(all()).await, [4, 3, 2, 1]);
    assert_eq!(list(ListQuery { limit: 2, ..all() }).await, [4, 3]);
    assert_eq!(list(ListQuery { before: Some(id(3)), ..all() }).await, [2, 1]);
    assert_eq!(list(ListQuery { status: Some(Status::Queued), ..all() }).await, [3, 2, 1]);
    assert_eq!(list(ListQuery { owner: ana.clone(), ..all() }).await, [4, 3, 1]);
    assert_eq!(list(ListQuery { label: ui.clone(), ..all() }).await, [4, 2, 1]);
    let narrow = ListQuery { owner: ana, label: ui, status: Some(Status::Queued), ..all() };
    assert_eq!(list(narrow.clone()).await, [1]);
    assert_eq!(list(ListQuery { before: Some(id(1)), ..narrow }).await, [0; 0]);
    assert_eq!(list(ListQuery { status: Some(Status::Done), ..all() }).await, [0; 0]);
}
