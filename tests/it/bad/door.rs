//! What is refused before there is a session, as an API's caller and as a person at the terminal reads it.

use devtask::domain::session::Status;
use devtask::wire::api::{Code, Control, Create};
use insta::assert_snapshot;
use serde_json::json;

use super::house::{House, git, refusal};
use crate::desk::ana;

#[tokio::test]
async fn what_cannot_become_a_session_is_refused_at_the_door() {
    let house = House::open().await;
    let refused = async |fields| house.plain(&refusal(house.create(fields).await));
    assert_snapshot!(refused(json!({ "brief": " \n\t " })).await, @"invalid | the brief is empty; say what should be different when the session is done");
    assert_snapshot!(refused(json!({ "brief": "x".repeat(100_000) })).await, @"invalid | the brief has 100000 characters and 50000 is the limit; put the rest into a file of the repository and name it");
    assert_snapshot!(refused(json!({ "repo": "acme/nothing" })).await, @"
    invalid | there is no repository `acme/nothing`, or DevTask may not see it
        hint: check the spelling, and that DevTask's token may see the repository
    ");
    assert_snapshot!(refused(json!({ "repo": "../../etc" })).await, @"invalid | `../../etc` names no repository; say `owner/name`, a GitHub address or an absolute path");
    assert_snapshot!(refused(json!({ "repo": house.path("nowhere") })).await, @"
    invalid | there is no folder `<dir>/nowhere` where DevTask runs, or it may not look into it
        hint: give a path on the server's machine, or `owner/name` on the forge
    ");
    assert_snapshot!(refused(json!({ "repo": house.path("data") })).await, @"
    invalid | `<dir>/data` is no git repository
        hint: give the folder that holds `.git`
    ");
    assert_snapshot!(refused(json!({ "repo": house.path("devtask.toml") })).await, @"
    invalid | there is no folder `<dir>/devtask.toml` where DevTask runs, or it may not look into it
        hint: give a path on the server's machine, or `owner/name` on the forge
    ");
    std::fs::create_dir_all(house.path("hollow/.git/objects")).unwrap();
    assert_snapshot!(refused(json!({ "repo": house.path("hollow") })).await, @"
    invalid | `<dir>/hollow` is no git repository
        hint: give the folder that holds `.git`
    ");
    assert_snapshot!(refused(json!({ "base": "--upload-pack=x" })).await, @"invalid | `--upload-pack=x` is no branch name");
    assert_snapshot!(refused(json!({ "agent": "gpt" })).await, @"
    invalid | there is no agent `gpt`
        hint: known: claude, scripted
    ");
    assert_snapshot!(refused(json!({ "provider": "moon" })).await, @"
    invalid | there is no provider `moon`
        hint: known: codespaces, local
    ");
    assert_snapshot!(refused(json!({ "model": "a b" })).await, @"invalid | `a b` is no name of a model or an effort");
    assert_snapshot!(refused(json!({ "labels": ["\n"] })).await, @"invalid | `` is no label; one has 1 to 100 printable characters");
    let bad_check = json!({ "goal": "x", "checks": ["make\nrm -rf /"] });
    assert_snapshot!(refused(json!({ "brief": bad_check })).await, @"invalid | a check command spans several lines or is empty; give one command a line");
    let pipe = json!({ "goal": "x", "checks": ["npm test | tee log"] });
    assert_snapshot!(refused(json!({ "brief": pipe })).await, @"invalid | a check of the brief cannot be run: `npm test | tee log` uses the shell's `|`; write it into a script, or say `sh -c '…'`");
    assert!(house.remote.list(devtask::wire::api::Filter::default()).await.unwrap().sessions.is_empty());
    house.still_works().await;
}

#[tokio::test]
async fn the_terminal_says_it_too() {
    let house = House::open().await;
    let create = async |words: &[&str]| house.types(&[&["create"], words].concat()).await;
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", ""]).await, @"
    ! error: the brief is empty; say what should be different when the session is done
    exit 2
    ");
    std::fs::write(house.path("long.md"), "x".repeat(100_000)).unwrap();
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", "@long.md"]).await, @"
    ! error: the brief has 100000 characters and 50000 is the limit; put the rest into a file of the repository and name it
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", "@none.md"]).await, @"
    ! error: `none.md` cannot be read: No such file or directory (os error 2)
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", "-"]).await, @"
    ! error: the brief is empty; say what should be different when the session is done
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "acme/nothing", "--brief", "x"]).await, @"
    ! error: there is no repository `acme/nothing`, or DevTask may not see it
    ! hint: check the spelling, and that DevTask's token may see the repository
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "./nowhere", "--brief", "x"]).await, @"
    ! error: there is no folder `./nowhere`, and it is no `owner/name` either
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "nowhere", "--brief", "x"]).await, @"
    ! error: there is no folder `nowhere`, and it is no `owner/name` either
    exit 2
    ");
    assert_snapshot!(create(&["--brief", "x"]).await, @"
    ! error: `<dir>` is no git repository
    ! hint: give the folder that holds `.git`
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "./devtask.toml", "--brief", "x"]).await, @"
    ! error: there is no folder `<dir>/devtask.toml` where DevTask runs, or it may not look into it
    ! hint: give a path on the server's machine, or `owner/name` on the forge
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", "x", "--agent", "gpt"]).await, @"
    ! error: there is no agent `gpt`
    ! hint: known: claude, scripted
    exit 2
    ");
    assert_snapshot!(create(&["--repo", "acme/greet", "--brief", "x", "--check", "npm test && rm x"]).await, @"
    ! error: a check of the brief cannot be run: `npm test && rm x` uses the shell's `&`; write it into a script, or say `sh -c '…'`
    exit 2
    ");
    std::fs::create_dir(house.path("greet/deep")).unwrap();
    // Somewhere inside a repository is as good as its top.
    let made = create(&["--repo", "./greet/deep", "--brief", "x", "--json"]).await;
    assert!(made.contains(&format!("\"repo\":\"{}\"", "<dir>/greet")), "{made}");
    assert_eq!(git(&house.path("greet"), &["status", "--porcelain"]), "");
    house.still_works().await;
}

#[tokio::test]
async fn one_key_is_one_request() {
    let house = House::open().await;
    let new: Create = serde_json::from_value(json!({ "brief": "Greet", "repo": "acme/greet" })).unwrap();
    let first = house.remote.create(&ana(), new.clone(), Some("k1")).await.unwrap();
    let again = house.remote.create(&ana(), new.clone(), Some("k1")).await.unwrap();
    assert_eq!(first.id, again.id);
    let other = Create { labels: vec!["other".to_owned()], ..new };
    let reused = house.remote.create(&ana(), other, Some("k1")).await;
    assert_eq!(reused.as_ref().unwrap_err().code, Code::KeyReused);
    assert_snapshot!(refusal(reused), @"
    key-reused | this `Idempotency-Key` was used for another request
        hint: use a new key for a new request
    ");
    let typed = ["create", "--repo", "acme/greet", "--brief", "Greet otherwise", "--idempotency-key", "k1"];
    assert_snapshot!(house.types(&typed).await, @"
    ! error: this `Idempotency-Key` was used for another request
    ! hint: use a new key for a new request
    exit 5
    ");
    assert_eq!(house.settled(first.id).await.status, Status::Done);
    house.still_works().await;
}
