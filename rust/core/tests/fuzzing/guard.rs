//! What watches over a target: time, memory, and the input that failed.

use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// A single input of at most a few hundred KiB must be through in this time on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

static NOW: Mutex<Option<(Instant, &'static str, Vec<u8>)>> = Mutex::new(None);

/// An input under way. Where it takes too long, it is kept and the process ends.
pub struct Watch;

impl Watch {
    pub fn begin(target: &'static str, input: &[u8]) -> Self {
        static WATCHER: Once = Once::new();
        WATCHER.call_once(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(Duration::from_millis(500));
                    let now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some((begun, target, input)) = &*now
                        && begun.elapsed() > LONGEST
                    {
                        let path = keep(target, input);
                        println!("{target}: no end after {LONGEST:?}; the input is kept in {}", path.display());
                        std::process::abort();
                    }
                }
            });
        });
        let mut now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = now.take().map_or_else(Vec::new, |(_, _, held)| held);
        held.clear();
        held.extend_from_slice(input);
        *now = Some((Instant::now(), target, held));
        Self
    }

    pub fn end(self) {
        if let Some((begun, _, _)) = &mut *NOW.lock().unwrap_or_else(PoisonError::into_inner) {
            *begun = Instant::now() + Duration::from_secs(1 << 30);
        }
    }
}

/// The folder of inputs that once failed.
pub fn kept() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/fuzz"))
}

/// Writes an input that failed where every later run begins with it.
pub fn keep(target: &str, input: &[u8]) -> PathBuf {
    let digest = blake3::hash(input).to_hex();
    let path = kept().join(format!("{target}-{}", &digest[..12]));
    std::fs::create_dir_all(kept()).unwrap();
    std::fs::write(&path, input).unwrap();
    path
}

/// Anonymous resident memory of this process in bytes; 0 where the system does not say.
pub fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).map_or(0, |kibibytes| kibibytes << 10)
}
