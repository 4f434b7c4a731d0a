//! One check as a process, and what is read from its output.

use super::*;

#[test]
fn tests_are_counted_in_every_runners_words() {
    let count = |text: &str| {
        let mut counter = Counter::default();
        text.lines().for_each(|l| counter.line(l));
        counter.tests()
    };
    let cargo = "test result: ok. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                 test result: ok. 3 passed; 0 failed; 0 ignored";
    assert_eq!(count(cargo), Some(16));
    assert_eq!(count("     Summary [   0.011s] 7 tests run: 7 passed, 2 skipped"), Some(7));
    assert_eq!(count("===== 1 failed, 5 passed, 2 skipped in 0.12s ====="), Some(6));
    assert_eq!(count("5 passed in 0.01s"), Some(5));
    assert_eq!(count("==== no tests ran in 0.00s ===="), Some(0));
    assert_eq!(count("Ran 4 tests in 0.001s\n\nOK"), Some(4));
    assert_eq!(count("Test Suites: 1 passed, 1 total\nTests:       1 failed, 2 passed, 3 total"), Some(3));
    assert_eq!(count(" Test Files  1 passed (1)\n      Tests  1 failed | 2 passed (3)"), Some(3));
    assert_eq!(count("TAP version 13\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP\n    ok 1 - sub\n1..3"), Some(2));
    assert_eq!(count("ok 1 - a\n# tests 9\n# pass 9"), Some(9));
    assert_eq!(count("--- PASS: TestA (0.00s)\n    --- PASS: TestA/sub (0.00s)\nok  \tx/y\t0.1s"), Some(1));
    assert_eq!(count("ok  \tx/y\t0.1s\n?   \tx/z\t[no test files]"), Some(1));
    assert_eq!(count("  12 passing (20ms)\n  1 failing"), Some(13));
    assert_eq!(count("100% tests passed, 0 tests failed out of 8"), Some(8));
    assert_eq!(count("3 tests passed"), Some(3));
    assert_eq!(count("all good"), None);
    assert_eq!(count("test result: ok. 0 passed; 0 failed; 0 ignored"), Some(0));
}

#[test]
fn coverage_is_read_from_the_line_that_sums_up() {
    let cover = |text: &str| {
        let mut counter = Counter::default();
        text.lines().for_each(|l| counter.line(l));
        counter.coverage()
    };
    assert_eq!(cover("coverage: 85.7% of statements"), Some(85.7));
    assert_eq!(cover("TOTAL      20      3    85%"), Some(85.0));
    assert_eq!(cover("TOTAL  10 1 90.00%  5 1 80.00%  100 30 70.00%  0 0 -"), Some(70.0));
    assert_eq!(cover("85.50% coverage, 17/20 lines covered"), Some(85.5));
    assert_eq!(cover("All files |   85.71 |    83.33 |     100 |   88.1 |"), Some(88.1));
    assert_eq!(cover("100% done"), None);
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_stay_in_eight_kilobytes_and_are_counted_to_the_end() {
    let script =
        "echo beginning; head -c 100000000 /dev/zero | tr '\\0' 'ü'; echo; echo '3 tests passed'; echo end";
    let ran = ran(&["sh", "-c", script], MINUTE).await;
    assert_eq!(ran.code, Some(0));
    assert!(ran.tail.len() <= MAX_TAIL, "{}", ran.tail.len());
    assert!(ran.tail.starts_with("beginning\n") && ran.tail.trim_end().ends_with("end"));
    assert!(ran.tail.contains("left out"));
    assert_eq!(ran.counter.tests(), Some(3));
}

#[tokio::test]
async fn a_hanging_check_is_killed_with_children_in_sessions_of_their_own() {
    let yard = Yard::new();
    let pids = yard.path("pids");
    let script = format!(
        "setsid sleep 601 & echo $! >> {0}; (setsid setsid sleep 602 & echo $! >> {0}); \
         setsid sh -c 'trap \"\" TERM HUP; echo $$ >> {0}; sleep 603; sleep 604' & \
         echo waiting; sleep 605",
        pids.display()
    );
    let ran = ran(&["sh", "-c", &script], Duration::from_millis(600)).await;
    assert!(ran.timed_out && ran.code.is_none());
    assert!(ran.tail.contains("waiting"));
    for pid in std::fs::read_to_string(pids).unwrap().lines() {
        assert!(!lives(pid), "{pid} lives");
    }
}

#[tokio::test]
async fn a_server_that_a_passing_check_left_behind_does_not_outlive_it() {
    let yard = Yard::new();
    let pid = yard.path("pid");
    let script = format!("setsid sleep 606 & echo $! > {}; echo started; exit 0", pid.display());
    let ran = ran(&["sh", "-c", &script], MINUTE).await;
    assert_eq!(ran.code, Some(0));
    assert!(ran.took < Duration::from_secs(30), "a pipe held open is not waited for");
    assert!(!lives(std::fs::read_to_string(pid).unwrap().trim()));
}

fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ") && !stat.contains(") X ")
}

#[tokio::test]
async fn a_cancelled_check_ends_and_says_so() {
    let cancel = CancellationToken::new();
    let soon = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        soon.cancel();
    });
    let ran = run(&check(&["sleep", "600"], MINUTE), &std::env::temp_dir(), "c", &start, &cancel).await;
    assert!(ran.cancelled && !ran.timed_out && ran.code.is_none());
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_and_says_so() {
    let ran = ran(&["no-such-program-here"], MINUTE).await;
    assert_eq!(ran.code, None);
    assert!(ran.tail.contains("could not be started"), "{}", ran.tail);
}

#[tokio::test]
async fn escape_sequences_and_progress_bars_are_not_evidence() {
    let ran = ran(&["printf", r"\033[31mred\033[0m\nstep 1\rstep 2\r\nbell\007\n"], MINUTE).await;
    assert_eq!(ran.tail, "red\nstep 2\nbell\n");
}
