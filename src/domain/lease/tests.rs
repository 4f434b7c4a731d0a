//! Laws of the lease.

use chrono::{TimeZone, Utc};
use proptest::prelude::*;

use super::{Input, Key, Lease, State, may, step};
use crate::domain::{Attempt, SessionId, Time};

fn noon() -> Time {
    Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

fn lease() -> Lease {
    let session = SessionId::new(142).unwrap();
    Lease::request(Key::new("0a1b2c3d-4e5f", session, 1), session, 1, "local".to_owned(), noon())
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::Create),
        Just(Input::Created { node: "n".to_owned() }),
        Just(Input::Boot),
        Just(Input::Bootstrap),
        Just(Input::Ready),
        Just(Input::Suspend),
        Just(Input::Suspended),
        Just(Input::Release { why: "settled".to_owned() }),
        Just(Input::Gone),
        (1u32..4).prop_map(|a| Input::Occupy { attempt: Attempt(a) }),
        (1u32..4).prop_map(|a| Input::Swept { attempt: Attempt(a) }),
        Just(Input::Noticed { notice: "it stops at noon".to_owned() }),
        Just(Input::Stumbled { cause: "timeout".to_owned(), not_before: noon() }),
    ]
}

#[test]
fn the_table_is_as_drawn() {
    let mut table = String::new();
    for from in State::ALL {
        let to: Vec<String> = State::ALL
            .iter()
            .filter(|to| may(from, **to))
            .map(|to| format!("{to:?}").to_lowercase())
            .collect();
        table.push_str(&format!("{:14}-> {}\n", format!("{from:?}").to_lowercase(), to.join(" ")));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_key_names_installation_session_and_incarnation() {
    assert_eq!(lease().key.as_str(), "0a1b2c3d-142-1");
}

proptest! {
    #[test]
    fn what_is_releasing_or_gone_is_never_used_again(inputs in prop::collection::vec(any_input(), 0..30)) {
        let mut now = lease();
        let mut leaving = false;
        for input in inputs {
            if let Ok(next) = step(&now, input, noon()) {
                now = next;
            }
            leaving |= matches!(now.state, State::Releasing | State::Gone);
            if leaving {
                prop_assert!(matches!(now.state, State::Releasing | State::Gone));
            }
            if now.state == State::Gone {
                prop_assert_eq!(now.busy, None);
            }
        }
    }

    #[test]
    fn an_older_attempt_never_takes_the_node(newer in 2u32..9, older in 1u32..9) {
        let ready = [Input::Create, Input::Created { node: "n".to_owned() }, Input::Ready];
        let mut now = lease();
        for input in ready {
            now = step(&now, input, noon()).unwrap();
        }
        now = step(&now, Input::Occupy { attempt: Attempt(newer) }, noon()).unwrap();
        let taken = step(&now, Input::Occupy { attempt: Attempt(older) }, noon());
        prop_assert_eq!(taken.is_ok(), older >= newer);
        // Nor does sweeping the older one free it.
        let swept = step(&now, Input::Swept { attempt: Attempt(older) }, noon()).unwrap();
        prop_assert_eq!(swept.busy.is_none(), older >= newer);
    }
}

#[test]
fn what_a_node_costs_is_counted_while_it_is_up() {
    let at = |seconds| noon() + chrono::TimeDelta::seconds(seconds);
    let take = |lease: Lease, input, seconds| step(&lease, input, at(seconds)).unwrap();
    let lease = take(lease(), Input::Create, 0);
    let lease = take(lease, Input::Created { node: "n".to_owned() }, 10);
    let lease = take(lease, Input::Ready, 40);
    assert_eq!(lease.up(at(70)), 60);
    let lease = take(lease, Input::Suspended, 100);
    assert_eq!(lease.up(at(5_000)), 90);
    let lease = take(lease, Input::Boot, 6_000);
    let lease = take(lease, Input::Release { why: "settled".to_owned() }, 6_010);
    assert_eq!(lease.up(at(6_020)), 110, "one on its way out may still be up");
    assert_eq!(take(lease, Input::Gone, 6_030).up(at(9_000)), 120);
}
