//! Times and bytes. In: work to time, folders to weigh. Out: medians in microseconds; bytes in files, and handed to the
//! system.

use crate::data::Result;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// How long each call took, in nanoseconds.
#[derive(Default)]
pub struct Times(Vec<u64>);

impl Times {
    /// Times `work`; its result is handed out, so that it is dropped outside.
    #[inline(always)]
    pub fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = black_box(work());
        self.0.push(start.elapsed().as_nanos() as u64);
        result
    }

    /// The time that this part of the calls took at most, in microseconds: 0.5 for the median.
    pub fn part(&self, part: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        Some(sorted[(last as f64 * part) as usize] as f64 / 1000.0)
    }

    pub fn median(&self) -> Option<f64> {
        self.part(0.5)
    }

    pub fn p99(&self) -> Option<f64> {
        self.part(0.99)
    }
}

/// Who goes first changes from turn to turn, every second one runs backwards: nobody always follows the same neighbour.
pub fn order(len: usize, turn: usize) -> impl Iterator<Item = usize> {
    (0..len).map(move |i| {
        let i = (i + turn) % len;
        if turn.is_multiple_of(2) { i } else { len - 1 - i }
    })
}

/// How long the files in `folder` and below are.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += if data.is_dir() { folder_bytes(&entry.path())? } else { data.len() };
    }
    Ok(bytes)
}

/// What this process has handed to `write` and its kin so far; none where the system does not say.
pub fn written_bytes() -> Option<u64> {
    field("/proc/self/io", "wchar:")
}

/// The anonymous memory of this process; none where the system does not say.
pub fn anonymous_bytes() -> Option<u64> {
    field("/proc/self/status", "RssAnon:").map(|kib| kib * 1024)
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
