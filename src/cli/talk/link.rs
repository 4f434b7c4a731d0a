//! `devtask link`: who you are on the forge.

use std::time::Duration;

use super::{Outcome, Terminal, Trouble, clean};
use crate::cli::args;
use crate::domain::Actor;
use crate::wire::account::{AccountView, Link};
use crate::wire::api::Control;

const FAILED: u8 = 10;
/// The forge itself is asked by the server, and more seldom.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn run(
    args: args::Link,
    control: &dyn Control,
    by: &Actor,
    at: &mut Terminal<'_>,
) -> Outcome {
    let here = |path: std::path::PathBuf| at.here.join(path).to_string_lossy().into_owned();
    let view = match args {
        args::Link { remove: true, .. } => control.unlink(by).await?,
        args::Link { show: true, .. } => control.account(by).await?,
        args::Link { token_file, .. } => control.link(by, Link { token_file: token_file.map(here) }).await?,
    };
    let waits = matches!(view, AccountView::Waiting { .. }) && !args.show;
    told(&view, at)?;
    let view = if waits && !at.json { until_typed(view, control, by, at).await? } else { view };
    Ok(if matches!(view, AccountView::Refused { .. }) { FAILED } else { 0 })
}

async fn until_typed(
    shown: AccountView,
    control: &dyn Control,
    by: &Actor,
    at: &mut Terminal<'_>,
) -> Result<AccountView, Trouble> {
    loop {
        tokio::time::sleep(LOOK).await;
        let now = control.account(by).await?;
        if now != shown {
            told(&now, at)?;
            return Ok(now);
        }
    }
}

fn told(view: &AccountView, at: &mut Terminal<'_>) -> Result<(), Trouble> {
    if at.json {
        return at.print_json(view);
    }
    match view {
        AccountView::Unlinked => {
            at.say("you are not linked: your sessions run and publish in DevTask's own name")
        }
        AccountView::Waiting { user_code, verification_uri, .. } => {
            at.say(&format!("open {} and type", clean(verification_uri)))?;
            at.print(&format!("{}\n", clean(user_code)))?;
            at.say("waiting for you …")
        }
        AccountView::Refused { why } => at.say(&format!("that did not work: {}", clean(why))),
        AccountView::Linked { login, .. } => {
            at.say(&format!("you are {}: your sessions run and publish in your name", clean(login)))
        }
    }
}
