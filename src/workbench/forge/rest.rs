//! The API's face: routes under `/api/v3`, as octocrab calls them.
//!
//! Reads a request, asks the model, writes GitHub's answer; decides nothing itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use super::answers::Answers;
use super::asks::{self, ListPulls};
use super::model::{Caller, Model, Pull, Repo};
use super::refusal::Refusal;
use super::shop::{Shop, broken};
use super::{auth, codespaces, git, names};

/// The largest request, in bytes.
const MOST_BODY: usize = 1024 * 1024;

type Answer = Result<Response, Refusal>;
type Asked = Query<Vec<(String, String)>>;

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/user", get(user))
        .route("/repos/{owner}/{name}", get(repo))
        .route("/repos/{owner}/{name}/branches/{*branch}", get(branch))
        .route("/repos/{owner}/{name}/pulls", get(list_pulls).post(open_pull))
        .route("/repos/{owner}/{name}/pulls/{number}", get(pull).patch(change_pull))
        .route("/repos/{owner}/{name}/issues/{number}/comments", get(list_comments).post(comment))
        .merge(codespaces::routes())
        .fallback(|| async { Refusal::not_found() })
        .method_not_allowed_fallback(|| async { Refusal::not_found() })
        .layer(DefaultBodyLimit::max(MOST_BODY))
}

fn key_of(owner: &str, name: &str) -> Result<String, Refusal> {
    names::key(owner, name).ok_or_else(Refusal::not_found)
}

fn number_of(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::not_found())
}

impl Shop {
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Refusal> {
        auth::caller(&self.model(), headers)
    }

    /// Who asks, and the key of a repository that they may see.
    pub(super) fn enter(
        &self,
        headers: &HeaderMap,
        owner: &str,
        name: &str,
    ) -> Result<(Option<Caller>, String), Refusal> {
        let caller = self.caller(headers)?;
        let key = key_of(owner, name)?;
        self.model().seen(&key, caller.as_ref())?;
        Ok((caller, key))
    }

    /// As `enter`, for who may also change pull requests: refused before the body is read.
    fn enter_to_write(
        &self,
        headers: &HeaderMap,
        owner: &str,
        name: &str,
    ) -> Result<(Option<Caller>, String), Refusal> {
        let (caller, key) = self.enter(headers, owner, name)?;
        self.model().writable(&key, caller.as_ref())?;
        Ok((caller, key))
    }

    fn show<T>(&self, key: &str, with: impl FnOnce(&Answers<'_>, &Repo) -> T) -> Result<T, Refusal> {
        let model: &Model = &self.model();
        let repo = model.repo(key).ok_or_else(Refusal::not_found)?;
        Ok(with(&Answers { web: &self.url, model }, repo))
    }
}

async fn user(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Answer {
    let caller = shop.caller(&headers)?;
    let caller = caller.ok_or_else(Refusal::unauthenticated)?;
    let model = shop.model();
    Ok(Json(Answers { web: &shop.url, model: &model }.myself(&caller.user)).into_response())
}

async fn repo(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (caller, key) = shop.enter(&headers, &owner, &name)?;
    let login = caller.as_ref().map(|c| c.user.as_str());
    Ok(Json(shop.show(&key, |answers, repo| answers.repo(repo, login))?).into_response())
}

async fn branch(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, branch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (_, key) = shop.enter(&headers, &owner, &name)?;
    let heads = shop.heads(&key).await?;
    let no_branch = || Refusal::plain(StatusCode::NOT_FOUND, "Branch not found");
    let sha = heads.get(&branch).ok_or_else(no_branch)?;
    Ok(Json(shop.show(&key, |answers, repo| answers.branch(repo, &branch, sha))?).into_response())
}

async fn list_pulls(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Answer {
    let (_, key) = shop.enter(&headers, &owner, &name)?;
    let asked = asks::list_pulls(query)?;
    shop.follow(&key).await?;
    let page = shop.show(&key, |answers, repo| {
        let mut found: Vec<&Pull> = repo.pulls.values().filter(|p| wanted(&asked, repo, p)).collect();
        if !asked.oldest_first {
            found.reverse();
        }
        asked.page.cut(found.into_iter().map(|p| answers.pull(repo, p)))
    })?;
    Ok(Json(page).into_response())
}

fn wanted(asked: &ListPulls, repo: &Repo, pull: &Pull) -> bool {
    let of_head =
        |(owner, branch): &(String, String)| owner.eq_ignore_ascii_case(&repo.owner) && *branch == pull.head;
    asked.open.is_none_or(|open| open == pull.open)
        && asked.head.as_ref().is_none_or(of_head)
        && asked.base.as_ref().is_none_or(|base| *base == pull.base)
}

async fn open_pull(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let (caller, key) = shop.enter_to_write(&headers, &owner, &name)?;
    let asked = asks::new_pull(&body, &name)?;
    let heads = shop.follow(&key).await?;
    let branch = asked.head.rsplit(':').next().unwrap_or_default();
    let ahead = match (heads.get(&asked.base), heads.get(branch)) {
        (Some(base), Some(head)) => git::is_ahead(&shop.repo_dir(&key), base, head).await.map_err(broken)?,
        _ => false,
    };
    let at = key.clone();
    let made = shop
        .commit(move |model, now| model.open_pull(&at, caller.as_ref(), asked, (&heads, ahead), now))
        .await?;
    let answer = shop.show(&key, |answers, repo| answers.pull(repo, &made))?;
    let location = answer.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, [("location", location)], Json(answer)).into_response())
}

async fn pull(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (_, key) = shop.enter(&headers, &owner, &name)?;
    let number = number_of(&number)?;
    shop.follow(&key).await?;
    let answer = shop.show(&key, |answers, repo| repo.pulls.get(&number).map(|p| answers.pull(repo, p)))?;
    Ok(Json(answer.ok_or_else(Refusal::not_found)?).into_response())
}

async fn change_pull(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let (caller, key) = shop.enter_to_write(&headers, &owner, &name)?;
    let number = number_of(&number)?;
    let asked = asks::change_pull(&body, number)?;
    let heads = shop.follow(&key).await?;
    let at = key.clone();
    let made = shop
        .commit(move |model, now| model.change_pull(&at, caller.as_ref(), number, asked, &heads, now))
        .await?;
    Ok(Json(shop.show(&key, |answers, repo| answers.pull(repo, &made))?).into_response())
}

async fn list_comments(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Answer {
    let (_, key) = shop.enter(&headers, &owner, &name)?;
    let (number, page) = (number_of(&number)?, asks::page(query)?);
    let found = shop.show(&key, |answers, repo| {
        let pull = repo.pulls.get(&number)?;
        Some(page.cut(pull.comments.iter().map(|c| answers.comment(repo, number, c))))
    })?;
    Ok(Json(found.ok_or_else(Refusal::not_found)?).into_response())
}

async fn comment(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let (caller, key) = shop.enter_to_write(&headers, &owner, &name)?;
    let number = number_of(&number)?;
    let text = asks::comment(&body)?;
    let at = key.clone();
    let made = shop.commit(move |model, now| model.comment(&at, caller.as_ref(), number, text, now)).await?;
    let answer = shop.show(&key, |answers, repo| answers.comment(repo, number, &made))?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
