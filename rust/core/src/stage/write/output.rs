//! Where a file made by a library of Parquet goes: written by our disk, hashed on the way.

use super::disk::Disk;
use crate::Error;
use crate::digest::Tree;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// A file: written, hashed, and the first failure kept with its own message.
pub(super) struct Output<'a> {
    disk: &'a Disk,
    file: &'a File,
    path: &'a Path,
    pub digest: Tree,
    pub failed: Option<Error>,
    /// The last bytes, which `settle` may still change.
    held: Vec<u8>,
}

/// More than the end of a footer that `settle` looks at: three bytes a column.
const HELD: usize = 64 << 10;

impl<'a> Output<'a> {
    pub fn new(disk: &'a Disk, file: &'a File, path: &'a Path) -> Self {
        Self { disk, file, path, digest: Tree::new(), failed: None, held: Vec::new() }
    }

    /// Writes what is held. The footer is complete now, and says in words that every reader knows how values are compared.
    pub fn settle(&mut self) -> io::Result<()> {
        let mut rest = std::mem::take(&mut self.held);
        orders_that_all_know(&mut rest);
        self.put(&rest)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.disk.write_at(self.file, self.path, bytes, self.digest.bytes()) {
            let message = error.to_string();
            self.failed.get_or_insert(error);
            return Err(io::Error::other(message));
        }
        self.digest.update(bytes);
        Ok(())
    }
}

/// The order that the format has had from the start, and the one of 2026 for floating point numbers, as the footer spells them.
const DEFINED_BY_TYPE: [u8; 3] = [0x1C, 0, 0];
const TOTAL_ORDER: [u8; 3] = [0x2C, 0, 0];

/// Puts the first order in place of the second in the footer at the end of `file`.
///
/// The library writes the new order for every column of floating point numbers, and polars before 2.0 refuses a file with a word that it does not know.
/// The order is about the smallest and the largest value of a column; where these are written at all they are no NaN, so that both orders mean the same.
fn orders_that_all_know(file: &mut [u8]) {
    // … field 7: list of orders, end of the footer; its length, four bytes; PAR1.
    let Some(end) = file.len().checked_sub(9).filter(|&end| file[end] == 0 && file.ends_with(b"PAR1")) else { return };
    let mut begin = end;
    while begin >= 3 && [DEFINED_BY_TYPE, TOTAL_ORDER].iter().any(|order| file[..begin].ends_with(order)) {
        begin -= 3;
    }
    let count = (end - begin) / 3;
    let mut head = vec![0x19];
    if count < 15 {
        head.push((count as u8) << 4 | 0x0C);
    } else {
        head.push(0xFC);
        let mut rest = count;
        while rest >= 0x80 {
            head.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        head.push(rest as u8);
    }
    if file[..begin].ends_with(&head) {
        for order in file[begin..end].chunks_exact_mut(3) {
            order.copy_from_slice(&DEFINED_BY_TYPE);
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() > 16 * HELD {
            let last = self.held.split_off(self.held.len() - HELD);
            let before = std::mem::replace(&mut self.held, last);
            self.put(&before)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::orders_that_all_know;
    use bytes::Bytes;
    use parquet::basic::ColumnOrder;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::sync::Arc;

    #[test]
    fn a_footer_names_no_order_that_old_readers_do_not_know() {
        for columns in [1, 2, 14, 15, 16, 200] {
            let fields: Vec<String> = (0..columns)
                .map(|at| format!("optional {} c{at};", if at % 2 == 0 { "double" } else { "int64" }))
                .collect();
            let schema = parse_message_type(&format!("message schema {{ {} }}", fields.join(" "))).unwrap();
            let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
            let mut file = writer.into_inner().unwrap();
            let orders = |file: &[u8]| {
                let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
                reader.metadata().file_metadata().column_orders().unwrap().clone()
            };
            assert_eq!(
                orders(&file)[0],
                ColumnOrder::IEEE_754_TOTAL_ORDER,
                "the library writes it no more: this can go"
            );
            orders_that_all_know(&mut file);
            assert_eq!(orders(&file).len(), columns);
            assert!(orders(&file).iter().all(|order| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_))));
        }
        for mut other in [Vec::new(), b"PAR1".to_vec(), vec![0; 40]] {
            let before = other.clone();
            orders_that_all_know(&mut other);
            assert_eq!(other, before);
        }
    }
}
