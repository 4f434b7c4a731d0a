//! What all faces share: the model behind its lock, the calls, the faults, the budgets, the open sockets.
//!
//! Knows that every change is told. Must not know HTTP's routes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::calls::Calls;
use super::faults::{Fault, Faults};
use super::http_mode::Endpoint;
use super::limits::budget::Budgets;
use super::model::Model;
use super::model::deliveries::{Outgoing, Route};
use super::model::sockets::SocketId;
use super::settings::Tokens;
use crate::clock::Clock;

/// What a connection is told to do.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Send(String),
    /// Say so, then close.
    Disconnect(String),
    /// End without a word.
    Cut,
    /// Say and hear nothing more.
    Deaf,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Bot,
    App,
}

pub(super) struct Hub {
    pub url: String,
    pub clock: Clock,
    pub tokens: Tokens,
    pub rates: bool,
    /// Cancelled when the workspace ends.
    pub over: CancellationToken,
    model: Mutex<Model>,
    version: watch::Sender<u64>,
    calls: Mutex<Calls>,
    faults: Mutex<Faults>,
    budgets: Mutex<Budgets>,
    links: Mutex<BTreeMap<SocketId, mpsc::Sender<Word>>>,
    endpoint: Mutex<Option<Arc<Endpoint>>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn new(clock: Clock, tokens: Tokens, rates: bool, model: Model) -> Self {
        Self {
            url: model.url.clone(),
            clock,
            tokens,
            rates,
            over: CancellationToken::new(),
            version: watch::Sender::new(model.version),
            model: Mutex::new(model),
            calls: Mutex::default(),
            faults: Mutex::default(),
            budgets: Mutex::default(),
            links: Mutex::default(),
            endpoint: Mutex::default(),
        }
    }

    /// Reads or changes the model; who waits for changes is woken.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Model) -> T) -> T {
        let mut model = held(&self.model);
        let before = model.version;
        let made = work(&mut model);
        if model.version != before {
            self.version.send_replace(model.version);
        }
        made
    }

    /// Reads the model; nobody is woken.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Model) -> T) -> T {
        look(&held(&self.model))
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        held(&self.calls)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        held(&self.faults)
    }

    pub(super) fn budgets(&self) -> MutexGuard<'_, Budgets> {
        held(&self.budgets)
    }

    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        let same =
            |known: &SecretString| bool::from(known.expose_secret().as_bytes().ct_eq(token.as_bytes()));
        let bot = same(&self.tokens.bot).then_some(Caller::Bot);
        bot.or_else(|| same(&self.tokens.app).then_some(Caller::App))
    }

    pub(super) fn link(&self, id: SocketId, words: mpsc::Sender<Word>) {
        held(&self.links).insert(id, words);
    }

    pub(super) fn unlink(&self, id: SocketId) {
        held(&self.links).remove(&id);
        self.with(|model| model.close_socket(id));
    }

    /// `false` = there is no such connection, or it takes nothing.
    pub(super) fn tell(&self, id: SocketId, word: Word) -> bool {
        held(&self.links).get(&id).is_some_and(|words| words.try_send(word).is_ok())
    }

    /// Where deliveries go by HTTP; `None` = through sockets.
    pub(super) fn set_endpoint(&self, endpoint: Option<Endpoint>) {
        *held(&self.endpoint) = endpoint.map(Arc::new);
    }

    pub(super) fn endpoint(&self) -> Option<Arc<Endpoint>> {
        held(&self.endpoint).clone()
    }

    /// Sends what is due and gives up what is late.
    pub(super) fn tick(self: &Arc<Self>) {
        let now = self.clock.now();
        let endpoint = self.endpoint();
        let route = if endpoint.is_some() { Route::Http } else { Route::Socket };
        let (due, aged) = self.with(|model| {
            model.expire(now);
            (model.dispatch(route, now), model.aged(now))
        });
        for (id, reason) in aged {
            let word = if reason == "warning" {
                Word::Send(super::socket::disconnect(reason).to_string())
            } else {
                Word::Disconnect(reason.to_owned())
            };
            self.tell(id, word);
        }
        for outgoing in due {
            match (outgoing.socket, &endpoint) {
                (Some(id), _) => self.send(id, &outgoing),
                (None, Some(endpoint)) => Arc::clone(endpoint).post(Arc::clone(self), outgoing),
                (None, None) => {}
            }
        }
    }

    fn send(&self, id: SocketId, outgoing: &Outgoing) {
        let frame = outgoing.frame().to_string();
        if outgoing.twice {
            self.tell(id, Word::Send(frame.clone()));
        }
        if !self.tell(id, Word::Send(frame)) {
            let now = self.clock.now();
            self.with(|model| model.failed(&outgoing.envelope, "connection_failed", now));
        }
    }

    /// Makes a fault: at once, or for what comes next. `false` = there are too many, or it cannot be.
    pub(super) fn fault(&self, fault: Fault) -> bool {
        let now = self.clock.now();
        match fault {
            Fault::Disconnect { reason } => self.tell_all(&Word::Disconnect(reason)),
            Fault::Cut => self.tell_all(&Word::Cut),
            Fault::Deaf => self.tell_all(&Word::Deaf),
            Fault::Repeat { times } => self.with(|model| model.deliveries.repeat += times),
            Fault::Unheard { times } => self.with(|model| model.deliveries.unheard += times),
            Fault::Twice { times } => self.with(|model| model.deliveries.twice += times),
            Fault::OrgWide { times } => self.with(|model| model.org_wide += times),
            Fault::Deleted { channel, ts } => {
                return self.with(|model| model.delete(&channel, &ts, now)).is_ok();
            }
            Fault::Removed { channel } => {
                return self.with(|model| model.remove_app(&channel, now)).is_ok();
            }
            Fault::Archived { channel } => return self.with(|model| model.archive(&channel)).is_ok(),
            later => return self.faults().add(later),
        }
        true
    }

    fn tell_all(&self, word: &Word) {
        let ids: Vec<SocketId> = held(&self.links).keys().copied().collect();
        for id in ids {
            // What is told to go is sent nothing more.
            if !matches!(word, Word::Deaf) {
                self.with(|model| model.leave_socket(id));
            }
            self.tell(id, word.clone());
        }
    }

    pub(super) fn clear_faults(&self) {
        self.faults().clear();
        self.with(|model| {
            model.deliveries.repeat = 0;
            model.deliveries.unheard = 0;
            model.deliveries.twice = 0;
            model.org_wide = 0;
        });
    }
}
