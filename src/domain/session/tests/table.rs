//! The drawing above [`Session`](super::super) kept true: from which status each input leads where.

use super::world::{Log, ana, finished, pull_request};
use crate::domain::report::{Ending, Retry};
use crate::domain::session::{Input, Status};

type Make = fn(&Log) -> Input;

/// A session in this status.
fn in_status(status: Status) -> Log {
    let mut log = Log::new();
    let pause = || Input::Pause { by: ana(), reason: None };
    match status {
        Status::Queued => {}
        Status::Provisioning => {
            log.must(Input::Admit { attempt: log.session.attempt.next() });
        }
        Status::Running => {
            log.admitted();
        }
        Status::Paused => {
            log.must(pause());
        }
        Status::Done => {
            log.admitted().end(finished()).must(Input::Published { pull_request: Some(pull_request()) });
        }
        Status::Failed => {
            log.admitted().end(Ending::Failed { cause: "x".to_owned(), retry: Retry::No });
        }
        Status::Cancelled => {
            log.must(Input::Cancel { by: ana(), reason: None });
        }
    }
    assert_eq!(log.session.status, status);
    log
}

#[test]
fn the_table_is_as_drawn() {
    let inputs: [(&str, Make); 9] = [
        ("admit", |log| Input::Admit { attempt: log.session.attempt.next() }),
        ("hello", |log| Input::Hello { attempt: log.session.attempt }),
        ("lost", |log| Input::Lost {
            attempt: log.session.attempt,
            cause: "gone".to_owned(),
            transient: true,
        }),
        ("pause", |_| Input::Pause { by: ana(), reason: None }),
        ("resume", |_| Input::Resume { by: ana() }),
        ("cancel", |_| Input::Cancel { by: ana(), reason: None }),
        ("message", |_| Input::Message {
            by: ana(),
            text: "hi".to_owned(),
            mode: crate::domain::command::MessageMode::Queue,
        }),
        ("follow up", |_| Input::FollowUp { by: ana(), text: "more".to_owned() }),
        ("rerun", |_| Input::Rerun { by: ana() }),
    ];
    let mut table = String::new();
    for status in Status::ALL {
        table.push_str(&format!("{:13}", status.name()));
        for (name, input) in &inputs {
            let mut log = in_status(status);
            let input = input(&log);
            let cell = match log.say(input) {
                Ok(()) if log.session.status == status => "·".to_owned(),
                Ok(()) => log.session.status.name().to_owned(),
                Err(_) => "–".to_owned(),
            };
            table.push_str(&format!(" {name}:{cell}"));
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}
