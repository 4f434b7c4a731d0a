//! The page's files, out of the binary.
//!
//! Knows their names and kinds; what is in them is under `web/`. No build step: a browser gets them as they lie there.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) struct Asset {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! file {
    ($name:literal) => {
        Asset { name: $name, text: include_str!(concat!("web/", $name)) }
    };
}

pub(super) const ALL: &[Asset] = &[
    file!("api.js"),
    file!("app.js"),
    file!("blocks.js"),
    file!("complete.js"),
    file!("composer.js"),
    file!("controls.js"),
    file!("diff.js"),
    file!("dom.js"),
    file!("emoji.js"),
    file!("favicon.svg"),
    file!("index.html"),
    file!("markdown.js"),
    file!("messages.js"),
    file!("modal.js"),
    file!("mrkdwn.js"),
    file!("notice.js"),
    file!("pad.js"),
    file!("page.css"),
    file!("panes.js"),
    file!("people.js"),
    file!("pulls.js"),
    file!("reading.js"),
    file!("rich.js"),
    file!("side.js"),
    file!("stage.js"),
    file!("theme.js"),
    file!("time.js"),
];

impl Asset {
    /// By how its name ends.
    fn kind(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    answer(&name)
}

pub(super) fn answer(name: &str) -> Response {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.kind())], asset.text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
