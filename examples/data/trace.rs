//! Reads the recorded editing sessions of this folder.
//! In: a name. Out: the session: its texts, and its transactions, each of which a program would make a version of.

use flate2::read::GzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The sessions there are.
pub const NAMES: [&str; 3] = ["rustcode", "clownschool_flat", "sveltecomponent"];

/// A recorded session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub start_content: String,
    pub end_content: String,
    pub txns: Vec<Transaction>,
}

/// What happened at one stroke of a key; more than one patch if there was more than one cursor.
#[derive(Clone, Deserialize)]
pub struct Transaction {
    pub patches: Vec<Patch>,
}

/// Characters deleted at a position, and what was inserted there.
#[derive(Clone, Deserialize)]
pub struct Patch(usize, usize, String);

impl Patch {
    /// What goes.
    pub fn range(&self) -> Range<usize> {
        self.0..self.0 + self.1
    }

    /// What comes there.
    pub fn inserted(&self) -> std::str::Chars<'_> {
        self.2.chars()
    }
}

/// Reads a session from `examples/data`.
///
/// # Panics
/// If it cannot be read: it is part of this repository.
pub fn read(name: &str) -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/data/{name}.json.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_reader(GzDecoder::new(file)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
