//! A shard of a token store, mapped.

use super::meta::{Column, ShardMeta, Width};
use corpuskit_core::{Error, Result};
use memmap2::Mmap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

#[cfg(target_endian = "big")]
compile_error!("the token store is little-endian and mapped as it stands");

/// The arrays of one data shard.
#[derive(Debug)]
pub struct Shard {
    name: String,
    width: Width,
    tokens: u64,
    /// In the order of [`Column::ALL`].
    maps: [Arc<Mmap>; Column::ALL.len()],
}

impl Shard {
    pub(super) fn open(folder: &Path, meta: &ShardMeta, width: Width) -> Result<Self> {
        let map = |column: Column| -> Result<Arc<Mmap>> {
            let path = column.path(folder, &meta.name);
            let io = |error| Error::io(&path, error);
            let file = std::fs::File::open(&path).map_err(io)?;
            let (length, expected) = (file.metadata().map_err(io)?.len(), column.bytes(meta, width));
            if length != expected {
                let what = format!("has {length} bytes, expected {expected}");
                return Err(Error::Check(format!("{}: {what}", path.display())));
            }
            // SAFETY: a finished store is never written again; it is replaced as a whole folder.
            Ok(Arc::new(unsafe { Mmap::map(&file) }.map_err(io)?))
        };
        let [a, b, c, d, e, f, g, h, i] = Column::ALL;
        let maps = [map(a)?, map(b)?, map(c)?, map(d)?, map(e)?, map(f)?, map(g)?, map(h)?, map(i)?];
        let shard = Self { name: meta.name.clone(), width, tokens: meta.tokens, maps };
        shard.check(folder, meta)?;
        Ok(shard)
    }

    /// Offsets must rise and end where the next array ends; everything else relies on that.
    fn check(&self, folder: &Path, meta: &ShardMeta) -> Result<()> {
        for (column, end) in [(Column::Documents, meta.tokens), (Column::Rows, meta.documents)] {
            let offsets = self.u64s(column);
            if offsets.first() != Some(&0) || offsets.last() != Some(&end) || !offsets.is_sorted() {
                let path = column.path(folder, &self.name);
                return Err(Error::Check(format!("{}: its offsets do not rise from 0 to {end}", path.display())));
            }
        }
        Ok(())
    }

    /// The name of the data shard without its endings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lines of the data shard.
    pub fn rows(&self) -> usize {
        self.u64s(Column::Rows).len() - 1
    }

    /// Documents.
    pub fn documents(&self) -> usize {
        self.u64s(Column::Documents).len() - 1
    }

    /// Tokens of all documents.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// The mapped file of an array; the holder keeps it mapped.
    pub fn map(&self, column: Column) -> &Arc<Mmap> {
        &self.maps[column as usize]
    }

    /// The documents of a row: none, one or several; none for a row that does not exist.
    pub fn documents_of(&self, row: usize) -> Range<usize> {
        match self.u64s(Column::Rows).get(row..) {
            Some([first, next, ..]) => *first as usize..*next as usize,
            _ => 0..0,
        }
    }

    /// The tokens of a document within the shard.
    pub fn span(&self, document: usize) -> Option<Range<usize>> {
        match self.u64s(Column::Documents).get(document..)? {
            [start, end, ..] => Some(*start as usize..*end as usize),
            _ => None,
        }
    }

    /// A document.
    pub fn document(&self, document: usize) -> Option<Document<'_>> {
        let span = self.span(document)?;
        let ids = match self.width {
            Width::U16 => Ids::U16(bytemuck::cast_slice::<u8, u16>(self.map(Column::Ids)).get(span.clone())?),
            Width::U32 => Ids::U32(self.u32s(Column::Ids).get(span.clone())?),
        };
        Some(Document {
            ids,
            mask: self.map(Column::Mask),
            start: span.start,
            supervised: self.supervised()[document],
            weight: self.weights()[document],
        })
    }

    /// Lengths in tokens of all documents.
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.u64s(Column::Documents).windows(2).map(|pair| (pair[1] - pair[0]) as u32)
    }

    /// Trained tokens of each document.
    pub fn supervised(&self) -> &[u32] {
        self.u32s(Column::Supervised)
    }

    /// Weight of each document's loss.
    pub fn weights(&self) -> &[f32] {
        bytemuck::cast_slice(self.map(Column::Weight))
    }

    /// Why rows have no documents: 0 = they have, n = `Meta::reasons[n - 1]`.
    pub fn fates(&self) -> &[u8] {
        self.map(Column::Fate)
    }

    /// Tokens of each row before any overflow policy.
    pub fn seen(&self) -> &[u32] {
        self.u32s(Column::Seen)
    }

    /// Trained tokens of each row before any overflow policy.
    pub fn seen_supervised(&self) -> &[u32] {
        self.u32s(Column::SeenSupervised)
    }

    // Mappings start at page borders, so these casts cannot fail; their lengths were checked when opened.
    fn u32s(&self, column: Column) -> &[u32] {
        bytemuck::cast_slice(self.map(column))
    }

    fn u64s(&self, column: Column) -> &[u64] {
        bytemuck::cast_slice(self.map(column))
    }
}

/// The tokens of a document.
#[derive(Clone, Copy, Debug)]
pub enum Ids<'a> {
    /// Of a small vocabulary.
    U16(&'a [u16]),
    /// Of a large one.
    U32(&'a [u32]),
}

impl Ids<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::U16(ids) => ids.len(),
            Self::U32(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies them into the first places of `out`, which must be long enough.
    pub fn copy_to<T: From<u32> + Copy>(&self, out: &mut [T]) {
        match self {
            Self::U16(ids) => out.iter_mut().zip(*ids).for_each(|(out, &id)| *out = T::from(u32::from(id))),
            Self::U32(ids) => out.iter_mut().zip(*ids).for_each(|(out, &id)| *out = T::from(id)),
        }
    }

    /// All of them.
    pub fn to_vec(&self) -> Vec<u32> {
        let mut out = vec![0; self.len()];
        self.copy_to(&mut out);
        out
    }
}

/// One document.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its tokens.
    pub ids: Ids<'a>,
    /// The mask of the whole shard.
    mask: &'a [u8],
    /// Where its tokens start in the shard.
    start: usize,
    /// Its trained tokens.
    pub supervised: u32,
    /// Weight of its loss.
    pub weight: f32,
}

impl Document<'_> {
    /// Whether a token is trained: the model is asked to predict it.
    pub fn is_supervised(&self, token: usize) -> bool {
        let bit = self.start + token;
        token < self.ids.len() && self.mask[bit / 8] >> (bit % 8) & 1 == 1
    }

    /// The stretches of trained tokens.
    pub fn supervised_runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for token in (0..self.ids.len()).filter(|&token| self.is_supervised(token)) {
            match runs.last_mut() {
                Some(last) if last.end == token => last.end = token + 1,
                _ => runs.push(token..token + 1),
            }
        }
        runs
    }

    /// Writes the label of each token into the first places of `out`: the token where it is trained,
    /// `ignored` (-100 in PyTorch) elsewhere. Not shifted.
    pub fn labels_to(&self, out: &mut [i64], ignored: i64) {
        self.ids.copy_to(out);
        for (token, label) in out.iter_mut().enumerate().take(self.ids.len()) {
            if !self.is_supervised(token) {
                *label = ignored;
            }
        }
    }
}
