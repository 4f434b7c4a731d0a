//! A new session: checked, given a repository, made once, and its thread prepared.
//!
//! What is missing is asked for in a form with everything typed so far (`brief`). Must not know over which door the words
//! came.

use uuid::Uuid;

use super::{Desk, Errand, Reply, Stop};
use crate::domain::brief::{BadBrief, Brief, is_blank};
use crate::slack::button::brief;
use crate::slack::input::{Draft, Said};
use crate::slack::names::Place;
use crate::slack::who::Deed;
use crate::slack::words::troubles;
use crate::slack::{render, words};
use crate::store::slack::Thread;
use crate::wire::api::{Code, Create, Refusal};
use crate::wire::view::SessionView;

const MAX_KEY: usize = 150;
/// Characters of a goal that leave room for what was said before.
const WITH_CONTEXT: usize = 30_000;

/// A session somebody wants.
pub(super) struct New {
    /// Where its root goes.
    pub place: Place,
    /// We are not in its channel yet.
    pub stranger: bool,
    pub draft: Draft,
    /// One session, however often it is asked for under this key.
    pub key: String,
}

/// Why there is none, and the field of the form it concerns.
pub(super) type NotStarted = (&'static str, Stop);

impl Desk {
    /// From words: makes the session, or opens the form for what is missing.
    pub(super) async fn new_session(&self, errand: Errand<'_>, place: Place, draft: &Draft) -> Reply {
        let said = errand.said;
        if is_blank(&draft.goal) {
            self.admit_to_form(said, Deed::Start).await?;
            return self.ask_brief(errand, &place, draft).await;
        }
        match self.started(errand, place, draft.clone()).await {
            Ok(post) => Ok(post),
            Err(stop) => Err(stop.keeping(&draft.typed())),
        }
    }

    async fn started(&self, errand: Errand<'_>, place: Place, mut draft: Draft) -> Reply {
        let said = errand.said;
        self.admit(said, Deed::Start).await?;
        let key = errand.effect();
        let room = self.look_in(&place).await?;
        if draft.repo.is_none() {
            draft.repo = self.usual_repo(&key, &said.user, &place, room.topic.as_deref()).await;
        }
        if draft.goal.chars().count() <= WITH_CONTEXT {
            draft.context = self.talk_before(errand).await;
        }
        if draft.repo.is_none() {
            return self.ask_brief(errand, &place, &draft).await;
        }
        let in_thread = place.thread.is_some();
        match self.make(said, &New { place, stranger: room.stranger, draft, key }).await {
            Ok(view) => Ok(Some(render::said(&words::desk::started(&view, in_thread)))),
            Err((_, stop)) => Err(stop),
        }
    }

    /// Makes the session once and prepares its thread. The repository is known.
    pub(super) async fn make(&self, said: &Said, new: &New) -> Result<SessionView, NotStarted> {
        let create = Create { requester: self.called(&said.user.id).await, ..request(&new.draft)? };
        let owner = said.user.actor();
        let made = self.control.create(&owner, create.clone(), Some(&new.key)).await;
        let view = made.map_err(|refusal| (field_of(&refusal, &create), refusal.into()))?;
        if new.stranger {
            self.join(&new.place).await;
        }
        let thread = Thread {
            session: view.id,
            channel: new.place.channel.clone(),
            thread: new.place.thread.clone(),
            root: None,
            owner,
            cursor: 0,
            head: view.head,
        };
        self.remember_repo(&said.user, &new.place, &view.repo).await;
        // From here on the root is on its way; the word to the person is to come before it.
        self.notes.thread_put(thread).await.map_err(|error| (brief::GOAL, error.into()))?;
        (self.nudge)(view.id);
        tracing::info!(session.id = %view.id, slack.channel = %new.place.channel, "a session was asked for in Slack");
        Ok(view)
    }
}

/// Keys have a longest length; one that is longer becomes a name of its own.
pub(super) fn short(key: &str) -> String {
    if key.len() <= MAX_KEY {
        return key.to_owned();
    }
    format!("slack/{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()))
}

/// What the control plane is asked; what cannot be read is said with its field.
pub(super) fn request(draft: &Draft) -> Result<Create, NotStarted> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let goal = Brief {
        done_when: lines(&draft.done_when),
        checks: lines(&draft.checks),
        context: draft.context.clone(),
        ..Brief::from_text(&draft.goal)
    };
    if let Err(bad) = goal.clone().accept() {
        return Err((field_of_brief(&bad), Refusal::new(Code::Invalid, bad.to_string()).into()));
    }
    let priority = match draft.priority.as_deref() {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            let option = format!("priority:{text}");
            (brief::GOAL, Stop::from(troubles::bad_option(&option, "a whole number from -128 to 127")))
        })?,
    };
    Ok(Create {
        brief: goal,
        repo: draft.repo.clone().unwrap_or_default(),
        base: draft.base.clone(),
        provider: None,
        agent: draft.agent.clone(),
        model: draft.model.clone(),
        effort: draft.effort.clone(),
        plan: draft.plan.unwrap_or(false),
        priority,
        labels: Vec::new(),
        requester: None,
    })
}

fn field_of_brief(bad: &BadBrief) -> &'static str {
    match bad {
        BadBrief::Empty | BadBrief::TooLong { .. } => brief::GOAL,
        BadBrief::BadCheck | BadBrief::NoCommand(_) => brief::CHECKS,
    }
}

/// The field a refusal is about: it names the word it does not like.
pub(super) fn field_of(refusal: &Refusal, create: &Create) -> &'static str {
    let names = |word: &Option<String>| {
        word.as_deref().is_some_and(|word| refusal.message.contains(&format!("`{word}`")))
    };
    if names(&create.base) && refusal.message.contains("branch") {
        brief::BASE
    } else if names(&create.agent) || names(&create.model) || names(&create.effort) {
        brief::GOAL
    } else {
        brief::REPO
    }
}
