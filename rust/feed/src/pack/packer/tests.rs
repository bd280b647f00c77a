#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// All packs of a stream that comes in chunks.
fn pack_all(lengths: &[u32], budget: u32, window: u32, chunks: &[usize]) -> Vec<Vec<u64>> {
    let mut packer = Packer::new(budget, window).unwrap();
    let (mut packs, mut pack) = (Vec::new(), Vec::new());
    let mut sizes = chunks.iter().cycle();
    let mut rest = lengths;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        for length in chunk {
            while !packer.push(*length).unwrap() {
                assert!(packer.next_pack(&mut pack));
                packs.push(pack.clone());
            }
        }
        // A caller that asks as early as it can gets the same.
        while packer.next_pack(&mut pack) {
            packs.push(pack.clone());
        }
        rest = after;
    }
    while packer.last_pack(&mut pack) {
        packs.push(pack.clone());
    }
    packs
}

fn lengths(longest: u32) -> impl Strategy<Value = Vec<u32>> {
    let one = prop_oneof![3 => 1..=longest, 3 => 1..=(longest / 8).max(1), 1 => Just(longest), 1 => Just((longest / 2 + 1).min(longest))];
    proptest::collection::vec(one, 0..600)
}

proptest! {
    #[test]
    fn the_promises_hold(
        (budget, lengths) in prop_oneof![1u32..=9, 10u32..=300, 2_000u32..=9_000].prop_flat_map(|budget| (Just(budget), lengths(budget))),
        window in prop_oneof![1u32..=8, 9u32..=700],
        chunks in proptest::collection::vec(1usize..200, 1..5),
    ) {
        let packs = pack_all(&lengths, budget, window, &[1]);
        // Each document exactly once.
        let mut all: Vec<u64> = packs.iter().flatten().copied().collect();
        let order = all.clone();
        all.sort_unstable();
        prop_assert_eq!(all, (0..lengths.len() as u64).collect::<Vec<_>>());
        for pack in &packs {
            let tokens: u64 = pack.iter().map(|number| u64::from(lengths[*number as usize])).sum();
            prop_assert!((1..=u64::from(budget)).contains(&tokens));
            prop_assert!(pack.is_sorted());
        }
        // No document moves as many places as the window is wide.
        for (place, number) in order.iter().enumerate() {
            prop_assert!((place as u64).abs_diff(*number) < u64::from(window));
        }
        prop_assert_eq!(packs, pack_all(&lengths, budget, window, &chunks));
    }

    #[test]
    fn a_cursor_goes_on_with_the_same_packs(
        lengths in lengths(500),
        window in 1u32..=100,
        stop in 0usize..200,
    ) {
        let packs = pack_all(&lengths, 500, window, &[1]);
        let stop = stop.min(packs.len());
        let mut packer = Packer::new(500, window).unwrap();
        let mut pack = Vec::new();
        for expected in &packs[..stop] {
            next(&mut packer, &lengths, &mut pack);
            prop_assert_eq!(&pack, expected);
        }
        let cursor: PackCursor = serde_json::from_str(&serde_json::to_string(&packer.cursor()).unwrap()).unwrap();
        let mut packer = Packer::resume(500, window, &cursor).unwrap();
        prop_assert_eq!(packer.cursor(), cursor);
        for expected in &packs[stop..] {
            next(&mut packer, &lengths, &mut pack);
            prop_assert_eq!(&pack, expected);
        }
        prop_assert!(!next(&mut packer, &lengths, &mut pack));
    }
}

/// The next pack of a packer that is given what it needs and no more.
fn next(packer: &mut Packer, lengths: &[u32], pack: &mut Vec<u64>) -> bool {
    while let Some(length) = lengths.get(packer.next_document() as usize) {
        if !packer.push(*length).unwrap() {
            return packer.next_pack(pack);
        }
    }
    packer.last_pack(pack)
}

#[test]
fn wrong_settings_and_states_are_refused() {
    assert!(Packer::new(0, 1).is_err());
    assert!(Packer::new(1, 0).is_err());
    assert!(Packer::new(1, 1 << 17).is_err());
    for taken in [vec![0], vec![2, 1], vec![3, 3], vec![5]] {
        assert!(Packer::resume(10, 5, &PackCursor { oldest: 7, taken, last: 0 }).is_err());
    }
    let mut packer = Packer::new(10, 5).unwrap();
    assert!(packer.push(0).is_err());
    assert!(packer.push(11).is_err());
    let mut pack = Vec::new();
    assert!(!packer.last_pack(&mut pack));
    assert!(packer.push(1).is_err());
}

#[test]
fn a_pair_closes_exactly_where_no_single_does() {
    // 70 is started; of 20, 19, 15 and 11 the pair 19 + 11 fills the rest.
    let packs = pack_all(&[70, 20, 19, 15, 11], 100, 8, &[1]);
    assert_eq!(packs[0], [0, 2, 4]);
}

#[test]
fn the_last_in_order_makes_way_where_that_fills_the_row() {
    // 40 + 30 leave 30, of which 27 is the most that can be filled; 40 alone leaves 60 = 33 + 27.
    let packs = pack_all(&[40, 30, 33, 27, 36], 100, 8, &[1]);
    assert_eq!(packs[0], [0, 2, 3]);
}

#[test]
fn documents_of_a_quarter_of_a_row_fill_rows() {
    // The lengths at which rows in order were 1 % empty: some 480 tokens of 2,048, few below 300.
    let lengths: Vec<u32> = (0..20_000_u32).map(|number| 300 + number.wrapping_mul(2_654_435_761) % 367).collect();
    let tokens: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
    let packs = pack_all(&lengths, 2_048, 512, &[1]);
    let bound = tokens.div_ceil(2_048);
    assert!(packs.len() as f64 <= bound as f64 * 1.001 + 1.0, "{} rows where {bound} is the bound", packs.len());
}
