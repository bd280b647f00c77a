//! The self-check: texts on which hand-written tokenizers usually go wrong.

use super::{Fast, Reference, Scratch, Tokeniser, Tokens};
use corpuskit_core::Result;

/// Texts that every backend must give the reference's tokens for.
pub const TORTURE: &[&str] = &[
    "",
    " ",
    "  ",
    "\n",
    "\n\n",
    " \n ",
    "\t\t x",
    "a",
    " a",
    "a ",
    "  a  b   c    ",
    "line\n\n\nline\r\nline\r",
    "x  \n  y\n\t z \n",
    "I'll you're we've he'd I'm it's don't 'tis 'S 'LL 'RE'VE it'S I'M 's's''s",
    "a's 1's !'s 'x ' s '' '''",
    "'\u{17F} K\u{17F} \u{212A}",
    "1 12 123 1234 12345 1,234.56 ١٢٣ Ⅷ½²",
    "snake_case camelCase SCREAMING __init__ --flag ... !!! ??? <<<>>> ===",
    "foo(bar)[baz]{qux};//comment\n\tif (x!=y) { return -1; }",
    "https://example.org/a/b?c=d&e=f#g user@example.org C:\\dir\\file",
    "naïve café Ångström e\u{301} a\u{30A} ﬁ Ǆ ß ẞ İ ı",
    "日本語のテキスト。中文文本，混合English和数字123。한국어 텍스트",
    "Привет, мир! مرحبا بالعالم שלום हिन्दी ไทย",
    "🎭👩‍👩‍👧‍👦🏳️‍🌈 👍🏽 \u{1F1E9}\u{1F1EA} e🙂e",
    "\u{0}\u{1}\u{7f}\u{80}\u{85}\u{a0}\u{ad}\u{200b}\u{200d}\u{2028}\u{2029}\u{202f}\u{3000}\u{feff}\u{fffd}",
    "a\u{a0}b\u{3000}c\u{2003}\u{2003}d \u{a0}e\u{85}f",
    "▁ ▁▁ a▁b ▁a",
    "\u{10ffff}\u{e000}\u{f0000}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "----------------------------------------------------------------------------------------------------------",
    "                                                                                        end",
    "abababababababababababababcabababababababababababababababababababababababababababababababababababab",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nok<|im_end|>\n",
    "<s>[INST] <<SYS>>\nx\n<</SYS>>\n\ny [/INST] z </s><s>",
    "<|user|>\n a<|end|>  \n\n <|assistant|>\n\tb <|end|>\n<|endoftext|>",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>",
    "<start_of_turn>model\nhi<end_of_turn>\n<unk><pad><bos><eos></s> </s>x",
    "<|im_start<|im_start|>|> <|im_end|><|im_end|> <|im_END|> <0x0A> <0x41>",
];

/// The first text on which two backends differ; the fast one must also end every token at the border of the text's end.
///
/// # Errors
/// Where the reference cannot tokenise a text.
pub fn first_difference(fast: &Fast, reference: &Reference, samples: &[String]) -> Result<Option<String>> {
    let mut scratch = Scratch::default();
    let texts = TORTURE.iter().copied().chain(samples.iter().map(String::as_str));
    for text in texts {
        // Twice: the second time from the cache.
        for _ in 0..2 {
            let mut found = Tokens::default();
            if !fast.covers(text) {
                break;
            }
            fast.encode(text, &mut scratch, &mut found)?;
            let whole = found.ends.last().is_none_or(|&end| end as usize == text.len());
            if found.ids != reference.ids(text)? || !whole {
                return Ok(Some(text.to_owned()));
            }
        }
    }
    Ok(None)
}
