//! What a process needs that opens a large state. In: a folder with a timeline. Out: anonymous bytes, of a process
//! that is started for each row: this program again, with [`CHILD`] in front. Only Linux says how many there are.

use crate::data::{self, Random, Result};
use crate::engines::{Contender, Who, ours};
use crate::measure::anonymous_bytes;
use crate::table::Table;
use backstory::VersionId;
use std::process::Command;

/// The hidden argument; behind it the row, the folder, how many entries and how many versions.
pub const CHILD: &str = "--memory-of";

const ONE_EDIT: &str = "bytes_one_edit_after_opening";
const VERSIONS: &str = "bytes_1000_versions_looked_at";
const STATES: usize = 1_000;

pub fn rows(ours: &mut Contender, entries: u64, table: &mut Table) -> Result<()> {
    for row in [VERSIONS, ONE_EDIT] {
        let bytes = anonymous_bytes().is_some().then(|| bytes_of_child(row, ours, entries)).transpose()?;
        table.set(row, entries, Who::Ours, bytes);
    }
    // The child's.
    ours.versions += u64::from(anonymous_bytes().is_some());
    Ok(())
}

fn bytes_of_child(row: &str, ours: &Contender, entries: u64) -> Result<f64> {
    let child = Command::new(std::env::current_exe()?)
        .args([CHILD, row])
        .arg(&ours.folder)
        .args([entries.to_string(), ours.versions.to_string()])
        .output()?;
    if !child.status.success() {
        return Err(format!("{row}: {}", String::from_utf8_lossy(&child.stderr)).into());
    }
    Ok(String::from_utf8(child.stdout)?.trim().parse()?)
}

/// The child's side: prints the bytes.
pub fn child(words: &[String]) -> Result<()> {
    let [row, folder, entries, versions] = words else { return Err("not for you: --help says what is".into()) };
    let (entries, versions): (u64, u64) = (entries.parse()?, versions.parse()?);
    let bytes = || anonymous_bytes().ok_or("the system does not say");
    // Twice: the first look makes the heap.
    let before = (bytes()?, bytes()?).1;
    let (mut timeline, mut kept, mut random) = (ours::timeline(folder.as_ref(), false)?, Vec::new(), Random(3));
    if row == ONE_EDIT {
        timeline.edit("set", |state| state.extend(random.changes(1, entries)))?;
    } else {
        for _ in 0..STATES {
            let state = timeline.at(VersionId::new(1 + random.below(versions)))?;
            state.get(&data::key(random.below(entries))).ok_or("a key is missing")?;
            kept.push(state)
        }
    }
    println!("{}", bytes()?.saturating_sub(before));
    Ok(())
}
