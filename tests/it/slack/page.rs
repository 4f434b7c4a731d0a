//! The demo's page in a real browser, with a real `devtask demo` behind it: a person's whole main job, by mouse and keys.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::browser::{self, Tab};
use crate::bad::house::{BIN, end_all_of, processes_of};
use crate::figures;

const PATIENCE: Duration = Duration::from_mins(1);
/// What a page must never take for more than a text.
const HOSTILE: &str =
    "<img src=x onerror=\"window.hit=1\"> </script><script>window.hit=1</script> <b>bold</b>";

/// The demo as anybody starts it.
struct Demo {
    url: String,
    child: Child,
    talk: Lines<BufReader<ChildStderr>>,
    dir: tempfile::TempDir,
}

impl Demo {
    async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("devtask-page-").tempdir().unwrap();
        let mut demo = Command::new(BIN);
        demo.arg("demo").env("TMPDIR", dir.path()).kill_on_drop(true);
        demo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = demo.spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = tokio::time::timeout(PATIENCE, printed(&mut talk)).await.expect("the demo starts");
        Self { url, child, talk, dir }
    }

    /// Ctrl-C, and what is left in its folder then.
    async fn end(mut self) -> Vec<std::path::PathBuf> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let ended = async {
            while self.talk.next_line().await.unwrap().is_some() {}
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(PATIENCE, ended).await.expect("the demo ends");
        assert!(status.success(), "{status}");
        std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.start_kill());
        end_all_of(self.dir.path());
    }
}

/// The address that the welcome names first.
async fn printed(talk: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut said = String::new();
    while let Some(line) = talk.next_line().await.unwrap() {
        if let Some((_, url)) = line.split_once("http://") {
            return format!("http://{}", url.trim());
        }
        said.push_str(&line);
        said.push('\n');
    }
    panic!("the demo named no address:\n{said}");
}

/// Goes to the session's thread by the link under its root.
async fn open_thread(tab: &mut Tab, session: &str) {
    tab.clicks_in("#main .message:has(.replies)", session, ".replies").await;
    tab.sees("#thread .message", session).await;
}

async fn type_and_send(tab: &mut Tab, text: &str) {
    tab.clicks("#main .composer textarea", "").await;
    tab.types(text).await;
    tab.presses_enter().await;
    tab.until("it is sent", "document.querySelector('#main .composer textarea').value === ''").await;
}

/// Replaces what stands in a form's field.
async fn fill(tab: &mut Tab, label: &str, text: &str) {
    tab.clicks_in("dialog.modal .b-input", label, ":is(input, textarea)").await;
    tab.value("document.activeElement.select()").await;
    tab.types(text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_is_done_in_the_browser_and_a_kill_loses_nothing() {
    let Some(program) = browser::program() else {
        return figures::skipped("the demo's page in Chromium: chromium is not installed");
    };
    let demo = Demo::start().await;
    let mut tab = Tab::open(program, &demo.url, 1280, 800).await;
    let tab = &mut tab;

    // What the demo has begun is there.
    for session in ["dt-1", "dt-2", "dt-3"] {
        tab.sees("#main .message", session).await;
    }

    // A text of a person stays a text.
    type_and_send(tab, HOSTILE).await;
    tab.sees("#main .message", HOSTILE).await;
    assert_eq!(tab.value("window.hit ?? 0").await, 0);
    assert_eq!(
        tab.value("document.querySelectorAll('.messages :is(img[src=x], b, script)').length").await,
        0
    );

    // However long a word is, it does not move the rest aside.
    type_and_send(tab, &"x".repeat(600)).await;
    tab.sees("#main .message", &"x".repeat(600)).await;
    let list = "document.querySelector('#main .messages')";
    assert_eq!(tab.value(&format!("{list}.scrollWidth <= {list}.clientWidth")).await, true);

    // Questions are answered by a click, and the message then says so.
    for (session, option) in [("dt-1", "With an exclamation mark"), ("dt-2", "English")] {
        open_thread(tab, session).await;
        tab.clicks("#thread .message button", option).await;
        tab.sees("#thread .message", &format!("→ {option}")).await;
    }

    // The control plane is killed while the third works; it comes back by itself, and nothing is lost.
    let before = processes_of(demo.dir.path(), "\0serve");
    tab.clicks("#kill", "").await;
    tab.clicks(".confirm button", "Kill it").await;
    tab.until("it is counted", "document.querySelector('#counter-kills').textContent === '1'").await;
    tab.sees("#outage", "is back").await;
    let after = processes_of(demo.dir.path(), "\0serve");
    assert!(before.len() == 1 && after.len() == 1 && before != after, "{before:?} {after:?}");

    // A task of one's own, from the command to the pull request.
    type_and_send(tab, "/devtask new Make the greeting polite <script:question>").await;
    tab.sees("#main .message", "dt-4").await;
    open_thread(tab, "dt-4").await;
    tab.clicks("#thread .message button", "With a full stop").await;
    // Nothing moves under the mouse any more.
    tab.sees("#thread .message", "Not quite it?").await;
    tab.sees("#thread .message", "Ends in pull request").await;
    tab.clicks("#thread a[href^='#/pull/']", "").await;
    tab.sees(".pull h2", "Make the greeting polite").await;
    tab.sees(".pull .diff summary", "greet.sh").await;
    tab.sees(".pull .card", "sh test.sh").await;

    tab.until("all are counted", "document.querySelector('#counter-sessions').textContent === '4'").await;
    assert_eq!(tab.value("document.querySelector('#counter-events-lost').textContent").await, "0");
    assert!(tab.troubles.is_empty(), "{:#?}", tab.troubles);
    let left = demo.end().await;
    assert!(left.is_empty(), "the demo left {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_a_form_keeps_what_was_typed_until_it_is_right() {
    let Some(program) = browser::program() else {
        return figures::skipped("the demo's page on a phone in Chromium: chromium is not installed");
    };
    let demo = Demo::start().await;
    let mut tab = Tab::open(program, &demo.url, 390, 844).await;
    let tab = &mut tab;
    tab.clicks("#channels a", "dev").await;
    type_and_send(tab, "/devtask new").await;
    tab.sees("dialog.modal h2", "New session").await;

    fill(tab, "Another repository", "nobody/nothing").await;
    fill(tab, "What should be done?", "Repair <the> *greeting*").await;
    tab.clicks("dialog.modal button", "Start").await;
    tab.sees("dialog.modal .b-input", "there is no repository `nobody/nothing`").await;
    let goal = "[...document.querySelectorAll('dialog.modal textarea')].map((field) => field.value)";
    assert_eq!(tab.value(goal).await[0], "Repair <the> *greeting*");

    fill(tab, "Another repository", "demo/sample").await;
    tab.clicks("dialog.modal button", "Start").await;
    tab.until("the form is gone", "!document.querySelector('dialog.modal[open]')").await;
    tab.sees("#main .message", "dt-4 · Repair <the> *greeting*").await;
    assert!(tab.troubles.is_empty(), "{:#?}", tab.troubles);
}
