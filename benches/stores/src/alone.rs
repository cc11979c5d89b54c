//! The rows that need no peer: what is to cost the same however large the state and however long its history. In:
//! sizes, where. Out: figures in the table.

use crate::contest::openings;
use crate::data::{self, Random, Result};
use crate::engines::{Contender, Who, ours};
use crate::measure::{Times, order};
use crate::memory;
use crate::table::Table;
use backstory::{Timeline, VersionId};
use std::fs;
use std::path::Path;

/// Versions of a short history and of a long one.
const SHORT: u64 = 100;
const LONG: u64 = 100_000;
/// How often each verb is timed.
const TURNS: usize = 2_000;

/// All sizes, which are kept until the last row: that one compares them.
pub fn run(folder: &Path, sizes: &[u64], table: &mut Table) -> Result<()> {
    let mut all = Vec::new();
    for &entries in sizes {
        let folder = folder.join(format!("alone-{entries}"));
        fs::create_dir_all(&folder)?;
        let mut alone = Alone { entries, table, random: Random(entries) };
        all.push((entries, alone.run(&folder)?));
        table.show()
    }
    growth(&mut all, table)?;
    table.show();
    Ok(())
}

struct Alone<'a> {
    entries: u64,
    table: &'a mut Table,
    random: Random,
}

impl Alone<'_> {
    fn run(&mut self, folder: &Path) -> Result<Contender> {
        let mut ours = Contender::new(Who::Ours, folder, ours::open)?;
        ours.open(false)?;
        ours.commit(&data::entries(self.entries))?;
        for (op, versions) in [("open_get_100_versions", SHORT), ("open_get_100000_versions", LONG)] {
            ours.open(false)?;
            while ours.versions < versions {
                ours.commit(&self.random.changes(1, self.entries))?
            }
            ours.close()?;
            let times = openings(&mut ours, self.entries)?;
            self.set(op, &times)
        }
        let mut timeline = ours::timeline(&ours.folder, false)?;
        self.steps("undo", "redo", &mut timeline)?;
        self.visits(["checkout", "get_after_checkout", "at", "get_after_at"], &mut timeline, ours.versions)?;
        let report = timeline.verify()?;
        if !report.damages.is_empty() {
            return Err(report.to_string().into());
        }
        // The next one goes on from the newest version.
        timeline.checkout(VersionId::new(ours.versions))?;
        self.digests(&mut ours, &mut timeline)?;
        drop(timeline);
        let mut mapped = ours::mapped_timeline(&ours.folder)?;
        let rows = ["checkout_mapped", "get_after_checkout_mapped", "at_mapped", "get_after_at_mapped"];
        self.visits(rows, &mut mapped, ours.versions)?;
        mapped.checkout(VersionId::new(ours.versions))?;
        drop(mapped);
        self.in_memory()?;
        memory::rows(&mut ours, self.entries, self.table)?;
        Ok(ours)
    }

    fn set(&mut self, op: &'static str, times: &Times) {
        self.table.set(op, self.entries, Who::Ours, times.median())
    }

    fn steps(&mut self, undo: &'static str, redo: &'static str, timeline: &mut Timeline<ours::State>) -> Result<()> {
        let (mut back, mut forth) = (Times::default(), Times::default());
        for _ in 0..TURNS {
            back.time(|| timeline.undo())?.ok_or("nothing to undo")?;
        }
        for _ in 0..TURNS {
            forth.time(|| timeline.redo())?.ok_or("nothing to redo")?;
        }
        self.set(undo, &back);
        self.set(redo, &forth);
        Ok(())
    }

    /// Any version, and one lookup in it.
    fn visits(&mut self, rows: [&'static str; 4], timeline: &mut Timeline<ours::State>, versions: u64) -> Result<()> {
        let mut times: [Times; 4] = Default::default();
        let [checkout, get, at, get_at] = &mut times;
        for _ in 0..TURNS {
            let id = VersionId::new(1 + self.random.below(versions));
            checkout.time(|| timeline.checkout(id))?;
            let key = data::key(self.random.below(self.entries));
            get.time(|| timeline.state().get(&key).copied()).ok_or("a key is missing")?;
        }
        for _ in 0..TURNS {
            let id = VersionId::new(1 + self.random.below(versions));
            let state = at.time(|| timeline.at(id))?;
            let key = data::key(self.random.below(self.entries));
            get_at.time(|| state.get(&key).copied()).ok_or("a key is missing")?;
        }
        for (op, times) in rows.into_iter().zip(&times) {
            self.set(op, times)
        }
        Ok(())
    }

    /// The digest of a version whose parent's is known.
    fn digests(&mut self, ours: &mut Contender, timeline: &mut Timeline<ours::State>) -> Result<()> {
        let mut times = Times::default();
        timeline.digest(timeline.head())?;
        for _ in 0..TURNS / 10 {
            let changes = self.random.changes(1, self.entries);
            let version = timeline.edit("set", |state| state.extend(changes))?.version.ok_or("nothing changed")?;
            times.time(|| timeline.digest(version))?;
            ours.versions += 1
        }
        self.set("digest_after_edit", &times);
        Ok(())
    }

    fn in_memory(&mut self) -> Result<()> {
        let mut timeline = Timeline::new(data::entries(self.entries).into_iter().collect::<ours::State>());
        for _ in 0..TURNS {
            let changes = self.random.changes(1, self.entries);
            timeline.edit("set", |state| state.extend(changes))?;
        }
        self.steps("undo_in_memory", "redo_in_memory", &mut timeline)
    }
}

/// Commits at all sizes, in turn.
fn growth(all: &mut [(u64, Contender)], table: &mut Table) -> Result<()> {
    let (mut random, mut times) = (Random(2), Vec::new());
    for (entries, ours) in all.iter_mut() {
        ours.open(false)?;
        (0..*entries).try_for_each(|i| ours.engine().get(&data::key(i)).map(drop))?;
        times.push(Times::default())
    }
    for turn in 0..TURNS + TURNS / 10 {
        if turn == TURNS / 10 {
            times.fill_with(Times::default)
        }
        for i in order(all.len(), turn) {
            let (entries, ours) = &mut all[i];
            let changes = random.changes(1, *entries);
            times[i].time(|| ours.commit(&changes))?
        }
    }
    for ((entries, ours), times) in all.iter_mut().zip(&times) {
        ours.close()?;
        table.set("commit_nosync_growth", *entries, Who::Ours, times.median())
    }
    Ok(())
}
