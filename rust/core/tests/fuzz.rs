//! A fuzzer over everything that reads foreign bytes: JSON, records of every family, containers and
//! compressions, plans, rule packs, and the normaliser on any text.
//!
//! Seeds are the sample data, the RFC 8259 corpus and every input that once failed
//! (`tests/data/fuzz/`); they are mutated without knowledge of the code. A target must not panic, hang or let
//! memory grow, and each states what must hold for what it accepted. `cargo test` runs a few
//! seconds; `CORPUSKIT_FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture` is the long form.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::print_stdout, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the length of the run is the caller's")]

mod fuzzing;

use fuzzing::{Target, guard, mutate::Random, seeds, targets};
use std::time::{Duration, Instant};

#[test]
fn no_input_makes_a_parser_panic_hang_or_grow() {
    let seconds: f64 = std::env::var("CORPUSKIT_FUZZ_SECONDS").map_or(6.0, |text| text.parse().expect("a number"));
    let each = Duration::from_secs_f64(seconds / targets::ALL.len() as f64);
    let seed = std::env::var("CORPUSKIT_FUZZ_SEED").map_or(20_261_121, |text| text.parse().expect("a number"));
    for target in targets::ALL {
        let corpus = seeds::of(target.name);
        for input in &corpus {
            once(target, input);
        }
        let mut random = Random::new(seed);
        let begun = Instant::now();
        let (mut tries, mut warm) = (0_u64, 0);
        while begun.elapsed() < each {
            let input = random.mutated(&corpus, target.tokens);
            once(target, &input);
            tries += 1;
            if warm == 0 && begun.elapsed() > each / 2 {
                warm = guard::anonymous_memory();
            }
        }
        let grown = guard::anonymous_memory().saturating_sub(warm) >> 20;
        println!("{:<10} {:>6} seeds {tries:>9} tries, memory grew by {grown} MiB", target.name, corpus.len());
        assert!(grown < 96, "{}: memory grew by {grown} MiB in the second half", target.name);
    }
}

/// One input through one target; a panic keeps the input.
fn once(target: &Target, input: &[u8]) {
    let watch = guard::Watch::begin(target.name, input);
    if let Err(panic) = std::panic::catch_unwind(|| (target.run)(input)) {
        let path = guard::keep(target.name, input);
        println!("{}: the input is kept in {}", target.name, path.display());
        std::panic::resume_unwind(panic);
    }
    watch.end();
}
