//! Shingles: the set of windows of n tokens of a padded text, as 64-bit identities.

use super::distinct::Distinct;
use super::hash;

const START: u64 = 0x1f83_d9ab_fb41_bd6b;
const END: u64 = 0x5be0_cd19_137e_2179;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Which half of a conversation a shingle belongs to. The same words have another identity on the
/// other side, so that the two sets can be joined without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the model is given: user and tool turns.
    Prompt,
    /// What the model says.
    Response,
}

impl Side {
    fn seed(self) -> u64 {
        match self {
            Self::Prompt => 0x6a09_e667_f3bc_c908,
            Self::Response => 0xbb67_ae85_84ca_a73b,
        }
    }
}

/// Reused buffers.
#[derive(Debug, Default)]
pub struct Shingler {
    padded: Vec<u64>,
    distinct: Distinct,
}

impl Shingler {
    /// Appends the distinct shingles of a text, given by its tokens' hashes, to `out`, and says how
    /// many. The text is padded with n-1 marks on either side; a text without tokens has no shingles.
    pub fn read(&mut self, side: Side, tokens: &[u64], window: usize, out: &mut Vec<u64>) -> usize {
        if tokens.is_empty() {
            return 0;
        }
        self.padded.clear();
        self.padded.extend(std::iter::repeat_n(START, window - 1));
        self.padded.extend_from_slice(tokens);
        self.padded.extend(std::iter::repeat_n(END, window - 1));
        let start = out.len();
        // The usual width has code of its own.
        if window == 3 {
            of_three(&self.padded, side.seed(), out);
        } else {
            out.extend(
                self.padded.windows(window).map(|window| hash::mix(window.iter().copied().fold(side.seed(), step))),
            );
        }
        self.distinct.keep(out, start)
    }
}

/// A polynomial of the tokens.
#[inline(always)]
fn step(sum: u64, token: u64) -> u64 {
    sum.wrapping_mul(STEP).wrapping_add(token)
}

/// Appends the hash of every window of three.
fn of_three(tokens: &[u64], seed: u64, out: &mut Vec<u64>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") {
        // SAFETY: the processor has AVX-512.
        return unsafe { of_three_avx512(tokens, seed, out) };
    }
    of_three_plain(tokens, seed, out);
}

fn of_three_plain(tokens: &[u64], seed: u64, out: &mut Vec<u64>) {
    out.extend(tokens.windows(3).map(|window| match *window {
        [a, b, c] => hash::mix(step(step(step(seed, a), b), c)),
        _ => seed,
    }));
}

/// Eight windows at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn of_three_avx512(tokens: &[u64], seed: u64, out: &mut Vec<u64>) {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi64, _mm512_mask_storeu_epi64, _mm512_maskz_loadu_epi64, _mm512_mullo_epi64,
        _mm512_set1_epi64, _mm512_srli_epi64, _mm512_xor_si512,
    };
    const LANES: usize = 8;
    let count = tokens.len().saturating_sub(2);
    out.reserve(count);
    let square = STEP.wrapping_mul(STEP);
    let [first, second, base] =
        [square, STEP, seed.wrapping_mul(square).wrapping_mul(STEP)].map(|value| _mm512_set1_epi64(value as i64));
    let multipliers = hash::MIX.map(|value| _mm512_set1_epi64(value as i64));
    let shifted = |value: __m512i| _mm512_xor_si512(value, _mm512_srli_epi64::<33>(value));
    for at in (0..count).step_by(LANES) {
        let mask = u8::MAX >> LANES.saturating_sub(count - at);
        // SAFETY: the mask leaves the windows from `at` on that exist; their tokens are two more than
        // they, and there is room for all of them behind the end of `out`.
        unsafe {
            let load = |ahead: usize| _mm512_maskz_loadu_epi64(mask, tokens.as_ptr().add(at + ahead).cast());
            let sum = _mm512_add_epi64(_mm512_mullo_epi64(load(0), first), _mm512_mullo_epi64(load(1), second));
            let sum = _mm512_add_epi64(sum, _mm512_add_epi64(load(2), base));
            let value = _mm512_mullo_epi64(shifted(sum), multipliers[0]);
            let value = shifted(_mm512_mullo_epi64(shifted(value), multipliers[1]));
            _mm512_mask_storeu_epi64(out.as_mut_ptr().add(out.len() + at).cast(), mask, value);
        }
    }
    // SAFETY: all of them were written above.
    unsafe { out.set_len(out.len() + count) };
}

/// A set of 64-bit identities whose upper half is spread well: open addressing, cleared in the time that its
/// next use needs anyway.
#[derive(Debug, Default)]
pub struct IdentitySet {
    /// 0 is empty; identity 0 is stored as 1 (they are hashes: one more collision in 2⁶⁴).
    slots: Vec<u64>,
    mask: usize,
}

impl IdentitySet {
    /// Empties the set and makes room for `count` identities.
    pub fn clear(&mut self, count: usize) {
        let size = (count * 2).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, 0);
        self.mask = size - 1;
    }

    /// Adds an identity; whether it was new.
    #[inline]
    pub fn insert(&mut self, identity: u64) -> bool {
        let identity = identity.max(1);
        let mut at = (identity >> 32) as usize & self.mask;
        loop {
            match self.slots[at] {
                0 => {
                    self.slots[at] = identity;
                    return true;
                }
                found if found == identity => return false,
                _ => at = (at + 1) & self.mask,
            }
        }
    }

    /// Whether the set has this identity.
    #[inline]
    pub fn contains(&self, identity: u64) -> bool {
        let identity = identity.max(1);
        let mut at = (identity >> 32) as usize & self.mask;
        loop {
            match self.slots[at] {
                0 => return false,
                found if found == identity => return true,
                _ => at = (at + 1) & self.mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn as_many_as_distinct_windows(tokens in proptest::collection::vec(0u64..6, 0..60), window in 1usize..6) {
            let mut padded = vec![100; window - 1];
            padded.extend(&tokens);
            padded.extend(vec![200; window - 1]);
            let expected: HashSet<&[u64]> = if tokens.is_empty() { HashSet::new() } else { padded.windows(window).collect() };
            let mut shingler = Shingler::default();
            let mut prompt = Vec::new();
            let mut response = Vec::new();
            prop_assert_eq!(shingler.read(Side::Prompt, &tokens, window, &mut prompt), expected.len());
            shingler.read(Side::Response, &tokens, window, &mut response);
            prop_assert_eq!(prompt.len(), response.len());
            let both: HashSet<u64> = prompt.iter().chain(&response).copied().collect();
            prop_assert_eq!(both.len(), 2 * expected.len());
        }

        #[test]
        fn vector_code_and_its_twin_agree(tokens in proptest::collection::vec(any::<u64>(), 0..40), seed in any::<u64>()) {
            let (mut fast, mut plain) = (vec![1], vec![1]);
            of_three(&tokens, seed, &mut fast);
            of_three_plain(&tokens, seed, &mut plain);
            prop_assert_eq!(fast, plain);
        }
    }
}
