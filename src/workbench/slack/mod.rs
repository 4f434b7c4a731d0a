//! A local Slack: one workspace with an app, its Web API, Socket Mode and signed HTTP, and the people in it.
//!
//! A model of strict laws (`model/`, `limits/`, `person/`) with thin faces: `api/` as clients call it, `socket.rs` and
//! `http_mode.rs` as deliveries reach the app, `face.rs` as JSON for a page. It refuses what Slack refuses, gives
//! triggers three seconds and envelopes three more, sends events again that nobody acknowledged, and counts every call.
//! The same workspace serves the demo and every test; faults are made on demand ([`Fault`]).
//!
//! ```text
//! /api/METHOD · /link/?ticket=… · /response/TEAM/ID · /files/ID      Slack's own
//! /_slack/state · /_slack/act · /_slack/calls · /_slack/faults · …   ours: see `face.rs`
//! ```
//!
//! Must not know DevTask: it sees an app with commands, messages and buttons, as Slack would.

mod api;
mod calls;
mod face;
mod faults;
mod gate;
mod http_mode;
mod hub;
mod limits;
mod model;
mod person;
mod refusal;
mod seen;
mod settings;
mod sign;
mod socket;
#[cfg(test)]
mod tests;
mod transcript;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use self::http_mode::Endpoint;
use self::hub::Hub;
use self::model::Model;
use crate::clock::Clock;
use crate::workbench::serve;

pub use calls::{Call, Calls, Count};
pub use faults::{Fault, What};
pub use http_mode::PostError;
pub use limits::{message as check_message, view as check_view};
pub use person::{Act, Attached, Deed, NotPossible, Place, Receipt};
pub use refusal::Refusal;
pub use settings::{Kind, Room, Seat, Settings, Shortcut, Tokens};
pub use sign::signature;
pub use transcript::Detail;

/// How often deadlines are looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A workspace that lives; dropping it ends its connections.
pub struct Slack {
    hub: Arc<Hub>,
    _serving: AbortOnDropHandle<()>,
    _posting: AbortOnDropHandle<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    #[error("the workspace has no address")]
    Address(#[source] std::io::Error),
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.hub.over.cancel();
    }
}

impl Slack {
    /// Serves the usual workspace on `listener`, for as long as it is held.
    pub fn start(listener: TcpListener) -> Result<Self, SlackError> {
        Self::start_with(listener, Settings::default(), Clock::system())
    }

    pub fn start_with(listener: TcpListener, settings: Settings, clock: Clock) -> Result<Self, SlackError> {
        let url = url_of(listener.local_addr().map_err(SlackError::Address)?);
        let salt: String = clock.random_id().simple().to_string().to_uppercase().chars().take(6).collect();
        let model = Model::new(&settings, url, salt, clock.now());
        let tokens = settings.tokens.unwrap_or_else(|| random_tokens(&clock));
        let hub = Arc::new(Hub::new(clock, tokens, settings.rates, model));
        let serving = AbortOnDropHandle::new(tokio::spawn(serve::serve(listener, router(Arc::clone(&hub)))));
        let posting = AbortOnDropHandle::new(tokio::spawn(keep_posting(Arc::clone(&hub))));
        Ok(Self { hub, _serving: serving, _posting: posting })
    }

    /// `http://127.0.0.1:PORT`: what stands before `/_slack/…`.
    pub fn url(&self) -> &str {
        &self.hub.url
    }

    /// The root of the Web API, without a slash at its end.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.hub.url)
    }

    /// The bot's, the app's, and the secret that signs.
    pub fn tokens(&self) -> &Tokens {
        &self.hub.tokens
    }

    /// Sends what is due and gives up what is late, as a moment of time does.
    pub fn tick(&self) {
        self.hub.tick();
    }

    /// From now on deliveries are posted to `base` + `/slack/events|commands|interactions`; `None` = sockets again.
    pub fn deliver_to(&self, base: Option<&str>) {
        let secret = SecretString::from(self.hub.tokens.signing_secret.expose_secret());
        self.hub.set_endpoint(base.map(|base| Endpoint::new(base, secret)));
    }

    /// What Slack does when the app's address is entered: `url_verification`.
    pub async fn verify_url(&self) -> Result<(), PostError> {
        match self.hub.endpoint() {
            Some(endpoint) => endpoint.verify(&self.hub).await,
            None => Err(PostError::Unreachable("no address was entered".into())),
        }
    }

    /// Somebody does something, as at `/_slack/act`.
    pub fn act(&self, who: &str, act: Act) -> Result<Receipt, NotPossible> {
        let now = self.hub.clock.now();
        let deed = Deed { who: who.to_owned(), act };
        self.hub.with(|model| person::act(model, deed, now))
    }

    /// Types and sends; in a thread where one is named.
    pub fn say(
        &self,
        who: &str,
        channel: &str,
        text: &str,
        thread: Option<&str>,
    ) -> Result<Receipt, NotPossible> {
        let act = Act::Say {
            channel: channel.into(),
            text: text.into(),
            thread: thread.map(str::to_owned),
            file: None,
        };
        self.act(who, act)
    }

    /// Presses the newest button (or link) with these words that this person sees in a channel.
    pub fn press(&self, who: &str, channel: &str, words: &str) -> Result<Receipt, NotPossible> {
        let found = self.hub.read(|model| find_button(model, who, channel, words));
        let (ts, block, action) =
            found.ok_or_else(|| NotPossible(format!("there is no button [{words}]")))?;
        let at = Place::message(channel, &ts);
        self.act(who, Act::Click { at, block, action, value: None, gone: None })
    }

    /// What was sent to the app because of an act, and what became of it: as at `/_slack/deliveries?id=`.
    pub fn delivery(&self, id: &str) -> Option<Value> {
        self.hub.read(|model| model.deliveries.find(id).map(model::deliveries::Delivery::json))
    }

    /// Every delivery that is remembered, oldest first.
    pub fn deliveries(&self) -> Vec<Value> {
        self.hub.read(|model| model.deliveries.all().map(model::deliveries::Delivery::json).collect())
    }

    /// Waits, in the machine's time, until the app has answered a delivery or nothing more is tried.
    pub async fn settled(&self, id: &str, within: Duration) -> Option<Value> {
        let mut versions = self.hub.watch();
        let over = |model: &Model| {
            model.deliveries.find(id).filter(|d| d.is_over()).map(model::deliveries::Delivery::json)
        };
        let wait = async {
            loop {
                versions.borrow_and_update();
                if let Some(found) = self.hub.read(over) {
                    return Some(found);
                }
                versions.changed().await.ok()?;
            }
        };
        tokio::time::timeout(within, wait).await.ok().flatten()
    }

    /// The workspace as one person sees it, as at `/_slack/state`.
    pub fn state(&self, who: &str) -> Option<Value> {
        let now = self.hub.clock.now();
        self.hub.read(|model| seen::state(model, who, now))
    }

    /// A channel and its threads as plain text; `None` = there is no such channel. See `transcript/`.
    pub fn transcript(&self, channel: &str) -> Option<String> {
        self.transcript_with(channel, &Detail::default())
    }

    pub fn transcript_with(&self, channel: &str, detail: &Detail) -> Option<String> {
        self.hub.read(|m| m.channels.get(channel).map(|room| transcript::channel(m, room, detail)))
    }

    /// One thread alone.
    pub fn thread(&self, channel: &str, root: &str) -> Option<String> {
        let detail = Detail::default();
        self.hub.read(|m| m.channels.get(channel).map(|room| transcript::thread(m, room, root, &detail)))
    }

    /// The modal on top of this person's window as plain text.
    pub fn modal(&self, who: &str) -> Option<String> {
        self.hub.read(|model| view_of(model, who))
    }

    /// Each change of what anybody could see has a higher version.
    pub fn versions(&self) -> tokio::sync::watch::Receiver<u64> {
        self.hub.watch()
    }

    /// Socket connections that stand now, and those that ever stood.
    pub fn connections(&self) -> (usize, u64) {
        self.hub.read(|model| (model.sockets.open.len(), model.sockets.total))
    }

    pub fn calls(&self) -> Calls {
        self.hub.calls().clone()
    }

    /// Lets something go wrong: now, or the next calls and connections. `false` = too many wait already.
    pub fn fault(&self, fault: Fault) -> bool {
        self.hub.fault(fault)
    }

    pub fn clear_faults(&self) {
        self.hub.clear_faults();
    }

    /// Says what a channel is about: what people write at its top.
    pub fn set_topic(&self, channel: &str, topic: &str) -> Result<(), Refusal> {
        self.hub.with(|model| {
            topic.clone_into(&mut model.channel_mut(channel)?.topic);
            model.changed();
            Ok(())
        })
    }

    /// Puts somebody, or the app (`bot_user`), into a channel.
    pub fn enter(&self, channel: &str, user: &str) -> Result<(), Refusal> {
        let now = self.hub.clock.now();
        self.hub.with(|model| model.enter(channel, user, now).map(drop))
    }

    /// The app's user: `U0APP`.
    pub fn bot_user(&self) -> String {
        self.hub.read(|model| model.app.user.clone())
    }

    /// Turns a hand-turned clock and does what falls due by it.
    pub fn turn(&self, by: TimeDelta) {
        self.hub.clock.turn(by);
        self.hub.tick();
    }
}

fn view_of(model: &Model, who: &str) -> Option<String> {
    let view = model.views.modals.get(who)?.last()?;
    Some(transcript::modal(model, view))
}

fn find_button(model: &Model, who: &str, channel: &str, words: &str) -> Option<(String, String, String)> {
    let room = model.channels.get(channel)?;
    let mine =
        room.messages.values().rev().filter(|m| m.only_for.as_deref().is_none_or(|reader| reader == who));
    mine.into_iter().find_map(|message| {
        let all = model::blocks::controls(&message.blocks);
        let named = |c: &&model::blocks::Control<'_>| {
            c.element.pointer("/text/text").and_then(Value::as_str) == Some(words)
        };
        let found = all.iter().find(named)?;
        Some((message.ts.clone(), found.block.to_owned(), found.action().to_owned()))
    })
}

fn random_tokens(clock: &Clock) -> Tokens {
    let secret = |start: &str| SecretString::from(format!("{start}{}", clock.random_id().simple()));
    Tokens { bot: secret("xoxb-"), app: secret("xapp-"), signing_secret: secret("") }
}

/// Whenever something changed, and now and then without: deadlines pass by themselves.
async fn keep_posting(hub: Arc<Hub>) {
    let mut versions = hub.watch();
    loop {
        hub.tick();
        tokio::select! {
            changed = versions.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn url_of(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn router(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/api/{method}", any(api::call))
        .route("/response/{team}/{id}", post(api::hooks::respond))
        .route("/files/{id}", get(api::hooks::file))
        .route("/files/{id}/download", get(api::hooks::file))
        .route("/link/", get(socket::upgrade))
        .merge(face::routes())
        .with_state(hub)
}
