//! The real `claude` binary, driven by the adapter, on a scripted model.
//!
//! Knows two things of its surroundings: `DEVTASK_CLAUDE` names the binary (absent: these tests say so and pass), and
//! `DEVTASK_MODEL_URL` the scripted model's address. Must not know the protocol: whatever is said to the agent goes
//! through the adapter, and what is asserted are its signals and the files the agent left.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devtask::agent::claude::Claude;
use devtask::agent::framing::Lines;
use devtask::agent::{Adapter, Remedy, Signal, Start, Word, probe};
use devtask::domain::AskId;
use devtask::domain::ask::{Answer, AskWhat, Decision};
use devtask::domain::report::{Report, TurnOutcome};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

/// A conversation's folders, which outlive its processes.
struct Conversation {
    binary: PathBuf,
    model: String,
    dir: tempfile::TempDir,
    id: Uuid,
}

/// One process of it.
struct Process {
    child: Child,
    input: ChildStdin,
    lines: Lines<ChildStdout>,
    claude: Claude,
    seen: Vec<Signal>,
}

impl Conversation {
    /// `None`, and a word about it, where the real binary is not to be had.
    fn new(number: u128) -> Option<Self> {
        let (binary, model) = (std::env::var("DEVTASK_CLAUDE"), std::env::var("DEVTASK_MODEL_URL"));
        let (Ok(binary), Ok(model)) = (binary, model) else {
            println!(
                "skipped: DEVTASK_CLAUDE and DEVTASK_MODEL_URL do not name the real agent and a scripted model"
            );
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Some(Self { binary: binary.into(), model, dir, id: Uuid::from_u128(number << 64 | 1) })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    async fn start(&self, resume: bool, require_approval_for: &[&str]) -> Process {
        self.begin(resume, false, require_approval_for).await
    }

    async fn begin(&self, resume: bool, plan: bool, require_approval_for: &[&str]) -> Process {
        let mut claude = Claude::new(Start {
            command: vec![self.binary.to_string_lossy().into_owned()],
            conversation: self.id,
            resume,
            model: None,
            effort: Some("low".to_owned()),
            plan,
            require_approval_for: require_approval_for.iter().map(|t| (*t).to_owned()).collect(),
            config_dir: self.dir.path().join("config"),
        });
        let launch = claude.launch();
        let mut child = Command::new(launch.argv.first().unwrap())
            .args(launch.argv.iter().skip(1))
            .env_clear()
            .envs(launch.env)
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("ANTHROPIC_BASE_URL", &self.model)
            .env("ANTHROPIC_API_KEY", "dummy")
            .current_dir(self.dir.path().join("work"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let open = claude.open();
        let mut process = Process { child, input, lines: Lines::new(output), claude, seen: Vec::new() };
        for line in open {
            process.write(line).await;
        }
        process
    }
}

impl Process {
    async fn write(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        self.input.write_all(&line).await.expect("the agent reads");
    }

    async fn take(&mut self, signals: Vec<Signal>) {
        for signal in signals {
            if let Signal::Write(line) = &signal {
                self.write(line.clone()).await;
            }
            assert!(!matches!(signal, Signal::Broken { .. }), "{signal:?}");
            self.seen.push(signal);
        }
    }

    async fn tell(&mut self, word: Word) {
        let signals = self.claude.tell(word);
        self.take(signals).await;
    }

    async fn say(&mut self, number: u128, text: String) {
        self.tell(Word::Say { uuid: Uuid::from_u128(number), text }).await;
    }

    async fn decide(&mut self, ask: &AskId, decide: Decision) {
        let answer = Answer::Decide { decide, message: None };
        self.tell(Word::Answer { ask: ask.clone(), answer }).await;
    }

    async fn answer(&mut self, ask: &AskId) {
        let answers = [("Which database?".to_owned(), "SQLite".to_owned())].into();
        self.tell(Word::Answer { ask: ask.clone(), answer: Answer::Answers { answers } }).await;
    }

    /// Listens until a signal since the last call gives a value.
    async fn until<T>(&mut self, what: &str, mut find: impl FnMut(&Signal) -> Option<T>) -> T {
        let mut from = 0;
        loop {
            let found = self.seen.iter().enumerate().skip(from).find_map(|(at, s)| Some((at, find(s)?)));
            if let Some((at, found)) = found {
                self.seen.drain(..=at);
                return found;
            }
            from = self.seen.len();
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no {what}; seen: {:?}", self.seen)).unwrap();
            let line = line.unwrap_or_else(|| panic!("the agent ended before {what}; seen: {:?}", self.seen));
            let signals = self.claude.heard(line);
            self.take(signals).await;
        }
    }

    async fn held(&mut self) -> (AskId, AskWhat) {
        self.until("held call", |s| match s {
            Signal::Held { ask, what } => Some((ask.clone(), what.clone())),
            _ => None,
        })
        .await
    }

    async fn applied(&mut self, want: &AskId) {
        let is = |s: &Signal| matches!(s, Signal::Report { report: Report::AnswerApplied { id }, .. } if id == want);
        self.until("applied answer", |s| is(s).then_some(())).await;
    }

    async fn ended(&mut self) -> TurnOutcome {
        self.until("end of the turn", |s| match s {
            Signal::TurnEnded { outcome, queued: 0, .. } => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    async fn said(&mut self) -> String {
        match self.ended().await {
            TurnOutcome::Completed { text } => text,
            other => panic!("{other:?}"),
        }
    }

    /// Closes its standard input and waits for it to go.
    async fn close(mut self) -> i32 {
        drop(self.input);
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it goes");
        status.unwrap().code().unwrap()
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A prompt the scripted model plays.
fn script(steps: &Value) -> String {
    format!("go <fake>{steps}</fake>")
}

fn question() -> Value {
    let options = json!([{"label": "SQLite", "description": "a file"}, {"label": "Postgres", "description": "a server"}]);
    let question = json!({"question": "Which database?", "header": "Database", "multiSelect": false, "options": options});
    json!({"questions": [question]})
}

fn ask_then_tell() -> String {
    script(&json!([{"tool": "AskUserQuestion", "input": question()}, {"text": "Then: {{last_tool_result}}"}]))
}

fn touch(file: &Path) -> Value {
    json!({"command": format!("touch {}", file.display()), "description": "make a file"})
}

#[tokio::test]
async fn the_probe_takes_the_real_binary() {
    let Some(talk) = Conversation::new(1) else { return };
    let command = [talk.binary.to_string_lossy().into_owned()];
    let path = std::env::var("PATH").unwrap();
    assert!(probe::probe(&command, &path).await.unwrap() >= probe::PINNED);
}

#[tokio::test]
async fn a_question_answered_while_it_is_held_goes_on_in_the_same_turn() {
    let Some(talk) = Conversation::new(2) else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, what) = agent.held().await;
    assert!(matches!(what, AskWhat::Questions { questions } if questions.len() == 1));
    agent.answer(&ask).await;
    agent.applied(&ask).await;
    assert!(agent.said().await.contains(r#""Which database?"="SQLite""#));
    assert_eq!(agent.close().await, 0);
}

#[tokio::test]
async fn a_deferred_question_survives_kills_and_comes_back_under_its_id() {
    let Some(talk) = Conversation::new(3) else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, _) = agent.held().await;
    agent.tell(Word::DeferAll).await;
    assert_eq!(agent.ended().await, TurnOutcome::Deferred { ask: ask.clone() });
    assert_eq!(agent.close().await, 0);

    let mut agent = talk.start(true, &[]).await;
    assert_eq!(agent.held().await.0, ask);
    agent.kill().await;

    let mut agent = talk.start(true, &[]).await;
    assert_eq!(agent.held().await.0, ask);
    agent.answer(&ask).await;
    agent.applied(&ask).await;
    assert!(agent.said().await.contains(r#""Which database?"="SQLite""#));
    assert_eq!(agent.close().await, 0);
}

#[tokio::test]
async fn an_answer_that_is_there_before_the_deferred_question_is_given_to_it() {
    let Some(talk) = Conversation::new(4) else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, _) = agent.held().await;
    agent.tell(Word::DeferAll).await;
    agent.ended().await;
    agent.close().await;

    let mut agent = talk.start(true, &[]).await;
    agent.answer(&ask).await;
    agent.applied(&ask).await;
    let said = agent.said().await;
    assert!(said.starts_with("Then: Your questions have been answered"), "{said}");
    agent.close().await;
}

#[tokio::test]
async fn a_command_under_approval_never_runs_before_it_is_approved() {
    let Some(talk) = Conversation::new(5) else { return };
    let made = talk.file("made.txt");
    let mut agent = talk.start(false, &["Bash"]).await;
    agent
        .say(
            1,
            script(&json!([{"tool": "Bash", "input": touch(&made)}, {"text": "Then: {{last_tool_result}}"}])),
        )
        .await;
    let (ask, what) = agent.held().await;
    let detail = format!("touch {}", made.display());
    assert_eq!(what, AskWhat::Permission { tool: "Bash".to_owned(), detail });
    agent.tell(Word::DeferAll).await;
    assert_eq!(agent.ended().await, TurnOutcome::Deferred { ask: ask.clone() });
    agent.close().await;
    assert!(!made.exists());

    let mut agent = talk.start(true, &["Bash"]).await;
    assert_eq!(agent.held().await.0, ask);
    assert!(!made.exists());
    agent.decide(&ask, Decision::Allow).await;
    agent.applied(&ask).await;
    agent.said().await;
    assert!(made.exists());
    agent.close().await;
}

#[tokio::test]
async fn a_command_that_is_not_approved_is_not_run_and_the_agent_hears_why() {
    let Some(talk) = Conversation::new(6) else { return };
    let made = talk.file("made.txt");
    let mut agent = talk.start(false, &["bash"]).await;
    agent
        .say(
            1,
            script(&json!([{"tool": "Bash", "input": touch(&made)}, {"text": "Then: {{last_tool_result}}"}])),
        )
        .await;
    let (ask, _) = agent.held().await;
    agent.decide(&ask, Decision::Deny).await;
    agent.applied(&ask).await;
    assert!(agent.said().await.contains("did not allow this"));
    assert!(!made.exists());
    agent.close().await;
}

#[tokio::test]
async fn of_two_questions_held_together_one_is_deferred_and_the_other_asked_again_later() {
    let Some(talk) = Conversation::new(7) else { return };
    let call = json!({"name": "AskUserQuestion", "input": question()});
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, script(&json!([{"tools": [call, call]}, {"text": "Then: {{last_tool_result}}"}]))).await;
    let (first, _) = agent.held().await;
    let (second, _) = agent.held().await;
    agent.tell(Word::DeferAll).await;
    let back = |s: &Signal| if let Signal::TakenBack { ask, .. } = s { Some(ask.clone()) } else { None };
    assert_eq!(agent.until("the first taken back", back).await, first);
    assert_eq!(agent.ended().await, TurnOutcome::Deferred { ask: second.clone() });
    agent.close().await;

    let mut agent = talk.start(true, &[]).await;
    assert_eq!(agent.held().await.0, second);
    agent.answer(&second).await;
    agent.applied(&second).await;
    agent.said().await;
    agent.close().await;
}

#[tokio::test]
async fn an_answer_whose_question_died_with_its_process_is_said_in_words() {
    let Some(talk) = Conversation::new(8) else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, _) = agent.held().await;
    // The transcript is written lazily: a kill right away would leave no conversation at all.
    let mirrored =
        |s: &Signal| matches!(s, Signal::Report { report: Report::Transcript { .. }, .. }).then_some(());
    agent.until("the transcript", mirrored).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    agent.kill().await;

    let mut agent = talk.start(true, &[]).await;
    agent.answer(&ask).await;
    agent.applied(&ask).await;
    agent.said().await;
    agent.close().await;
}

#[tokio::test]
async fn an_interrupt_takes_a_held_question_back_and_the_agent_stays_usable() {
    let Some(talk) = Conversation::new(9) else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, _) = agent.held().await;
    agent.tell(Word::Interrupt).await;
    let back = |s: &Signal| if let Signal::TakenBack { ask, .. } = s { Some(ask.clone()) } else { None };
    assert_eq!(agent.until("taken back", back).await, ask);
    assert_eq!(agent.ended().await, TurnOutcome::Interrupted);
    agent.say(2, script(&json!([{"text": "still here"}]))).await;
    assert_eq!(agent.said().await, "still here");
    agent.close().await;
}

#[tokio::test]
async fn a_start_that_cannot_be_is_told_with_its_remedy() {
    let Some(talk) = Conversation::new(10) else { return };
    let mut agent = talk.start(true, &[]).await;
    let output = agent.child.stderr.take().unwrap();
    while let Some(line) = agent.lines.next_line().await.unwrap() {
        let signals = agent.claude.heard(line);
        assert!(!signals.iter().any(|s| matches!(s, Signal::TurnEnded { .. })), "{signals:?}");
    }
    let mut stderr = String::new();
    let mut lines = Lines::new(output);
    while let Some(line) = lines.next_line().await.unwrap() {
        stderr += &String::from_utf8_lossy(&line);
    }
    let code = agent.child.wait().await.unwrap().code();
    agent.claude.exited(code, &stderr);
    assert_eq!(agent.claude.remedy(), Some(Remedy::StartAfresh));
}

#[tokio::test]
async fn a_plan_changes_nothing_until_a_person_approves_it() {
    let Some(talk) = Conversation::new(11) else { return };
    let (early, made) = (talk.file("early.txt"), talk.file("made.txt"));
    let plan = talk.dir.path().join("config/plans/plan.md");
    let steps = json!([
        {"tool": "Bash", "input": touch(&early)},
        {"tool": "Write", "input": {"file_path": plan, "content": "1. make a file"}},
        {"text": "Here it is.", "tool": "ExitPlanMode", "input": {}},
        {"tool": "Bash", "input": touch(&made)},
        {"text": "done"},
    ]);
    let mut agent = talk.begin(false, true, &[]).await;
    agent.say(1, script(&steps)).await;
    let (ask, what) = agent.held().await;
    assert_eq!(what, AskWhat::Plan { text: "1. make a file".to_owned() });
    assert!(!early.exists(), "a command ran while a plan was made");
    agent.tell(Word::DeferAll).await;
    assert_eq!(agent.ended().await, TurnOutcome::Deferred { ask: ask.clone() });
    agent.close().await;

    let mut agent = talk.begin(true, true, &[]).await;
    assert_eq!(agent.held().await.0, ask);
    agent.decide(&ask, Decision::Allow).await;
    agent.applied(&ask).await;
    assert_eq!(agent.said().await, "done");
    assert!(made.exists());
    agent.close().await;
}

#[tokio::test]
async fn a_turn_is_not_over_while_something_runs_in_the_background() {
    let Some(talk) = Conversation::new(12) else { return };
    let command = "python3 -c 'import time; time.sleep(1)'";
    let steps = json!([
        {"tool": "Bash", "input": {"command": command, "run_in_background": true}},
        {"text": "started"},
        {"text": "noticed"},
    ]);
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, script(&steps)).await;
    let more = |s: &Signal| if let Signal::TurnEnded { queued, .. } = s { Some(*queued) } else { None };
    assert_eq!(agent.until("the first turn's end", more).await, 1);
    assert_eq!(agent.claude.background(), [format!("local_bash: {command}")]);
    assert_eq!(agent.said().await, "noticed");
    agent.close().await;
}
