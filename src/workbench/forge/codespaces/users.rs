//! `/user/codespaces…`: a person's own codespaces, from list to delete.
//!
//! Reads a request, asks the model, writes GitHub's answer; decides nothing itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::answers;
use super::asks::{self, Asked, Of};
use super::enter::Visit;
use super::model::{Codespace, Started};
use crate::workbench::forge::asks::{self as common, Page};
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::shop::Shop;

type Answer = Result<Response, Refusal>;
type Query_ = Query<Vec<(String, String)>>;

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/user/codespaces", get(list).post(create))
        .route("/user/codespaces/{name}", get(one).patch(change).delete(delete))
        .route("/user/codespaces/{name}/start", post(start))
        .route("/user/codespaces/{name}/stop", post(stop))
        .route("/user/codespaces/{name}/machines", get(machines))
        .route("/user/codespaces/{name}/exports", post(export))
        .route("/user/codespaces/{name}/exports/{id}", get(exported))
}

async fn list(State(shop): State<Arc<Shop>>, headers: HeaderMap, Query(query): Query_) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let mut query = asks::query(query, &["repository_id", "page", "per_page"])?;
    let id = match query.remove("repository_id").map(|text| text.parse::<u64>()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(Refusal::shape("\"repository_id\" is not an integer.")),
    };
    let page = common::page(query.into_iter().collect())?;
    let key = id.map(|id| shop.model().repo_by_id(id).map(|(key, _)| key.clone()).unwrap_or_default());
    let wanted = |codespace: &Codespace| key.as_ref().is_none_or(|key| codespace.repo == *key);
    Ok(visit.list(page, "/user/codespaces", wanted))
}

impl Visit<'_> {
    /// A page of this person's codespaces, with GitHub's `Link` to the next.
    pub(super) fn list(&self, page: Page, path: &str, wanted: impl Fn(&Codespace) -> bool) -> Response {
        let now = self.hub().clock.now();
        let (total, shown) = self.show(|shown, model| {
            let all = model.listed(&self.login, shown.settings.list_lag, now);
            let all: Vec<&Codespace> = all.into_iter().filter(|c| wanted(c)).collect();
            (all.len(), page.cut(all.into_iter().map(|c| shown.codespace(c))))
        });
        let mut response = Json(json!({ "total_count": total, "codespaces": shown })).into_response();
        if page.number.saturating_mul(page.size) < total {
            let to = |number: usize| {
                format!("<{}/api/v3{path}?per_page={}&page={number}>", self.shop.url, page.size)
            };
            let links = format!(
                "{}; rel=\"next\", {}; rel=\"last\"",
                to(page.number + 1),
                to(total.div_ceil(page.size))
            );
            if let Ok(links) = HeaderValue::try_from(links) {
                response.headers_mut().insert(header::LINK, links);
            }
        }
        response
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is not general enough in its lifetime"
    )]
    fn answer(&self, name: &str) -> Answer {
        Ok(Json(self.show_one(name, |shown, codespace| shown.codespace(codespace))?).into_response())
    }
}

async fn create(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let (of, asked) = asks::create_of(&body)?;
    let (Of::Repository(id) | Of::Pull { repository: id, .. }) = of;
    let found = u64::try_from(id).ok().and_then(|id| {
        let model = shop.model();
        model.repo_by_id(id).map(|(_, repo)| (repo.owner.clone(), repo.name.clone()))
    });
    let (owner, name) = found.ok_or_else(Refusal::not_found)?;
    let key = visit.repo(&headers, &owner, &name)?;
    let asked = match of {
        Of::Repository(_) => asked,
        Of::Pull { number, .. } => {
            let number = u64::try_from(number).map_err(|_| Refusal::not_found())?;
            Asked { git_ref: Some(visit.branch_of_pull(&key, number)?), ..asked }
        }
    };
    visit.create(key, asked).await
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is not general enough in its lifetime"
)]
async fn one(
    State(shop): State<Arc<Shop>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let query = asks::query(query, &["internal", "refresh"])?;
    let internal = query.get("internal").is_some_and(|v| v == "true");
    visit.show_one(&name, |_, _| ())?;
    if let Some(work) = visit.hub().machines().work(&name).await
        && let Some(codespace) = visit.hub().state().model.get_mut(&name)
    {
        codespace.work = work;
    }
    if internal {
        return Ok(Json(visit.show_one(&name, |shown, c| shown.connected(c))?).into_response());
    }
    visit.answer(&name)
}

async fn change(
    State(shop): State<Arc<Shop>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let asked = asks::change(&body)?;
    let (owner, at) = (visit.login.clone(), name.clone());
    visit.hub().commit(move |model, settings, now| model.change(&owner, &at, asked, settings, now)).await?;
    visit.answer(&name)
}

async fn delete(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let owner = visit.login.clone();
    let begun =
        visit.hub().commit(move |model, settings, now| model.delete(&owner, &name, settings, now)).await?;
    if !begun {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}

async fn start(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let (owner, at) = (visit.login.clone(), name.clone());
    let started =
        visit.hub().commit(move |model, settings, now| model.start(&owner, &at, settings, now)).await?;
    match started {
        Started::Now => visit.answer(&name),
        Started::Already => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

async fn stop(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let (owner, at) = (visit.login.clone(), name.clone());
    visit.hub().commit(move |model, settings, now| model.stop(&owner, &at, settings, now)).await?;
    visit.answer(&name)
}

async fn machines(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let repo = visit.show_one(&name, |_, codespace| codespace.repo.clone())?;
    Ok(Json(visit.settings(|settings| answers::machines(settings.choice(&repo).into_iter()))).into_response())
}

async fn export(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let (owner, at) = (visit.login.clone(), name.clone());
    let id = visit.hub().clock.random_id().simple().to_string();
    visit
        .hub()
        .commit(move |model, settings, now| model.export(&owner, &at, id, settings.exporting, now))
        .await?;
    let answer = visit.show_one(&name, |shown, c| c.export.as_ref().map(|e| shown.export(c, e)))?;
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

async fn exported(
    State(shop): State<Arc<Shop>>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let answer = visit.show_one(&name, |shown, codespace| {
        let export = codespace.export.as_ref().filter(|e| e.id == id || id == "latest")?;
        Some(shown.export(codespace, export))
    })?;
    Ok(Json(answer.ok_or_else(Refusal::not_found)?).into_response())
}
