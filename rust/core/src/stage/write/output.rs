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
}

impl<'a> Output<'a> {
    pub fn new(disk: &'a Disk, file: &'a File, path: &'a Path) -> Self {
        Self { disk, file, path, digest: Tree::new(), failed: None }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.disk.write_at(self.file, self.path, bytes, self.digest.bytes()) {
            let message = error.to_string();
            self.failed.get_or_insert(error);
            return Err(io::Error::other(message));
        }
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
