//! Foreign text made harmless, for each of the ways in which Slack shows text.
//!
//! What people, agents, repositories and checks write can neither mention anybody, nor link anywhere, nor turn the
//! reading direction, nor grow past its place. Must not know what is said around it.

#[cfg(test)]
mod tests;

/// Length as Slack's own clients count it. Never less than the number of characters.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Line ends and tabs stay; other control characters and what turns the reading direction show as `�`.
pub fn clean(text: &str) -> String {
    let one_end = text.replace("\r\n", "\n");
    one_end.chars().map(visible).collect()
}

fn visible(c: char) -> char {
    let turns = matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    match c {
        '\r' | '\u{2028}' | '\u{2029}' => '\n',
        '\n' | '\t' => c,
        _ if c.is_control() || turns => '\u{fffd}',
        _ => c,
    }
}

/// For `mrkdwn` and for a message's top-level text: `&`, `<` and `>` have no power, at most `max` units.
pub fn mrkdwn(text: &str, max: usize) -> String {
    gather(&clean(text), max, powerless)
}

/// As [`mrkdwn`], in one line.
pub fn line(text: &str, max: usize) -> String {
    gather(&one_line(text), max, powerless)
}

/// As [`line()`], between backticks; empty text stays empty.
pub fn code(text: &str, max: usize) -> String {
    let inner = one_line(text).replace('`', "'");
    if inner.is_empty() { inner } else { format!("`{}`", gather(&inner, max.saturating_sub(2), powerless)) }
}

/// For `plain_text` in one line. Slack does not parse it; that no mention could be made of it is our own care. Other
/// words in angle brackets look as they do in `mrkdwn`.
pub fn plain(text: &str, max: usize) -> String {
    gather(&blunt(&one_line(text), begins_known), max, as_it_is)
}

/// As [`plain`], with its line ends.
pub fn plain_lines(text: &str, max: usize) -> String {
    gather(&blunt(&clean(text), begins_known), max, as_it_is)
}

/// For a `markdown` block: prose keeps its headings, lists and code, but makes no mention and no link.
///
/// The same in code as outside of it: who told them apart differently from Slack would let something through.
pub fn markdown(text: &str, max: usize) -> String {
    let calm = blunt(&clean(text), begins_token)
        .replace("](", "] (")
        .replace("]:", "] :")
        .replace("://", ":\u{200b}//")
        .replace("www.", "www\u{200b}.")
        .replace('@', "@\u{200b}");
    gather(&calm, max, as_it_is)
}

/// For preformatted rich text, which is never parsed: to the letter, but for what cannot be seen.
pub fn literal(text: &str, max: usize) -> String {
    gather(&clean(text), max, as_it_is)
}

/// A link of ours, where the address is one: `<https://…|label>`. Else the label alone.
pub fn link(url: &str, label: &str) -> String {
    let label = line(label, 200).replace('|', "¦");
    if is_address(url) { format!("<{url}|{label}>") } else { label }
}

/// Whether an address may stand in a link or behind a button.
pub fn is_address(url: &str) -> bool {
    let odd =
        |c: char| c.is_whitespace() || visible(c) != c || matches!(c, '<' | '>' | '|' | '"' | '`' | '&');
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && !url.chars().any(odd) && units(url) <= 2_000
}

/// Cuts `mrkdwn` that holds escapes and links of ours without cutting one of them in two.
pub fn cut_mrkdwn(text: &str, max: usize) -> String {
    if units(text) <= max {
        return text.to_owned();
    }
    let mut kept = gather(text, max.saturating_sub(1), as_it_is);
    kept.truncate(kept.trim_end_matches('…').len());
    let open = kept.rfind('<').filter(|at| !kept.get(*at..).unwrap_or_default().contains('>'));
    if let Some(at) = open {
        kept.truncate(at);
    }
    let open = kept.rfind('&').filter(|at| !kept.get(*at..).unwrap_or_default().contains(';'));
    if let Some(at) = open {
        kept.truncate(at);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

fn one_line(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(clean).collect();
    words.join(" ")
}

/// What could begin a mention, a channel, a date or a link in Slack's own syntax no longer does.
fn blunt(text: &str, begins: fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.push(if c == '<' && begins(rest.as_str()) { '‹' } else { c });
    }
    out
}

fn begins_token(after: &str) -> bool {
    let scheme = after.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |s: &str| !s.is_empty() && s.len() <= 32 && s.bytes().all(|b| b.is_ascii_alphanumeric());
    after.starts_with(['!', '@', '#']) || scheme.is_some_and(is_scheme)
}

/// What Slack itself writes in angle brackets.
fn begins_known(after: &str) -> bool {
    let scheme = after.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let links = ["http", "https", "mailto", "tel", "slack"];
    after.starts_with(['!', '@', '#']) || scheme.is_some_and(|s| links.contains(&s.as_str()))
}

fn powerless(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

fn as_it_is(c: char, out: &mut String) {
    out.push(c);
}

/// Writes character by character until `max` units are used; what is left out is an `…`.
fn gather(text: &str, max: usize, write: fn(char, &mut String)) -> String {
    let mut out = String::new();
    let (mut used, mut room_for_mark) = (0, 0);
    for c in text.chars() {
        let before = out.len();
        write(c, &mut out);
        used += out.get(before..).map_or(0, units);
        if used > max {
            out.truncate(room_for_mark);
            out.truncate(out.trim_end().len());
            if max > 0 {
                out.push('…');
            }
            return out;
        }
        if used < max {
            room_for_mark = out.len();
        }
    }
    out
}
