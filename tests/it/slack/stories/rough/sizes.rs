//! Nothing, and far too much: what is cut says where the rest is, and nothing of ours is refused for its size.

use devtask::workbench::sample::REPAIRED;
use devtask::workbench::script::{Script, Step};

use super::{ANA, DEV, Mode, Rules, Town, legible, over, refusals, sessions, told};

in_both_modes! {
    nothing_is_no_brief
    forty_thousand_characters_are_taken_and_cut_where_shown
    what_a_check_printed_at_length_is_cut
}

/// What Slack's composer takes.
const MOST: usize = 40_000;

async fn nothing_is_no_brief(mode: Mode) {
    let town = Town::open(mode).await;
    town.invite(DEV);
    town.says(ANA, DEV, "@devtask", None).await;
    town.told(1).await;
    town.says(ANA, DEV, "@devtask \u{200b}\u{2060}\u{feff} \u{7}", None).await;
    town.told(2).await;
    town.says(ANA, DEV, "@devtask repo:demo/sample", None).await;
    town.told(3).await;
    insta::assert_snapshot!("empty", legible(&town.seen(DEV)));
    town.says(ANA, DEV, "/devtask new \u{200b}", None).await;
    let form = town.until("the form asks for it", async || town.slack.modal(ANA)).await;
    insta::assert_snapshot!("empty_form", legible(&form));
    assert_eq!(sessions(&town).await, 0);
}

async fn forty_thousand_characters_are_taken_and_cut_where_shown(mode: Mode) {
    // One after the other, so that the pull requests have their numbers.
    let town = Town::open_with(mode, Rules { slots: 1, ..Rules::default() }).await;
    town.invite(DEV);
    let prose = Step {
        text: Some("A word of the summary, again and again. ".into()),
        repeat: Some(1_000),
        ..Step::default()
    };
    let script = Script::of(vec![Step::write("greet.sh", REPAIRED), prose]).tag();
    for (n, start) in ["/devtask new ", "@devtask "].into_iter().enumerate() {
        let head = format!("{start}Leave a long note");
        let fill = "x".repeat(MOST - head.chars().count() - script.chars().count() - 2);
        let text = format!("{head}{fill}\n{script}\n");
        assert_eq!(text.chars().count(), MOST);
        town.says(ANA, DEV, &text, None).await;
        let root = format!("## dt-{} ", n + 1);
        town.sees(DEV, "its root stands", |seen| seen.contains(&root)).await;
    }
    let both = |seen: &str| seen.matches("is done*").count() == 2 && seen.matches("✅ *Done*").count() == 2;
    let seen = town.sees(DEV, "both summaries are there", both).await;
    let seen = seen.replace(&"A word of the summary, again and again. ".repeat(20), "A word… ×20 ");
    insta::assert_snapshot!("long_words", told(&seen));
    assert_eq!(refusals(&town), Vec::<String>::new());
}

async fn what_a_check_printed_at_length_is_cut(mode: Mode) {
    let town = Town::open(mode).await;
    let test = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo \"line $i of what a check prints here\"; done; exit 1\n";
    let steps = vec![Step::write("test.sh", test), Step::text("It is done.")];
    town.says(ANA, DEV, &format!("/devtask new Print much\n{}", Script::of(steps).tag()), None).await;
    let failed = |seen: &str| seen.contains("has failed*") && seen.contains("*Failed*");
    let seen = town.sees(DEV, "it has failed", failed).await;
    insta::assert_snapshot!("long_check", told(&seen));
    assert!(!over(&seen));
    assert_eq!(refusals(&town), Vec::<String>::new());
}
