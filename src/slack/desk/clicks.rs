//! Clicks: what a control of ours does when somebody presses it.
//!
//! A control says what it was shown for, never who may press it. Must not know how the message looks afterwards.

use std::time::Duration;

use futures_util::StreamExt;

use super::answers::{chosen, decided, session_of, written};
use super::{Desk, Errand, Reply, Stop};
use crate::domain::ask::{Answer, Ask, AskState, Decision};
use crate::domain::event::Body;
use crate::domain::session::Verb;
use crate::slack::button::{Button, Form};
use crate::slack::input::{Click, Said};
use crate::slack::render;
use crate::slack::words::{desk as say, mention, troubles};
use crate::wire::api::{Act, Code};
use crate::wire::view::{AskView, EventView, SessionView};

/// Somebody waits, and a log may be long.
const FOR_A_LOOK: Duration = Duration::from_secs(5);

impl Desk {
    pub(super) async fn click(&self, errand: Errand<'_>, click: &Click) -> Reply {
        let said = errand.said;
        match &click.button {
            Button::Link => Ok(None),
            Button::Act { session, verb, rev } => {
                let act = act_of(*verb).ok_or_else(troubles::unknown_control)?;
                self.act(errand, *session, act, Some(*rev)).await?;
                Ok(None)
            }
            Button::Choose { handle, question, choice } => {
                let make = |ask: &Ask| {
                    chosen(ask, *question, *choice).ok_or_else(|| troubles::unknown_control().into())
                };
                self.answer(errand, handle, make).await
            }
            Button::Decide { handle, allow } => {
                let decide = if *allow { Decision::Allow } else { Decision::Deny };
                self.answer(errand, handle, |_| Ok(decided(decide, None))).await
            }
            Button::AgentDecides { handle } => {
                self.answer(errand, handle, |_| Ok(decided(Decision::Agent, None))).await
            }
            Button::Send { handle } => {
                let make =
                    |ask: &Ask| written(ask, &click.fields).map_err(|open| say::not_all(open.len()).into());
                self.answer(errand, handle, make).await
            }
            Button::Brief { request } => self.reopen_brief(said, request).await,
            Button::OpenForm { handle } => self.open_answer(said, handle).await,
        }
    }

    /// Answers an ask; for one that is settled, says what stands. What was settled by this very errand, before a crash,
    /// is told as it was the first time.
    pub(super) async fn answer(
        &self,
        errand: Errand<'_>,
        handle: &str,
        make: impl FnOnce(&Ask) -> Result<Answer, Stop>,
    ) -> Reply {
        let session = session_of(handle).ok_or_else(troubles::unknown_control)?;
        let view = self.driven(errand.said, session).await?;
        let open = view.asks.iter().find(|a| a.handle == handle).cloned();
        let was_open = open.is_some();
        let Some(ask) = (match open {
            Some(open) => Some(open),
            None => self.record(&view, handle).await,
        }) else {
            return Err(troubles::unknown_control().into());
        };
        let answer = match make(&ask.ask) {
            Ok(answer) => answer,
            Err(_) if !was_open => return Err(self.what_stands(&view, handle).await),
            Err(stop) => return Err(stop),
        };
        let (by, key) = (errand.said.user.actor(), errand.effect());
        let done = self.control.answer_once(&by, handle, answer, Some(&key)).await;
        (self.nudge)(view.id);
        match done {
            Ok(_) => Ok(None),
            Err(refusal) if refusal.code == Code::Settled || !was_open => {
                Err(self.what_stands(&view, handle).await)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The ask behind a handle while it is open, for somebody who may answer it.
    pub(super) async fn asked(&self, said: &Said, handle: &str) -> Result<(SessionView, AskView), Stop> {
        let session = session_of(handle).ok_or_else(troubles::unknown_control)?;
        let view = self.driven(said, session).await?;
        if let Some(open) = view.asks.iter().find(|a| a.handle == handle).cloned() {
            return Ok((view, open));
        }
        (self.nudge)(session);
        Err(self.what_stands(&view, handle).await)
    }

    async fn open_answer(&self, said: &Said, handle: &str) -> Reply {
        let (_, open) = self.asked(said, handle).await?;
        let form = Form::Answer { handle: handle.to_owned() };
        let Some(trigger) = said.trigger.as_deref() else { return Err(troubles::no_form().into()) };
        match self.web.open_view(trigger, &render::answer_form(&open, &form)).await {
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::info!(session.id = %open.session, %error, "a form could not be opened");
                Err(troubles::no_form().into())
            }
        }
    }

    /// The record of a settled ask: who answered what, and when.
    pub(super) async fn what_stands(&self, view: &SessionView, handle: &str) -> Stop {
        match self.record(view, handle).await {
            Some(record) => Stop::Show(Box::new(render::settled(&record, &mention))),
            None => troubles::unknown_control().into(),
        }
    }

    async fn record(&self, view: &SessionView, handle: &str) -> Option<AskView> {
        tokio::time::timeout(FOR_A_LOOK, self.settled(view, handle)).await.ok().flatten()
    }

    /// Read back from the log, for a view holds open asks only. Up to the log's end as it is now: somebody else's answer
    /// may be newer than the view.
    async fn settled(&self, view: &SessionView, handle: &str) -> Option<AskView> {
        let (_, id) = handle.split_once(':')?;
        let head = self.control.show(view.id).await.ok()?.head;
        let mut events = self.control.events(view.id, 0).await.ok()?;
        let mut found: Option<Ask> = None;
        while let Some(Ok(event)) = events.next().await {
            if event.kind.starts_with("ask.") {
                tell(&mut found, id, &event);
            }
            if event.seq >= head {
                break;
            }
        }
        found.filter(|ask| !ask.is_open()).map(|ask| AskView::of(view.id, &ask))
    }
}

/// What an event says of the ask with this id.
fn tell(found: &mut Option<Ask>, id: &str, event: &EventView) {
    let Ok(body) = serde_json::from_str::<Body>(event.body.get()) else { return };
    if let Body::AskOpened { ask } = &body
        && ask.id.0 == id
    {
        *found = Some(ask.clone());
    }
    let Some(ask) = found.as_mut() else { return };
    let at = event.at;
    match body {
        Body::AskAnswered { id, by, answer } if id == ask.id => {
            ask.state = AskState::Answered { by, at, answer, applied: false };
        }
        Body::AskDefaulted { id, answer } if id == ask.id => {
            ask.state = AskState::Defaulted { at, answer, applied: false };
        }
        Body::AskWithdrawn { id, why } if id == ask.id => ask.state = AskState::Withdrawn { at, why },
        _ => {}
    }
}

/// Talking and answering have controls of their own.
fn act_of(verb: Verb) -> Option<Act> {
    match verb {
        Verb::Pause => Some(Act::Pause { reason: None }),
        Verb::Resume => Some(Act::Resume),
        Verb::Cancel => Some(Act::Cancel { reason: None }),
        Verb::Rerun => Some(Act::Rerun),
        Verb::Message | Verb::Answer => None,
    }
}
