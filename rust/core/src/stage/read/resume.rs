//! Whether inputs are still what they were when an unfinished run began.

use super::batch::FileAccount;
use super::cursor::Cursor;
use super::discover::{InputFile, InputKind, Inputs};
use super::source::changed;
use crate::digest::Tree;
use crate::{Error, Result};
use std::fs::File;
use std::io::Read;

impl Inputs {
    /// Checks that a run which began with `earlier` may go on with these inputs at `cursor`.
    ///
    /// The same files must stand in the same order with the same lengths. Where the file system says that one
    /// was touched, what was already read decides: a finished file's digest is compared with its account,
    /// the digest of an open file's beginning by `Reader::resume`. What was not read yet may have new times.
    ///
    /// # Errors
    /// The first input that is new, gone or changed, by name.
    pub fn unchanged(&self, earlier: &Inputs, accounts: &[FileAccount], cursor: &Cursor) -> Result<()> {
        for index in 0..self.files.len().max(earlier.files.len()) {
            let (old, new) = match (earlier.files.get(index), self.files.get(index)) {
                (Some(old), Some(new)) if old.path == new.path => (old, new),
                (Some(old), _) if !self.files.iter().any(|file| file.path == old.path) => {
                    return Err(changed(&old.path, "it is gone"));
                }
                (_, Some(new)) => return Err(changed(&new.path, "it was not there, or at another place in the order")),
                (Some(old), None) => return Err(changed(&old.path, "it is gone")),
                (None, None) => break,
            };
            if let (InputKind::File(before), InputKind::File(now)) = (&old.kind, &new.kind)
                && before.bytes != now.bytes
            {
                let how = format!("had {} bytes when the run began and {} now", before.bytes, now.bytes);
                return Err(changed(&new.path, &how));
            }
            let same = match (&old.kind, &new.kind) {
                (InputKind::File(before), InputKind::File(now)) if before == now => true,
                (InputKind::File(_), InputKind::File(_)) => {
                    index >= cursor.file || has_digest(new, accounts.iter().find(|account| account.file == index))?
                }
                (before, now) => before == now,
            };
            if !same {
                return Err(changed(&new.path, "its content is not what was read"));
            }
        }
        Ok(())
    }
}

/// Whether a file has the digest that was written down when it was read.
fn has_digest(file: &InputFile, account: Option<&FileAccount>) -> Result<bool> {
    let Some(expected) = account.and_then(|account| account.digest) else { return Ok(false) };
    let mut source = File::open(file.real()).map_err(|problem| Error::io(file.real(), problem))?;
    let mut tree = Tree::new();
    let mut bytes = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut bytes).map_err(|problem| Error::io(file.real(), problem))?;
        if read == 0 {
            return Ok(tree.finish() == expected);
        }
        tree.update(&bytes[..read]);
    }
}
