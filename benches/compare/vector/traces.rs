//! Recorded editing sessions (`examples/data`), every version kept: time and bytes per transaction beside `im` and `imbl`,
//! and what a log of all versions would write. In: nothing. Out: lines, and a bar.

#[path = "../../../examples/data/trace.rs"]
mod trace;

use super::engine::{Engine, Im, ImRc, ImblArc, ImblRc, OursArc, OursRc};
use crate::judge::Bar;
use crate::kept;
use crate::measure::Lap;
use crate::table::{Report, figure};
use backstory::CountingSink;
use std::ops::Range;

/// Rounds, interleaved; the median counts.
const ROUNDS: usize = 5;
const MAX_SINK_BYTES: f64 = 700.0;
/// The session that the bar is on.
const JUDGED: &str = "rustcode";
/// A character as rkyv archives it.
const CHAR_LEN: usize = 4;

/// The patches of one transaction.
type Edit = Vec<(Range<usize>, Vec<char>)>;

struct Session {
    name: &'static str,
    start: Vec<char>,
    end: Vec<char>,
    edits: Vec<Edit>,
}

impl Session {
    fn read(name: &'static str) -> Self {
        let trace = trace::read(name);
        let edit = |txn: &trace::Transaction| txn.patches.iter().map(|p| (p.range(), p.inserted().collect())).collect();
        Session {
            name,
            start: trace.start_content.chars().collect(),
            end: trace.end_content.chars().collect(),
            edits: trace.txns.iter().map(edit).collect(),
        }
    }

    fn base<E: Engine<char>>(&self) -> E {
        E::collect(self.start.clone())
    }

    /// One replay with all versions kept.
    fn ns<E: Engine<char>>(&self) -> f64 {
        let mut lap = Lap::default();
        let versions = kept::chain(&self.base::<E>(), &mut lap, self.edits.clone(), apply);
        self.check(&versions[self.edits.len()]);
        lap.ns_per_op()
    }

    fn bytes<E: Engine<char>>(&self) -> f64 {
        let (bytes, last) = kept::bytes_per_version(&self.base::<E>(), self.edits.clone(), apply);
        self.check(&last);
        bytes
    }

    fn check<E: Engine<char>>(&self, last: &E) {
        assert_eq!(last.size(), self.end.len(), "{}", self.name);
        assert!((0..self.end.len()).all(|i| last.lookup(i) == Some(&self.end[i])), "{}", self.name);
    }

    /// What a log writes per version.
    fn sink(&self) -> backstory::Result<f64> {
        let mut sink = CountingSink::new()?;
        let mut version: OursArc<char> = self.base();
        let mut bytes = 0;
        for edit in &self.edits {
            version = apply(&version, edit.clone());
            bytes += sink.commit_vector(&version, |_| CHAR_LEN)?.bytes()
        }
        Ok(bytes as f64 / self.edits.len() as f64)
    }
}

fn apply<E: Engine<char>>(version: &E, edit: Edit) -> E {
    let mut next = version.clone();
    edit.into_iter().for_each(|(range, new)| next.replace(range, &new));
    next
}

/// Measures all sessions; true to the bar's word for `JUDGED`.
pub fn run(report: &mut Report) -> Bar {
    report.line("\nrecorded editing sessions, every version kept, per transaction");
    report.line(&format!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "session", "versions", "ours", "ours-rc", "im", "im-rc", "imbl", "imbl-rc"
    ));
    let mut bar =
        Bar::new(format!("vector: what a log of {JUDGED} writes per version: at most {MAX_SINK_BYTES} bytes"));
    for name in trace::NAMES {
        let session = Session::read(name);
        let engines: [fn(&Session) -> f64; 6] = [
            Session::ns::<OursArc<char>>,
            Session::ns::<OursRc<char>>,
            Session::ns::<Im<char>>,
            Session::ns::<ImRc<char>>,
            Session::ns::<ImblArc<char>>,
            Session::ns::<ImblRc<char>>,
        ];
        let mut ns = engines.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            engines.iter().zip(&mut ns).for_each(|(engine, ns)| ns.push(engine(&session)))
        }
        let bytes = [
            session.bytes::<OursArc<char>>(),
            session.bytes::<OursRc<char>>(),
            session.bytes::<Im<char>>(),
            session.bytes::<ImRc<char>>(),
            session.bytes::<ImblArc<char>>(),
            session.bytes::<ImblRc<char>>(),
        ];
        line(report, name, "ns", &session, &ns.map(crate::measure::median));
        line(report, name, "bytes", &session, &bytes);
        match session.sink() {
            Ok(bytes) => {
                line(report, name, "bytes in a log", &session, &[bytes]);
                if name == JUDGED {
                    bar.note(bytes <= MAX_SINK_BYTES, format!("{bytes:.0} bytes"))
                }
            }
            Err(error) => bar.note(false, error.to_string()),
        }
    }
    bar
}

fn line(report: &mut Report, name: &str, what: &str, session: &Session, figures: &[f64]) {
    let cells: String = figures.iter().map(|x| format!("{:>10}", figure(Some(*x)))).collect();
    report.line(&format!("{:<24}{:>10}{cells}", format!("{name}, {what}"), session.edits.len()))
}
