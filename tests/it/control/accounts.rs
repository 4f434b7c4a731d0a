//! People link their accounts on the local forge, and what their sessions publish is theirs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devtask::control::links::Links;
use devtask::domain::Actor;
use devtask::domain::session::Status;
use devtask::node::codespaces::Accounts;
use devtask::wire::account::{AccountView, Link};
use devtask::wire::api::{Code, Control};
use devtask::workbench::forge::{Access, Scope};
use secrecy::ExposeSecret;

use super::github::{Bench, bench, pushed};
use super::world::{ana, create, id};

fn bo() -> Actor {
    Actor::Person("slack/U0BO".into())
}

/// Of a bench whose device flow is quick.
async fn quick() -> Bench {
    let bench = bench().await;
    bench.forge.device_settings(|s| s.interval = 0);
    bench.forge.grant("acme", "shop", "ana", Access::Write).await.unwrap();
    bench
}

impl Bench {
    async fn code(&self, of: &Actor) -> String {
        match self.world.local.link(of, Link::default()).await.unwrap() {
            AccountView::Waiting { user_code, verification_uri, .. } => {
                assert_eq!(verification_uri, format!("{}/login/device", self.forge.url()));
                user_code
            }
            other => panic!("{other:?}"),
        }
    }

    async fn account(&self, of: &Actor) -> AccountView {
        self.world.local.account(of).await.unwrap()
    }

    async fn decided(&self, of: &Actor) -> AccountView {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.account(of).await {
                AccountView::Waiting { .. } => assert!(Instant::now() < deadline, "nothing was decided"),
                view => return view,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn linked(&self, of: &Actor, login: &str) {
        let code = self.code(of).await;
        assert!(self.forge.approve_device(&code, login));
        let view = self.decided(of).await;
        assert!(matches!(&view, AccountView::Linked { login: l, .. } if l == login), "{view:?}");
    }

    fn links(&self) -> PathBuf {
        self.dir.path().join("links")
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.links()) else { return Vec::new() };
        files.map(|f| f.unwrap().path()).collect()
    }

    /// What the session's agent would push with.
    async fn credential(&self, number: u32) -> String {
        let supervisor = self.world.supervisor(number);
        let before = supervisor.credentials().len();
        supervisor.ask_credential();
        self.world.until_so("a credential", || supervisor.credentials().len() > before).await;
        supervisor.credentials().pop().unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn who_is_linked_pushes_and_publishes_in_their_own_name_and_nobody_else_does() {
    let bench = quick().await;
    let code = bench.code(&ana()).await;
    assert_eq!(bench.code(&ana()).await, code, "the same one until it is typed");
    assert!(Links::new(bench.world.store.clone()).accounts().await.unwrap().is_empty());
    assert!(bench.forge.approve_device(&code, "ana"));
    let AccountView::Linked { login, .. } = bench.decided(&ana()).await else { panic!("not linked") };
    assert_eq!(login, "ana");
    let accounts = Links::new(bench.world.store.clone()).accounts().await.unwrap();
    assert_eq!((&accounts[0].person, accounts[0].login.as_str()), (&ana(), "ana"), "providers know at once");

    let [file] = bench.files().try_into().unwrap();
    assert_eq!(accounts[0].token_file, file);
    assert_eq!((mode(&file), mode(&bench.links())), (0o600, 0o700));
    let token = std::fs::read_to_string(&file).unwrap();
    bench.world.running().await;
    assert!(bench.credential(1).await.ends_with(&token));
    bench.world.local.create(&bo(), create("two"), None).await.unwrap();
    bench.world.until_status(2, Status::Running).await;
    assert!(!bench.credential(2).await.ends_with(&token), "it is DevTask's own");

    bench.world.supervisor(1).end(pushed());
    bench.world.until_status(1, Status::Done).await;
    assert_eq!(bench.forge.pulls().await.unwrap()[0].author, "ana");
    let said = format!("{:?}{}", bench.world.row(1).await, bench.world.log(1).await);
    assert!(!said.contains(&token), "a token lies in its file and nowhere else");
}

#[tokio::test]
async fn without_a_link_it_is_devtask_who_publishes() {
    let bench = quick().await;
    bench.world.running().await.end(pushed());
    bench.world.until_status(1, Status::Done).await;
    assert_eq!(bench.forge.pulls().await.unwrap()[0].author, "acme");
}

#[tokio::test]
async fn who_says_no_or_nothing_is_told_and_may_begin_again() {
    let bench = quick().await;
    let code = bench.code(&ana()).await;
    assert!(bench.forge.deny_device(&code));
    let refused = |why: &str| AccountView::Refused { why: why.to_owned() };
    assert_eq!(bench.decided(&ana()).await, refused("you refused it at the forge"));
    bench.forge.device_settings(|s| s.expires_in = 0);
    assert_ne!(bench.code(&ana()).await, code);
    assert_eq!(bench.decided(&ana()).await, refused("the code was not typed in time"));
    bench.forge.device_settings(|s| s.expires_in = 900);
    bench.linked(&ana(), "ana").await;
    assert_eq!(bench.account(&bo()).await, AccountView::Unlinked, "each for themselves");
}

#[tokio::test]
async fn a_new_link_takes_the_place_of_the_old_one_and_none_leaves_nothing() {
    let mut bench = quick().await;
    bench.linked(&bo(), "bo").await;
    let [first] = bench.files().try_into().unwrap();
    bench.linked(&bo(), "bo-the-second").await;
    let [second] = bench.files().try_into().unwrap();
    assert_ne!(first, second);
    bench.world.restart().await;
    let view = bench.account(&bo()).await;
    assert!(matches!(&view, AccountView::Linked { login, .. } if login == "bo-the-second"), "{view:?}");
    assert_eq!(bench.world.local.unlink(&bo()).await.unwrap(), AccountView::Unlinked);
    assert!(bench.files().is_empty());
    let waits = bench.code(&bo()).await;
    assert_eq!(bench.world.local.unlink(&bo()).await.unwrap(), AccountView::Unlinked);
    bench.forge.approve_device(&waits, "bo");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(
        bench.account(&bo()).await,
        AccountView::Unlinked,
        "who takes it back is not linked after all"
    );
}

#[tokio::test]
async fn a_file_of_ones_own_is_read_each_time_and_stays() {
    let bench = quick().await;
    let file = bench.dir.path().join("ana.token");
    let token = bench.forge.token("ana", Scope::FULL).await.unwrap();
    std::fs::write(&file, format!("{}\n", token.expose_secret())).unwrap();
    let by_file = |path: &str| Link { token_file: Some(path.to_owned()) };
    let named = file.to_string_lossy().into_owned();
    let view = bench.world.local.link(&ana(), by_file(&named)).await.unwrap();
    assert!(matches!(&view, AccountView::Linked { login, .. } if login == "ana"), "{view:?}");
    bench.world.running().await;
    assert!(bench.credential(1).await.ends_with(token.expose_secret()));
    let moved = bench.dir.path().join("away");
    std::fs::rename(&file, &moved).unwrap();
    assert!(!bench.credential(1).await.ends_with(token.expose_secret()), "DevTask's own helps out");
    std::fs::rename(&moved, &file).unwrap();
    assert!(bench.credential(1).await.ends_with(token.expose_secret()), "and it is back");
    assert_eq!(bench.world.local.unlink(&ana()).await.unwrap(), AccountView::Unlinked);
    assert!(file.exists(), "it was theirs before");
}

#[tokio::test]
async fn a_file_that_will_not_do_is_refused_with_what_is_wrong() {
    let bench = quick().await;
    let at = |name: &str| bench.dir.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("empty"), "\n").unwrap();
    std::fs::write(at("prose"), "it is in the other folder").unwrap();
    std::fs::write(at("nobody"), "ghp_nobody").unwrap();
    let mut told = Vec::new();
    for (who, file) in [
        (ana(), "relative".to_owned()),
        (ana(), at("absent")),
        (ana(), at("empty")),
        (ana(), at("prose")),
        (ana(), at("nobody")),
        (bo(), at("nobody")),
    ] {
        let refused = bench.world.local.link(&who, Link { token_file: Some(file) }).await.unwrap_err();
        assert_eq!(refused.code == Code::Forbidden, who == bo());
        told.push(refused.message.replace(&*bench.dir.path().to_string_lossy(), "/home/ana"));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    `relative` is no absolute path
    `/home/ana/absent` cannot be read: No such file or directory (os error 2)
    `/home/ana/empty` holds no token
    `/home/ana/prose` holds no token
    `/home/ana/nobody` holds a token that the forge does not take
    only people of the server's machine name files on it
    ");
    assert_eq!(bench.account(&ana()).await, AccountView::Unlinked);
    assert!(bench.world.store.row(id(1)).await.unwrap().is_none());
}
