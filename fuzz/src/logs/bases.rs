//! The logs before they are damaged.
//!
//! In: nothing. Out: small logs with every kind of record, and the states of their versions.
//! Must hold: they are the same bytes in every process, so that an input does the same to them each time.
//! Uses: `state`, the crate's `fuzzing`.

use super::damage::Files;
use super::state::State;
use backstory::fuzzing::Folder;
use backstory::{Options, Timeline, VersionId};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

pub struct Log {
    /// Contents by first addresses.
    pub segments: BTreeMap<u64, Vec<u8>>,
    /// Of its versions, read already.
    pub states: Vec<State>,
}

impl Log {
    pub fn files(&self) -> Files {
        self.segments.iter().map(|(&first, bytes)| (first, bytes.clone())).collect()
    }
}

/// A timeline's, with a clock of its own.
pub fn options() -> Options<State> {
    let ticks = AtomicU64::new(0);
    let now = move || SystemTime::UNIX_EPOCH + Duration::from_millis(ticks.fetch_add(1, Ordering::Relaxed));
    Timeline::options().clock(now).check_roundtrip(false)
}

fn made(size: u64, versions: u64, segment_bytes: Option<u64>, is_closed: bool) -> Log {
    let folder = Folder::new(&BTreeMap::new());
    let mut options = options();
    if let Some(bytes) = segment_bytes {
        options = options.segment_bytes(bytes)
    }
    let mut timeline = folder.open(options, || State::sized(size)).unwrap();
    let mut states = vec![timeline.state().clone()];
    timeline.branch("main").unwrap();
    for n in 1..versions {
        if n % 7 == 0 {
            timeline.undo().unwrap();
            timeline.undo().unwrap();
        }
        let made = timeline.edit(&format!("step {n}"), |state| state.step(n)).unwrap().version;
        if made.is_some() {
            states.push(timeline.state().clone())
        }
    }
    timeline.tag("first", VersionId::FIRST).unwrap();
    timeline.tag("other", timeline.head()).unwrap();
    timeline.rename("other", "last").unwrap();
    timeline.branch("side").unwrap();
    timeline.switch("main").unwrap();
    timeline.mark_saved().unwrap();
    timeline.undo().unwrap();
    assert_eq!(timeline.versions().count(), states.len());
    timeline.flush().unwrap();
    // Closing ends the log.
    let timeline = if is_closed { None } else { Some(timeline) };
    let segments = folder.segments();
    drop(timeline);
    states.iter().for_each(|state| state.walk().unwrap());
    Log { segments, states }
}

/// All of them; made once.
pub fn logs() -> &'static [Log] {
    static LOGS: OnceLock<Vec<Log>> = OnceLock::new();
    LOGS.get_or_init(|| {
        vec![
            made(2, 4, None, true),
            made(0, 26, None, true),
            made(12, 14, None, true),
            made(40, 14, None, true),
            made(100, 5, None, true),
            made(20, 10, None, false),
            made(30, 26, Some(8 << 10), true),
            // So many versions that the index has nodes.
            made(1, 300, None, true),
        ]
    })
}
