//! What every route of codespaces begins with: who asks, whether their token may, and the model brought to now.
//!
//! Must not know what is asked.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::answers::Shown;
use super::hub::Hub;
use super::model::{Codespace, Model};
use super::settings::Settings;
use crate::workbench::forge::answers::Answers;
use crate::workbench::forge::model::Repo;
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::shop::Shop;

/// Who asks, on a model that is up to date.
pub(super) struct Visit<'a> {
    pub shop: &'a Arc<Shop>,
    pub login: String,
}

impl<'a> Visit<'a> {
    pub(super) fn new(shop: &'a Arc<Shop>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let caller = shop.caller(headers)?.ok_or_else(Refusal::unauthenticated)?;
        if !caller.scope.codespaces {
            // GitHub's words for a scope that is missing; the headers say which.
            return Err(Refusal::plain(StatusCode::FORBIDDEN, "Must have admin rights to Repository."));
        }
        shop.codespaces.settle();
        Ok(Self { shop, login: caller.user })
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.shop.codespaces
    }

    /// The key of a repository that this person may see.
    pub(super) fn repo(&self, headers: &HeaderMap, owner: &str, name: &str) -> Result<String, Refusal> {
        Ok(self.shop.enter(headers, owner, name)?.1)
    }

    pub(super) fn show<T>(&self, with: impl FnOnce(&Shown<'_>, &Model) -> T) -> T {
        let model = self.shop.model();
        let state = self.hub().state();
        let answers = Answers { web: &self.shop.url, model: &model };
        with(&Shown { answers, settings: &state.settings }, &state.model)
    }

    /// One of this person's own.
    pub(super) fn show_one<T>(
        &self,
        name: &str,
        with: impl FnOnce(&Shown<'_>, &Codespace) -> T,
    ) -> Result<T, Refusal> {
        self.show(|shown, model| Ok(with(shown, model.seen(&self.login, name)?)))
    }

    pub(super) fn settings<T>(&self, with: impl FnOnce(&Settings) -> T) -> T {
        with(&self.hub().state().settings)
    }

    pub(super) fn known<T>(&self, key: &str, with: impl FnOnce(&Repo) -> T) -> Result<T, Refusal> {
        self.shop.model().repo(key).map(with).ok_or_else(Refusal::not_found)
    }
}

/// Says with every answer which scope these routes want.
pub(super) async fn say_scope(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-accepted-oauth-scopes", HeaderValue::from_static("codespace"));
    response
}
