//! The real `claude` binary on the scripted model, and the scripted agent held against it.
//!
//! The real binary is 360 MB and comes from outside: where `DEVTASK_CLAUDE` (its path) is not set, the suite says so
//! and passes.

mod far;

use devtask::clock::Clock;
use devtask::workbench::model::Model;
use serde_json::{Value, json};

use crate::figures::claude;
use far::{Agent, Who, alike};

/// The same story for both agents, told through the same lines: a question deferred, a resume, an answer, a file.
fn deferral(who: &Who, model: &Model) -> Vec<Value> {
    let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = Clock::system().random_id().to_string();
    let start = |more: &[&str]| Agent::start(who, more, model, cwd.path(), config.path());
    let mode = ["--permission-mode", "bypassPermissions"];
    let mut agent = start(&[&mode[..], &["--session-id", &id]].concat());
    agent.initialize();
    let path = cwd.path().join("made.txt");
    let script = json!([
        { "say": "I need a decision.", "ask": { "question": "Which database?", "header": "Database", "options": ["SQLite", "Postgres"] } },
        { "write": { "path": path, "content": "made\n" } },
        { "run": "cat made.txt" },
        { "text": "Then: {{last_tool_result}}" },
    ]);
    agent.say(&format!("go <script>{script}</script>"));
    let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
    agent.decide(&held, "defer", None);
    let result = agent.until(|l| l["type"] == "result");
    assert_eq!(result["terminal_reason"], "tool_deferred");
    agent.until(|l| l["state"] == "idle");
    let (code, mut all) = agent.end();
    assert_eq!(code, Some(0));

    let mut agent = start(&[&mode[..], &["--resume", &id, "--await-initialize"]].concat());
    agent.initialize();
    let again = agent.until(|l| l["request"]["subtype"] == "hook_callback");
    assert_eq!(again["request"]["tool_use_id"], held["request"]["tool_use_id"]);
    let mut input = again["request"]["input"]["tool_input"].clone();
    input["answers"] = json!({ "Which database?": "SQLite" });
    agent.decide(&again, "allow", Some(input));
    let result = agent.until(|l| l["type"] == "result");
    assert_eq!((&result["is_error"], &result["result"]), (&json!(false), &json!("Then: made")));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "made\n");
    agent.until(|l| l["state"] == "idle");
    let (code, lines) = agent.end();
    assert_eq!(code, Some(0));
    all.extend(lines);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_defer_a_question_and_take_it_up_again_alike() {
    alike(deferral).await;
}

/// One conversation in one process: each message in its turn.
fn messages(who: &Who, model: &Model, flags: &[&str], messages: &[&str]) -> Vec<Value> {
    let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut agent = Agent::start(who, flags, model, cwd.path(), config.path());
    agent.initialize();
    agent.until(|l| l["type"] == "control_response");
    for message in messages {
        agent.say(&message.replace("CWD", cwd.path().to_str().unwrap()));
        loop {
            let line = agent.until(|l| l["state"] == "idle" || l["type"] == "control_request");
            if line["type"] == "system" {
                break;
            }
            let deny = json!({ "behavior": "deny", "message": "Ask the owner first." });
            let response =
                json!({ "subtype": "success", "request_id": line["request_id"], "response": deny });
            agent.send(&json!({ "type": "control_response", "response": response }));
        }
    }
    agent.end().1
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_run_tools_and_fail_alike() {
    let script = r#"go <script>[{"run":"echo one"},{"write":{"path":"CWD/a","content":"x"}},{"run":"exit 3"},
        {"write":{"path":"CWD/a","content":"y\\n"}},{"edit":{"path":"CWD/a","old":"y","new":"z"}},{"run":"true"},
        {"edit":{"path":"CWD/a","old":"nothing","new":"z"}},{"run":"echo out; echo err >&2; exit 1"},{"tool":"Nonsense","input":{}},{"text":"end"},{"text":"and more"}]</script>"#;
    let mode = ["--permission-mode", "bypassPermissions"];
    alike(|who, model| messages(who, model, &mode, &[script, "go on"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_ask_for_permission_alike() {
    let script =
        r#"go <script>[{"run":"rm -rf build"},{"text":"I was told: {{last_tool_result}}"}]</script>"#;
    alike(|who, model| messages(who, model, &[], &[script])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_end_their_session_alike() {
    let play = |agent: &mut Agent| {
        agent.until(|l| l["type"] == "control_request");
        let request = json!({ "subtype": "end_session", "reason": "pause" });
        agent.send(&json!({ "type": "control_request", "request_id": "end", "request": request }));
        agent.until(|l| l["state"] == "idle");
    };
    alike(|who, model| ask_of(model, who, &[], QUESTION, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_set_their_mode_alike() {
    let play = |agent: &mut Agent| {
        agent.until(|l| l["state"] == "idle");
        for request in [
            json!({ "subtype": "set_permission_mode", "mode": "acceptEdits" }),
            json!({ "subtype": "nonsense" }),
            json!({ "subtype": "interrupt" }),
        ] {
            agent.send(&json!({ "type": "control_request", "request_id": "r", "request": request }));
            agent.until(|l| l["type"] == "control_response");
        }
        agent.say(r#"go <script>[{"text":"end"}]</script>"#);
        agent.until(|l| l["state"] == "idle");
    };
    alike(|who, model| ask_of(model, who, &[], r#"[{"text":"first"}]"#, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_stop_at_their_limits_alike() {
    let script = r#"go <script>[{"run":"echo 1"},{"run":"echo 2"},{"run":"echo 3"},{"text":"end"}]</script>"#;
    let flags = ["--permission-mode", "bypassPermissions", "--max-turns", "2"];
    alike(|who, model| messages(who, model, &flags, &[script])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_are_interrupted_alike() {
    let play = |who: &Who, model: &Model| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mode = ["--permission-mode", "bypassPermissions"];
        let mut agent = Agent::start(who, &mode, model, cwd.path(), config.path());
        agent.initialize();
        agent.say(r#"go <script>[{"run":"touch here; until [ -e never ]; do sleep 0.1; done"},{"text":"after"}]</script>"#);
        while !cwd.path().join("here").exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        agent.say("queued");
        agent.until(|l| l["state"] == "queued");
        agent.until(|l| l["state"] == "queued");
        let interrupt = json!({ "subtype": "interrupt", "cancel_queued": true });
        agent.send(&json!({ "type": "control_request", "request_id": "stop", "request": interrupt }));
        agent.until(|l| l["state"] == "idle");
        agent.say("go on");
        agent.until(|l| l["state"] == "idle");
        agent.end().1
    };
    alike(play).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_break_a_held_question_off_alike() {
    let play = |who: &Who, model: &Model| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut agent = Agent::start(who, &[], model, cwd.path(), config.path());
        agent.initialize();
        agent.say(r#"go <script>[{"ask":"Which?"},{"text":"after"}]</script>"#);
        agent.until(|l| l["request"]["subtype"] == "hook_callback");
        let interrupt = json!({ "subtype": "interrupt", "cancel_queued": true });
        agent.send(&json!({ "type": "control_request", "request_id": "stop", "request": interrupt }));
        agent.until(|l| l["state"] == "idle");
        agent.end().1
    };
    alike(play).await;
}

fn ask_of(model: &Model, who: &Who, flags: &[&str], script: &str, play: impl Fn(&mut Agent)) -> Vec<Value> {
    let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut agent = Agent::start(who, flags, model, cwd.path(), config.path());
    agent.initialize();
    agent.until(|l| l["type"] == "control_response");
    agent.say(&format!("go <script>{script}</script>"));
    play(&mut agent);
    agent.end().1
}

const TWO: &str = r#"[{"asks":["First?","Second?"]},{"text":"end"}]"#;

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_lose_the_first_of_two_deferred_questions() {
    let play = |agent: &mut Agent| {
        let first = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        let second = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        agent.decide(&first, "defer", None);
        agent.decide(&second, "defer", None);
        let result = agent.until(|l| l["type"] == "result");
        assert_eq!(result["deferred_tool_use"]["id"], second["request"]["tool_use_id"]);
        agent.until(|l| l["state"] == "idle");
    };
    alike(|who, model| ask_of(model, who, &[], TWO, play)).await;
}

/// A hook's answer to one call; after it nobody answers any more.
async fn hooked(mode: &str, script: &str, output: Value) {
    let play = |agent: &mut Agent| {
        let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        let response = json!({ "subtype": "success", "request_id": held["request_id"], "response": { "hookSpecificOutput": output } });
        agent.send(&json!({ "type": "control_response", "response": response }));
        agent.until(|l| l["request"]["subtype"] == "can_use_tool" || l["state"] == "idle");
    };
    alike(|who, model| ask_of(model, who, &["--permission-mode", mode], script, play)).await;
}

const PLAN: &str = r#"[{"tool":"ExitPlanMode","input":{}},{"text":"end"}]"#;
const QUESTION: &str = r#"[{"ask":"Which?"},{"text":"end"}]"#;

fn decided(decision: &str) -> Value {
    json!({ "hookEventName": "PreToolUse", "permissionDecision": decision })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowing_hook_alone_does_not_let_either_agent_out_of_plan_mode() {
    hooked("plan", PLAN, decided("allow")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowing_hook_with_an_input_lets_both_agents_out_of_plan_mode() {
    let mut output = decided("allow");
    output["updatedInput"] = json!({});
    hooked("plan", PLAN, output).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowing_hook_with_an_input_without_answers_is_taken_alike() {
    let mut output = decided("allow");
    output["updatedInput"] = json!({ "questions": [{ "question": "Which?", "header": "Question", "multiSelect": false,
        "options": [{ "label": "Yes", "description": "" }, { "label": "No", "description": "" }] }] });
    hooked("default", QUESTION, output).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_hook_is_repeated_to_both_models_alike() {
    let mut output = decided("deny");
    output["permissionDecisionReason"] = json!("not answered yet, ask again");
    hooked("default", QUESTION, output).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_hook_for_a_command_is_taken_alike() {
    let mut output = decided("deny");
    output["permissionDecisionReason"] = json!("no");
    hooked("plan", PLAN, output).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_defer_one_question_and_take_the_refusal_of_the_other() {
    let play = |agent: &mut Agent| {
        let first = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        let second = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        agent.decide(&first, "deny", None);
        agent.decide(&second, "defer", None);
        let result = agent.until(|l| l["type"] == "result");
        assert_eq!(result["deferred_tool_use"]["id"], second["request"]["tool_use_id"]);
        agent.until(|l| l["state"] == "idle");
    };
    alike(|who, model| ask_of(model, who, &[], TWO, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_bear_the_end_of_the_input_while_a_hook_is_held() {
    let play = |agent: &mut Agent| {
        agent.until(|l| l["request"]["subtype"] == "hook_callback");
    };
    alike(|who, model| ask_of(model, who, &[], r#"[{"ask":"Which?"},{"text":"end"}]"#, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_bear_the_end_of_the_input_while_they_ask() {
    let play = |agent: &mut Agent| {
        agent.until(|l| l["request"]["subtype"] == "can_use_tool");
    };
    alike(|who, model| ask_of(model, who, &[], r#"[{"run":"rm -rf x"},{"text":"end"}]"#, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_answer_an_unanswered_question_alike() {
    let play = |agent: &mut Agent| {
        let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        agent.decide(&held, "allow", None);
        agent.until(|l| l["state"] == "idle" || l["request"]["subtype"] == "can_use_tool");
    };
    alike(|who, model| ask_of(model, who, &[], r#"[{"ask":"Which?"},{"text":"end"}]"#, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_leave_plan_mode_alike() {
    let play = |agent: &mut Agent| {
        let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        agent.decide(&held, "ask", None);
        let ask = agent.until(|l| l["request"]["subtype"] == "can_use_tool");
        assert_eq!(ask["request"]["input"], json!({}));
        let mode = json!([{ "type": "setMode", "mode": "acceptEdits", "destination": "session" }]);
        let allow = json!({ "behavior": "allow", "updatedInput": {}, "updatedPermissions": mode });
        let response = json!({ "subtype": "success", "request_id": ask["request_id"], "response": allow });
        agent.send(&json!({ "type": "control_response", "response": response }));
        agent.until(|l| l["state"] == "idle");
    };
    let script = r#"[{"tool":"ExitPlanMode","input":{}},{"text":"end"}]"#;
    alike(|who, model| ask_of(model, who, &["--permission-mode", "plan"], script, play)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_fold_a_message_into_the_running_turn() {
    let play = |who: &Who, model: &Model| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mode = ["--permission-mode", "bypassPermissions"];
        let mut agent = Agent::start(who, &mode, model, cwd.path(), config.path());
        agent.initialize();
        agent.say(r#"go <script>[{"run":"until [ -e go ]; do sleep 0.1; done"},{"run":"echo two"},{"text":"end"}]</script>"#);
        agent.until(|l| l["type"] == "assistant");
        agent.say("One more thing.");
        agent.until(|l| l["state"] == "queued");
        std::fs::write(cwd.path().join("go"), "").unwrap();
        let result = agent.until(|l| l["type"] == "result");
        assert_eq!(result["user_message_uuids"].as_array().map(Vec::len), Some(2));
        agent.until(|l| l["state"] == "idle");
        agent.end().1
    };
    alike(play).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agents_take_a_message_once_also_after_a_restart() {
    let play = |who: &Who, model: &Model| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = Clock::system().random_id().to_string();
        let message = json!({ "type": "user", "uuid": Clock::system().random_id(), "parent_tool_use_id": null,
            "message": { "role": "user", "content": r#"go <script>[{"text":"once"}]</script>"# } });
        let mut all = Vec::new();
        for flag in ["--session-id", "--resume"] {
            let mut agent = Agent::start(who, &[flag, &id], model, cwd.path(), config.path());
            agent.initialize();
            agent.until(|l| l["type"] == "control_response");
            agent.send(&message);
            agent.until(|l| l["state"] == "idle");
            all.extend(agent.end().1);
        }
        all
    };
    alike(play).await;
}

/// Why every resume passes `--await-initialize`.
#[tokio::test(flavor = "multi_thread")]
async fn both_agents_run_a_deferred_command_unapproved_if_nobody_waits_for_initialize() {
    let play = |who: &Who, model: &Model| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = Clock::system().random_id().to_string();
        let mode = ["--permission-mode", "bypassPermissions"];
        let mut agent = Agent::start(
            who,
            &[&mode[..], &["--session-id", &id]].concat(),
            model,
            cwd.path(),
            config.path(),
        );
        let hooks = json!({ "PreToolUse": [{ "matcher": "Bash", "hookCallbackIds": ["h0"] }] });
        let request = json!({ "subtype": "initialize", "hooks": hooks });
        agent.send(&json!({ "type": "control_request", "request_id": "init", "request": request }));
        agent.say(r#"go <script>[{"run":"touch ran"},{"text":"end"}]</script>"#);
        let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
        agent.decide(&held, "defer", None);
        agent.until(|l| l["state"] == "idle");
        let mut all = agent.end().1;
        assert!(!cwd.path().join("ran").exists());
        let mut agent =
            Agent::start(who, &[&mode[..], &["--resume", &id]].concat(), model, cwd.path(), config.path());
        agent.until(|l| l["state"] == "idle");
        assert!(cwd.path().join("ran").exists());
        all.extend(agent.end().1);
        all
    };
    alike(play).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_agent_says_what_the_model_streams_and_bears_its_failures() {
    let Some(claude) = claude("the model's failures") else { return };
    let model = Model::start().await.unwrap();
    tokio::task::block_in_place(|| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut agent = Agent::start(&Who::Real(claude), &[], &model, cwd.path(), config.path());
        let rounds = json!({ "rounds": [
            [{ "thinking": "hm", "text": "first" }],
            [{ "error": 529, "times": 1 }],
            [{ "text": "cut in the middle", "chunk": 1, "chunk_delay": 0.001 }],
        ] });
        agent.say(&format!("go <script>{rounds}</script>"));
        for expected in ["first", "(recovered)", "cut in the middle", "(script over)"] {
            let result = agent.until(|l| l["type"] == "result");
            assert_eq!(result["result"], expected);
            agent.say("the check failed, please look again");
        }
        agent.until(|l| l["type"] == "result");
        assert_eq!(agent.end().0, Some(0));
    });
    assert_eq!(model.broken(), Vec::<String>::new());
}
