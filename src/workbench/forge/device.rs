//! GitHub's device flow: a program shows a short code, a person enters it in a browser, the program gets a token.
//!
//! Knows RFC 8628 as GitHub speaks it: `authorization_pending`, `slow_down`, `expired_token`, `access_denied`, each with
//! status 200. Must not know what the token is for. Open codes live in memory only, as they live for minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Form, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, RequestExt, Router};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::auth;
use super::model::Scope;
use super::names;
use super::refusal::Refusal;
use super::shop::Shop;
use crate::clock::Time;

/// What `grant_type` must say.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// A forge that outgrows this is being filled by a bug.
const MOST: usize = 1_000;
/// Who asks too early has to wait so much longer, in seconds.
const SLOWER: i64 = 5;

/// How patient the flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSettings {
    /// Seconds between two questions.
    pub interval: i64,
    /// Seconds until a code expires.
    pub expires_in: i64,
}

impl Default for DeviceSettings {
    /// GitHub's.
    fn default() -> Self {
        Self { interval: 5, expires_in: 900 }
    }
}

/// The codes that wait for a person.
#[derive(Default)]
pub(super) struct Desk(Mutex<State_>);

#[derive(Default)]
struct State_ {
    settings: DeviceSettings,
    /// By device code.
    open: BTreeMap<String, Open>,
}

struct Open {
    user_code: String,
    client_id: String,
    scope: String,
    interval: i64,
    asked_at: Option<Time>,
    expires_at: Time,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Awaited,
    /// By this person.
    Approved(String),
    Denied,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings<T>(&self, turn: impl FnOnce(&mut DeviceSettings) -> T) -> T {
        turn(&mut self.state().settings)
    }

    /// A person enters the code and says yes (with their login) or no. `false` where no such code waits.
    pub(super) fn decide(&self, user_code: &str, login: Option<&str>, now: Time) -> bool {
        let state = &mut *self.state();
        let waits = |o: &&mut Open| {
            o.user_code.eq_ignore_ascii_case(user_code) && o.verdict == Verdict::Awaited && now < o.expires_at
        };
        let Some(open) = state.open.values_mut().find(waits) else { return false };
        open.verdict = login.map_or(Verdict::Denied, |login| Verdict::Approved(login.to_owned()));
        true
    }

    fn open(&self, ids: [String; 2], client_id: String, scope: String, now: Time) -> Option<Value> {
        let state = &mut *self.state();
        state.open.retain(|_, open| now < open.expires_at + TimeDelta::minutes(5));
        if state.open.len() >= MOST {
            return None;
        }
        let DeviceSettings { interval, expires_in } = state.settings;
        let [device_code, random] = ids;
        let user_code = user_code(&random);
        let expires_at = now + TimeDelta::seconds(expires_in);
        let answer = json!({
            "device_code": device_code, "user_code": user_code, "expires_in": expires_in, "interval": interval,
        });
        let verdict = Verdict::Awaited;
        let open = Open { user_code, client_id, scope, interval, asked_at: None, expires_at, verdict };
        state.open.insert(device_code, open);
        Some(answer)
    }

    /// Who has approved, and which scope; or GitHub's word for why not yet.
    fn ask(&self, device_code: &str, client_id: &str, now: Time) -> Result<(String, String), Value> {
        let state = &mut *self.state();
        let Some(open) = state.open.get_mut(device_code) else {
            return Err(no("incorrect_device_code", "The device_code provided is not valid."));
        };
        if open.client_id != client_id {
            return Err(no("incorrect_client_credentials", "The client_id passed is incorrect."));
        }
        if now >= open.expires_at {
            state.open.remove(device_code);
            return Err(no("expired_token", "This 'device_code' has expired."));
        }
        let early = open.asked_at.is_some_and(|at| now < at + TimeDelta::seconds(open.interval));
        open.asked_at = Some(now);
        if early {
            open.interval += SLOWER;
            let mut slow = no("slow_down", "Too many requests have been made in the same timeframe.");
            slow.as_object_mut().map(|map| map.insert("interval".into(), open.interval.into()));
            return Err(slow);
        }
        match open.verdict.clone() {
            Verdict::Awaited => {
                Err(no("authorization_pending", "The authorization request is still pending."))
            }
            Verdict::Denied => {
                state.open.remove(device_code);
                Err(no("access_denied", "The authorization request was denied."))
            }
            Verdict::Approved(login) => {
                let scope = open.scope.clone();
                state.open.remove(device_code);
                Ok((login, scope))
            }
        }
    }
}

fn no(error: &str, description: &str) -> Value {
    let uri =
        "https://docs.github.com/developers/apps/authorizing-oauth-apps#error-codes-for-the-device-flow";
    json!({ "error": error, "error_description": description, "error_uri": uri })
}

/// `WDJB-MJHT`: eight letters that nobody mistakes for each other.
fn user_code(random: &str) -> String {
    const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";
    let digits = random.chars().filter_map(|c| c.to_digit(16)).take(8);
    let letters = digits.filter_map(|d| LETTERS.get(usize::try_from(d).ok()?)).map(|l| char::from(*l));
    let all: String = letters.collect();
    let (left, right) = all.split_at(all.len() / 2);
    format!("{left}-{right}")
}

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/login/device", get(page).post(decide))
        .route("/login/device/code", post(code))
        .route("/login/oauth/access_token", post(token))
}

type Fields = BTreeMap<String, String>;

/// The fields of a form or of JSON.
async fn fields(request: Request) -> Result<Fields, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let unread = || Refusal::plain(StatusCode::BAD_REQUEST, "Problems parsing the request");
    if is_json {
        let Json(fields) =
            request.extract().await.map_err(|_: axum::extract::rejection::JsonRejection| unread())?;
        return Ok(fields);
    }
    let Form(fields) =
        request.extract().await.map_err(|_: axum::extract::rejection::FormRejection| unread())?;
    Ok(fields)
}

fn take(fields: &mut Fields, key: &str) -> String {
    fields.remove(key).unwrap_or_default()
}

async fn code(State(shop): State<Arc<Shop>>, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let mut fields = fields(request).await?;
    let (client_id, scope) = (take(&mut fields, "client_id"), take(&mut fields, "scope"));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if client_id.is_empty() || client_id.len() > 100 || !client_id.chars().all(fits) || scope.len() > 500 {
        return Err(Refusal::not_found());
    }
    let id = || shop.clock.random_id().simple().to_string();
    let answer = shop.devices.open([id(), id()], client_id, scope, shop.clock.now());
    let mut answer = answer.ok_or_else(|| {
        Refusal::plain(StatusCode::TOO_MANY_REQUESTS, "Too many codes have been requested.")
    })?;
    let page = format!("{}/login/device", shop.url);
    answer.as_object_mut().map(|map| map.insert("verification_uri".into(), page.into()));
    Ok(said(&headers, &answer))
}

async fn token(State(shop): State<Arc<Shop>>, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let mut fields = fields(request).await?;
    if take(&mut fields, "grant_type") != GRANT {
        return Ok(said(&headers, &no("unsupported_grant_type", "The grant type is not supported.")));
    }
    let (client, device) = (take(&mut fields, "client_id"), take(&mut fields, "device_code"));
    let (login, scope) = match shop.devices.ask(&device, &client, shop.clock.now()) {
        Ok(approved) => approved,
        Err(why) => return Ok(said(&headers, &why)),
    };
    let token = format!("gho_{}", shop.clock.random_id().simple());
    let (hash, granted) = (auth::hash(&token), Scope::of_words(&scope));
    shop.commit(move |model, _| model.add_token(hash, &login, granted)).await?;
    let scope = scope.split([' ', ',']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(",");
    Ok(said(&headers, &json!({ "access_token": token, "token_type": "bearer", "scope": scope })))
}

/// JSON for who accepts it, else a form, as GitHub.
fn said(headers: &HeaderMap, answer: &Value) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") {
        return Json(answer.clone()).into_response();
    }
    let pair = |(key, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{key}={}", encoded(&text))
    };
    let form = answer.as_object().into_iter().flatten().map(pair).collect::<Vec<_>>().join("&");
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form).into_response()
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Connect a device</title>
<meta name="viewport" content="width=device-width"><style>
body{font:16px system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem}
label,button{display:block;margin:1rem 0}input{font:inherit;width:100%}</style>
<h1>Connect a device</h1><p>This is the local GitHub: nobody's real account is asked for.</p>
<form method="post"><label>The code you were shown <input name="user_code" required autofocus></label>
<label>Your name here <input name="login" required></label>
<button name="decision" value="approve">Approve</button><button name="decision" value="deny">Deny</button></form>"#;

async fn page() -> Html<&'static str> {
    Html(PAGE)
}

async fn decide(State(shop): State<Arc<Shop>>, Form(mut fields): Form<Fields>) -> Response {
    let (code, login) = (take(&mut fields, "user_code"), take(&mut fields, "login"));
    let approves = take(&mut fields, "decision") == "approve";
    let good = !approves || names::owner(&login);
    let login = approves.then_some(login.as_str());
    if good && shop.devices.decide(code.trim(), login, shop.clock.now()) {
        return Html("<!doctype html><title>Done</title><p>Done. You can close this page.</p>")
            .into_response();
    }
    let again = "<!doctype html><title>Not found</title><p>No such code waits, or that is no name. Go back and look again.</p>";
    (StatusCode::NOT_FOUND, Html(again)).into_response()
}
