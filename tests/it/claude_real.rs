//! Conversations through the adapter: with the scripted agent always, with the real `claude` binary where there is one.
//!
//! Knows that `DEVTASK_CLAUDE` names the real binary (absent: the tests say so and talk to the scripted agent alone); the
//! real one is given the scripted model to think with. Must not know the protocol: whatever is said to an agent goes
//! through the adapter, and what is asserted are its signals and the files the agent left.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devtask::agent::claude::Claude;
use devtask::agent::framing::Lines;
use devtask::agent::{Adapter, Launch, Remedy, Signal, Start, Word, probe};
use devtask::clock::Clock;
use devtask::domain::AskId;
use devtask::domain::ask::{Answer, AskWhat, Decision};
use devtask::domain::report::{Report, TurnOutcome};
use devtask::workbench::agent as scripted;
use devtask::workbench::model::Model;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long the supervisor waits for a call that may come back.
const FOR_COME_BACK: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// A conversation's folders, which outlive its processes.
struct Conversation {
    dir: tempfile::TempDir,
    id: Uuid,
    /// The real binary and the model it thinks with; else the scripted agent.
    real: Option<(PathBuf, Model)>,
}

/// One process of it.
struct Process {
    far: Far,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    lines: Lines<Box<dyn AsyncRead + Send + Unpin>>,
    errors: JoinHandle<String>,
    claude: Claude,
    seen: Vec<Signal>,
    /// A deferred call may still be taken up again by itself.
    may_come_back: bool,
}

enum Far {
    Real(Child),
    /// Keeps the sender of its signals: a closed one would be a signal too.
    Scripted(JoinHandle<scripted::End>, tokio::sync::mpsc::Sender<scripted::Signal>),
}

impl Conversation {
    /// The same conversation with each agent there is.
    async fn both(number: u128) -> Vec<Self> {
        let mut all = vec![Self::new(number, None)];
        all.extend(Self::real(number).await);
        all
    }

    /// `None`, and a word about it, where the real binary is not to be had.
    async fn real(number: u128) -> Option<Self> {
        let binary = crate::figures::claude("conversations")?;
        Some(Self::new(number, Some((binary, Model::start().await.unwrap()))))
    }

    fn new(number: u128, real: Option<(PathBuf, Model)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, id: Uuid::from_u128(number << 64 | 1), real }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    /// Waits until the transcript on disk knows this call.
    async fn transcript_names(&self, ask: &AskId) {
        let config = self.dir.path().join("config/projects");
        let name = format!("{}.jsonl", self.id);
        let known = || {
            let folders = std::fs::read_dir(&config).into_iter().flatten().flatten();
            let texts = folders.filter_map(|f| std::fs::read_to_string(f.path().join(&name)).ok());
            texts.into_iter().any(|text| text.contains(&ask.0))
        };
        let written = async {
            while !known() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("the transcript is written");
    }

    async fn start(&self, resume: bool, require_approval_for: &[&str]) -> Process {
        self.begin(resume, false, require_approval_for).await
    }

    async fn begin(&self, resume: bool, plan: bool, require_approval_for: &[&str]) -> Process {
        let binary =
            self.real.as_ref().map_or_else(|| "scripted".into(), |(binary, _)| binary.to_string_lossy());
        let claude = Claude::new(Start {
            command: vec![binary.into_owned()],
            conversation: self.id,
            resume,
            model: None,
            effort: Some("low".to_owned()),
            plan,
            require_approval_for: require_approval_for.iter().map(|t| (*t).to_owned()).collect(),
            config_dir: self.dir.path().join("config"),
        });
        let mut launch = claude.launch();
        launch.env.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        launch.env.insert("HOME".to_owned(), self.dir.path().to_string_lossy().into_owned());
        let mut process = match &self.real {
            Some((_, model)) => self.spawn(claude, launch, model),
            None => self.play(claude, launch),
        };
        for line in process.claude.open() {
            process.write(line).await;
        }
        process
    }

    fn spawn(&self, claude: Claude, launch: Launch, model: &Model) -> Process {
        let mut child = Command::new(launch.argv.first().unwrap())
            .args(launch.argv.iter().skip(1))
            .env_clear()
            .envs(launch.env)
            .env("ANTHROPIC_BASE_URL", model.url())
            .env("ANTHROPIC_API_KEY", "dummy")
            .current_dir(self.dir.path().join("work"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let errors = child.stderr.take().unwrap();
        Process::new(Far::Real(child), Box::new(input), Box::new(output), Box::new(errors), claude)
    }

    fn play(&self, claude: Claude, launch: Launch) -> Process {
        let (input, agents_input) = tokio::io::duplex(1 << 20);
        let (agents_output, output) = tokio::io::duplex(1 << 20);
        let (agents_errors, errors) = tokio::io::duplex(1 << 20);
        let (send, signals) = tokio::sync::mpsc::channel(4);
        let io = scripted::Stdio {
            input: Box::new(agents_input),
            output: Box::new(agents_output),
            errors: Box::new(agents_errors),
            signals,
        };
        let env: BTreeMap<String, String> = launch.env;
        let cwd = self.dir.path().join("work");
        let at = scripted::Surroundings { env, cwd, clock: Clock::system(), pid: 1 };
        let args: Vec<String> = launch.argv.into_iter().skip(1).collect();
        let run = tokio::spawn(async move { scripted::run(io, &args, at).await });
        Process::new(Far::Scripted(run, send), Box::new(input), Box::new(output), Box::new(errors), claude)
    }
}

impl Process {
    fn new(
        far: Far,
        input: Box<dyn AsyncWrite + Send + Unpin>,
        output: Box<dyn AsyncRead + Send + Unpin>,
        mut errors: Box<dyn AsyncRead + Send + Unpin>,
        claude: Claude,
    ) -> Self {
        let errors = tokio::spawn(async move {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text).await;
            text
        });
        Self { far, input, lines: Lines::new(output), errors, claude, seen: Vec::new(), may_come_back: false }
    }

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
            match signal {
                Signal::MayComeBack => self.may_come_back = true,
                Signal::TurnBegan => self.may_come_back = false,
                _ => {}
            }
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
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let found = self.seen.iter().enumerate().skip(from).find_map(|(at, s)| Some((at, find(s)?)));
            if let Some((at, found)) = found {
                self.seen.drain(..=at);
                return found;
            }
            from = self.seen.len();
            if self.may_come_back
                && let Ok(lines) = tokio::time::timeout(FOR_COME_BACK, self.lines.next_line()).await
            {
                let line = lines.unwrap().unwrap_or_else(|| panic!("the agent ended before {what}"));
                let signals = self.claude.heard(line);
                self.take(signals).await;
                continue;
            }
            if std::mem::take(&mut self.may_come_back) {
                // As the supervisor does: what has not come back by now does not.
                self.tell(Word::NothingComes).await;
                continue;
            }
            let line = tokio::time::timeout_at(deadline, self.lines.next_line()).await;
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
    async fn close(self) -> i32 {
        drop(self.input);
        // Nobody listens any more; it must not wait for us.
        let mut lines = self.lines;
        let drain = async { while let Ok(Some(_)) = lines.next_line().await {} };
        let end = async {
            match self.far {
                Far::Real(mut child) => child.wait().await.unwrap().code().unwrap(),
                Far::Scripted(run, _signals) => match run.await.unwrap() {
                    scripted::End::Code(code) => i32::from(code),
                    scripted::End::Signal(number) => 128 + number,
                },
            }
        };
        tokio::time::timeout(PATIENCE, async { tokio::join!(drain, end).1 }).await.expect("it goes")
    }

    async fn kill(self) {
        match self.far {
            Far::Real(mut child) => child.kill().await.unwrap(),
            Far::Scripted(run, _signals) => {
                run.abort();
                let _ = run.await;
            }
        }
    }
}

/// A prompt that carries what the scripted agent does, or the scripted model thinks.
fn script(steps: &Value) -> String {
    format!("go <script>{steps}</script>")
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
    let Some(talk) = Conversation::real(1).await else { return };
    let command = [talk.real.as_ref().unwrap().0.to_string_lossy().into_owned()];
    let path = std::env::var("PATH").unwrap();
    assert!(probe::probe(&command, &path).await.unwrap() >= probe::PINNED);
}

#[tokio::test]
async fn a_question_answered_while_it_is_held_goes_on_in_the_same_turn() {
    for talk in Conversation::both(2).await {
        let mut agent = talk.start(false, &[]).await;
        agent.say(1, ask_then_tell()).await;
        let (ask, what) = agent.held().await;
        assert!(matches!(what, AskWhat::Questions { questions } if questions.len() == 1));
        agent.answer(&ask).await;
        agent.applied(&ask).await;
        assert!(agent.said().await.contains(r#""Which database?"="SQLite""#));
        assert_eq!(agent.close().await, 0);
    }
}

#[tokio::test]
async fn a_deferred_question_survives_kills_and_comes_back_under_its_id() {
    for talk in Conversation::both(3).await {
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
}

#[tokio::test]
async fn an_answer_that_is_there_before_the_deferred_question_is_given_to_it() {
    for talk in Conversation::both(4).await {
        let mut agent = talk.start(false, &[]).await;
        agent.say(1, ask_then_tell()).await;
        let (ask, _) = agent.held().await;
        agent.tell(Word::DeferAll).await;
        agent.ended().await;
        agent.close().await;

        let mut agent = talk.start(true, &[]).await;
        agent.answer(&ask).await;
        agent.applied(&ask).await;
        let goes_on = "Then: Your questions have been answered";
        let goes_on = |s: &Signal| matches!(s, Signal::Report { report: Report::Message { text }, .. } if text.starts_with(goes_on));
        agent.until("the turn going on", |s| goes_on(s).then_some(())).await;
        agent.kill().await;
    }
}

#[tokio::test]
async fn a_command_under_approval_never_runs_before_it_is_approved() {
    for talk in Conversation::both(5).await {
        let made = talk.file("made.txt");
        let mut agent = talk.start(false, &["Bash"]).await;
        agent
            .say(
                1,
                script(
                    &json!([{"tool": "Bash", "input": touch(&made)}, {"text": "Then: {{last_tool_result}}"}]),
                ),
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
}

#[tokio::test]
async fn a_command_that_is_not_approved_is_not_run_and_the_agent_hears_why() {
    for talk in Conversation::both(6).await {
        let made = talk.file("made.txt");
        let mut agent = talk.start(false, &["bash"]).await;
        agent
            .say(
                1,
                script(
                    &json!([{"tool": "Bash", "input": touch(&made)}, {"text": "Then: {{last_tool_result}}"}]),
                ),
            )
            .await;
        let (ask, _) = agent.held().await;
        agent.decide(&ask, Decision::Deny).await;
        agent.applied(&ask).await;
        assert!(agent.said().await.contains("did not allow this"));
        assert!(!made.exists());
        agent.close().await;
    }
}

#[tokio::test]
async fn of_two_questions_held_together_one_is_deferred_and_the_other_asked_again_later() {
    for talk in Conversation::both(7).await {
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
}

#[tokio::test]
async fn an_answer_whose_question_died_with_its_process_is_said_in_words() {
    let Some(talk) = Conversation::real(8).await else { return };
    let mut agent = talk.start(false, &[]).await;
    agent.say(1, ask_then_tell()).await;
    let (ask, _) = agent.held().await;
    // The transcript is written lazily: a kill right away would leave no conversation at all.
    talk.transcript_names(&ask).await;
    agent.kill().await;

    let mut agent = talk.start(true, &[]).await;
    agent.answer(&ask).await;
    agent.applied(&ask).await;
    agent.kill().await;
}

#[tokio::test]
async fn an_interrupt_takes_a_held_question_back_and_the_agent_stays_usable() {
    for talk in Conversation::both(9).await {
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
}

#[tokio::test]
async fn a_start_that_cannot_be_is_told_with_its_remedy() {
    for talk in Conversation::both(10).await {
        let mut agent = talk.start(true, &[]).await;
        while let Some(line) = agent.lines.next_line().await.unwrap() {
            let signals = agent.claude.heard(line);
            assert!(!signals.iter().any(|s| matches!(s, Signal::TurnEnded { .. })), "{signals:?}");
        }
        let said = (&mut agent.errors).await.unwrap();
        agent.claude.exited(Some(1), &said);
        assert_eq!(agent.claude.remedy(), Some(Remedy::StartAfresh));
    }
}

#[tokio::test]
async fn a_plan_changes_nothing_until_a_person_approves_it() {
    for talk in Conversation::both(11).await {
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
}

#[tokio::test]
async fn a_turn_is_not_over_while_something_runs_in_the_background() {
    let Some(talk) = Conversation::real(12).await else { return };
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
    assert_eq!(agent.said().await, "noticed");
    agent.close().await;
}
