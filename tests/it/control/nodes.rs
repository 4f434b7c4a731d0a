//! A provider as a model: nodes in memory, each with the supervisor that was started there, and errors by script.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use devtask::domain::lease::Key;
use devtask::node::{
    Caps, Condition, Duplex, Link, NodeError, NodeRef, Output, Owned, Price, Provider, Spec,
};
use devtask::wire::run::Run;
use tokio::sync::Notify;

use super::supervisor::Supervisor;

#[derive(Clone, Default)]
pub struct Nodes(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    nodes: BTreeMap<String, Node>,
    /// What the next calls to `ensure` answer instead.
    ensure: VecDeque<NodeError>,
    /// So many starts of a supervisor fail.
    refuse_starts: u32,
    calls: Vec<String>,
    suspends: bool,
    /// Another machine, which has our program only where it was put; so often it was.
    far: bool,
    prepared: u32,
    notice: Option<String>,
    price: Option<Price>,
    refuse_stops: u32,
    unreachable: bool,
    /// So many calls of these verbs panic.
    panics: BTreeMap<&'static str, u32>,
    /// Who opens a stream waits here for a permit; counts those who wait.
    gate: Option<Arc<Gate>>,
}

/// Holds links back while they are being made.
#[derive(Default)]
pub struct Gate {
    waiting: AtomicU32,
    open: Notify,
}

impl Gate {
    pub fn is_waited_at(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    pub fn open(&self) {
        self.open.notify_one();
    }
}

struct Node {
    key: Key,
    stopped: bool,
    run: Option<Run>,
    supervisors: Vec<Supervisor>,
}

impl Nodes {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    pub fn fail_ensure(&self, error: NodeError) {
        self.inside().ensure.push_back(error);
    }

    pub fn refuse_starts(&self, times: u32) {
        self.inside().refuse_starts = times;
    }

    pub fn can_suspend(&self) {
        self.inside().suspends = true;
    }

    /// Nodes are other machines, as codespaces are, at this price.
    pub fn are_far(&self, price: Price) {
        let mut inside = self.inside();
        (inside.far, inside.price, inside.suspends) = (true, Some(price), true);
    }

    pub fn prepared(&self) -> u32 {
        self.inside().prepared
    }

    /// What the provider says of every node from now on.
    pub fn say(&self, notice: &str) {
        self.inside().notice = Some(notice.to_owned());
    }

    /// A node with our mark that nobody asked for.
    pub fn stray(&self, key: &str) {
        let key: Key = serde_json::from_value(key.into()).unwrap();
        let node = Node { key: key.clone(), stopped: false, run: None, supervisors: Vec::new() };
        self.inside().nodes.insert(format!("node-{key}"), node);
    }

    /// A second node with the key of the one a session has, as a creation that was sent twice leaves.
    pub fn twin(&self, of: u32, name: &str) {
        let mut inside = self.inside();
        let mine = |n: &&Node| n.key.as_str().split('-').nth(1) == Some(&of.to_string());
        let key = inside.nodes.values().find(mine).unwrap().key.clone();
        inside
            .nodes
            .insert(name.to_owned(), Node { key, stopped: false, run: None, supervisors: Vec::new() });
    }

    pub fn refuse_stops(&self, times: u32) {
        self.inside().refuse_stops = times;
    }

    pub fn unreachable(&self, yes: bool) {
        self.inside().unreachable = yes;
    }

    /// A provider with a bug: so many calls of `ensure` or `open` panic.
    pub fn panic_in(&self, verb: &'static str, times: u32) {
        self.inside().panics.insert(verb, times);
    }

    /// Calls that are still to panic.
    pub fn panics_left(&self, verb: &str) -> u32 {
        self.inside().panics.get(verb).copied().unwrap_or_default()
    }

    fn perhaps_panic(&self, verb: &str) {
        let left =
            self.inside().panics.get_mut(verb).map(|left| std::mem::replace(left, left.saturating_sub(1)));
        assert!(left.is_none_or(|left| left == 0), "a bug in `{verb}`");
    }

    /// The next link is held back at the gate until that is opened.
    pub fn gate(&self) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        self.inside().gate = Some(Arc::clone(&gate));
        gate
    }

    pub fn calls(&self) -> Vec<String> {
        self.inside().calls.clone()
    }

    pub fn names(&self) -> Vec<String> {
        self.inside().nodes.keys().cloned().collect()
    }

    /// The newest supervisor anywhere.
    pub fn supervisor(&self, of: u32) -> Option<Supervisor> {
        let inside = self.inside();
        let mine = |n: &&Node| n.key.as_str().split('-').nth(1) == Some(&of.to_string());
        inside.nodes.values().filter(mine).filter_map(|n| n.supervisors.last()).next_back().cloned()
    }

    /// Everything on the node and the node itself are gone at once.
    pub fn vanish(&self, of: u32) {
        let mut inside = self.inside();
        let name =
            inside.nodes.iter().find(|(_, n)| n.key.as_str().split('-').nth(1) == Some(&of.to_string()));
        let name = name.unwrap().0.clone();
        let node = inside.nodes.remove(&name).unwrap();
        node.supervisors.iter().for_each(Supervisor::kill);
    }

    /// It stops by itself, as codespaces do.
    pub fn stop_by_itself(&self, of: u32) {
        let mut inside = self.inside();
        let mine = |n: &&mut Node| n.key.as_str().split('-').nth(1) == Some(&of.to_string());
        let node = inside.nodes.values_mut().find(mine).unwrap();
        node.stopped = true;
        node.supervisors.iter().for_each(Supervisor::kill);
    }
}

#[async_trait]
impl Provider for Nodes {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn caps(&self) -> Caps {
        Caps { suspend: self.inside().suspends, max_lifetime: None, survives_restart: true }
    }

    async fn preflight(&self, _: &Spec) -> Result<(), NodeError> {
        Ok(())
    }

    async fn ensure(&self, key: &Key, _: &Spec) -> Result<NodeRef, NodeError> {
        self.perhaps_panic("ensure");
        let mut inside = self.inside();
        inside.calls.push(format!("ensure {}", incarnation(key)));
        let error = inside.ensure.pop_front();
        let name = format!("node-{key}");
        if error.as_ref().is_none_or(|e| matches!(e, NodeError::Ambiguous(_))) {
            let node = Node { key: key.clone(), stopped: false, run: None, supervisors: Vec::new() };
            inside.nodes.entry(name.clone()).or_insert(node);
        }
        error.map_or(Ok(NodeRef { name }), Err)
    }

    async fn inspect(&self, node: &NodeRef) -> Result<Condition, NodeError> {
        let inside = self.inside();
        Ok(match inside.nodes.get(&node.name) {
            None => Condition::Gone,
            Some(node) if node.stopped => Condition::Stopped,
            Some(_) => Condition::Ready,
        })
    }

    async fn start(&self, node: &NodeRef) -> Result<(), NodeError> {
        let mut inside = self.inside();
        inside.calls.push("start".into());
        inside.nodes.get_mut(&node.name).ok_or(NodeError::Gone)?.stopped = false;
        Ok(())
    }

    async fn stop(&self, node: &NodeRef) -> Result<(), NodeError> {
        let mut inside = self.inside();
        inside.calls.push("stop".into());
        if inside.refuse_stops > 0 {
            inside.refuse_stops -= 1;
            return Err(NodeError::Transient { why: "busy".into(), retry_after: None });
        }
        inside.nodes.get_mut(&node.name).ok_or(NodeError::Gone)?.stopped = true;
        Ok(())
    }

    async fn destroy(&self, node: &NodeRef) -> Result<(), NodeError> {
        let mut inside = self.inside();
        let key = inside.nodes.get(&node.name).map(|n| incarnation(&n.key)).unwrap_or_default();
        inside.calls.push(format!("destroy {key}"));
        if let Some(node) = inside.nodes.remove(&node.name) {
            let alive = node.supervisors.iter().filter(|s| !s.is_gone()).count();
            assert_eq!(alive, 0, "a node was destroyed under a supervisor");
        }
        Ok(())
    }

    async fn list_owned(&self, _: &str) -> Result<Vec<Owned>, NodeError> {
        let inside = self.inside();
        let owned = |(name, node): (&String, &Node)| Owned {
            node: NodeRef { name: name.clone() },
            key: node.key.clone(),
            created_at: None,
        };
        Ok(inside.nodes.iter().map(owned).collect())
    }

    fn is_far(&self) -> bool {
        self.inside().far
    }

    async fn prepare(&self, _: &NodeRef) -> Result<(), NodeError> {
        self.inside().prepared += 1;
        Ok(())
    }

    async fn notice(&self, _: &NodeRef) -> Result<Option<String>, NodeError> {
        Ok(self.inside().notice.clone())
    }

    fn price(&self, _: &NodeRef) -> Option<Price> {
        self.inside().price
    }

    async fn link(&self, node: &NodeRef) -> Result<Box<dyn Link>, NodeError> {
        if self.inside().unreachable {
            return Err(NodeError::Transient { why: "no route".into(), retry_after: None });
        }
        Ok(Box::new(Wire { nodes: self.clone(), name: node.name.clone() }))
    }
}

fn incarnation(key: &Key) -> String {
    key.as_str().split_once('-').unwrap().1.to_owned()
}

struct Wire {
    nodes: Nodes,
    name: String,
}

#[async_trait]
impl Link for Wire {
    fn home(&self) -> &Path {
        Path::new("/nodes/one")
    }

    async fn put(&self, bytes: &[u8], path: &Path, mode: u32) -> Result<(), NodeError> {
        assert_eq!((path, mode), (Path::new("run.json"), 0o600));
        let run: Run = serde_json::from_slice(bytes).unwrap();
        let mut inside = self.nodes.inside();
        let node = inside.nodes.get_mut(&self.name).ok_or(NodeError::Gone)?;
        node.run = Some(run);
        Ok(())
    }

    async fn exec(&self, argv: &[String], _: Duration) -> Result<Output, NodeError> {
        assert_eq!(argv[1..], ["supervise", "--home", "/nodes/one", "--detach"]);
        let mut inside = self.nodes.inside();
        if inside.refuse_starts > 0 {
            inside.refuse_starts -= 1;
            return Ok(Output { code: Some(1), stdout: Vec::new(), stderr: b"no room\n".to_vec() });
        }
        let node = inside.nodes.get_mut(&self.name).ok_or(NodeError::Gone)?;
        if node.stopped {
            return Err(NodeError::Transient { why: "it is stopped".into(), retry_after: None });
        }
        let run = node.run.clone().expect("a supervisor was started without its run.json");
        let alive = node.supervisors.iter().find(|s| !s.is_gone());
        if let Some(alive) = alive {
            assert_eq!(alive.run().attempt, run.attempt, "two attempts at once");
        } else if let Some(known) = node.supervisors.iter().position(|s| s.run().attempt == run.attempt) {
            let again = node.supervisors.remove(known).again();
            node.supervisors.push(again);
        } else {
            node.supervisors.push(Supervisor::start(run));
        }
        Ok(Output { code: Some(0), stdout: Vec::new(), stderr: Vec::new() })
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        self.nodes.perhaps_panic("open");
        let gate = self.nodes.inside().gate.take();
        if let Some(gate) = gate {
            gate.waiting.fetch_add(1, Ordering::SeqCst);
            gate.open.notified().await;
        }
        let inside = self.nodes.inside();
        let node = inside.nodes.get(&self.name).ok_or(NodeError::Gone)?;
        let alive = node.supervisors.iter().find(|s| !s.is_gone() && !node.stopped);
        match alive {
            Some(supervisor) => Ok(Box::new(supervisor.connect())),
            None => Err(NodeError::Transient { why: "nobody listens".into(), retry_after: None }),
        }
    }
}
