//! One sentence or two a language, and texts that must stay untold.

use super::*;
use proptest::prelude::*;

fn told(answer: &str, prompt: &str) -> (Option<&'static str>, Option<&'static str>) {
    let [language, script] = identify(std::iter::once(answer), std::iter::once(prompt));
    (
        language.map(|language| CODES[usize::from(language)]),
        script.map(|script| Script::ALL[usize::from(script)].code()),
    )
}

#[test]
fn languages_of_real_sentences() {
    let cases = [
        ("en", "Latn", "Add three spoons of sugar and stir until it is smooth."),
        ("de", "Latn", "Zeigt die Größe aller Dateien im aktuellen Verzeichnis an."),
        ("es", "Latn", "No sé dónde está la biblioteca, pero puedo preguntar."),
        ("fr", "Latn", "Je ne sais pas si nous pourrons venir demain."),
        ("it", "Latn", "Non so perché il treno sia in ritardo anche oggi."),
        ("pt", "Latn", "Não sei onde fica a estação, mas posso perguntar."),
        ("nl", "Latn", "Ik weet niet waarom het zo lang heeft geduurd."),
        ("pl", "Latn", "Nie wiem, dlaczego to się jeszcze nie skończyło."),
        ("ru", "Cyrl", "Я не знаю, почему это так долго."),
        ("uk", "Cyrl", "Я не знаю, чому це так довго триває."),
        ("zh", "Hani", "我不知道为什么要等这么久。"),
        ("ja", "Jpan", "なぜこんなに時間がかかるのか分かりません。"),
        ("ko", "Kore", "왜 이렇게 오래 걸리는지 모르겠어요."),
        ("ar", "Arab", "لا أعرف لماذا استغرق هذا كل هذا الوقت."),
        ("he", "Hebr", "אני לא יודע למה זה לקח כל כך הרבה זמן."),
        ("hi", "Deva", "मुझे नहीं पता कि इसमें इतना समय क्यों लगा।"),
        ("el", "Grek", "Δεν ξέρω γιατί πήρε τόσο πολύ."),
        ("th", "Thai", "ไม่รู้ว่าทำไมถึงนานขนาดนี้"),
    ];
    for (language, script, text) in cases {
        assert_eq!(told(text, ""), (Some(language), Some(script)), "{text}");
    }
}

#[test]
fn code_and_signs_tell_nothing() {
    for text in ["", "42", "```python\nfor the in of and to:\n```", "`the` `of` `and`", "§ 3.1 → 7", "B", "/the/of/and"]
    {
        assert_eq!(told(text, "").0, None, "{text}");
    }
}

#[test]
fn a_short_answer_is_told_by_its_prompt() {
    assert_eq!(told("42", "Wie viele Äpfel hat der Mann am Ende noch?").0, Some("de"));
    assert_eq!(told("Das weiß ich leider nicht.", "What is the capital of the moon?").0, Some("de"));
}

#[test]
fn white_space_at_the_end_ends_it() {
    for text in [" ", "\n", "`x`\n", "```\nx\n```\n", "Das ist es nicht. \n\n", "\u{3000}"] {
        told(text, " \n");
    }
    assert_eq!(told("Das weiß ich leider nicht.\n", "").0, Some("de"));
}

proptest! {
    /// White space counts as nothing, so it must not matter where in a block of bytes a word falls.
    #[test]
    fn places_in_memory_do_not_matter(
        pieces in proptest::collection::vec(
            prop_oneof![
                "the|and|is|der|und|nicht|Größe|déjà|x1|don't|a\\.b\\.c",
                "[a-z]{1,90}",
                "[äßéñ漢字가жы。，’—]{1,40}",
                "`[a-z` ]{0,9}`|```[a-z\\n]{0,70}```|[a-z]{0,70}[0-9=/][a-z]{0,70}",
            ],
            0..60,
        ),
        before in 0usize..130,
    ) {
        let text = pieces.join(" ");
        prop_assert_eq!(told(&format!("{}{text}", " \n".repeat(before / 2)), ""), told(&text, ""));
        prop_assert_eq!(told(&format!("{}{text}", " ".repeat(before)), ""), told(&text, ""));
    }
}
