//! Words in channels, threads and direct messages.
//!
//! | | plain | mention |
//! |---|---|---|
//! | channel | – | new session in the thread of that message, or a verb |
//! | thread of a session | next turn, or the answer to its one question | interrupt, or a verb |
//! | any other thread | – | new session in that thread, or a verb |
//! | direct message | a verb; `new …` starts one | the same as in a channel |
//!
//! Must not know how an answer reaches the agent.

use super::answers::{Sentence, in_words, sentence};
use super::{Desk, Errand, Reply, Stop};
use crate::domain::SessionId;
use crate::domain::ask::Ask;
use crate::domain::command::MessageMode;
use crate::slack::input::{Command, InThread, Words};
use crate::slack::names::Place;
use crate::slack::render;
use crate::slack::who::{Deed, No};
use crate::slack::words::{desk as say, status, troubles};
use crate::wire::api::Message;
use crate::wire::view::SessionView;

/// Of the sessions in one thread.
const MAX_LOOKED_AT: usize = 10;
/// What a person sees when their words were taken.
const TAKEN: &str = "eyes";
/// Under which it is kept which question a message answers.
const REPLY: &str = "reply";

impl Desk {
    pub(super) async fn words(&self, errand: Errand<'_>, words: &Words) -> Reply {
        let Some(place) = errand.said.place.clone() else { return Err(Stop::Silent) };
        // A mention comes as two events, and one word is one word.
        if !self.heard.first(&format!("{}/{}", place.channel, words.ts), errand.key) {
            return Ok(None);
        }
        let session = self.session_in(&place).await?;
        match session {
            Some(session) if words.mentioned => self.called_in(errand, place, session, words).await,
            Some(session) => self.replied_in(errand, session, words).await,
            None if words.mentioned => {
                self.command_at(errand, at_thread(place, words), &Command::spoken(&words.text)).await
            }
            None if words.direct => self.direct(errand, at_thread(place, words), words).await,
            None => Ok(None),
        }
    }

    /// The session that is talked with in a thread: the newest that still runs, else the newest.
    pub(super) async fn session_in(&self, place: &Place) -> Result<Option<SessionId>, Stop> {
        let Some(thread) = &place.thread else { return Ok(None) };
        let sessions = self.notes.thread_at(&place.channel, thread).await?;
        if let [_, _, ..] = sessions.as_slice() {
            for session in sessions.iter().take(MAX_LOOKED_AT) {
                if self.control.show(*session).await.is_ok_and(|v| !v.status.is_settled()) {
                    return Ok(Some(*session));
                }
            }
        }
        Ok(sessions.first().copied())
    }

    /// A direct message is talk: "thanks!" must not start anything.
    async fn direct(&self, errand: Errand<'_>, place: Place, words: &Words) -> Reply {
        let command = Command::spoken(&words.text);
        let starts = words.text.split_whitespace().next().is_some_and(|w| w.eq_ignore_ascii_case("new"));
        match &command {
            Command::New(draft) if !starts && draft.repo.is_none() => {
                Err(Stop::from(say::say_new()).keeping(&words.text))
            }
            _ => self.command_at(errand, place, &command).await,
        }
    }

    /// The bot is called in a session's thread.
    async fn called_in(&self, errand: Errand<'_>, place: Place, session: SessionId, words: &Words) -> Reply {
        let said = errand.said;
        match InThread::spoken(&words.text, session) {
            InThread::Status => self.show(said, session).await,
            InThread::Help => Ok(Some(render::help())),
            InThread::New(draft) => self.new_session(errand, place, &draft).await,
            InThread::Act(act) => {
                let view = self.act(errand, session, act, None).await?;
                Ok(Some(render::said(&status::spoken(&view))))
            }
            InThread::Interrupt(text) if text.is_empty() => self.show(said, session).await,
            InThread::Interrupt(text) => {
                let view = self.driven(said, session).await.map_err(|stop| stop.keeping(&text))?;
                self.hand_on(errand, &view, words, MessageMode::Interrupt).await
            }
        }
    }

    /// A plain reply. Of people who may not steer the session it is talk among people.
    async fn replied_in(&self, errand: Errand<'_>, session: SessionId, words: &Words) -> Reply {
        if words.text.is_empty() {
            return Ok(None);
        }
        let person = self.person(errand.said).await?;
        let view = self.control.show(session).await?;
        let owner = super::admit::owner(&view);
        match self.house.may(&person, Deed::Drive { owner: &owner }) {
            Ok(()) => self.hand_on(errand, &view, words, MessageMode::Queue).await,
            Err(No::Bot | No::Foreign | No::Guest | No::NotTheirs) => Ok(None),
        }
    }

    /// To the one open question, or to the agent.
    async fn hand_on(
        &self,
        errand: Errand<'_>,
        view: &SessionView,
        words: &Words,
        mode: MessageMode,
    ) -> Reply {
        let handle = match self.notes.recall(REPLY, &errand.effect()).await? {
            Some(handle) => Some(handle),
            None => match sentence(&view.asks, &words.text) {
                Sentence::Unclear(open) => {
                    return Err(Stop::from(troubles::which_question(open)).keeping(&words.text));
                }
                Sentence::Answers(handle, _) => Some(handle),
                Sentence::Words => None,
            },
        };
        let done = match handle {
            Some(handle) => self.reply_to(errand, &handle, words).await,
            None => self.say_to(errand, view, words, mode).await,
        };
        done.map_err(|stop| stop.keeping(&words.text))?;
        self.show_taken(errand, words).await;
        Ok(None)
    }

    /// The answer to this question, for good: told again after a crash it must not become a message to the agent.
    async fn reply_to(&self, errand: Errand<'_>, handle: &str, words: &Words) -> Reply {
        self.notes.remember(REPLY, &errand.effect(), handle).await?;
        let make = |ask: &Ask| in_words(ask, &words.text).ok_or_else(|| troubles::unknown_control().into());
        self.answer(errand, handle, make).await
    }

    async fn say_to(
        &self,
        errand: Errand<'_>,
        view: &SessionView,
        words: &Words,
        mode: MessageMode,
    ) -> Reply {
        let message = Message { key: Some(errand.effect()), ..Message::new(&words.text, mode) };
        let done = self.control.message(&errand.said.user.actor(), view.id, message).await;
        (self.nudge)(view.id);
        done?;
        Ok(None)
    }

    /// A sign that the words were taken; not worth an error.
    async fn show_taken(&self, errand: Errand<'_>, words: &Words) {
        let Some(place) = &errand.said.place else { return };
        if let Err(error) = self.web.react(&place.channel, &words.ts, TAKEN).await {
            tracing::debug!(%error, "a message could not be marked as taken");
        }
    }
}

/// What somebody asks for in a message is done in that message's thread.
fn at_thread(place: Place, words: &Words) -> Place {
    let thread = place.thread.unwrap_or_else(|| words.ts.clone());
    Place { thread: Some(thread), ..place }
}
