//! The device flow, as a program and a person go through it.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::Value;

use super::world::Still;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn post(still: &Still, path: &str, accept: &str, form: &str) -> (String, Value) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: forge\r\nconnection: close\r\n{accept}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = still.world.raw(request.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    (answer.head, answer.body)
}

async fn code(still: &Still) -> Value {
    let form = "client_id=Iv1.devtask&scope=codespace%20repo";
    post(still, "/login/device/code", "accept: application/json\r\n", form).await.1
}

async fn poll(still: &Still, code: &Value, client: &str) -> Value {
    let device = code["device_code"].as_str().unwrap();
    let form = format!("client_id={client}&device_code={device}&grant_type={GRANT}");
    post(still, "/login/oauth/access_token", "accept: application/json\r\n", &form).await.1
}

#[tokio::test]
async fn a_person_lets_a_program_in() {
    let still = Still::new().await;
    let code = code(&still).await;
    assert_eq!(code["verification_uri"], format!("{}/login/device", still.world.forge.url()));
    assert_eq!((code["interval"].as_i64(), code["expires_in"].as_i64()), (Some(5), Some(900)));
    let pending = poll(&still, &code, "Iv1.devtask").await;
    assert_eq!(pending["error"], "authorization_pending", "{pending}");
    let slow = poll(&still, &code, "Iv1.devtask").await;
    assert_eq!(
        (slow["error"].as_str(), slow["interval"].as_i64()),
        (Some("slow_down"), Some(10)),
        "too early"
    );
    assert!(!still.world.forge.approve_device("NONE-SUCH", "ana"));
    assert!(still.world.forge.approve_device(code["user_code"].as_str().unwrap(), "ana"));
    still.turn(TimeDelta::seconds(9));
    assert_eq!(poll(&still, &code, "Iv1.devtask").await["error"], "slow_down", "the longer pause holds");
    still.turn(TimeDelta::seconds(15));
    assert_eq!(poll(&still, &code, "Iv1.other").await["error"], "incorrect_client_credentials");
    let token = poll(&still, &code, "Iv1.devtask").await;
    assert_eq!(
        (token["token_type"].as_str(), token["scope"].as_str()),
        (Some("bearer"), Some("codespace,repo"))
    );
    assert_eq!(poll(&still, &code, "Iv1.devtask").await["error"], "incorrect_device_code", "given out once");

    let token = SecretString::from(token["access_token"].as_str().unwrap());
    let me = still.ask_as(&token, "GET", "/api/v3/user", "").await;
    assert_eq!(me.body["login"], "ana");
    assert!(me.head.contains("x-oauth-scopes: codespace, repo"), "{}", me.head);
    assert_eq!(still.ask_as(&token, "GET", super::world::OWN, "").await.status, 200);
}

#[tokio::test]
async fn a_person_says_no_or_nothing() {
    let still = Still::new().await;
    let (denied, late) = (code(&still).await, code(&still).await);
    assert!(still.world.forge.deny_device(denied["user_code"].as_str().unwrap()));
    assert_eq!(poll(&still, &denied, "Iv1.devtask").await["error"], "access_denied");
    still.turn(TimeDelta::seconds(900));
    assert!(!still.world.forge.approve_device(late["user_code"].as_str().unwrap(), "ana"), "it has expired");
    assert_eq!(poll(&still, &late, "Iv1.devtask").await["error"], "expired_token");
}

#[tokio::test]
async fn whoever_does_not_accept_json_gets_a_form() {
    let still = Still::new().await;
    let (head, body) = post(&still, "/login/device/code", "", "client_id=Iv1.devtask").await;
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert!(body.is_null(), "{body}");
    let (_, wrong) =
        post(&still, "/login/oauth/access_token", "accept: application/json\r\n", "client_id=x").await;
    assert_eq!(wrong["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn the_page_does_what_a_person_would() {
    let still = Still::new().await;
    let code = code(&still).await;
    let form = format!("user_code={}&login=ana&decision=approve", code["user_code"].as_str().unwrap());
    post(&still, "/login/device", "", &form).await;
    assert!(poll(&still, &code, "Iv1.devtask").await["access_token"].is_string());
}
