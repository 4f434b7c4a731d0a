//! What runs on the far side: two constant programs of its `sh`, and how their answers are read.
//!
//! A login shell may print before our program does, and ssh's own exit code 255 says nothing; so each answer stands
//! between two marker lines that nobody else can print, and the second one carries the code. Must not know ssh.

/// Longest noise before an answer begins.
pub(super) const MAX_NOISE: usize = 64 * 1024;
/// Bytes kept of each stream of a command; the rest is read and dropped.
pub(super) const MAX_OUTPUT: usize = 1024 * 1024;
/// An end marker is shorter than this.
pub(super) const TAIL: usize = 128;

/// `sh -c EXEC devtask MARK SECONDS HOME PROGRAM ARGUMENT…`: the program in the folder HOME, which is made.
/// `timeout`, where it is there, ends what a cut link would leave running.
pub(super) const EXEC: &str = r#"
n=$1 l=$2 h=$3; shift 3
printf '\n%s begin\n' "$n"; printf '\n%s begin\n' "$n" >&2
if ! (umask 077 && mkdir -p -- "$h") || ! cd -- "$h"; then c=home
elif ! command -v -- "$1" >/dev/null 2>&1; then c=absent
elif command -v timeout >/dev/null 2>&1; then timeout -k 5 "$l" "$@" </dev/null; c=$?
else "$@" </dev/null; c=$?
fi
printf '\n%s end %s\n' "$n" "$c"
"#;

/// `sh -c PUT devtask MARK HOME PATH MODE SHA256 < bytes`: beside its place first, then moved, if every byte came.
pub(super) const PUT: &str = r#"
n=$1 h=$2 r=$3 m=$4 s=$5; LC_ALL=C; export LC_ALL; umask 077; part=
printf '\n%s begin\n' "$n"; printf '\n%s begin\n' "$n" >&2
put() {
  mkdir -p -- "$h" && top=$(cd -P -- "$h" && pwd -P) || return 3
  t=$h/$r; f=${t##*/}; d=${t%/*}
  mkdir -p -- "$d" && at=$(cd -P -- "$d" && pwd -P) || return 3
  case $at/ in "$top"/*) ;; *) return 4 ;; esac
  if [ -d "$at/$f" ]; then echo "$r is a folder" >&2; return 3; fi
  part=$at/$f.part
  rm -f -- "$part" && cat >"$part" || return 3
  sum=$(sha256sum <"$part") || return 3
  [ "${sum%% *}" = "$s" ] || return 5
  chmod -- "$m" "$part" && { sync -- "$part" 2>/dev/null || :; } && mv -f -- "$part" "$at/$f" || return 3
}
put; c=$?
if [ "$c" != 0 ] && [ -n "$part" ]; then rm -f -- "$part"; fi
printf '\n%s end %s\n' "$n" "$c"
"#;

/// How a far program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this code; `None`: by a signal.
    Code(Option<i32>),
    /// There is no such program.
    Absent,
    /// Its folder could not be made or entered.
    Homeless,
    /// Its end was never told: the link broke.
    Unknown,
}

/// One stream as it comes, bounded: its beginning and its last bytes.
#[derive(Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Kept {
    pub(super) fn take(&mut self, chunk: &[u8]) {
        let room = (MAX_NOISE + MAX_OUTPUT).saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(chunk.get(..room).unwrap_or_default());
        self.tail.extend_from_slice(chunk.get(chunk.len().saturating_sub(TAIL)..).unwrap_or_default());
        let spare = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..spare);
    }

    /// What the program printed, without noise and markers; nothing where it never began.
    pub(super) fn body(&self, mark: &str) -> Vec<u8> {
        let Some(after) = find(&self.head, begin(mark).as_bytes()).map(|(_, after)| after) else {
            return Vec::new();
        };
        let rest = self.head.get(after..).unwrap_or_default();
        let end = find_last(rest, end(mark).as_bytes()).unwrap_or(rest.len());
        rest.get(..end.min(MAX_OUTPUT)).unwrap_or_default().to_vec()
    }

    /// How it ended, by the marker that closes standard output.
    pub(super) fn end(&self, mark: &str) -> End {
        let wanted = end(mark);
        let Some(at) = find_last(&self.tail, wanted.as_bytes()) else { return End::Unknown };
        let word = self.tail.get(at + wanted.len()..).and_then(|rest| rest.strip_suffix(b"\n"));
        match word.and_then(|word| std::str::from_utf8(word).ok()) {
            Some("absent") => End::Absent,
            Some("home") => End::Homeless,
            // A shell says 128 and the signal's number.
            Some(code) => match code.parse::<i32>() {
                Ok(code) if (129..=192).contains(&code) => End::Code(None),
                Ok(code) => End::Code(Some(code)),
                Err(_) => End::Unknown,
            },
            None => End::Unknown,
        }
    }

    /// All of it, for a stream that has no markers: what ssh itself says.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }
}

fn begin(mark: &str) -> String {
    format!("\n{mark} begin\n")
}

fn end(mark: &str) -> String {
    format!("\n{mark} end ")
}

/// Where it stands first and where it is over.
fn find(within: &[u8], what: &[u8]) -> Option<(usize, usize)> {
    within.windows(what.len()).position(|w| w == what).map(|at| (at, at + what.len()))
}

fn find_last(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).rposition(|w| w == what)
}
