//! The room's own rules, without a network. Its behaviour against a forge is in `tests/it/forge.rs`.

use secrecy::{ExposeSecret, SecretString};

use super::{GitHub, Settings, remote_url};

fn settings(text: &str) -> Result<Settings, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn settings_default_to_github_and_refuse_what_they_do_not_know() {
    let found = settings("").unwrap();
    assert_eq!(found.api_url, "https://api.github.com");
    assert_eq!(remote_url(&found, "acme", "app").unwrap(), "https://github.com/acme/app.git");
    assert!(settings("tokn = 'x'").is_err());
}

#[tokio::test]
async fn a_token_comes_from_one_place_and_is_never_shown() {
    let mut given = settings("token = ' s3cret\\n '".replace("\\n", "").as_str()).unwrap();
    let github = GitHub::new(&given).unwrap();
    assert_eq!(github.credential().unwrap().expose_secret(), "x-access-token:s3cret");
    assert!(!format!("{github:?} {given:?}").contains("s3cret"));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "from-file\n").unwrap();
    given.token_file = Some(path);
    insta::assert_snapshot!(GitHub::new(&given).unwrap_err(), @"GitHub's settings: give only one of `token`, `token_file` and `token_env`");
    given.token = None;
    let github = GitHub::new(&given).unwrap();
    assert_eq!(github.credential().unwrap().expose_secret(), "x-access-token:from-file");
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_refused_without_being_repeated() {
    let given = Settings { token: Some(SecretString::from("one\ntwo")), ..Settings::default() };
    let error = GitHub::new(&given).unwrap_err();
    insta::assert_snapshot!(error.sentence(), @"the settings under `github` cannot be used: the token holds characters no token has");
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_at_the_door() {
    for url in [
        "",
        "github.com",
        "ftp://github.com",
        "https://",
        "https://u:p@github.com",
        "https://a b",
        "https://h/?q",
    ] {
        let given = Settings { api_url: url.into(), ..Settings::default() };
        assert!(GitHub::new(&given).is_err(), "{url}");
    }
    for seconds in [0, 601] {
        assert!(GitHub::new(&Settings { timeout_s: seconds, ..Settings::default() }).is_err());
    }
}

#[tokio::test]
async fn no_name_reaches_a_route_that_could_change_it() {
    let github =
        GitHub::new(&Settings { api_url: "http://127.0.0.1:1".into(), ..Settings::default() }).unwrap();
    for (owner, name) in
        [("..", "x"), ("a/b", "x"), ("a", "../x"), ("a", ".."), ("a", "x?y"), ("", "x"), ("a", "")]
    {
        let error = github.repo(owner, name).await.unwrap_err();
        assert!(matches!(error, super::GitHubError::BadName { .. }), "{owner} {name}: {error}");
        assert!(remote_url(&Settings::default(), owner, name).is_err());
    }
    for branch in ["", "-x", "a b", "a..b", "a:b", "x\n"] {
        let error = github.find_pull("acme", "app", branch).await.unwrap_err();
        assert!(matches!(error, super::GitHubError::BadName { .. }), "{branch}: {error}");
    }
    assert!(remote_url(&Settings::default(), "acme", ".github").is_ok());
}
