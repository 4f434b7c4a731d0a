//! The routes of a person's account on the forge: link it, forget it, look at it.
//!
//! Must not know how a link is made, nor where a token is kept.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Parts;
use super::extract::{By, Maybe};
use super::problem::Problem;
use crate::wire::account::Link;

pub(super) async fn show(State(at): State<Parts>, By(by): By) -> Result<Response, Problem> {
    Ok(Json(at.control.account(&by).await?).into_response())
}

pub(super) async fn link(
    State(at): State<Parts>,
    By(by): By,
    Maybe(link): Maybe<Link>,
) -> Result<Response, Problem> {
    Ok(Json(at.control.link(&by, link).await?).into_response())
}

pub(super) async fn unlink(
    State(at): State<Parts>,
    By(by): By,
    Maybe(_): Maybe<Link>,
) -> Result<Response, Problem> {
    Ok(Json(at.control.unlink(&by).await?).into_response())
}
