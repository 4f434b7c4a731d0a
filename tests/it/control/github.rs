//! Pull requests through the real `github` room against the local forge, whatever its answers.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use devtask::control::forge::OnGitHub;
use devtask::domain::report::{Ending, Pushed};
use devtask::domain::session::Status;
use devtask::github;
use devtask::wire::api::Control;
use devtask::workbench::forge::{Fault, Forge, Scope, What};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::world::{World, ana, create, finished, settings};

const PULLS: &str = "/api/v3/repos/acme/shop/pulls";

pub(super) struct Bench {
    pub world: World,
    pub forge: Forge,
    pub dir: TempDir,
}

fn git(at: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(at).args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@localhost",
        "-c",
        "commit.gpgsign=false",
    ]);
    let out = command.env("GIT_CONFIG_GLOBAL", "/dev/null").args(args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A forge with `acme/shop`, where the branch of [`finished`] has been pushed.
pub(super) async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed");
    std::fs::create_dir(&seed).unwrap();
    git(&seed, &["init", "--quiet", "--initial-branch=main", "."]);
    git(&seed, &["commit", "--quiet", "--allow-empty", "-m", "start"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
    forge.create_repo("acme", "shop", Some(&seed)).await.unwrap();
    std::fs::write(seed.join("basket"), "sorted\n").unwrap();
    git(&seed, &["add", "--", "basket"]);
    git(&seed, &["commit", "--quiet", "-m", "sort"]);
    let bare = forge.repo_dir("acme", "shop").unwrap();
    git(&seed, &["push", "--quiet", &bare.to_string_lossy(), "HEAD:refs/heads/devtask/1-sort"]);
    let token = forge.token("acme", Scope::FULL).await.unwrap();
    let at = github::Settings {
        api_url: forge.api_url(),
        git_base_url: forge.url().to_owned(),
        token: Some(token),
        client_id: Some("Iv1.abc".to_owned()),
        timeout_s: 2,
        ..github::Settings::default()
    };
    let clock = devtask::clock::Clock::system();
    let on_github = Arc::new(OnGitHub::new(at, clock).unwrap());
    let mut settings = settings();
    settings.machine.links = Some(dir.path().join("links"));
    let world = World::on(settings, Some(on_github)).await;
    Bench { world, forge, dir }
}

pub(super) fn pushed() -> Ending {
    let Ending::Finished { pushed: Some(pushed), evidence, summary } = finished() else { unreachable!() };
    Ending::Finished { pushed: Some(Pushed { branch: "devtask/1-sort".into(), ..pushed }), evidence, summary }
}

/// The failure, or how the session stands after its first try.
async fn after(fault: Fault) -> String {
    let bench = bench().await;
    bench.forge.fault(fault);
    bench.world.running().await.end(pushed());
    bench.world.until(1, "tried", |r| r.session.publish.tries == 1 || r.session.status.is_settled()).await;
    let view = bench.world.show(1).await;
    let first = view.failure.unwrap_or_else(|| view.status.name().to_owned());
    if view.status == Status::Running {
        bench.world.turn(600);
        bench.world.until_status(1, Status::Done).await;
    }
    let pulls = bench.forge.pulls().await.unwrap().len();
    format!("{first} → {} with {pulls}", bench.world.status(1).await.name())
}

#[tokio::test]
async fn a_finished_session_becomes_a_pull_request_on_the_forge() {
    let bench = bench().await;
    bench.world.running().await.end(pushed());
    bench.world.until_status(1, Status::Done).await;
    let pulls = bench.forge.pulls().await.unwrap();
    assert_eq!(pulls.len(), 1);
    let pull = bench.world.show(1).await.pull_request.unwrap();
    assert_eq!((pull.number, pull.url), (1, format!("{}/acme/shop/pull/1", bench.forge.url())));
    let credential = bench.world.supervisor(1).run().remote;
    assert!(credential.needs_credential && credential.url.ends_with("/acme/shop.git"));
}

#[tokio::test]
async fn an_address_of_the_forge_is_its_repository_and_an_unknown_one_is_refused() {
    let bench = bench().await;
    let local = &bench.world.local;
    let mut new = create("one");
    new.repo = format!("{}/acme/shop.git", bench.forge.url());
    assert_eq!(local.create(&ana(), new, None).await.unwrap().repo, "acme/shop");
    let mut new = create("two");
    new.repo = "acme/ship".into();
    let refused = local.create(&ana(), new, None).await.unwrap_err();
    assert_eq!(refused.message, "there is no repository `acme/ship`, or DevTask may not see it");
}

#[tokio::test]
async fn what_the_forge_answers_decides_whether_it_is_tried_again() {
    let mut lines = Vec::new();
    for status in [401, 403, 422, 500] {
        lines.push(format!("{status}: {}", after(Fault::status("POST", PULLS, status)).await));
    }
    lines.push(format!("hang: {}", after(Fault::new("POST", PULLS, What::Hang)).await));
    lines.push(format!("made, no answer: {}", after(Fault::new("POST", PULLS, What::Drop).after()).await));
    insta::assert_snapshot!(lines.join("\n"), @"
    401: GitHub refused the token, so DevTask may not open pull requests in `acme/shop`; set a valid one under `github` → failed with 0
    403: the token may not open pull requests in `acme/shop`; it needs contents and pull_requests: write (GitHub says: Resource not accessible by personal access token) → failed with 0
    422: GitHub declined to open pull requests in `acme/shop`: Validation Failed → failed with 0
    500: could not open pull requests in `acme/shop`: GitHub has a problem of its own (500) → done with 1
    hang: it is not known whether it worked to open pull requests in `acme/shop` → done with 1
    made, no answer: done → done with 1
    ");
}
