//! The per-record half of deduplication: everything about a record that does not depend on others.

use super::design::Design;
use super::entry::Parts;
use super::keep::Ranks;
use super::minhash;
use super::settings::{DedupSettings, Mode};
use super::sides::{Sides, encode};
use crate::error::Result;
use crate::record::Record;
use crate::text::hash;
use crate::text::numbers;
use crate::text::shingles::{Shingler, Side};
use crate::text::words::Tokens;

/// Makes entries. One serves all workers.
#[derive(Clone, Debug)]
pub struct Signer {
    design: Option<Design>,
    ranks: Ranks,
}

/// A worker's buffers.
#[derive(Debug, Default)]
pub struct Scratch {
    encoding: Vec<u8>,
    sides: Sides,
    tokens: Tokens,
    shingler: Shingler,
    shingles: Vec<u64>,
    signature: Vec<u8>,
    bands: Vec<u32>,
}

impl Signer {
    /// A signer for these settings.
    pub fn new(settings: &DedupSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self { design: Design::new(settings), ranks: Ranks::new(settings)? })
    }

    /// Appends the record's entry to `out`; `Index::judge` takes it. `origin` is what a duplicate of
    /// this record will name.
    pub fn sign(&self, record: &Record<'_>, origin: &str, scratch: &mut Scratch, out: &mut Vec<u8>) {
        let exact = self.exact(record, scratch);
        self.sign_exact(record, origin, exact, scratch, out);
    }

    /// The hash that two records share exactly if all turns and tools are equal.
    pub fn exact(&self, record: &Record<'_>, scratch: &mut Scratch) -> [u64; 2] {
        encode(record, &mut scratch.encoding);
        hash::wide(&scratch.encoding)
    }

    /// As `sign`, for a record whose hash is known already.
    pub fn sign_exact(
        &self,
        record: &Record<'_>,
        origin: &str,
        exact: [u64; 2],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        scratch.shingles.clear();
        scratch.signature.clear();
        scratch.bands.clear();
        let mut sequences = [numbers::NONE; 2];
        let mut prompt = 0;
        if let Some(design) = &self.design {
            let mut sides = std::mem::take(&mut scratch.sides);
            let texts = sides.read(record);
            prompt = scratch.read(Side::Prompt, texts[0], design, &mut sequences[0]);
            scratch.read(Side::Response, texts[1], design, &mut sequences[1]);
            scratch.sides = sides;
            scratch.sign(design, sequences);
        }
        Parts {
            exact,
            numbers: sequences,
            signature: &scratch.signature,
            shingles: &scratch.shingles,
            prompt,
            origin,
            rank: self.ranks.of(record),
            bands: &scratch.bands,
            copy: false,
        }
        .write(out);
    }

    /// Appends the entry of a record of this hash that equals a kept record before it.
    pub fn copy(&self, origin: &str, exact: [u64; 2], scratch: &mut Scratch, out: &mut Vec<u8>) {
        scratch.signature.clear();
        scratch.signature.resize(self.design.as_ref().map_or(0, Design::signature), 0);
        Parts {
            exact,
            numbers: [numbers::NONE; 2],
            signature: &scratch.signature,
            shingles: &[],
            prompt: 0,
            origin,
            rank: 0,
            bands: &[],
            copy: true,
        }
        .write(out);
    }
}

impl Scratch {
    fn read(&mut self, side: Side, text: &str, design: &Design, sequence: &mut u64) -> usize {
        let unjudged = match side {
            Side::Prompt => Mode::Response,
            Side::Response => Mode::Prompt,
        };
        if design.near.mode == unjudged || text.is_empty() {
            return 0;
        }
        self.tokens.read(text);
        *sequence = self.tokens.numbers;
        self.shingler.read(side, &self.tokens.hashes, design.near.shingle, &mut self.shingles)
    }

    fn sign(&mut self, design: &Design, numbers: [u64; 2]) {
        minhash::signature(&self.shingles, design.signature(), &mut self.signature);
        minhash::band_keys(&self.signature, design.rows, numbers, &mut self.bands);
    }
}
