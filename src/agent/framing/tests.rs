//! Laws of the framing.

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::*;

async fn all(bytes: &[u8], cap: usize) -> Vec<Vec<u8>> {
    let mut lines = Lines::with_cap(bytes, cap);
    let mut out = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        out.push(line);
    }
    out
}

fn block<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

#[test]
fn a_newline_may_be_crlf_or_missing_at_the_end() {
    let bytes = b"one\r\n\ntwo\xff\0\nlast".as_slice();
    let want: Vec<&[u8]> = vec![b"one", b"", b"two\xff\0", b"last"];
    assert_eq!(block(all(bytes, 100)), want);
}

#[test]
fn a_line_at_the_cap_is_kept_and_one_byte_more_makes_a_stub() {
    let got = block(all(b"12345678\n123456789\nnext\n", 8));
    let hash = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
    assert_eq!(got[0], b"12345678");
    let stub = format!(r#"{{"type":"devtask_stub","bytes":9,"sha256":"{hash}"}}"#);
    assert_eq!(String::from_utf8_lossy(&got[1]), stub);
    assert_eq!(got[2], b"next");
}

#[test]
fn six_megabytes_pass_whole() {
    let long = vec![b'x'; 6 << 20];
    assert_eq!(block(all(&long, MAX_LINE)), vec![long]);
}

#[test]
fn a_hundred_megabytes_never_sit_in_memory() {
    block(async {
        let hundred = tokio::io::repeat(b'x').take(100 << 20);
        let mut lines = Lines::new(hundred.chain(b"\nnext\n".as_slice()));
        let stub = String::from_utf8(lines.next_line().await.unwrap().unwrap()).unwrap();
        assert!(stub.starts_with(r#"{"type":"devtask_stub","bytes":104857600,"#), "{stub}");
        assert!(matches!(&lines.line, Line::Kept(line) if line.capacity() == 0));
        assert_eq!(lines.next_line().await.unwrap().unwrap(), b"next");
        assert_eq!(lines.next_line().await.unwrap(), None);
    });
}

#[test]
fn a_dropped_read_loses_nothing() {
    block(async {
        let (mut far, near): (DuplexStream, DuplexStream) = tokio::io::duplex(64);
        let mut lines = Lines::new(near);
        far.write_all(b"half").await.unwrap();
        for _ in 0..3 {
            let mut read = Box::pin(lines.next_line());
            let waits =
                std::future::poll_fn(|cx| std::task::Poll::Ready(read.as_mut().poll(cx).is_pending()));
            assert!(waits.await);
        }
        far.write_all(b" and half\n").await.unwrap();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), b"half and half");
    });
}

proptest! {
    #[test]
    fn however_the_bytes_arrive_the_lines_are_the_same(
        pieces in proptest::collection::vec(proptest::collection::vec(
            prop_oneof![2 => Just(b'\n'), 1 => Just(b'\r'), 6 => any::<u8>()], 0..40), 0..20),
    ) {
        let whole = pieces.concat();
        let split = block(async {
            let (mut far, near) = tokio::io::duplex(7);
            let write = async move {
                for piece in &pieces {
                    far.write_all(piece).await.unwrap();
                }
            };
            let read = async {
                let mut lines = Lines::with_cap(near, 16);
                let mut out = Vec::new();
                while let Some(line) = lines.next_line().await.unwrap() {
                    out.push(line);
                }
                out
            };
            tokio::join!(write, read).1
        });
        prop_assert_eq!(split, block(all(&whole, 16)));
    }
}
