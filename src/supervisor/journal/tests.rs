//! Laws of the journal: whatever happens to the file, what is read back is a prefix of what was written.

use proptest::prelude::*;

use super::*;
use crate::domain::report::TurnOutcome;

fn at() -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::microseconds(1_234_567)
}

fn note(text: &str) -> Report {
    Report::Note { text: text.to_owned() }
}

/// All records from `after` on, put together from pieces of `max` bytes.
fn read_all(journal: &Journal, after: u64, max: usize) -> Vec<(u64, Report, Option<Vec<u8>>)> {
    let mut cursor = Cursor::after(after, 0);
    let mut out: Vec<(u64, Report, Option<Vec<u8>>)> = Vec::new();
    while let Some(piece) = journal.read(&mut cursor, max).unwrap() {
        assert!(piece.bytes.len() <= max);
        if piece.offset == 0 {
            let report = serde_json::from_str(piece.head.report.get()).unwrap();
            out.push((piece.head.n, report, piece.head.raw.map(|_| Vec::new())));
        }
        if let Some((_, _, Some(raw))) = out.last_mut() {
            assert_eq!(raw.len() as u64, piece.offset);
            raw.extend(piece.bytes);
        }
    }
    out
}

fn filled(path: &Path, records: &[(String, Option<Vec<u8>>)]) -> (Journal, Vec<u64>) {
    let mut journal = Journal::open(path).unwrap();
    let ends = records
        .iter()
        .map(|(text, raw)| {
            journal.append(at(), &note(text), raw.as_deref()).unwrap();
            journal.end
        })
        .collect();
    (journal, ends)
}

#[test]
fn records_are_numbered_from_one_and_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let records = [
        ("a".to_owned(), None),
        ("b".to_owned(), Some(vec![0, 255, 10])),
        ("c".to_owned(), Some(Vec::new())),
    ];
    let (journal, _) = filled(&path, &records);
    let expected: Vec<_> = (1..).zip(records).map(|(n, (text, raw))| (n, note(&text), raw)).collect();
    assert_eq!(read_all(&journal, 0, 2), expected);
    drop(journal);
    let mut again = Journal::open(&path).unwrap();
    assert_eq!(read_all(&again, 1, 100), expected[1..]);
    assert_eq!(again.append(at(), &note("d"), None).unwrap(), 4, "numbering goes on after a crash");
}

#[test]
fn a_file_torn_at_any_byte_opens_as_a_prefix_and_can_be_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let records: Vec<_> =
        (0..4).map(|n| (format!("record {n}"), (n % 2 == 0).then(|| vec![n; 40]))).collect();
    let (journal, ends) = filled(&path, &records);
    let start = journal.start;
    drop(journal);
    let bytes = std::fs::read(&path).unwrap();
    for cut in usize::try_from(start).unwrap()..=bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut as u64).count() as u64;
        assert_eq!(journal.last(), whole, "cut at {cut}");
        assert_eq!(journal.append(at(), &note("next"), None).unwrap(), whole + 1);
        assert_eq!(read_all(&journal, whole, 100).len(), 1);
    }
    for cut in 0..usize::try_from(start).unwrap() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        // A header is put in place whole; half of one is a foreign or an empty file, never a panic.
        let _ = Journal::open(&path);
    }
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic_and_never_show_what_was_not_written(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.log");
        let records: Vec<_> = (0..6).map(|n| (format!("record {n}"), Some(vec![n; 30]))).collect();
        let (journal, _) = filled(&path, &records);
        let start = usize::try_from(journal.start).unwrap();
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        for (index, flip) in flips {
            let at = start + index.index(bytes.len() - start);
            bytes[at] ^= flip;
        }
        std::fs::write(&path, &bytes).unwrap();
        let journal = Journal::open(&path).unwrap();
        for ((n, report, raw), (text, was)) in read_all(&journal, 0, 7).into_iter().zip(&records) {
            prop_assert!(n >= 1);
            prop_assert_eq!(report, note(text));
            prop_assert_eq!(&raw, was);
        }
    }

    #[test]
    fn acks_cut_the_front_and_lose_nothing_behind_it(
        sizes in proptest::collection::vec(0..400_000_usize, 1..24), acks in proptest::collection::vec(0..30_u64, 0..8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.log");
        let mut journal = Journal::open(&path).unwrap();
        let mut acks = acks.into_iter();
        for (n, size) in (1..).zip(&sizes) {
            journal.append(at(), &note(&n.to_string()), Some(&vec![7; *size])).unwrap();
            if n % 3 == 0 {
                journal.ack(acks.next().unwrap_or(n)).unwrap();
            }
        }
        let acked = journal.acked();
        let left = read_all(&journal, acked, 100_000);
        let expected: Vec<u64> = (acked + 1..=sizes.len() as u64).collect();
        prop_assert_eq!(left.iter().map(|r| r.0).collect::<Vec<_>>(), expected);
        for (n, _, raw) in left {
            prop_assert_eq!(raw.unwrap().len(), sizes[usize::try_from(n).unwrap() - 1]);
        }
        let last = journal.last();
        drop(journal);
        let again = Journal::open(&path).unwrap();
        prop_assert_eq!(again.last(), last);
        prop_assert!(again.first() <= acked + 1);
    }
}

#[test]
fn a_reader_in_mid_record_goes_on_over_a_cut_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&dir.path().join("1.log")).unwrap();
    let raw: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    journal.append(at(), &note("acked"), Some(&vec![1; 2_000_000])).unwrap();
    journal.append(at(), &note("big"), Some(&raw)).unwrap();
    let mut cursor = Cursor::after(1, 0);
    let mut got = journal.read(&mut cursor, 300_000).unwrap().unwrap().bytes;
    journal.ack(1).unwrap();
    assert_eq!(journal.first(), 2, "the front was cut");
    while let Some(piece) = journal.read(&mut cursor, 300_000).unwrap() {
        got.extend(piece.bytes);
    }
    assert_eq!(got, raw);
}

#[test]
fn a_full_disk_takes_nothing_of_a_record_and_all_of_it_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let mut journal = Journal::open(&path).unwrap();
    journal.append(at(), &note("before"), None).unwrap();
    // A handle that cannot write stands for the disk that takes no more.
    let good = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
    assert!(matches!(journal.append(at(), &note("lost?"), None), Err(JournalError::Io(..))));
    assert_eq!(journal.last(), 1);
    journal.file = good;
    assert_eq!(journal.append(at(), &note("not lost"), None).unwrap(), 2);
    assert_eq!(read_all(&Journal::open(&path).unwrap(), 1, 9).len(), 1);
}

#[test]
fn what_was_cut_is_remembered_for_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let mut journal = Journal::open(&path).unwrap();
    journal.append(at(), &Report::CommandConsumed { c: 3 }, None).unwrap();
    let outcome = TurnOutcome::Completed { text: "x".repeat(100_000) };
    journal
        .append(
            at(),
            &Report::TurnEnded { outcome, usage: crate::domain::report::Usage::default() },
            Some(&vec![0; 1_500_000]),
        )
        .unwrap();
    journal.ack(2).unwrap();
    assert_eq!(journal.first(), 3);
    drop(journal);
    let again = Journal::open(&path).unwrap();
    assert_eq!((again.last(), again.acked()), (2, 2));
    assert!(again.recall().consumed.contains(&3));
    assert!(matches!(&again.recall().turn, Some(TurnOutcome::Completed { text }) if text.len() <= 16 * 1024));
}

#[test]
fn a_machine_that_lost_its_last_writes_goes_on_behind_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&dir.path().join("1.log")).unwrap();
    journal.append(at(), &note("kept"), None).unwrap();
    journal.resume_after(5).unwrap();
    assert_eq!(journal.append(at(), &note("new"), None).unwrap(), 6);
    journal.resume_after(5).unwrap();
    assert_eq!(read_all(&journal, 5, 10).len(), 1);
}
