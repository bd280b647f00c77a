//! The index against the rule itself, spelled out: every pair compared, on sets of strings.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::design::Design;
use super::log::Log;
use super::*;
use crate::record::{Changes, Message, Origin, Place, Record, Role, Schema, Text};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use proptest::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;

/// A file of its own in the temporary folder, removed at the end.
struct Scene(PathBuf);

impl Scene {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("corpuskit-dedup-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

type Turns = Vec<(Role, String)>;

fn record<'a>(turns: &'a Turns, number: usize, arena: &'a Bump) -> Record<'a> {
    let mut messages = ArenaVec::new_in(arena);
    messages.extend(turns.iter().map(|(role, text)| Message::text(*role, Text::new(text), arena)));
    Record {
        origin: Origin { path: "test", place: Place::Index(number as u64) },
        schema: Schema { family: "openai", dialect: "messages", restore: ArenaVec::new_in(arena) },
        messages,
        messages_raw: None,
        tools: None,
        rejected: None,
        parent: None,
        fields: ArenaVec::new_in(arena),
        changes: Changes::default(),
        labels: crate::record::Labels::default(),
    }
}

fn entries(settings: &DedupSettings, corpus: &[Turns]) -> Vec<Vec<u8>> {
    let signer = Signer::new(settings).unwrap();
    let mut scratch = Scratch::default();
    let arena = Bump::new();
    let entry = |(number, turns): (usize, &Turns)| {
        let mut entry = Vec::new();
        signer.sign(&record(turns, number, &arena), &number.to_string(), &mut scratch, &mut entry);
        entry
    };
    corpus.iter().enumerate().map(entry).collect()
}

/// One side as the rule sees it. The test's texts have plain words and numbers only.
#[derive(Default, PartialEq, Eq)]
struct Plain {
    shingles: HashSet<Vec<String>>,
    numbers: Vec<String>,
}

fn plain(turns: &Turns, response: bool, window: usize) -> Plain {
    let texts = turns.iter().filter(|(role, _)| match role {
        Role::User | Role::Tool => !response,
        Role::Assistant | Role::Text => response,
        _ => false,
    });
    let words: Vec<String> = texts.flat_map(|(_, text)| text.split_whitespace().map(str::to_owned)).collect();
    let numbers = words.iter().filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).cloned().collect();
    if words.is_empty() {
        return Plain::default();
    }
    let marks = |mark: &str| vec![mark.to_owned(); window - 1];
    let padded = [marks("<"), words, marks(">")].concat();
    Plain { shingles: padded.windows(window).map(<[String]>::to_vec).collect(), numbers }
}

type Outcome = Option<(usize, bool, Option<[u64; 2]>, Option<[u64; 2]>)>;

fn overlap(a: &Plain, b: &Plain) -> Option<[u64; 2]> {
    let union = a.shingles.union(&b.shingles).count() as u64;
    (union > 0).then(|| [a.shingles.intersection(&b.shingles).count() as u64, union])
}

/// Rules 6 to 9.
fn by_the_rule(settings: &DedupSettings, corpus: &[Turns]) -> Vec<Outcome> {
    let window = settings.near.0.as_ref().map_or(1, |near| near.shingle);
    let sides: Vec<[Plain; 2]> =
        corpus.iter().map(|turns| [false, true].map(|side| plain(turns, side, window))).collect();
    let enough = |overlap: [u64; 2], threshold: u32| overlap[0] * 10_000 >= overlap[1] * u64::from(threshold);
    let mut kept: Vec<usize> = Vec::new();
    let mut outcomes = Vec::new();
    for i in 0..corpus.len() {
        let mut outcome = None;
        for &j in &kept {
            let exact = settings.exact && corpus[i] == corpus[j];
            let mut overlaps = [overlap(&sides[i][0], &sides[j][0]), overlap(&sides[i][1], &sides[j][1])];
            let same = [0, 1].map(|side| sides[i][side].numbers == sides[j][side].numbers);
            let near = settings.near.0.as_ref().is_some_and(|near| {
                let t = near.threshold;
                let passes =
                    |side: usize, t: u32| overlaps[side].is_none_or(|overlap| enough(overlap, t)) && same[side];
                match near.mode {
                    Mode::Sides => overlaps != [None, None] && passes(0, t.prompt) && passes(1, t.response),
                    Mode::Prompt => overlaps[0].is_some() && passes(0, t.prompt),
                    Mode::Response => overlaps[1].is_some() && passes(1, t.response),
                    Mode::Conversation => {
                        let [p, r] = overlaps.map(Option::unwrap_or_default);
                        overlaps != [None, None] && same == [true, true] && enough([p[0] + r[0], p[1] + r[1]], t.prompt)
                    }
                }
            });
            match settings.near.0.as_ref().map(|near| near.mode) {
                None => overlaps = [None, None],
                Some(Mode::Prompt) => overlaps[1] = None,
                Some(Mode::Response) => overlaps[0] = None,
                _ => {}
            }
            if exact || near {
                outcome = Some((j, exact, overlaps[0], overlaps[1]));
                break;
            }
        }
        if outcome.is_none() {
            kept.push(i);
        }
        outcomes.push(outcome);
    }
    outcomes
}

fn outcome(judgement: Judgement) -> Outcome {
    match judgement {
        Judgement::Kept => None,
        Judgement::Duplicate(found) => Some((found.of.parse().unwrap(), found.exact, found.prompt, found.response)),
    }
}

/// A design that misses nothing that a test could meet, so that a difference is a defect and not chance.
fn sure(settings: &DedupSettings, crowd: usize) -> Option<Design> {
    Design::new(settings).map(|design| Design { bands: 64, rows: 2, least_equal: 0, crowd, ..design })
}

fn corpora() -> impl Strategy<Value = Vec<Turns>> {
    // Few words and a template make many pairs near any threshold; edits plant real duplicates.
    let word = prop_oneof![30 => (b'a'..=b'l').prop_map(|n| format!("w{}", n as char)), 1 => (0u8..3).prop_map(|n| n.to_string())];
    let text = (any::<bool>(), proptest::collection::vec(word, 0..9)).prop_map(|(template, words)| {
        let mut text = if template { "aa bb cc dd ee ff gg hh ii jj kk ll".to_owned() } else { String::new() };
        words.iter().for_each(|word| text.extend([" ", word]));
        text.trim().to_owned()
    });
    let role =
        prop_oneof![Just(Role::User), Just(Role::Assistant), Just(Role::System), Just(Role::Tool), Just(Role::Text)];
    let turns = prop_oneof![
        6 => (text.clone(), text.clone()).prop_map(|(p, r)| vec![(Role::User, p), (Role::Assistant, r)]),
        1 => proptest::collection::vec((role, text), 0..4),
    ];
    let base = proptest::collection::vec(turns, 1..25);
    (base, proptest::collection::vec((any::<prop::sample::Index>(), 0u8..12, any::<bool>()), 0..40)).prop_map(
        |(mut corpus, edits)| {
            for (pick, word, response) in edits {
                let mut copy: Turns = corpus[pick.index(corpus.len())].clone();
                if let Some((_, text)) = if response { copy.last_mut() } else { copy.first_mut() }
                    && word < 9
                {
                    text.push_str(&format!(" x{}", (b'a' + word) as char));
                }
                corpus.push(copy);
            }
            corpus
        },
    )
}

fn settings() -> impl Strategy<Value = DedupSettings> {
    let mode = prop_oneof![3 => Just(Mode::Sides), 1 => Just(Mode::Prompt), 1 => Just(Mode::Response), 1 => Just(Mode::Conversation)];
    let threshold = prop_oneof![Just(6_000u32), Just(7_000), Just(8_000), Just(9_000), Just(10_000)];
    let near = (mode, threshold.clone(), threshold, 1usize..5).prop_map(|(mode, prompt, response, shingle)| {
        let response = if mode == Mode::Conversation { prompt } else { response };
        NearSettings { threshold: Threshold { prompt, response }, shingle, mode }
    });
    (any::<bool>(), proptest::option::weighted(0.95, near)).prop_map(|(exact, near)| DedupSettings {
        exact,
        near: Near(near),
        ..DedupSettings::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    /// Kept set, whom each other doubles, and both similarities: all as the rule says, whether buckets
    /// are crowded or not, and when the index is dropped and resumed in the middle.
    #[test]
    fn the_index_follows_the_rule(
        corpus in corpora(), settings in settings(), crowd in prop_oneof![Just(1usize), Just(2), Just(64)],
        cut in any::<prop::sample::Index>(),
    ) {
        let scene = Scene::new();
        let entries = entries(&settings, &corpus);
        let log = Log::create(&settings, "", &scene.0).unwrap();
        let mut index = Index::with_log(&settings, sure(&settings, crowd), log).unwrap();
        let expected = by_the_rule(&settings, &corpus);
        // `sure` has another signature than the signer writes: the entries are made to fit.
        let fit = |entry: &[u8]| refit(&settings, entry);
        let cut = cut.index(corpus.len());
        for (number, entry) in entries.iter().enumerate() {
            if number == cut {
                let (length, kept) = index.mark().unwrap();
                // What is logged after the mark must not count.
                index.judge(&fit(entry)).unwrap();
                index.mark().unwrap();
                let log = Log::open(&settings, "", &scene.0, length).unwrap();
                index = Index::with_log(&settings, sure(&settings, crowd), log).unwrap();
                index.replay_all(length).unwrap();
                prop_assert_eq!(index.kept(), kept);
            }
            prop_assert_eq!(&outcome(index.judge(&fit(entry)).unwrap()), &expected[number], "record {}", number);
        }
    }
}

proptest! {
    /// In the order of any ranks: the rule in that order, told in input order.
    #[test]
    fn the_order_of_ranks_is_followed(
        corpus in corpora(), settings in settings(), ranks in proptest::collection::vec(0u64..4, 65),
        cut in any::<prop::sample::Index>(),
    ) {
        let scene = Scene::new();
        let design = Design::new(&settings).map_or(0, |design| design.signature());
        let mut entries = entries(&settings, &corpus);
        let mut order: Vec<usize> = (0..corpus.len()).collect();
        order.sort_by_key(|&number| ranks[number]);
        let mut index = Index::create(&settings, "", &scene.0).unwrap();
        let judged: Vec<Outcome> = order.iter().map(|&number| outcome(index.judge(&entries[number]).unwrap())).collect();
        drop(index);
        let mut deferred = Deferred::create(&settings, "", &scene.0).unwrap();
        let cut = cut.index(corpus.len());
        for (number, entry) in entries.iter_mut().enumerate() {
            // The rank of an entry that is made without an order: the last word before the signature.
            entry[64..72].copy_from_slice(&ranks[number].to_le_bytes());
            prop_assert_eq!(Entry::read(entry, design).unwrap().rank(), ranks[number]);
            if number == cut {
                let length = deferred.mark().unwrap();
                deferred.take(entry).unwrap();
                deferred.mark().unwrap();
                deferred = Deferred::resume(&settings, "", &scene.0, length).unwrap();
            }
            deferred.take(entry).unwrap();
        }
        let verdicts = deferred.judge().unwrap();
        for (place, &number) in order.iter().enumerate() {
            prop_assert_eq!(&outcome(verdicts.of(number as u64).unwrap()), &judged[place], "record {}", number);
        }
        prop_assert!(verdicts.of(corpus.len() as u64).is_err());
    }
}

/// The entry with the signature and bands of `sure`.
fn refit(settings: &DedupSettings, entry: &[u8]) -> Vec<u8> {
    let (Some(own), Some(sure)) = (Design::new(settings), sure(settings, 1)) else { return entry.to_vec() };
    let entry = Entry::read(entry, own.signature()).unwrap();
    let shingles: Vec<u64> = (0..2).flat_map(|side| entry.shingles(side)).collect();
    let (mut signature, mut bands, mut out) = (Vec::new(), Vec::new(), Vec::new());
    minhash::signature(&shingles, sure.signature(), &mut signature);
    minhash::band_keys(&signature, sure.rows, entry.numbers(), &mut bands);
    let parts = entry::Parts {
        exact: entry.exact(),
        numbers: entry.numbers(),
        signature: &signature,
        shingles: &shingles,
        prompt: entry.sizes()[0],
        origin: entry.origin(),
        rank: entry.rank(),
        bands: &bands,
        copy: false,
    };
    parts.write(&mut out);
    out
}

#[test]
fn a_log_of_other_settings_is_refused() {
    let scene = Scene::new();
    let near = |threshold| DedupSettings {
        near: Near(Some(NearSettings { threshold: Threshold::same(threshold), ..NearSettings::default() })),
        ..DedupSettings::default()
    };
    let turns = vec![(Role::User, "what is it".to_owned()), (Role::Assistant, "a test".to_owned())];
    let mut index = Index::create(&near(8_000), "nfc", &scene.0).unwrap();
    assert_eq!(index.judge(&entries(&near(8_000), &[turns])[0]).unwrap(), Judgement::Kept);
    let (length, kept) = index.mark().unwrap();
    assert_eq!(Index::resume(&near(8_000), "nfc", &scene.0, length, kept).unwrap().kept(), 1);
    let error = Index::resume(&near(9_000), "nfc", &scene.0, length, kept).unwrap_err();
    assert!(error.to_string().contains("other settings or by another version"), "{error}");
    let error = Index::resume(&near(8_000), "nfc, html", &scene.0, length, kept).unwrap_err();
    assert!(error.to_string().contains("other settings or by another version"), "{error}");
    let error = Index::resume(&near(8_000), "nfc", &scene.0, length + 8, kept).unwrap_err();
    assert!(error.to_string().contains("the checkpoint needs"), "{error}");
    let error = Index::resume(&near(8_000), "nfc", &scene.0, length, kept + 1).unwrap_err();
    assert!(error.to_string().contains("1 entries, but the checkpoint counts 2"), "{error}");
}
