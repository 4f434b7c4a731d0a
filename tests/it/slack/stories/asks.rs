//! Questions: what people are asked in a thread, how they answer, and what stands there afterwards.

use devtask::workbench::slack::{Fault, What};
use serde_json::json;

use super::super::town::{ANA, CY, DEV, Mode, Town};
use super::hands::{asking, brief, question, repeated, thread, told};
use super::{summed_up, without_figures};

in_both_modes! {
    many_options_are_a_menu_and_several_answers_are_boxes
    own_words_come_by_a_reply_or_through_the_form
    several_questions_are_answered_together
    what_nobody_answers_is_left_to_the_agent
    the_first_answer_stands_and_whoever_comes_later_is_told
    a_question_can_be_answered_while_its_session_is_paused
}

async fn many_options_are_a_menu_and_several_answers_are_boxes(mode: Mode) {
    let town = Town::open(mode).await;
    let colours = ["Red", "Orange", "Yellow", "Green", "Blue", "Violet"];
    let checks = json!({
        "question": "Which checks shall guard it?", "multiSelect": true,
        "options": [
            { "label": "fmt", "description": "one style" }, { "label": "clippy", "description": "no lints" },
            { "label": "test", "description": "" },
        ],
    });
    let colour = asking(question("Which colour has the greeting?", &colours));
    let steps = vec![colour, repeated(), asking(checks)];
    town.says(ANA, DEV, &brief("Paint the greeting", steps), None).await;
    town.presses(ANA, "Send").await;
    let seen = town.sees(DEV, "an empty answer is refused", |seen| seen.contains("Nothing was sent")).await;
    insta::assert_snapshot!("menu", thread(&seen));
    town.picks(ANA, "q0", json!("4")).await;
    town.presses(ANA, "Send").await;
    town.repeats(1, "Which colour has the greeting?\"=\"Blue").await;
    let seen = town.sees(DEV, "the boxes are there", |seen| seen.contains("☐ fmt")).await;
    insta::assert_snapshot!("boxes", thread(&seen));
    town.picks(ANA, "q0", json!(["0", "2"])).await;
    town.presses(ANA, "Send").await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("menu_and_boxes", told(&seen));
}

async fn own_words_come_by_a_reply_or_through_the_form(mode: Mode) {
    let town = Town::open(mode).await;
    let whom = json!({ "question": "Who is greeted?", "options": [
        { "label": "Whoever is named", "description": "the world, where nobody is" },
        { "label": "Everybody who has ever logged in on this machine, in the order of their first login",
          "description": "" },
    ] });
    let steps = vec![
        asking(question("What is the greeting called?", &[])),
        repeated(),
        asking(whom),
        repeated(),
        asking(question("How does it end?", &["With a full stop", "With an exclamation mark"])),
    ];
    town.says(ANA, DEV, &brief("Name the greeting", steps), None).await;
    town.sees(DEV, "it asks for a name", |seen| seen.contains("What is the greeting called?")).await;
    town.replies(ANA, "Polite & <!channel> friendly").await;
    town.repeats(1, "called?\"=\"Polite & <!channel> friendly").await;
    town.slack.fault(Fault::call("views.open", What::Error { error: "expired_trigger_id".into() }));
    town.looks_at(ANA, "Whoever is named").await;
    town.presses(ANA, "Answer in words…").await;
    let late = |seen: &str| seen.contains("in time") && seen.contains(":eyes:");
    let seen = town.sees(DEV, "the form came too late", late).await;
    insta::assert_snapshot!("own_words_asked", thread(&seen));
    town.presses(ANA, "Answer in words…").await;
    insta::assert_snapshot!("own_words_form", town.form(ANA, "Who is greeted?").await);
    town.picks(ANA, "q0own", json!("Whoever comes in\nand says so")).await;
    town.submits(ANA).await;
    town.repeats(1, "greeted?\"=\"Whoever comes in\nand says so").await;
    town.looks_at(ANA, "With a full stop").await;
    town.replies(ANA, "with a FULL stop").await;
    let taken = |seen: &str| summed_up(seen) && seen.matches(":eyes:").count() == 2;
    let seen = town.sees(DEV, "the summary is there", taken).await;
    insta::assert_snapshot!("own_words", told(&seen));
}

async fn several_questions_are_answered_together(mode: Mode) {
    let town = Town::open(mode).await;
    let three = json!([
        question("Which language?", &["English", "Esperanto", "Latin"]),
        { "question": "Who reviews it?", "options": ["ana", "bo"], "multiSelect": true },
        question("What is it called?", &[]),
    ]);
    town.says(ANA, DEV, &brief("Translate the greeting", vec![asking(three)]), None).await;
    town.picks(ANA, "q0", json!("1")).await;
    town.presses(ANA, "Send").await;
    town.sees(DEV, "two are missing", |seen| seen.contains("2 questions have no answer yet")).await;
    town.replies(ANA, "Saluton").await;
    let seen = town.sees(DEV, "the reply is unclear", |seen| seen.contains("3 questions are open")).await;
    insta::assert_snapshot!("several_asked", thread(&seen));
    town.presses(ANA, "Answer in words…").await;
    town.form(ANA, "1. Which language?").await;
    town.picks(ANA, "q0own", json!("Esperanto, and Latin below it")).await;
    town.picks(ANA, "q2", json!("Saluton")).await;
    town.submits(ANA).await;
    insta::assert_snapshot!("several_refused", town.form(ANA, "Choose an option or write an answer.").await);
    town.picks(ANA, "q1", json!(["0", "1"])).await;
    town.submits(ANA).await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("several", told(&seen));
    assert!(town.slack.modal(ANA).is_none(), "the form is gone");
}

async fn what_nobody_answers_is_left_to_the_agent(mode: Mode) {
    let mut town = Town::open(mode).await;
    town.restarts_with("limits = { ask_default = true }").await;
    let ask = || vec![asking(question("Comma or dash?", &["Comma", "Dash"]))];
    town.says(ANA, DEV, &brief("Mend the greeting", ask()), None).await;
    let seen = town.sees(DEV, "it asks", |seen| seen.contains("[Agent decides]")).await;
    insta::assert_snapshot!("agent_may_decide", thread(&seen));
    town.presses(ANA, "Agent decides").await;
    town.sees(DEV, "the summary is there", summed_up).await;
    town.restarts_with("limits = { ask_expiry = 1 }").await;
    town.says(ANA, DEV, &brief("Mend it again", ask()), None).await;
    let both = |seen: &str| ["is done*", "✅ *Done* ·"].iter().all(|word| seen.matches(word).count() == 2);
    let seen = town.sees(DEV, "both summaries are there", both).await;
    insta::assert_snapshot!("agent_decided", told(&seen));
}

async fn the_first_answer_stands_and_whoever_comes_later_is_told(mode: Mode) {
    let town = Town::open(mode).await;
    let steps = vec![
        asking(question("Tabs or spaces?", &["Tabs", "Spaces"])),
        repeated(),
        asking(question("How many?", &["One", "Four"])),
    ];
    town.says(ANA, DEV, &brief("Indent the greeting", steps), None).await;
    let late = town.looks_at(CY, "Spaces").await;
    let later = town.looks_at(ANA, "Agent decides").await;
    town.presses(CY, "Answer in words…").await;
    town.form(CY, "Tabs or spaces?").await;
    town.picks(CY, "q0own", json!("Spaces, eight of them")).await;
    town.presses(ANA, "Tabs").await;
    // Two clicks are worked side by side: the first is the one whose record stands.
    town.sees(DEV, "the first answer stands", |seen| seen.contains("→ *Tabs*")).await;
    town.does(CY, late).await;
    town.told(2).await;
    town.submits(CY).await;
    insta::assert_snapshot!("too_late_form", town.form(CY, "What you typed").await);
    town.repeats(1, "Tabs or spaces?\"=\"Tabs").await;
    town.presses(ANA, "One").await;
    town.sees(DEV, "the summary is there", summed_up).await;
    town.does(ANA, later).await;
    town.told(3).await;
    insta::assert_snapshot!("too_late", told(&town.seen(DEV)));
}

async fn a_question_can_be_answered_while_its_session_is_paused(mode: Mode) {
    let town = Town::open(mode).await;
    let ask = asking(question("Left or right?", &["Left", "Right"]));
    town.says(ANA, DEV, &brief("Align the greeting", vec![ask]), None).await;
    town.looks_at(ANA, "Left").await;
    town.presses(ANA, "Pause").await;
    let paused = |seen: &str| seen.contains("*Paused*") && seen.contains("1 question is open");
    let seen = town.sees(DEV, "it is paused", paused).await;
    insta::assert_snapshot!("paused_with_a_question", told(&without_figures(&seen)));
    town.presses(ANA, "Left").await;
    let answered = |seen: &str| seen.contains("→ *Left*") && !seen.contains("1 question is open");
    let seen = town.sees(DEV, "it is answered", answered).await;
    insta::assert_snapshot!("answered_while_paused", told(&without_figures(&seen)));
    town.presses(ANA, "Resume").await;
    let seen = town.sees(DEV, "the summary is there", summed_up).await;
    insta::assert_snapshot!("paused_and_done", told(&without_figures(&seen)));
}
