//! Hashes. All have fixed seeds: the same text gives the same value on every machine and for ever,
//! because saved indexes hold them.

/// Multiplies to 128 bits and folds the halves (the step of wyhash and its kin).
#[inline(always)]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// The multipliers of `mix`.
pub const MIX: [u64; 2] = [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53];

/// A bijection that spreads every bit (the finaliser of MurmurHash3).
#[inline(always)]
pub fn mix(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(MIX[0]);
    value ^= value >> 33;
    value = value.wrapping_mul(MIX[1]);
    value ^ value >> 33
}

/// What the two halves of 16 bytes of a token begin with.
pub(super) const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
/// What the first half is multiplied by, and then the two together.
pub(super) const MULTIPLIERS: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];
/// Where the length goes, apart from the bytes that zeros could be.
pub(super) const LENGTH: u32 = 56;

/// The hash of up to 16 bytes, zeros behind them, and of a length. Two products are the least that spread every
/// bit, and vectors of eight have instructions for all of it (`hashes`).
#[inline(always)]
pub(super) fn halves([low, high]: [u64; 2], length: u64) -> u64 {
    let low = (low ^ SEEDS[0]).wrapping_mul(MULTIPLIERS[0]);
    let both = low ^ low >> 32 ^ high ^ SEEDS[1] ^ length << LENGTH;
    let both = both.wrapping_mul(MULTIPLIERS[1]);
    both ^ both >> 32
}

/// How many readable bytes must follow a token in its buffer.
pub const PADDING: usize = 16;

#[inline(always)]
fn load(buffer: &[u8], at: usize) -> u64 {
    // One bounds check, then one unaligned load.
    match buffer.get(at..at + 8) {
        Some(bytes) => {
            u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
        }
        None => 0,
    }
}

/// The low `length` bytes of a word (all of them from 8 on).
#[inline(always)]
fn keep(value: u64, length: usize) -> u64 {
    if length >= 8 { value } else { value & ((1u64 << (8 * length)) - 1) }
}

/// For each length up to 16, which bits of the first and of the second word count.
const MASKS: [[u64; 2]; 17] = {
    let mut masks = [[0u64; 2]; 17];
    let mut length = 1;
    while length <= 16 {
        masks[length] =
            if length <= 8 { [u64::MAX >> (64 - 8 * length), 0] } else { [u64::MAX, u64::MAX >> (128 - 8 * length)] };
        length += 1;
    }
    masks
};

/// Hash of the token `buffer[at..at + length]`. `PADDING` more bytes must be readable behind it;
/// their value does not matter.
#[inline(always)]
pub fn token(buffer: &[u8], at: usize, length: usize) -> u64 {
    if let (Some(bytes), true) = (buffer.get(at..at + 16), length <= 16) {
        // Masks from a table: the length of words is nothing that a processor can foresee.
        let (low, high) = bytes.split_at(8);
        return halves([load(low, 0) & MASKS[length][0], load(high, 0) & MASKS[length][1]], length as u64);
    }
    long_token(buffer, at, length)
}

fn long_token(buffer: &[u8], at: usize, length: usize) -> u64 {
    let mut state = 0;
    let mut done = 0;
    while done < length {
        let rest = length - done;
        let low = keep(load(buffer, at + done), rest);
        let high = if rest > 8 { keep(load(buffer, at + done + 8), rest - 8) } else { 0 };
        state = halves([low ^ state, high], length as u64);
        done += 16;
    }
    state
}

/// 128 bits of any byte string (XXH3), as two words.
pub fn wide(bytes: &[u8]) -> [u64; 2] {
    let value = xxhash_rust::xxh3::xxh3_128(bytes);
    [value as u64, (value >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_counts() {
        for length in 0..70usize {
            let mut first: Vec<u8> = (0..length as u8).map(|n| n.wrapping_mul(37)).collect();
            let mut second = first.clone();
            first.extend([0; PADDING]);
            second.extend([0xff; PADDING]);
            assert_eq!(token(&first, 0, length), token(&second, 0, length), "length {length}");
            let mut moved = vec![9, 9, 9];
            moved.extend(&second);
            assert_eq!(token(&first, 0, length), token(&moved, 3, length));
            for changed in 0..length {
                let mut other = first.clone();
                other[changed] ^= 1;
                assert_ne!(token(&first, 0, length), token(&other, 0, length), "length {length}, byte {changed}");
            }
        }
    }

    #[test]
    fn length_is_part_of_the_hash() {
        let zeros = [0u8; 64];
        let hashes: std::collections::HashSet<u64> = (0..48).map(|length| token(&zeros, 0, length)).collect();
        assert_eq!(hashes.len(), 48);
    }
}
