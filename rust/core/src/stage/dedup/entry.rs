//! The entry of a record: all that deduplication needs to know of it, in one run of bytes.
//!
//! ```text
//! u32 logged length · u32 whole length · u32 origin length · u32 1 of a copy, else 0
//! u64×2 exact hash · u64 prompt numbers · u64 response numbers
//! u64 shingles of the prompt · u64 shingles of the response · u64 rank
//! signature, padded to 8
//! bits 32 to 63 of every shingle, prompt then response (u32 each) · bits 24 to 31 of them (u8 each), padded to 8
//! origin, padded to 8                                        <- the log keeps up to here
//! one u32 a band, padded to 8                                <- only on the way to the index
//! ```
//! Everything is little-endian; lengths are multiples of 8.
//!
//! A copy is a record that is known to equal a kept one: its entry has no shingles, an empty signature and no
//! band keys, and never comes into the log.
//!
//! 40 bits of a shingle are enough to call two shingles equal: of two records of a hundred shingles each, one
//! pair in 10⁸ has a shingle that only seems to be shared, and that counts only where one shingle decides.
//! The designed miss (`design::MISS`) is 20,000 times as large, and the shingles are most of the log.

use crate::error::{Error, Result};

/// Bytes before the signature.
const HEAD: usize = 72;

/// An entry, checked so far that its parts lie inside.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    bytes: &'e [u8],
    signature: usize,
    logged: usize,
    prompt: usize,
    response: usize,
}

/// What a new entry consists of.
#[derive(Debug)]
pub struct Parts<'p> {
    /// See `sides::encode`.
    pub exact: [u64; 2],
    /// Number sequences of prompt and response.
    pub numbers: [u64; 2],
    /// Signature bytes.
    pub signature: &'p [u8],
    /// Distinct shingles: of the prompt, then of the response. The lowest 24 bits are not kept.
    pub shingles: &'p [u64],
    /// How many of them are the prompt's.
    pub prompt: usize,
    /// Where the record came from.
    pub origin: &'p str,
    /// See `keep`.
    pub rank: u64,
    /// The band keys.
    pub bands: &'p [u32],
    /// Whether it is known to equal a kept record.
    pub copy: bool,
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}

/// Bytes of so many shingles.
fn packed(shingles: usize) -> usize {
    padded(shingles * 5)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

impl Parts<'_> {
    /// Appends the entry.
    pub fn write(&self, out: &mut Vec<u8>) {
        let shingles = packed(self.shingles.len());
        let logged = HEAD + padded(self.signature.len()) + shingles + padded(self.origin.len());
        let whole = logged + padded(self.bands.len() * 4);
        let start = out.len();
        out.reserve(whole);
        for length in [logged, whole, self.origin.len(), usize::from(self.copy)] {
            out.extend_from_slice(&(length as u32).to_le_bytes());
        }
        let counts = [self.prompt as u64, (self.shingles.len() - self.prompt) as u64];
        for value in [self.exact, self.numbers, counts].as_flattened() {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&self.rank.to_le_bytes());
        out.extend_from_slice(self.signature);
        pad(out, start);
        let at = out.len();
        out.resize(at + shingles, 0);
        pack(self.shingles, &mut out[at..]);
        out.extend_from_slice(self.origin.as_bytes());
        pad(out, start);
        self.bands.iter().for_each(|band| out.extend_from_slice(&band.to_le_bytes()));
        pad(out, start);
    }
}

/// Writes the shingles as they are kept.
fn pack(shingles: &[u64], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") {
        // SAFETY: the processor has AVX-512.
        return unsafe { pack_avx512(shingles, out) };
    }
    pack_plain(shingles, out);
}

/// The same, for a compiler that knows instructions which narrow eight words at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn pack_avx512(shingles: &[u64], out: &mut [u8]) {
    pack_plain(shingles, out);
}

#[inline(always)]
fn pack_plain(shingles: &[u64], out: &mut [u8]) {
    let (high, low) = out.split_at_mut(shingles.len() * 4);
    for (bytes, shingle) in high.as_chunks_mut::<4>().0.iter_mut().zip(shingles) {
        *bytes = ((shingle >> 32) as u32).to_le_bytes();
    }
    low.iter_mut().zip(shingles).for_each(|(byte, shingle)| *byte = (shingle >> 24) as u8);
}

fn pad(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    out.resize(start + padded(length), 0);
}

impl<'e> Entry<'e> {
    /// The entry at the start of `bytes`, whose signature has `signature` bytes, and what follows its
    /// logged part. The band keys need not be there.
    pub fn read(bytes: &'e [u8], signature: usize) -> Result<Self> {
        let broken = || Error::Check("the deduplication log is damaged: an entry has impossible lengths".to_owned());
        if bytes.len() < HEAD {
            return Err(broken());
        }
        let lengths = word(bytes, 0);
        let logged = lengths as u32 as usize;
        let (prompt, response) = (word(bytes, 48), word(bytes, 56));
        let origin = word(bytes, 8) as u32 as usize;
        let entry = Self { bytes, signature, logged, prompt: prompt as usize, response: response as usize };
        // Not more than there are bytes, so that no sum overflows.
        let count = prompt.checked_add(response).filter(|&count| count <= bytes.len() as u64);
        let expected = count.map(|count| HEAD + padded(signature) + packed(count as usize) + padded(origin));
        if logged > bytes.len() || expected != Some(logged) {
            return Err(broken());
        }
        Ok(entry)
    }

    /// Splits a run of whole entries after the first.
    pub fn split(bytes: &'e [u8]) -> Option<(&'e [u8], &'e [u8])> {
        let whole = (word(bytes.get(..8)?, 0) >> 32) as usize;
        bytes.split_at_checked(whole.max(HEAD))
    }

    /// What the log keeps.
    pub fn logged(&self) -> &'e [u8] {
        &self.bytes[..self.logged]
    }

    /// The 128-bit hash of the record.
    pub fn exact(&self) -> [u64; 2] {
        [word(self.bytes, 16), word(self.bytes, 24)]
    }

    /// Whether the record is known to equal a kept one, so that the entry says nothing else about it.
    pub fn is_copy(&self) -> bool {
        word(self.bytes, 8) >> 32 != 0
    }

    /// The number sequences of prompt and response.
    pub fn numbers(&self) -> [u64; 2] {
        [word(self.bytes, 32), word(self.bytes, 40)]
    }

    /// When it is judged: after all of smaller rank.
    pub fn rank(&self) -> u64 {
        word(self.bytes, 64)
    }

    /// How many distinct shingles prompt and response have.
    pub fn sizes(&self) -> [usize; 2] {
        [self.prompt, self.response]
    }

    /// The signature bytes.
    pub fn signature(&self) -> &'e [u8] {
        &self.bytes[HEAD..HEAD + self.signature]
    }

    fn shingles_at(&self) -> usize {
        HEAD + padded(self.signature)
    }

    /// The shingles of prompt (0) or response (1), distinct, in no order that matters; the 24 bits that
    /// were not kept are 0.
    #[inline]
    pub fn shingles(&self, side: usize) -> impl Iterator<Item = u64> + use<'e> {
        let range = if side == 0 { 0..self.prompt } else { self.prompt..self.prompt + self.response };
        let (high, low) = self.bytes[self.shingles_at()..].split_at((self.prompt + self.response) * 4);
        let high = high.as_chunks::<4>().0[range.clone()].iter();
        high.zip(&low[range]).map(|(high, low)| u64::from(u32::from_le_bytes(*high)) << 32 | u64::from(*low) << 24)
    }

    /// Where the record came from.
    pub fn origin(&self) -> &'e str {
        let start = self.shingles_at() + packed(self.prompt + self.response);
        let length = word(self.bytes, 8) as u32 as usize;
        std::str::from_utf8(&self.bytes[start..start + length]).unwrap_or("?")
    }

    /// The band keys, if they are still there.
    pub fn bands(&self, count: usize) -> Option<&'e [[u8; 4]]> {
        let whole = (word(self.bytes, 0) >> 32) as usize;
        Some(self.bytes.get(self.logged..whole)?.get(..count * 4)?.as_chunks::<4>().0)
    }

    /// Reads the band keys into `out`, if they are still there.
    pub fn read_bands(&self, out: &mut [u32]) -> Option<()> {
        let keys = self.bands(out.len())?;
        out.iter_mut().zip(keys).for_each(|(key, bytes)| *key = u32::from_le_bytes(*bytes));
        Some(())
    }
}
