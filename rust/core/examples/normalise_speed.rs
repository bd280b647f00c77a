//! How fast `normalise` is on clean text and on misread text, in bytes of input a second:
//! `cargo run --release --example normalise_speed`. Each figure is the best of some runs by the
//! thread's own CPU time (Linux only, so that a busy machine does not spoil it); each answer is checked.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for the terminal")]

use bumpalo::Bump;
use corpuskit_core::record::Changes;
use corpuskit_core::stage::normalise::{Normalise, NormaliseSettings};

const ENGLISH: &str = "The quick brown fox jumps over the lazy dog; it's 42 times faster than before.\n";
const QUOTES: &str = "“Don’t worry,” she said — “it’s only a test…” and the café was still open at noon.\n";
const FRENCH: &str = "L’été dernier, j’ai mangé des crêpes à la crème près du château — c’était délicieux !\n";
const RUSSIAN: &str = "Съешь же ещё этих мягких французских булок, да выпей чаю.\n";
const CHINESE: &str = "今天天气很好，我们去公园散步吧。你觉得怎么样？\n";

/// cp1252 as browsers read it.
fn western(text: &str) -> String {
    text.bytes().map(|byte| encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next().unwrap()).collect()
}

/// MacRoman.
fn mac(text: &str) -> String {
    text.bytes().map(|byte| encoding_rs::MACINTOSH.decode(&[byte]).0.chars().next().unwrap()).collect()
}

fn main() {
    let normalise = Normalise::new(&NormaliseSettings::default()).unwrap();
    println!("{:<34} {:>9} {:>12}", "text", "bytes", "MB/s");
    for (name, line) in
        [("English", ENGLISH), ("quotes", QUOTES), ("French", FRENCH), ("Russian", RUSSIAN), ("Chinese", CHINESE)]
    {
        // Records of 660 bytes are usual, hence not one long text.
        let record = line.repeat(660 / line.len() + 1);
        measure(&normalise, &format!("{name}, clean, a record"), &record, None);
        measure(&normalise, &format!("{name}, clean, 1 MB"), &line.repeat(1_000_000 / line.len()), None);
        if !line.is_ascii() {
            let wanted = line.repeat(1_000_000 / line.len());
            measure(&normalise, &format!("{name}, read as cp1252"), &western(&wanted), Some(&wanted));
            measure(&normalise, &format!("{name}, read as MacRoman"), &mac(&wanted), Some(&wanted));
            let line = ENGLISH.repeat(10);
            let wanted = line.clone() + QUOTES;
            measure(
                &normalise,
                &format!("{name}, one line in eleven misread"),
                &(line + &mac(QUOTES)).repeat(1000),
                Some(&wanted.repeat(1000)),
            );
        }
    }
}

/// CPU time of this thread in seconds.
fn cpu() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn measure(normalise: &Normalise, name: &str, text: &str, wanted: Option<&str>) {
    let mut arena = Bump::new();
    let repeat = (20_000_000 / text.len()).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        arena.reset();
        let started = cpu();
        for _ in 0..repeat {
            let text = std::hint::black_box(text);
            let mut changes = Changes::default();
            let found = normalise.text(text, &mut changes, &arena);
            assert_eq!(found, wanted, "{name}");
        }
        best = best.min((cpu() - started) / repeat as f64);
    }
    println!("{name:<34} {:>9} {:>12.0}", text.len(), text.len() as f64 / best / 1e6);
}
