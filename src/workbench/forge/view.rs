//! The forge's own JSON, under `/_forge`: pull requests with their diff, the calls, the faults.
//!
//! For tests, the demo and whoever wants to look; GitHub has nothing like it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use super::faults::Fault;
use super::model::{Pull, Repo};
use super::refusal::Refusal;
use super::shop::Shop;
use super::{git, names};
use crate::clock::Time;

/// A pull request as a reviewer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PullView {
    /// `owner/name`.
    pub repo: String,
    pub number: u64,
    pub url: String,
    /// `open`, `closed` or `merged`.
    pub state: &'static str,
    pub draft: bool,
    pub author: String,
    pub title: String,
    pub body: String,
    pub head: String,
    pub head_sha: String,
    pub base: String,
    pub base_sha: String,
    pub created_at: Time,
    pub comments: Vec<CommentView>,
    /// Unified, at most 1 MiB; empty where a branch is gone.
    pub diff: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommentView {
    pub author: String,
    pub body: String,
}

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/_forge/pulls", get(pulls))
        .route("/_forge/calls", get(calls))
        .route("/_forge/faults", post(fault).delete(clear))
        // Where a pull request's address leads.
        .route("/{owner}/{repo}/pull/{number}", get(pull))
}

async fn pulls(State(shop): State<Arc<Shop>>) -> Result<Response, Refusal> {
    Ok(Json(all(&shop).await?).into_response())
}

async fn pull(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let key = names::key(&owner, &name).ok_or_else(Refusal::not_found)?;
    let found = of_repo(&shop, &key).await?.into_iter().find(|p| p.number.to_string() == number);
    Ok(Json(found.ok_or_else(Refusal::not_found)?).into_response())
}

async fn calls(State(shop): State<Arc<Shop>>) -> Response {
    let calls = shop.calls().clone();
    Json(calls).into_response()
}

async fn fault(State(shop): State<Arc<Shop>>, Json(fault): Json<Fault>) -> StatusCode {
    if shop.faults().add(fault) { StatusCode::NO_CONTENT } else { StatusCode::TOO_MANY_REQUESTS }
}

async fn clear(State(shop): State<Arc<Shop>>) -> StatusCode {
    shop.faults().clear();
    StatusCode::NO_CONTENT
}

/// Every pull request of every repository, oldest first.
pub(super) async fn all(shop: &Arc<Shop>) -> Result<Vec<PullView>, Refusal> {
    let keys: Vec<String> = shop.model().repos().map(|(key, _)| key.clone()).collect();
    let mut views = Vec::new();
    for key in keys {
        views.extend(of_repo(shop, &key).await?);
    }
    Ok(views)
}

async fn of_repo(shop: &Arc<Shop>, key: &str) -> Result<Vec<PullView>, Refusal> {
    shop.follow(key).await?;
    let mut views: Vec<PullView> = {
        let model = shop.model();
        let repo = model.repo(key).ok_or_else(Refusal::not_found)?;
        repo.pulls.values().map(|pull| view(&shop.url, repo, pull)).collect()
    };
    for view in &mut views {
        view.diff = git::diff(&shop.repo_dir(key), &view.base_sha, &view.head_sha).await.unwrap_or_default();
    }
    Ok(views)
}

fn view(web: &str, repo: &Repo, pull: &Pull) -> PullView {
    let comment = |c: &super::model::Comment| CommentView { author: c.user.clone(), body: c.body.clone() };
    PullView {
        repo: repo.full_name(),
        number: pull.number,
        url: format!("{web}/{}/pull/{}", repo.full_name(), pull.number),
        state: match (pull.open, pull.merged_at) {
            (_, Some(_)) => "merged",
            (true, None) => "open",
            (false, None) => "closed",
        },
        draft: pull.draft,
        author: pull.user.clone(),
        title: pull.title.clone(),
        body: pull.body.clone().unwrap_or_default(),
        head: pull.head.clone(),
        head_sha: pull.head_sha.clone(),
        base: pull.base.clone(),
        base_sha: pull.base_sha.clone(),
        created_at: pull.created_at,
        comments: pull.comments.iter().map(comment).collect(),
        diff: String::new(),
    }
}
