//! Records in which nobody says or does anything: nothing can be learnt from them.

use crate::record::{Message, Record, Verdict};

/// The verdict on an empty record.
pub(super) fn judge(record: &Record<'_>) -> Option<Verdict> {
    let turns = record.messages.len();
    if turns == 0 {
        return Some(Verdict::Drop { reason: "filter.empty.no_turns", evidence: r#"{"turns":0}"#.to_owned() });
    }
    record.messages.iter().all(Message::is_empty).then(|| Verdict::Drop {
        reason: "filter.empty.nothing_said",
        evidence: format!(r#"{{"turns":{turns},"characters":0}}"#),
    })
}
