//! A turn's lines, resuming, repeating, refusing, dying.

use insta::assert_snapshot;

use super::*;

#[tokio::test]
async fn a_turn_shows_its_lines_in_the_real_ones_order() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "acceptEdits", "--allowedTools", "Bash"]);
    agent.initialize(None).await;
    let script = r#"[{"say":"I begin."},{"write":{"path":"a.txt","content":"one\n"}},
        {"edit":{"path":"a.txt","old":"one","new":"two"}},{"run":"cat a.txt; echo no >&2; exit 3"},{"run":"cat a.txt"},
        {"text":"It says {{last_tool_result}}."}]"#;
    agent.say(&scripted(script)).await;
    agent.idle().await;
    let story = agent.story().replace(place.cwd.path().to_str().unwrap(), "[CWD]");
    assert_snapshot!(story, @r"
    reply
    state running
    lifecycle queued
    lifecycle started
    system/init
    assistant: I begin.
    assistant calls Write
    user: File created successfully at: [CWD]/a.txt (file state is current in your context — no need to Read it back)
    assistant calls Edit
    user: The file [CWD]/a.txt has been updated successfully. (file state is current in your context — no need to Read it back)
    assistant calls Bash
    user: Exit code 3
    two
    no
    assistant calls Bash
    user: two
    assistant: It says two.
    result success completed
    lifecycle completed
    state idle
    ");
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn a_user_message_is_taken_up_once_also_after_a_restart() {
    let place = Place::new();
    let mut agent = place.start(&["--replay-user-messages"]);
    let uuid = agent.say(&scripted(r#"[{"text":"once"}]"#)).await;
    agent.idle().await;
    agent.say_as(uuid, "again").await;
    agent.idle().await;
    assert_eq!(texts(&agent.heard), ["once"]);
    agent.end().await;

    let mut agent = place.resume(&[]);
    agent.say_as(uuid, "again").await;
    agent.idle().await;
    assert_snapshot!(agent.story(), @r"
    lifecycle completed
    state idle
    ");
    agent.say(&scripted(r#"[{"text":"fresh"}]"#)).await;
    assert_eq!(agent.kind("result").await["result"], "fresh");
    agent.end().await;
}

#[tokio::test]
async fn what_the_real_one_refuses_is_refused() {
    let place = Place::new();
    let (end, heard, said) = place.resume(&[]).end().await;
    assert_eq!((end, heard[0]["subtype"].as_str()), (End::Code(1), Some("error_during_execution")));
    assert!(said.contains("No conversation found with session ID"), "{said}");

    let mut agent = place.start(&[]);
    agent.say(&scripted(r#"[{"text":"a"}]"#)).await;
    agent.idle().await;
    agent.end().await;
    let (end, heard, said) = place.start(&[]).end().await;
    assert_eq!((end, heard.len()), (End::Code(1), 0));
    assert!(said.contains("is already in use."), "{said}");

    let (end, _, said) = place.resume(&["--frobnicate"]).end().await;
    assert_eq!((end, said.as_str()), (End::Code(1), "error: unknown option '--frobnicate'\n"));

    let mut agent = place.resume(&[]);
    agent.send_raw(b"this is not json\n").await;
    let (end, _, said) = agent.end().await;
    assert_eq!(end, End::Code(1));
    assert_eq!(said, "Error parsing streaming input line (type=unknown, 16 chars): SyntaxError\n");
}

#[tokio::test]
async fn switches_of_the_environment_change_its_start() {
    let mut place = Place::new();
    place.env = vec![("DEVTASK_SIM_VERSION", "1.0.0 (old)"), ("DEVTASK_SIM_REFUSE", "--await-initialize")];
    let mut agent = drive(vec!["--version".into()], place.surroundings());
    assert_eq!(agent.stdout.next_line().await.unwrap().unwrap(), "1.0.0 (old)");
    let (end, _, said) = place.start(&["--await-initialize"]).end().await;
    assert_eq!((end, said.as_str()), (End::Code(1), "error: unknown option '--await-initialize'\n"));
    place.env = vec![("DEVTASK_SIM_DIE_AT_START", "7")];
    assert_eq!(place.start(&[]).end().await.0, End::Code(7));
}

#[tokio::test]
async fn a_message_during_a_tool_is_folded_into_the_turn() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    let first = agent
        .say(&scripted(
            r#"[{"run":"until [ -e go ]; do sleep 0.02; done"},{"run":"echo two"},{"text":"end"}]"#,
        ))
        .await;
    agent.kind("assistant").await;
    let second = agent.say("One more thing: also update the changelog.").await;
    agent.until(|l| l["command_uuid"] == second.to_string()).await;
    std::fs::write(place.cwd.path().join("go"), "").unwrap();
    let result = agent.kind("result").await;
    assert_eq!(result["user_message_uuids"], json!([first, second]));
    assert_eq!(texts(&agent.heard), ["end"]);
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_and_drops_what_is_queued_if_told_so() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    agent.initialize(None).await;
    agent.say(&scripted(r#"[{"run":"sleep 60"},{"text":"after"}]"#)).await;
    agent.kind("assistant").await;
    let queued = agent.say("later").await;
    agent.until(|l| l["command_uuid"] == queued.to_string()).await;
    agent.control("i", json!({ "subtype": "interrupt", "cancel_queued": true })).await;
    let reply = agent.kind("control_response").await;
    assert_eq!(reply["response"]["response"]["cancelled"], json!([queued]));
    let result = agent.kind("result").await;
    assert_eq!((&result["terminal_reason"], &result["is_error"]), (&json!("aborted_tools"), &json!(true)));
    agent.idle().await;
    assert!(agent.story().contains("user: [Request interrupted by user for tool use]"));
    agent.say("go on").await;
    assert_eq!(agent.kind("result").await["result"], "after");
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn without_cancel_queued_the_queued_message_begins_a_turn_by_itself() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    agent.say(&scripted(r#"[{"hang":60},{"text":"after"}]"#)).await;
    agent.until(|l| l["subtype"] == "init").await;
    let queued = agent.say("later").await;
    agent.until(|l| l["command_uuid"] == queued.to_string()).await;
    agent.control("i", json!({ "subtype": "interrupt" })).await;
    let first = agent.kind("result").await;
    assert_eq!(first["terminal_reason"], "aborted_streaming");
    let second = agent.kind("result").await;
    assert_eq!((&second["result"], &second["user_message_uuids"]), (&json!("after"), &json!([queued])));
    agent.end().await;
}

#[tokio::test]
async fn a_conversation_rebuilt_from_its_mirror_resumes_elsewhere() {
    let place = Place::new();
    let mut agent = place.start(&["--session-mirror"]);
    let uuid = agent.say(&scripted(r#"{"rounds":[[{"say":"a"},{"text":"b"}],[{"text":"c"}]]}"#)).await;
    agent.idle().await;
    let (_, heard, _) = agent.end().await;
    let mirrored = heard.iter().filter(|l| l["type"] == "transcript_mirror");
    let entries: Vec<String> =
        mirrored.flat_map(|l| l["entries"].as_array().unwrap()).map(|e| format!("{e}\n")).collect();

    let mut other = Place::new();
    other.session = place.session;
    let folder = other.config.path().join("projects/anywhere");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.jsonl", other.session)), entries.concat()).unwrap();
    let mut agent = other.resume(&[]);
    agent.say_as(uuid, "again").await;
    agent.idle().await;
    agent.say("and now?").await;
    assert_eq!(agent.kind("result").await["result"], "c");
    agent.end().await;
}

#[tokio::test]
async fn a_failed_api_is_an_error_though_the_result_says_success() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&scripted(r#"[{"api_error":529},{"rate_limit":{"resets_in":60}},{"text":"fine"}]"#)).await;
    let result = agent.kind("result").await;
    assert_eq!(
        (&result["subtype"], &result["is_error"], &result["api_error_status"], &result["terminal_reason"]),
        (&json!("success"), &json!(true), &json!(529), &json!("api_error"))
    );
    agent.say("again").await;
    let limit = agent.kind("rate_limit_event").await;
    assert_eq!(limit["rate_limit_info"]["status"], "rejected");
    assert_eq!(agent.kind("result").await["api_error_status"], 429);
    assert_eq!(agent.end().await.0, End::Code(1));
}

#[tokio::test]
async fn limits_end_the_turn_and_the_next_message_is_still_taken() {
    let place = Place::new();
    let mut agent = place.start(&["--max-turns", "2", "--permission-mode", "bypassPermissions"]);
    agent.say(&scripted(r#"[{"loop":50},{"text":"never"}]"#)).await;
    let result = agent.kind("result").await;
    assert_eq!(
        (&result["subtype"], &result["terminal_reason"]),
        (&json!("error_max_turns"), &json!("max_turns"))
    );
    agent.say(&scripted(r#"[{"text":"still here"}]"#)).await;
    assert_eq!(agent.kind("result").await["result"], "still here");
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn a_crash_is_survived_by_what_was_noted() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&scripted(r#"[{"say":"before"},{"crash":{"signal":9}},{"text":"after"}]"#)).await;
    let (end, heard, _) = agent.end().await;
    assert_eq!((end, texts(&heard)), (End::Signal(9), vec!["before".to_owned()]));
    let mut agent = place.resume(&["--await-initialize"]);
    agent.say("The machine restarted.").await;
    assert_eq!(agent.kind("result").await["result"], "after");
    agent.end().await;
}

#[tokio::test]
async fn sigterm_ends_it_at_once_unless_it_is_deaf() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    agent.say(&scripted(r#"[{"run":"sleep 60"}]"#)).await;
    agent.kind("assistant").await;
    agent.signal.try_send(Signal::Terminate).unwrap();
    assert_eq!(agent.task.await.unwrap(), End::Code(143));

    let mut agent = place.resume(&[]);
    agent.say(&scripted(r#"[{"ignore_sigterm":true,"say":"deaf"},{"hang":0.1},{"text":"alive"}]"#)).await;
    agent.kind("assistant").await;
    agent.signal.try_send(Signal::Terminate).unwrap();
    assert_eq!(agent.kind("result").await["result"], "alive");
    agent.signal.try_send(Signal::Interrupt).unwrap();
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn garbage_floods_and_long_lines_come_as_told() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent
        .say(&scripted(r#"[{"flood":{"lines":200,"bytes":100}},{"long_line":1000000},{"text":"end"}]"#))
        .await;
    agent.kind("result").await;
    let said = texts(&agent.heard);
    assert_eq!((said.len(), said[0].len(), said[200].len()), (202, 100, 1_000_000));
    agent.say(&scripted(r#"[{"garbage":true},{"text":"end"}]"#)).await;
    // Bytes that are no UTF-8 break the reader of lines here; a host must bear them.
    let mut raw = Vec::new();
    while !raw.windows(2).any(|w| w == b"\xff\xfe") {
        assert_ne!(agent.stdout.get_mut().read_buf(&mut raw).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn without_a_script_it_does_something_small_on_any_repository() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "acceptEdits"]);
    agent.say("# Tidy the docs\n\nPlease.").await;
    agent.kind("result").await;
    assert_eq!(place.read("NOTES.md"), "# Notes\n- Tidy the docs\n");
    agent.say("And?").await;
    assert!(agent.kind("result").await["result"].as_str().unwrap().starts_with("Understood."));
    agent.end().await;

    let place = Place::new();
    crate::workbench::sample::make(place.cwd.path()).unwrap();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    agent.say("Repair it").await;
    let result = agent.kind("result").await;
    assert!(result["result"].as_str().unwrap().contains("2 passed, 0 failed"));
    agent.end().await;
}

#[tokio::test]
async fn each_user_message_plays_the_next_round() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "bypassPermissions"]);
    let script = r#"{"rounds":[[{"write":{"path":"x","content":"bad"}},{"text":"one"}],
        [{"write":{"path":"x","content":"good"}},{"text":"two"}]]}"#;
    agent.say(&scripted(script)).await;
    assert_eq!(agent.kind("result").await["result"], "one");
    assert_eq!(place.read("x"), "bad");
    agent.say("the check failed: <html><script>let a = 1</script>").await;
    assert_eq!(agent.kind("result").await["result"], "two");
    assert_eq!(place.read("x"), "good");
    agent.say("more?").await;
    assert_eq!(agent.kind("result").await["result"], "(script over)");
    agent.end().await;
}

#[tokio::test]
async fn a_fork_goes_on_under_another_id() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&scripted(r#"[{"text":"a"},{"text":"b"}]"#)).await;
    agent.idle().await;
    agent.end().await;
    let mut agent = place.resume(&["--fork-session"]);
    agent.say("go on").await;
    let result = agent.kind("result").await;
    assert_eq!(result["result"], "b");
    assert_ne!(result["session_id"], json!(place.session));
    agent.end().await;
}
