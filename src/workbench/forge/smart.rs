//! git's face: smart HTTP, by `git http-backend` as a CGI program.
//!
//! Knows who may fetch and who may push, and carries bytes both ways without holding them. Must not know pull
//! requests: those look at the branches when they are asked for.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::gate::TurnDown;
use super::model::{Access, Caller};
use super::shop::Shop;
use super::{auth, git, names};

/// The longest one clone or push may take.
const LIMIT: Duration = Duration::from_mins(10);
/// The largest pack that is taken in.
const MOST_PUSHED: u64 = 1 << 30;
/// The largest head of a CGI answer.
const MOST_HEAD: u64 = 16 * 1024;

const UPLOAD: &str = "git-upload-pack";
const RECEIVE: &str = "git-receive-pack";

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/{owner}/{repo}/info/refs", get(refs))
        .route("/{owner}/{repo}/git-upload-pack", post(upload))
        .route("/{owner}/{repo}/git-receive-pack", post(receive))
}

#[derive(Deserialize)]
struct Service {
    service: Option<String>,
}

async fn refs(
    State(shop): State<Arc<Shop>>,
    Path(repo): Path<(String, String)>,
    Query(asked): Query<Service>,
    request: Request,
) -> Response {
    let Some(service @ (UPLOAD | RECEIVE)) = asked.service.as_deref() else {
        return said(
            StatusCode::FORBIDDEN,
            "Please upgrade your git client.\nThe dumb protocol is not spoken here.",
        );
    };
    let job = Job { path: "info/refs", push: service == RECEIVE, service, repo };
    job.run(&shop, request).await
}

async fn upload(
    State(shop): State<Arc<Shop>>,
    Path(repo): Path<(String, String)>,
    request: Request,
) -> Response {
    Job { path: UPLOAD, push: false, service: "", repo }.run(&shop, request).await
}

async fn receive(
    State(shop): State<Arc<Shop>>,
    Path(repo): Path<(String, String)>,
    request: Request,
) -> Response {
    Job { path: RECEIVE, push: true, service: "", repo }.run(&shop, request).await
}

/// One run of the CGI program.
struct Job<'a> {
    path: &'a str,
    push: bool,
    service: &'a str,
    repo: (String, String),
}

impl Job<'_> {
    async fn run(self, shop: &Arc<Shop>, request: Request) -> Response {
        let (key, caller) = match self.enter(shop, request.headers()) {
            Ok(entered) => entered,
            Err(response) => return *response,
        };
        let Ok(slot) = Arc::clone(&shop.git_slots).acquire_owned().await else {
            return said(StatusCode::SERVICE_UNAVAILABLE, "The forge is closing.");
        };
        match self.spawn(shop, &key, caller.as_ref(), request, slot).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(forge.repo = key, %error, "git http-backend did not answer");
                said(StatusCode::INTERNAL_SERVER_ERROR, "git did not answer.")
            }
        }
    }

    /// The repository's key, or GitHub's words for "you may not".
    fn enter(&self, shop: &Shop, headers: &HeaderMap) -> Result<(String, Option<Caller>), Box<Response>> {
        let model = shop.model();
        let caller = auth::caller(&model, headers).map_err(|_| Box::new(ask_who()))?;
        let (owner, name) = (&self.repo.0, self.repo.1.strip_suffix(".git").unwrap_or(&self.repo.1));
        let known = names::key(owner, name).and_then(|key| Some((model.repo(&key)?, key)));
        let Some((repo, key)) = known else {
            return Err(Box::new(if caller.is_some() { absent() } else { ask_who() }));
        };
        let may = match &caller {
            Some(caller) => repo.access(&caller.user).min(caller.scope.contents),
            None if repo.private || self.push => return Err(Box::new(ask_who())),
            None => Access::Read,
        };
        if may < Access::Read && repo.private {
            return Err(Box::new(absent()));
        }
        if self.push && may < Access::Write {
            let login = caller.as_ref().map(|c| c.user.as_str()).unwrap_or_default();
            let why = format!("Permission to {}.git denied to {login}.", repo.full_name());
            return Err(Box::new(said(StatusCode::FORBIDDEN, &why)));
        }
        Ok((key, caller))
    }

    async fn spawn(
        &self,
        shop: &Shop,
        key: &str,
        caller: Option<&Caller>,
        request: Request,
        slot: OwnedSemaphorePermit,
    ) -> std::io::Result<Response> {
        let mut backend = git::command(&shop.dir);
        let turned_down = request.extensions().get::<TurnDown>().is_some();
        let hooks = if turned_down { shop.dir.join("refuse") } else { "/dev/null".into() };
        let settings = [
            ("core.hooksPath", &*hooks.to_string_lossy()),
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("http.receivepack", if self.push { "true" } else { "false" }),
        ];
        git::configure(&mut backend, &settings);
        for (name, value) in self.environment(shop, key, caller, &request) {
            backend.env(name, value);
        }
        backend.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = backend.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(std::io::Error::other("no pipes"));
        };
        let feeder = AbortOnDropHandle::new(tokio::spawn(feed(request.into_body(), stdin)));
        let until = Instant::now() + LIMIT;
        let mut out = BufReader::new(stdout);
        let mut response = timeout_at(until, head(&mut out)).await??;
        *response.body_mut() = Running { out, until, _child: child, _feeder: feeder, _slot: slot }.body();
        Ok(response)
    }

    /// RFC 3875's variables; of the request's own words only those git needs.
    fn environment(
        &self,
        shop: &Shop,
        key: &str,
        caller: Option<&Caller>,
        request: &Request,
    ) -> Vec<(&'static str, OsString)> {
        let from_header = |name: HeaderName| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(OsString::from(value))
        };
        let query = if self.service.is_empty() { String::new() } else { format!("service={}", self.service) };
        let mut all = vec![
            ("GIT_PROJECT_ROOT", shop.dir.join("repos").into_os_string()),
            ("GIT_HTTP_EXPORT_ALL", "1".into()),
            ("GATEWAY_INTERFACE", "CGI/1.1".into()),
            ("REQUEST_METHOD", request.method().as_str().into()),
            ("PATH_INFO", format!("/{key}.git/{}", self.path).into()),
            ("QUERY_STRING", query.into()),
            ("REMOTE_ADDR", "127.0.0.1".into()),
        ];
        let passed = [
            ("CONTENT_TYPE", from_header(header::CONTENT_TYPE)),
            ("CONTENT_LENGTH", from_header(header::CONTENT_LENGTH)),
            ("HTTP_CONTENT_ENCODING", from_header(header::CONTENT_ENCODING)),
            ("GIT_PROTOCOL", from_header(HeaderName::from_static("git-protocol"))),
            ("REMOTE_USER", caller.map(|c| OsString::from(&c.user))),
        ];
        all.extend(passed.into_iter().filter_map(|(name, value)| Some((name, value?))));
        all
    }
}

/// Carries the request's body into git; a body that breaks off or grows too long ends git's input early, which git
/// takes as a failed transfer.
async fn feed(body: Body, mut stdin: ChildStdin) {
    let mut body = body.into_data_stream();
    let mut left = MOST_PUSHED;
    while let Some(Ok(bytes)) = body.next().await {
        left = match left.checked_sub(bytes.len() as u64) {
            Some(left) => left,
            None => return,
        };
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The head of a CGI answer: `Status:` and the headers.
async fn head(out: &mut BufReader<ChildStdout>) -> std::io::Result<Response> {
    let mut response = Response::new(Body::empty());
    let mut limited = out.take(MOST_HEAD);
    loop {
        let mut line = String::new();
        if limited.read_line(&mut line).await? == 0 {
            return Err(std::io::Error::other("the answer ends in its head"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(response);
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse().ok());
            *response.status_mut() = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().append(name, value);
        }
    }
}

/// A backend at work; dropping it ends the program.
struct Running {
    out: BufReader<ChildStdout>,
    until: Instant,
    _child: Child,
    _feeder: AbortOnDropHandle<()>,
    _slot: OwnedSemaphorePermit,
}

impl Running {
    fn body(self) -> Body {
        Body::from_stream(futures_util::stream::unfold(Some(self), |running| async {
            let mut running = running?;
            match running.more().await {
                Ok(bytes) if bytes.is_empty() => None,
                Ok(bytes) => Some((Ok(bytes), Some(running))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    async fn more(&mut self) -> std::io::Result<Bytes> {
        let mut bytes = vec![0; 32 * 1024];
        let read = timeout_at(self.until, self.out.read(&mut bytes)).await??;
        bytes.truncate(read);
        Ok(bytes.into())
    }
}

fn said(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

fn absent() -> Response {
    said(StatusCode::NOT_FOUND, "Repository not found.")
}

fn ask_who() -> Response {
    let mut response = said(StatusCode::UNAUTHORIZED, "Invalid username or token.");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"GitHub\""));
    response
}
