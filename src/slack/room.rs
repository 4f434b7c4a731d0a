//! The room put together, started, and taken apart in order.
//!
//! Holds no rules: every part brings its own. Must not know where the settings were read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::deliveries::Deliveries;
use super::desk::{self, Desk};
use super::door;
use super::gateway::{Gateway, OpenSocket};
use super::input::Me;
use super::reception::Reception;
use super::sender::Sender;
use super::settings::Settings;
use super::web::{Bot, Web, WebError};
use crate::clock::Clock;
use crate::domain::Time;
use crate::store::slack::Notes;
use crate::wire::api::Control;

/// Between two tries to hear from Slack who we are.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A delivery that is not carried out by then is stuck: its work is broken off and tried again.
const LATE: TimeDelta = TimeDelta::seconds(15);

/// What the room stands on.
pub struct Parts {
    pub settings: Settings,
    pub control: Arc<dyn Control>,
    pub notes: Notes,
    pub clock: Clock,
}

/// Slack, on.
pub struct Slack {
    sender: Sender,
    deliveries: Deliveries,
    gateway: Option<Gateway>,
    notes: Notes,
    clock: Clock,
    reception: Arc<Reception>,
    routes: Router,
    end: CancellationToken,
    greeting: JoinHandle<()>,
}

/// How Slack is reached just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether anything has to be done or waited for.
    pub well: bool,
    pub detail: String,
}

impl Slack {
    /// Starts what comes in and what goes out. Slack itself may be away: then both wait for it.
    pub fn start(parts: Parts) -> Result<Self, WebError> {
        let Parts { settings, control, notes, clock } = parts;
        let web = Web::new(&settings, clock.clone())?;
        let sender = Sender::start(notes.clone(), Arc::clone(&control), web.clone(), clock.clone());
        let reception = Arc::new(Reception::default());
        let deliveries = Deliveries::new(notes.clone(), Arc::clone(&reception) as Arc<_>, clock.clone());
        deliveries.start();
        let (mut gateway, mut routes) = (None, Router::new());
        if settings.app_token.is_some() {
            let open: Arc<dyn OpenSocket> = Arc::new(web.clone());
            gateway = Some(Gateway::start(open, deliveries.clone(), clock.clone()));
        } else if let Some(secret) = &settings.signing_secret {
            routes = door::routes(secret, deliveries.clone(), clock.clone());
        }
        let (rows, time) = (notes.clone(), clock.clone());
        let end = CancellationToken::new();
        let nudged = sender.clone();
        let desk = Opening {
            web: web.clone(),
            reception: Arc::clone(&reception),
            make: Box::new(move |me| {
                let nudge: desk::Nudge = Arc::new(move |session| nudged.nudge(session));
                let (admins, repo) = (settings.admins, settings.repo);
                Desk::new(desk::Parts { control, web, notes, clock, nudge, me, admins, repo })
            }),
        };
        let greeting = tokio::spawn(desk.open(end.clone()));
        Ok(Self { sender, deliveries, gateway, notes: rows, clock: time, reception, routes, end, greeting })
    }

    /// Where signed HTTP comes in; none over sockets.
    pub fn routes(&self) -> Router {
        self.routes.clone()
    }

    /// Asked anew each time; sets the figures that are of the moment.
    pub async fn health(&self) -> Health {
        let lag = self.lag().await;
        let late = lag >= LATE;
        let waits = if late {
            format!("; the oldest delivery waits for {} s", lag.num_seconds())
        } else {
            String::new()
        };
        let behind = self.sender.behind();
        let told = match (behind.waiting, behind.failing) {
            (0, _) => String::new(),
            (waiting, 0) => format!("; {waiting} threads wait to be told"),
            (waiting, failing) => format!("; {waiting} threads wait to be told, {failing} failed"),
        };
        let (reached, how) = self.reached();
        Health { well: reached && !late && behind.failing == 0, detail: format!("{how}{waits}{told}") }
    }

    /// How long ago the oldest delivery came that is not carried out.
    async fn lag(&self) -> TimeDelta {
        let oldest = self.notes.oldest_delivery().await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "open deliveries were not read");
            None
        });
        let lag = oldest.map_or(TimeDelta::zero(), |at| (self.clock.now() - at).max(TimeDelta::zero()));
        metrics::gauge!("devtask_slack_inbox_lag_seconds").set(lag.as_seconds_f64());
        lag
    }

    fn reached(&self) -> (bool, String) {
        let Some(gateway) = &self.gateway else {
            let known = self.reception.is_open();
            return (
                known,
                if known { "over signed HTTP".into() } else { "Slack does not say who we are".into() },
            );
        };
        let health = gateway.health();
        match (health.stopped, health.trouble) {
            (Some(why), _) => (false, format!("no socket is opened any more: {why}")),
            (None, Some(why)) if health.up == 0 => (false, format!("no socket stands: {why}")),
            _ => (health.up > 0, format!("{} sockets stand{}", health.up, since(health.last_frame))),
        }
    }

    /// Takes nothing more in, ends what is under way. The next start goes on from the rows.
    pub async fn shutdown(&self) {
        self.end.cancel();
        self.greeting.abort();
        if let Some(gateway) = &self.gateway {
            gateway.shutdown().await;
        }
        self.deliveries.shutdown().await;
        self.sender.shutdown().await;
    }
}

fn since(last_frame: Option<Time>) -> String {
    last_frame.map_or_else(String::new, |at| format!(", heard last at {}", at.format("%H:%M:%S UTC")))
}

/// The desk before it is one.
struct Opening {
    web: Web,
    reception: Arc<Reception>,
    make: Box<dyn FnOnce(Me) -> Desk + Send>,
}

impl Opening {
    /// Asks Slack who we are until it answers, then opens the desk.
    async fn open(self, end: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            match end.run_until_cancelled(self.web.auth_test()).await {
                None => return,
                Some(Ok(Bot { team, user, bot, .. })) => {
                    return self.reception.open((self.make)(Me { user, bot, team: Some(team) }));
                }
                Some(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "Slack does not say who we are");
                }
            }
            if end.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
