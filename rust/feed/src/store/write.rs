//! Writing a token store: shard after shard, row after row, in one pass.

use super::meta::{Column, Key, Meta, ShardMeta, VERSION, Width};
use super::{STORE, TokenStore};
use corpuskit_core::digest::Digest;
use corpuskit_core::{Error, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A document to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewDocument {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Stretches of trained tokens, rising and apart.
    pub supervised: Vec<Range<u32>>,
    /// Weight of its loss.
    pub weight: f32,
}

/// A row to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRow {
    /// What it became.
    pub documents: Vec<NewDocument>,
    /// Its tokens before any overflow policy.
    pub seen: u32,
    /// Its trained tokens before any overflow policy.
    pub seen_supervised: u32,
    /// Why it has no documents.
    pub reason: Option<String>,
}

/// A store in the making, under a temporary name beside its place; dropped unfinished it leaves nothing.
#[derive(Debug)]
pub struct Writer {
    place: PathBuf,
    partial: PathBuf,
    meta: Meta,
    finished: bool,
}

impl Writer {
    /// Begins a store that will stand at `place`.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn create(place: &Path, key: Key, vocabulary: u32) -> Result<Self> {
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let partial = PathBuf::from(name);
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
        }
        fs::create_dir_all(&partial).map_err(|error| Error::io(&partial, error))?;
        let width = Width::of(vocabulary);
        let meta = Meta {
            format: VERSION,
            key,
            vocabulary,
            width,
            reasons: Vec::new(),
            shards: Vec::new(),
            notes: Vec::new(),
        };
        Ok(Self { place: place.to_owned(), partial, meta, finished: false })
    }

    /// Says something about how the store was made.
    pub fn note(&mut self, note: String) {
        self.meta.notes.push(note);
    }

    /// Puts another file beside the arrays.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.partial.join(name);
        fs::write(&path, bytes).map_err(|error| Error::io(&path, error))
    }

    /// Begins the next shard; one at a time.
    ///
    /// # Errors
    /// Where its files cannot be made.
    pub fn shard(&mut self, name: &str) -> Result<ShardWriter<'_>> {
        let files = Column::ALL.map(|column| Array::create(column.path(&self.partial, name)));
        let mut columns = Vec::with_capacity(files.len());
        for file in files {
            columns.push(file?);
        }
        let meta =
            ShardMeta { name: name.to_owned(), rows: 0, documents: 0, tokens: 0, supervised: 0, digests: Vec::new() };
        let mut shard = ShardWriter { writer: self, meta, columns, bits: 0 };
        shard.put(Column::Documents, &0_u64.to_le_bytes())?;
        shard.put(Column::Rows, &0_u64.to_le_bytes())?;
        Ok(shard)
    }

    /// Puts the store in its place. Where somebody else finished the same one meanwhile, theirs stays.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(mut self) -> Result<TokenStore> {
        let path = self.partial.join(STORE);
        self.meta.check(&path)?;
        let mut text = serde_json::to_vec_pretty(&self.meta).map_err(|error| Error::Internal(error.to_string()))?;
        text.push(b'\n');
        let io = |error| Error::io(&path, error);
        let mut file = File::create(&path).map_err(io)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(io)?;
        match fs::rename(&self.partial, &self.place) {
            Ok(()) => self.finished = true,
            Err(_) if self.place.join(STORE).exists() => {}
            Err(error) => return Err(Error::io(&self.place, error)),
        }
        TokenStore::open(&self.place)
    }

    fn fate(&mut self, reason: &str) -> Result<u8> {
        let at = self.meta.reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
            self.meta.reasons.push(reason.to_owned());
            self.meta.reasons.len() - 1
        });
        u8::try_from(at + 1).map_err(|_| Error::Internal(format!("more than 255 reasons, the last `{reason}`")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // Half a store is worse than none.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// A shard in the making.
#[derive(Debug)]
pub struct ShardWriter<'w> {
    writer: &'w mut Writer,
    meta: ShardMeta,
    /// In the order of [`Column::ALL`].
    columns: Vec<Array>,
    /// Bits of the mask that do not fill a byte yet; `tokens % 8` of them.
    bits: u8,
}

impl ShardWriter<'_> {
    /// Appends a row. A row without documents needs a reason, and one with documents has none.
    ///
    /// # Errors
    /// Where a file cannot be written, a token is not in the vocabulary, or a stretch is not in the document.
    pub fn push(&mut self, row: &NewRow) -> Result<()> {
        let fate = match (&row.reason, row.documents.is_empty()) {
            (Some(reason), true) => self.writer.fate(reason)?,
            (None, false) => 0,
            _ => return Err(Error::Internal("a row has documents or a reason why not".to_owned())),
        };
        for document in &row.documents {
            self.document(document)?;
        }
        self.meta.rows += 1;
        self.put(Column::Rows, &self.meta.documents.to_le_bytes())?;
        self.put(Column::Fate, &[fate])?;
        self.put(Column::Seen, &row.seen.to_le_bytes())?;
        self.put(Column::SeenSupervised, &row.seen_supervised.to_le_bytes())
    }

    fn document(&mut self, document: &NewDocument) -> Result<()> {
        let wrong = |what: String| Err(Error::Internal(what));
        if let Some(id) = document.ids.iter().find(|&&id| id >= self.writer.meta.vocabulary) {
            return wrong(format!("token {id} is not in a vocabulary of {}", self.writer.meta.vocabulary));
        }
        let ids = &mut self.columns[Column::Ids as usize].waiting;
        match self.writer.meta.width {
            Width::U16 => document.ids.iter().for_each(|&id| ids.extend_from_slice(&(id as u16).to_le_bytes())),
            Width::U32 => ids.extend_from_slice(bytemuck::cast_slice(&document.ids)),
        }
        let mut supervised = 0;
        let mut at = 0;
        for run in &document.supervised {
            if run.start < at || run.end < run.start || run.end as usize > document.ids.len() {
                return wrong(format!("trained tokens {run:?} of a document of {}", document.ids.len()));
            }
            self.mark(run.start - at, false);
            self.mark(run.end - run.start, true);
            supervised += run.end - run.start;
            at = run.end;
        }
        self.mark(document.ids.len() as u32 - at, false);
        self.meta.documents += 1;
        self.meta.supervised += u64::from(supervised);
        self.put(Column::Documents, &self.meta.tokens.to_le_bytes())?;
        self.put(Column::Supervised, &supervised.to_le_bytes())?;
        self.put(Column::Weight, &document.weight.to_le_bytes())?;
        self.put(Column::Mask, &[])?;
        self.put(Column::Ids, &[])
    }

    /// Appends equal bits to the mask.
    fn mark(&mut self, times: u32, bit: bool) {
        let mask = &mut self.columns[Column::Mask as usize].waiting;
        for _ in 0..times {
            self.bits |= u8::from(bit) << (self.meta.tokens % 8);
            self.meta.tokens += 1;
            if self.meta.tokens.is_multiple_of(8) {
                mask.push(self.bits);
                self.bits = 0;
            }
        }
    }

    /// Ends the shard.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        if !self.meta.tokens.is_multiple_of(8) {
            let last = self.bits;
            self.put(Column::Mask, &[last])?;
        }
        for column in &mut self.columns {
            let digest = column.finish()?;
            self.meta.digests.push(digest);
        }
        self.writer.meta.shards.push(self.meta);
        Ok(())
    }

    fn put(&mut self, column: Column, bytes: &[u8]) -> Result<()> {
        self.columns[column as usize].put(bytes)
    }
}

/// Bytes that are gathered before they are hashed and written.
const GATHER: usize = 1 << 18;

/// A file in the making.
#[derive(Debug)]
struct Array {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    waiting: Vec<u8>,
}

impl Array {
    fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(|error| Error::io(&path, error))?;
        Ok(Self { path, file, hasher: blake3::Hasher::new(), waiting: Vec::new() })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= GATHER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.hasher.update(&self.waiting);
        self.file.write_all(&self.waiting).map_err(|error| Error::io(&self.path, error))?;
        self.waiting.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<Digest> {
        self.flush()?;
        self.file.sync_all().map_err(|error| Error::io(&self.path, error))?;
        Ok(Digest(*self.hasher.finalize().as_bytes()))
    }
}
