//! Order from counters: every random choice is a hash of seed, purpose and index, so that any of them
//! can be made at any time, in any process, without the ones before it.

/// The odd constant of SplitMix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[inline]
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// A stream of random numbers that can be read at any index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// The stream of a seed with a number; other numbers give unrelated streams.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed.wrapping_add(GAMMA.wrapping_mul(stream.wrapping_add(1)))))
    }

    /// The number at an index: `mix(mix(seed + G·(stream + 1)) + G·(index + 1))`, modulo 2⁶⁴.
    #[inline]
    pub fn at(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(GAMMA.wrapping_mul(index.wrapping_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The reference generator with seed 1234567, as published with the algorithm.
        let mut state = 1_234_567_u64;
        let expected = [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for number in expected {
            state = state.wrapping_add(GAMMA);
            assert_eq!(mix(state), number);
        }
        assert_eq!(Counter::new(7, 0).at(3), mix(mix(7_u64.wrapping_add(GAMMA)).wrapping_add(GAMMA.wrapping_mul(4))));
        assert_ne!(Counter::new(7, 0).at(3), Counter::new(7, 1).at(3));
    }
}
