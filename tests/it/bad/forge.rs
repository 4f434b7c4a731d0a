//! A forge that says no: to the push, to the pull request, or nothing at all.

use std::fmt::Write as _;

use devtask::domain::session::Status;
use devtask::workbench::forge::{Fault, What};
use serde_json::json;

use super::house::House;

const PULLS: &str = "/api/v3/repos/acme/greet/pulls";
const PUSH: &str = "/acme/greet.git/git-receive-pack";

#[tokio::test]
async fn a_push_that_is_refused_fails_the_session_in_the_forges_words() {
    let house = House::open().await;
    // Fence and checkpoints go through: only the branch is protected.
    house.forge.fault(Fault::new("POST", PUSH, What::RefusePush).times(1_000));
    let id = house.made(json!({})).await;
    insta::assert_snapshot!(house.failure(id, 1).await, @"the remote refused `devtask/1-make-the-greeting-polite`: pre-receive hook declined (let DevTask push such branches, or change `branch_pattern`, then run it again)");
    assert!(house.forge.pulls().await.unwrap().is_empty());
    house.forge.clear_faults();
    house.still_works().await;
}

#[tokio::test]
async fn a_no_to_the_pull_request_fails_with_its_reason_and_the_branch_stays() {
    let house = House::open().await;
    let mut table = String::new();
    for (status, message) in [
        (401, "Bad credentials"),
        (403, "Resource not accessible by personal access token"),
        (422, "No commits between main and devtask"),
        (404, "Not Found"),
    ] {
        let what = What::Status { status, message: Some(message.to_owned()) };
        house.forge.fault(Fault::new("POST", PULLS, what).times(1_000));
        let id = house.made(json!({})).await;
        writeln!(table, "{status}\n    {}", house.failure(id, 1).await).unwrap();
        let view = house.settled(id).await;
        assert!(view.branch.is_some() && view.pushed_sha.is_some(), "the work is on the remote: {view:#?}");
        house.forge.clear_faults();
    }
    insta::assert_snapshot!(table, @"
    401
        GitHub refused the token, so DevTask may not open pull requests in `acme/greet`; set a valid one under `github`
    403
        the token may not open pull requests in `acme/greet`; it needs contents and pull_requests: write (GitHub says: Resource not accessible by personal access token)
    422
        GitHub declined to open pull requests in `acme/greet`: No commits between main and devtask
    404
        could not open pull requests in `acme/greet`: it does not exist, or the token may not see it
    ");
    insta::assert_snapshot!("show_unpublished", house.shows("1").await);
    // With the forge well again, a person's word brings the work to its end.
    house.types(&["rerun", "1"]).await;
    assert_eq!(house.settled("1".parse().unwrap()).await.status, Status::Done);
    house.still_works().await;
}

#[tokio::test]
async fn a_forge_that_is_ill_or_silent_is_asked_again() {
    let house = House::open().await;
    house.forge.fault(Fault::status("POST", PULLS, 500).times(1));
    let ill = house.made(json!({})).await;
    let told = house.when(ill, "tries again", |view| view.failure.is_some()).await;
    insta::assert_snapshot!(told.failure.unwrap(), @"could not open pull requests in `acme/greet`: GitHub has a problem of its own (500)");
    let show = house.types(&["show", "1"]).await;
    assert!(show.contains("tries again in"), "{show}");
    assert_eq!(house.settled(ill).await.status, Status::Done);

    house.forge.fault(Fault::new("POST", PULLS, What::Hang).times(1));
    let silent = house.made(json!({})).await;
    let told = house.when(silent, "tries again", |view| view.failure.is_some()).await;
    insta::assert_snapshot!(told.failure.unwrap(), @"it is not known whether it worked to open pull requests in `acme/greet`");
    assert_eq!(house.settled(silent).await.status, Status::Done);
    assert_eq!(house.forge.pulls().await.unwrap().len(), 2, "each once");
}

#[tokio::test]
async fn a_forge_that_never_answers_holds_nobody_up() {
    let house = House::open().await;
    house.forge.fault(Fault::new("*", "/api/v3/*", What::Hang).times(1_000));
    insta::assert_snapshot!(house.types(&["create", "--repo", "acme/greet", "--brief", "x"]).await, @"
    ! error: could not read `acme/greet`: GitHub did not answer
    ! hint: try again in a moment
    exit 69
    ");
    assert!(house.types(&["list"]).await.contains("there is no session yet"));
    house.forge.clear_faults();
    house.still_works().await;
}
