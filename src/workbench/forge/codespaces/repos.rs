//! `/repos/{owner}/{repo}/codespaces…`: what a repository offers, and codespaces made of it.
//!
//! Reads a request, asks the model, writes GitHub's answer; decides nothing itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::answers;
use super::asks::{self, Asked};
use super::enter::Visit;
use super::model::New;
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::shop::{Shop, broken};
use crate::workbench::forge::{asks as common, git};

type Answer = Result<Response, Refusal>;
type Query_ = Query<Vec<(String, String)>>;
type Repo = Path<(String, String)>;

pub(super) fn routes() -> Router<Arc<Shop>> {
    let at = |rest: &str| format!("/repos/{{owner}}/{{name}}/codespaces{rest}");
    Router::new()
        .route(&at(""), get(list).post(create))
        .route(&at("/machines"), get(machines))
        .route(&at("/devcontainers"), get(devcontainers))
        .route(&at("/new"), get(new))
        .route(&at("/permissions_check"), get(permissions))
        .route("/repos/{owner}/{name}/pulls/{number}/codespaces", axum::routing::post(create_of_pull))
        // Undocumented, and what `gh` asks: the repository by its number.
        .route("/repositories/{id}/codespaces/machines", get(machines_by_id))
}

async fn list(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    let page = common::page(query)?;
    let path = format!("/repos/{owner}/{name}/codespaces");
    Ok(visit.list(page, &path, |codespace| codespace.repo == key))
}

async fn create(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    visit.create(key, asks::create(&body, true)?).await
}

async fn create_of_pull(
    State(shop): State<Arc<Shop>>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    let branch = visit.branch_of_pull(&key, number)?;
    let asked = asks::create(&body, false)?;
    visit.create(key, Asked { git_ref: Some(branch), ..asked }).await
}

impl Visit<'_> {
    pub(super) fn branch_of_pull(&self, key: &str, number: u64) -> Result<String, Refusal> {
        let branch = self.known(key, |repo| repo.pulls.get(&number).map(|pull| pull.head.clone()))?;
        branch.ok_or_else(Refusal::not_found)
    }

    /// Makes a codespace of a repository that this person may see.
    pub(super) async fn create(&self, key: String, asked: Asked) -> Answer {
        let (full_name, default) =
            self.known(&key, |repo| (repo.full_name(), repo.default_branch.clone()))?;
        let branch = asked.git_ref.filter(|r| !r.is_empty()).unwrap_or(default);
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned();
        let heads = self.shop.heads(&key).await?;
        let no_ref = || Refusal::plain(StatusCode::BAD_REQUEST, format!("Ref '{branch}' was not found"));
        let sha = heads.get(&branch).ok_or_else(no_ref)?.clone();
        let id = || self.hub().clock.random_id().to_string();
        let new = New {
            owner: self.login.clone(),
            permissions_url: format!("{}/{full_name}/codespaces/permissions", self.shop.url),
            repo: key,
            full_name,
            branch,
            sha,
            machine: asked.machine,
            display_name: asked.display_name,
            devcontainer_path: asked.devcontainer_path.filter(|p| !p.is_empty()),
            location: asked.location,
            idle_minutes: asked.idle_minutes,
            retention_minutes: asked.retention_minutes,
            permissions_opt_out: asked.permissions_opt_out,
            random: [id(), id()],
        };
        let (made, partly) =
            self.hub().commit(move |model, settings, now| model.create(new, settings, now)).await?;
        let status = if partly { StatusCode::ACCEPTED } else { StatusCode::CREATED };
        let answer = self.show(|shown, _| shown.codespace(&made));
        Ok((status, Json(answer)).into_response())
    }
}

async fn machines(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    asks::query(query, &["location", "client_ip", "ref", "devcontainer_path"])?;
    Ok(Json(visit.settings(|settings| answers::machines(settings.choice(&key).into_iter()))).into_response())
}

async fn machines_by_id(
    State(shop): State<Arc<Shop>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    query: Query_,
) -> Answer {
    let found = shop.model().repo_by_id(id).map(|(_, repo)| (repo.owner.clone(), repo.name.clone()));
    let repo = found.ok_or_else(Refusal::not_found)?;
    machines(State(shop), Path(repo), headers, query).await
}

/// Where GitHub looks for a devcontainer.
const DEVCONTAINERS: [&str; 2] = [".devcontainer.json", ".devcontainer"];

async fn devcontainers(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    let mut query = asks::query(query, &["ref", "page", "per_page"])?;
    let git_ref = query.remove("ref").filter(|r| !r.is_empty());
    let page = common::page(query.into_iter().collect())?;
    let branch = match git_ref {
        Some(branch) => branch,
        None => visit.known(&key, |repo| repo.default_branch.clone())?,
    };
    let heads = shop.heads(&key).await?;
    let sha = heads.get(&branch).ok_or_else(Refusal::not_found)?;
    let files = git::files(&shop.repo_dir(&key), sha, &DEVCONTAINERS).await.map_err(broken)?;
    let found: Vec<String> = files.into_iter().filter(|path| is_devcontainer(path)).collect();
    let total = found.len();
    let shown: Vec<_> = page.cut(found.into_iter().map(|path| json!({ "path": path }))).into_iter().collect();
    Ok(Json(json!({ "total_count": total, "devcontainers": shown })).into_response())
}

/// `.devcontainer.json`, `.devcontainer/devcontainer.json`, or one folder deeper.
fn is_devcontainer(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts.as_slice(),
        [".devcontainer.json"]
            | [".devcontainer", "devcontainer.json"]
            | [".devcontainer", _, "devcontainer.json"]
    )
}

async fn new(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    asks::query(query, &["ref", "client_ip"])?;
    if visit.settings(|settings| settings.without_codespaces.contains(&key)) {
        return Err(Refusal::not_found());
    }
    let payer = visit.show(|shown, _| shown.answers.user(&visit.login));
    let defaults = json!({ "location": asks::LOCATIONS.first(), "devcontainer_path": null });
    Ok(Json(json!({ "billable_owner": payer, "defaults": defaults })).into_response())
}

async fn permissions(
    State(shop): State<Arc<Shop>>,
    Path((owner, name)): Repo,
    headers: HeaderMap,
    Query(query): Query_,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let key = visit.repo(&headers, &owner, &name)?;
    let query = asks::query(query, &["ref", "devcontainer_path"])?;
    for needed in ["ref", "devcontainer_path"] {
        if !query.contains_key(needed) {
            return Err(Refusal::field("Codespace", needed, "missing_field"));
        }
    }
    let accepted = visit.settings(|settings| !settings.asks_permissions.contains(&key));
    Ok(Json(json!({ "accepted": accepted })).into_response())
}
