//! The routes of asks: which are open, and their answers.
//!
//! Must not know which answer fits: the session says so.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Parts;
use super::extract::{Asked, By, Key, Segment, Sent};
use super::problem::Problem;
use super::sessions::session;
use crate::domain::ask::{Answer, Decision};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    state: Option<String>,
}

pub(super) async fn open(State(at): State<Parts>, Asked(which): Asked<Which>) -> Result<Response, Problem> {
    if which.state.is_some_and(|s| s != "open") {
        return Err(Problem::invalid("`state` takes `open`; settled asks are in their session's events"));
    }
    Ok(Json(at.control.asks().await?).into_response())
}

/// Written out, so that a wrong answer is refused by the name of its field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    #[serde(default)]
    answers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    decide: Option<Decision>,
    #[serde(default)]
    message: Option<String>,
}

impl Words {
    fn answer(self) -> Result<Answer, Problem> {
        match (self.answers, self.decide) {
            (Some(answers), None) if self.message.is_none() => Ok(Answer::Answers { answers }),
            (None, Some(decide)) => Ok(Answer::Decide { decide, message: self.message }),
            _ => Err(Problem::invalid(
                "an answer is either `answers` by question, or `decide` with an optional `message`",
            )),
        }
    }
}

pub(super) async fn answer(
    State(at): State<Parts>,
    By(by): By,
    Segment(handle): Segment,
    Key(key): Key,
    Sent(words): Sent<Words>,
) -> Result<Response, Problem> {
    let view = at.control.answer_once(&by, &handle, words.answer()?, key.as_deref()).await?;
    Ok(session(StatusCode::OK, &view))
}
