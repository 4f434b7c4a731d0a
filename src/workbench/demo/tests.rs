//! Laws of the stories: each is found by its name, and each that may finish mends the sample.

use super::*;

#[test]
fn a_brief_carries_its_own_script_and_its_name_stands_for_it() {
    for story in stories() {
        assert_eq!(Script::find(&story.brief()), Some(story.script.clone()));
        assert_eq!(Script::find(&format!("do <script:{}>", story.name)), Some(story.script));
    }
}

#[test]
fn each_story_that_may_finish_repairs_the_sample() {
    for story in stories().iter().filter(|s| s.name != "cancelled") {
        let mut files = story.script.rounds.iter().flatten().filter_map(|step| step.write.as_ref());
        let last = files.rfind(|f| f.path == "greet.sh").unwrap();
        assert_eq!(last.content, REPAIRED, "{}", story.name);
    }
}

#[test]
fn an_unknown_name_is_no_script() {
    assert_eq!(Script::find("<script:nobody>"), None);
}

#[test]
fn what_a_thread_must_show_is_asked_or_said_last() {
    let told: Vec<Vec<String>> = stories().iter().map(Story::told).collect();
    assert_eq!(told[0], ["How shall the greeting end?", "Repaired. The test says:"]);
    assert_eq!(told[2], ["All markers are said and the greeting is repaired."]);
    assert!(told.iter().flatten().all(|words| !words.contains("{{")), "as the person reads it: {told:?}");
}
