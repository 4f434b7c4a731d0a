//! Held hooks, deferral, permission, plans.

use insta::assert_snapshot;

use super::*;

const ASK: &str = r#"[{"ask":{"question":"Which database?","header":"Database","options":["SQLite","Postgres"]}},
    {"text":"Then: {{last_tool_result}}"}]"#;

fn answers(request: &Value) -> Value {
    let mut input = request["request"]["input"]["tool_input"].clone();
    input["answers"] = json!({ "Which database?": "SQLite" });
    input
}

#[tokio::test]
async fn a_held_hook_answered_goes_on_in_the_same_turn() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(Some("AskUserQuestion|ExitPlanMode")).await;
    agent.say(&scripted(ASK)).await;
    let held = agent.request("hook_callback").await;
    assert_eq!(held["request"]["input"]["tool_input"]["questions"][0]["options"][1]["label"], "Postgres");
    agent.hook(&held, "allow", Some(answers(&held))).await;
    agent.idle().await;
    assert_snapshot!(agent.story(), @r#"
    reply
    state running
    lifecycle queued
    lifecycle started
    system/init
    assistant calls AskUserQuestion
    request hook_callback AskUserQuestion
    user: Your questions have been answered: "Which database?"="SQLite". You can now continue with these answers in mind.
    assistant: Then: Your questions have been answered: "Which database?"="SQLite". You can now continue with these answers in mind.
    result success completed
    lifecycle completed
    state idle
    "#);
    assert_eq!(agent.end().await.0, End::Code(0));
}

#[tokio::test]
async fn a_deferred_call_is_asked_again_with_its_own_id_after_a_restart() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.say(&scripted(ASK)).await;
    let held = agent.request("hook_callback").await;
    agent.hook(&held, "defer", None).await;
    let result = agent.kind("result").await;
    let id = held["request"]["tool_use_id"].clone();
    assert_eq!(
        (&result["terminal_reason"], &result["deferred_tool_use"]["id"]),
        (&json!("tool_deferred"), &id)
    );
    assert_eq!(agent.end().await.0, End::Code(0));

    // A kill while it is asked again loses nothing.
    let mut agent = place.resume(&["--await-initialize"]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.request("hook_callback").await;
    agent.task.abort();

    let mut agent = place.resume(&["--await-initialize"]);
    agent.initialize(Some("AskUserQuestion")).await;
    let held = agent.request("hook_callback").await;
    assert_eq!(held["request"]["tool_use_id"], id);
    agent.hook(&held, "allow", Some(answers(&held))).await;
    agent.idle().await;
    assert_snapshot!(agent.story(), @r#"
    state running
    lifecycle started
    reply
    request hook_callback AskUserQuestion
    user: Your questions have been answered: "Which database?"="SQLite". You can now continue with these answers in mind.
    system/init
    assistant: Then: Your questions have been answered: "Which database?"="SQLite". You can now continue with these answers in mind.
    result success completed
    lifecycle completed
    state idle
    "#);
    agent.end().await;
}

#[tokio::test]
async fn of_two_deferred_calls_the_first_is_lost() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.say(&scripted(r#"[{"asks":["First?","Second?"]},{"text":"end"}]"#)).await;
    let first = agent.request("hook_callback").await;
    let second = agent.request("hook_callback").await;
    agent.hook(&first, "defer", None).await;
    agent.hook(&second, "defer", None).await;
    let result = agent.kind("result").await;
    assert_eq!(result["deferred_tool_use"]["id"], second["request"]["tool_use_id"]);
    agent.end().await;
    let mut agent = place.resume(&["--await-initialize"]);
    agent.initialize(Some("AskUserQuestion")).await;
    let again = agent.request("hook_callback").await;
    assert_eq!(again["request"]["tool_use_id"], second["request"]["tool_use_id"]);
    agent.hook(&again, "deny", None).await;
    assert_eq!(agent.kind("result").await["result"], "end");
    assert_eq!(agent.heard.iter().filter(|l| l["request"]["subtype"] == "hook_callback").count(), 1);
}

#[tokio::test]
async fn one_may_be_answered_while_the_other_is_deferred() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.say(&scripted(r#"[{"asks":["First?","Second?"]},{"text":"end"}]"#)).await;
    let first = agent.request("hook_callback").await;
    let second = agent.request("hook_callback").await;
    agent.hook(&second, "deny", None).await;
    agent.hook(&first, "defer", None).await;
    let result = agent.kind("result").await;
    assert_eq!(result["deferred_tool_use"]["id"], first["request"]["tool_use_id"]);
    assert_eq!(result["permission_denials"][0]["tool_use_id"], second["request"]["tool_use_id"]);
    agent.end().await;
}

#[tokio::test]
async fn a_user_message_waits_behind_the_question_that_is_asked_again() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.say(&scripted(ASK)).await;
    let held = agent.request("hook_callback").await;
    agent.hook(&held, "defer", None).await;
    agent.end().await;
    let mut agent = place.resume(&["--await-initialize"]);
    agent.initialize(Some("AskUserQuestion")).await;
    agent.say("Never mind, use SQLite.").await;
    let held = agent.request("hook_callback").await;
    agent.answer(&held, json!({})).await;
    let ask = agent.request("can_use_tool").await;
    agent.answer(&ask, json!({ "behavior": "deny", "message": "Answered below." })).await;
    assert_eq!(agent.kind("result").await["result"], "Then: Answered below.");
    agent.kind("result").await;
    agent.end().await;
}

/// The danger the adapter must know of: without `--await-initialize` the approval is passed by.
#[tokio::test]
async fn a_deferred_command_runs_unapproved_if_the_resume_does_not_wait_for_initialize() {
    let place = Place::new();
    let bypass = ["--permission-mode", "bypassPermissions"];
    for (flags, ran) in [(vec!["--await-initialize"], false), (vec![], true)] {
        if !ran {
            let mut agent = place.start(&bypass);
            agent.initialize(Some("Bash")).await;
            agent.say(&scripted(r#"[{"run":"touch ran"},{"text":"end"}]"#)).await;
            let held = agent.request("hook_callback").await;
            agent.hook(&held, "defer", None).await;
            agent.end().await;
        }
        let mut agent = place.resume(&[&bypass[..], &flags].concat());
        if ran {
            agent.kind("result").await;
        } else {
            agent.initialize(Some("Bash")).await;
            let held = agent.request("hook_callback").await;
            agent.hook(&held, "defer", None).await;
            agent.kind("result").await;
        }
        agent.end().await;
        assert_eq!(place.cwd.path().join("ran").exists(), ran);
    }
}

#[tokio::test]
async fn permission_is_asked_one_at_a_time_and_a_refusal_is_listed() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.initialize(None).await;
    let script = r#"[{"tools":[{"name":"Write","input":{"file_path":"a","content":"x"}},
        {"name":"Bash","input":{"command":"touch b"}}]},{"text":"I was told: {{last_tool_result}}"}]"#;
    agent.say(&scripted(script)).await;
    let ask = agent.request("can_use_tool").await;
    assert_eq!(ask["request"]["tool_name"], "Write");
    agent.answer(&ask, json!({ "behavior": "allow", "updatedInput": ask["request"]["input"] })).await;
    let ask = agent.request("can_use_tool").await;
    agent.answer(&ask, json!({ "behavior": "deny", "message": "Ask the owner first." })).await;
    let result = agent.kind("result").await;
    assert_eq!(result["result"], "I was told: Ask the owner first.");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Bash");
    assert_eq!((place.read("a").as_str(), place.cwd.path().join("b").exists()), ("x", false));
    agent.end().await;
}

#[tokio::test]
async fn an_interrupt_takes_an_open_ask_back() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&scripted(ASK)).await;
    let ask = agent.request("can_use_tool").await;
    assert_eq!(ask["request"]["requires_user_interaction"], true);
    agent.control("i", json!({ "subtype": "interrupt", "cancel_queued": true })).await;
    let back = agent.kind("control_cancel_request").await;
    assert_eq!(back["request_id"], ask["request_id"]);
    assert_eq!(agent.kind("result").await["terminal_reason"], "aborted_tools");
    // An answer that comes too late is ignored.
    agent.answer(&ask, json!({ "behavior": "allow" })).await;
    agent.say("go on").await;
    agent.kind("result").await;
    agent.end().await;
}

#[tokio::test]
async fn the_end_of_the_input_breaks_an_open_ask_off() {
    let place = Place::new();
    let mut agent = place.start(&[]);
    agent.say(&scripted(ASK)).await;
    agent.request("can_use_tool").await;
    let (end, heard, _) = agent.end().await;
    assert_eq!(end, End::Code(1));
    assert!(story(&heard).contains("control_cancel_request"));
    assert!(story(&heard).contains("result error_during_execution aborted_tools"));
}

#[tokio::test]
async fn a_plan_is_written_then_waits_and_its_approval_may_set_the_mode() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "plan"]);
    let script = r##"[{"plan":"# Do it\n1. now"},{"write":{"path":"p","content":"x"}},{"text":"done"}]"##;
    agent.say(&scripted(script)).await;
    let ask = agent.request("can_use_tool").await;
    assert_eq!(
        (&ask["request"]["tool_name"], &ask["request"]["input"]),
        (&json!("ExitPlanMode"), &json!({}))
    );
    let plan = std::fs::read_to_string(place.config.path().join("plans/do-it.md")).unwrap();
    assert_eq!(plan, "# Do it\n1. now");
    let mode = json!([{ "type": "setMode", "mode": "acceptEdits", "destination": "session" }]);
    agent.answer(&ask, json!({ "behavior": "allow", "updatedInput": {}, "updatedPermissions": mode })).await;
    agent.kind("result").await;
    assert_eq!(place.read("p"), "x");
    assert!(agent.heard.iter().any(|l| l["subtype"] == "status" && l["permissionMode"] == "acceptEdits"));
    agent.end().await;
}

#[tokio::test]
async fn a_plan_sent_back_goes_on_with_the_next_step() {
    let place = Place::new();
    let mut agent = place.start(&["--permission-mode", "plan"]);
    agent.say(&scripted(r##"[{"plan":"# One"},{"text":"Revised: {{last_tool_result}}"}]"##)).await;
    let ask = agent.request("can_use_tool").await;
    agent.answer(&ask, json!({ "behavior": "deny", "message": "Add a migration." })).await;
    assert_eq!(agent.kind("result").await["result"], "Revised: Add a migration.");
    agent.end().await;
}

#[tokio::test]
async fn nobody_to_ask_means_no_such_tool() {
    let place = Place::new();
    let args = "-p --output-format stream-json --verbose --input-format stream-json";
    let mut agent = drive(args.split(' ').map(Into::into).collect(), place.surroundings());
    agent.say(&scripted(ASK)).await;
    assert!(agent.kind("result").await["result"].as_str().unwrap().contains("No such tool available"));
    agent.end().await;
}
