//! Carries a granted wish out: reads the view, draws, calls Slack, keeps what came of it.
//!
//! A row says that a post is about to be sent before it is sent; whatever happens in between, the next look finds the
//! row and asks Slack. Must not know when or in which order things are told.

use std::time::Duration;

use chrono::TimeDelta;

use super::budget::Method;
use super::draw::{Scene, shown};
use super::edge::{Edge, Entry};
use super::pick::Job;
use super::plan::{Outcome, ROOT};
use super::refusals::{Means, means};
use super::wish::{What, Wish};
use super::{Inner, locked};
use crate::domain::ask::Ask;
use crate::domain::event::Body;
use crate::domain::{AskId, Seq, SessionId, Time};
use crate::slack::names::{Place, User};
use crate::slack::render;
use crate::slack::web::WebError;
use crate::store::slack::{Post, StoreError};
use crate::wire::api::Refusal;
use crate::wire::view::SessionView;

/// Why a wish came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] Refusal),
    #[error("neither its channel nor its owner can be reached: {0}")]
    Nobody(String),
}

/// Memberships that are remembered.
const MAX_JOINED: usize = 1_000;

impl Inner {
    pub(super) async fn carry(&self, mut job: Job) {
        let done = match job.wish.what.clone() {
            What::Post => self.post(&mut job).await,
            What::Update { ts, hash } => self.update(&mut job, &ts, hash).await,
            What::Look { since } => self.look_for(&job, since).await,
        };
        let done = match done {
            Err(Trouble::Web(error)) => self.answered(&job, error).await,
            other => other,
        };
        drop(job.permit);
        self.take_in(job.session, &job.wish, done);
    }

    fn take_in(&self, session: SessionId, wish: &Wish, done: Result<Outcome, Trouble>) {
        let doubted = matches!(wish.what, What::Look { .. });
        let now = self.clock.now();
        let mut board = locked(&self.board);
        let Some(slot) = board.slots.get_mut(&session) else { return };
        slot.busy = false;
        match done {
            Ok(outcome) => {
                slot.went_well();
                // A thread without its beginning is begun anew, but never in a hurry.
                if outcome == Outcome::Rootless {
                    slot.strike(now);
                }
                slot.track.outcome(&wish.slot, outcome, now);
            }
            Err(error) => {
                tracing::warn!(session.id = %session, slot = wish.slot, %error, "a message to Slack is tried again");
                // What was in doubt and could not be looked for is in doubt still; nothing else was posted.
                slot.track.outcome(&wish.slot, if doubted { Outcome::Unsure } else { Outcome::NotNow }, now);
                match error {
                    Trouble::Nobody(_) => slot.give_up(now),
                    _ => slot.strike(now),
                }
            }
        }
    }

    /// What is left of a call that broke.
    pub(super) fn failed(&self, session: SessionId) {
        let now = self.clock.now();
        if let Some(slot) = locked(&self.board).slots.get_mut(&session) {
            slot.busy = false;
            slot.strike(now);
        }
    }

    async fn post(&self, job: &mut Job) -> Result<Outcome, Trouble> {
        let Some((view, post)) = self.drawn(job).await? else { return Ok(Outcome::Nothing) };
        if job.wish.slot == ROOT {
            self.join(&job.thread.channel).await?;
            if job.thread.root.is_some() && place(job).thread.is_none() {}
        }
        match self.post_this(job, &post).await {
            Err(Trouble::Web(WebError::Refused { code })) if means(&code) == Means::Unfit => {
                tracing::error!(session.id = %job.session, slot = job.wish.slot, code, "Slack takes this as text only");
                let plain = render::Post { blocks: Vec::new(), ..post };
                let (ts, hash) = self.post_this(job, &plain).await?;
                Ok(Outcome::Stands { ts, hash, shown: shown(&view) })
            }
            other => other.map(|(ts, hash)| Outcome::Stands { ts, hash, shown: shown(&view) }),
        }
    }

    async fn post_this(&self, job: &Job, post: &render::Post) -> Result<(String, [u8; 32]), Trouble> {
        let slot = &job.wish.slot;
        let (hash, at) = (post.hash(), self.clock.now());
        let row = row(job, None, hash, at);
        self.notes.sending(row.clone()).await?;
        if let Some(slot_) = locked(&self.board).slots.get_mut(&job.session) {
            slot_.track.sending(slot, hash, at);
        }
        let ts = self.web.post(&place(job), post, &key(job)).await?;
        // Posted, and not kept as posted: as good as in doubt.
        self.notes.sent(Post { ts: Some(ts.clone()), ..row }).await.map_err(|error| {
            tracing::warn!(session.id = %job.session, %error, "a message was posted and cannot be kept");
            WebError::Unsure
        })?;
        Ok((ts, hash))
    }

    async fn update(&self, job: &mut Job, ts: &str, stands: Option<[u8; 32]>) -> Result<Outcome, Trouble> {
        let Some((view, post)) = self.drawn(job).await? else { return Ok(Outcome::Nothing) };
        let hash = post.hash();
        if stands == Some(hash) {
            job.permit.unused();
            return Ok(Outcome::Same { shown: shown(&view) });
        }
        let channel = &job.thread.channel;
        match self.web.update(channel, ts, &post).await {
            Err(WebError::Refused { code }) if means(&code) == Means::Unfit => {
                tracing::error!(session.id = %job.session, slot = job.wish.slot, code, "Slack takes this as text only");
                let plain = render::Post { blocks: Vec::new(), ..post };
                self.web.update(channel, ts, &plain).await?;
            }
            other => other?,
        }
        // Not kept, it is only compared in vain after a start.
        if let Err(error) = self.notes.sent(row(job, Some(ts.to_owned()), hash, self.clock.now())).await {
            tracing::warn!(session.id = %job.session, %error, "a message was changed and cannot be kept");
        }
        Ok(Outcome::Stands { ts: ts.to_owned(), hash, shown: shown(&view) })
    }

    /// A post was in doubt: is it there? Of two, the newer goes.
    async fn look_for(&self, job: &Job, since: Time) -> Result<Outcome, Trouble> {
        let mut found = self.web.find(&place(job), &key(job), since).await?.into_iter();
        let Some(first) = found.next() else { return Ok(Outcome::Absent) };
        for newer in found {
            match self.web.delete(&job.thread.channel, &newer).await {
                Ok(()) | Err(WebError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let kept = self.notes.posts(job.session).await?.into_iter().find(|post| post.slot == job.wish.slot);
        let channel = job.thread.channel.clone();
        if let Some(post) = kept {
            self.notes.sent(Post { ts: Some(first.clone()), channel, ..post }).await?;
        }
        Ok(Outcome::Found { ts: first })
    }

    /// What Slack's answer means for the wish; what is to be tried again comes back as it is.
    async fn answered(&self, job: &Job, error: WebError) -> Result<Outcome, Trouble> {
        let (method, root) = (job.wish.what.method(), job.wish.slot == ROOT);
        let code = match (error, method) {
            (WebError::RateLimited { after }, _) => return Ok(self.pause(job, after)),
            (WebError::Unsure, Method::Post) => return Ok(Outcome::Unsure),
            (WebError::Refused { code }, _) => code,
            (error, _) => return Err(error.into()),
        };
        match (means(&code), method) {
            // Who may not look has to trust that what was not confirmed was not posted.
            (_, Method::Look) => Ok(Outcome::Absent),
            (Means::NoHome, Method::Post) => self.leave(job, code).await,
            (Means::NoHome, Method::Update) if root => self.leave(job, code).await,
            // The thread it was asked for in is gone.
            (Means::NoThread, Method::Post) if root => self.leave(job, code).await,
            (Means::NoThread, _) => Ok(Outcome::Rootless),
            (Means::NoHome | Means::NoMessage, _) => Ok(Outcome::Gone),
            (Means::Unfit, _) if !root => Ok(Outcome::Gone),
            (Means::Unfit | Means::Token | Means::Later, _) => Err(WebError::Refused { code }.into()),
        }
    }

    /// Nothing of this kind goes to this channel for exactly so long.
    fn pause(&self, job: &Job, after: Duration) -> Outcome {
        let (method, channel, now) = (job.wish.what.method(), &job.thread.channel, self.clock.now());
        let until = now + TimeDelta::from_std(after).unwrap_or(TimeDelta::hours(1));
        tracing::info!(?method, channel, after = after.as_secs(), "Slack asks us to wait");
        locked(&self.budget).pause(method, channel, until, now);
        if method == Method::Look { Outcome::Unsure } else { Outcome::NotNow }
    }

    /// The channel will not have us: the thread goes on with the owner in person.
    async fn leave(&self, job: &Job, code: String) -> Result<Outcome, Trouble> {
        let from = &job.thread.channel;
        locked(&self.board).joined.remove(from);
        let user = User::id_of(&job.thread.owner).filter(|_| !from.starts_with('D'));
        let user = user.ok_or_else(|| Trouble::Nobody(code.clone()))?;
        let open = self.control.show(job.session).await?.asks.into_iter().map(|asked| asked.ask).collect();
        tracing::warn!(session.id = %job.session, code, "the channel takes nothing; the owner is told in person");
        match self.web.dm(user).await {
            Ok(channel) => Ok(Outcome::Moved { channel, code, open }),
            Err(WebError::Refused { code }) => Err(Trouble::Nobody(code)),
            Err(error) => Err(error.into()),
        }
    }

    /// Becomes a member once: without that no reply reaches us. Where it is refused, the post itself tells why.
    async fn join(&self, channel: &str) -> Result<(), Trouble> {
        let public = channel.starts_with(['C', 'G']);
        if !public || locked(&self.board).joined.contains(channel) {
            return Ok(());
        }
        match self.web.join(channel).await {
            Ok(()) => {
                let joined = &mut locked(&self.board).joined;
                if joined.len() >= MAX_JOINED {
                    joined.clear();
                }
                joined.insert(channel.to_owned());
                Ok(())
            }
            Err(WebError::Refused { .. }) => Ok(()),
            // Joining twice is harmless, and nothing was posted.
            Err(WebError::Unsure) => {
                Err(WebError::Down { why: "joining was not answered".to_owned() }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The message and the reading it was made from.
    async fn drawn(&self, job: &mut Job) -> Result<Option<(SessionView, render::Post)>, Trouble> {
        let view = self.control.show(job.session).await?;
        if let Some(Entry { edge: Edge::Settled { id, .. }, .. }) = &job.scene.edge
            && job.scene.ask.is_none()
        {
            job.scene.ask = self.recall(job.session, id, job.thread.head).await?;
        }
        let post = Scene::draw(&job.scene, &view);
        if post.is_none() {
            job.permit.unused();
        }
        Ok(post.map(|post| (view, post)))
    }

    /// An ask that was shown before the last start: its words are in the log.
    async fn recall(&self, session: SessionId, id: &AskId, head: Seq) -> Result<Option<Ask>, Trouble> {
        let (mut after, mut last) = (0, None);
        while after < head {
            let events = self.events(session, after, head).await?;
            let Some(end) = events.last() else { break };
            after = end.seq;
            for event in events.iter().filter(|event| event.kind == "ask.opened") {
                if let Ok(Body::AskOpened { ask }) = serde_json::from_str(event.body.get())
                    && ask.id == *id
                {
                    last = Some(ask);
                }
            }
        }
        Ok(last)
    }
}

fn row(job: &Job, ts: Option<String>, hash: [u8; 32], at: Time) -> Post {
    let (slot, channel) = (job.wish.slot.clone(), job.thread.channel.clone());
    Post { session: job.session, slot, channel, ts, hash: Some(hash), at }
}

/// A root that takes the place of one that is gone begins a thread of its own.
fn place(job: &Job) -> Place {
    let thread = job.thread.thread.clone();
    let thread =
        if job.wish.slot == ROOT { thread.filter(|_| job.thread.thread != job.thread.root) } else { thread };
    Place { channel: job.thread.channel.clone(), thread }
}

/// Under which a message of ours is found again.
fn key(job: &Job) -> String {
    format!("{}/{}", job.session, job.wish.slot)
}
