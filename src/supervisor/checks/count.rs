//! How many tests ran and how much they covered, read from what a runner prints.
//!
//! Fed line by line, so that the whole output counts and none of it is kept. Knows the summaries of cargo test,
//! nextest, pytest, unittest, jest, vitest, node, go, TAP, mocha and ctest; must not know who ran.

/// Counts while the output streams by.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    /// From summaries that say a number.
    summed: Option<u32>,
    /// One line per test: go and TAP.
    lines: Option<u32>,
    /// Go packages that passed without saying how many tests they have: at least one each.
    packages: Option<u32>,
    /// `5 tests passed`, from runners we do not know.
    loose: Option<u32>,
    coverage: Option<f64>,
}

impl Counter {
    /// Tests that ran; `None` where nothing said so.
    pub fn tests(&self) -> Option<u32> {
        self.summed.or(self.lines).or(self.packages).or(self.loose)
    }

    /// Percent, the last that was printed.
    pub fn coverage(&self) -> Option<f64> {
        self.coverage
    }

    /// One line of output, without escape sequences.
    pub fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(n) = summary(text) {
            add(&mut self.summed, n);
        } else if is_test_line(line) {
            add(&mut self.lines, 1);
        } else if is_go_package(line) {
            add(&mut self.packages, 1);
        } else if let Some(n) = loose(text) {
            add(&mut self.loose, n);
        }
        if let Some(percent) = coverage(text) {
            self.coverage = Some(percent);
        }
    }
}

fn add(to: &mut Option<u32>, n: u32) {
    *to = Some(to.unwrap_or(0).saturating_add(n));
}

fn summary(text: &str) -> Option<u32> {
    // cargo test: `test result: ok. 12 passed; 1 failed; 0 ignored; …`
    if let Some(rest) = text.strip_prefix("test result: ") {
        return Some(before(rest, "passed").unwrap_or(0) + before(rest, "failed").unwrap_or(0));
    }
    // nextest: `Summary [   0.1s] 12 tests run: 12 passed, 0 skipped`
    if let Some(rest) = text.strip_prefix("Summary [") {
        return before(rest, "tests run").or_else(|| before(rest, "test run"));
    }
    // unittest: `Ran 5 tests in 0.1s`
    if let Some(rest) = text.strip_prefix("Ran ") {
        return before(rest, "tests in").or_else(|| before(rest, "test in"));
    }
    // jest: `Tests:       1 failed, 2 passed, 3 total`; vitest: `Tests  1 failed | 2 passed (3)`
    if let Some(rest) = text.strip_prefix("Tests: ").or_else(|| text.strip_prefix("Tests  ")) {
        return ran(rest);
    }
    // node: `# tests 5` or `ℹ tests 5`
    if let Some(rest) = text.strip_prefix("# tests ").or_else(|| text.strip_prefix("ℹ tests ")) {
        return rest.trim().parse().ok();
    }
    // pytest: `==== 1 failed, 5 passed in 0.12s ====`, or with -q without the signs
    if text.contains(" in ") && text.trim_matches(['=', ' ']).ends_with('s') {
        let inner = text.trim_matches(['=', ' ']);
        if inner.starts_with(|c: char| c.is_ascii_digit()) {
            return ran(inner);
        }
        return inner.starts_with("no tests ran").then_some(0);
    }
    // mocha: `12 passing (20ms)`, `1 failing`
    if let Some(n) = before(text, "passing").or_else(|| before(text, "failing")) {
        let plain = text.starts_with(|c: char| c.is_ascii_digit()) && text.split(' ').count() <= 3;
        return plain.then_some(n);
    }
    // ctest: `100% tests passed, 0 tests failed out of 12`
    let (_, rest) = text.split_once("tests failed out of ")?;
    rest.trim().parse().ok()
}

fn ran(text: &str) -> Option<u32> {
    let counted = ["passed", "failed", "errors", "error"].map(|w| before(text, w));
    counted.iter().any(Option::is_some).then(|| counted.iter().flatten().sum())
}

/// The number right before a word.
fn before(text: &str, word: &str) -> Option<u32> {
    for (at, _) in text.match_indices(word) {
        let whole = text.get(at + word.len()..)?.chars().next().is_none_or(|c| !c.is_alphanumeric());
        let head = text.get(..at)?.trim_end();
        let from =
            head.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |i| i + head.get(i..).map_or(1, first_len));
        if let (true, Ok(n)) = (whole, head.get(from..)?.parse()) {
            return Some(n);
        }
    }
    None
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// `--- PASS: TestX (0.00s)` of go, `ok 1 - name` and `not ok 2` of TAP; subtests are indented and not counted.
fn is_test_line(line: &str) -> bool {
    if line.starts_with("--- PASS: ") || line.starts_with("--- FAIL: ") {
        return true;
    }
    let rest = line.strip_prefix("not ok ").or_else(|| line.strip_prefix("ok "));
    let rest = rest.filter(|r| !r.to_ascii_lowercase().contains("# skip"));
    rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
}

/// `ok  	example.com/pkg	0.01s`
fn is_go_package(line: &str) -> bool {
    line.starts_with("ok  \t") && !line.contains("[no tests to run]")
}

fn loose(text: &str) -> Option<u32> {
    let n = ["tests passed", "test passed", "tests ok", "passed"].iter().find_map(|w| before(text, w));
    n.or_else(|| text.to_ascii_lowercase().strip_prefix("tests passed:")?.trim().parse().ok())
}

fn coverage(text: &str) -> Option<f64> {
    // go: `coverage: 85.7% of statements`
    if let Some((_, rest)) = text.split_once("coverage: ") {
        return percents(rest).next();
    }
    // tarpaulin: `85.00% coverage, 17/20 lines covered`
    if text.contains("% coverage, ") {
        return percents(text).next();
    }
    // jest: `All files | 85.71 | 83.33 | 100 | 85.71 |`: statements, branches, functions, lines
    if let Some(rest) = text.strip_prefix("All files") {
        return rest.split('|').nth(4).and_then(|c| c.trim().parse().ok());
    }
    // pytest-cov: `TOTAL  20  3  85%`; llvm-cov: regions, functions, lines, branches
    if text.starts_with("TOTAL") {
        let all: Vec<f64> = percents(text).collect();
        return all.get(2).or(all.last()).copied();
    }
    None
}

fn percents(text: &str) -> impl Iterator<Item = f64> + '_ {
    text.split_whitespace().filter_map(|w| w.split('%').next().filter(|n| n.len() < w.len())?.parse().ok())
}
