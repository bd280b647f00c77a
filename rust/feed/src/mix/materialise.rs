//! A selection written out as JSONL, for tools that know nothing of selections.

use super::columns::Rows;
use super::select::Chosen;
use corpuskit_core::stage::write::manifest::Manifest;
use corpuskit_core::stage::write::shards::each_line;
use corpuskit_core::{Error, Result};
use memmap2::Mmap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes `NN-PHASE.jsonl` for each phase and `validation.jsonl` into a folder, lines in training order.
///
/// The kept records are laid out once in a temporary file, because the order jumps; it goes away.
///
/// # Errors
/// Where a shard cannot be read or a file not be written.
pub fn materialise(run: &Path, manifest: &Manifest, rows: &Rows, chosen: &Chosen, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let spool = folder.join(".spool");
    let io = |error| Error::io(&spool, error);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&spool).map_err(io)?);
    let mut starts: Vec<u64> = Vec::with_capacity(rows.len() + 1);
    let mut at = 0;
    let mut files: Vec<&str> =
        manifest.files.iter().map(|file| file.path.as_str()).filter(|path| path.starts_with("data/")).collect();
    files.sort_unstable();
    for file in files {
        each_line(&run.join(file), |line| {
            starts.push(at);
            out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(io)?;
            at += line.len() as u64 + 1;
            Ok(true)
        })?;
    }
    starts.push(at);
    out.into_inner().map_err(|error| io(error.into_error()))?;
    if starts.len() != rows.len() + 1 {
        return Err(Error::Check(format!(
            "{}: data/ has {} lines, columns/ {}",
            run.display(),
            starts.len() - 1,
            rows.len()
        )));
    }
    // An empty file cannot be mapped.
    let text = if at == 0 {
        None
    } else {
        let file = File::open(&spool).map_err(io)?;
        // SAFETY: the file is ours alone, below a name that nobody else knows, and is not written any more.
        Some(unsafe { Mmap::map(&file) }.map_err(io)?)
    };
    let text: &[u8] = text.as_deref().unwrap_or_default();
    let named = chosen.phases.iter().enumerate();
    let lists = named.map(|(number, phase)| (format!("{number:02}-{}.jsonl", phase.name), &phase.rows));
    for (name, list) in lists.chain([("validation.jsonl".to_owned(), &chosen.validation)]) {
        let path = folder.join(name);
        let io = |error| Error::io(&path, error);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(io)?);
        for &row in list {
            let (start, end) = (starts[row as usize] as usize, starts[row as usize + 1] as usize);
            out.write_all(&text[start..end]).map_err(io)?;
        }
        out.flush().map_err(io)?;
    }
    fs::remove_file(&spool).map_err(io)
}
