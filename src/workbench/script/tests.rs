//! Laws of the script language.

use super::*;

#[test]
fn a_prompt_carries_its_script_anywhere_and_the_last_one_wins() {
    let script = Script::find(
        "do it <script>[{\"text\":\"a\"}]</script> or <script>[{\"say\":\"b\"}]</script> please",
    );
    assert_eq!(script, Some(Script::of(vec![Step::say("b")])));
    assert_eq!(Script::find("a page with <script>alert(1)</script> in it"), None);
    assert_eq!(Script::find("half <script>[{"), None);
}

#[test]
fn a_script_that_cannot_be_read_says_so() {
    let script = Script::find("<script>[{\"txt\":\"a\"}]</script>").unwrap();
    assert!(script.rounds[0][0].text.as_ref().unwrap().starts_with("bad script: unknown field `txt`"));
}

#[test]
fn a_tag_reads_back_as_its_script() {
    let rounds = Script { rounds: vec![vec![Step::run("ls")], vec![Step::text("done")]] };
    assert_eq!(Script::find(&format!("x {}", rounds.tag())), Some(rounds));
}

#[test]
fn rounds_advance_only_when_played() {
    let mut at =
        Cursor::new(Script { rounds: vec![vec![Step::say("a"), Step::text("b")], vec![Step::text("c")]] });
    at.advance();
    at.hear();
    assert_eq!(at.step(), Some(&Step::text("b")));
    at.advance();
    at.hear();
    assert_eq!(at.step(), Some(&Step::text("c")));
    at.advance();
    at.hear();
    at.hear();
    assert_eq!((at.step(), at.round), (None, 2));
}

#[test]
fn sugar_becomes_the_agents_own_calls() {
    let step: Step =
        serde_json::from_str(r#"{"asks": [{"question": "A?", "options": ["x", "y"]}, "B?"]}"#).unwrap();
    let calls = step.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].input["questions"][0]["options"][1]["label"], "y");
    assert_eq!(calls[1].input["questions"][0]["question"], "B?");
    assert!(!step.ends_turn());
}

#[test]
fn a_tally_finds_what_is_lost_and_what_came_twice() {
    let markers = Markers { count: 5, every_ms: 0, prefix: "marker".into() };
    let tally = Tally::of(
        &markers,
        ["marker 1 of 5 marker 2 of 5", "marker 2 of 5", "marker 4 of 50", "marker 5 of 5."],
    );
    assert_eq!((tally.lost(), tally.doubled(), tally.last()), (vec![3, 4], vec![2], 5));
}
