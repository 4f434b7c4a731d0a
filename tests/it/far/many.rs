//! Forty links at once through one sshd that takes ten at its door: none is refused.

use futures_util::future::join_all;

use super::world::{INSIDE, World, exec};

const MANY: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_links_come_back_at_once_and_none_is_refused() {
    let Some(world) = World::new("forty links").await else { return };
    let key = world.ssh.key().await.unwrap();
    let links: Vec<_> =
        (0..MANY).map(|n| world.ssh.link(world.target(&format!("fox-{n}"), &key, INSIDE)).unwrap()).collect();
    let one = async |n: usize| exec(&links[n], &["true"]).await.is_ok_and(|output| output.code == Some(0));
    let refused = async || join_all((0..MANY).map(&one)).await.into_iter().filter(|came| !came).count();
    assert_eq!(refused().await, 0, "the first time");
    world.codespaces().cut(&world.name);
    // Those that have not noticed yet fail once; a relay would attach again.
    join_all((0..MANY).map(&one)).await;
    crate::figures::none("ssh.reconnect40.refused", refused().await as u64);
}
