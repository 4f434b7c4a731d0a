//! Says something to one person, by the first way that works.
//!
//! A command is answered at its own address, which needs no membership; all else as a note only they see, where they
//! are; where neither works, directly. Must not know what is said.

use std::time::Duration;

use super::Desk;
use crate::slack::button::Form;
use crate::slack::input::{Said, What};
use crate::slack::names::Place;
use crate::slack::render::Post;
use crate::slack::web::WebError;

/// Longer than that nobody waits for a note.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

enum Way<'a> {
    Answer(&'a str),
    Note(Place),
    Direct,
}

impl Desk {
    pub(super) async fn tell(&self, said: &Said, key: &str, post: &Post) {
        for way in self.ways(said).await {
            match self.told(&way, &said.user.id, key, post).await {
                // Perhaps they have seen it: twice would be worse.
                Ok(()) | Err(WebError::Unsure) => return,
                Err(error) => tracing::debug!(%error, "a note took another way"),
            }
        }
        tracing::warn!(slack.user = %said.user.id, "a person could not be told what became of their words");
    }

    async fn ways<'a>(&self, said: &'a Said) -> Vec<Way<'a>> {
        let answer = said.response_url.as_deref().map(Way::Answer);
        let note = self.place(said).await.map(Way::Note);
        let (first, second) =
            if matches!(said.what, What::Command(_)) { (answer, note) } else { (note, answer) };
        first.into_iter().chain(second).chain([Way::Direct]).collect()
    }

    /// Where they are: a form lies nowhere and knows what it was opened for.
    async fn place(&self, said: &Said) -> Option<Place> {
        match &said.what {
            What::Submit { form: Form::Brief { channel, thread, .. }, .. } => {
                Some(Place { channel: channel.clone(), thread: thread.clone() })
            }
            What::Submit { form: Form::Answer { handle }, .. } => {
                let session = super::answers::session_of(handle)?;
                let thread = self.notes.thread_of(session).await.ok().flatten()?;
                Some(Place { channel: thread.channel, thread: thread.thread })
            }
            _ => said.place.clone(),
        }
    }

    async fn told(&self, way: &Way<'_>, user: &str, key: &str, post: &Post) -> Result<(), WebError> {
        match self.tried(way, user, key, post).await {
            Err(WebError::RateLimited { after }) if after <= LONGEST_WAIT => {
                tokio::time::sleep(after).await;
                self.tried(way, user, key, post).await
            }
            other => other,
        }
    }

    async fn tried(&self, way: &Way<'_>, user: &str, key: &str, post: &Post) -> Result<(), WebError> {
        match way {
            Way::Answer(url) => self.web.respond(url, post).await,
            Way::Note(place) => self.web.ephemeral(place, user, post).await,
            Way::Direct => {
                let place = Place { channel: self.web.dm(user).await?, thread: None };
                self.web.post(&place, post, &format!("note/{key}")).await.map(drop)
            }
        }
    }
}
