//! Which files a run reads, in which order.
//!
//! The order is that of the arguments; the files of a folder (and the matches of a glob) are in
//! order of their path's bytes. A folder is searched to the bottom, hidden files included; only the
//! stores of version control (`.git`, `.hg`, `.svn`) are passed over, with a note. What cannot be read
//! below a folder is listed as a rejected unit; the same as an argument stops the run.
//! A file that is named twice is read once, at its first place, with a note.

use super::settings::ReadSettings;
use super::walk::{self, Found};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

/// What the file system says about a file: equal values mean that its content was not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the last change of its content: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Time of the last change of its inode.
    pub changed: (i64, i64),
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
}

impl Identity {
    /// Of an open or listed file.
    pub fn of(metadata: &fs::Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// How an input is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputKind {
    /// A regular file.
    File(Identity),
    /// Standard input, or a stream of the caller's: it is read once and cannot be continued.
    Stdin,
    /// Not readable: listed with this reason code and explanation.
    Refused {
        /// `read.unsupported` or `read.unreadable`.
        reason: String,
        /// Why, for people.
        detail: String,
    },
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// The path as origins show it. Bytes that are not UTF-8 stand as `\xNN`; in a path that has such bytes,
    /// or that itself has `\x` in it, every backslash is doubled.
    pub path: String,
    /// The path to open, where it differs from `path`. Its bytes, because it may not be UTF-8.
    pub real: Option<OsString>,
    /// How it is read.
    pub kind: InputKind,
}

impl InputFile {
    /// The path to open.
    pub fn real(&self) -> &Path {
        self.real.as_deref().map_or(Path::new(&self.path), Path::new)
    }

    /// Whether it is a stream of the caller's.
    pub fn is_stream(&self) -> bool {
        self.kind == InputKind::Stdin && self.real.is_some()
    }

    /// Bytes on disk, if known beforehand.
    pub fn bytes(&self) -> Option<u64> {
        match &self.kind {
            InputKind::File(identity) => Some(identity.bytes),
            _ => None,
        }
    }
}

/// An input that is no file: a pipe that the caller fills, under a name of its own.
#[derive(Clone, Debug)]
pub struct StreamInput {
    /// The name by which arguments mean it and origins show it.
    pub name: String,
    file: Arc<fs::File>,
}

impl StreamInput {
    /// A pipe, held open as long as there is a clone of this.
    pub fn new(name: String, pipe: fs::File) -> Self {
        Self { name, file: Arc::new(pipe) }
    }

    /// What to open to read it.
    fn path(&self) -> OsString {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}

/// Something about an input that is worth a line of the report but is not a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The input, as origins show it.
    pub path: String,
    /// Byte offset after decompression, where the note is about a place.
    pub byte: Option<u64>,
    /// What kind of note: `read.repeated`, `read.skipped`, `read.trailing_comma`, `read.other_member` …
    pub code: String,
    /// The note, for people.
    pub detail: String,
}

/// All inputs of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The arguments as given.
    pub arguments: Vec<String>,
    /// The files in the order in which they are read.
    pub files: Vec<InputFile>,
    /// What was found while listing them.
    pub notes: Vec<Note>,
}

impl Inputs {
    /// Lists the inputs that the arguments name: files, folders, globs, `-` for standard input.
    ///
    /// # Errors
    /// An argument that names nothing, or nothing readable.
    pub fn discover(arguments: &[String], settings: &ReadSettings) -> Result<Self> {
        Self::discover_with(arguments, &[], settings)
    }

    /// The same, where some arguments are names of streams.
    ///
    /// # Errors
    /// As [`Inputs::discover`].
    pub fn discover_with(arguments: &[String], streams: &[StreamInput], settings: &ReadSettings) -> Result<Self> {
        settings.check()?;
        if arguments.is_empty() {
            return Err(Error::input("inputs", "none given, expected files, folders, globs or `-`"));
        }
        let mut inputs = Self { arguments: arguments.to_vec(), ..Self::default() };
        for argument in arguments {
            match streams.iter().find(|stream| stream.name == *argument) {
                Some(stream) => inputs.files.push(InputFile {
                    path: stream.name.clone(),
                    real: Some(stream.path()),
                    kind: InputKind::Stdin,
                }),
                None => inputs.add(argument)?,
            }
        }
        inputs.drop_repeats();
        Ok(inputs)
    }

    fn add(&mut self, argument: &str) -> Result<()> {
        if argument == "-" {
            self.files.push(InputFile { path: "-".into(), real: None, kind: InputKind::Stdin });
            return Ok(());
        }
        let path = Path::new(argument);
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound && walk::is_glob(argument) => {
                let found = walk::glob(argument)?;
                self.add_found(found);
                return Ok(());
            }
            Err(problem) => {
                return Err(Error::input(argument, walk::explain(&problem))
                    .with_hint("name a file, a folder, a quoted glob, or `-` for standard input"));
            }
        };
        if metadata.is_dir() {
            let found = walk::folder(argument)?;
            self.add_found(found);
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(Error::input(argument, format!("is {}, expected a file or a folder", special(&metadata)))
                .with_hint(format!("pass its content through standard input: `… - < {argument}`")));
        }
        fs::File::open(path).map_err(|problem| Error::input(argument, walk::explain(&problem)))?;
        self.files.push(InputFile {
            path: argument.to_owned(),
            real: None,
            kind: InputKind::File(Identity::of(&metadata)),
        });
        Ok(())
    }

    fn add_found(&mut self, found: Found) {
        self.files.extend(found.files);
        self.notes.extend(found.notes);
    }

    /// Removes files that were named before. Hard links are different files.
    fn drop_repeats(&mut self) {
        let mut first: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
        let mut stdin_seen = false;
        let mut kept: Vec<InputFile> = Vec::with_capacity(self.files.len());
        for file in std::mem::take(&mut self.files) {
            let repeats = match &file.kind {
                InputKind::File(identity) => {
                    let same_inode = first.entry((identity.device, identity.inode)).or_default();
                    let real = (!same_inode.is_empty()).then(|| fs::canonicalize(file.real()).ok()).flatten();
                    let earlier = same_inode
                        .iter()
                        .copied()
                        .find(|&index| real.is_some() && fs::canonicalize(kept[index].real()).ok() == real);
                    same_inode.push(kept.len());
                    earlier.map(|index| kept[index].path.clone())
                }
                InputKind::Stdin if file.real.is_some() => None,
                InputKind::Stdin => std::mem::replace(&mut stdin_seen, true).then(|| "-".to_owned()),
                InputKind::Refused { .. } => None,
            };
            match repeats {
                Some(earlier) => self.notes.push(Note {
                    path: file.path,
                    byte: None,
                    code: "read.repeated".into(),
                    detail: format!("the same file as `{earlier}`, read once"),
                }),
                None => kept.push(file),
            }
        }
        self.files = kept;
    }

    /// Bytes on disk of all files, standard input aside.
    pub fn bytes(&self) -> u64 {
        self.files.iter().filter_map(InputFile::bytes).sum()
    }

    /// Whether standard input or a stream is among them, so that a run cannot be continued.
    pub fn has_stdin(&self) -> bool {
        self.files.iter().any(|file| file.kind == InputKind::Stdin)
    }
}

/// What a file that is neither regular nor a folder is, for people.
pub(super) fn special(metadata: &fs::Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "no regular file"
    }
}
