#![expect(clippy::unwrap_used, clippy::single_range_in_vec_init, reason = "tests")]

use super::*;
use corpuskit_core::digest::Digest;
use proptest::prelude::*;

fn key() -> Key {
    let digest = Digest::of(b"x");
    Key { version: 1, records: vec![digest], tokenizer: digest, template: digest, settings: serde_json::json!({}) }
}

fn document(vocabulary: u32) -> impl Strategy<Value = NewDocument> {
    (prop::collection::vec(0..vocabulary, 0..40), 0_u32..4, any::<u64>()).prop_map(|(ids, weight, bits)| {
        let mut supervised: Vec<std::ops::Range<u32>> = Vec::new();
        for token in (0..ids.len() as u32).filter(|token| bits >> (token % 64) & 1 == 1) {
            match supervised.last_mut() {
                Some(last) if last.end == token => last.end += 1,
                _ => supervised.push(token..token + 1),
            }
        }
        NewDocument { ids, supervised, weight: weight as f32 / 2.0 }
    })
}

fn row(vocabulary: u32) -> impl Strategy<Value = NewRow> {
    (prop::collection::vec(document(vocabulary), 0..3), any::<u32>()).prop_map(|(documents, seen)| NewRow {
        reason: documents.is_empty().then(|| format!("reason.{}", seen % 3)),
        seen_supervised: seen / 2,
        documents,
        seen,
    })
}

fn write(place: &Path, vocabulary: u32, shards: &[Vec<NewRow>]) -> TokenStore {
    let mut writer = Writer::create(place, key(), vocabulary).unwrap();
    for (number, rows) in shards.iter().enumerate() {
        let mut shard = writer.shard(&format!("part-{number:05}")).unwrap();
        rows.iter().for_each(|row| shard.push(row).unwrap());
        shard.finish().unwrap();
    }
    writer.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_was_written_is_read(
        (vocabulary, shards) in prop_oneof![Just(300_u32), Just(65_536), Just(65_537), Just(200_000)].prop_flat_map(
            |vocabulary| (Just(vocabulary), prop::collection::vec(prop::collection::vec(row(vocabulary), 0..12), 0..3)))
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = write(&folder.path().join("tokens"), vocabulary, &shards);
        store.verify().unwrap();
        prop_assert_eq!(store.shards().len(), shards.len());
        for (shard, rows) in store.shards().iter().zip(&shards) {
            prop_assert_eq!(shard.rows(), rows.len());
            for (number, row) in rows.iter().enumerate() {
                let documents = shard.documents_of(number);
                prop_assert_eq!(documents.len(), row.documents.len());
                prop_assert_eq!((shard.seen()[number], shard.seen_supervised()[number]), (row.seen, row.seen_supervised));
                let fate = shard.fates()[number].checked_sub(1).map(|at| store.meta().reasons[usize::from(at)].clone());
                prop_assert_eq!(&fate, &row.reason);
                for (found, new) in documents.map(|at| shard.document(at).unwrap()).zip(&row.documents) {
                    prop_assert_eq!(&found.ids.to_vec(), &new.ids);
                    let runs: Vec<_> = new.supervised.iter().map(|run| run.start as usize..run.end as usize).collect();
                    let count: usize = runs.iter().map(ExactSizeIterator::len).sum();
                    prop_assert_eq!(found.supervised as usize, count);
                    prop_assert_eq!(found.supervised_runs(), runs.clone());
                    prop_assert_eq!(found.weight, new.weight);
                    let mut labels = vec![7; new.ids.len()];
                    found.labels_to(&mut labels, -100);
                    for (at, &label) in labels.iter().enumerate() {
                        let trained = runs.iter().any(|run| run.contains(&at));
                        prop_assert_eq!(label, if trained { i64::from(new.ids[at]) } else { -100 });
                    }
                }
            }
            prop_assert!(shard.document(shard.documents()).is_none());
            prop_assert!(shard.documents_of(shard.rows()).is_empty());
        }
    }
}

fn small(place: &Path) -> TokenStore {
    let document = NewDocument { ids: vec![1, 2, 3], supervised: vec![1..3], weight: 1.0 };
    write(place, 300, &[vec![NewRow { documents: vec![document], seen: 3, seen_supervised: 2, reason: None }]])
}

#[test]
fn a_changed_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tokens");
    small(&place);
    for column in Column::ALL {
        let path = column.path(&place, "part-00000");
        let bytes = std::fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[0] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let found = TokenStore::open(&place).and_then(|store| store.verify());
        assert!(matches!(found, Err(Error::Check(_))), "{column:?}");
        std::fs::write(&path, &bytes[1..]).unwrap();
        assert!(matches!(TokenStore::open(&place), Err(Error::Check(_))), "{column:?}");
        std::fs::write(&path, &bytes).unwrap();
    }
    TokenStore::open(&place).unwrap().verify().unwrap();
}

#[test]
fn the_second_of_two_equal_stores_gives_way_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tokens");
    small(&place);
    assert_eq!(small(&place).document(0, 0).unwrap().ids.to_vec(), [1, 2, 3]);
    drop(Writer::create(&place, key(), 300).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("tokens");
    small(&place);
    let path = place.join(STORE);
    let text = std::fs::read_to_string(&path).unwrap().replace("part-00000", "../part-00000");
    std::fs::write(&path, text).unwrap();
    assert!(matches!(TokenStore::open(&place), Err(Error::Input { .. })));
}
