//! The room's pure decisions: what a node needs next, what a pull request says, which settings make sense.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};

use super::forge::{ForgeError, sorted};
use super::jobs::{After, Job, Jobs};
use super::nodes::{Next, next};
use super::settings::{BadSettings, Settings, is_branch_name};
use super::words;
use crate::domain::brief::Brief;
use crate::domain::lease::{Key, Lease, State};
use crate::domain::report::{CheckKind, Evidence};
use crate::domain::session::{self, NewSession, Session, Want};
use crate::domain::{Actor, Attempt, SessionId, Time};
use crate::github::{Act, GitHubError, Verb};
use crate::store::Row;

fn now() -> Time {
    DateTime::from_timestamp(1_760_000_000, 0).unwrap()
}

fn session() -> Session {
    let settings = Settings::default();
    let new = NewSession {
        id: SessionId::new(7).unwrap(),
        mark: uuid::Uuid::nil(),
        owner: Actor::Person("local/ana".into()),
        brief: Brief {
            title: "Sort the basket".into(),
            goal: "Sort it by price.".into(),
            done_when: vec!["the list is sorted".into()],
            ..Brief::default()
        },
        repo: "acme/shop".parse().unwrap(),
        base: None,
        provider: "local".into(),
        agent: "claude".into(),
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        requester: None,
        branch_pattern: settings.branch_pattern.clone(),
        require_approval_for: Vec::new(),
        limits: settings.limits.clone(),
        policy: settings.policy,
    };
    session::create(new, now()).unwrap().session
}

fn row(state: Option<State>, busy: bool) -> Row {
    let session = session();
    let lease = state.map(|state| {
        let key = Key::new("abcdefgh", session.id(), 1);
        let lease = Lease::request(key, session.id(), 1, "local".into(), now());
        Arc::new(Lease { state, busy: busy.then_some(Attempt(1)), ..lease })
    });
    Row { session: Arc::new(session), lease, version: 1 }
}

#[test]
fn a_node_is_let_go_only_when_nothing_of_ours_is_on_it() {
    for state in State::ALL {
        let step = next(&row(Some(state), true), Want::Release, true, now());
        assert_ne!(step, Some(Next::Release), "{state:?}");
        if state != State::Releasing {
            assert_ne!(step, Some(Next::Destroy), "{state:?}");
        }
    }
    assert_eq!(next(&row(Some(State::Ready), false), Want::Release, false, now()), Some(Next::Release));
}

#[test]
fn a_node_that_goes_is_never_used_again() {
    for want in [Want::Rest, Want::Run { attempt: Attempt(1) }, Want::Release, Want::Publish] {
        assert_eq!(next(&row(Some(State::Releasing), false), want, true, now()), Some(Next::Destroy));
    }
}

#[test]
fn a_wish_to_run_always_leads_on_until_the_node_is_ready() {
    let run = Want::Run { attempt: Attempt(1) };
    for state in State::ALL {
        let step = next(&row(Some(state), false), run, true, now());
        assert_eq!(step.is_none(), state == State::Ready, "{state:?}");
    }
    assert_eq!(next(&row(None, false), run, false, now()), Some(Next::Request));
}

#[test]
fn nothing_is_done_for_who_wants_nothing() {
    for want in [Want::Rest, Want::Publish, Want::Release] {
        assert_eq!(next(&row(None, false), want, true, now()), None);
        assert_eq!(next(&row(Some(State::Gone), false), want, true, now()), None);
    }
}

#[test]
fn a_pause_after_an_error_is_kept() {
    let mut row = row(Some(State::Creating), false);
    let run = Want::Run { attempt: Attempt(1) };
    let lease =
        Lease { not_before: Some(now() + TimeDelta::seconds(5)), ..(**row.lease.as_ref().unwrap()).clone() };
    row.lease = Some(Arc::new(lease));
    assert_eq!(next(&row, run, false, now()), None);
    assert_eq!(next(&row, run, false, now() + TimeDelta::seconds(5)), Some(Next::Create));
}

fn check(command: &str, kind: CheckKind, exit_code: Option<i32>, duration_ms: u64) -> Evidence {
    let tests = (kind == CheckKind::Test).then_some(12);
    let (tree, tail) = ("7eeeeeeeeeeeeeeeeeee".into(), String::new());
    Evidence { command: command.into(), kind, exit_code, timed_out: false, duration_ms, tests, tree, tail }
}

#[test]
fn a_pull_request_says_what_was_done_and_how_we_know() {
    let mut session = session();
    session.summary = Some("Sorted. Thanks @everybody, closes #1 <!-- hidden -->".into());
    session.base = Some("main".into());
    session.base_sha = Some("0123456789abcdef".into());
    session.evidence = vec![
        check("cargo test", CheckKind::Test, Some(0), 1_530),
        check("grep a|b `x`", CheckKind::Lint, Some(2), 61_000),
    ];
    assert_eq!(words::title(&session), "Sort the basket");
    insta::assert_snapshot!(words::body(&session).replace('\u{200b}', "·"), @r#"
    Sorted. Thanks @·everybody, closes #·1 &lt;!-- hidden -->

    ### Done when

    - [ ] the list is sorted

    ### Checks

    | check | result | tests | time |
    |---|---|---|---|
    | test `cargo test` | passed | 12 | 1.5 s |
    | lint `grep a¦b x` | failed (2) | – | 1 min 1 s |

    Run on tree `7eeeeeeeeeee`.

    ---
    dt-7 for ana, from `main` at `0123456789ab`, by DevTask.
    "#);
}

#[test]
fn a_pull_request_says_so_where_nothing_was_checked() {
    insta::assert_snapshot!(words::body(&session()), @r#"
    Sort it by price.

    ### Done when

    - [ ] the list is sorted

    ### Checks

    No checks are configured for this repository, so none ran.

    ---
    dt-7 for ana, by DevTask.
    "#);
}

#[test]
fn branch_names_cannot_be_options_or_revisions() {
    for good in ["main", "release/1.2", "devtask/1-sort", "a@b"] {
        assert!(is_branch_name(good), "{good}");
    }
    for bad in
        ["", "-x", "a..b", "a b", "a/", "/a", "a//b", ".a", "a.lock", "a~1", "a^", "a:b", "@{u}", "@", "ä"]
    {
        assert!(!is_branch_name(bad), "{bad}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let base = Settings::default();
    assert_eq!(base.check(), Ok(()));
    assert_eq!(Settings { slots: 0, ..base.clone() }.check(), Err(BadSettings::NoSlots));
    let shared = Settings { branch_pattern: "work".into(), ..base.clone() };
    assert_eq!(shared.check(), Err(BadSettings::SharedBranch));
    let unknown = Settings { agent: "bond".into(), ..base };
    assert_eq!(unknown.check(), Err(BadSettings::UnknownAgent("bond".into())));
}

#[test]
fn settings_keep_their_names() {
    let text = r#"{"slots": 2, "branch_pattern": "x/{task_id}", "require_approval_for": ["Bash"],
        "limits": {"max_task_duration": 60, "max_consecutive_failures": 2},
        "policy": {"require_tests": true, "min_coverage": 80, "auto_commit": false}}"#;
    let settings: Settings = serde_json::from_str(text).unwrap();
    assert_eq!((settings.slots, settings.limits.max_task_duration), (2, 60));
    assert!(serde_json::from_str::<Settings>(r#"{"slotz": 2}"#).is_err(), "a typo is no setting");
}

#[test]
fn errors_of_github_are_sorted_by_what_a_pause_can_heal() {
    let act = || Act { verb: Verb::OpenPull, at: "acme/shop".into() };
    let forbidden =
        |until| GitHubError::Forbidden { act: act(), message: "no".into(), rate_limited_until: until };
    let cases = [
        GitHubError::Unauthorized { act: act() },
        forbidden(None),
        forbidden(Some(now())),
        GitHubError::Invalid { act: act(), message: "no commits between main and x".into() },
        GitHubError::Unavailable { act: act(), status: 500, not_before: None },
        GitHubError::Ambiguous { act: act(), why: "no answer in time".into() },
    ];
    let lines = cases.into_iter().map(|error| match sorted(&error) {
        ForgeError::Transient { why, until } => {
            format!("again{}: {why}", if until.is_some() { " later" } else { "" })
        }
        ForgeError::Permanent(why) => format!("never: {why}"),
        other => format!("{other:?}"),
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    never: GitHub refused the token, so DevTask may not open pull requests in `acme/shop`; set a valid one under `github`
    never: the token may not open pull requests in `acme/shop`; it needs contents and pull_requests: write (GitHub says: no)
    again later: GitHub asks us to wait until 08:53 UTC before we open pull requests in `acme/shop`
    never: GitHub declined to open pull requests in `acme/shop`: no commits between main and x
    again: could not open pull requests in `acme/shop`: GitHub has a problem of its own (500)
    again: it is not known whether it worked to open pull requests in `acme/shop`
    "#);
}

#[test]
fn a_job_counts_as_failing_until_it_goes_well() {
    let (jobs, id, now) = (Jobs::default(), SessionId::new(1).unwrap(), now());
    let strike = || After::Strike { at: now, partial: None };
    jobs.begin(id, Job::Link, now).unwrap().give_back(strike());
    assert_eq!((jobs.failing(Job::Link), jobs.failing(Job::Node)), (1, 0));
    jobs.begin(id, Job::Link, now).unwrap().give_back(strike());
    assert_eq!(jobs.failing(Job::Link), 1, "one session, however often");
    jobs.begin(id, Job::Link, now).unwrap().give_back(After::Done);
    assert_eq!(jobs.failing(Job::Link), 0);
}

#[test]
fn a_name_in_a_commit_is_one_plain_line() {
    let called = super::run::called;
    assert_eq!(called(" Ana  Lindt\n").as_deref(), Some("Ana Lindt"));
    assert_eq!(called("Ana <root@host>\u{202e}\0").as_deref(), Some("Ana root@host"));
    assert_eq!(called(&"é".repeat(100)).map(|name| name.chars().count()), Some(80));
    for nobody in ["", " \n", "<>", "\u{200b}", "…"] {
        assert_eq!(called(nobody), None, "{nobody:?}");
    }
}
