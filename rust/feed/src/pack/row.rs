//! One row: which of the documents that wait go into the next pack.

use super::window::Window;

/// So many documents that came in order make way if others close the row better: where documents are as
/// long as a quarter of the row, what is left behind the last of them is seldom the length of one or two.
const MAKE_WAY: usize = 2;

/// What a row begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The oldest document and those that follow it, as far as they fit.
    Oldest,
    /// The longest document.
    Longest,
}

/// Chooses one pack of what waits and takes it out: document numbers, ascending.
pub(super) fn fill(window: &mut Window, budget: u32, start: Start, pack: &mut Vec<u64>) {
    let mut left = match start {
        Start::Oldest => begin(window, budget, pack),
        Start::Longest => {
            let length = window.at_most(budget);
            pack.push(window.take(length));
            budget - length
        }
    };
    while left > 0 {
        let (first, second) = best(window, left);
        if first == 0 {
            break;
        }
        for length in [first, second].into_iter().filter(|length| *length > 0) {
            pack.push(window.take(length));
            left -= length;
        }
    }
    pack.sort_unstable();
}

/// Fills a row in order, less the last documents that had better make way; returns what is left of it.
fn begin(window: &mut Window, budget: u32, pack: &mut Vec<u64>) -> u32 {
    let mut left = budget;
    // Lengths of the last documents of the row, the very last first.
    let mut last = [0; MAKE_WAY];
    while let Some(length) = next(window, left, pack) {
        left -= length;
        last.rotate_right(1);
        last[0] = length;
    }
    // The oldest document stays, else it might wait for ever.
    let most = MAKE_WAY.min(pack.len().saturating_sub(1));
    let (mut chosen, mut least) = (0, waste(window, left));
    let mut made_way = 0;
    while least > 0 && made_way < most {
        let Some(number) = pack.pop() else { break };
        window.put_back(number, last[made_way]);
        left += last[made_way];
        made_way += 1;
        let waste = waste(window, left);
        if waste < least {
            (chosen, least) = (made_way, waste);
        }
    }
    for _ in chosen..made_way {
        left -= next(window, left, pack).unwrap_or(0);
    }
    left
}

/// Takes the oldest document if it fits; returns its length.
fn next(window: &mut Window, left: u32, pack: &mut Vec<u64>) -> Option<u32> {
    let length = window.oldest_length();
    if !(1..=left).contains(&length) {
        return None;
    }
    pack.push(window.take(length));
    Some(length)
}

/// What the best one or two documents leave of `room`.
fn waste(window: &Window, room: u32) -> u32 {
    let (first, second) = best(window, room);
    room - first - second
}

/// The one or two lengths that fill `room` best; an exact fit by one goes before one by two.
fn best(window: &Window, room: u32) -> (u32, u32) {
    let single = window.at_most(room);
    let (mut chosen, mut sum) = ((single, 0), single);
    let mut long = single;
    // The longer of a pair, downwards; once it is no more than half of the best sum, no pair can be better.
    while sum < room && long > 0 && 2 * long > sum {
        let mut short = window.at_most((room - long).min(long));
        if short == long && !window.has_two(long) {
            short = window.at_most(long - 1);
        }
        if short > 0 && long + short > sum {
            (chosen, sum) = ((long, short), long + short);
        }
        long = window.at_most(long - 1);
    }
    chosen
}
