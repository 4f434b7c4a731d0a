//! Laws of foreign text.

use proptest::prelude::*;

use super::*;

const HOSTILE: &str = "<!channel> & <@U024> <#C1|x> <https://evil.example|bank> \u{0}\u{202e}gnp.exe\r\nend";

#[test]
fn mrkdwn_loses_its_power_and_nothing_else() {
    insta::assert_snapshot!(mrkdwn(HOSTILE, 500), @r"
    &lt;!channel&gt; &amp; &lt;@U024&gt; &lt;#C1|x&gt; &lt;https://evil.example|bank&gt; ��gnp.exe
    end
    ");
}

#[test]
fn plain_text_keeps_code_and_begins_no_mention() {
    insta::assert_snapshot!(plain(HOSTILE, 500), @"‹!channel> & ‹@U024> ‹#C1|x> ‹https://evil.example|bank> ��gnp.exe end");
    assert_eq!(
        plain("impl<T> From<Vec<u8>> for <T as Into<u8>>::Out", 100),
        "impl<T> From<Vec<u8>> for <T as Into<u8>>::Out"
    );
}

#[test]
fn prose_keeps_its_shape_and_links_nowhere() {
    let prose = "# Plan\n- use `Vec<u8>`\n- see [docs](https://evil.example) and <http://evil.example>\n\
                 - ask @channel\n\n[1]: http://evil.example\n![x](http://evil.example/x.png) www.evil.example";
    let shown = markdown(prose, 1_000);
    insta::assert_snapshot!(shown.replace('\u{200b}', "·"), @r"
    # Plan
    - use `Vec<u8>`
    - see [docs] (https:·//evil.example) and ‹http:·//evil.example>
    - ask @·channel

    [1] : http:·//evil.example
    ![x] (http:·//evil.example/x.png) www·.evil.example
    ");
}

#[test]
fn code_stays_between_its_backticks() {
    assert_eq!(code("a`b <c>\nd", 100), "`a'b &lt;c&gt; d`");
    assert_eq!(code(" \n", 100), "");
    assert_eq!(code(&"x".repeat(50), 10), "`xxxxxxx…`");
}

#[test]
fn a_cut_never_leaves_half_an_escape_or_half_a_link() {
    assert_eq!(mrkdwn("a&&&", 12), "a&amp;&amp;…");
    assert_eq!(cut_mrkdwn("say <https://example.com/a|there> and go", 20), "say…");
    assert_eq!(cut_mrkdwn("a &amp; b &amp; c", 13), "a &amp; b…");
    assert_eq!(cut_mrkdwn("short", 5), "short");
}

#[test]
fn only_web_addresses_become_links() {
    assert_eq!(link("https://example.com/pull/9", "#9"), "<https://example.com/pull/9|#9>");
    for bad in
        ["javascript:alert(1)", "https://a|b", "https://a b", "https://a>", "ftp://a", "https://a\u{202e}"]
    {
        assert_eq!(link(bad, "#9"), "#9", "{bad}");
    }
    assert_eq!(link("https://example.com", "a|b<!here>"), "<https://example.com|a¦b&lt;!here&gt;>");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_put_in_stays_within_its_place(text in ".{0,300}", max in 1_usize..120) {
        for shown in [mrkdwn(&text, max), line(&text, max), plain(&text, max), plain_lines(&text, max),
                      markdown(&text, max), literal(&text, max), cut_mrkdwn(&text, max)] {
            prop_assert!(units(&shown) <= max, "{} > {max}: {shown:?}", units(&shown));
        }
        prop_assert!(!mrkdwn(&text, max).contains(['<', '>']));
        prop_assert!(units(&code(&text, max + 2)) <= max + 2);
    }

    #[test]
    fn nothing_begins_a_mention(text in r"[<!@#a-z:/ ]{0,40}") {
        for shown in [plain(&text, 100), markdown(&text, 200)] {
            for token in ["<!", "<@", "<#", "<http:", "<mailto:"] {
                prop_assert!(!shown.contains(token), "{shown}");
            }
        }
    }
}
