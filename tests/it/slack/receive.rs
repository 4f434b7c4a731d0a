//! What people do in a local Slack reaches the desk once, over sockets and over signed HTTP, whatever the far side does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use devtask::clock::Clock;
use devtask::slack::deliveries::{Deliveries, Work};
use devtask::slack::gateway::socket::Patience;
use devtask::slack::gateway::{Gateway, OverWeb};
use devtask::slack::web::Web;
use devtask::slack::{Settings, door};
use devtask::store::Store;
use devtask::store::slack::Delivery;
use devtask::workbench::slack::{Fault, Receipt, Slack, What};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

/// Remembers what it was given.
#[derive(Default)]
struct Desk(Mutex<Vec<Delivery>>);

#[async_trait]
impl Work for Desk {
    async fn prompt(&self, _: &Delivery) -> Option<Value> {
        None
    }

    async fn work(&self, delivery: &Delivery) {
        self.0.lock().unwrap().push(delivery.clone());
    }

    async fn late(&self, delivery: &Delivery) {
        panic!("late: {}", delivery.kind);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Socket,
    Http,
}

struct World {
    slack: Slack,
    desk: Arc<Desk>,
    store: Store,
    deliveries: Deliveries,
    gateway: Option<Gateway>,
    _dir: TempDir,
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl World {
    async fn new(mode: Mode) -> Self {
        let slack = Slack::start(listener().await).unwrap();
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path(), Clock::system()).await.unwrap();
        let desk = Arc::new(Desk::default());
        let work = Arc::clone(&desk) as Arc<dyn Work>;
        let deliveries = Deliveries::new(store.slack(), work, Clock::system());
        deliveries.start();
        let mut world = Self { slack, desk, store, deliveries, gateway: None, _dir: dir };
        match mode {
            Mode::Socket => {
                world.gateway = Some(world.gateway(&world.slack.tokens().app));
                world.up(2).await;
            }
            Mode::Http => world.open_door().await,
        }
        world
    }

    fn gateway(&self, app_token: &SecretString) -> Gateway {
        let settings = Settings {
            bot_token: Some(self.slack.tokens().bot.clone()),
            app_token: Some(app_token.clone()),
            api_url: Some(self.slack.api_url()),
            ..Settings::default()
        };
        let web = Web::new(&settings, Clock::system()).unwrap();
        let open = Arc::new(OverWeb::new(web, app_token.clone()));
        // The far side pings every ten seconds.
        let patience = Patience { step: Duration::from_secs(1), idle: Duration::from_secs(12) };
        Gateway::start_with(open, self.deliveries.clone(), Clock::system(), patience)
    }

    async fn open_door(&self) {
        let secret = SecretString::from(self.slack.tokens().signing_secret.expose_secret());
        let routes = door::routes(&secret, self.deliveries.clone(), Clock::system());
        let listener = listener().await;
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        self.slack.deliver_to(Some(&base));
        self.slack.verify_url().await.unwrap();
    }

    async fn up(&self, sockets: usize) {
        let gateway = self.gateway.as_ref().unwrap();
        until(&format!("{sockets} sockets are up"), || gateway.health().up == sockets).await;
    }

    /// How Slack sees it end.
    async fn outcome(&self, receipt: &Receipt) -> Value {
        let id = receipt.delivery.as_deref().expect("it is sent to the app");
        self.slack.settled(id, LONG).await.expect("Slack comes to an end with it")
    }

    async fn command(&self, text: &str) -> Value {
        let receipt = self.slack.say("U0ANA", "C0DEV", &format!("/devtask {text}"), None).unwrap();
        self.outcome(&receipt).await
    }

    /// Payloads of this kind that contain this text.
    async fn given(&self, kind: &str, text: &str) -> Vec<Value> {
        let given = || {
            let all = self.desk.0.lock().unwrap();
            let found = all.iter().filter(|d| d.kind == kind && d.payload.contains(text));
            found.map(|d| serde_json::from_str(&d.payload).unwrap()).collect::<Vec<Value>>()
        };
        until(&format!("the desk was given {text}"), || !given().is_empty()).await;
        given()
    }

    async fn end(self) {
        if let Some(gateway) = &self.gateway {
            gateway.shutdown().await;
        }
        self.deliveries.shutdown().await;
        assert_eq!(self.store.slack().deliveries().await.unwrap(), [], "everything is carried out");
        self.store.close().await;
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("not so: {what}"));
}

#[tokio::test]
async fn what_people_do_reaches_the_desk_once_in_both_modes() {
    let mut commands = Vec::new();
    for mode in [Mode::Socket, Mode::Http] {
        let world = World::new(mode).await;
        world.slack.enter("C0DEV", &world.slack.bot_user()).unwrap();
        let done = world.command("list <mine> & more ✓").await;
        assert_eq!((done["outcome"].as_str(), done["attempts"].as_u64()), (Some("acked"), Some(1)), "{done}");
        let mut given = world.given("command", "list").await;
        assert_eq!(given.len(), 1);
        commands.push(given.remove(0));
        world.slack.say("U0ANA", "C0DEV", "@devtask paint it", None).unwrap();
        let mention = world.given("event", "app_mention").await;
        let mut message = world.given("event", "paint it").await;
        message.retain(|event| event.pointer("/event/type").is_some_and(|kind| kind == "message"));
        let ts = |event: &Value| event.pointer("/event/ts").cloned().unwrap();
        assert_eq!((mention.len(), message.len()), (1, 1), "two of one line, each once");
        assert_eq!(ts(&mention[0]), ts(&message[0]));
        world.end().await;
    }
    let fields = |payload: &Value| payload.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&commands[0]), fields(&commands[1]), "the same object in both modes");
    assert_eq!(commands[0]["text"], commands[1]["text"]);
}

#[tokio::test]
async fn an_event_whose_ack_was_lost_is_carried_out_once() {
    for mode in [Mode::Socket, Mode::Http] {
        let world = World::new(mode).await;
        world.slack.enter("C0DEV", &world.slack.bot_user()).unwrap();
        let acked = || world.slack.deliveries().iter().all(|d| d["outcome"] == "acked");
        until("what entering brought is over", acked).await;
        assert!(world.slack.fault(Fault::Repeat { times: 1 }));
        world.slack.say("U0BO", "C0DEV", "just a word", None).unwrap();
        let again = || world.slack.deliveries().iter().any(|d| d["attempts"] == 2) && acked();
        until("it was sent twice and acked", again).await;
        assert_eq!(world.given("event", "just a word").await.len(), 1, "{mode:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn sockets_come_back_from_whatever_befalls_them() {
    let world = World::new(Mode::Socket).await;
    for (n, fault) in [Fault::Disconnect { reason: "refresh_requested".to_owned() }, Fault::Cut, Fault::Deaf]
        .into_iter()
        .enumerate()
    {
        let (_, before) = world.slack.connections();
        assert!(world.slack.fault(fault.clone()));
        until(&format!("two others after {fault:?}"), || world.slack.connections().1 >= before + 2).await;
        world.up(2).await;
        let done = world.command(&format!("list {n}")).await;
        assert_eq!(done["outcome"], "acked", "after {fault:?}: {done}");
        assert_eq!(world.given("command", &format!("list {n}")).await.len(), 1);
    }
    world.end().await;
}

#[tokio::test]
async fn sockets_come_up_through_faults() {
    let world = World::new(Mode::Http).await;
    for fault in [
        Fault::call("apps.connections.open", What::Status { status: 503 }),
        Fault::call("apps.connections.open", What::Hang),
        Fault::Connect { times: 1, fault: What::Drop },
        Fault::Hello { times: 1, fault: What::Hang },
    ] {
        assert!(world.slack.fault(fault));
    }
    world.slack.deliver_to(None);
    let world = World { gateway: Some(world.gateway(&world.slack.tokens().app)), ..world };
    world.up(2).await;
    assert_eq!(world.command("list").await["outcome"], "acked");
    world.end().await;
}

#[tokio::test]
async fn a_storm_of_refreshes_is_ridden_out_with_few_opens() {
    let world = World::new(Mode::Socket).await;
    assert!(world.slack.fault(Fault::Storm { times: 6 }));
    assert!(world.slack.fault(Fault::Disconnect { reason: "refresh_requested".to_owned() }));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let opens = world.slack.calls().counts["apps.connections.open"].calls;
    assert!((4..=12).contains(&opens), "{opens} opens");
    world.slack.clear_faults();
    until("a socket is there again", || world.gateway.as_ref().unwrap().health().up >= 1).await;
    world.end().await;
}

#[tokio::test]
async fn a_wrong_app_token_ends_in_health() {
    let world = World::new(Mode::Http).await;
    let gateway = world.gateway(&SecretString::from("xapp-wrong"));
    until("it is stopped", || gateway.health().stopped.is_some()).await;
    assert!(gateway.health().stopped.unwrap().contains("invalid_auth"));
    until("both lines asked", || world.slack.calls().counts["apps.connections.open"].calls >= 2).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(world.slack.calls().counts["apps.connections.open"].calls, 2, "nobody asks again");
    world.end().await;
}
