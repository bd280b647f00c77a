//! Searching folders and expanding globs.

use super::discover::{Identity, InputFile, InputKind, Note, special};
use crate::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Stores of version control: never data.
const PASSED_OVER: [&str; 3] = [".git", ".hg", ".svn"];

/// What a search found, in order.
#[derive(Default)]
pub(super) struct Found {
    pub files: Vec<InputFile>,
    pub notes: Vec<Note>,
}

/// All files below a folder, sorted by the bytes of their paths.
pub(super) fn folder(argument: &str) -> Result<Found> {
    let mut walk = Walk::default();
    walk.enter(Path::new(argument), true)
        .map_err(|problem| Error::input(argument, format!("the folder cannot be listed: {}", explain(&problem))))?;
    Ok(walk.sorted())
}

/// Whether an argument has wildcards.
pub(super) fn is_glob(argument: &str) -> bool {
    argument.contains(['*', '?', '[', '{'])
}

/// The files that a glob matches, and all files below the folders that it matches. `*` and `?` stay
/// within one name, `**` does not; names that begin with a dot are matched as others are.
pub(super) fn glob(pattern: &str) -> Result<Found> {
    let matcher = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|problem| Error::input(pattern, format!("is no file and no glob: {}", problem.kind())))?
        .compile_matcher();
    let base: String = pattern.split_inclusive('/').take_while(|part| part.ends_with('/') && !is_glob(part)).collect();
    let deepest = (!pattern.contains("**")).then(|| pattern.matches('/').count() - base.matches('/').count());
    let mut walk = Walk { matcher: Some(matcher), deepest, ..Walk::default() };
    walk.enter(Path::new(&base), false)
        .map_err(|problem| Error::input(pattern, format!("`{base}` {}", explain(&problem))))?;
    let found = walk.sorted();
    if found.files.is_empty() {
        return Err(Error::input(pattern, "no file matches this glob"));
    }
    Ok(found)
}

/// An I/O error in words, without `(os error 2)`.
pub(super) fn explain(problem: &io::Error) -> String {
    match problem.kind() {
        io::ErrorKind::NotFound => "does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => problem.to_string(),
    }
}

/// A path as origins show it. Injective: two paths never look the same.
fn show(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains("\\x") => text.to_owned(),
        _ => path.as_os_str().as_bytes().utf8_chunks().fold(String::new(), |mut shown, chunk| {
            shown.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                let _ = write!(shown, "\\x{byte:02x}");
            }
            shown
        }),
    }
}

#[derive(Default)]
struct Walk {
    files: Vec<(PathBuf, InputKind)>,
    notes: Vec<Note>,
    /// Device and inode of the folders above: meeting one again is a loop of symbolic links.
    above: Vec<(u64, u64)>,
    /// Only what matches, where given.
    matcher: Option<GlobMatcher>,
    /// How many folders below the first a match can lie at most.
    deepest: Option<usize>,
}

impl Walk {
    /// Lists a folder; `taken` says that it was matched itself, so that all below is taken.
    fn enter(&mut self, folder: &Path, taken: bool) -> io::Result<()> {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let metadata = fs::metadata(listed)?;
        self.above.push((metadata.dev(), metadata.ino()));
        for entry in fs::read_dir(listed)? {
            let name = entry?.file_name();
            self.meet(folder.join(&name), &name, taken);
        }
        self.above.pop();
        Ok(())
    }

    fn meet(&mut self, path: PathBuf, name: &OsStr, taken: bool) {
        let taken = taken || self.matcher.as_ref().is_none_or(|matcher| matcher.is_match(&path));
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(problem) if taken => {
                // A link that leads nowhere or in a circle, or a file behind a closed door.
                let detail = match fs::symlink_metadata(&path) {
                    Ok(link) if link.is_symlink() => {
                        format!("a symbolic link that cannot be followed: {}", explain(&problem))
                    }
                    _ => explain(&problem),
                };
                return self.refuse(path, "read.unreadable", &detail);
            }
            Err(_) => return,
        };
        if !metadata.is_dir() {
            if !taken {
                return;
            }
            if metadata.is_file() {
                self.files.push((path, InputKind::File(Identity::of(&metadata))));
            } else {
                self.refuse(path, "read.unsupported", special(&metadata));
            }
            return;
        }
        if PASSED_OVER.iter().any(|store| name == *store) {
            self.notes.push(Note {
                path: show(&path),
                byte: None,
                code: "read.skipped".into(),
                detail: "a store of version control, passed over".into(),
            });
        } else if self.above.contains(&(metadata.dev(), metadata.ino())) {
            self.refuse(path, "read.unsupported", "a symbolic link to a folder above it");
        } else if taken || self.deepest.is_none_or(|deepest| self.above.len() <= deepest) {
            let depth = self.above.len();
            if let Err(problem) = self.enter(&path, taken) {
                self.above.truncate(depth);
                self.refuse(path, "read.unreadable", &format!("the folder cannot be listed: {}", explain(&problem)));
            }
        }
    }

    fn refuse(&mut self, path: PathBuf, reason: &str, detail: &str) {
        self.files.push((path, InputKind::Refused { reason: reason.into(), detail: detail.into() }));
    }

    fn sorted(mut self) -> Found {
        self.files.sort_by(|(a, _), (b, _)| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        self.notes.sort_by(|a, b| a.path.cmp(&b.path));
        let files = self.files.into_iter().map(|(real, kind)| {
            let path = show(&real);
            let real = (real.to_str() != Some(&path)).then(|| real.into_os_string());
            InputFile { path, real, kind }
        });
        Found { files: files.collect(), notes: self.notes }
    }
}
