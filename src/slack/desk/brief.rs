//! The brief form: opened with everything that is known, from words, from a message's menu or from a button.
//!
//! A form needs a trigger, which a mention has not and which lives three seconds. So what was typed is kept on disk, and a
//! button that only its writer sees opens the form with it, whenever they come to it. However often it is opened and sent,
//! one text makes one session. Must not know how the form looks.

use serde::{Deserialize, Serialize};

use super::{Desk, Errand, Reply, Stop};
use crate::domain::brief::is_blank;
use crate::slack::button::Form;
use crate::slack::escape;
use crate::slack::input::{Draft, Said};
use crate::slack::names::Place;
use crate::slack::render;
use crate::slack::who::Deed;
use crate::slack::words::troubles;

/// A field of Slack's forms takes no more.
const MAX_FIELD: usize = 3_000;
/// Under which what was typed is kept.
const TYPED: &str = "typed";

/// A text that waits for its form.
#[derive(Serialize, Deserialize)]
pub(super) struct Typed {
    /// Who typed it: nobody else opens it.
    user: String,
    place: Place,
    pub draft: Draft,
}

impl Desk {
    /// Asks for what is missing: with the form where it can be opened, else with a button that opens it.
    pub(super) async fn ask_brief(&self, errand: Errand<'_>, place: &Place, draft: &Draft) -> Reply {
        let said = errand.said;
        let typed = Typed { user: said.user.id.clone(), place: place.clone(), draft: draft.clone() };
        let Some(trigger) = said.trigger.as_deref() else {
            let missing = if is_blank(&draft.goal) { troubles::empty() } else { troubles::no_repo() };
            let request = errand.effect();
            self.keep_typed(&request, &typed).await?;
            return Ok(Some(render::notice_form_button(&missing, None, &request)));
        };
        let request = self.clock.random_id().to_string();
        if escape::units(&draft.kept()) > MAX_FIELD {
            self.keep_typed(&request, &typed).await?;
        }
        if self.open_brief(trigger, said, &typed, &request).await.is_ok() {
            return Ok(None);
        }
        self.keep_typed(&request, &typed).await?;
        let text = draft.typed();
        Ok(Some(render::notice_form_button(&troubles::no_form(), Some(&text), &request)))
    }

    /// The button was pressed. Its form may be open already, or sent: the same form twice makes one session.
    pub(super) async fn reopen_brief(&self, said: &Said, request: &str) -> Reply {
        self.admit_to_form(said, Deed::Start).await?;
        let typed = self.typed(request).await.filter(|typed| typed.user == said.user.id);
        let typed = typed.ok_or_else(troubles::started_before)?;
        let trigger = said.trigger.as_deref().ok_or_else(troubles::no_form)?;
        match self.open_brief(trigger, said, &typed, request).await {
            Ok(()) => Ok(None),
            Err(()) => Err(troubles::no_form().into()),
        }
    }

    /// A message's menu: the message is the goal, its thread the place; nothing starts before the form is sent.
    pub(super) async fn shortcut(&self, errand: Errand<'_>, text: &str, ts: &str) -> Reply {
        let Some(place) = errand.said.place.clone() else { return Err(Stop::Silent) };
        self.admit_to_form(errand.said, Deed::Start).await?;
        let thread = place.thread.unwrap_or_else(|| ts.to_owned());
        let place = Place { thread: Some(thread), ..place };
        self.ask_brief(errand, &place, &Draft::of(text)).await
    }

    async fn open_brief(&self, trigger: &str, said: &Said, typed: &Typed, request: &str) -> Result<(), ()> {
        let Typed { place, draft, .. } = typed;
        let (channel, thread) = (place.channel.clone(), place.thread.clone());
        let form = Form::Brief { request: request.to_owned(), channel, thread };
        let likely = self.likely_repo(&said.user, place).await;
        let known = self.known_repos(likely.as_deref()).await;
        let shown = render::Draft {
            repo: draft.repo.clone().or(likely).unwrap_or_default(),
            known,
            base: draft.base.clone().unwrap_or_default(),
            goal: Some(draft.kept()).filter(|typed| !is_blank(typed)).unwrap_or_default(),
            done_when: draft.done_when.clone(),
            checks: draft.checks.clone(),
            plan: draft.plan.unwrap_or(false),
        };
        let opened = self.web.open_view(trigger, &render::brief_form(&shown, &form, &[])).await;
        opened.map(drop).map_err(|error| tracing::info!(%error, "a form could not be opened"))
    }

    async fn keep_typed(&self, request: &str, typed: &Typed) -> Result<(), Stop> {
        let text = serde_json::to_string(typed).unwrap_or_default();
        Ok(self.notes.remember(TYPED, request, &text).await?)
    }

    /// What a form was opened with; `None` once it is a session.
    pub(super) async fn typed(&self, request: &str) -> Option<Typed> {
        let text = self.notes.recall(TYPED, request).await.ok()??;
        serde_json::from_str(&text).ok()
    }

    /// It is a session's brief now. A repeat of the form finds that session by its key.
    pub(super) async fn forget_typed(&self, request: &str) {
        if self.typed(request).await.is_some()
            && let Err(error) = self.notes.remember(TYPED, request, "").await
        {
            tracing::warn!(%error, "a text that is not needed any more stays");
        }
    }
}
