//! Who may do what.
//!
//! | | look, start | drive a session |
//! |---|---|---|
//! | bot | no | no |
//! | of another workspace | no | no |
//! | guest | no | no |
//! | member | yes | their own |
//! | admin of the workspace, or named in the settings | yes | all |
//!
//! Decided on facts, asked at every click and every message: what a button says is never believed. Must not know how the
//! facts were found out.

use super::names::User;
use super::web::Person;
use crate::domain::Actor;

/// Whose house it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct House {
    /// The bot's workspace; `None` where it is installed for a whole organisation.
    pub team: Option<String>,
    /// Ids of people who may drive every session.
    pub admins: Vec<String>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// List and show.
    Look,
    /// Make a session of their own.
    Start,
    /// Pause, resume, cancel, answer, talk.
    Drive { owner: &'a Actor },
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Bot,
    /// Of another workspace.
    Foreign,
    Guest,
    /// Neither the session's owner nor an admin.
    NotTheirs,
}

impl House {
    pub fn may(&self, person: &Person, deed: Deed<'_>) -> Result<(), No> {
        self.welcome(person)?;
        match deed {
            Deed::Look | Deed::Start => Ok(()),
            Deed::Drive { owner } if User::id_of(owner) == Some(person.id.as_str()) => Ok(()),
            Deed::Drive { .. } if person.admin || self.admins.contains(&person.id) => Ok(()),
            Deed::Drive { .. } => Err(No::NotTheirs),
        }
    }

    fn welcome(&self, person: &Person) -> Result<(), No> {
        let foreign = matches!((&self.team, &person.team), (Some(ours), Some(theirs)) if ours != theirs);
        match person {
            Person { bot: true, .. } => Err(No::Bot),
            _ if foreign => Err(No::Foreign),
            Person { guest: true, .. } => Err(No::Guest),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
