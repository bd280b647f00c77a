//! What can be wrong with a text that should be JSON.

/// Why a text is not the JSON we take, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Byte offset in the text that was parsed.
    pub byte: usize,
    /// What is wrong there.
    pub kind: DefectKind,
}

/// The kinds of defect; each has a reason code `parse.<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectKind {
    /// Not JSON.
    Syntax,
    /// The text ends inside a value.
    Truncated,
    /// More text after the value.
    Trailing,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite,
    /// Half of a surrogate pair, escaped.
    LoneSurrogate,
    /// A raw control character inside a string.
    Control,
    /// A key stands twice in one object.
    DuplicateKey,
    /// Nested deeper than the limit.
    Depth,
    /// Bytes that are not UTF-8.
    Encoding,
    /// A comma before a closing bracket or after the value.
    TrailingComma,
}

impl DefectKind {
    /// Every kind.
    pub const ALL: [DefectKind; 10] = [
        Self::Syntax,
        Self::Truncated,
        Self::Trailing,
        Self::NonFinite,
        Self::LoneSurrogate,
        Self::Control,
        Self::DuplicateKey,
        Self::Depth,
        Self::Encoding,
        Self::TrailingComma,
    ];

    /// The reason code's last part: `syntax` of `parse.syntax`.
    pub fn code(self) -> &'static str {
        let reason = self.reason();
        reason.strip_prefix("parse.").unwrap_or(reason)
    }

    /// The reason code.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Syntax => "parse.syntax",
            Self::Truncated => "parse.truncated",
            Self::Trailing => "parse.trailing",
            Self::NonFinite => "parse.non_finite",
            Self::LoneSurrogate => "parse.lone_surrogate",
            Self::Control => "parse.control",
            Self::DuplicateKey => "parse.duplicate_key",
            Self::Depth => "parse.depth",
            Self::Encoding => "parse.encoding",
            Self::TrailingComma => "parse.trailing_comma",
        }
    }
}

impl Defect {
    /// The defect in words, with what stands at its place in `source`.
    pub fn describe(&self, source: &[u8]) -> String {
        let shown = |from: usize, to: usize| {
            let part = &source[from.min(source.len())..to.min(source.len())];
            String::from_utf8_lossy(part).escape_debug().to_string()
        };
        let here = || shown(self.byte, source[self.byte.min(source.len())..].iter().take(8).count() + self.byte);
        let before = || shown(self.byte.saturating_sub(16), self.byte);
        match self.kind {
            DefectKind::Syntax if self.byte == 0 => format!("not JSON: it begins with `{}`, expected a value", here()),
            DefectKind::Syntax => format!("`{}` is not expected after `{}`", here(), before()),
            DefectKind::Truncated => format!("the text ends after `{}`, expected the rest of the value", before()),
            DefectKind::Trailing => format!("`{}` stands after the value, expected nothing more on the line", here()),
            DefectKind::NonFinite => format!("`{}` is no JSON number, expected a finite number or `null`", here()),
            DefectKind::LoneSurrogate => {
                format!("`{}` is half of a surrogate pair, expected a pair of escapes", shown(self.byte, self.byte + 6))
            }
            DefectKind::Control => format!(
                "control character {:#04x} inside a string, expected an escape",
                source.get(self.byte).unwrap_or(&0)
            ),
            DefectKind::DuplicateKey => {
                format!("key {} stands twice in one object, expected once", shown(self.byte, self.byte + 32))
            }
            DefectKind::Depth => "arrays and objects are nested too deep; the limit is `parse.max_depth`".into(),
            DefectKind::Encoding => format!("byte {:#04x} is not UTF-8", source.get(self.byte).unwrap_or(&0)),
            DefectKind::TrailingComma => "a comma with nothing after it, expected another element or no comma".into(),
        }
    }
}
