//! How an agent is started, and when it is not taken.

use super::*;

#[test]
fn nothing_is_said_before_the_hooks_stand() {
    let mut claude = Claude::new(start());
    assert_eq!(claude.open().len(), 1);
    let uuid = Uuid::from_u128(1);
    assert!(claude.tell(Word::Say { uuid, text: "go".to_owned() }).is_empty());
    let reply =
        json!({"subtype": "success", "request_id": INITIALIZE, "response": {"session_state": "idle"}});
    assert_eq!(told(&hear(&mut claude, &json!({"type": "control_response", "response": reply}))), ["say go"]);
    let taken = json!({"type": "command_lifecycle", "command_uuid": uuid, "state": "started"});
    assert_eq!(told(&hear(&mut claude, &taken)), ["consumed 1"]);
    assert_eq!(told(&hear(&mut claude, &taken)), Vec::<String>::new(), "once");
}

#[test]
fn an_agent_that_does_not_take_the_hooks_is_broken_off() {
    for reply in [
        json!({"subtype": "error", "request_id": INITIALIZE, "error": "no"}),
        json!({"subtype": "success", "request_id": INITIALIZE, "response": {"hooks_applied": false}}),
        json!({"subtype": "success", "request_id": INITIALIZE, "response": {"claude_code_version": "2.1.197"}}),
    ] {
        let mut claude = Claude::new(start());
        assert_eq!(
            told(&hear(&mut claude, &json!({"type": "control_response", "response": reply}))),
            ["broken"]
        );
    }
}

#[test]
fn a_refused_start_says_what_would_help() {
    let mut claude = Claude::new(Start { resume: true, ..start() });
    let none = "No conversation found with session ID: 7";
    let heard = hear(&mut claude, &json!({"type": "result", "is_error": true, "errors": [none]}));
    assert_eq!(told(&heard), Vec::<String>::new(), "no turn ended: none had begun");
    assert!(matches!(claude.exited(Some(1), none), TurnOutcome::Failed { retry: Retry::Later, .. }));
    assert_eq!(claude.remedy(), Some(Remedy::StartAfresh));

    let mut claude = Claude::new(start());
    claude.exited(Some(1), "Error: Session ID 7 is already in use.\n");
    assert_eq!(claude.remedy(), Some(Remedy::Resume));

    let mut claude = Claude::new(start());
    let TurnOutcome::Failed { message, retry } =
        claude.exited(Some(1), "warning: x\nerror: unknown option '--y'\n")
    else {
        panic!("an exit without a result is a failure");
    };
    insta::assert_snapshot!(message, @"the agent ended with exit code 1: warning: x · error: unknown option '--y'");
    assert_eq!((retry, claude.remedy()), (Retry::No, None));
}

#[test]
fn every_resume_waits_for_the_hooks_and_no_word_becomes_a_flag() {
    let strange = Some("--dangerously".to_owned());
    let fresh = Claude::new(Start { model: strange.clone(), effort: strange, ..start() }).launch();
    insta::assert_snapshot!(fresh.argv.join(" "), @"claude -p --output-format stream-json --input-format stream-json --verbose --permission-prompt-tool stdio --setting-sources= --session-mirror --include-partial-messages --session-id 00000000-0000-0000-0000-000000000007 --permission-mode bypassPermissions");
    for plan in [false, true] {
        let start = Start {
            resume: true,
            plan,
            model: Some("sonnet".to_owned()),
            effort: Some("high".to_owned()),
            ..start()
        };
        let argv = Claude::new(start).launch().argv.join(" ");
        assert!(argv.contains("--resume 00000000-0000-0000-0000-000000000007 --await-initialize"), "{argv}");
        assert!(argv.ends_with("--model sonnet --effort high"), "{argv}");
        assert_eq!(argv.contains("--permission-mode plan"), plan);
    }
    assert_eq!(fresh.env["CLAUDE_CONFIG_DIR"], "/agent");
    assert_eq!(fresh.env["IS_SANDBOX"], "1");
}

#[test]
fn the_hooks_cover_whatever_the_policy_names() {
    let hooks = |names: &[&str]| {
        let require_approval_for = names.iter().map(|n| (*n).to_owned()).collect();
        let line = Claude::new(Start { require_approval_for, ..start() }).open().remove(0);
        let line: Value = serde_json::from_slice(&line).unwrap();
        let hooks = line["request"]["hooks"]["PreToolUse"].as_array().unwrap().clone();
        hooks.iter().map(|h| h["matcher"].as_str().unwrap_or("every tool").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(hooks(&[]), ["AskUserQuestion", "ExitPlanMode"]);
    assert_eq!(
        hooks(&["bash", "Bash(git push)", "Write"]),
        ["AskUserQuestion", "ExitPlanMode", "Bash", "Write"]
    );
    assert_eq!(hooks(&["mcp__*"]), ["every tool"]);
    let (mut claude, _) =
        ready(Start { require_approval_for: vec!["mcp__db__*".to_owned()], ..start() }, "idle");
    assert_eq!(told(&hook(&mut claude, "a", "mcp__db__drop", &json!({}), None)), ["held a"]);
    assert_eq!(told(&hook(&mut claude, "b", "Bash", &json!({"command": "ls"}), None)), ["pass r-b"]);
}
