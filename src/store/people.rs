//! Who a person is on the forge: the link they made, and where the token it gave is kept.
//!
//! The token itself lies in a private file and never in the database. Must not know how a link is made.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::{Lane, Store, StoreError, codec, note, sql};
use crate::domain::{Actor, Time};

/// A person's account on the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub person: Actor,
    /// Their name there.
    pub login: String,
    /// File with the token, below the data folder or as it was given.
    pub token_file: String,
    pub linked_at: Time,
}

/// One thing to be kept.
pub(super) enum Note {
    Link { person: Actor, login: String, token_file: String },
    Unlink { person: Actor },
}

impl Note {
    pub(super) async fn write(&self, conn: &mut SqliteConnection, now: Time) -> Result<(), sqlx::Error> {
        let query = match self {
            Self::Link { person, login, token_file } => sqlx::query(sql::LINK)
                .bind(person.to_string())
                .bind(login)
                .bind(token_file)
                .bind(codec::micros(now)),
            Self::Unlink { person } => sqlx::query(sql::UNLINK).bind(person.to_string()),
        };
        query.execute(conn).await.map(drop)
    }
}

impl Store {
    /// Links a person; in place of a link they had.
    pub async fn link(&self, person: &Actor, login: &str, token_file: &str) -> Result<(), StoreError> {
        let (person, login, token_file) = (person.clone(), login.to_owned(), token_file.to_owned());
        let link = Note::Link { person, login, token_file };
        self.0.note(Lane::People, note::Note::People(link)).await.map(drop)
    }

    pub async fn unlink(&self, person: &Actor) -> Result<(), StoreError> {
        let unlink = Note::Unlink { person: person.clone() };
        self.0.note(Lane::People, note::Note::People(unlink)).await.map(drop)
    }

    pub async fn linked(&self, person: &Actor) -> Result<Option<Linked>, StoreError> {
        let query = sqlx::query(sql::LINKED).bind(person.to_string());
        query.fetch_optional(&self.0.shared.readers).await?.as_ref().map(linked).transpose()
    }

    /// Everybody's, by person.
    pub async fn links(&self) -> Result<Vec<Linked>, StoreError> {
        sqlx::query(sql::LINKS).fetch_all(&self.0.shared.readers).await?.iter().map(linked).collect()
    }
}

fn linked(row: &sqlx::sqlite::SqliteRow) -> Result<Linked, StoreError> {
    let person: String = row.try_get(0)?;
    Ok(Linked {
        // What we wrote is an actor; should it ever not be, it is nobody's.
        person: Actor::try_from(person).unwrap_or(Actor::Control),
        login: row.try_get(1)?,
        token_file: row.try_get(2)?,
        linked_at: codec::time(row.try_get(3)?),
    })
}
