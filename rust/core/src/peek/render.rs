//! `Peek` as text for people, at most 100 columns wide.

use super::fold::{Count, Group, Peek, SchemaRow};
use super::sample::{Sample, SampleTurn};
use std::fmt::{self, Write as _};
use unicode_width::UnicodeWidthChar;

/// Columns.
const WIDTH: usize = 100;

/// Notes that are listed one by one.
const NOTES: usize = 10;

impl fmt::Display for Peek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files == 1 { "file" } else { "files" };
        writeln!(f, "{} {files}, {}", grouped(self.files), size(self.bytes))?;
        writeln!(
            f,
            "{} units: {} records, {} rejected, {} empty",
            shown(self.units),
            shown(self.records),
            shown(self.rejected),
            shown(self.empty)
        )?;
        self.write_exactness(f)?;
        write_groups(f, "container", &self.containers)?;
        if self.compressions.iter().any(|group| group.name != "none") {
            write_groups(f, "compression", &self.compressions)?;
        }
        if !self.schemas.is_empty() {
            writeln!(f, "\n{:<40} {:>15} {:>8} {:>8}", "schema", "records", "share", "files")?;
            for row in &self.schemas {
                let share = row.records.count as f64 / self.records.count.max(1) as f64 * 100.0;
                let name = fit(&name(row), 40);
                writeln!(f, "{} {:>15} {share:>6.1} % {:>8}", pad(&name, 40), shown(row.records), grouped(row.files))?;
            }
        }
        if !self.rejects.is_empty() {
            writeln!(f, "\n{:<40} {:>15}", "rejected, and the first of each", "units")?;
            for row in &self.rejects {
                writeln!(f, "{:<40} {:>15}", row.reason, shown(row.units))?;
                writeln!(f, "  {}\n  {}", fit(&tail(&row.first, WIDTH - 2), WIDTH - 2), fit(&row.detail, WIDTH - 2))?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nnotes")?;
            for note in self.notes.iter().take(NOTES) {
                let place = note.byte.map_or_else(|| note.path.clone(), |byte| format!("{} (byte {byte})", note.path));
                writeln!(f, "  {}", fit(&format!("{}: {}: {}", tail(&place, 50), note.code, note.detail), WIDTH - 2))?;
            }
            if self.notes.len() > NOTES {
                writeln!(f, "  and {} more", grouped((self.notes.len() - NOTES) as u64))?;
            }
        }
        for row in &self.schemas {
            writeln!(f, "\n{}", name(row))?;
            row.samples.iter().try_for_each(|sample| write_sample(f, sample))?;
        }
        Ok(())
    }
}

impl Peek {
    fn write_exactness(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.estimated_files > 0 {
            let files = if self.estimated_files == 1 { "file was" } else { "files were" };
            let count = grouped(self.estimated_files);
            writeln!(f, "≈ estimated: {count} {files} too large to count and sampled instead")?;
        }
        if self.unseen_files > 0 {
            let files = if self.unseen_files == 1 { "file" } else { "files" };
            let count = grouped(self.unseen_files);
            writeln!(f, "≈ estimated: no time was left for {count} {files}; the others stand for them")?;
        }
        Ok(())
    }
}

fn name(row: &SchemaRow) -> String {
    format!("{}.{}", row.family, row.dialect)
}

fn write_groups(f: &mut fmt::Formatter<'_>, title: &str, groups: &[Group]) -> fmt::Result {
    writeln!(f, "\n{title:<16} {:>10} {:>12}", "files", "size")?;
    groups
        .iter()
        .try_for_each(|group| writeln!(f, "{:<16} {:>10} {:>12}", group.name, grouped(group.files), size(group.bytes)))
}

fn write_sample(f: &mut fmt::Formatter<'_>, sample: &Sample) -> fmt::Result {
    let mut head = format!("  {}", tail(&sample.origin, 60));
    for (holds, what) in [(sample.tools, "tools"), (sample.rejected, "rejected answer")] {
        if holds {
            let _ = write!(head, " · {what}");
        }
    }
    if !sample.fields.is_empty() {
        let _ = write!(head, " · {}", sample.fields.join(" "));
    }
    writeln!(f, "{}", fit(&head, WIDTH))?;
    for SampleTurn { role, text, calls } in &sample.turns {
        let calls = match calls {
            0 => String::new(),
            1 => "[1 call] ".to_owned(),
            many => format!("[{many} calls] "),
        };
        writeln!(f, "    {role:<10} {}", fit(&format!("{calls}{text}"), WIDTH - 15))?;
    }
    let hidden = sample.turn_count - sample.turns.len();
    if hidden > 0 { writeln!(f, "    and {hidden} more turns") } else { Ok(()) }
}

/// A count; estimates are marked.
fn shown(count: Count) -> String {
    if count.estimated { format!("≈ {}", grouped(count.count)) } else { grouped(count.count) }
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size in bytes, in decimal units.
fn size(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

/// The text on one line and at most so many columns wide: white space is one space, controls are
/// left out (they could steer a terminal), what is cut ends with `…`.
fn fit(text: &str, width: usize) -> String {
    let width = width.max(1);
    let mut out = String::new();
    let mut used = 0;
    let mut space = false;
    for c in text.trim_end().chars() {
        if c.is_whitespace() {
            // Leading space is indentation.
            if out.trim().is_empty() && c == ' ' {
                out.push(' ');
                used += 1;
            } else {
                space = !out.is_empty();
            }
            continue;
        }
        if is_steering(c) {
            continue;
        }
        let needed = c.width().unwrap_or(0) + usize::from(space);
        if used + needed > width {
            while used + 1 > width {
                used -= out.pop().and_then(|c| c.width()).unwrap_or(0);
            }
            out.push('…');
            return out;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(c);
        used += needed;
    }
    out
}

/// The end of an origin, which says more than its beginning.
fn tail(origin: &str, characters: usize) -> String {
    let count = origin.chars().count();
    if count <= characters {
        return origin.to_owned();
    }
    std::iter::once('…').chain(origin.chars().skip(count + 1 - characters)).collect()
}

/// Controls, and marks that turn the direction of text around.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}
