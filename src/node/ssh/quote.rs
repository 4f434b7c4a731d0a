//! One argument as one word of a login shell's command line.
//!
//! ssh hands the far side a line, never an argument list, and the login shell there may be any. What is written here
//! reads the same in `sh`, `bash`, `zsh`, `dash` and `fish`. Must not know what the words mean.

/// The line that arrives as exactly these arguments; `None` where one holds a zero byte, which no argument can.
pub(super) fn line(argv: &[&str]) -> Option<String> {
    if argv.iter().any(|word| word.contains('\0')) {
        return None;
    }
    Some(argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// Plain characters stand bare; a quote, a backslash and a bang behind a backslash; everything else between single
/// quotes, in which no shell sees more than characters once those three are kept out.
fn quoted(word: &str) -> String {
    if word.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::with_capacity(word.len() + 2);
    let mut open = false;
    for c in word.chars() {
        let kept_out = matches!(c, '\'' | '\\' | '!');
        let bare = kept_out || c.is_ascii_alphanumeric() || "_-./:,@".contains(c);
        if bare == open {
            out.push('\'');
            open = !open;
        }
        if kept_out {
            out.push('\\');
        }
        out.push(c);
    }
    if open {
        out.push('\'');
    }
    out
}
