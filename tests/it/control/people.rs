//! What people say to sessions, and how they are refused.

use devtask::domain::ask::{Answer, AskWhat, Choice, Question};
use devtask::domain::command::{CommandBody, MessageMode};
use devtask::domain::report::{Ending, Report};
use devtask::domain::session::{Hold, Status};
use devtask::domain::{AskId, lease};
use devtask::wire::api::{Act, Code, Control, Create, Filter, Message, Refusal};
use devtask::wire::link::Level;

use super::world::{World, ana, create, finished, id, message, settings};

fn pause() -> Act {
    Act::Pause { reason: None }
}

fn told(refusal: &Refusal) -> String {
    format!("{:?}: {} | {}", refusal.code, refusal.message, refusal.hint.as_deref().unwrap_or("-"))
}

fn question() -> Report {
    let choice = |label: &str| Choice { label: label.into(), description: String::new() };
    let question = Question {
        question: "Which order?".into(),
        header: String::new(),
        multi_select: false,
        options: vec![choice("price"), choice("name")],
    };
    Report::AskRaised { id: AskId("toolu_1".into()), what: AskWhat::Questions { questions: vec![question] } }
}

fn by_price() -> Answer {
    Answer::Answers { answers: [("Which order?".to_owned(), "price".to_owned())].into() }
}

#[tokio::test]
async fn a_pause_in_the_queue_is_taken_at_once() {
    let world = World::new().await;
    world.create("one").await.unwrap();
    let view = world.local.act(&ana(), id(1), pause(), None).await.unwrap();
    assert_eq!(view.status, Status::Paused);
    world.settle().await;
    assert!(world.nodes.names().is_empty(), "a paused session costs nothing");
    world.local.act(&ana(), id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Running).await;
}

#[tokio::test]
async fn a_pause_before_the_supervisor_is_there_ends_the_attempt() {
    let world = World::new().await;
    world.nodes.unreachable(true);
    world.create("one").await.unwrap();
    world.until(1, "ready", |r| r.lease.as_ref().is_some_and(|l| l.state == lease::State::Ready)).await;
    world.local.act(&ana(), id(1), pause(), None).await.unwrap();
    world.nodes.unreachable(false);
    world.turn(1);
    world.until_status(1, Status::Paused).await;
    assert_eq!(world.row(1).await.session.retries, 0, "a pause is no failure");
}

#[tokio::test]
async fn a_pause_while_running_drains_and_a_resume_goes_on() {
    let world = World::new().await;
    let supervisor = world.running().await;
    world.local.act(&ana(), id(1), pause(), None).await.unwrap();
    world.until_status(1, Status::Paused).await;
    world.until(1, "swept", |r| r.lease.as_ref().is_some_and(|l| l.busy.is_none())).await;
    assert_eq!(supervisor.levels()[..2], [Level::Run, Level::Drain]);
    let refused = world.local.act(&ana(), id(1), pause(), None).await.unwrap_err();
    insta::assert_snapshot!(told(&refused), @"Illegal: dt-1 is paused already | legal now: resume, cancel, message");
    world.local.act(&ana(), id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Running).await;
    assert_eq!(world.nodes.names().len(), 1, "the same node is used again");
    assert_eq!(world.supervisor(1).run().attempt.0, 2);
}

#[tokio::test]
async fn a_deferred_ask_pauses_and_its_answer_resumes() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.say(Report::CommandConsumed { c: 1 });
    supervisor.say(question());
    supervisor.end(Ending::Deferred);
    world.until_status(1, Status::Paused).await;
    world.until(1, "swept", |r| r.lease.as_ref().is_some_and(|l| l.busy.is_none())).await;
    assert_eq!(world.show(1).await.holds, [Hold::Ask]);
    let asks = world.local.asks().await.unwrap();
    assert_eq!(asks.iter().map(|a| a.handle.as_str()).collect::<Vec<_>>(), ["dt-1:toolu_1"]);
    world.local.answer(&ana(), "dt-1:toolu_1", by_price()).await.unwrap();
    let twice = world.local.answer(&ana(), "dt-1:toolu_1", by_price()).await.unwrap_err();
    insta::assert_snapshot!(told(&twice), @"Settled: this ask was settled before: ana answered it | -");
    world.until_status(1, Status::Running).await;
    let next = world.supervisor(1);
    world.until_so("answered", || next.commands().len() == 1).await;
    assert!(matches!(&next.commands()[0].body, CommandBody::Answer { ask, .. } if ask.0 == "toolu_1"));
}

#[tokio::test]
async fn what_is_said_while_the_link_is_being_made_reaches_the_agent() {
    let world = World::new().await;
    let gate = world.nodes.gate();
    world.create("Sort the basket").await.unwrap();
    world.until_so("the link is being made", || gate.is_waited_at()).await;
    let text = "by price".to_owned();
    world.local.message(&ana(), id(1), Message::new(text, MessageMode::Queue)).await.unwrap();
    gate.open();
    world.until_status(1, Status::Running).await;
    // Nothing else happens: no commit wakes the relay again.
    world.until_so("told", || world.supervisor(1).commands().len() == 2).await;
}

#[tokio::test]
async fn an_answer_is_sent_with_every_attach_until_it_is_applied() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.say(Report::CommandConsumed { c: 1 });
    supervisor.say(question());
    world.until(1, "asked", |r| r.session.open_asks().count() == 1).await;
    world.local.answer(&ana(), "dt-1:toolu_1", by_price()).await.unwrap();
    let answers =
        || supervisor.commands().iter().filter(|c| matches!(c.body, CommandBody::Answer { .. })).count();
    world.until_so("told", || answers() == 1).await;
    supervisor.say(Report::CommandConsumed { c: 2 });
    world.until(1, "consumed", |r| r.session.commands.is_empty()).await;
    supervisor.cut();
    world.settle().await;
    world.turn(1);
    world.until_so("told again", || answers() == 2).await;
    supervisor.say(Report::AnswerApplied { id: AskId("toolu_1".into()) });
    world.until(1, "applied", |r| r.session.asks.iter().all(|a| a.unapplied_answer().is_none())).await;
    supervisor.cut();
    world.settle().await;
    world.turn(1);
    world.until_so("attached", || supervisor.attaches() == 3).await;
    world.settle().await;
    assert_eq!(answers(), 2);
}

#[tokio::test]
async fn a_cancel_stops_sweeps_and_releases() {
    let world = World::new().await;
    let supervisor = world.running().await;
    world.local.act(&ana(), id(1), Act::Cancel { reason: None }, None).await.unwrap();
    supervisor.say(message("too late"));
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
    assert_eq!(supervisor.levels().last(), Some(&Level::Stop));
    assert!(supervisor.is_gone());
    assert!(world.nodes.names().is_empty());
    assert!(world.markers(1).await.is_empty(), "nothing of it is logged after the cancel");
    let log = world.log(1).await;
    assert!(log.ends_with("session.cancelled"), "{log}");
}

#[tokio::test]
async fn a_cancel_while_the_node_is_made_lets_go_of_it() {
    let world = World::new().await;
    world.nodes.unreachable(true);
    world.create("one").await.unwrap();
    world.until(1, "ready", |r| r.lease.as_ref().is_some_and(|l| l.state == lease::State::Ready)).await;
    world.local.act(&ana(), id(1), Act::Cancel { reason: None }, None).await.unwrap();
    world.nodes.unreachable(false);
    for _ in 0..5 {
        world.turn(20);
        world.settle().await;
    }
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
}

#[tokio::test]
async fn the_same_key_gets_the_first_answer() {
    let world = World::new().await;
    let first = world.local.create(&ana(), create("one"), Some("k")).await.unwrap();
    let again = world.local.create(&ana(), create("one"), Some("k")).await.unwrap();
    assert_eq!(first.id, again.id);
    let other = world.local.create(&ana(), create("two"), Some("k")).await.unwrap_err();
    insta::assert_snapshot!(told(&other), @"KeyReused: this `Idempotency-Key` was used for another request | use a new key for a new request");
    let page = world.local.list(Filter::default()).await.unwrap();
    assert_eq!(page.sessions.len(), 1);
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_door() {
    let world = World::new().await;
    let empty = tempfile::tempdir().unwrap();
    let with = |change: &dyn Fn(&mut Create)| {
        let mut new = create("one");
        change(&mut new);
        new
    };
    let tries = [
        with(&|n| n.repo = "acme/ship".into()),
        with(&|n| n.repo = "shop".into()),
        with(&|n| n.repo = empty.path().to_string_lossy().into_owned()),
        with(&|n| n.provider = Some("moon".into())),
        with(&|n| n.agent = Some("bond".into())),
        with(&|n| n.base = Some("--upload-pack=x".into())),
        with(&|n| n.model = Some("--dangerous".into())),
        with(&|n| n.brief.goal = " ".into()),
    ];
    let mut lines = Vec::new();
    for new in tries {
        let refusal = world.local.create(&ana(), new, None).await.unwrap_err();
        lines.push(told(&refusal).replace(&*empty.path().to_string_lossy(), "FOLDER"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Invalid: there is no repository `acme/ship`, or DevTask may not see it | check the spelling, and that DevTask's token may see the repository
    Invalid: `shop` names no repository; say `owner/name`, a GitHub address or an absolute path | -
    Invalid: `FOLDER` is no git repository | give the folder that holds `.git`
    Invalid: there is no provider `moon` | known: local
    Invalid: there is no agent `bond` | known: scripted
    Invalid: `--upload-pack=x` is no branch name | -
    Invalid: `--dangerous` is no name of a model or an effort | -
    Invalid: the brief is empty; say what should be different when the session is done | -
    "#);
}

#[tokio::test]
async fn a_folder_whose_origin_is_the_forges_is_that_repository() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    for part in ["objects", "refs"] {
        std::fs::create_dir_all(folder.path().join(".git").join(part)).unwrap();
    }
    std::fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let path = folder.path().to_string_lossy().into_owned();
    let new = || Create { repo: path.clone(), ..create("one") };
    let plain = world.local.create(&ana(), new(), None).await.unwrap();
    assert_eq!(plain.repo, path);
    let config = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://forge.test/acme/shop.git\n";
    std::fs::write(folder.path().join(".git/config"), config).unwrap();
    let known = world.local.create(&ana(), new(), None).await.unwrap();
    assert_eq!(known.repo, "acme/shop");
}

#[tokio::test]
async fn an_old_reading_is_refused_only_where_the_verb_is_not_legal_any_more() {
    let world = World::new().await;
    let view = world.create("one").await.unwrap();
    world.local.act(&ana(), id(1), pause(), Some(view.rev)).await.unwrap();
    let late = world.local.act(&ana(), id(1), pause(), Some(view.rev)).await.unwrap_err();
    insta::assert_snapshot!(told(&late), @"Outdated: dt-1 has changed since you looked: it is paused now, so there is nothing to pause | legal now: resume, cancel, message");
    world.local.act(&ana(), id(1), Act::Cancel { reason: None }, Some(view.rev)).await.unwrap();
    let gone = world.local.message(&ana(), id(1), Message::new("hi", MessageMode::default())).await;
    insta::assert_snapshot!(told(&gone.unwrap_err()), @"Illegal: dt-1 is cancelled, so it takes no message | legal now: rerun");
    let unknown = world.local.show(id(9)).await.unwrap_err();
    insta::assert_snapshot!(told(&unknown), @"NotFound: there is no session dt-9 | -");
}

#[tokio::test]
async fn lists_come_page_by_page() {
    let world = World::new().await;
    for i in 0..5 {
        world.create(&format!("task {i}")).await.unwrap();
    }
    let mut filter = Filter { limit: Some(2), owner: Some("local/ana".into()), ..Filter::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.local.list(filter.clone()).await.unwrap();
        seen.extend(page.sessions.iter().map(|s| s.id.number()));
        let Some(next) = page.next_cursor else { break };
        filter.cursor = Some(next);
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let wrong = world.local.list(Filter { limit: Some(0), ..Filter::default() }).await.unwrap_err();
    assert_eq!(wrong.code, Code::Invalid);
}

#[tokio::test]
async fn a_spent_budget_waits_for_a_person_who_grants_it_again() {
    let mut settings = settings();
    settings.limits.max_task_duration = 60;
    let world = World::with(settings).await;
    world.running().await;
    world.turn(61);
    world.until_status(1, Status::Paused).await;
    assert_eq!(world.show(1).await.holds, [Hold::Budget]);
    world.until(1, "swept", |r| r.lease.as_ref().is_some_and(|l| l.busy.is_none())).await;
    world.local.act(&ana(), id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Running).await;
    world.supervisor(1).end(finished());
    world.until_status(1, Status::Done).await;
}

#[tokio::test]
async fn a_request_that_is_repeated_under_another_name_is_the_same_request() {
    let world = World::new().await;
    let named = |name: Option<&str>| devtask::wire::api::Create {
        requester: name.map(str::to_owned),
        ..create("Sort the basket")
    };
    let first = world.local.create(&ana(), named(Some("Ana")), Some("k")).await.unwrap();
    let again = world.local.create(&ana(), named(None), Some("k")).await.unwrap();
    assert_eq!(first.id, again.id);
}
