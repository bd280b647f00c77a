//! Where the sentences of a turn end.

/// The places of the marks that end sentences.
#[derive(Debug, Default)]
pub(super) struct Sentences(Vec<u32>);

impl Sentences {
    /// Reads a turn.
    pub fn read(&mut self, text: &str) {
        self.0.clear();
        let ends = text.char_indices().filter(|(_, mark)| matches!(mark, '.' | '!' | '?' | '\n' | '。' | '！' | '？'));
        self.0.extend(ends.map(|(at, _)| at as u32));
    }

    /// Whether no sentence ends between two places; those that overlap share theirs.
    pub fn share(&self, one: (u32, u32), other: (u32, u32)) -> bool {
        let (first, second) = if one.0 <= other.0 { (one, other) } else { (other, one) };
        self.0.partition_point(|&mark| mark < first.1) == self.0.partition_point(|&mark| mark < second.0)
            || first.1 >= second.0
    }
}

#[cfg(test)]
mod tests {
    use super::Sentences;

    #[test]
    fn a_mark_between_parts_two_places() {
        let text = "I am here. 我很好！You?";
        let mut sentences = Sentences::default();
        sentences.read(text);
        let at = |part: &str| {
            let start = text.find(part).unwrap_or_default() as u32;
            (start, start + part.len() as u32)
        };
        assert!(sentences.share(at("I am"), at("here")));
        assert!(sentences.share(at("here"), at("am")));
        assert!(!sentences.share(at("here"), at("我")));
        assert!(!sentences.share(at("You"), at("好")));
        assert!(sentences.share(at("I am here. 我"), at("here")));
    }
}
