//! A `Control` in memory over the real session machine, and a server in front of it: what the doors are tested with.
//!
//! Knows no store, dispatcher or node: tests say themselves what a node would have said.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::domain::ask::{Answer, AskWhat, Choice, Decision, Question};
use devtask::domain::event::{Event, Logged};
use devtask::domain::limits::{Limits, Policy};
use devtask::domain::report::{
    CheckKind, Ending, Evidence, Phase, Pushed, Record, Report, TurnOutcome, Usage,
};
use devtask::domain::session::{self, Change, Input, NewSession, PullRequest, Session, Status};
use devtask::domain::{Actor, AskId, Attempt, Seq, SessionId, Time};
use devtask::http::{Doors, Part, Parts, Settings, State};
use devtask::wire::account::{AccountView, Link};
use devtask::wire::api::{Act, Code, Control, Create, EventStream, Filter, Message, Page, Refusal};
use devtask::wire::fleet::NodeView;
use devtask::wire::view::{AskView, EventView, SessionView};
use futures_util::{StreamExt, stream};
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A Monday morning.
pub fn morning() -> Time {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

type Rows = Mutex<BTreeMap<SessionId, (Session, Vec<Event>)>>;

pub struct Desk {
    pub clock: Clock,
    rows: Arc<Rows>,
    keys: Mutex<BTreeMap<String, (String, SessionId)>>,
    head: watch::Sender<u64>,
    /// Refused instead of answered, once.
    pub refuse: Mutex<Option<Refusal>>,
    /// Panics at the next `list`.
    pub panic: Mutex<bool>,
    /// Events that streams were asked for.
    pub taken: Arc<AtomicUsize>,
    /// What `account` answers.
    pub account: Mutex<AccountView>,
    /// What `nodes` answers.
    pub nodes: Mutex<Vec<NodeView>>,
    /// Who called last.
    pub by: Mutex<Option<Actor>>,
}

impl Desk {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::by_hand(morning()),
            rows: Arc::default(),
            keys: Mutex::default(),
            head: watch::channel(0).0,
            refuse: Mutex::default(),
            account: Mutex::new(AccountView::Unlinked),
            nodes: Mutex::default(),
            panic: Mutex::default(),
            taken: Arc::default(),
            by: Mutex::default(),
        })
    }

    /// A session of `local/ana` as most tests want one.
    pub fn make(&self, title: &str) -> SessionId {
        let new = Create {
            brief: devtask::domain::brief::Brief::from_text(title),
            repo: "acme/web".to_owned(),
            base: Some("main".to_owned()),
            provider: None,
            agent: None,
            model: Some("opus".to_owned()),
            effort: None,
            plan: false,
            priority: 0,
            labels: Vec::new(),
            requester: None,
        };
        self.born(&Actor::Person("local/ana".to_owned()), new).unwrap()
    }

    fn born(&self, by: &Actor, new: Create) -> Result<SessionId, Refusal> {
        let mut rows = self.rows.lock().unwrap();
        let id = SessionId::new(u32::try_from(rows.len()).unwrap() + 1).unwrap();
        let repo = new.repo.parse().map_err(|e| Refusal::new(Code::Invalid, format!("{e}")))?;
        let new = NewSession {
            id,
            mark: Uuid::from_u128(id.number().into()),
            owner: by.clone(),
            brief: new.brief,
            repo,
            base: new.base,
            provider: new.provider.unwrap_or_else(|| "local".to_owned()),
            agent: new.agent.unwrap_or_else(|| "claude".to_owned()),
            model: new.model,
            effort: new.effort,
            plan: new.plan,
            priority: new.priority,
            labels: new.labels,
            requester: new.requester,
            branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
            require_approval_for: Vec::new(),
            limits: Limits::default(),
            policy: Policy::default(),
        };
        let change = session::create(new, self.clock.now())?;
        rows.insert(id, (change.session, change.events));
        Ok(id)
    }

    /// What a node, a dispatcher or a person says.
    pub fn say(&self, id: SessionId, input: Input) -> Result<SessionView, Refusal> {
        let mut rows = self.rows.lock().unwrap();
        let Some((session, log)) = rows.get_mut(&id) else { return Err(unknown(id)) };
        let Change { session: next, events, .. } = session::step(session, input, self.clock.now())?;
        *session = next;
        log.extend(events);
        self.head.send_modify(|n| *n += 1);
        Ok(SessionView::of(session, None, None, self.clock.now()))
    }

    /// Reports of the live attempt, each a second after the other.
    pub fn report(&self, id: SessionId, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            self.clock.turn(TimeDelta::seconds(1));
            let (attempt, n) = {
                let rows = self.rows.lock().unwrap();
                let (session, _) = &rows[&id];
                (session.attempt, session.ingested + 1)
            };
            let raw = matches!(report, Report::Message { .. }).then(|| br#"{"type":"assistant"}"#.to_vec());
            let record = Record { n, at: self.clock.now(), report, raw };
            self.say(id, Input::Records { attempt, records: vec![record] }).unwrap();
        }
    }

    pub fn run(&self, id: SessionId) {
        let attempt = Attempt(1);
        self.say(id, Input::Admit { attempt }).unwrap();
        self.say(id, Input::Hello { attempt }).unwrap();
        self.report(
            id,
            [
                Report::WorkspaceReady {
                    base: "main".to_owned(),
                    base_sha: "3f2a9c1d".repeat(5),
                    branch: format!("devtask/{}-add-a-retry", id.number()),
                },
                Report::AgentStarted {
                    session: Uuid::from_u128(7),
                    version: "2.1.329".to_owned(),
                    model: Some("opus".to_owned()),
                    resumed: false,
                },
                Report::Phase { phase: Phase::Execute },
                Report::Message { text: "I will add a retry with backoff.".to_owned() },
                Report::Tool {
                    id: "t1".to_owned(),
                    tool: "Bash".to_owned(),
                    summary: "cargo test".to_owned(),
                },
            ],
        );
    }

    pub fn ask(&self, id: SessionId) {
        let choice = |label: &str, description: &str| Choice {
            label: label.to_owned(),
            description: description.to_owned(),
        };
        let question = |question: &str, multi_select, options| Question {
            question: question.to_owned(),
            header: String::new(),
            multi_select,
            options,
        };
        let questions = vec![
            question(
                "How many tries?",
                false,
                vec![choice("Three", "with backoff"), choice("Five", "for slow networks")],
            ),
            question("Which errors?", true, vec![choice("Timeouts", ""), choice("5xx", "")]),
        ];
        self.report(
            id,
            [Report::AskRaised { id: AskId("toolu_1".to_owned()), what: AskWhat::Questions { questions } }],
        );
    }

    pub fn finish(&self, id: SessionId) {
        let evidence = |command: &str, kind, exit_code, tests| Evidence {
            command: command.to_owned(),
            kind,
            exit_code: Some(exit_code),
            timed_out: false,
            duration_ms: 3_120,
            tests,
            tree: "9b".repeat(20),
            tail: "ok".to_owned(),
        };
        let all = vec![
            evidence("cargo test", CheckKind::Test, 0, Some(42)),
            evidence("cargo clippy", CheckKind::Lint, 0, None),
        ];
        let pushed = Pushed {
            branch: format!("devtask/{}-add-a-retry", id.number()),
            sha: "77c0ffee".repeat(5),
            tree: "9b".repeat(20),
        };
        let usage = Usage { cost_micro_usd: 420_000, input_tokens: 12_400, output_tokens: 3_100, turns: 4 };
        self.report(
            id,
            [
                Report::TurnEnded {
                    outcome: TurnOutcome::Completed { text: "Added the retry.".to_owned() },
                    usage,
                },
                Report::Phase { phase: Phase::Validate },
                Report::ChecksPlanned {
                    source: ".devtask.toml".to_owned(),
                    commands: vec!["cargo test".to_owned(), "cargo clippy".to_owned()],
                },
            ],
        );
        self.report(id, all.iter().cloned().map(|evidence| Report::CheckEnded { round: 1, evidence }));
        self.report(
            id,
            [
                Report::Pushed(pushed.clone()),
                Report::Ended {
                    how: Ending::Finished {
                        pushed: Some(pushed),
                        evidence: all,
                        summary: "Added the retry.".to_owned(),
                    },
                },
            ],
        );
        let pull_request =
            PullRequest { number: 12, url: "https://github.com/acme/web/pull/12".to_owned(), adopted: false };
        self.say(id, Input::Published { pull_request: Some(pull_request) }).unwrap();
    }

    /// The open ask is answered, the agent is told, and the work is done.
    pub fn finish_after_answer(&self, id: SessionId) {
        let ask = AskId("toolu_1".to_owned());
        let answer = Answer::Decide { decide: Decision::Agent, message: None };
        self.say(id, Input::Answer { by: ana(), ask: ask.clone(), answer }).unwrap();
        self.report(id, [Report::AnswerApplied { id: ask }]);
        self.finish(id);
    }

    fn note(&self, by: &Actor) -> Result<(), Refusal> {
        *self.by.lock().unwrap() = Some(by.clone());
        self.refusal()
    }

    fn refusal(&self) -> Result<(), Refusal> {
        self.refuse.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

/// Events after `after`, and whether that was all for good.
fn told(rows: &Rows, id: SessionId, after: Seq) -> (Vec<EventView>, bool) {
    let rows = rows.lock().unwrap();
    let (session, log) = &rows[&id];
    let new = log.iter().filter(|e| e.seq > after).map(|e| EventView::of(logged(e)).unwrap()).collect();
    (new, session.status.is_settled())
}

/// As the store would give it.
fn logged(event: &Event) -> Logged {
    let body = serde_json::to_string(&event.body).unwrap();
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    Logged {
        seq: event.seq,
        at: event.at,
        attempt: event.attempt,
        kind: told["kind"].as_str().unwrap().to_owned(),
        body,
        raw: event.raw.clone(),
    }
}

fn unknown(id: SessionId) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no session {id}")).hint("`devtask list` shows all")
}

#[async_trait]
impl Control for Desk {
    async fn create(&self, by: &Actor, new: Create, key: Option<&str>) -> Result<SessionView, Refusal> {
        self.note(by)?;
        let request = serde_json::to_string(&new).unwrap();
        if let Some(key) = key {
            let known = self.keys.lock().unwrap().get(key).cloned();
            match known {
                Some((same, id)) if same == request => return self.show(id).await,
                Some(_) => {
                    return Err(Refusal::new(Code::KeyReused, "this key was used for another request"));
                }
                None => {}
            }
        }
        let id = self.born(by, new)?;
        if let Some(key) = key {
            self.keys.lock().unwrap().insert(key.to_owned(), (request, id));
        }
        self.show(id).await
    }

    async fn list(&self, filter: Filter) -> Result<Page, Refusal> {
        assert!(!*self.panic.lock().unwrap(), "as the test asked");
        self.refusal()?;
        let rows = self.rows.lock().unwrap();
        let fits = |s: &Session| {
            filter.status.is_none_or(|status| s.status == status)
                && filter.owner.as_ref().is_none_or(|o| s.owner().to_string() == format!("person:{o}"))
        };
        let below: u32 = filter.cursor.as_deref().map_or(u32::MAX, |c| c.parse().unwrap());
        let limit = filter.limit.unwrap_or(50) as usize;
        let all: Vec<_> =
            rows.values().rev().filter(|(s, _)| fits(s) && s.id().number() < below).take(limit + 1).collect();
        let next_cursor = (all.len() > limit).then(|| all[limit - 1].0.id().number().to_string());
        let view = |(s, _): &&(Session, Vec<Event>)| {
            let position = (s.status == Status::Queued).then_some(1);
            SessionView::of(s, None, position, self.clock.now())
        };
        Ok(Page { sessions: all.iter().take(limit).map(view).collect(), next_cursor })
    }

    async fn show(&self, id: SessionId) -> Result<SessionView, Refusal> {
        let rows = self.rows.lock().unwrap();
        let (session, _) = rows.get(&id).ok_or_else(|| unknown(id))?;
        let position = (session.status == Status::Queued).then_some(1);
        Ok(SessionView::of(session, None, position, self.clock.now()))
    }

    async fn act_once(
        &self,
        by: &Actor,
        id: SessionId,
        act: Act,
        rev: Option<u64>,
        _: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        self.note(by)?;
        let now = self.show(id).await?.rev;
        let by = by.clone();
        let done = self.say(
            id,
            match act {
                Act::Pause { reason } => Input::Pause { by, reason },
                Act::Resume => Input::Resume { by },
                Act::Cancel { reason } => Input::Cancel { by, reason },
                Act::Rerun => Input::Rerun { by },
            },
        );
        done.map_err(|refusal| match rev {
            Some(rev) if rev != now => Refusal { code: Code::Outdated, ..refusal },
            _ => refusal,
        })
    }

    async fn message(&self, by: &Actor, id: SessionId, message: Message) -> Result<SessionView, Refusal> {
        self.note(by)?;
        let (by, text) = (by.clone(), message.text);
        if self.show(id).await?.status.is_settled() {
            return self.say(id, Input::FollowUp { by, text });
        }
        self.say(id, Input::Message { by, text, mode: message.mode })
    }

    async fn asks(&self) -> Result<Vec<AskView>, Refusal> {
        let rows = self.rows.lock().unwrap();
        Ok(rows.values().flat_map(|(s, _)| s.open_asks().map(|a| AskView::of(s.id(), a))).collect())
    }

    async fn answer_once(
        &self,
        by: &Actor,
        handle: &str,
        answer: Answer,
        _: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        self.note(by)?;
        let none = || Refusal::new(Code::NotFound, format!("there is no ask `{handle}`"));
        let (id, ask) = handle.split_once(':').ok_or_else(none)?;
        let id = id.parse().map_err(|_| none())?;
        self.say(id, Input::Answer { by: by.clone(), ask: AskId(ask.to_owned()), answer })
    }

    async fn nodes(&self) -> Result<Vec<NodeView>, Refusal> {
        Ok(self.nodes.lock().unwrap().clone())
    }

    async fn link(&self, by: &Actor, link: Link) -> Result<AccountView, Refusal> {
        self.note(by)?;
        if link.token_file.is_some() {
            *self.account.lock().unwrap() =
                AccountView::Linked { login: "ana-on-the-forge".to_owned(), since: self.clock.now() };
        } else if self.account(by).await? == AccountView::Unlinked {
            *self.account.lock().unwrap() = AccountView::Waiting {
                user_code: "WDJB-MJHT".to_owned(),
                verification_uri: "https://github.com/login/device".to_owned(),
                until: self.clock.now() + chrono::TimeDelta::minutes(15),
            };
        }
        self.account(by).await
    }

    async fn unlink(&self, by: &Actor) -> Result<AccountView, Refusal> {
        *self.account.lock().unwrap() = AccountView::Unlinked;
        self.account(by).await
    }

    async fn account(&self, _: &Actor) -> Result<AccountView, Refusal> {
        Ok(self.account.lock().unwrap().clone())
    }

    async fn events(&self, id: SessionId, after: Seq) -> Result<EventStream, Refusal> {
        self.show(id).await?;
        let (rows, head, taken) = (Arc::clone(&self.rows), self.head.subscribe(), Arc::clone(&self.taken));
        let live = stream::unfold((rows, head, after), move |(rows, mut head, last)| async move {
            loop {
                head.borrow_and_update();
                let (new, settled) = told(&rows, id, last);
                if let Some(newest) = new.last().map(|e| e.seq) {
                    return Some((stream::iter(new.into_iter().map(Ok)), (rows, head, newest)));
                }
                if settled || head.changed().await.is_err() {
                    return None;
                }
            }
        });
        let counted = live.flatten().inspect(move |_| {
            taken.fetch_add(1, Ordering::Relaxed);
        });
        Ok(counted.boxed())
    }
}

/// A server over a desk, in a folder of its own, on a free port.
pub struct House {
    pub desk: Arc<Desk>,
    pub dir: tempfile::TempDir,
    pub address: SocketAddr,
    pub token: SecretString,
    pub closing: CancellationToken,
    pub health: Arc<Mutex<Vec<Part>>>,
    pub serving: tokio::task::JoinHandle<()>,
}

impl House {
    pub async fn open() -> Self {
        Self::over(Desk::new()).await
    }

    pub async fn over(desk: Arc<Desk>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("dt")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .tempdir()
            .unwrap();
        let settings = Settings { listen: "127.0.0.1:0".to_owned(), ..Settings::default() };
        let doors = Doors::open(&settings, dir.path(), &Clock::system()).await.unwrap();
        let doors = doors.times(Duration::from_millis(300), Duration::from_millis(500));
        let token = devtask::http::read_token(&dir.path().join("token")).unwrap();
        let health =
            Arc::new(Mutex::new(vec![Part { name: "database".to_owned(), state: State::Ok, detail: None }]));
        let look = Arc::clone(&health);
        let parts = Parts {
            control: Arc::clone(&desk) as Arc<dyn Control>,
            health: Arc::new(move || Box::pin(std::future::ready(look.lock().unwrap().clone()))),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            closing: CancellationToken::new(),
        };
        let (address, closing) = (doors.address(), parts.closing.clone());
        let serving = tokio::spawn(doors.serve(parts));
        Self { desk, dir, address, token, closing, health, serving }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("devtask.sock")
    }

    /// Over the socket, as the CLI does.
    pub fn remote(&self) -> Remote {
        Remote::new(Target::Socket(self.socket()), None, Clock::system())
    }
}

pub fn ana() -> Actor {
    Actor::Person("local/ana".to_owned())
}
