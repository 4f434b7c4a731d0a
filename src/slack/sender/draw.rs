//! Which message a slot shows, made from the session's view.
//!
//! Pure. Knows which of `render`'s functions tells which edge; must not know when or where it is posted.

use super::edge::{Edge, Entry};
use super::plan::ROOT;
use super::refusals::gone;
use crate::domain::ask::{Ask, AskState};
use crate::domain::session::Status;
use crate::domain::{Seq, Time};
use crate::slack::render::{self, Post};
use crate::slack::words::mention;
use crate::wire::view::{AskView, SessionView};

/// What a message is made from beside the view.
#[derive(Clone, Debug)]
pub struct Scene {
    pub slot: String,
    /// `None` for the root.
    pub edge: Option<Entry>,
    /// The ask that was settled, as it was opened.
    pub ask: Option<Ask>,
    /// How the ask that was opened has ended meanwhile.
    pub end: Option<AskState>,
    /// It was shown before.
    pub again: bool,
}

impl Scene {
    /// `None`: nothing is to be said any more.
    pub fn draw(&self, view: &SessionView) -> Option<Post> {
        if self.slot == ROOT {
            return Some(render::root(view, &mention));
        }
        let Entry { edge, .. } = self.edge.as_ref()?;
        match edge {
            Edge::Asked(ask) => self.asked(view, ask),
            Edge::Settled { state, .. } => Some(drawn(view, self.ask.as_ref()?, state)),
            Edge::Spent { reason } => Some(render::spent(view, reason.as_deref(), &mention)),
            Edge::Noticed { notice } => Some(render::noticed(view, notice)),
            Edge::Unpublished { cause, tries, again } => {
                Some(render::unpublished(view, cause, *tries, *again, &mention))
            }
            Edge::Ended { status, at, cause } => {
                Some(render::finale(&as_it_ended(view, *status, *at, cause.as_ref()), &mention))
            }
            Edge::Moved { channel, code } => Some(render::moved(view, channel, gone(code))),
        }
    }

    /// An ask that is over before it could be shown is shown as its record; taken back unseen, not at all. One that was
    /// shown before is left alone unless it is open (again).
    fn asked(&self, view: &SessionView, ask: &Ask) -> Option<Post> {
        let open = view.asks.iter().find(|shown| shown.ask.id == ask.id);
        match (&self.end, open) {
            (Some(AskState::Withdrawn { .. }), _) => None,
            (Some(end), _) => Some(drawn(view, ask, end)),
            (None, Some(open)) => Some(render::ask(view, open, &mention)),
            // Settled by an event that is not read yet.
            (None, None) => (!self.again).then(|| drawn(view, ask, &AskState::Open)),
        }
    }
}

fn drawn(view: &SessionView, ask: &Ask, state: &AskState) -> Post {
    let ask = Ask { state: state.clone(), ..ask.clone() };
    render::ask(view, &AskView::of(view.id, &ask), &mention)
}

/// The view as it was when the session ended, also where it goes on already.
fn as_it_ended(view: &SessionView, status: Status, at: Time, cause: Option<&String>) -> SessionView {
    SessionView {
        status,
        settled_at: Some(at),
        failure: cause.or(view.failure.as_ref()).cloned(),
        ..view.clone()
    }
}

/// The reading a message was made from.
pub fn shown(view: &SessionView) -> super::root::Shown {
    let head: Seq = view.head;
    super::root::Shown { head, queued: view.position.is_some(), settled: view.status.is_settled() }
}
