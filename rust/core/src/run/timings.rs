//! Everything about a run that depends on clock or machine; `timings.json` and nothing else has it.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Read,
    Parse,
    Normalise,
    Tag,
    Filter,
    Dedup,
    Write,
}

const SHARES: [&str; 7] = ["read", "parse", "normalise", "tag", "filter", "dedup", "write"];

/// One record in so many is timed.
const SAMPLE: u32 = 64;

/// A worker's stopwatch. Per-record stages are sampled, the rest is measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    spent: [Duration; SHARES.len()],
    tick: u32,
    last: Option<Instant>,
}

impl Clock {
    /// A record begins.
    pub fn begin(&mut self) {
        self.tick = self.tick.wrapping_add(1);
        self.last = self.tick.is_multiple_of(SAMPLE).then(Instant::now);
    }

    /// A stage of the record is done.
    pub fn lap(&mut self, share: Share) {
        if let Some(last) = self.last {
            let now = Instant::now();
            self.spent[share as usize] += (now - last) * SAMPLE;
            self.last = Some(now);
        }
    }

    /// Adds measured time.
    pub fn add(&mut self, share: Share, time: Duration) {
        self.spent[share as usize] += time;
    }
}

/// The content of `timings.json`. Times are over all parts of a run that was interrupted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Timings {
    /// Seconds from start to end.
    pub seconds: f64,
    /// CPU seconds of the process, user and system.
    pub cpu_seconds: f64,
    /// Worker seconds by stage; sampled, so an estimate.
    pub stages: std::collections::BTreeMap<String, f64>,
    /// Seconds spent on checkpoints (part of `write`).
    pub checkpoint_seconds: f64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Records a second.
    pub records_per_second: f64,
    /// Worker threads of the last part.
    pub threads: usize,
    /// How many processes it took.
    pub parts: u32,
    /// Peak anonymous resident memory in bytes, where the system says it.
    pub peak_anonymous_bytes: Option<u64>,
    /// Peak resident memory in bytes, mapped file pages included, where the system says it.
    pub peak_resident_bytes: Option<u64>,
    /// The machine.
    pub host: Host,
}

/// The machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Host {
    /// Name, kernel and architecture.
    pub system: String,
    /// The processor.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: usize,
}

impl Timings {
    /// Adds a worker's clock.
    pub(super) fn add(&mut self, clock: &Clock) {
        for (name, time) in SHARES.into_iter().zip(clock.spent) {
            *self.stages.entry(name.to_owned()).or_default() += time.as_secs_f64();
        }
    }

    /// Looks at the memory that is in use now.
    pub(super) fn sample_memory(&mut self) {
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
                .map(|kilobytes| kilobytes * 1024)
        };
        self.peak_anonymous_bytes = self.peak_anonymous_bytes.max(field("RssAnon"));
        self.peak_resident_bytes = self.peak_resident_bytes.max(field("VmHWM"));
    }
}

impl Host {
    /// This machine.
    pub(super) fn here() -> Self {
        let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let name = rustix::system::uname();
        let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Self {
            system: [name.nodename(), name.sysname(), name.release(), name.machine()].map(part).join(" "),
            processor: processor.unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// CPU seconds of this process so far.
pub(super) fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
