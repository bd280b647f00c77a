//! A column chunk of runs of equal values, encoded run by run: the Parquet writer would look every row's
//! value up, and most columns say one thing a hundred thousand times.

use super::columns_chunk::{self, Chunk, Levels, Values};
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

/// Most different values that are searched one by one.
const MOST: usize = 256;

/// The chunk of a column of texts, which are optional where its descriptor says so: a dictionary and one page of
/// places in it. `None` where it has too many different values for that.
pub(super) fn chunk(column: &ColumnDescPtr, runs: &[(Option<&[u8]>, usize)]) -> Result<Option<Chunk>, ParquetError> {
    let Some((dictionary, places)) = look_up(runs) else { return Ok(None) };
    of_places(column, &levels(column, runs), &dictionary, places.into_iter(), false).map(Some)
}

/// The levels of such a column.
pub(super) fn levels(column: &ColumnDescPtr, runs: &[(Option<&[u8]>, usize)]) -> Levels {
    match column.max_def_level() {
        0 => Levels::required(runs.iter().map(|run| run.1).sum()),
        _ => Levels::optional(runs.iter().map(|run| (run.0.is_some(), run.1))),
    }
}

/// The chunk of texts that are places in a dictionary, in runs; `compressed` where there are many that do not repeat.
pub(super) fn of_places(
    column: &ColumnDescPtr,
    levels: &Levels,
    dictionary: &[&[u8]],
    places: impl Iterator<Item = (u16, usize)>,
    compressed: bool,
) -> Result<Chunk, ParquetError> {
    let width = dictionary.len().saturating_sub(1).checked_ilog2().map_or(0, |bits| bits as usize + 1);
    let mut bytes = vec![width as u8];
    columns_chunk::hybrid(&mut bytes, width, places);
    let mut plain = Vec::new();
    for text in dictionary {
        plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        plain.extend_from_slice(text);
    }
    // What the first version of the format calls it.
    let encoding = Encoding::PLAIN_DICTIONARY;
    let values = Values { encoding, dictionary: Some((dictionary.len(), plain)), bytes };
    columns_chunk::assemble(column, levels, values, compressed)
}

/// The different values in the order in which they come, and the runs as places among them; rows without a
/// value are left out.
fn look_up<'a>(runs: &[(Option<&'a [u8]>, usize)]) -> Option<(Vec<&'a [u8]>, Vec<(u16, usize)>)> {
    let mut dictionary: Vec<&[u8]> = Vec::new();
    let mut places: Vec<(u16, usize)> = Vec::with_capacity(runs.len());
    for &(value, count) in runs {
        let Some(text) = value else { continue };
        let place = match dictionary.iter().position(|&known| known == text) {
            Some(place) => place,
            None if dictionary.len() < MOST => {
                dictionary.push(text);
                dictionary.len() - 1
            }
            None => return None,
        };
        places.push((place as u16, count));
    }
    Some((dictionary, places))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::columns_chunk::reference;
    use super::*;
    use parquet::data_type::ByteArrayType;
    use proptest::prelude::*;

    /// The rows of a file whose only column has these runs, as the reference reader sees them.
    fn read_back(runs: &[(Option<&[u8]>, usize)], kind: &str) -> Option<Vec<Option<Vec<u8>>>> {
        let field = format!("{kind} binary text (STRING);");
        let rows = runs.iter().map(|run| run.1).sum();
        let chunk = chunk(&reference::column(&field), runs).unwrap()?;
        let (values, [levels, _]) = reference::read::<ByteArrayType>(&field, rows, chunk);
        let mut values = values.into_iter().map(|value| Some(value.data().to_vec()));
        let found = match kind == "optional" {
            true => levels.iter().map(|&level| (level > 0).then(|| values.next().unwrap()).flatten()).collect(),
            false => values.by_ref().collect(),
        };
        assert!(values.next().is_none());
        Some(found)
    }

    fn rows(runs: &[(Option<&[u8]>, usize)]) -> Vec<Option<Vec<u8>>> {
        runs.iter().flat_map(|(value, count)| std::iter::repeat_n(value.map(<[u8]>::to_vec), *count)).collect()
    }

    #[test]
    fn runs_come_back_as_rows() {
        for runs in [
            &[(Some(&b"one"[..]), 100_000)][..],
            &[(None, 9)],
            &[(Some(b""), 1)],
            &[(Some(b"a"), 7), (None, 1), (Some(b"a"), 3), (Some(b"b"), 20), (None, 200), (Some(b"c"), 1)],
        ] {
            assert_eq!(read_back(runs, "optional").unwrap(), rows(runs));
            let present: Vec<_> = runs.iter().copied().filter(|run| run.0.is_some()).collect();
            if !present.is_empty() {
                assert_eq!(read_back(&present, "required").unwrap(), rows(&present));
            }
        }
    }

    #[test]
    fn too_many_values_are_left_to_the_writer() {
        let names: Vec<String> = (0..=MOST).map(|number| number.to_string()).collect();
        let runs: Vec<_> = names.iter().map(|name| (Some(name.as_bytes()), 2)).collect();
        assert!(read_back(&runs, "required").is_none());
        assert_eq!(read_back(&runs[1..], "required").unwrap(), rows(&runs[1..]));
    }

    /// The rows of a list column of places among `names`, as the reference reader sees them.
    fn list_back(names: &[String], rows: &[Vec<u16>]) -> Vec<Vec<String>> {
        let field = "required group l (LIST) { repeated group list { required binary element (STRING); } }";
        let counts: Vec<u32> = rows.iter().map(|row| row.len() as u32).collect();
        let dictionary: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        let places = rows.iter().flatten().map(|&place| (place, 1));
        let column = reference::column(field);
        let chunk = of_places(&column, &Levels::list(&counts), &dictionary, places, true).unwrap();
        let (values, [definition, repetition]) = reference::read::<ByteArrayType>(field, rows.len(), chunk);
        let mut values = values.iter().map(|value| value.as_utf8().unwrap().to_owned());
        let mut found: Vec<Vec<String>> = Vec::new();
        for (definition, repetition) in definition.into_iter().zip(repetition) {
            if repetition == 0 {
                found.push(Vec::new());
            }
            found.last_mut().unwrap().extend((definition > 0).then(|| values.next().unwrap()));
        }
        assert!(values.next().is_none());
        found
    }

    proptest! {
        #[test]
        fn any_lists_come_back(
            rows in proptest::collection::vec(
                prop_oneof![Just(vec![]), proptest::collection::vec(any::<u16>(), 0..20), Just(vec![1; 30])],
                1..50,
            ),
            width in prop_oneof![9 => 0_u32..=9, 1 => 10_u32..=16],
        ) {
            let names: Vec<String> = (0..1_u32 << width).map(|number| number.to_string()).collect();
            let rows: Vec<Vec<u16>> =
                rows.iter().map(|row| row.iter().map(|place| place & (names.len() - 1) as u16).collect()).collect();
            let wanted: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|&place| names[usize::from(place)].clone()).collect()).collect();
            prop_assert_eq!(list_back(&names, &rows), wanted);
        }

        #[test]
        fn any_runs_come_back(
            runs in proptest::collection::vec((proptest::option::of("[a-c]{0,2}"), 1_usize..30), 1..60),
        ) {
            let runs: Vec<_> = runs.iter().map(|(text, count)| (text.as_deref().map(str::as_bytes), *count)).collect();
            prop_assert_eq!(read_back(&runs, "optional").unwrap(), rows(&runs));
        }
    }
}
