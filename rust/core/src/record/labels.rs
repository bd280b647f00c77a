//! Labels: what was observed about a record. They lead to columns and never into a text.
//!
//! A run has one vocabulary; a record's labels are numbers into it, so that labelling costs no text.

/// Columns that a record may declare for itself, and the fields where it does.
pub(crate) const DECLARED: [(&str, &str); 3] =
    [("category", "_category"), ("persona", "_persona"), ("traits", "_traits")];

/// Every label that a run can give: columns with their tags, and the rules that earn them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// The label columns, in the order of the output.
    pub columns: Vec<LabelColumn>,
    /// The rules by number: `pack.tag.rule`.
    pub rules: Vec<String>,
    /// By rule: the column and the tag that it earns.
    pub earns: Vec<(u16, u16)>,
}

/// A label column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelColumn {
    /// Its name.
    pub name: String,
    /// Whether a record has one of its tags at most.
    pub one: bool,
    /// Whether its tags come with a score.
    pub scored: bool,
    /// Its tags, in order of precedence.
    pub tags: Vec<String>,
}

impl Vocabulary {
    /// The number of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Tags of all columns before this one: with it, a column and a tag are one number.
    pub fn offset(&self, column: usize) -> usize {
        self.columns.iter().take(column).map(|column| column.tags.len()).sum()
    }

    /// The tag that a label names.
    pub fn tag(&self, label: &Label) -> &str {
        self.columns
            .get(usize::from(label.column))
            .and_then(|column| column.tags.get(usize::from(label.tag)))
            .map_or("", String::as_str)
    }
}

/// One label of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// The column's number.
    pub column: u16,
    /// The tag's number in the column.
    pub tag: u16,
    /// The sum of what its rules added; NaN where it was declared rather than scored.
    pub score: f32,
}

/// A place that earned a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The rule's number.
    pub rule: u32,
    /// The turn, from 0.
    pub turn: u32,
    /// First byte in the turn's text (its text parts joined by line feeds).
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// The labels of a record, by column and tag, and the places that earned them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a> {
    /// The labels.
    pub given: &'a [Label],
    /// The places, at most eight a label, in the order of the labels.
    pub places: &'a [Place],
}
