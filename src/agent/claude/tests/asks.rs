//! Calls that wait for a person: held, answered, deferred, come back.

use super::*;

#[test]
fn of_two_held_calls_the_first_is_denied_and_only_the_last_deferred() {
    let mut claude = running();
    assert_eq!(told(&ask(&mut claude, "a")), ["held a"]);
    assert_eq!(told(&ask(&mut claude, "b")), ["held b"]);
    assert_eq!(told(&claude.tell(Word::DeferAll)), ["deny r-a", "taken back a", "defer r-b"]);
    assert!(claude.asks.held.is_empty());
    assert_eq!(told(&ask(&mut claude, "c")), ["deny r-c"], "no second deferral in this turn");
    assert!(claude.tell(Word::DeferAll).is_empty());
    let ended =
        result(&mut claude, &json!({"terminal_reason": "tool_deferred", "deferred_tool_use": {"id": "b"}}));
    assert_eq!(told(&ended), Vec::<String>::new(), "the turn is over when the agent is idle");
    assert_eq!(told(&idle(&mut claude)), ["ended deferred 0"]);
}

#[test]
fn an_answered_call_goes_on_and_the_other_is_deferred() {
    let mut claude = running();
    ask(&mut claude, "a");
    ask(&mut claude, "b");
    assert_eq!(told(&answer(&mut claude, "a")), ["allow r-a"]);
    assert_eq!(told(&claude.tell(Word::DeferAll)), ["defer r-b"]);
    assert_eq!(told(&tool_result(&mut claude, "a")), ["applied a"]);
    assert_eq!(told(&tool_result(&mut claude, "a")), Vec::<String>::new(), "applied once");
}

#[test]
fn a_call_that_was_to_be_deferred_but_was_not_is_taken_back() {
    let mut claude = running();
    ask(&mut claude, "a");
    claude.tell(Word::DeferAll);
    let ended = result(&mut claude, &json!({"is_error": true, "terminal_reason": "aborted_tools"}));
    assert_eq!(told(&ended), ["taken back a"]);
    assert_eq!(told(&idle(&mut claude)), ["ended interrupted 0"]);
}

#[test]
fn a_subagents_call_is_never_deferred() {
    let mut claude = running();
    hook(&mut claude, "sub", "Bash", &json!({"command": "rm x"}), Some("agent-1"));
    let signals = claude.tell(Word::DeferAll);
    assert_eq!(told(&signals), ["deny r-sub", "taken back sub"]);
    let reason = written(&signals).to_string();
    assert!(reason.contains("final report"), "{reason}");
    ask(&mut claude, "main");
    assert_eq!(told(&claude.tell(Word::DeferAll)), ["defer r-main"]);
}

#[test]
fn an_answer_is_the_agents_input_with_the_answers_added() {
    let mut claude = running();
    ask(&mut claude, "a");
    let output = &written(&answer(&mut claude, "a"))["response"]["response"]["hookSpecificOutput"];
    assert_eq!(output["updatedInput"]["answers"], json!({"Which?": "SQLite"}));
    assert_eq!(output["updatedInput"]["questions"][0]["header"], "DB");
}

#[test]
fn an_answer_given_before_the_call_comes_back_is_applied_when_it_comes() {
    let (mut claude, _) = resumed("running");
    assert_eq!(told(&answer(&mut claude, "a")), Vec::<String>::new());
    assert_eq!(told(&ask(&mut claude, "a")), ["allow r-a"], "not held: a person has answered");
    assert_eq!(told(&tool_result(&mut claude, "a")), ["applied a"]);
}

#[test]
fn a_call_that_comes_back_after_the_agent_said_it_is_idle_is_answered_once() {
    let (mut claude, _) = resumed("idle");
    assert_eq!(told(&answer(&mut claude, "a")), ["may come back"]);
    let say = Word::Say { uuid: Uuid::from_u128(2), text: "and this".to_owned() };
    assert_eq!(told(&claude.tell(say)), Vec::<String>::new(), "the answer comes first");
    let running = json!({"type": "system", "subtype": "session_state_changed", "state": "running"});
    assert_eq!(told(&hear(&mut claude, &running)), ["began", "say and this"]);
    assert_eq!(told(&ask(&mut claude, "a")), ["allow r-a"]);
    assert_eq!(told(&tool_result(&mut claude, "a")), ["applied a"]);
    assert_eq!(told(&claude.tell(Word::NothingComes)), Vec::<String>::new(), "something came");
    result(&mut claude, &json!({}));
    assert_eq!(told(&idle(&mut claude)), ["ended done 0"], "and is not said in words");
}

#[test]
fn a_call_that_comes_back_both_ways_is_held_once_and_answered_twice() {
    let (mut claude, _) = resumed("running");
    let request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "tool_use_id": "a", "input": {"command": "ls"}});
    let request = json!({"type": "control_request", "request_id": "perm", "request": request});
    assert_eq!(told(&hear(&mut claude, &request)), ["held a"]);
    assert_eq!(told(&hook(&mut claude, "a", "Bash", &json!({"command": "ls"}), None)), Vec::<String>::new());
    assert_eq!(told(&decide(&mut claude, "a", Decision::Allow, None)), ["allow perm", "allow r-a"]);
    assert_eq!(told(&hear(&mut claude, &request)), ["allow perm"], "asked once more, answered the same");
}

#[test]
fn an_answer_whose_call_does_not_come_back_is_said_in_words() {
    let mut claude = Claude::new(Start { resume: true, ..start() });
    claude.open();
    assert_eq!(told(&answer(&mut claude, "a")), Vec::<String>::new(), "perhaps it comes back");
    let reply =
        json!({"subtype": "success", "request_id": INITIALIZE, "response": {"session_state": "idle"}});
    let signals = hear(&mut claude, &json!({"type": "control_response", "response": reply}));
    assert_eq!(told(&signals), ["may come back"], "it may take its turn up again just after this");
    let told = told(&claude.tell(Word::NothingComes));
    assert!(told[0].starts_with("say ") && told[0].contains("Which? → SQLite"), "{told:?}");
    assert_eq!(told[1], "applied a");
    assert_eq!(told.len(), 2);
    assert_eq!(self::told(&ask(&mut claude, "a")), ["allow r-a"], "it came after all");
    assert_eq!(self::told(&tool_result(&mut claude, "a")), Vec::<String>::new(), "applied once");
}

#[test]
fn an_answer_that_comes_while_nothing_runs_is_said_at_once_and_one_in_a_turn_waits_for_its_end() {
    let (mut claude, _) = resumed("idle");
    claude.tell(Word::NothingComes);
    assert_eq!(told(&answer(&mut claude, "a")).len(), 2);
    assert_eq!(told(&answer(&mut claude, "b")), Vec::<String>::new(), "a turn runs now");
    result(&mut claude, &json!({}));
    let told = told(&idle(&mut claude));
    assert_eq!(told[0], "ended done 1", "another turn follows");
    assert!(told[1].starts_with("say ") && told[2] == "applied b", "{told:?}");
}

#[test]
fn the_answer_to_a_deferred_call_waits_for_the_next_process() {
    let mut claude = running();
    ask(&mut claude, "a");
    claude.tell(Word::DeferAll);
    result(&mut claude, &json!({"terminal_reason": "tool_deferred", "deferred_tool_use": {"id": "a"}}));
    assert_eq!(told(&idle(&mut claude)), ["ended deferred 0"]);
    assert_eq!(told(&answer(&mut claude, "a")), Vec::<String>::new());
}

#[test]
fn a_command_under_approval_is_shown_whole_and_waits() {
    let mut claude = running();
    let command = format!("echo {}; rm -rf target", "x".repeat(2_000));
    let signals = hook(&mut claude, "a", "Bash", &json!({"command": command}), None);
    let what = AskWhat::Permission { tool: "Bash".to_owned(), detail: command };
    assert_eq!(signals, [Signal::Held { ask: AskId("a".to_owned()), what }]);
    assert_eq!(told(&hook(&mut claude, "w", "Write", &json!({"file_path": "x"}), None)), ["pass r-w"]);
    let said = decide(&mut claude, "a", Decision::Deny, Some("use make clean"));
    assert!(written(&said).to_string().contains("use make clean"));
}

#[test]
fn words_beside_a_yes_are_said_too() {
    let mut claude = running();
    hook(&mut claude, "a", "ExitPlanMode", &json!({}), None);
    let said = told(&decide(&mut claude, "a", Decision::Allow, Some("but keep the API")));
    assert_eq!(said, ["allow r-a", "say A person approved the plan and adds: but keep the API"]);
}

#[test]
fn the_plan_is_read_from_what_was_written_and_approval_ends_planning() {
    let (mut claude, _) = ready(Start { plan: true, ..start() }, "idle");
    let uses = |name: &str, input: Value| {
        let block = json!({"type": "tool_use", "id": "t", "name": name, "input": input});
        json!({"type": "assistant", "message": {"role": "assistant", "content": [block]}})
    };
    let file = "/agent/plans/a.md";
    hear(&mut claude, &uses("Write", json!({"file_path": file, "content": "1. test\n2. fix"})));
    hear(&mut claude, &uses("Edit", json!({"file_path": file, "old_string": "fix", "new_string": "mend"})));
    hear(&mut claude, &uses("Write", json!({"file_path": "/agent/plans/../x.md", "content": "no plan"})));
    let held = hook(&mut claude, "p", "ExitPlanMode", &json!({}), None);
    let what = AskWhat::Plan { text: "1. test\n2. mend".to_owned() };
    assert_eq!(held, [Signal::Held { ask: AskId("p".to_owned()), what }]);

    let write = json!({"subtype": "can_use_tool", "tool_name": "Write", "tool_use_id": "w", "input": {"file_path": "/w/a"}});
    let write = json!({"type": "control_request", "request_id": "w", "request": write});
    assert_eq!(told(&hear(&mut claude, &write)), ["deny w"], "a plan changes nothing");
    let signals = decide(&mut claude, "p", Decision::Allow, None);
    assert_eq!(told(&signals), ["allow r-p"]);
    let [Signal::Write(yes)] = &signals[..] else { panic!("{signals:?}") };
    assert!(String::from_utf8_lossy(yes).contains(r#""updatedInput":{}"#), "else it asks once more");
    assert_eq!(told(&tool_result(&mut claude, "p")), ["applied p", "request set_permission_mode"]);
    assert_eq!(told(&hear(&mut claude, &write)), ["allow w"]);
}
