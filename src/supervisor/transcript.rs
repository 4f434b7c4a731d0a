//! Whether an agent has had a line of ours before: its transcripts are looked through for the line's uuid.
//!
//! Knows that transcripts are `.jsonl` files below the agent's folder; must not know their shape.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use uuid::Uuid;

/// How deep transcripts lie: `projects/<folder>/<session>.jsonl` and a subagent's below.
const DEPTH: u32 = 5;
const CHUNK: usize = 256 * 1024;

/// Whether any transcript below `folder` holds this uuid. What cannot be read does not.
pub fn holds(folder: &Path, uuid: Uuid) -> bool {
    let needle = uuid.to_string();
    look(folder, needle.as_bytes(), DEPTH)
}

fn look(folder: &Path, needle: &[u8], depth: u32) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => depth > 0 && look(&path, needle, depth - 1),
            Ok(kind) if kind.is_file() => {
                path.extension().is_some_and(|e| e == "jsonl") && file_holds(&path, needle)
            }
            _ => false,
        }
    })
}

/// Reads in pieces that overlap by what the needle needs.
fn file_holds(path: &Path, needle: &[u8]) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut window = Vec::new();
    loop {
        let before = window.len();
        match file.by_ref().take(CHUNK as u64).read_to_end(&mut window) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        let from = before.saturating_sub(needle.len());
        if window.get(from..).is_some_and(|w| w.windows(needle.len()).any(|part| part == needle)) {
            return true;
        }
        let keep = window.len().saturating_sub(needle.len());
        window.drain(..keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_found_wherever_it_lies_in_a_transcript() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("projects/-work");
        std::fs::create_dir_all(&deep).unwrap();
        let uuid = Uuid::new_v5(&Uuid::nil(), b"line");
        for before in [0, 10, CHUNK - 36, CHUNK - 20, CHUNK - 1, CHUNK, 2 * CHUNK - 7] {
            let text = format!("{}{uuid}\"}}\n", "x".repeat(before));
            std::fs::write(deep.join("s.jsonl"), text).unwrap();
            assert!(holds(dir.path(), uuid), "after {before} bytes");
        }
        assert!(!holds(dir.path(), Uuid::nil()));
        std::fs::rename(deep.join("s.jsonl"), deep.join("s.txt")).unwrap();
        assert!(!holds(dir.path(), uuid));
    }
}
