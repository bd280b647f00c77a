//! A column chunk of texts that differ from row to row but share their beginnings, as origins and ids do: how much
//! each has in common with the one before, and the rest of it (DELTA_BYTE_ARRAY).

use super::columns_chunk::{self, Chunk, Levels, Values};
use super::columns_numbers::differences;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

/// The chunk of these texts.
pub(super) fn chunk<'a>(
    column: &ColumnDescPtr,
    levels: &Levels,
    texts: impl Iterator<Item = &'a [u8]>,
) -> Result<Chunk, ParquetError> {
    let (mut shared, mut lengths): (Vec<i32>, Vec<i32>) = (Vec::new(), Vec::new());
    let mut rest = Vec::new();
    let mut before: &[u8] = b"";
    for text in texts {
        let common = common(before, text);
        // A row group is made of some megabytes, so these are small.
        shared.push(common as i32);
        lengths.push((text.len() - common) as i32);
        rest.extend_from_slice(&text[common..]);
        before = text;
    }
    let mut bytes = Vec::new();
    differences(&mut bytes, &shared);
    differences(&mut bytes, &lengths);
    bytes.append(&mut rest);
    let values = Values { encoding: Encoding::DELTA_BYTE_ARRAY, dictionary: None, bytes };
    columns_chunk::assemble(column, levels, values, true)
}

/// How many bytes two texts begin with alike.
fn common(one: &[u8], other: &[u8]) -> usize {
    let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    let mut at = 0;
    for (one, other) in words {
        let differs = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return at + differs.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + one[at..].iter().zip(&other[at..]).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::columns_chunk::reference;
    use super::*;
    use parquet::data_type::ByteArrayType;
    use proptest::prelude::*;

    /// The texts as the reference reader sees them.
    fn back(texts: &[String]) -> Vec<String> {
        let field = "required binary text (STRING);";
        let levels = Levels::required(texts.len());
        let chunk = chunk(&reference::column(field), &levels, texts.iter().map(|text| text.as_bytes())).unwrap();
        let found = reference::read::<ByteArrayType>(field, texts.len(), chunk).0;
        found.iter().map(|text| text.as_utf8().unwrap().to_owned()).collect()
    }

    proptest! {
        #[test]
        fn any_texts_come_back(texts in proptest::collection::vec("(in/|in/some-file-\\.jsonl:)?[0-9ä]{0,12}", 1..400)) {
            prop_assert_eq!(back(&texts), texts);
        }

        #[test]
        fn what_is_common_is_counted(one in "[ab]{0,20}", other in "[ab]{0,20}", begin in "c{0,20}") {
            let (one, other) = (format!("{begin}{one}"), format!("{begin}{other}"));
            let expected = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
            prop_assert_eq!(common(one.as_bytes(), other.as_bytes()), expected);
        }
    }
}
