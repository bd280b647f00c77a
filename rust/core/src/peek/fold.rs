//! From what was seen of each file to one answer.

use super::look::View;
use super::sample::Sample;
use crate::stage::read::{Inputs, Note};
use serde::Serialize;
use std::collections::BTreeMap;

/// Samples shown of a schema.
const SAMPLES: usize = 3;

/// A number, and whether it was counted or estimated from samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The number.
    pub count: u64,
    /// Whether it was estimated.
    pub estimated: bool,
}

impl Count {
    fn add(&mut self, counted: u64, scale: Scale) {
        let Scale { seen, all } = scale;
        if seen == all {
            self.count += counted;
        } else if counted > 0 {
            self.count = self.count.saturating_add(proportion(counted, seen, all));
            self.estimated = true;
        }
    }

    /// Makes a count of some files one of all.
    fn stretch(&mut self, seen: u64, all: u64) {
        if seen < all && self.count > 0 {
            self.count = proportion(self.count, seen, all);
            self.estimated = true;
        }
    }
}

/// `counted · all / seen`, rounded.
fn proportion(counted: u64, seen: u64, all: u64) -> u64 {
    let scaled = (u128::from(counted) * u128::from(all) + u128::from(seen) / 2) / u128::from(seen.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Bytes that were seen, of all.
#[derive(Clone, Copy)]
struct Scale {
    seen: u64,
    all: u64,
}

/// What `peek` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peek {
    /// The arguments as given.
    pub inputs: Vec<String>,
    /// Files that they name.
    pub files: u64,
    /// Their bytes on disk; standard input aside.
    pub bytes: u64,
    /// Whether everything was counted.
    pub exact: bool,
    /// Files whose counts were estimated.
    pub estimated_files: u64,
    /// Files for which no time was left. Counts are estimated for them from the others by bytes;
    /// containers, compressions and the numbers of files are of the others alone.
    pub unseen_files: u64,
    /// Lines, rows, elements and whole files.
    pub units: Count,
    /// Units that become records.
    pub records: Count,
    /// Empty units.
    pub empty: Count,
    /// Units that are rejected.
    pub rejected: Count,
    /// Files by what they hold: `lines`, `array`, `table` …
    pub containers: Vec<Group>,
    /// Files by compression: `none`, `gzip`, `zstd`.
    pub compressions: Vec<Group>,
    /// Records by schema, the most frequent first.
    pub schemas: Vec<SchemaRow>,
    /// Rejected units by reason, the most frequent first.
    pub rejects: Vec<RejectedRow>,
    /// What is to be said about single files.
    pub notes: Vec<Note>,
}

/// Files that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What.
    pub name: String,
    /// How many.
    pub files: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Records of one schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaRow {
    /// The family: `openai`, `alpaca` …
    pub family: String,
    /// The dialect within it.
    pub dialect: String,
    /// How many records.
    pub records: Count,
    /// In how many files they were seen.
    pub files: u64,
    /// Up to three of them, of different files where there are several.
    pub samples: Vec<Sample>,
}

/// Units rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// The reason code.
    pub reason: String,
    /// How many units.
    pub units: Count,
    /// Where the first one stands.
    pub first: String,
    /// What was expected there.
    pub detail: String,
}

pub(super) fn fold(inputs: &Inputs, views: &BTreeMap<usize, View>) -> Peek {
    let mut peek = Peek {
        inputs: inputs.arguments.clone(),
        files: inputs.files.len() as u64,
        bytes: inputs.bytes(),
        unseen_files: (inputs.files.len() - views.len()) as u64,
        notes: inputs.notes.clone(),
        ..Peek::default()
    };
    let mut containers = BTreeMap::new();
    let mut compressions = BTreeMap::new();
    let mut schemas: BTreeMap<(&str, &str), (Count, u64, Vec<&[Sample]>)> = BTreeMap::new();
    let mut rejects: BTreeMap<&str, RejectedRow> = BTreeMap::new();
    for (&file, view) in views {
        let on_disk = inputs.files.get(file).and_then(|input| input.bytes());
        let bytes = on_disk.unwrap_or(view.seen);
        let scale = if view.whole {
            Scale { seen: 1, all: 1 }
        } else {
            Scale { seen: view.seen.min(bytes.saturating_sub(1)), all: bytes }
        };
        // Of standard input that has not ended nobody knows the rest.
        let open_end = !view.whole && on_disk.is_none();
        peek.estimated_files += u64::from(!view.whole);
        for (name, groups) in [(&view.container, &mut containers), (&view.compression, &mut compressions)] {
            let name = if name.is_empty() { "unknown" } else { name };
            let group: &mut Group = groups.entry(name).or_default();
            group.files += 1;
            group.bytes += bytes;
        }
        let tally = &view.tally;
        let rejected = tally.rejected.values().map(|row| row.units).sum();
        for (count, counted) in [
            (&mut peek.units, tally.units),
            (&mut peek.records, tally.records),
            (&mut peek.empty, tally.empty),
            (&mut peek.rejected, rejected),
        ] {
            count.add(counted, scale);
            count.estimated |= open_end;
        }
        for (&schema, found) in &tally.schemas {
            let row = schemas.entry(schema).or_default();
            row.0.add(found.records, scale);
            row.0.estimated |= open_end;
            row.1 += 1;
            row.2.push(&found.samples);
        }
        for (reason, found) in &tally.rejected {
            let row = rejects.entry(reason).or_insert_with(|| RejectedRow {
                reason: reason.clone(),
                units: Count::default(),
                first: found.origin.clone(),
                detail: found.detail.clone(),
            });
            row.units.add(found.units, scale);
        }
        peek.notes.extend(view.notes.iter().cloned());
    }
    let seen = views.keys().filter_map(|&file| inputs.files.get(file)?.bytes()).sum();
    for count in [&mut peek.units, &mut peek.records, &mut peek.empty, &mut peek.rejected] {
        count.stretch(seen, peek.bytes);
    }
    schemas.values_mut().for_each(|row| row.0.stretch(seen, peek.bytes));
    rejects.values_mut().for_each(|row| row.units.stretch(seen, peek.bytes));
    peek.exact = peek.estimated_files == 0 && peek.unseen_files == 0;
    peek.containers = groups(containers);
    peek.compressions = groups(compressions);
    let row = |((family, dialect), (records, files, samples)): ((&str, &str), (Count, u64, Vec<&[Sample]>))| {
        SchemaRow { family: family.to_owned(), dialect: dialect.to_owned(), records, files, samples: choose(&samples) }
    };
    peek.schemas = schemas.into_iter().map(row).collect();
    // Stable sorts: equal counts stay in order of their names.
    peek.schemas.sort_by_key(|row| std::cmp::Reverse(row.records.count));
    peek.rejects = rejects.into_values().collect();
    peek.rejects.sort_by_key(|row| std::cmp::Reverse(row.units.count));
    peek
}

fn groups(groups: BTreeMap<&str, Group>) -> Vec<Group> {
    let mut groups: Vec<Group> =
        groups.into_iter().map(|(name, group)| Group { name: name.to_owned(), ..group }).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.files));
    groups
}

/// Three samples: of the first, the middle and the last file that has some, then of what is left.
fn choose(files: &[&[Sample]]) -> Vec<Sample> {
    let last = files.len().saturating_sub(1);
    let mut places: Vec<(usize, usize)> = vec![(0, 0), (last / 2, 0), (last, 0)];
    for index in 1..SAMPLES {
        places.extend([(0, index), (last / 2, index), (last, index)]);
    }
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for place in places {
        let exists = files.get(place.0).is_some_and(|samples| samples.len() > place.1);
        if exists && !chosen.contains(&place) && chosen.len() < SAMPLES {
            chosen.push(place);
        }
    }
    chosen.sort_unstable();
    chosen.iter().filter_map(|&(file, index)| files.get(file).and_then(|samples| samples.get(index))).cloned().collect()
}
