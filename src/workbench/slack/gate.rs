//! How a fault makes a request go wrong.
//!
//! Must not know which request it is.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::faults::What;
use super::refusal::Refusal;
use crate::workbench::serve::HangUp;

/// What is answered instead; `None` = go on, it was only late.
pub(super) async fn befall(what: What) -> Option<Response> {
    Some(match what {
        What::Status { status } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, status.canonical_reason().unwrap_or("error")).into_response()
        }
        What::Error { error } => Refusal::new(error).into_response(),
        What::RateLimited { seconds } => Refusal::rate_limited(seconds).into_response(),
        What::Hang => std::future::pending().await,
        What::Drop => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(HangUp);
            response
        }
        What::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            return None;
        }
    })
}
