//! The laws that need no network: which names exist, and what bodies say.

use axum::body::Bytes;
use proptest::prelude::*;

use super::{asks, disk, names};

proptest! {
    #[test]
    fn whatever_is_asked_for_lies_inside_the_folder(owner in ".{0,12}", name in "[./\\\\a-zA-Z0-9%~\u{0}-]{0,12}") {
        if let Some(key) = names::key(&owner, &name) {
            let at = disk::repo_dir("/forge".as_ref(), &key);
            let parts: Vec<_> = at.components().collect();
            prop_assert_eq!(parts.len(), 5, "{:?}", at);
            prop_assert!(at.starts_with("/forge/repos"));
            prop_assert!(parts.iter().all(|p| !matches!(p, std::path::Component::ParentDir)));
        }
    }

    #[test]
    fn any_body_is_read_or_refused(body in ".{0,200}") {
        let bytes = Bytes::from(body);
        drop((asks::new_pull(&bytes, "app"), asks::change_pull(&bytes, 1), asks::comment(&bytes)));
    }
}

#[test]
fn names_are_githubs() {
    for good in [("acme", "app"), ("a-b", ".github"), ("A1", "a.b_c-d")] {
        assert!(names::key(good.0, good.1).is_some(), "{good:?}");
    }
    for bad in [
        ("-a", "x"),
        ("a-", "x"),
        ("a--b", "x"),
        ("a_b", "x"),
        ("api", "x"),
        ("a", "x.git"),
        ("a", "."),
        ("", "x"),
    ] {
        assert!(names::key(bad.0, bad.1).is_none(), "{bad:?}");
    }
    assert_eq!(names::key("Acme", "App"), names::key("acme", "app"));
}

#[test]
fn refusals_speak_as_github_does() {
    let refused = |body: &str| {
        let refusal = asks::new_pull(&Bytes::from(body.to_owned()), "app").unwrap_err();
        format!("{} {}", refusal.status.as_u16(), refusal.message.replace('\n', "|"))
    };
    let said = [
        "nonsense",
        "[]",
        r#"{"head": "h", "base": "b"}"#,
        r#"{"title": 12, "head": "h", "base": "b"}"#,
        r#"{"title": "t", "head": "h", "base": "b", "draft": "yes"}"#,
        r#"{"title": "t", "head": "h", "base": "b", "reviewers": []}"#,
        r#"{"title": "  ", "head": "h", "base": "b"}"#,
    ];
    insta::assert_snapshot!(said.map(refused).join("\n"), @r#"
    400 Problems parsing JSON
    400 Body should be a JSON object
    422 Invalid request.||"title" wasn't supplied.
    422 Invalid request.||For 'properties/title', 12 is not a string.
    422 Invalid request.||For 'properties/draft', "yes" is not a boolean.
    422 Invalid request.||"reviewers" is not a permitted key.
    422 Validation Failed
    "#);
}

#[test]
fn a_query_is_read_strictly() {
    let asked = |pairs: &[(&str, &str)]| {
        asks::list_pulls(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    };
    assert_eq!(asked(&[("head", "acme:x")]).unwrap().head, Some(("acme".into(), "x".into())));
    assert_eq!(asked(&[("head", "x")]).unwrap().head, None, "as GitHub: no owner, no filter");
    assert!(asked(&[("state", "opened")]).is_err());
    assert!(asked(&[("heads", "acme:x")]).is_err());
    assert!(asked(&[("page", "0")]).is_err());
}
