//! The loop that takes connections, for every far side that speaks HTTP.
//!
//! Our own instead of axum's, because a fault must be able to close a connection without an answer. Knows no route.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Connections at the same time; the next one waits.
const MOST_CONNECTIONS: usize = 256;
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// On a response: close the connection instead of sending this.
#[derive(Clone, Copy)]
pub(super) struct HangUp;

#[derive(Debug, thiserror::Error)]
#[error("a fault closed the connection")]
struct HungUp;

/// Serves until it is dropped, and with it every connection.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    talk(stream, router).await;
                    drop(place);
                });
            }
            // Out of files, most likely: the next one may find room again.
            Err(error) => {
                tracing::warn!(%error, "a far side could not take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer: tower::util::Oneshot<Router, Request> = router.clone().oneshot(request.map(Body::new));
        async move {
            let response = match answer.await {
                Ok(response) => response,
                Err::<_, Infallible>(never) => match never {},
            };
            if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    // A client that goes away, or was hung up on, is no event.
    drop(http.serve_connection(TokioIo::new(stream), service).with_upgrades().await);
}
