//! A real browser, driven as a person would: keys, clicks, what can be read. Chromium over its `DevTools` protocol.
//!
//! Knows the protocol and nothing of the page. Every wait has a deadline and ends with what was seen.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

/// What finds an element as a person would: the last one that is shown and says these words.
const FIND: &str = "(selector, words) => [...document.querySelectorAll(selector)].filter((node) => \
    node.getClientRects().length && !node.disabled && (words === '' || \
    (node.textContent + ' ' + (node.getAttribute('aria-label') ?? '')).includes(words))).at(-1)";

/// Where Debian and others put it.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("DEVTASK_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| program.is_file());
    named.or(found)
}

/// One window with one page.
pub struct Tab {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    last: u64,
    /// Whatever the page threw or the browser refused it.
    pub troubles: Vec<String>,
    _chromium: Child,
    _profile: tempfile::TempDir,
}

impl Tab {
    pub async fn open(program: PathBuf, url: &str, width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut chromium = Command::new(program);
        chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        chromium.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        chromium.args(["--disable-dev-shm-usage", "--remote-debugging-port=0"]);
        chromium.arg(format!("--user-data-dir={}", profile.path().display()));
        chromium.arg(format!("--window-size={width},{height}")).arg("about:blank");
        chromium.env("HOME", profile.path()).kill_on_drop(true);
        chromium.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut chromium = chromium.spawn().unwrap();
        let address = listening(&mut chromium).await;
        let socket = tokio_tungstenite::connect_async(address).await.unwrap().0;
        let mut tab = Self {
            socket,
            session: String::new(),
            last: 0,
            troubles: Vec::new(),
            _chromium: chromium,
            _profile: profile,
        };
        let target = tab.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = tab.call("Target.attachToTarget", attach).await;
        tab.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tab.call(domain, json!({})).await;
        }
        tab.call("Page.navigate", json!({ "url": url })).await;
        tab
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut call = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            call["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answer(self.last)).await;
        let answer = answer.unwrap_or_else(|_| panic!("the browser does not answer {method}"));
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.socket.next().await.expect("the browser lives").unwrap();
            let Ok(text) = message.to_text() else { continue };
            let Ok(told) = serde_json::from_str::<Value>(text) else { continue };
            if told["id"] == id {
                return told;
            }
            match told["method"].as_str() {
                Some("Runtime.exceptionThrown") => self.troubles.push(told["params"].to_string()),
                Some("Log.entryAdded") if told["params"]["entry"]["source"] == "security" => {
                    self.troubles.push(told["params"].to_string());
                }
                _ => {}
            }
        }
    }

    /// What an expression of the page's own language is.
    pub async fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, what: &str, expression: &str) {
        let begun = tokio::time::Instant::now();
        while self.value(&format!("!!({expression})")).await != true {
            if begun.elapsed() > PATIENCE {
                let seen = self.value("document.body.innerText").await;
                panic!("waited in vain until {what}; the page shows:\n{}", seen.as_str().unwrap_or_default());
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until an element is shown that says these words.
    pub async fn sees(&mut self, selector: &str, words: &str) {
        let there = format!("({FIND})({}, {})", json!(selector), json!(words));
        self.until(&format!("there is {selector} with {words:?}"), &there).await;
    }

    /// Clicks the last such element.
    pub async fn clicks(&mut self, selector: &str, words: &str) {
        self.clicks_in(selector, words, "").await;
    }

    /// Clicks with the mouse in the middle of what `inner` finds in the last such element (the element itself where
    /// `inner` is empty), once it is there.
    pub async fn clicks_in(&mut self, selector: &str, words: &str, inner: &str) {
        let find = format!(
            "((node) => {} ? node?.querySelector({0}) : node)(({FIND})({}, {}))",
            json!(inner),
            json!(selector),
            json!(words)
        );
        self.until(&format!("there is {selector} with {words:?}"), &find).await;
        let place = format!(
            "(async () => {{ const node = {find}; if (!node) return null; \
             node.scrollIntoView({{ block: 'center' }}); \
             await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); \
             const box = node.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let at = self.value(&place).await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let mouse = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", mouse).await;
        }
    }

    /// Types into what has the focus.
    pub async fn types(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    pub async fn presses_enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13 });
            if kind == "keyDown" {
                event["text"] = "\r".into();
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }
}

/// The address the browser says it listens at.
async fn listening(chromium: &mut Child) -> String {
    let mut lines = BufReader::new(chromium.stderr.take().unwrap()).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                return address.to_owned();
            }
        }
        panic!("the browser ended at once");
    };
    let address = tokio::time::timeout(PATIENCE, told).await.expect("the browser starts");
    // What it says later is read, so that it never waits for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    address
}
