//! The provider's pure parts; what it does to GitHub is in `tests/it/codespaces/`.

use chrono::{TimeDelta, TimeZone};

use super::super::{Condition, NodeError, NodeRef};
use super::*;
use crate::domain::SessionId;
use crate::github::codespaces::{CodespaceState, GitStatus};

fn codespace(state: CodespaceState) -> Codespace {
    Codespace {
        name: "dt-abc".into(),
        id: 1,
        state,
        display_name: None,
        created_at: None,
        last_used_at: None,
        owner: None,
        repository: None,
        machine: None,
        cpus: Some(4),
        storage_in_bytes: Some(32 << 30),
        git: GitStatus::default(),
        pending_operation: false,
        pending_reason: None,
        stop_notice: None,
        idle_notice: None,
        idle_timeout_minutes: None,
        retention_expires_at: None,
        web_url: None,
    }
}

fn key(session: u32, incarnation: u32) -> Key {
    Key::new("0123456789", SessionId::new(session).unwrap(), incarnation)
}

#[test]
fn only_what_carries_a_key_of_this_installation_is_ours() {
    let named =
        |text: &str| Codespace { display_name: Some(text.into()), ..codespace(CodespaceState::Available) };
    let ours = named(&name::display(&key(142, 3)).unwrap());
    assert_eq!(name::key(&ours, "0123456789"), Some(key(142, 3)));
    for other in [
        "",
        "dt-",
        "dt-01234567-142",
        "dt-01234567-142-3-1",
        "dt-01234567-0142-3",
        "dt-99999999-142-3",
        "01234567-142-3",
        "dt-01234567-0-3",
    ] {
        assert_eq!(name::key(&named(other), "0123456789"), None, "{other}");
    }
    assert_eq!(name::key(&codespace(CodespaceState::Available), "0123456789"), None);
    assert!(name::display(&key(u32::MAX, u32::MAX)).unwrap().len() <= 48);
}

#[test]
fn a_nodes_name_says_whose_it_is() {
    let node = |name: &str| NodeRef { name: name.into() };
    assert_eq!(name::parts(&node("ana/dt-x")).unwrap(), ("ana", "dt-x"));
    for bad in ["", "ana", "/x", "ana/"] {
        assert!(matches!(name::parts(&node(bad)), Err(NodeError::Permanent(_))), "{bad}");
    }
}

#[test]
fn each_state_means_one_thing_and_an_unknown_one_is_waited_through() {
    use CodespaceState as State;
    let of = |state| life::condition(&codespace(state)).unwrap();
    assert_eq!(of(State::Available), Condition::Ready);
    assert_eq!(of(State::Shutdown), Condition::Stopped);
    assert_eq!(of(State::Deleted), Condition::Gone);
    assert_eq!(of(State::Failed), Condition::Gone);
    for waits in [State::Queued, State::ShuttingDown, State::Unknown, State::Other("Hibernating".into())] {
        assert_eq!(of(waits), Condition::Booting);
    }
    let pending = Codespace { pending_operation: true, ..codespace(State::Available) };
    assert_eq!(life::condition(&pending).unwrap(), Condition::Booting);
    let work = GitStatus { has_unpushed_changes: Some(true), ..GitStatus::default() };
    let failed = Codespace { git: work, ..codespace(State::Failed) };
    assert!(
        matches!(life::condition(&failed), Err(NodeError::Permanent(why)) if why.contains("nowhere else"))
    );
}

#[test]
fn what_was_asked_for_is_remembered_for_the_grace_time_only() {
    let memory = Memory::default();
    let start = chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap();
    memory.asked(&key(1, 1), start, None);
    memory.asked(&key(2, 1), start, Some("dt-abc"));
    let listed = [codespace(CodespaceState::Available)];
    assert_eq!((memory.unlisted(start, &[]), memory.unlisted(start, &listed)), (2, 1));
    assert!(memory.lately(&key(1, 1), start).is_some());
    let later = start + memory::GRACE;
    assert!(memory.lately(&key(1, 1), later - TimeDelta::seconds(1)).is_some());
    assert!(memory.lately(&key(1, 1), later).is_none());
    assert_eq!(memory.unlisted(later, &[]), 0);
}

#[test]
fn a_size_has_its_price() {
    let memory = Memory::default();
    assert_eq!(memory.price("ana/dt-abc"), None);
    memory.saw("ana/dt-abc", &codespace(CodespaceState::Available));
    let price = memory.price("ana/dt-abc").unwrap();
    assert_eq!((price.up_hour, price.kept_hour), (360_000, 3_068), "36 cents, and a third of one");
}

#[test]
fn gh_is_told_whose_token_and_which_github() {
    let door = |api_url: &str| Door {
        codespace: "dt-abc".into(),
        login: "ana".into(),
        token: secrecy::SecretString::from("s3cret"),
        api_url: api_url.into(),
        home: "/workspaces/.devtask".into(),
        ssh_user: "codespace".into(),
        gh: vec!["devtask".into(), "gh".into()],
    };
    let away = door("http://127.0.0.1:1/api/v3");
    assert_eq!(
        away.proxy_command(Path::new("/k")).join(" "),
        "devtask gh codespace ssh --stdio -c dt-abc -- -i /k"
    );
    assert_eq!(door("https://api.github.com/").exposed(), [("GH_TOKEN", "s3cret".to_owned())]);
    let exposed = [("GITHUB_API_URL", away.api_url.clone()), ("GH_ENTERPRISE_TOKEN", "s3cret".to_owned())];
    assert_eq!(away.exposed(), exposed);
    assert!(!format!("{away:?} {}", away.label()).contains("s3cret"));
}

#[test]
fn the_settings_name_what_contradicts_itself() {
    assert!(Settings::default().check().is_ok());
    let ana = IdentitySettings { name: "ana".into(), gh: true, ..IdentitySettings::default() };
    let good =
        Settings { identities: vec![ana], default_identity: Some("ana".into()), ..Settings::default() };
    assert!(good.check().is_ok());
    let nobody = Settings { default_identity: Some(String::new()), ..good.clone() };
    assert!(nobody.check().is_ok(), "nobody's, on purpose");
    let other = Settings { default_identity: Some("bo".into()), ..good };
    insta::assert_snapshot!(other.check().unwrap_err(), @"`nodes.codespaces.default_identity` is `bo`, which is none of the identities");
}
