//! `/user/codespaces/secrets…`: a person's secrets. Names and repositories; the sealed values are taken and forgotten.
//!
//! Must not know what is in them: the key it hands out has no other half.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::json;

use super::asks;
use super::enter::Visit;
use crate::workbench::forge::asks as common;
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::shop::Shop;

type Answer = Result<Response, Refusal>;

/// Of the key that values are sealed with. Any 32 bytes are a key for that; nobody has its other half.
const KEY_ID: &str = "568250167242549743";
const KEY: &str = "Zm9yZ2VzIGtlZXAgbm8gc2VjcmV0cyBvZiB5b3VycyE=";
/// The longest sealed value, in base64.
const LONGEST_VALUE: usize = 64 * 1024;

pub(super) fn routes() -> Router<Arc<Shop>> {
    let at = |rest: &str| format!("/user/codespaces/secrets{rest}");
    Router::new()
        .route(&at(""), get(list))
        .route(&at("/public-key"), get(key))
        .route(&at("/{secret}"), get(one).put(set).delete(delete))
        .route(&at("/{secret}/repositories"), get(repositories).put(set_repositories))
        .route(&at("/{secret}/repositories/{id}"), put(add_repository).delete(remove_repository))
}

async fn list(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let page = common::page(query)?;
    let (total, shown) = visit.show(|shown, model| {
        let all = model.secrets(&visit.login);
        (all.len(), page.cut(all.into_iter().map(|secret| shown.secret(secret))))
    });
    Ok(Json(json!({ "total_count": total, "secrets": shown })).into_response())
}

async fn key(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Answer {
    Visit::new(&shop, &headers)?;
    Ok(Json(json!({ "key_id": KEY_ID, "key": KEY })).into_response())
}

async fn one(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let answer = visit.show(|shown, model| Ok(shown.secret(model.secret(&visit.login, &name)?)))?;
    Ok(Json(answer).into_response())
}

async fn set(
    State(shop): State<Arc<Shop>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let asked = asks::put_secret(&body)?;
    if asked.key_id != KEY_ID {
        return Err(Refusal::field("CodespacesSecret", "key_id", "invalid"));
    }
    if asked.value.as_ref().is_none_or(|value| !is_sealed(value)) {
        return Err(Refusal::field("CodespacesSecret", "encrypted_value", "invalid"));
    }
    let owner = visit.login.clone();
    let new = visit
        .hub()
        .commit(move |model, _, now| model.put_secret(&owner, &name, asked.repositories, now))
        .await?;
    if new { Ok((StatusCode::CREATED, Json(json!({}))).into_response()) } else { Ok(no_content()) }
}

/// Base64 of a sealed box: at least its 48 bytes of overhead.
fn is_sealed(value: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let text = value.trim_end_matches('=');
    value.len().is_multiple_of(4)
        && value.len() - text.len() <= 2
        && text.chars().all(ok)
        && (64..=LONGEST_VALUE).contains(&value.len())
}

async fn delete(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let owner = visit.login.clone();
    visit.hub().commit(move |model, _, _| model.delete_secret(&owner, &name)).await?;
    Ok(no_content())
}

async fn repositories(State(shop): State<Arc<Shop>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let visit = Visit::new(&shop, &headers)?;
    let ids = visit.show(|_, model| model.secret(&visit.login, &name).map(|s| s.repositories.clone()))?;
    let shown = visit.show(|shown, _| {
        let all = ids.iter().filter_map(|id| shown.answers.model.repo_by_id(*id));
        all.map(|(_, repo)| shown.answers.repo(repo, Some(&visit.login))).collect::<Vec<_>>()
    });
    Ok(Json(json!({ "total_count": shown.len(), "repositories": shown })).into_response())
}

async fn set_repositories(
    State(shop): State<Arc<Shop>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let ids = asks::set_repositories(&body)?;
    change(&shop, &headers, name, move |all| *all = ids).await
}

async fn add_repository(
    State(shop): State<Arc<Shop>>,
    Path((name, id)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Answer {
    let known = shop.model().repo_by_id(id).is_some();
    known.then_some(()).ok_or_else(Refusal::not_found)?;
    change(&shop, &headers, name, move |all| all.extend([id])).await
}

async fn remove_repository(
    State(shop): State<Arc<Shop>>,
    Path((name, id)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Answer {
    change(&shop, &headers, name, move |all| all.retain(|own| *own != id)).await
}

async fn change(
    shop: &Arc<Shop>,
    headers: &HeaderMap,
    name: String,
    turn: impl FnOnce(&mut std::collections::BTreeSet<u64>) + Send + 'static,
) -> Answer {
    let visit = Visit::new(shop, headers)?;
    let owner = visit.login.clone();
    let changed = visit.hub().commit(move |model, _, now| {
        let secret = model.secret_mut(&owner, &name)?;
        turn(&mut secret.repositories);
        secret.updated_at = now;
        Ok(())
    });
    changed.await?;
    Ok(no_content())
}

fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
