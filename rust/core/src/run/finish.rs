//! The end of a run: the sums, the account, the times, the manifest.

use super::checkpoint::Keeper;
use super::folder::Folder;
use super::tail::{DATA, DROPPED, DUPLICATES, REJECTED, Tail};
use super::timings::Timings;
use crate::digest::Digest;
use crate::plan::Plan;
use crate::report::Report;
use crate::stage::read::InputKind;
use crate::stage::write::Format;
use crate::stage::write::manifest::{MANIFEST, Manifest, ManifestFile, ManifestInput};
use crate::stage::write::parquet::{ParquetShard, Transcoder};
use crate::{Error, Result};

/// What a run came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub report: Report,
    pub digest: Option<String>,
    pub seconds: f64,
}

/// Checks the sums and writes everything that comes last, the manifest at the very end.
///
/// Lines become Parquet before anything else; `stop` says whether to leave while that goes on.
pub(super) fn finish(
    keeper: &Keeper,
    tail: &Tail,
    timings: Timings,
    folder: Option<&Folder>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Outcome> {
    let rows = |sink: usize| tail.sinks[sink].shards.iter().map(|shard| shard.rows).sum::<u64>();
    let columns = match folder {
        Some(_) => tail.rows.files().iter().map(|file| file.rows).sum(),
        None => rows(DATA),
    };
    let mut report = tail.report.clone();
    report.check([rows(DATA), rows(DROPPED), rows(DUPLICATES), rows(REJECTED), columns]);
    let seconds = timings.seconds;
    let digest = match folder {
        None => None,
        Some(folder) => {
            let parquet = match keeper.plan.write.format {
                Format::Jsonl => None,
                Format::Parquet => Some(transcode(keeper, tail, folder, stop)?),
            };
            let text = json(&report)?;
            folder.write("report.json", &text)?;
            folder.write("timings.json", &json(&timings)?)?;
            let mut manifest = manifest(keeper, tail, parquet.as_deref(), &text);
            let bytes = manifest.seal()?;
            folder.write(MANIFEST, &bytes)?;
            folder.remove_work()?;
            Some(manifest.digest)
        }
    };
    Ok(Outcome { report, digest, seconds })
}

fn transcode(
    keeper: &Keeper,
    tail: &Tail,
    folder: &Folder,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<ParquetShard>> {
    Transcoder {
        disk: &folder.disk,
        out: &folder.out,
        shards: &tail.sinks[DATA].shards,
        settings: &keeper.plan.write,
        threads: keeper.threads,
        stop,
    }
    .run()
}

fn manifest(keeper: &Keeper, tail: &Tail, parquet: Option<&[ParquetShard]>, report: &[u8]) -> Manifest {
    let inputs = keeper.inputs.files.iter().enumerate().map(|(index, file)| {
        let account = tail.accounts.iter().find(|account| account.file == index);
        let listed = match &file.kind {
            InputKind::File(identity) => identity.bytes,
            _ => 0,
        };
        ManifestInput {
            path: file.path.clone(),
            bytes: account.map_or(listed, |account| account.bytes),
            digest: account.and_then(|account| account.digest),
            compression: account.map(|account| account.compression.clone()),
            container: account.map(|account| account.container.clone()),
            units: tail.files.get(&index).copied().unwrap_or(0),
        }
    });
    let mut files = Vec::new();
    files.extend(parquet.into_iter().flatten().map(|shard| ManifestFile {
        path: shard.path.clone(),
        bytes: shard.bytes,
        digest: shard.digest,
        rows: Some(shard.rows),
    }));
    for sink in tail.sinks.iter().skip(usize::from(parquet.is_some())) {
        files.extend(sink.shards.iter().map(|shard| ManifestFile {
            path: sink.file_name(shard.number),
            bytes: shard.bytes,
            digest: shard.digest,
            rows: Some(shard.rows),
        }));
    }
    files.extend(tail.rows.files().iter().map(|file| ManifestFile {
        path: format!("columns/part-{:05}.parquet", file.number),
        bytes: file.bytes,
        digest: file.digest,
        rows: Some(file.rows),
    }));
    files.push(ManifestFile {
        path: "report.json".to_owned(),
        bytes: report.len() as u64,
        digest: Digest::of(report),
        rows: None,
    });
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut deviations = keeper.plan.deviations();
    deviations.retain(|deviation| !Plan::AFTERWARDS.iter().any(|name| deviation.path.starts_with(&format!("{name}."))));
    let mut notes = keeper.inputs.notes.clone();
    notes.extend(tail.notes.iter().cloned());
    Manifest {
        corpuskit: crate::VERSION.to_owned(),
        plan: keeper.plan.of_run(),
        plan_digest: keeper.plan.digest(),
        deviations: serde_json::to_value(deviations).unwrap_or_default(),
        packs: keeper.packs.clone(),
        relabelled: None,
        labelled_by: None,
        limit: keeper.limit,
        arguments: keeper.inputs.arguments.clone(),
        inputs: inputs.collect(),
        notes,
        files,
        digest: String::new(),
    }
}

/// A file for people and programs: indented, ends with a line end.
pub(super) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| Error::Internal(format!("report: {error}")))?;
    text.push(b'\n');
    Ok(text)
}
