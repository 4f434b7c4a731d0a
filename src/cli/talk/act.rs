//! `devtask pause`, `resume`, `cancel`, `rerun` and `message`: one call each.

use super::{Outcome, Terminal, show};
use crate::cli::args;
use crate::domain::command::MessageMode;
use crate::domain::{Actor, SessionId};
use crate::wire::api::{Act, Control, Message};
use crate::wire::view::SessionView;

type Args = args::Act;

pub(super) async fn pause(args: Args, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    act(args.session, Act::Pause { reason: args.reason }, control, by, at).await
}

pub(super) async fn resume(args: Args, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    act(args.session, Act::Resume, control, by, at).await
}

pub(super) async fn cancel(args: Args, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    act(args.session, Act::Cancel { reason: args.reason }, control, by, at).await
}

pub(super) async fn rerun(args: Args, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    act(args.session, Act::Rerun, control, by, at).await
}

async fn act(id: SessionId, act: Act, control: &dyn Control, by: &Actor, at: &mut Terminal<'_>) -> Outcome {
    let view = control.act(by, id, act, None).await?;
    told(&view, at)
}

pub(super) async fn message(
    args: args::Message,
    control: &dyn Control,
    by: &Actor,
    at: &mut Terminal<'_>,
) -> Outcome {
    let mode = if args.interrupt { MessageMode::Interrupt } else { MessageMode::Queue };
    let message = Message::new(at.text(&args.text)?, mode);
    let view = control.message(by, args.session, message).await?;
    told(&view, at)
}

/// The session as it stands now.
pub(super) fn told(view: &SessionView, at: &mut Terminal<'_>) -> Outcome {
    if at.json {
        at.print_json(view)?;
    } else {
        at.print(&format!("{}\n", show::title(view, &at.look)))?;
    }
    Ok(0)
}
