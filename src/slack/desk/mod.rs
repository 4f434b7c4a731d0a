//! The desk: what people say becomes calls of `dyn Control`, and what came of it is said where they are.
//!
//! ```text
//!  delivery ─► input::read ─► who may ─┬ new ──────► repo ─► create ─► thread_put ─► the sender posts the root
//!                                      ├ verbs ────► act · list · show · help
//!                                      ├ threads ──► next turn · interrupt · answer
//!                                      ├ clicks ───► act · answer · form
//!                                      └ forms ────► create · answer
//! ```
//!
//! Every delivery may come again after a crash: sessions and messages are made under keys of the delivery, all else is
//! harmless twice. Whatever is not done is told to the one who asked. Must not know session tables, how a message
//! looks, or in which mode deliveries come.

mod admit;
mod answers;
mod brief;
mod clicks;
mod context;
mod forms;
mod new;
mod repo;
mod stop;
mod tell;
#[cfg(test)]
mod tests;
mod threads;
mod verbs;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::deliveries::Work;
use super::input::{self, Me, Said, What};
use super::render;
use super::web::Web;
use super::who::House;
use super::words::troubles;
use crate::clock::Clock;
use crate::domain::SessionId;
use crate::store::slack::{Delivery, Notes};
use crate::wire::api::Control;
use stop::{Reply, Stop};

/// Has a session's root rendered again at once.
pub type Nudge = Arc<dyn Fn(SessionId) + Send + Sync>;

/// What the desk is made of.
pub struct Parts {
    pub control: Arc<dyn Control>,
    pub web: Web,
    pub notes: Notes,
    pub clock: Clock,
    pub nudge: Nudge,
    pub me: Me,
    /// Users who may drive every session, beside workspace admins.
    pub admins: Vec<String>,
    /// The repository where nobody and nothing names one.
    pub repo: Option<String>,
}

pub struct Desk {
    control: Arc<dyn Control>,
    web: Web,
    notes: Notes,
    clock: Clock,
    nudge: Nudge,
    me: Me,
    house: House,
    repo: Option<String>,
    /// Messages by their name, with the delivery that brought them first: a mention comes twice.
    heard: Recent,
    /// Deliveries of forms that were sent back with what is wrong: the person knows already.
    returned: Recent,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// A delivery on its way through the desk.
#[derive(Clone, Copy)]
struct Errand<'a> {
    said: &'a Said,
    /// The delivery's key: effects are made under keys made of it.
    key: &'a str,
}

impl Errand<'_> {
    /// Under which its one effect is made: a delivery that comes again after a crash gets the first outcome. A message is
    /// one thing however it came.
    fn effect(&self) -> String {
        match (&self.said.what, &self.said.place) {
            (What::Words(words), Some(place)) => new::short(&format!("slack/{}/{}", place.channel, words.ts)),
            _ => new::short(&format!("slack/{}", self.key)),
        }
    }
}

impl Desk {
    pub fn new(parts: Parts) -> Self {
        let Parts { control, web, notes, clock, nudge, me, admins, repo } = parts;
        let house = House { team: me.team.clone(), admins };
        let (heard, returned) = (Recent::default(), Recent::default());
        Self { control, web, notes, clock, nudge, me, house, repo, heard, returned }
    }

    fn read(&self, d: &Delivery) -> Option<Said> {
        input::read(&d.kind, &d.payload, &self.me)
    }

    async fn carry(&self, errand: Errand<'_>) -> Reply {
        match &errand.said.what {
            What::Command(command) => self.command(errand, command).await,
            What::Words(words) => self.words(errand, words).await,
            What::Click(click) => self.click(errand, click).await,
            What::Submit { form, fields } => self.submit(errand, form, fields).await,
            What::Shortcut { text, ts } => self.shortcut(errand, text, ts).await,
        }
    }

    /// Whether a word of this person's would have had an effect: silence about all others.
    async fn is_ours(&self, said: &Said) -> bool {
        let (What::Words(words), Some(place)) = (&said.what, &said.place) else { return true };
        match &place.thread {
            _ if words.mentioned || words.direct => true,
            None => false,
            Some(_) => self.session_in(place).await.is_ok_and(|session| session.is_some()),
        }
    }
}

#[async_trait]
impl Work for Desk {
    async fn prompt(&self, d: &Delivery) -> Option<Value> {
        let said = self.read(d)?;
        let What::Submit { form, fields } = &said.what else { return None };
        let body = self.sent_back(Errand { said: &said, key: &d.key }, form, fields).await?;
        self.returned.first(&d.key, &d.key);
        Some(body)
    }

    async fn work(&self, d: &Delivery) {
        let Some(said) = self.read(d).filter(|_| !self.returned.knows(&d.key)) else { return };
        let post = match self.carry(Errand { said: &said, key: &d.key }).await {
            Ok(post) => post,
            Err(stop) => stop.post(),
        };
        if let Some(post) = post {
            self.tell(&said, &d.key, &post).await;
        }
    }

    async fn late(&self, d: &Delivery) {
        let Some(said) = self.read(d) else { return };
        if self.is_ours(&said).await {
            self.tell(&said, &d.key, &render::notice(&troubles::late())).await;
        }
    }
}

/// The last names something was known by, and who said each first. Forgets the oldest; a restart forgets all, which
/// costs a second word and never a second effect.
#[derive(Default)]
struct Recent(Mutex<VecDeque<(String, String)>>);

impl Recent {
    const KEPT: usize = 1_024;

    /// Whether `by` is the first to say `name`; again, it still is.
    fn first(&self, name: &str, by: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, first)) = known.iter().find(|(n, _)| n == name) {
            return first == by;
        }
        if known.len() >= Self::KEPT {
            known.pop_front();
        }
        known.push_back((name.to_owned(), by.to_owned()));
        true
    }

    fn knows(&self, name: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|(n, _)| n == name)
    }
}
