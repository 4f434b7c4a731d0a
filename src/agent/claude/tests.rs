//! Laws of the language that no recording shows: calls held together, answers out of order, hostile lines.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::report::Retry;

fn start() -> Start {
    Start {
        command: vec!["claude".to_owned()],
        conversation: Uuid::from_u128(7),
        resume: false,
        model: None,
        effort: None,
        plan: false,
        require_approval_for: vec!["Bash".to_owned()],
        config_dir: "/agent".into(),
    }
}

/// An adapter whose agent has taken the hooks and says it is `state`.
fn ready(start: Start, state: &str) -> (Claude, Vec<Signal>) {
    let mut claude = Claude::new(start);
    claude.open();
    let reply = json!({"session_state": state, "claude_code_version": "2.1.329", "hooks_applied": true});
    let signals = hear(
        &mut claude,
        &json!({"type": "control_response", "response": {
            "subtype": "success", "request_id": INITIALIZE, "response": reply}}),
    );
    (claude, signals)
}

fn running() -> Claude {
    let (mut claude, _) = ready(start(), "idle");
    claude.tell(Word::Say { uuid: Uuid::from_u128(1), text: "go".to_owned() });
    claude
}

fn resumed(state: &str) -> (Claude, Vec<Signal>) {
    ready(Start { resume: true, ..start() }, state)
}

fn hear(claude: &mut Claude, line: &Value) -> Vec<Signal> {
    claude.heard(line.to_string().into_bytes())
}

fn hook(claude: &mut Claude, id: &str, tool: &str, input: &Value, agent: Option<&str>) -> Vec<Signal> {
    let input = json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": id, "agent_id": agent});
    let request =
        json!({"subtype": "hook_callback", "callback_id": "devtask", "input": input, "tool_use_id": id});
    hear(claude, &json!({"type": "control_request", "request_id": format!("r-{id}"), "request": request}))
}

fn ask(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let options = json!([{"label": "SQLite", "description": "a file"}, {"label": "Postgres", "description": "a server"}]);
    let question = json!({"question": "Which?", "header": "DB", "multiSelect": false, "options": options});
    hook(claude, id, "AskUserQuestion", &json!({"questions": [question]}), None)
}

fn answer(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let answers = [("Which?".to_owned(), "SQLite".to_owned())].into();
    claude.tell(Word::Answer { ask: AskId(id.to_owned()), answer: Answer::Answers { answers } })
}

fn decide(claude: &mut Claude, id: &str, decide: Decision, message: Option<&str>) -> Vec<Signal> {
    let answer = Answer::Decide { decide, message: message.map(str::to_owned) };
    claude.tell(Word::Answer { ask: AskId(id.to_owned()), answer })
}

fn tool_result(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let block = json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    hear(claude, &json!({"type": "user", "message": {"role": "user", "content": [block]}}))
}

fn idle(claude: &mut Claude) -> Vec<Signal> {
    hear(claude, &json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}))
}

fn result(claude: &mut Claude, fields: &Value) -> Vec<Signal> {
    let mut line = json!({"type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": "ok"});
    for (key, value) in fields.as_object().unwrap() {
        line[key] = value.clone();
    }
    hear(claude, &json!({"type": "system", "subtype": "session_state_changed", "state": "running"}));
    hear(claude, &line)
}

/// Signals as short words: what is written, held, taken back, applied, ended.
fn told(signals: &[Signal]) -> Vec<String> {
    signals.iter().filter_map(word).collect()
}

fn word(signal: &Signal) -> Option<String> {
    Some(match signal {
        Signal::Write(line) => {
            let line: Value = serde_json::from_slice(line).unwrap();
            let response = &line["response"];
            let hook = &response["response"]["hookSpecificOutput"]["permissionDecision"];
            let kind = match line["type"].as_str().unwrap() {
                "user" => return Some(format!("say {}", line["message"]["content"].as_str().unwrap())),
                "control_request" => {
                    return Some(format!("request {}", line["request"]["subtype"].as_str().unwrap()));
                }
                _ if response["subtype"] == "error" => "error",
                _ => hook.as_str().or(response["response"]["behavior"].as_str()).unwrap_or("pass"),
            };
            format!("{kind} {}", response["request_id"].as_str().unwrap())
        }
        Signal::Held { ask, .. } => format!("held {ask}"),
        Signal::TakenBack { ask, .. } => format!("taken back {ask}"),
        Signal::Consumed { uuid } => format!("consumed {}", uuid.as_u128()),
        Signal::Report { report: Report::AnswerApplied { id }, .. } => format!("applied {id}"),
        Signal::TurnBegan => "began".to_owned(),
        Signal::TurnEnded { outcome, queued, .. } => {
            let how = match outcome {
                TurnOutcome::Completed { .. } => "done",
                TurnOutcome::Deferred { .. } => "deferred",
                TurnOutcome::Interrupted => "interrupted",
                TurnOutcome::Failed { .. } => "failed",
            };
            format!("ended {how} {queued}")
        }
        Signal::Broken { .. } => "broken".to_owned(),
        Signal::Report { .. } | Signal::Live(_) => return None,
    })
}

/// The last written line.
fn written(signals: &[Signal]) -> Value {
    let mut lines =
        signals.iter().filter_map(|s| if let Signal::Write(line) = s { Some(line) } else { None });
    serde_json::from_slice(lines.next_back().unwrap()).unwrap()
}

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
    let told = told(&signals);
    assert!(told[0].starts_with("say ") && told[0].contains("Which? → SQLite"), "{told:?}");
    assert_eq!(told[1], "applied a");
    assert_eq!(told.len(), 2);
    assert_eq!(self::told(&ask(&mut claude, "a")), ["allow r-a"], "it came after all");
    assert_eq!(self::told(&tool_result(&mut claude, "a")), Vec::<String>::new(), "applied once");
}

#[test]
fn an_answer_that_comes_while_nothing_runs_is_said_at_once_and_one_in_a_turn_waits_for_its_end() {
    let (mut claude, _) = resumed("idle");
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
fn work_in_the_background_means_that_more_follows() {
    let mut claude = running();
    let tasks =
        |tasks: Value| json!({"type": "system", "subtype": "background_tasks_changed", "tasks": tasks});
    let task = json!([{"task_type": "local_agent", "description": "look"}, {"ambient": true}]);
    hear(&mut claude, &tasks(task));
    result(&mut claude, &json!({}));
    assert_eq!(told(&idle(&mut claude)), ["ended done 1"]);
    hear(&mut claude, &tasks(json!([])));
    result(&mut claude, &json!({}));
    // The news of the task starts another turn without the agent having been idle.
    assert_eq!(told(&result(&mut claude, &json!({}))), ["ended done 1"]);
    assert_eq!(told(&idle(&mut claude)), ["ended done 0"]);
}

#[test]
fn the_outcome_follows_the_error_and_never_the_subtype() {
    let at = 1_795_000_000;
    let cases = [
        (json!({"terminal_reason": "api_error", "api_error_status": 529}), Some(Retry::Later)),
        (json!({"terminal_reason": "api_error", "api_error_status": 500}), Some(Retry::Later)),
        (json!({"terminal_reason": "completed", "api_error_status": 401}), Some(Retry::No)),
        (json!({"terminal_reason": "api_error", "result": "Connection refused"}), Some(Retry::Later)),
        (
            json!({"terminal_reason": "api_error", "result": "Invalid API key · Please run /login"}),
            Some(Retry::No),
        ),
        (json!({"terminal_reason": "prompt_too_long"}), Some(Retry::No)),
        (json!({"terminal_reason": "aborted_streaming"}), None),
    ];
    for (mut fields, want) in cases {
        fields["is_error"] = true.into();
        let mut claude = running();
        result(&mut claude, &fields);
        let got = idle(&mut claude).into_iter().find_map(|s| match s {
            Signal::TurnEnded { outcome: TurnOutcome::Failed { retry, .. }, .. } => Some(retry),
            _ => None,
        });
        assert_eq!(got, want, "{fields}");
    }
    let mut claude = running();
    let limit = json!({"status": "rejected", "resetsAt": at, "rateLimitType": "five_hour"});
    hear(&mut claude, &json!({"type": "rate_limit_event", "rate_limit_info": limit}));
    result(&mut claude, &json!({"is_error": true, "terminal_reason": "api_error", "api_error_status": 429}));
    let until = DateTime::from_timestamp(at, 0).unwrap();
    let quota = Retry::Quota { until };
    assert!(idle(&mut claude).iter().any(
        |s| matches!(s, Signal::TurnEnded { outcome: TurnOutcome::Failed { retry, .. }, .. } if *retry == quota)
    ));
}

#[test]
fn costs_are_the_last_running_total_and_never_forgotten() {
    let mut claude = running();
    let usage = |claude: &mut Claude, cost: f64| {
        let model = json!({"m": {"inputTokens": 10, "cacheReadInputTokens": 5, "outputTokens": 3}});
        result(claude, &json!({"total_cost_usd": cost, "num_turns": 2, "modelUsage": model}));
        idle(claude)
            .into_iter()
            .find_map(|s| if let Signal::TurnEnded { usage, .. } = s { Some(usage) } else { None })
    };
    let first = usage(&mut claude, 0.25).unwrap();
    assert_eq!(
        (first.cost_micro_usd, first.input_tokens, first.output_tokens, first.turns),
        (250_000, 15, 3, 2)
    );
    assert_eq!(usage(&mut claude, 0.0).unwrap().cost_micro_usd, 250_000);
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
fn a_stray_line_is_a_note_and_many_are_the_end() {
    let mut claude = running();
    for _ in 0..MAX_STRAY {
        let signals = claude.heard(b"Warning: something".to_vec());
        assert!(
            matches!(&signals[..], [Signal::Report { report: Report::Note { .. }, raw: Some(_) }]),
            "{signals:?}"
        );
    }
    assert_eq!(told(&claude.heard(b"Warning: something".to_vec())), ["broken"]);
    let mut claude = running();
    for _ in 0..100 {
        assert_eq!(told(&claude.heard(b"[1, 2]".to_vec())), Vec::<String>::new());
        hear(&mut claude, &json!({"type": "keep_alive"}));
    }
}

#[test]
fn unknown_lines_pass_through_with_their_bytes() {
    let mut claude = running();
    for (line, what) in [
        (r#"{"type":"active_goal","goal":"x"}"#, "active_goal"),
        (r#"{"subtype":"new_thing","type":"system"}"#, "system/new_thing"),
        (r#"{"type":7}"#, "untyped"),
        (r#"{"type":"devtask_stub","bytes":99999999,"sha256":"ab"}"#, "devtask_stub"),
    ] {
        let report = Report::Other { what: what.to_owned() };
        assert_eq!(claude.heard(line.into()), [Signal::Report { report, raw: Some(line.into()) }]);
    }
}

#[test]
fn a_line_of_many_blocks_is_kept_once_and_long_text_is_cut_in_the_view_only() {
    let mut claude = running();
    let long = "é".repeat(3 << 20);
    let blocks = json!([{"type": "text", "text": long}, {"type": "text", "text": "b"}, {"type": "tool_use", "id": "t", "name": "Read", "input": {"file_path": "/a"}}]);
    let line = json!({"type": "assistant", "message": {"content": blocks}}).to_string().into_bytes();
    let signals = claude.heard(line.clone());
    let raws: Vec<bool> =
        signals.iter().map(|s| matches!(s, Signal::Report { raw: Some(raw), .. } if *raw == line)).collect();
    assert_eq!(raws, [true, false, false]);
    let Signal::Report { report: Report::Message { text }, .. } = &signals[0] else {
        panic!("{:?}", signals[0])
    };
    assert!(text.len() < MAX_TEXT + 100);
}

#[test]
fn mirrored_transcripts_are_named_below_the_agents_folder_and_live_lines_are_not_kept() {
    let mut claude = running();
    let mirror = r#"{"type":"transcript_mirror","filePath":"/agent/projects/-w/7.jsonl","entries":[]}"#;
    let report = Report::Transcript { path: "projects/-w/7.jsonl".to_owned() };
    assert_eq!(claude.heard(mirror.into()), [Signal::Report { report, raw: Some(mirror.into()) }]);
    let live = r#"{"type":"stream_event","event":{}}"#;
    assert_eq!(claude.heard(live.into()), [Signal::Live(live.into())]);
}

#[test]
fn what_we_cannot_serve_is_refused_politely() {
    let mut claude = running();
    for subtype in ["mcp_message", "elicitation", "something_new"] {
        let line = json!({"type": "control_request", "request_id": "x", "request": {"subtype": subtype}});
        assert_eq!(told(&hear(&mut claude, &line)), ["error x"]);
    }
}

#[test]
fn an_interrupt_takes_the_queue_with_it_and_asks_go_when_the_agent_says_so() {
    let mut claude = running();
    ask(&mut claude, "a");
    let signals = claude.tell(Word::Interrupt);
    assert_eq!(written(&signals)["request"], json!({"subtype": "interrupt", "cancel_queued": true}));
    let cancel = json!({"type": "control_cancel_request", "request_id": "r-a"});
    assert_eq!(told(&hear(&mut claude, &cancel)), ["taken back a"]);
    assert!(claude.asks.held.is_empty());
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

/// JSON that looks like the protocol without keeping to it.
fn lines() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "assistant",
            "user",
            "system",
            "result",
            "init",
            "control_request",
            "control_response",
            "success",
            "idle",
            "hook_callback",
            "can_use_tool",
            "PreToolUse",
            "AskUserQuestion",
            "Bash",
            "tool_use",
            "tool_result",
            "text",
            "devtask-initialize",
            "session_state_changed",
            "rejected",
            "transcript_mirror",
            "rate_limit_event",
            "a",
            "é",
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "type",
        "subtype",
        "message",
        "content",
        "text",
        "input",
        "id",
        "name",
        "request",
        "request_id",
        "response",
        "tool_name",
        "tool_use_id",
        "tool_input",
        "hook_event_name",
        "questions",
        "question",
        "options",
        "label",
        "state",
        "is_error",
        "deferred_tool_use",
        "queued_turn_count",
        "total_cost_usd",
        "modelUsage",
        "inputTokens",
        "rate_limit_info",
        "resetsAt",
        "status",
        "tasks",
        "filePath",
        "uuid",
        "isReplay",
        "user_message_uuids",
        "plan",
    ]);
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..8)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn no_line_whatsoever_makes_it_panic(
        heard in prop::collection::vec(prop_oneof![
            3 => lines().prop_map(|v| v.to_string().into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..60),
        ], 0..30),
        plan in any::<bool>(),
    ) {
        let (mut claude, _) = ready(Start { plan, ..start() }, "idle");
        for line in heard {
            claude.heard(line);
            let held: Vec<AskId> = claude.asks.held.iter().map(|h| h.call.ask.clone()).collect();
            for ask in held {
                claude.tell(Word::Answer { ask, answer: Answer::Decide { decide: Decision::Agent, message: None } });
            }
        }
        claude.tell(Word::DeferAll);
        claude.exited(None, "");
    }
}
