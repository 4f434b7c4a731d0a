//! Words that want to be more than words, in every place where foreign text comes in.

use devtask::workbench::sample::REPAIRED;
use devtask::workbench::script::{Script, Step};
use serde_json::{Value, json};

use super::harmless::{all_harmless, modal_harmless};
use super::{ANA, DEV, Mode, Rules, Town, legible, over, saying, told};

in_both_modes! {
    hostile_words_stay_words
    what_a_hostile_check_prints_is_shown_to_the_letter
}

/// Ana owns every session here.
const ISSUED: &str = "@U0ANA";
/// What people and agents might write.
const WORDS: &str = "<!channel> <!here> <@U0BO> <#C0DEV> <https://evil.example|click> [click](https://evil.example) \
                     @channel @here \u{202e}fdp.exe\u{202c} ze\u{200b}ro \u{7}bell `code` *bold* &lt;!channel&gt;";

fn asking(question: &str, labels: &[&str]) -> Step {
    let options: Vec<Value> =
        labels.iter().map(|label| json!({ "label": label, "description": WORDS })).collect();
    let ask = json!({ "question": question, "header": WORDS, "multiSelect": false, "options": options });
    Step { ask: Some(ask), ..Step::default() }
}

async fn hostile_words_stay_words(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    let steps = vec![
        Step::say(WORDS),
        Step { plan: Some(format!("# {WORDS}\n\n1. {WORDS}\n")), ..Step::default() },
        asking(&format!("Which of {WORDS}?"), &[&format!("Take {WORDS}"), "<!channel>"]),
        asking("And in words?", &[]),
        Step::write("greet.sh", REPAIRED),
        Step::write("notes/<!channel> <@U0BO> \u{202e}dm.md", WORDS),
        Step::run("ls notes"),
        Step::text(&format!("# Done {WORDS}\n\n- {WORDS}\n\n```\n{WORDS}\n```\n\n{{{{last_tool_result}}}}")),
    ];
    let brief = format!(
        "@devtask Greet <!channel> <@U0BO> @bo \u{202e}fdp.exe `x`\0 <https://evil.example|click>\n{WORDS}\n{}\n{}",
        "`".repeat(10_000),
        Script::of(steps).tag()
    );
    let ts = town.says(ANA, DEV, &brief, None).await.unwrap();
    town.sees(DEV, "it has a plan", |seen| seen.contains("the agent has a *plan*")).await;
    all_harmless(&town, &[ISSUED]);
    town.presses(ANA, "Approve").await;
    town.sees(DEV, "it asks", |seen| seen.contains("the agent has a *question*")).await;
    let asked = all_harmless(&town, &[ISSUED]);
    assert!(asked >= 3, "the root, the question and a private word: {asked}");
    let (_, message) = saying(&town, "Which of");
    let choose = town.slack.press(ANA, DEV, button(&message, 0)).unwrap();
    town.acked(&choose).await;
    town.sees(DEV, "it asks again", |seen| seen.contains("*And in words?*")).await;
    town.presses(ANA, "Answer in words…").await;
    town.until("the form is open", async || town.slack.modal(ANA)).await;
    modal_harmless(&town, ANA, &[ISSUED]);
    town.says(ANA, DEV, WORDS, Some(&ts)).await;
    let seen = town.sees(DEV, "the summary is there", over).await;
    insta::assert_snapshot!("hostile_words", told(&seen));
    assert!(all_harmless(&town, &[ISSUED]) > asked);
    town.says(ANA, DEV, "/devtask list all", None).await;
    town.told(2).await;
    town.says(ANA, DEV, "/devtask show 1", None).await;
    town.told(3).await;
    town.says(ANA, DEV, &format!("/devtask {WORDS}"), None).await;
    town.told(4).await;
    town.says(ANA, DEV, &format!("/devtask new repo:<!channel> {WORDS}"), None).await;
    town.told(5).await;
    all_harmless(&town, &[ISSUED]);
    let seen = legible(&town.seen(DEV));
    let told = seen.find("(only ana)").map_or("", |at| &seen[at..]);
    insta::assert_snapshot!("hostile_words_in_private", told);
}

/// What stands on a button of the message.
fn button(message: &Value, n: usize) -> &str {
    let blocks = message["blocks"].as_array().unwrap();
    let actions = blocks.iter().find(|block| block["type"] == "actions").unwrap();
    actions["elements"][n]["text"]["text"].as_str().unwrap()
}

async fn what_a_hostile_check_prints_is_shown_to_the_letter(mode: Mode) {
    let town = Town::open_with(mode, Rules::default()).await;
    let test =
        format!("#!/bin/sh\ncat <<'END'\n{WORDS}\nEND\nprintf 'nul:\\000 esc:\\033[31m red\\n'\nexit 1\n");
    let steps = vec![Step::write("test.sh", &test), Step::text("It is done.")];
    let brief = format!("/devtask new Break the test\n{}", Script::of(steps).tag());
    town.says(ANA, DEV, &brief, None).await;
    let failed = |seen: &str| seen.contains("has failed*") && seen.contains("*Failed*");
    let seen = town.sees(DEV, "it has failed", failed).await;
    insta::assert_snapshot!("hostile_check", told(&seen));
    all_harmless(&town, &[ISSUED]);
}
