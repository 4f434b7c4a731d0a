//! The verbs of `/devtask`, and the same ones said to the bot elsewhere.
//!
//! Must not know how a list or a session looks.

use super::{Desk, Errand, Reply, Stop};
use crate::domain::SessionId;
use crate::slack::input::{Command, Mine, Said};
use crate::slack::names::Place;
use crate::slack::render;
use crate::slack::who::Deed;
use crate::slack::words::{desk as words, mention, status, troubles};
use crate::wire::account::{AccountView, Link};
use crate::wire::api::{Act, Filter};
use crate::wire::view::SessionView;

impl Desk {
    pub(super) async fn command(&self, errand: Errand<'_>, command: &Command) -> Reply {
        let Some(place) = errand.said.place.clone() else { return Err(Stop::Silent) };
        self.command_at(errand, place, command).await
    }

    /// `place`: where a new session's root goes.
    pub(super) async fn command_at(&self, errand: Errand<'_>, place: Place, command: &Command) -> Reply {
        let said = errand.said;
        match command {
            Command::New(draft) => self.new_session(errand, place, draft).await,
            Command::List(whose) => self.list(said, *whose).await,
            Command::Show(session) => self.show(said, *session).await,
            Command::Act { session, act } => {
                let view = self.act(errand, *session, act.clone(), None).await?;
                Ok(Some(render::said(&status::spoken(&view))))
            }
            Command::Link { remove } => self.link(said, *remove).await,
            Command::Help => Ok(Some(render::help())),
            Command::NoId { said, .. } => Err(troubles::no_session(said).into()),
            Command::Unknown { word, nearest, said } => {
                Err(Stop::from(troubles::unknown_verb(word, *nearest)).keeping(longer_than(said, word)))
            }
        }
    }

    /// Said again once the code is typed, it says as whom.
    async fn link(&self, said: &Said, remove: bool) -> Reply {
        self.admit(said, Deed::Start).await?;
        let by = said.user.actor();
        let account = match self.control.account(&by).await? {
            _ if remove => self.control.unlink(&by).await?,
            linked @ AccountView::Linked { .. } => linked,
            _ => self.control.link(&by, Link::default()).await?,
        };
        Ok(Some(render::said(&words::account(&account, self.clock.now()))))
    }

    async fn list(&self, said: &Said, whose: Mine) -> Reply {
        self.admit(said, Deed::Look).await?;
        let owner = (whose == Mine::Mine).then(|| said.user.actor().to_string());
        let page = self.control.list(Filter { owner, ..Filter::default() }).await?;
        Ok(Some(render::list(&page.sessions, &mention)))
    }

    pub(super) async fn show(&self, said: &Said, session: SessionId) -> Reply {
        self.admit(said, Deed::Look).await?;
        let view = self.control.show(session).await?;
        Ok(Some(render::show(&view, &mention)))
    }

    /// `rev`: the reading it was decided on. However it ends, the root is rendered anew: who was refused was shown
    /// something old.
    pub(super) async fn act(
        &self,
        errand: Errand<'_>,
        session: SessionId,
        act: Act,
        rev: Option<u64>,
    ) -> Result<SessionView, Stop> {
        self.driven(errand.said, session).await?;
        let (by, key) = (errand.said.user.actor(), errand.effect());
        let done = self.control.act_once(&by, session, act, rev, Some(&key)).await;
        (self.nudge)(session);
        Ok(done?)
    }
}

/// The line, where it says more than the word that is said back anyway.
fn longer_than<'a>(line: &'a str, word: &str) -> &'a str {
    if line.trim() == word { "" } else { line }
}
