//! `Control`, here: each call becomes one committed step, decided inside the writer on the row as it is then.
//!
//! Must not know over which door a person came.

use async_trait::async_trait;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::dispatch::waiting;
use super::{Inner, Local, feed, refusals, run};
use crate::domain::ask::Answer;
use crate::domain::queue::{Caps, placement};
use crate::domain::session::{self, Hold, Input, NewSession, Session, Status};
use crate::domain::{Actor, AskId, Repo, Seq, SessionId, Time};
use crate::store::{CommitError, Decision, Dedupe, Lane, ListQuery, Row, World};
use crate::wire::account::{AccountView, Link};
use crate::wire::api::{About, Act, Code, Control, Create, EventStream, Filter, Message, Page, Refusal};
use crate::wire::fleet::NodeView;
use crate::wire::view::{AskView, SessionView};

const PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;
const MAX_LABELS: usize = 20;
const MAX_NAME: usize = 100;

#[async_trait]
impl Control for Local {
    async fn create(&self, by: &Actor, new: Create, key: Option<&str>) -> Result<SessionView, Refusal> {
        let inner = &self.inner;
        // A name may be looked up again and come out otherwise: it makes no other request.
        let asked = Create { requester: None, ..new.clone() };
        let known = key.map(|key| dedupe("create", by, key, &asked)).transpose()?;
        let draft = inner.draft(by, new).await?;
        let make = move |id, mark, _: &_, now| session::create(draft.clone().named(id, mark), now);
        let row = inner.store.create(Lane::People, known, make).await.map_err(refusals::of_commit)?;
        Ok(inner.view(&row))
    }

    async fn list(&self, filter: Filter) -> Result<Page, Refusal> {
        let inner = &self.inner;
        let query = query(filter)?;
        let wanted = query.limit;
        let asked = ListQuery { limit: wanted + 1, ..query };
        let mut rows = inner.store.list(&asked).await.map_err(|e| refusals::of_store(&e))?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let last = rows.last().map(|r| r.session.id().number().to_string());
        Ok(Page { sessions: inner.views(&rows), next_cursor: last.filter(|_| more) })
    }

    async fn show(&self, id: SessionId) -> Result<SessionView, Refusal> {
        Ok(self.inner.view(&self.inner.row(id).await?))
    }

    async fn act_once(
        &self,
        by: &Actor,
        id: SessionId,
        act: Act,
        rev: Option<u64>,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        let verb = act.verb();
        let known = key.map(|key| dedupe(&format!("act/{id}"), by, key, &act.request())).transpose()?;
        let by = by.clone();
        let decide = move |row: &Row, now| {
            let input = input_of(&act, &by, &row.session);
            session::step(&row.session, input, now)
        };
        match self.inner.commit(id, known, decide).await {
            Ok(row) => Ok(self.inner.view(&row)),
            Err(CommitError::Refused(refusal)) => {
                let refusal = Refusal::from(refusal);
                Err(self.inner.outdated(id, refusal, verb.name(), rev).await)
            }
            Err(error) => Err(refusals::of_commit(error)),
        }
    }

    async fn message(&self, by: &Actor, id: SessionId, message: Message) -> Result<SessionView, Refusal> {
        let known = message.key.as_deref().map(|key| dedupe(&format!("message/{id}"), by, key, &message));
        let (by, known) = (by.clone(), known.transpose()?);
        let decide = move |row: &Row, _: &World, now| {
            let (by, Message { text, mode, .. }) = (by.clone(), message.clone());
            let input = if row.session.status.is_settled() {
                Input::FollowUp { by, text }
            } else {
                Input::Message { by, text, mode }
            };
            session::step(&row.session, input, now)
        };
        let said = self.inner.store.commit(id, Lane::People, known, decide).await;
        Ok(self.inner.view(&said.map_err(refusals::of_commit)?))
    }

    async fn asks(&self) -> Result<Vec<AskView>, Refusal> {
        let rows = self.inner.store.open_rows();
        let mut asks: Vec<AskView> = rows
            .iter()
            .flat_map(|row| row.session.open_asks().map(|ask| AskView::of(row.session.id(), ask)))
            .collect();
        asks.sort_by_key(|a| (a.ask.opened_at, a.session));
        Ok(asks)
    }

    async fn answer_once(
        &self,
        by: &Actor,
        handle: &str,
        answer: Answer,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal> {
        let (id, ask) = ask_handle(handle)?;
        let known = key.map(|key| dedupe(&format!("answer/{handle}"), by, key, &answer)).transpose()?;
        let by = by.clone();
        let decide = move |row: &Row, now| {
            let input = Input::Answer { by: by.clone(), ask: ask.clone(), answer: answer.clone() };
            session::step(&row.session, input, now)
        };
        let row = self.inner.commit(id, known, decide).await.map_err(refusals::of_commit)?;
        Ok(self.inner.view(&row))
    }

    async fn nodes(&self) -> Result<Vec<NodeView>, Refusal> {
        self.inner.nodes().await
    }

    async fn link(&self, by: &Actor, link: Link) -> Result<AccountView, Refusal> {
        match link.token_file {
            Some(file) => self.inner.link_file(by, file).await,
            None => self.inner.link_device(by).await,
        }
    }

    async fn unlink(&self, by: &Actor) -> Result<AccountView, Refusal> {
        self.inner.unlink(by).await
    }

    async fn account(&self, of: &Actor) -> Result<AccountView, Refusal> {
        self.inner.account(of).await
    }

    async fn events(&self, id: SessionId, after: Seq) -> Result<EventStream, Refusal> {
        self.inner.row(id).await?;
        Ok(feed::open(self.inner.store.clone(), id, after))
    }
}

/// Resume lifts a person's hold; where there is none, it grants the budget again.
fn input_of(act: &Act, by: &Actor, session: &Session) -> Input {
    let by = by.clone();
    match act {
        Act::Pause { reason } => Input::Pause { by, reason: reason.clone() },
        Act::Resume if only_budget(session) => Input::Grant { by },
        Act::Resume => Input::Resume { by },
        Act::Cancel { reason } => Input::Cancel { by, reason: reason.clone() },
        Act::Rerun => Input::Rerun { by },
    }
}

fn only_budget(session: &Session) -> bool {
    session.holds.contains(&Hold::Budget) && !session.holds.contains(&Hold::Person)
}

/// A checked request that waits for its number.
#[derive(Clone)]
struct Draft(NewSession);

impl Draft {
    fn named(mut self, id: SessionId, mark: uuid::Uuid) -> NewSession {
        self.0.id = id;
        self.0.mark = mark;
        self.0
    }
}

impl Inner {
    async fn row(&self, id: SessionId) -> Result<Row, Refusal> {
        let row = self.store.row(id).await.map_err(|e| refusals::of_store(&e))?;
        row.ok_or_else(|| refusals::unknown(id))
    }

    async fn commit(
        &self,
        id: SessionId,
        known: Option<Dedupe>,
        decide: impl Fn(&Row, Time) -> Decision + Send + 'static,
    ) -> Result<Row, CommitError> {
        self.store.commit(id, Lane::People, known, move |row, _, now| decide(row, now)).await
    }

    /// An old reading is no reason to refuse by itself: it only explains why the verb is not legal any more.
    async fn outdated(&self, id: SessionId, refusal: Refusal, verb: &str, rev: Option<u64>) -> Refusal {
        let Some(rev) = rev.filter(|_| refusal.code == Code::Illegal) else { return refusal };
        match self.store.row(id).await {
            Ok(Some(row)) if row.session.rev != rev => {
                let session = &row.session;
                let asks = session.status == Status::Paused && session.holds.iter().all(|h| *h == Hold::Ask);
                let status = if asks { "waiting for an answer" } else { session.status.name() };
                let message = format!(
                    "{id} has changed since you looked: it is {status} now, so there is nothing to {verb}"
                );
                Refusal { code: Code::Outdated, message, ..refusal }
            }
            _ => refusal,
        }
    }

    /// Everything that can be refused before there is a session.
    async fn draft(&self, by: &Actor, new: Create) -> Result<Draft, Refusal> {
        let settings = &self.settings;
        let provider = new.provider.unwrap_or_else(|| settings.provider.clone());
        known("provider", &provider, self.providers.keys())?;
        let agent = new.agent.unwrap_or_else(|| settings.agent.clone());
        known("agent", &agent, settings.agents.keys())?;
        if let Some(base) = new.base.as_deref().filter(|b| !super::settings::is_branch_name(b)) {
            return Err(Refusal::new(Code::Invalid, format!("`{}` is no branch name", short(base))));
        }
        labels(&new.labels)?;
        for text in [&new.model, &new.effort].into_iter().flatten() {
            plain_word(text)?;
        }
        let brief = new.brief.accept().map_err(|e| Refusal::new(Code::Invalid, e.to_string()))?;
        let repo: Repo = self.find_repo(&new.repo).await?;
        Ok(Draft(NewSession {
            // Replaced by the writer.
            id: SessionId::new(1).ok_or_else(|| Refusal::new(Code::Internal, "no number"))?,
            mark: uuid::Uuid::nil(),
            owner: by.clone(),
            brief,
            repo,
            base: new.base,
            provider,
            agent,
            model: new.model,
            effort: new.effort,
            plan: new.plan,
            priority: new.priority,
            labels: new.labels,
            requester: new.requester.as_deref().and_then(run::called),
            branch_pattern: settings.branch_pattern.clone(),
            require_approval_for: settings.require_approval_for.clone(),
            limits: settings.limits.clone(),
            policy: settings.policy.clone(),
        }))
    }

    fn view(&self, row: &Row) -> SessionView {
        self.views(std::slice::from_ref(row)).remove(0)
    }

    fn views(&self, rows: &[Row]) -> Vec<SessionView> {
        let now = self.clock.now();
        let line = if rows.iter().any(|r| r.session.queued.is_some()) { self.line(now) } else { Vec::new() };
        let bare = self.settings.machine.bubblewrap.is_none();
        let view = |row: &Row| {
            let position = line.iter().position(|id| *id == row.session.id()).map(|i| i + 1);
            let node = row.lease.as_ref().filter(|l| !l.is_gone()).and_then(|l| l.node.clone());
            let mut view = SessionView::of(&row.session, node, position, now);
            view.unsandboxed = view.provider == "local" && bare;
            view
        };
        rows.iter().map(view).collect()
    }

    /// Everybody who waits for a slot, the next one first.
    fn line(&self, now: Time) -> Vec<SessionId> {
        let everyone = Caps { total: u32::MAX, per_owner: 0 };
        let waiting = waiting(&self.store.open_rows(), now);
        placement(&waiting, &self.store.world().shares, everyone, now)
    }
}

/// The key belongs to the person who sent it, the hash to what they asked for.
fn dedupe(what: &str, by: &Actor, key: &str, request: &impl Serialize) -> Result<Dedupe, Refusal> {
    if key.is_empty() || key.len() > 200 {
        return Err(Refusal::new(Code::Invalid, "an `Idempotency-Key` has 1 to 200 characters"));
    }
    let canonical = serde_json::to_vec(request).map_err(|e| refusals::internal(&e))?;
    let request = Sha256::digest(&canonical).into();
    Ok(Dedupe { key: format!("{what}/{by}/{key}"), request })
}

fn query(filter: Filter) -> Result<ListQuery, Refusal> {
    let invalid = |message: String| Refusal::new(Code::Invalid, message);
    let limit = filter.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(invalid(format!("`limit` is {limit}; it goes from 1 to {MAX_PAGE}")));
    }
    let before = match filter.cursor.as_deref() {
        Some(text) => Some(text.parse().map_err(|_| invalid("`cursor` is not one of ours".to_owned()))?),
        None => None,
    };
    Ok(ListQuery {
        status: filter.status,
        owner: filter.owner.map(owner),
        label: filter.label,
        before,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    })
}

/// `person:local/ana` and `local/ana` are the same owner.
fn owner(text: String) -> Actor {
    Actor::try_from(text.clone()).unwrap_or(Actor::Person(text))
}

fn ask_handle(handle: &str) -> Result<(SessionId, AskId), Refusal> {
    let parsed = handle.split_once(':').and_then(|(id, ask)| Some((id.parse().ok()?, AskId(ask.to_owned()))));
    parsed.filter(|(_, ask)| !ask.0.is_empty()).ok_or_else(|| {
        Refusal::new(
            Code::NotFound,
            format!("`{}` is no ask; they look like `dt-142:toolu_01`", short(handle)),
        )
        .about(About::Ask)
    })
}

fn known<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    let names: Vec<&str> = all.map(String::as_str).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let hint = if names.is_empty() {
        "none is configured".to_owned()
    } else {
        format!("known: {}", names.join(", "))
    };
    Err(Refusal::new(Code::Invalid, format!("there is no {what} `{}`", short(name))).hint(hint))
}

fn labels(labels: &[String]) -> Result<(), Refusal> {
    if labels.len() > MAX_LABELS {
        return Err(Refusal::new(Code::Invalid, format!("a session has at most {MAX_LABELS} labels")));
    }
    let bad =
        |l: &&String| l.trim().is_empty() || l.chars().count() > MAX_NAME || l.chars().any(char::is_control);
    match labels.iter().find(bad) {
        Some(label) => {
            let message =
                format!("`{}` is no label; one has 1 to {MAX_NAME} printable characters", short(label));
            Err(Refusal::new(Code::Invalid, message))
        }
        None => Ok(()),
    }
}

/// Model and effort end up as arguments of the agent: never an option, never two words.
fn plain_word(text: &str) -> Result<(), Refusal> {
    let ok =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '[' | ']' | '@');
    if !text.is_empty() && text.len() <= MAX_NAME && !text.starts_with('-') && text.chars().all(ok) {
        return Ok(());
    }
    Err(Refusal::new(Code::Invalid, format!("`{}` is no name of a model or an effort", short(text))))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
