//! Laws of the intake and the inbox: nothing twice, nothing missing, nothing without bound.

use chrono::DateTime;
use proptest::prelude::*;

use super::inbox::Inbox;
use super::intake::{Broken, Intake, MAX_RECORD, Piece};
use crate::domain::report::Report;
use crate::wire::link::{Frame, LinkError, MAX_HEADER, Up, encode};

fn piece(n: u64, offset: u64, total: Option<u64>, body: &[u8]) -> Piece {
    let at = DateTime::from_timestamp(0, 0).unwrap();
    Piece { n, at, report: Report::Note { text: n.to_string() }, offset, total, body: body.to_vec() }
}

#[test]
fn doubles_are_dropped_and_gaps_are_noticed() {
    let mut intake = Intake::new(3, None);
    assert_eq!(intake.take(piece(3, 0, None, b"")), Ok(None));
    assert_eq!(intake.take(piece(5, 0, None, b"")), Err(Broken::Gap));
    assert_eq!(intake.take(piece(4, 0, None, b"")).unwrap().unwrap().n, 4);
}

#[test]
fn a_cut_record_goes_on_at_its_offset() {
    let mut intake = Intake::new(0, None);
    assert_eq!(intake.take(piece(1, 0, Some(6), b"abc")), Ok(None));
    let mut intake = Intake::new(0, intake.into_partial());
    assert_eq!(intake.offset(), 3);
    let record = intake.take(piece(1, 3, Some(6), b"def")).unwrap().unwrap();
    assert_eq!(record.raw.as_deref(), Some(&b"abcdef"[..]));
    assert_eq!(intake.offset(), 0);
}

#[test]
fn a_part_of_another_record_is_forgotten() {
    let mut intake = Intake::new(0, None);
    assert_eq!(intake.take(piece(1, 0, Some(6), b"abc")), Ok(None));
    assert_eq!(Intake::new(1, intake.into_partial()).offset(), 0);
}

#[test]
fn a_record_over_the_bound_is_refused_before_a_byte_of_it_is_kept() {
    let mut intake = Intake::new(0, None);
    let refused = intake.take(piece(1, 0, Some(MAX_RECORD + 1), b"abc")).unwrap_err();
    assert_eq!(refused, Broken::Bad("sent a record of 67108865 bytes; 64 MiB is the limit".into()));
    assert_eq!(intake.offset(), 0);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for wrong in [piece(1, 3, Some(5), b"def"), piece(1, 3, Some(7), b"def"), piece(1, 3, Some(6), b"")] {
        let mut intake = Intake::new(0, None);
        assert_eq!(intake.take(piece(1, 0, Some(6), b"abc")), Ok(None));
        assert!(matches!(intake.take(wrong), Err(Broken::Bad(_))));
    }
    assert_eq!(Intake::new(0, None).take(piece(1, 2, Some(6), b"abc")), Err(Broken::Gap));
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let endless = vec![b'x'; MAX_HEADER + 2];
    let mut inbox = Inbox::new(tokio::io::empty(), endless);
    assert!(matches!(inbox.next(), Err(LinkError::LongHeader)));
    let mut closed = Inbox::new(tokio::io::empty(), Vec::new());
    assert!(matches!(closed.fill().await, Err(LinkError::Closed)));
}

proptest! {
    /// However the bytes are cut, the frames are the same.
    #[test]
    fn frames_survive_any_cut(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
                              cut in 1..97_usize) {
        let frames: Vec<Frame<Up>> = bodies
            .into_iter()
            .enumerate()
            .map(|(i, body)| Frame { header: Up::Pong { id: i as u64 }, body })
            .collect();
        let mut bytes = Vec::new();
        for frame in &frames {
            encode(frame, &mut bytes).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen = runtime.block_on(async {
            let (mut far, near) = tokio::io::duplex(cut);
            let send = async move {
                tokio::io::AsyncWriteExt::write_all(&mut far, &bytes).await.unwrap();
            };
            let read = async {
                let mut inbox = Inbox::new(near, Vec::new());
                let mut seen = Vec::new();
                while inbox.fill().await.is_ok() {
                    while let Some(frame) = inbox.next().unwrap() {
                        seen.push(frame);
                    }
                }
                seen
            };
            tokio::join!(send, read).1
        });
        prop_assert_eq!(seen, frames);
    }
}
