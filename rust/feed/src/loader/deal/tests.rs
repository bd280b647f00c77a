#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::loader::{IGNORED, Row, summarise};
use crate::store::{Key, NewDocument, NewRow, Writer};
use corpuskit_core::plan::packing::{PackMode, PackSettings};
use std::path::Path;

/// A store of `rows` rows: one document, two or none; token `n` of a document is its length.
fn corpus(folder: &Path, rows: u32) -> Arc<Corpus> {
    let digest = Digest([0; 32]);
    let key = Key {
        version: 1,
        records: vec![digest],
        tokenizer: digest,
        template: digest,
        settings: serde_json::Value::Null,
    };
    let mut writer = Writer::create(&folder.join("tokens"), key, 1_000).unwrap();
    let mut shard = writer.shard("part-00000").unwrap();
    for row in 0..rows {
        let document = |length: u32| NewDocument {
            ids: vec![length; length as usize],
            supervised: vec![0..1, length / 2..length],
            weight: 1.0,
        };
        let length = (u64::from(row) * 2_654_435_761 % 97) as u32 + 2;
        let documents: Vec<NewDocument> = match row % 7 {
            0 => vec![],
            1 => vec![document(length), document(100)],
            _ => vec![document(length)],
        };
        let reason = documents.is_empty().then(|| "tokenise.empty".to_owned());
        shard.push(&NewRow { documents, seen: length, seen_supervised: 1, reason }).unwrap();
    }
    shard.finish().unwrap();
    writer.finish().unwrap();
    Arc::new(Corpus::of_store(&folder.join("tokens")).unwrap())
}

fn settings(mode: PackMode) -> StreamSettings {
    let pack = PackSettings { mode, length: 128, window: 32 };
    StreamSettings { pack, seed: 3, shuffle: true, epochs: 2, categories: Vec::new() }
}

fn lane(ranks: u64, rank: u64) -> Lane {
    Lane { ranks, rank, workers: 1, worker: 0, batch: 1 }
}

/// What a loader of a state gives: at most `most` packs, and its state.
fn take(corpus: &Arc<Corpus>, mode: PackMode, lane: Lane, state: Option<State>, most: usize) -> (Vec<Plan>, State) {
    let mut loader = Loader::new(Arc::clone(corpus), settings(mode), lane, state).unwrap();
    let plans = std::iter::from_fn(|| loader.next_pack().unwrap()).take(most).collect();
    (plans, loader.state().unwrap())
}

const MODES: [PackMode; 3] = [PackMode::Packed, PackMode::PaddingFree, PackMode::Padded];

#[test]
fn each_document_comes_once_a_pass_whatever_the_mode() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 700);
    for mode in MODES {
        let (plans, state) = take(&corpus, mode, lane(1, 0), None, usize::MAX);
        for epoch in 0..2 {
            let members = plans.iter().filter(|plan| plan.epoch == epoch).flat_map(|plan| &plan.members);
            let mut documents: Vec<u32> = members.map(|member| member.document).collect();
            documents.sort_unstable();
            assert_eq!(documents, (0..corpus.store.meta().documents() as u32).collect::<Vec<_>>());
        }
        assert!(plans.iter().enumerate().all(|(number, plan)| plan.number == number as u64));
        assert_eq!(state.chain(), plans.last().unwrap().chain);
        let orders = [0, 1].map(|epoch| {
            plans.iter().filter(|plan| plan.epoch == epoch).map(|plan| plan.members.clone()).collect::<Vec<_>>()
        });
        assert_ne!(orders[0], orders[1], "each pass has its own order");
    }
}

#[test]
fn any_number_of_ranks_has_the_same_packs_and_state() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 700);
    for mode in MODES {
        let (whole, last) = take(&corpus, mode, lane(1, 0), None, usize::MAX);
        // 1 → 2 → 4 → 1, stopped in between.
        let (mut state, mut seen) = (None, Vec::new());
        for (ranks, most) in [(1, 5), (2, 7), (4, 3), (1, usize::MAX)] {
            let parts: Vec<_> =
                (0..ranks).map(|rank| take(&corpus, mode, lane(ranks, rank), state.clone(), most)).collect();
            assert!(parts.iter().all(|(_, state)| *state == parts[0].1), "all ranks are at the same place");
            seen.extend(parts.iter().flat_map(|(plans, _)| plans.clone()));
            state = Some(parts[0].1.clone());
            assert!(serde_json::to_string(&state).unwrap().len() < 2_000);
        }
        seen.sort_by_key(|plan| plan.number);
        assert_eq!(seen, whole);
        assert_eq!(state.unwrap(), last);
    }
}

#[test]
fn workers_take_turns_and_go_on_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 700);
    let (whole, _) = take(&corpus, PackMode::Packed, lane(1, 0), None, usize::MAX);
    let own: Vec<Plan> = whole.iter().filter(|plan| plan.number % 2 == 1).cloned().collect();
    let worker = |worker| Lane { workers: 3, worker, batch: 2, ..lane(2, 1) };
    let mut turns = [0, 1, 2].map(|number| {
        let (mut first, state) = take(&corpus, PackMode::Packed, worker(number), None, 3);
        let (rest, _) = take(&corpus, PackMode::Packed, worker(number), Some(state), usize::MAX);
        first.extend(rest);
        first.into_iter()
    });
    let mut seen = Vec::new();
    for turn in 0.. {
        let two: Vec<Plan> = turns[turn % 3].by_ref().take(2).collect();
        if two.is_empty() {
            break;
        }
        seen.extend(two);
    }
    assert_eq!(seen, own);
    // Another worker, or another number of them, cannot go on with a worker's state.
    let (_, state) = take(&corpus, PackMode::Packed, worker(0), None, 3);
    for other in [worker(1), lane(2, 1), lane(1, 0)] {
        let refused = Loader::new(Arc::clone(&corpus), settings(PackMode::Packed), other, Some(state.clone()));
        assert!(refused.unwrap_err().to_string().contains("worker"));
    }
}

#[test]
fn a_state_after_a_pack_is_that_of_a_loader_that_handed_it_out() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 300);
    let (_, state) = take(&corpus, PackMode::Packed, lane(2, 1), None, 4);
    let mut planner = Loader::new(Arc::clone(&corpus), settings(PackMode::Packed), lane(2, 0), None).unwrap();
    planner.pass(7).unwrap();
    assert_eq!(planner.state().unwrap(), state);
    assert!(planner.pass(5).is_err());
}

#[test]
fn states_of_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 300);
    let (_, state) = take(&corpus, PackMode::Packed, lane(1, 0), None, 3);
    let new =
        |settings: StreamSettings, state: State| Loader::new(Arc::clone(&corpus), settings, lane(1, 0), Some(state));
    assert!(new(StreamSettings { seed: 4, ..settings(PackMode::Packed) }, state.clone()).is_err());
    let mut text = serde_json::to_string(&state).unwrap();
    text = text.replace("\"packs\":3", "\"packs\":2");
    let error = new(settings(PackMode::Packed), serde_json::from_str(&text).unwrap()).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn a_row_is_filled_up_by_a_document_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 300);
    let (plans, _) = take(&corpus, PackMode::Packed, lane(1, 0), None, usize::MAX);
    let mut filled = 0;
    for plan in &plans {
        let row = Row::read(&corpus, plan, 128).unwrap();
        let length: u32 = plan.members.iter().map(|member| member.length).sum();
        assert_eq!(row.input_ids.len(), 128);
        assert_eq!(row.cu_seq_lens.len(), row.doc_ref.len() + 1);
        for (at, borders) in row.cu_seq_lens.windows(2).enumerate() {
            let span = borders[0] as usize..borders[1] as usize;
            let positions: Vec<i64> = (0..span.len() as i64).collect();
            assert_eq!(row.position_ids[span.clone()], positions);
            assert_eq!(row.labels[span.start], IGNORED);
            assert!(row.seq_idx[span.clone()].iter().all(|&number| number == at as i32));
            let learnt: Vec<bool> = row.labels[span.clone()].iter().map(|&label| label != IGNORED).collect();
            match plan.members.get(at) {
                Some(member) => {
                    assert!(row.input_ids[span.clone()].iter().all(|&id| id == i64::from(member.length)));
                    let expected: Vec<bool> = (0..span.len()).map(|at| at > 0 && at >= span.len() / 2).collect();
                    assert_eq!(learnt, expected);
                    assert!(row.loss_weight[span].iter().zip(learnt).all(|(&weight, learnt)| (weight > 0.0) == learnt));
                }
                None => {
                    filled += 1;
                    assert_eq!((row.doc_ref[at], length as i32), (-1, borders[0]));
                    assert!(!learnt.contains(&true));
                }
            }
        }
    }
    assert!(filled > 0);
}

#[test]
fn a_summary_counts_what_the_rows_learn() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), 300);
    for mode in MODES {
        let once = StreamSettings { epochs: 1, ..settings(mode) };
        let mut loader = Loader::new(Arc::clone(&corpus), once.clone(), lane(1, 0), None).unwrap();
        let plans = std::iter::from_fn(|| loader.next_pack().unwrap());
        let learnt: u64 = plans.map(|plan| u64::from(Row::read(&corpus, &plan, 0).unwrap().supervised)).sum();
        let phase = summarise(&corpus, &once).unwrap().phases.remove(0);
        assert_eq!(phase.supervised, learnt);
        assert_eq!(phase.categories.values().sum::<u64>(), learnt);
    }
}
