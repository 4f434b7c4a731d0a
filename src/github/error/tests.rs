//! Answers as GitHub gives them, and what each means for whoever asked.

use std::fmt::Write as _;

use chrono::TimeZone;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Bytes;

use super::*;
use crate::clock::Clock;

fn clock() -> Clock {
    Clock::by_hand(chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap())
}

async fn answered(verb: Verb, status: u16, headers: &[(&str, &str)], body: &str) -> GitHubError {
    let act = Act { verb, at: "acme/app".into() };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {}).boxed();
    let error = octocrab::map_github_error(response.body(body).unwrap()).await.unwrap_err();
    classify(&act, &error, &clock())
}

/// Name, act, status, header fields and text.
type Case = (&'static str, Verb, u16, &'static [(&'static str, &'static str)], String);

#[tokio::test]
async fn each_answer_of_the_codespaces_routes_leads_to_its_own_deed() {
    use Verb::{CreateCodespace as Create, DeleteCodespace as Delete, ListCodespaces as List};
    use Verb::{ReadMachines as Machines, StartCodespace as Start};
    let says = |text: &str| format!("{{\"message\":\"{text}\"}}");
    let cases: [Case; 21] = [
        ("a bad token", List, 401, &[], says("Bad credentials")),
        (
            "a token without the scope",
            List,
            403,
            &[("x-accepted-oauth-scopes", "codespace"), ("x-oauth-scopes", "repo, user")],
            says("Forbidden"),
        ),
        (
            "the same, hidden",
            Create,
            404,
            &[("x-accepted-oauth-scopes", "codespace, codespace:all"), ("x-oauth-scopes", "")],
            says("Not Found"),
        ),
        (
            "a wider scope",
            Start,
            404,
            &[("x-accepted-oauth-scopes", "codespace:secrets"), ("x-oauth-scopes", "codespace")],
            says("Not Found"),
        ),
        ("a fine-grained token", Create, 403, &[], says("Resource not accessible by personal access token")),
        (
            "single sign-on",
            List,
            403,
            &[("x-github-sso", "required; url=https://example.org")],
            says("Resource protected by organization SAML enforcement."),
        ),
        ("a policy", Create, 403, &[], says("Codespaces is disabled for this repository")),
        (
            "a machine that is not allowed",
            Create,
            400,
            &[],
            says("The machine type is not allowed by your organization's policy"),
        ),
        ("no ref of that name", Create, 422, &[], says("Validation Failed")),
        (
            "too many running",
            Create,
            503,
            &[],
            says("You have too many codespaces running. Please stop some and try again."),
        ),
        (
            "too many at all",
            Create,
            400,
            &[("retry-after", "90")],
            says("You have reached the maximum number of codespaces."),
        ),
        ("unpaid", Start, 402, &[], says("Payment required")),
        (
            "unpaid, in other words",
            Create,
            403,
            &[],
            says("You're at 100% of your included usage for this billing period."),
        ),
        ("busy", Start, 409, &[], says("Conflict")),
        (
            "a pending operation",
            Start,
            422,
            &[("retry-after", "20")],
            says("This codespace has a pending operation"),
        ),
        ("out of order, creating", Create, 503, &[("retry-after", "30")], says("Service unavailable")),
        ("out of order, starting", Start, 503, &[("retry-after", "30")], "<html>bad gateway</html>".into()),
        (
            "the secondary limit",
            Create,
            403,
            &[("retry-after", "60")],
            says("You have exceeded a secondary rate limit for codespaces."),
        ),
        (
            "the hour is used up",
            Machines,
            403,
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1772370000")],
            says("API rate limit exceeded"),
        ),
        ("gone", Start, 404, &[], says("Not Found")),
        ("renamed", Delete, 307, &[("location", "https://api.example.org/x")], says("Moved Permanently")),
    ];
    let mut told = String::new();
    for (case, verb, status, headers, body) in cases {
        let error = answered(verb, status, headers, &body).await;
        writeln!(told, "{case}: {:?}\n  {}", error.class(), error.sentence()).unwrap();
    }
    insta::assert_snapshot!("codespaces", told);
}

#[tokio::test]
async fn what_the_other_routes_say_keeps_its_meaning() {
    let scopes = [("x-accepted-oauth-scopes", "repo"), ("x-oauth-scopes", "user")];
    let error = answered(Verb::ReadRepo, 404, &scopes, "{\"message\":\"Not Found\"}").await;
    assert!(matches!(error, GitHubError::NotFound { .. }), "{error}");
    let error = answered(Verb::OpenPull, 422, &[], "{\"message\":\"codespaces: too many\"}").await;
    assert!(matches!(error, GitHubError::Invalid { .. }), "{error}");
}

#[test]
fn only_what_cannot_be_done_twice_is_looked_for_first() {
    let lost = |verb| GitHubError::Ambiguous { act: Act::plain(verb), why: "the connection broke".into() };
    assert_eq!(lost(Verb::CreateCodespace).class(), Class::Ambiguous);
    assert_eq!(lost(Verb::OpenPull).class(), Class::Ambiguous);
    for verb in [Verb::StartCodespace, Verb::StopCodespace, Verb::DeleteCodespace, Verb::ExportCodespace] {
        assert_eq!(lost(verb).class(), Class::Transient { not_before: None });
        assert_eq!(lost(verb).retry(), Retry::AfterLooking, "and yet it is not sent again by itself");
    }
}

#[tokio::test]
async fn a_message_of_any_length_becomes_one_short_line() {
    let long = format!("{{\"message\":\"one\\ntwo \\u0007{}\"}}", "x".repeat(100_000));
    let error = answered(Verb::CreateCodespace, 400, &[], &long).await;
    let GitHubError::Invalid { message, .. } = error else { panic!("{error}") };
    assert!(message.chars().count() <= 300 && !message.contains(char::is_control), "{message}");
}
