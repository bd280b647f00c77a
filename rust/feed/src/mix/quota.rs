//! Exact shares: largest remainders, and filling a quota with records that cannot be cut.

/// Records in a row that do not fit before a quota counts as filled.
const MISSES: usize = 1_000;

/// Deals `total` out in proportion to `shares`: the parts sum to `total`, each is its exact share rounded down or up, and those
/// with the largest remainders are rounded up (of equal ones the first).
pub fn largest_remainder(total: u64, shares: &[u64]) -> Vec<u64> {
    let sum: u128 = shares.iter().map(|&share| u128::from(share)).sum();
    if sum == 0 {
        return vec![0; shares.len()];
    }
    let exact = |share: u64| u128::from(total) * u128::from(share);
    let mut parts: Vec<u64> = shares.iter().map(|&share| (exact(share) / sum) as u64).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(exact(shares[at]) % sum), at));
    let left = total - parts.iter().sum::<u64>();
    for &at in order.iter().take(left as usize) {
        parts[at] += 1;
    }
    parts
}

/// Takes items in order while they fit into the quota, and goes past those that do not, at most 1,000 in a
/// row. Returns what was taken of the quota.
pub fn fill<T>(quota: u64, items: impl IntoIterator<Item = (T, u64)>, mut take: impl FnMut(T)) -> u64 {
    let (mut filled, mut misses) = (0, 0);
    for (item, amount) in items {
        if filled == quota || misses == MISSES {
            break;
        }
        if amount <= quota - filled {
            filled += amount;
            misses = 0;
            take(item);
        } else {
            misses += 1;
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest() {
        assert_eq!(largest_remainder(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(largest_remainder(7, &[50, 30, 20]), [4, 2, 1]);
        assert_eq!(largest_remainder(5, &[0, 0]), [0, 0]);
        assert_eq!(largest_remainder(u64::MAX, &[u64::MAX, u64::MAX]), [u64::MAX / 2 + 1, u64::MAX / 2]);
    }

    proptest! {
        #[test]
        fn parts_sum_up_and_are_rounded(total in 0u64..1_000_000, shares in proptest::collection::vec(0u64..1_000, 1..20)) {
            let parts = largest_remainder(total, &shares);
            let sum: u64 = shares.iter().sum();
            prop_assume!(sum > 0);
            prop_assert_eq!(parts.iter().sum::<u64>(), total);
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!(*part == total * share / sum || *part == (total * share).div_ceil(sum));
            }
        }

        #[test]
        fn a_quota_of_records_is_met_exactly(count in 0usize..500, quota in 0u64..600) {
            let mut taken = 0;
            let filled = fill(quota, (0..count).map(|item| (item, 1)), |_| taken += 1);
            prop_assert_eq!(filled, quota.min(count as u64));
            prop_assert_eq!(filled, taken);
        }
    }
}
