//! `devtask create`: a brief and a repository become a session.
//!
//! Must not know which briefs are acceptable.

use std::path::Path;

use super::{Outcome, Terminal, Trouble, show, wait};
use crate::cli::args;
use crate::domain::brief::Brief;
use crate::domain::{Actor, Repo};
use crate::wire::api::{Control, Create};

pub(super) async fn run(
    args: args::Create,
    control: &dyn Control,
    by: &Actor,
    at: &mut Terminal<'_>,
) -> Outcome {
    let mut brief = Brief::from_text(&at.text(&args.brief)?);
    brief.checks = args.checks;
    brief.done_when = args.done_when;
    let new = Create {
        brief,
        repo: repo(&args.repo, &at.here)?,
        base: args.base,
        provider: args.provider,
        agent: args.agent,
        model: args.model,
        effort: args.effort,
        plan: args.plan,
        priority: args.priority,
        labels: args.labels,
        requester: (at.called)(),
    };
    let made = control.create(by, new, args.idempotency_key.as_deref()).await?;
    if at.json {
        at.print_json(&made)?;
    } else {
        at.print(&format!("{}\n", show::title(&made, &at.look)))?;
    }
    if args.wait {
        return wait::run(made.id, None, control, at).await;
    }
    if !at.json {
        at.say(&format!("follow it with `devtask logs {} -f`", made.id.number()))?;
    }
    Ok(0)
}

/// Inside a repository its top folder is meant, as git itself reads it.
fn repository_around(folder: &Path) -> &Path {
    folder.ancestors().find(|at| at.join(".git").exists()).unwrap_or(folder)
}

/// A folder becomes an absolute path; `owner/name` stays, unless such a folder lies here and is clearly meant (`./`).
fn repo(word: &str, here: &Path) -> Result<String, Trouble> {
    let path_like = word.starts_with(['.', '/', '~']);
    if !path_like && word.parse::<Repo>().is_ok() {
        return Ok(word.to_owned());
    }
    let path = here.join(word);
    let absolute = path.canonicalize().map_err(|_| {
        Trouble::usage(format!("there is no folder `{word}`, and it is no `owner/name` either"))
    })?;
    let absolute = repository_around(&absolute);
    let text = absolute.to_str().ok_or_else(|| Trouble::usage(format!("`{word}` is no UTF-8 path")))?;
    Ok(text.to_owned())
}
