//! What the agent says: outcomes, costs, lines known and unknown.

use super::*;

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
