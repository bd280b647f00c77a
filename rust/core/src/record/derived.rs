//! What follows from a record and is asked in more than one place.

use super::{Content, Message, Record, Role};

impl<'a> Record<'a> {
    /// Where the record is from: the declared `_source`, else the name of the input file.
    pub fn source(&self) -> &'a str {
        match self.field("_source").and_then(|node| node.as_str()) {
            Some(declared) => declared,
            None => {
                let path = self.origin.path;
                // Both separators are ASCII, so what follows one is text.
                memchr::memrchr2(b'/', b'\\', path.as_bytes()).and_then(|at| path.get(at + 1..)).unwrap_or(path)
            }
        }
    }

    /// Characters (Unicode scalar values) of assistant text: what the record teaches. Of a text, all of it.
    pub fn taught(&self) -> u64 {
        let taught = self.messages.iter().filter(|message| matches!(message.role, Role::Assistant | Role::Text));
        taught.map(Message::characters).sum()
    }
}

impl Message<'_> {
    /// Characters (Unicode scalar values) that the turn says: content, text parts, reasoning.
    pub fn characters(&self) -> u64 {
        let content = match &self.content {
            Content::Text(text) => characters(text.value),
            Content::Parts(parts) => parts.iter().filter_map(|part| part.text).map(|text| characters(text.value)).sum(),
            Content::Absent | Content::Null => 0,
        };
        (content + self.reasoning.map_or(0, |text| characters(text.value))) as u64
    }
}

/// Characters (Unicode scalar values) of a text.
pub(crate) fn characters(text: &str) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { first_bytes_avx2(text.as_bytes()) };
    }
    text.chars().count()
}

/// Bytes that begin a character.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn first_bytes_avx2(bytes: &[u8]) -> usize {
    let begins = |byte: u8| u8::from(byte as i8 >= -0x40);
    let (blocks, rest) = bytes.as_chunks::<64>();
    let mut total: usize = rest.iter().map(|&byte| usize::from(begins(byte))).sum();
    // So many that no sum of a byte overflows; the loop inside becomes a few vector instructions.
    for blocks in blocks.chunks(255) {
        let mut sums = [0u8; 64];
        for block in blocks {
            for (sum, &byte) in sums.iter_mut().zip(block) {
                *sum += begins(byte);
            }
        }
        total += sums.iter().map(|&sum| usize::from(sum)).sum::<usize>();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::characters;

    #[test]
    fn characters_are_those_of_the_standard_library() {
        for piece in ["a", "é", "漢", "😀", "aé漢😀 \u{80}"] {
            for times in [0, 1, 2, 63, 64, 65, 200, 17_000] {
                let text = piece.repeat(times) + "x";
                assert_eq!(characters(&text), text.chars().count());
            }
        }
    }
}
