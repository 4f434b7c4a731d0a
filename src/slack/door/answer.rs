//! An answer that holds what follows it until the connection has taken all of it.
//!
//! Must not know what follows.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::body::{Bytes, Frame, SizeHint};
use serde_json::Value;

use crate::slack::deliveries::Afterwards;

/// The ack; `then` is dropped with its last byte, or with the connection.
pub(super) fn ack(body: Option<Value>, then: Afterwards) -> Response {
    let said = body.map_or_else(|| StatusCode::OK.into_response(), |body| Json(body).into_response());
    said.map(|body| Body::new(Held { body, _then: then }))
}

struct Held {
    body: Body,
    _then: Afterwards,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
