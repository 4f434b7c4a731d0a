//! The door: who somebody is, and whether they may.
//!
//! Asked anew for every click and every message. Must not know what they want beyond the kind of deed.

use std::time::Duration;

use super::{Desk, Stop};
use crate::domain::{Actor, SessionId};
use crate::slack::input::Said;
use crate::slack::web::{Person, WebError};
use crate::slack::who::{Deed, No};
use crate::slack::words::{self, troubles};
use crate::wire::view::SessionView;

/// A form must open within three seconds; who they are is asked again when it is sent.
const BEFORE_A_FORM: Duration = Duration::from_millis(800);

impl Desk {
    pub(super) async fn admit(&self, said: &Said, deed: Deed<'_>) -> Result<(), Stop> {
        let person = self.person(said).await?;
        self.house.may(&person, deed).map_err(|no| told(no, None))
    }

    /// As [`admit`](Self::admit), but Slack's answer is not waited for long.
    pub(super) async fn admit_to_form(&self, said: &Said, deed: Deed<'_>) -> Result<(), Stop> {
        match tokio::time::timeout(BEFORE_A_FORM, self.person(said)).await {
            Ok(Ok(person)) => self.house.may(&person, deed).map_err(|no| told(no, None)),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// The session, for somebody who may steer it.
    pub(super) async fn driven(&self, said: &Said, session: SessionId) -> Result<SessionView, Stop> {
        let person = self.person(said).await?;
        self.house.may(&person, Deed::Look).map_err(|no| told(no, None))?;
        let view = self.control.show(session).await?;
        self.may_drive(&person, &view)?;
        Ok(view)
    }

    pub(super) fn may_drive(&self, person: &Person, view: &SessionView) -> Result<(), Stop> {
        let owner = owner(view);
        self.house.may(person, Deed::Drive { owner: &owner }).map_err(|no| told(no, Some(view)))
    }

    pub(super) async fn person(&self, said: &Said) -> Result<Person, Stop> {
        self.web.user(&said.user.id).await.map_err(|error| match error {
            WebError::Refused { .. } => troubles::other_workspace().into(),
            _ => words::desk::nobody_knows_you().into(),
        })
    }
}

/// A view's owner; one that cannot be read is nobody's.
pub(super) fn owner(view: &SessionView) -> Actor {
    Actor::try_from(view.owner.clone()).unwrap_or(Actor::Control)
}

fn told(no: No, view: Option<&SessionView>) -> Stop {
    match (no, view) {
        (No::Foreign, _) => troubles::other_workspace().into(),
        (No::Guest, _) => troubles::guest().into(),
        (No::NotTheirs, Some(view)) => troubles::not_yours(view.id, &view.owner, &words::mention).into(),
        (No::Bot, _) | (No::NotTheirs, None) => Stop::Silent,
    }
}
