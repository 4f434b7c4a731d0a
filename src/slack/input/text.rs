//! Slack's way of writing (`<@U1|ana>`, `<https://…|label>`, `&amp;`) as a person reads it.
//!
//! One pass, linear; what is no mark of Slack's stays as it is. Must not know what the words mean.

/// A message as it reads. Marks become their labels, links their addresses; control characters other than line end and
/// tab are dropped, for nobody sees them.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, marked) = rest.split_at(at);
        push_words(&mut out, before);
        let inside = marked.strip_prefix('<').unwrap_or(marked);
        // A mark holds neither of the two: what comes first says whether this is one.
        let end = inside.find(['<', '>']).filter(|end| inside[*end..].starts_with('>'));
        let mark = end.and_then(|end| Some((read_mark(&inside[..end])?, &inside[end + 1..])));
        let Some(((sign, words), after)) = mark else {
            out.push('<');
            rest = inside;
            continue;
        };
        out.push_str(sign);
        push_words(&mut out, words);
        rest = after;
    }
    push_words(&mut out, rest);
    out
}

/// What stands between `<` and `>`, as a sign and the words after it; `None` where it is no mark.
fn read_mark(mark: &str) -> Option<(&'static str, &str)> {
    let (target, label) = match mark.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|l| !l.is_empty())),
        None => (mark, None),
    };
    let mut chars = target.chars();
    match chars.next()? {
        '@' if is_name(chars.as_str()) => {
            Some(("@", label.map_or(chars.as_str(), |l| l.trim_start_matches('@'))))
        }
        '#' if is_name(chars.as_str()) => {
            Some(("#", label.map_or(chars.as_str(), |l| l.trim_start_matches('#'))))
        }
        '!' if !chars.as_str().is_empty() => Some(match label {
            Some(label) => ("", label),
            None => ("@", chars.as_str()),
        }),
        _ => link(target, label).map(|words| ("", words)),
    }
}

/// Ids of people and channels: `U024BE7LH`.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// An address stands for itself, whatever its label says; a mail address without its scheme.
fn link<'a>(target: &'a str, label: Option<&'a str>) -> Option<&'a str> {
    if let Some(address) = target.strip_prefix("mailto:").or_else(|| target.strip_prefix("tel:")) {
        return Some(label.unwrap_or(address));
    }
    let (scheme, rest) = target.split_once("://")?;
    let plain =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
    (plain && !rest.is_empty()).then_some(target)
}

/// Undoes `&amp;`, `&lt;` and `&gt;`, each once.
fn push_words(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        push_seen(out, &rest[..at]);
        let here = &rest[at..];
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
        let (len, sign) =
            known.iter().find(|(name, _)| here.starts_with(name)).map_or((1, '&'), |(n, c)| (n.len(), *c));
        out.push(sign);
        rest = &here[len..];
    }
    push_seen(out, rest);
}

fn push_seen(out: &mut String, text: &str) {
    out.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
}

/// Takes every mention of `user` out of a message as Slack sent it; `None` where there is none.
pub(super) fn without_mention(text: &str, user: &str) -> Option<String> {
    if user.is_empty() {
        return None;
    }
    let mark = format!("<@{user}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(&mark) {
        let after = &rest[at + mark.len()..];
        // `<@U1` also starts the mention of U12.
        let end = after.find('>').filter(|end| *end == 0 || after.starts_with('|'));
        let Some(end) = end else {
            out.push_str(&rest[..at + mark.len()]);
            rest = after;
            continue;
        };
        found = true;
        out.push_str(rest[..at].trim_end_matches(' '));
        rest = after[end + 1..].trim_start_matches([' ', ':', ',']);
        if !out.is_empty() && !rest.is_empty() {
            out.push(' ');
        }
    }
    out.push_str(rest);
    found.then_some(out)
}
