//! Laws of the probe, against small shell scripts that stand for agents.

use std::os::unix::fs::PermissionsExt;

use super::*;

const PATH: &str = "/usr/bin:/bin";

/// A program that does `version` for `--version` and `else` otherwise.
fn agent(version: &str, otherwise: &str) -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent");
    let script = format!("#!/bin/sh\nif [ \"$1\" = --version ]; then {version}; else {otherwise}; fi\n");
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let command = vec!["/bin/sh".to_owned(), file.to_string_lossy().into_owned()];
    (dir, command)
}

#[test]
fn versions_are_read_from_what_the_agent_prints() {
    assert_eq!(Version::parse("2.1.329 (Claude Code)\n"), Some(PINNED));
    assert_eq!(Version::parse("2.1.400-beta.1"), Some(Version(2, 1, 400)));
    for bad in ["", "claude", "2.1", "2.1.x", "2.1.3.4"] {
        assert_eq!(Version::parse(bad), None, "{bad}");
    }
}

#[test]
fn only_the_known_range_is_accepted() {
    for good in [PINNED, Version(2, 1, 330), Version(2, 9, 0)] {
        assert!(accept(good).is_ok(), "{good}");
    }
    for bad in [Version(2, 1, 328), Version(1, 9, 999), Version(3, 0, 0)] {
        assert!(accept(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_good_agent_is_taken() {
    let (_dir, command) = agent("echo '2.1.329 (Claude Code)'", "exit 0");
    assert_eq!(probe(&command, PATH).await.unwrap(), PINNED);
}

#[tokio::test]
async fn an_old_agent_is_refused_and_the_way_out_is_named() {
    let (_dir, command) = agent("echo 2.1.197", "exit 0");
    let refused = probe(&command, PATH).await.unwrap_err().to_string();
    insta::assert_snapshot!(refused, @"the agent has version 2.1.197, and DevTask works with 2.1.329 up to below 3.0.0; install it with `npm install --global @anthropic-ai/claude-code@2.1.329`");
}

#[tokio::test]
async fn an_agent_without_the_hidden_flags_is_refused() {
    let (_dir, command) =
        agent("echo 2.1.400", "echo \"error: unknown option '--await-initialize'\" >&2; exit 1");
    let refused = probe(&command, PATH).await.unwrap_err();
    assert!(matches!(&refused, ProbeError::Flag { flag, .. } if flag == "--await-initialize"), "{refused}");
}

#[tokio::test]
async fn a_missing_or_mute_program_is_named() {
    let missing = probe(&["/nowhere/claude".to_owned()], PATH).await.unwrap_err();
    assert!(matches!(missing, ProbeError::NotFound(_)), "{missing}");
    let (_dir, command) = agent("echo hello >&2; exit 3", "exit 0");
    let mute = probe(&command, PATH).await.unwrap_err();
    assert!(matches!(&mute, ProbeError::NoVersion { printed, .. } if printed == "hello"), "{mute}");
}
