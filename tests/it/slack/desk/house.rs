//! Where people talk to the desk, and what they then see.
//!
//! Deliveries come over the real sockets; nothing is told by itself: a test lets the sender speak. Must not know any
//! story.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::domain::ask::{AskWhat, Choice, Question};
use devtask::domain::report::Report;
use devtask::domain::session::Status;
use devtask::domain::{AskId, command::CommandBody};
use devtask::slack::Settings;
use devtask::slack::deliveries::{Deliveries, Work};
use devtask::slack::desk::{Desk, Parts};
use devtask::slack::gateway::{Gateway, OverWeb};
use devtask::slack::input::Me;
use devtask::slack::sender::Sender;
use devtask::slack::web::Web;
use devtask::store::slack::Delivery;
use devtask::wire::api::{Control, Filter};
use devtask::workbench::slack::{Act, Place, Receipt, Settings as Workspace, Slack};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::control::world::World;

pub const ANA: &str = "U0ANA";
pub const BO: &str = "U0BO";
pub const GUS: &str = "U0GUS";
pub const ZOE: &str = "U0ZOE";
pub const DEV: &str = "C0DEV";
pub const QUIET: &str = "C0QUIET";
const PATIENCE: Duration = Duration::from_secs(20);

pub struct House {
    pub world: World,
    pub slack: Slack,
    pub sender: Sender,
    pub desk: Arc<Desk>,
    heard: Arc<Ear>,
    _gateway: Gateway,
}

/// The desk, and every delivery that came to it.
struct Ear {
    desk: Arc<Desk>,
    all: Mutex<Vec<Delivery>>,
}

#[async_trait]
impl Work for Ear {
    async fn prompt(&self, d: &Delivery) -> Option<Value> {
        self.desk.prompt(d).await
    }

    async fn work(&self, d: &Delivery) {
        self.all.lock().unwrap().push(d.clone());
        self.desk.work(d).await;
    }

    async fn late(&self, d: &Delivery) {
        self.desk.late(d).await;
    }
}

pub fn question(text: &str, labels: &[&str]) -> Question {
    let option = |label: &&str| Choice { label: (*label).to_owned(), description: String::new() };
    let options = labels.iter().map(option).collect();
    Question { question: text.to_owned(), header: String::new(), multi_select: false, options }
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(Some("acme/shop")).await
    }

    /// The bot is in the channel: only there it hears people.
    pub async fn inside() -> Self {
        let house = Self::open().await;
        house.slack.enter(DEV, &house.slack.bot_user()).unwrap();
        house
    }

    /// `repo`: `slack.repo`.
    pub async fn open_with(repo: Option<&str>) -> Self {
        let world = World::new().await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let slack = Slack::start_with(listener, Workspace::default(), world.clock.clone()).unwrap();
        let settings = Settings {
            bot_token: Some(slack.tokens().bot.expose_secret().into()),
            api_url: Some(slack.api_url()),
            ..Settings::default()
        };
        let web = Web::new(&settings, world.clock.clone()).unwrap();
        let (notes, clock) = (world.store.slack(), world.clock.clone());
        let control: Arc<dyn Control> = Arc::new(world.local.clone());
        let sender = Sender::new(notes.clone(), Arc::clone(&control), web.clone(), clock.clone());
        let bot = web.auth_test().await.unwrap();
        let nudged = sender.clone();
        let desk = Arc::new(Desk::new(Parts {
            control,
            web: web.clone(),
            notes: notes.clone(),
            clock: clock.clone(),
            nudge: Arc::new(move |session| nudged.nudge(session)),
            me: Me { user: bot.user, bot: bot.bot, team: Some(bot.team) },
            admins: Vec::new(),
            repo: repo.map(str::to_owned),
        }));
        let heard = Arc::new(Ear { desk: Arc::clone(&desk), all: Mutex::default() });
        let deliveries = Deliveries::new(notes, Arc::clone(&heard) as Arc<_>, clock.clone());
        deliveries.start();
        let token = slack.tokens().app.expose_secret().into();
        let gateway = Gateway::start(Arc::new(OverWeb::new(web, token)), deliveries, clock);
        let house = Self { world, slack, sender, desk, heard, _gateway: gateway };
        house.until("a socket stands", async || house.slack.connections().0 > 0).await;
        house
    }

    /// Types, and waits until all that comes of it is done.
    pub async fn says(&self, who: &str, channel: &str, text: &str, thread: Option<&str>) -> String {
        let receipt = self.slack.say(who, channel, text, thread).unwrap();
        self.settle().await;
        receipt.ts.unwrap_or_default()
    }

    pub async fn commands(&self, text: &str) {
        self.says(ANA, DEV, text, None).await;
    }

    pub async fn presses(&self, who: &str, words: &str) {
        self.slack.press(who, DEV, words).unwrap();
        self.settle().await;
    }

    pub fn fills(&self, who: &str, block: &str, value: &str) {
        let view = self.slack.state(who).unwrap()["modal"]["id"].as_str().unwrap().to_owned();
        let (block, action) = (block.to_owned(), "value".to_owned());
        let act = Act::Fill { at: Place::View { view }, block, action, value: json!(value) };
        self.slack.act(who, act).unwrap();
    }

    pub async fn submits(&self, who: &str) -> Receipt {
        let receipt = self.slack.act(who, Act::Submit).unwrap();
        self.settle().await;
        receipt
    }

    /// Everything that was sent is carried out, and the sender has said what it could.
    pub async fn settle(&self) {
        let notes = self.world.store.slack();
        self.until("all deliveries are carried out", async || {
            let over = |d: &Value| matches!(d["outcome"].as_str(), Some("acked" | "failed"));
            self.slack.deliveries().iter().all(over) && notes.deliveries().await.unwrap().is_empty()
        })
        .await;
    }

    /// Everything of this kind once more, as after a crash between the deed and its note.
    pub async fn again(&self, kind: &str) {
        let kind = format!("\"type\":\"{kind}\"");
        let all = self.heard.all.lock().unwrap().clone();
        let same: Vec<&Delivery> =
            all.iter().filter(|d| d.payload.replace(' ', "").contains(&kind)).collect();
        assert!(!same.is_empty(), "nothing of {kind} came");
        for delivery in same {
            self.desk.work(delivery).await;
        }
        self.pass(2).await;
    }

    /// Time passes; nodes and the sender do what they would.
    pub async fn pass(&self, seconds: i64) {
        for _ in 0..seconds {
            self.world.settle().await;
            self.sender.tick(self.world.clock.now()).await;
            self.slack.turn(TimeDelta::seconds(1));
        }
        self.sender.tick(self.world.clock.now()).await;
    }

    pub async fn runs(&self, number: u32) {
        self.world.until_status(number, Status::Running).await;
        self.pass(2).await;
    }

    /// The agent asks; its message is in the thread after this.
    pub async fn asks(&self, number: u32, ask: &str, questions: Vec<Question>) {
        let what = AskWhat::Questions { questions };
        self.world.supervisor(number).say(Report::AskRaised { id: AskId(ask.to_owned()), what });
        self.world.until(number, "asked", |row| row.session.open_asks().any(|a| a.id.0 == ask)).await;
        self.pass(2).await;
    }

    pub fn seen(&self, channel: &str) -> String {
        self.slack.transcript(channel).unwrap()
    }

    /// What people said to the agent of this session, in order.
    pub async fn heard(&self, number: u32) -> Vec<String> {
        let events = self.world.events(number).await;
        let said = |event: &devtask::domain::event::Event| match &event.body {
            devtask::domain::event::Body::CommandIssued { command } => match &command.body {
                CommandBody::Message { text, mode, .. } => Some(format!("{mode:?}: {text}")),
                _ => None,
            },
            _ => None,
        };
        events.iter().filter_map(said).collect()
    }

    pub async fn sessions(&self) -> usize {
        self.world.local.list(Filter::default()).await.unwrap().sessions.len()
    }

    pub async fn until(&self, what: &str, is: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !is().await {
            assert!(
                began.elapsed() < PATIENCE,
                "never {what}:\n{}\n{:#?}",
                self.seen(DEV),
                self.slack.deliveries()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
