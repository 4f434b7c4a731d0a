//! What every provider promises, said once and held by each of them.
//!
//! The suite knows the trait and nothing else; a [`Place`] knows how to make the provider and how to let time pass.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::domain::lease::Key;
use devtask::domain::{Actor, SessionId};
use devtask::node::local::Local;
use devtask::node::{Condition, NodeError, NodeRef, Provider, Spec};

use crate::codespaces::world::World;

const INSTANCE: &str = "0123456789abcdef";

#[async_trait]
pub(crate) trait Place: Sync {
    /// The same installation's provider, as after a restart.
    fn provider(&self) -> Box<dyn Provider>;
    fn spec(&self) -> Spec;
    /// Until whatever was begun is over.
    async fn settle(&self);
    /// Nodes there are, ours or not.
    fn there(&self) -> usize;
}

struct Here(tempfile::TempDir);

#[async_trait]
impl Place for Here {
    fn provider(&self) -> Box<dyn Provider> {
        Box::new(Local::new(self.0.path(), INSTANCE, devtask::node::local::Settings::default(), true))
    }

    fn spec(&self) -> Spec {
        Spec { repo: "/srv/app".parse().unwrap(), base: None, owner: Actor::Person("local/ana".into()) }
    }

    async fn settle(&self) {}

    fn there(&self) -> usize {
        std::fs::read_dir(self.0.path().join("nodes")).map_or(0, Iterator::count)
    }
}

#[async_trait]
impl Place for World {
    fn provider(&self) -> Box<dyn Provider> {
        Box::new(World::provider(self))
    }

    fn spec(&self) -> Spec {
        crate::codespaces::world::spec()
    }

    async fn settle(&self) {
        self.turn(TimeDelta::seconds(10));
    }

    fn there(&self) -> usize {
        World::there(self)
    }
}

fn key(session: u32) -> Key {
    Key::new(INSTANCE, SessionId::new(session).unwrap(), 1)
}

pub(crate) async fn ready(place: &dyn Place, session: u32) -> NodeRef {
    let provider = place.provider();
    let node = provider.ensure(&key(session), &place.spec()).await.unwrap();
    place.settle().await;
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Ready);
    node
}

async fn making_twice_makes_once(place: &dyn Place) {
    let provider = place.provider();
    provider.preflight(&place.spec()).await.unwrap();
    let node = ready(place, 1).await;
    assert_eq!(provider.ensure(&key(1), &place.spec()).await.unwrap(), node);
    assert_eq!(place.provider().ensure(&key(1), &place.spec()).await.unwrap(), node, "after a restart");
    assert_eq!(place.there(), 1);
    let other = ready(place, 2).await;
    assert_ne!(other, node);
    assert_eq!(place.there(), 2);
}

async fn what_is_ours_is_listed_with_its_key(place: &dyn Place) {
    let provider = place.provider();
    assert!(provider.list_owned(INSTANCE).await.unwrap().is_empty());
    let (first, second) = (ready(place, 1).await, ready(place, 12).await);
    let mut owned: Vec<_> =
        provider.list_owned(INSTANCE).await.unwrap().into_iter().map(|o| (o.key, o.node)).collect();
    owned.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(owned, [(key(1), first), (key(12), second)]);
    assert!(provider.list_owned("fedcba9876543210").await.unwrap().is_empty(), "not another's");
}

async fn stopping_and_starting_may_be_repeated(place: &dyn Place) {
    let provider = place.provider();
    let node = ready(place, 1).await;
    for _ in 0..2 {
        provider.start(&node).await.unwrap();
    }
    for _ in 0..2 {
        provider.stop(&node).await.unwrap();
        place.settle().await;
    }
    let stopped = if provider.caps().suspend { Condition::Stopped } else { Condition::Ready };
    assert_eq!(provider.inspect(&node).await.unwrap(), stopped);
    assert_eq!(provider.ensure(&key(1), &place.spec()).await.unwrap(), node, "a stopped one is adopted");
    for _ in 0..2 {
        provider.start(&node).await.unwrap();
    }
    place.settle().await;
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Ready);
}

async fn what_is_let_go_is_gone_and_may_be_let_go_again(place: &dyn Place) {
    let provider = place.provider();
    let (node, kept) = (ready(place, 1).await, ready(place, 2).await);
    for _ in 0..2 {
        provider.destroy(&node).await.unwrap();
        place.settle().await;
    }
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Gone);
    assert!(matches!(provider.start(&node).await, Err(NodeError::Gone)));
    assert!(matches!(provider.stop(&node).await, Err(NodeError::Gone)));
    assert_eq!(provider.inspect(&kept).await.unwrap(), Condition::Ready, "and nothing else");
    let owned = provider.list_owned(INSTANCE).await.unwrap();
    assert_eq!(owned.into_iter().map(|o| o.node).collect::<Vec<_>>(), [kept]);
    let again = ready(place, 1).await;
    assert_eq!(provider.inspect(&again).await.unwrap(), Condition::Ready, "its key makes a new one");
}

async fn a_name_that_is_none_of_ours_is_refused(place: &dyn Place) {
    let provider = place.provider();
    let _ours = ready(place, 1).await;
    for name in ["", "..", "../x", "ana/..", "ana/../../x", "a b", "x\n"] {
        let node = NodeRef { name: name.into() };
        let refused = provider.destroy(&node).await;
        assert!(
            matches!(refused, Err(NodeError::Permanent(_) | NodeError::Auth { .. })),
            "{name:?}: {refused:?}"
        );
    }
    assert_eq!(place.there(), 1);
}

/// The link's promises that need nobody at the other end.
async fn files_and_commands_reach_the_node(place: &dyn Place) {
    let node = ready(place, 1).await;
    let link = place.provider().link(&node).await.unwrap();
    link.put(b"one", Path::new("a/b"), 0o600).await.unwrap();
    link.put(b"two", Path::new("a/b"), 0o600).await.unwrap();
    let at = link.home().join("a/b").to_str().unwrap().to_owned();
    let output = link.exec(&["cat".to_owned(), at], Duration::from_secs(30)).await.unwrap();
    assert_eq!((output.code, output.stdout.as_slice()), (Some(0), b"two".as_slice()));
    let outside = link.put(b"x", Path::new("../x"), 0o600).await;
    assert!(matches!(outside, Err(NodeError::Permanent(_))));
    let slow = link.exec(&["sleep".to_owned(), "300".to_owned()], Duration::from_millis(50)).await;
    assert!(matches!(slow, Err(NodeError::Transient { .. })));
}

macro_rules! every_provider {
    ($($law:ident)*) => {
        mod local {
            $(#[tokio::test]
            async fn $law() {
                super::$law(&super::Here(tempfile::tempdir().unwrap())).await;
            })*
        }
        mod codespaces {
            $(#[tokio::test]
            async fn $law() {
                super::$law(&super::World::new().await).await;
            })*
        }
    };
}

every_provider! {
    making_twice_makes_once
    what_is_ours_is_listed_with_its_key
    stopping_and_starting_may_be_repeated
    what_is_let_go_is_gone_and_may_be_let_go_again
    a_name_that_is_none_of_ours_is_refused
}

#[tokio::test]
async fn the_local_link_keeps_its_promises() {
    let place = Here(tempfile::tempdir().unwrap());
    files_and_commands_reach_the_node(&place).await;
    let link = place.provider().link(&ready(&place, 1).await).await.unwrap();
    assert!(matches!(link.open().await.map(drop), Err(NodeError::Transient { .. })), "nobody listens yet");
}

#[tokio::test]
async fn a_codespaces_link_keeps_its_promises() {
    let Some(place) = crate::codespaces::boxed::Boxed::new("a codespace's link").await else { return };
    files_and_commands_reach_the_node(&place).await;
}
