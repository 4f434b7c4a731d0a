//! The one test against the real GitHub: for a person with a token and some cents, never run by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use devtask::clock::Clock;
use devtask::domain::lease::Key;
use devtask::domain::{Actor, SessionId};
use devtask::github;
use devtask::node::bootstrap::Binaries;
use devtask::node::codespaces::{Codespaces, IdentitySettings, NoAccounts, OverSsh, Settings};
use devtask::node::ssh::{self, Ssh};
use devtask::node::{Condition, NodeRef, Provider, Spec};

const PATIENCE: Duration = Duration::from_mins(10);

async fn until(provider: &Codespaces, node: &NodeRef, wanted: Condition) {
    let began = Instant::now();
    while provider.inspect(node).await.unwrap() != wanted {
        assert!(began.elapsed() < PATIENCE, "never {wanted:?}");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    eprintln!("{wanted:?} after {} s", began.elapsed().as_secs());
}

#[tokio::test]
#[ignore = "it needs a person's token and costs some cents; docs/nodes.md says how to run it"]
async fn live_codespace() {
    let told = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}: see docs/nodes.md"));
    let (token, repo) = (told("DEVTASK_LIVE_TOKEN"), told("DEVTASK_LIVE_REPO"));
    let dir = tempfile::tempdir().unwrap();
    let me = IdentitySettings { name: "me".into(), token: Some(token.into()), ..IdentitySettings::default() };
    let settings = Settings { identities: vec![me], idle_timeout_minutes: 5, ..Settings::default() };
    let ssh = Ssh::new(&dir.path().join("ssh"), ssh::Settings::default(), Clock::system()).unwrap();
    let binaries = std::env::var_os("DEVTASK_NODE_BINARIES").map(Into::into);
    let reach = Arc::new(OverSsh::new(ssh, Binaries::new(binaries)));
    let (github, instance) = (github::Settings::default(), Clock::system().random_id().simple().to_string());
    let provider =
        Codespaces::new(settings, &github, &instance, Clock::system(), Arc::new(NoAccounts), reach);
    let spec = Spec { repo: repo.parse().unwrap(), base: None, owner: Actor::Person("local/me".into()) };
    let key = Key::new(&instance, SessionId::new(1).unwrap(), 1);

    provider.preflight(&spec).await.unwrap();
    let node = provider.ensure(&key, &spec).await.unwrap();
    assert_eq!(provider.ensure(&key, &spec).await.unwrap(), node, "asked twice, made once");
    until(&provider, &node, Condition::Ready).await;
    provider.prepare(&node).await.unwrap();
    let link = provider.link(&node).await.unwrap();
    let program = link.program().unwrap().to_string_lossy().into_owned();
    let said = link.exec(&[program, "--version".to_owned()], Duration::from_mins(1)).await.unwrap();
    assert_eq!(said.code, Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    provider.stop(&node).await.unwrap();
    until(&provider, &node, Condition::Stopped).await;
    provider.start(&node).await.unwrap();
    until(&provider, &node, Condition::Ready).await;
    provider.destroy(&node).await.unwrap();
    until(&provider, &node, Condition::Gone).await;
}
