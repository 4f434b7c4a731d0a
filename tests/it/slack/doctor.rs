//! What the doctor says of a connection to Slack, and that each fault names what mends it.

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use devtask::cli::doctor;
use devtask::slack::Settings;
use devtask::slack::manifest::SCOPES;
use insta::assert_snapshot;

use crate::cli::terminal;

const BOT: &str = "xoxb-1-good";
const APP: &str = "xapp-1-good";

/// A Slack that knows two tokens; `scopes`: what it says of the bot's, `None` where it says nothing.
async fn slack(scopes: Option<String>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let auth = move |headers: HeaderMap| {
        let scopes = scopes.clone();
        async move {
            let mut says = HeaderMap::new();
            if let Some(scopes) = scopes {
                says.insert("x-oauth-scopes", scopes.parse().unwrap());
            }
            (says, answer(&headers, BOT, r#"{"ok":true,"user":"devtask","team":"Acme","team_id":"T1"}"#))
        }
    };
    let open = |headers: HeaderMap| async move {
        answer(&headers, APP, r#"{"ok":true,"url":"wss://example.com/link"}"#)
    };
    let routes =
        Router::new().route("/api/auth.test", post(auth)).route("/api/apps.connections.open", post(open));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn answer(headers: &HeaderMap, token: &str, body: &str) -> String {
    let shown = headers.get("authorization").unwrap().to_str().unwrap();
    if shown == format!("Bearer {token}") {
        body.to_owned()
    } else {
        r#"{"ok":false,"error":"invalid_auth"}"#.to_owned()
    }
}

fn all_scopes() -> String {
    SCOPES.iter().map(|s| s.name).collect::<Vec<_>>().join(",")
}

fn settings(address: SocketAddr, bot: &str, app: Option<&str>) -> Settings {
    let settings = Settings {
        bot_token: Some(bot.to_owned().into()),
        app_token: app.map(|a| a.to_owned().into()),
        signing_secret: app.is_none().then(|| "0123456789abcdef".to_owned().into()),
        api_url: Some(format!("http://{address}/api")),
        ..Settings::default()
    };
    settings.check().unwrap();
    settings
}

/// The doctor's lines about Slack, the address taken out.
async fn says(settings: &Settings) -> String {
    let mut data = Vec::new();
    let mut talk = Vec::new();
    let mut at = terminal(&mut data, &mut talk);
    doctor::run(doctor::slack(settings), &mut at).await.unwrap();
    let text = String::from_utf8(data).unwrap();
    assert!(!text.contains("-good") && !text.contains("-bad"), "no token is shown: {text}");
    match &settings.api_url {
        Some(url) => text.replace(url, "<slack>"),
        None => text,
    }
}

#[tokio::test]
async fn without_slack_it_says_how_to_connect() {
    assert_snapshot!(says(&Settings::default()).await, @"
    ✓ slack           off; to connect a workspace, open what `devtask slack manifest --url` prints
    ");
}

#[tokio::test]
async fn a_working_connection_is_four_good_lines() {
    let address = slack(Some(all_scopes())).await;
    assert_snapshot!(says(&settings(address, BOT, Some(APP))).await, @"
    ✓ slack tokens    bot and app token
    ✓ slack bot       @devtask in Acme
    ✓ slack scopes    all that the manifest asks for
    ✓ slack socket    can be opened
    ");
    assert_snapshot!(says(&settings(address, BOT, None)).await, @"
    ✓ slack tokens    bot token and signing secret
    ✓ slack bot       @devtask in Acme
    ✓ slack scopes    all that the manifest asks for
    ✓ slack socket    none: Slack calls /slack/… of this server
    ");
}

#[tokio::test]
async fn an_app_made_of_the_manifest_is_all_right_on_a_strict_slack() {
    let slack = super::manifest::installed(SCOPES.iter().map(|s| s.name)).await;
    let settings = Settings {
        bot_token: Some(slack.tokens().bot.clone()),
        app_token: Some(slack.tokens().app.clone()),
        api_url: Some(slack.api_url()),
        ..Settings::default()
    };
    assert_snapshot!(says(&settings).await, @"
    ✓ slack tokens    bot and app token
    ✓ slack bot       @devtask in Acme
    ✓ slack scopes    all that the manifest asks for
    ✓ slack socket    can be opened
    ");
    assert_eq!(slack.connections().0, 0, "a socket that was asked for is not taken");
}

#[tokio::test]
async fn each_fault_names_the_place_that_mends_it() {
    let address = slack(Some("chat:write,commands,users:read".to_owned())).await;
    assert_snapshot!(says(&settings(address, "xoxp-bad", Some("xoxb-bad"))).await, @"
    ✗ slack tokens    `slack.bot_token` does not start with `xoxb-`; `slack.app_token` does not start with `xapp-`
                      mend: copy the Bot User OAuth Token: https://api.slack.com/apps → your app → OAuth & Permissions; make one with the scope `connections:write`: https://api.slack.com/apps → your app → Basic Information → App-Level Tokens
    ✗ slack bot       Slack answers `invalid_auth`
                      mend: install it and copy `slack.bot_token` again: https://api.slack.com/apps → your app → OAuth & Permissions
    ! slack scopes    not known without the bot
                      mend: see `slack bot`
    ✗ slack socket    Slack answers `invalid_auth`
                      mend: make one with the scope `connections:write`: https://api.slack.com/apps → your app → Basic Information → App-Level Tokens
    ");
    assert_snapshot!(says(&settings(address, BOT, Some("xoxb-bad"))).await, @"
    ✗ slack tokens    `slack.app_token` does not start with `xapp-`
                      mend: make one with the scope `connections:write`: https://api.slack.com/apps → your app → Basic Information → App-Level Tokens
    ✓ slack bot       @devtask in Acme
    ✗ slack scopes    the token lacks app_mentions:read, channels:history, channels:join, channels:read, groups:history, groups:read, im:history, im:write, reactions:write
                      mend: put `devtask slack manifest` into https://api.slack.com/apps → your app → App Manifest, save, and install the app again
    ✗ slack socket    Slack answers `invalid_auth`
                      mend: make one with the scope `connections:write`: https://api.slack.com/apps → your app → Basic Information → App-Level Tokens
    ");
}

#[tokio::test]
async fn a_slack_that_is_away_or_is_none_is_told_apart_from_a_bad_token() {
    let silent = slack(None).await;
    assert_snapshot!(says(&settings(silent, BOT, Some(APP))).await, @"
    ✓ slack tokens    bot and app token
    ✓ slack bot       @devtask in Acme
    ! slack scopes    Slack does not say what the token may do
                      mend: put `devtask slack manifest` into https://api.slack.com/apps → your app → App Manifest, save, and install the app again
    ✓ slack socket    can be opened
    ");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    assert_snapshot!(says(&settings(gone, BOT, Some(APP))).await, @"
    ✓ slack tokens    bot and app token
    ✗ slack bot       <slack> cannot be reached: Connection refused (os error 111)
                      mend: look at the network, a proxy, or `slack.api_url`
    ! slack scopes    not known without the bot
                      mend: see `slack bot`
    ✗ slack socket    <slack> cannot be reached: Connection refused (os error 111)
                      mend: look at the network, a proxy, or `slack.api_url`
    ");
    let mut other = settings(silent, BOT, Some(APP));
    other.api_url = Some(format!("http://{silent}/nowhere"));
    assert_snapshot!(says(&other).await, @"
    ✓ slack tokens    bot and app token
    ✗ slack bot       <slack> answers 404, which is not Slack's way
                      mend: look at the network, a proxy, or `slack.api_url`
    ! slack scopes    not known without the bot
                      mend: see `slack bot`
    ✗ slack socket    <slack> answers 404, which is not Slack's way
                      mend: look at the network, a proxy, or `slack.api_url`
    ");
}
