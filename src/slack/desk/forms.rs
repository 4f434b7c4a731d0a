//! Forms that were sent: what is wrong with them is said beside the field and keeps what was typed; the rest is done.
//!
//! What can be found wrong before the ack is found there, so the form stays open. Must not know how a form looks.

use serde_json::{Value, json};

use super::answers::written;
use super::new::{New, NotStarted, short};
use super::{Desk, Errand, Reply, Stop};
use crate::domain::ask::{Ask, AskWhat};
use crate::slack::button::{Form, brief, own_words_block, question_block};
use crate::slack::input::{Draft, Fields};
use crate::slack::names::Place;
use crate::slack::render;
use crate::slack::who::Deed;
use crate::slack::words::{desk as say, forms};
use crate::wire::view::SessionView;

impl Desk {
    /// A body for the ack that keeps the form open; `None` where it may close. A brief that is fine is a session after
    /// this.
    pub(super) async fn sent_back(&self, errand: Errand<'_>, form: &Form, fields: &Fields) -> Option<Value> {
        let problems = match form {
            Form::Brief { .. } => match self.start(errand, form, fields).await {
                Ok(_) | Err((_, Stop::Silent)) => return None,
                Err((field, stop)) => vec![(shown_at(field, fields).to_owned(), stop.sentence())],
            },
            Form::Answer { handle } => match self.asked(errand.said, handle).await {
                Ok((_, open)) => unanswered(&open.ask, fields),
                // Nothing in this form can mend it: it says so, and gives back what was typed.
                Err(stop) => {
                    let view = stop.form(&typed(fields))?;
                    return Some(json!({ "response_action": "update", "view": view }));
                }
            },
        };
        (!problems.is_empty()).then(|| render::problems(&problems))
    }

    pub(super) async fn submit(&self, errand: Errand<'_>, form: &Form, fields: &Fields) -> Reply {
        match form {
            Form::Brief { thread, .. } => match self.start(errand, form, fields).await {
                Ok(view) => Ok(Some(render::said(&say::started(&view, thread.is_some())))),
                Err((_, stop)) => Err(stop.keeping(fields.text(brief::GOAL))),
            },
            Form::Answer { handle } => {
                let make = |ask: &Ask| written(ask, fields).map_err(|open| say::not_all(open.len()).into());
                self.answer(errand, handle, make).await.map_err(|stop| stop.keeping(&typed(fields)))
            }
        }
    }

    /// The session of a brief form: one, however often it is sent.
    async fn start(
        &self,
        errand: Errand<'_>,
        form: &Form,
        fields: &Fields,
    ) -> Result<SessionView, NotStarted> {
        let Form::Brief { request, channel, thread } = form else { return Err((brief::GOAL, Stop::Silent)) };
        let at_goal = |stop| (brief::GOAL, stop);
        self.admit(errand.said, Deed::Start).await.map_err(at_goal)?;
        let place = Place { channel: channel.clone(), thread: thread.clone() };
        let room = self.look_in(&place).await.map_err(at_goal)?;
        let mut draft = draft(fields);
        if draft.repo.is_none() {
            return Err((brief::REPO, say::choose_a_repository().into()));
        }
        if let Some(typed) = self.typed(request).await {
            draft.context = typed.draft.context;
            // Too long for a field, so the form had none for it.
            if draft.goal.is_empty() {
                draft.goal = typed.draft.goal;
            }
        }
        let new = New { place, stranger: room.stranger, draft, key: short(&format!("slack/form/{request}")) };
        let made = self.make(errand.said, &new).await?;
        self.forget_typed(request).await;
        Ok(made)
    }
}

/// What is said of the repository stands where it was said.
fn shown_at(field: &'static str, fields: &Fields) -> &'static str {
    let chosen = fields.text(brief::REPO).is_empty() && !fields.chosen(brief::KNOWN).is_empty();
    if field == brief::REPO && chosen { brief::KNOWN } else { field }
}

/// What the brief form says. Its goal may hold the options that have no field.
fn draft(fields: &Fields) -> Draft {
    let filled = |block: &str| Some(fields.text(block).to_owned()).filter(|text| !text.is_empty());
    let goal = Draft::of(fields.text(brief::GOAL));
    Draft {
        repo: filled(brief::REPO).or_else(|| fields.chosen(brief::KNOWN).first().cloned()).or(goal.repo),
        base: filled(brief::BASE).or(goal.base),
        plan: fields.chosen(brief::PLAN).first().map(|way| way == "plan").or(goal.plan),
        done_when: fields.text(brief::DONE_WHEN).to_owned(),
        checks: fields.text(brief::CHECKS).to_owned(),
        ..goal
    }
}

/// Each question without an answer, at the block where one can be written.
fn unanswered(ask: &Ask, fields: &Fields) -> Vec<(String, String)> {
    let block = |index: usize| match &ask.what {
        AskWhat::Questions { questions } if questions.get(index).is_some_and(|q| !q.options.is_empty()) => {
            own_words_block(index)
        }
        _ => question_block(index),
    };
    let missing = written(ask, fields).err().unwrap_or_default();
    missing.into_iter().map(|index| (block(index), forms::NEEDS_ANSWER.to_owned())).collect()
}

/// Everything written in an answer's form, to be given back.
fn typed(fields: &Fields) -> String {
    let texts: Vec<&str> = fields.texts().collect();
    texts.join("\n")
}
