//! From a pushed branch to exactly one pull request, whatever happens to the answers.

use devtask::github::{GitHubError, NewPull, PullState};
use devtask::workbench::forge::{Fault, What};
use futures_util::future::BoxFuture;

use super::world::{BRANCH, PULLS, World, always, commit, git, new_pull, start};

#[tokio::test]
async fn a_pushed_branch_becomes_a_pull_request_that_a_person_can_read() {
    let world = World::new().await;
    let github = world.github();
    assert_eq!(github.viewer().await.unwrap(), "ana");
    let repo = github.repo("acme", "app").await.unwrap();
    assert_eq!((repo.default_branch.as_str(), repo.push, repo.private), ("trunk", Some(true), false));
    let remote = devtask::github::remote_url(&world.settings(None), "acme", "app").unwrap();
    assert_eq!(repo.clone_url.as_deref(), Some(remote.as_str()));
    world.pushed().await;

    let published = github.publish(&new_pull(), &always).await.unwrap();

    assert_eq!((published.number, published.adopted), (1, false));
    assert_eq!(published.url, format!("{}/acme/app/pull/1", world.forge.url()));
    let comment = github.comment("acme", "app", 1, "checks are green").await.unwrap();
    assert!(comment.starts_with(&format!("{}#issuecomment-", published.url)), "{comment}");
    let answer = world.ask("GET", "/_forge/pulls", None, "").await;
    insta::assert_json_snapshot!(answer.body, { "[].url" => "[url]", "[].createdAt" => "[time]" }, @r#"
    [
      {
        "author": "ana",
        "base": "trunk",
        "baseSha": "eca51c59ae6eb152fb2118ed6c72d5212d622d46",
        "body": "It says hello.",
        "comments": [
          {
            "author": "ana",
            "body": "checks are green"
          }
        ],
        "createdAt": "[time]",
        "diff": "diff --git a/greet.txt b/greet.txt\nnew file mode 100644\nindex 0000000..ce01362\n--- /dev/null\n+++ b/greet.txt\n@@ -0,0 +1 @@\n+hello\n",
        "draft": false,
        "head": "devtask/7-greet",
        "headSha": "140febab0ebd24fba2d757cabd827b21d78ebd29",
        "number": 1,
        "repo": "acme/app",
        "state": "open",
        "title": "Greet people",
        "url": "[url]"
      }
    ]
    "#);
    assert_eq!(world.ask("GET", "/acme/app/pull/1", None, "").await.body, answer.body[0]);
}

#[tokio::test]
async fn publishing_again_updates_and_never_doubles() {
    let world = World::new().await;
    let clone = world.pushed().await;
    let github = world.github();
    github.publish(&new_pull(), &always).await.unwrap();
    std::fs::write(clone.join("greet.txt"), "hello you\n").unwrap();
    commit(&clone, "more");
    let push = ["push", "--quiet", "origin", BRANCH];
    assert!(world.git(&clone, &push, github.credential().as_ref()).await.status.success());

    let again = NewPull { title: "Greet\n  everybody".into(), body: "x".repeat(70_000), ..new_pull() };
    let published = github.publish(&again, &always).await.unwrap();

    assert_eq!((published.number, published.adopted), (1, true));
    let pull = github.find_pull("acme", "app", BRANCH).await.unwrap().unwrap();
    assert_eq!(pull.title, "Greet everybody");
    assert_eq!(pull.body.chars().count(), 65_536, "GitHub's limit");
    assert_eq!(pull.head_sha, git(&clone, &["rev-parse", "HEAD"]), "a push moves the pull request");
    assert_eq!(world.forge.calls().count("POST", PULLS), 1);

    github.publish(&again, &always).await.unwrap();
    assert_eq!(world.forge.calls().count("PATCH", &format!("{PULLS}/1")), 1, "nothing new, nothing sent");
}

#[tokio::test]
async fn an_answer_lost_after_it_was_carried_out_is_adopted() {
    for (fault, draft) in
        [(What::Drop, false), (What::Hang, true), (What::Status { status: 502, message: None }, false)]
    {
        let world = World::new().await;
        world.pushed().await;
        world.forge.fault(Fault::new("POST", PULLS, fault.clone()).after());

        let published = world.hasty().publish(&NewPull { draft, ..new_pull() }, &always).await.unwrap();

        assert_eq!((published.number, published.adopted), (1, true), "{fault:?}");
        let pulls = world.forge.pulls().await.unwrap();
        assert_eq!((pulls.len(), pulls[0].draft), (1, draft), "{fault:?}");
        assert_eq!(world.forge.calls().count("POST", PULLS), 1, "{fault:?}: never sent again blindly");
    }
}

#[tokio::test]
async fn an_answer_lost_before_anything_happened_is_unknown_and_the_next_call_opens_one() {
    let world = World::new().await;
    world.pushed().await;
    world.forge.fault(Fault::new("POST", PULLS, What::Drop));

    let error = world.github().publish(&new_pull(), &always).await.unwrap_err();
    assert!(matches!(error, GitHubError::Ambiguous { .. }), "{error}");
    assert_eq!(world.forge.calls().count("POST", PULLS), 1);

    let published = world.github().publish(&new_pull(), &always).await.unwrap();
    assert_eq!((published.number, published.adopted), (1, false));
}

#[tokio::test]
async fn where_drafts_do_not_exist_it_is_opened_ready() {
    let world = World::new().await;
    world.pushed().await;
    let message = Some("Draft pull requests are not supported in this repository.".into());
    world.forge.fault(Fault::new("POST", PULLS, What::Status { status: 422, message }));

    world.github().publish(&NewPull { draft: true, ..new_pull() }, &always).await.unwrap();

    let pulls = world.forge.pulls().await.unwrap();
    assert_eq!((pulls.len(), pulls[0].draft), (1, false));
}

#[tokio::test]
async fn racing_publishers_share_one_pull_request() {
    let world = World::new().await;
    world.pushed().await;
    let racers = (0..8).map(|_| {
        let github = world.github();
        tokio::spawn(async move { github.publish(&new_pull(), &always).await })
    });
    let mut opened = 0;
    for racer in racers.collect::<Vec<_>>() {
        let published = racer.await.unwrap().unwrap();
        assert_eq!(published.number, 1);
        opened += u32::from(!published.adopted);
    }
    assert_eq!(opened, 1);
    assert_eq!(world.forge.pulls().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_or_merged_one_stays_and_a_new_one_is_opened() {
    let world = World::new().await;
    let clone = world.pushed().await;
    let github = world.github();
    github.publish(&new_pull(), &always).await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&world.token).to_owned();
    world.ask("PATCH", &format!("{PULLS}/1"), Some(&token), r#"{"state": "closed"}"#).await;
    assert_eq!(github.find_pull("acme", "app", BRANCH).await.unwrap().unwrap().state, PullState::Closed);

    assert_eq!(github.publish(&new_pull(), &always).await.unwrap().number, 2);

    let merge = ["push", "--quiet", "origin", "HEAD:trunk"];
    assert!(world.git(&clone, &merge, github.credential().as_ref()).await.status.success());
    let found = github.find_pull("acme", "app", BRANCH).await.unwrap().unwrap();
    assert_eq!((found.number, found.state), (2, PullState::Merged));
    let error = github.publish(&new_pull(), &always).await.unwrap_err();
    insta::assert_snapshot!(error.sentence(), @"GitHub declined to open pull requests in `acme/app`: Validation Failed: No commits between trunk and devtask/7-greet");
}

#[tokio::test]
async fn a_forge_that_starts_again_knows_everything() {
    let world = World::new().await;
    world.pushed().await;
    world.github().publish(&new_pull(), &always).await.unwrap();
    let World { forge, dir, token } = world;
    let before = forge.pulls().await.unwrap();
    assert!(
        devtask::workbench::forge::Forge::start(
            &dir.path().join("forge"),
            tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
        )
        .await
        .is_err(),
        "one forge per folder"
    );
    drop(forge);

    let world = World { forge: start(dir.path()).await, dir, token };

    let after = world.forge.pulls().await.unwrap();
    assert_eq!((&after[0].title, &after[0].diff), (&before[0].title, &before[0].diff));
    assert!(world.forge.has_repo("acme", "app"));
    let published = world.github().publish(&new_pull(), &always).await.unwrap();
    assert_eq!((published.number, published.adopted), (1, true), "the token and the pull request were kept");
    let kept = std::fs::read_to_string(world.dir.path().join("forge/forge.json")).unwrap();
    assert!(!kept.contains(secrecy::ExposeSecret::expose_secret(&world.token)), "only its hash");
}

#[tokio::test]
async fn nothing_is_opened_that_is_not_wanted_any_more() {
    let world = World::new().await;
    world.pushed().await;
    let never = || -> BoxFuture<'_, bool> { Box::pin(std::future::ready(false)) };
    let error = world.github().publish(&new_pull(), &never).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unwanted { .. }), "{error}");
    assert!(world.forge.pulls().await.unwrap().is_empty());
    world.github().publish(&new_pull(), &always).await.unwrap();
    let published = world.github().publish(&new_pull(), &never).await.unwrap();
    assert!(published.adopted, "one that is there is linked all the same");
}
