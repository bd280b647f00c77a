//! Each kind of change by example, and what holds for every text: once is enough, the scan misses
//! nothing, clean text is not touched.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use scan::{Flags, scan_plainly};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

fn off() -> NormaliseSettings {
    NormaliseSettings::off()
}

/// Everything that the scan can find.
const ALL: Flags = Flags(u16::MAX);

fn scan(text: &str) -> Flags {
    scan::scan(text, ALL)
}

/// The text after the stage, and the trace.
fn run(settings: &NormaliseSettings, text: &str) -> (String, Vec<(&'static str, u32)>) {
    let arena = Bump::new();
    let text = arena.alloc_str(text);
    let mut changes = Changes::default();
    let new = Normalise::new(settings).unwrap().text(text, &mut changes, &arena);
    (new.unwrap_or(text).to_owned(), changes.iter().map(|(kind, count)| (kind.name(), count)).collect())
}

#[track_caller]
fn check(settings: NormaliseSettings, given: &str, wanted: &str, changes: &[(&'static str, u32)]) {
    assert_eq!(run(&settings, given), (wanted.to_owned(), changes.to_vec()), "from {given:?}");
    assert_eq!(run(&settings, wanted), (wanted.to_owned(), vec![]), "twice, from {given:?}");
}

#[test]
fn defaults_make_all_kinds_of_change_but_html() {
    let given = "\u{FEFF}cafe\u{301} \r\nit\u{200B}â€™s\u{7} a &amp; <b>\u{2028}end\t";
    let wanted = "café\nit’s a &amp; <b>\nend";
    let changes = [
        ("normalise.nfc", 1),
        ("normalise.mojibake", 1),
        ("normalise.control", 1),
        ("normalise.zero_width", 2),
        ("normalise.line_ends", 2),
        ("normalise.trailing_space", 2),
    ];
    check(NormaliseSettings::default(), given, wanted, &changes);
}

#[test]
fn a_kind_that_is_off_changes_nothing() {
    let text = "\u{FEFF}cafe\u{301} \r\nâ€™ \u{200B}\u{7} &amp; <b>x</b>\u{85}\t";
    assert_eq!(run(&off(), text), (text.to_owned(), vec![]));
}

#[test]
fn line_ends_become_line_feeds() {
    let settings = NormaliseSettings { line_ends: true, ..off() };
    check(settings, "a\r\nb\rc\n\rd\u{85}e\u{2028}f\u{2029}", "a\nb\nc\n\nd\ne\nf\n", &[("normalise.line_ends", 6)]);
}

#[test]
fn terminal_sequences_go_whole_and_other_controls_singly() {
    let settings = NormaliseSettings { control: true, ..off() };
    check(
        settings,
        "\u{1b}[1;31mred\u{1b}[0m \u{0}\u{1b}x\u{7f}\u{9f}[2]\ta\r\n\u{c}b",
        "red x[2]\ta\r\nb",
        &[("normalise.control", 7)],
    );
}

#[test]
fn joiners_and_variation_selectors_are_not_zero_width() {
    let settings = NormaliseSettings { zero_width: true, ..off() };
    check(settings.clone(), "a\u{200B}b\u{FEFF}", "ab", &[("normalise.zero_width", 2)]);
    check(settings.clone(), "می‌خواهم 👩‍👧 ❤\u{FE0F} soft\u{AD}hyphen", "می‌خواهم 👩‍👧 ❤\u{FE0F} soft\u{AD}hyphen", &[]);
}

#[test]
fn trailing_space_spares_code_and_hard_breaks() {
    let settings = NormaliseSettings { trailing_space: true, ..off() };
    for (given, wanted, lines) in [
        ("a \nb\t\n \t\nc  ", "a\nb\n\nc", 4),
        // A hard break, and what only looks like one.
        ("roses  \nviolets", "roses  \nviolets", 0),
        ("roses     \nviolets", "roses  \nviolets", 1),
        ("end of paragraph  \n\nnext", "end of paragraph\n\nnext", 1),
        ("tab \t \nnext", "tab\nnext", 1),
        // Fences, also of tildes, longer ones, inside a list, and one that nobody closes.
        ("x \n``` py  \na \n  \n``` \ny ", "x\n``` py  \na \n  \n```\ny", 3),
        ("~~~~\na \n~~~ \n```\n~~~~\nb ", "~~~~\na \n~~~ \n```\n~~~~\nb", 1),
        ("- item\n  ```\n  code \n  ```\nb ", "- item\n  ```\n  code \n  ```\nb", 1),
        ("```\nopen \nto the end ", "```\nopen \nto the end ", 0),
        ("`` ` `` \n```a`b \nc ", "`` ` ``\n```a`b\nc", 3),
        // Indented code keeps its spaces, a line of nothing but space does not.
        ("    x = 1  \n\ty \n    \nz", "    x = 1  \n\ty \n\nz", 1),
        ("last\n\n", "last\n\n", 0),
    ] {
        let changes: &[_] = if lines == 0 { &[] } else { &[("normalise.trailing_space", lines)] };
        check(settings.clone(), given, wanted, changes);
    }
    // Where carriage returns stay, they count as part of the line end.
    check(settings, "a \r\nb \r\n", "a\r\nb\r\n", &[("normalise.trailing_space", 2)]);
}

#[test]
fn entities_are_decoded_outside_code() {
    let settings = NormaliseSettings { html: Html::Entities, ..off() };
    let given = "5 &lt; 6 &amp;&amp; it&#39;s &#x1F600;&hellip; `&lt;` &amp;lt; &copy=1 &nosuch; & &; &#xD800; &semi;";
    let wanted = "5 < 6 && it's 😀… `&lt;` < &copy=1 &nosuch; & &; \u{FFFD} ;";
    check(settings.clone(), given, wanted, &[("normalise.html_entities", 10)]);
    check(settings, "```\n&lt;\n```\n<b>&eacute;</b>", "```\n&lt;\n```\n<b>é</b>", &[("normalise.html_entities", 1)]);
}

#[test]
fn tags_are_stripped_and_blocks_end_lines() {
    let settings = NormaliseSettings { html: Html::Strip, ..off() };
    let tags = |count| [("normalise.html_tags", count)];
    check(
        settings.clone(),
        "<p>One <b>bold</b></p><p class=\"a>b\">Two<br/>three</p>",
        "One bold\nTwo\nthree\n",
        &tags(7),
    );
    check(settings.clone(), "<ul><li>a</li><li>b</li></ul><!-- no --><script>x < 1</script>c", "a\nb\nc", &tags(8));
    // What is no HTML stays.
    for text in
        ["Vec<T> a < b", "<think>hm</think>", "<persona:x>", "<a@b.org>", "`<b>` ```\n<p>\n```", "i<br j>", "<b"]
    {
        let wanted = if text == "i<br j>" { "i\n" } else { text };
        check(settings.clone(), text, wanted, if text == wanted { &[] } else { &[("normalise.html_tags", 1)] });
    }
    // What was escaped to be shown is neither eaten now nor by the next run.
    check(settings, "use &lt;b&gt; &amp; co", "use &lt;b> & co", &[("normalise.html_entities", 2)]);
}

#[test]
fn misread_text_becomes_what_it_was_before_other_kinds_look_at_it() {
    let settings = NormaliseSettings::default();
    check(settings.clone(), "Ã©tÃ© Ã\u{a0} Nice", "été à Nice", &[("normalise.mojibake", 3)]);
    // Decomposed by a file system after it was misread.
    check(settings, "cafA\u{303}©", "café", &[("normalise.nfc", 1), ("normalise.mojibake", 1)]);
}

#[test]
fn the_scan_calls_for_nfc_wherever_it_could_matter() {
    for c in '\u{80}'..=char::MAX {
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        let fine = unicode_normalization::is_nfc_quick(std::iter::once(c)) == unicode_normalization::IsNormalized::Yes
            && canonical_combining_class(c) == 0;
        let suspect = nfc::is_suspect(bytes[0], bytes[1], bytes.get(2).copied().unwrap_or(0));
        assert!(fine || suspect, "U+{:04X}", u32::from(c));
    }
    // And not where it would cost a second look at ordinary texts.
    for text in [
        "naïve “quotes” — … €",
        "Привет, мир",
        "Ελλάδα",
        "今天天气很好，你好。",
        "こんにちは カタカナ",
        "안녕하세요",
        "🎉🚀❤️",
        "Tiếng Việt",
        "مرحبا",
    ] {
        assert!(!scan(text).has(Flags::NFC), "{text}");
    }
}

/// Every character, with neighbours and without, at every place of a vector: the scan that this
/// processor uses against the plain one. Both must also not depend on what stands far away.
#[test]
fn the_vector_scan_says_what_the_plain_one_says() {
    let mut text = String::new();
    for c in '\u{0}'..=char::MAX {
        let shift = c as usize % 67;
        for (before, after) in [("", ""), ("x", "y"), ("Ã", ""), (" ", "中"), ("\u{2019}", "©")] {
            text.clear();
            text.extend(std::iter::repeat_n(if shift.is_multiple_of(2) { 'a' } else { '。' }, shift));
            text.push_str(before);
            text.push(c);
            text.push_str(after);
            let tail = c as usize / 67 % 41;
            text.extend(std::iter::repeat_n('b', if after.is_empty() { 0 } else { tail }));
            assert_eq!(scan(&text), scan_plainly(text.as_bytes()).with(html_flags(&text)), "{text:?}");
        }
    }
}

fn html_flags(text: &str) -> Flags {
    let of = |byte, flag| if text.contains(byte) { flag } else { Flags::default() };
    of('&', Flags::AMPERSAND).with(of('<', Flags::ANGLE))
}

#[test]
fn clean_texts_need_nothing() {
    for text in [
        "",
        "plain",
        "a\n\tb\n",
        "naïve “quotes” — … €5 x² © 2024",
        "今天天气很好，你好。",
        "Привет, «мир»",
        "🎉🚀❤️ ok",
    ] {
        assert_eq!(scan(text).0 & !Flags::NON_ASCII.0, 0, "{text}");
    }
}

/// Pieces that meet each other in every order: what the kinds look for, and plain words.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "word",
        " ",
        "  ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{85}",
        "\u{2028}",
        "\u{0}",
        "\u{1b}[0m",
        "\u{1b}",
        "[1m",
        "\u{200B}",
        "\u{FEFF}",
        "\u{301}",
        "\u{327}",
        "e",
        "é",
        "Ã",
        "©",
        "Ã©",
        "â€™",
        "â",
        "€",
        "™",
        "√©",
        "‚Äô",
        "ÃƒÂ©",
        "√",
        "’",
        "“",
        "”",
        "```",
        "`",
        "~~~",
        "    ",
        "&",
        "amp;",
        "&amp;",
        "&lt;",
        "lt;",
        "&#38;",
        "<",
        "b>",
        "<b>",
        "</p>",
        "<br>",
        "<!--",
        "-->",
        ">",
        ";",
        "ใ",
        "中",
        "\u{1100}\u{1161}",
        "ß",
        "ﬁ",
        "Ω",
        "\u{2126}",
        "Å",
        "²",
        "ï»¿",
        "\u{9d}",
        "Â\u{a0}",
    ];
    prop::sample::select(pieces.to_vec()).prop_map(str::to_owned)
}

fn settings() -> impl Strategy<Value = NormaliseSettings> {
    let html = prop::sample::select(vec![Html::Off, Html::Entities, Html::Strip]);
    (any::<[bool; 6]>(), html).prop_map(|([nfc, mojibake, control, zero_width, line_ends, trailing_space], html)| {
        NormaliseSettings { nfc, mojibake, control, zero_width, line_ends, trailing_space, html, ..off() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn twice_is_once(settings in settings(), pieces in prop::collection::vec(piece(), 0..24), any in "\\PC{0,6}") {
        let text = pieces.concat() + &any;
        let (once, _) = run(&settings, &text);
        prop_assert_eq!(run(&settings, &once), (once.clone(), vec![]), "from {:?}", text);
    }

    #[test]
    fn what_is_counted_is_what_changed(settings in settings(), pieces in prop::collection::vec(piece(), 0..12)) {
        let text = pieces.concat();
        let (new, changes) = run(&settings, &text);
        prop_assert_eq!(new == text, changes.is_empty(), "{:?} {:?}", text, changes);
    }

    /// The scan against a plain look at every character.
    #[test]
    fn the_scan_sees_what_is_there(pieces in prop::collection::vec(piece(), 0..40), shift in 0usize..70) {
        let text = "x".repeat(shift) + &pieces.concat();
        let found = scan(&text);
        prop_assert_eq!(found, scan_plainly(text.as_bytes()).with(html_flags(&text)));
        let any = |is: fn(char) -> bool| text.chars().any(is);
        prop_assert_eq!(found.has(Flags::NON_ASCII), !text.is_ascii());
        prop_assert_eq!(found.has(Flags::CONTROL), any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')));
        prop_assert_eq!(found.has(Flags::LINE_END), any(|c| matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')));
        prop_assert_eq!(found.has(Flags::ZERO_WIDTH), any(|c| matches!(c, '\u{200B}' | '\u{FEFF}')));
        prop_assert_eq!(found.has(Flags::AMPERSAND), text.contains('&'));
        prop_assert_eq!(found.has(Flags::ANGLE), text.contains('<'));
        let trailing = text.split(['\n', '\r']).any(|line| line.ends_with([' ', '\t']));
        prop_assert_eq!(found.has(Flags::TRAILING), trailing);
        prop_assert!(found.has(Flags::NFC) || text.nfc().eq(text.chars()));
    }
}
