//! The rows with peers, at one size. In: how many entries, where. Out: figures in the table.
//!
//! All stores are filled alike: the entries in one commit, then one random key a commit. In the rows of commits they take
//! turns, commit by commit, with the same changes, so that noise hits all. A store that writes everything at each commit has
//! turns of its own, and few.

use crate::data::{self, Change, Random, Result, Value};
use crate::engines::{Contender, STORES, Who, floor::Floor};
use crate::measure::{Times, folder_bytes, order, written_bytes};
use crate::table::Table;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// One-key commits before bytes are counted, and those that are counted.
const WARM_UP: u64 = 20_000;
const VERSIONS: u64 = 20_000;
/// Turns of the rows of commits: of one key, of a thousand.
const TURNS: usize = 2_000;
const LARGE_TURNS: usize = 100;
const LARGE: usize = 1_000;
/// The same for a store that writes everything.
const SLOW_WARM_UP: u64 = 2;
const SLOW_TURNS: usize = 5;
/// Reads of old versions, and openings: so many, if they take no longer.
const READS: u64 = 200;
const OPENINGS: usize = 21;
const PATIENCE: Duration = Duration::from_secs(3);

pub struct Contest<'a> {
    pub entries: u64,
    pub folder: &'a Path,
    pub table: &'a mut Table,
}

/// What a key had in a version.
struct Sample {
    version: u64,
    key: String,
    value: Value,
}

impl Contest<'_> {
    pub fn run(&mut self) -> Result<()> {
        let mut all = Vec::new();
        for (who, open) in STORES {
            let mut contender = Contender::new(who, self.folder, open)?;
            let samples = self.fill(&mut contender)?;
            self.read_old(&mut contender, &samples)?;
            let times = openings(&mut contender, self.entries)?;
            self.set("open_get", who, times.median());
            all.push(contender)
        }
        self.table.show();
        self.pairs(&mut all[0])?;
        all.insert(1, self.floor(TURNS)?);
        self.versus("commit_nosync", Some("commit_nosync_p99"), 1, false, &mut all)?;
        self.versus("commit_sync", Some("commit_sync_p99"), 1, true, &mut all)?;
        // The floor knows what one key costs.
        all.remove(1);
        self.versus("commit_1000_nosync", None, LARGE, false, &mut all)?;
        self.versus("commit_1000_sync", None, LARGE, true, &mut all)
    }

    fn set(&mut self, op: &'static str, who: Who, figure: Option<f64>) {
        self.table.set(op, self.entries, who, figure)
    }

    /// The entries, and a history that is long enough for bytes a version to be steady.
    fn fill(&mut self, contender: &mut Contender) -> Result<Vec<Sample>> {
        let (warm_up, versions) = match contender.who.is_slow() {
            false => (WARM_UP, VERSIONS),
            true => (SLOW_WARM_UP, SLOW_TURNS as u64),
        };
        let mut random = Random(self.entries);
        contender.open(false)?;
        contender.commit(&data::entries(self.entries))?;
        let mut known = HashMap::new();
        for _ in 0..warm_up {
            let changes = random.changes(1, self.entries);
            contender.commit(&changes)?;
            known.extend(changes);
        }
        contender.close()?;
        let (kept, written) = (folder_bytes(&contender.folder)?, written_bytes());
        contender.open(false)?;
        let (mut times, mut samples) = (Times::default(), Vec::new());
        for version in 0..versions {
            let changes = random.changes(1, self.entries);
            times.time(|| contender.commit(&changes))?;
            known.extend(changes.iter().cloned());
            if version % versions.div_ceil(READS) == 0 {
                samples.push(self.sample(contender.versions, &changes[0], &known, &mut random))
            }
        }
        contender.close()?;
        let each = |bytes: u64| bytes as f64 / versions as f64;
        let kept = folder_bytes(&contender.folder)?.saturating_sub(kept);
        let written = written.zip(written_bytes()).map(|(before, after)| each(after - before));
        self.set("bytes_kept_per_version", contender.who, Some(each(kept)));
        self.set("bytes_written_per_version", contender.who, written);
        self.set("commit_nosync_alone", contender.who, times.median());
        Ok(samples)
    }

    /// The key that was changed, and any key, in turn.
    fn sample(&self, version: u64, change: &Change, known: &HashMap<String, Value>, random: &mut Random) -> Sample {
        let i = random.below(self.entries);
        let (key, first) = if i % 2 == 0 { (change.0.clone(), change.1) } else { (data::key(i), data::first_value(i)) };
        let value = known.get(&key).copied().unwrap_or(first);
        Sample { version, key, value }
    }

    fn read_old(&mut self, contender: &mut Contender, samples: &[Sample]) -> Result<()> {
        if !contender.who.keeps_versions() {
            return Ok(());
        }
        contender.open(false)?;
        let (mut times, start) = (Times::default(), Instant::now());
        // Hither and thither in the history: 89 has no factor with a number of samples.
        let jumps = (0..samples.len()).map(|i| &samples[i * 89 % samples.len()]);
        for sample in jumps.take_while(|_| start.elapsed() < PATIENCE) {
            let value = times.time(|| contender.engine().get_at(sample.version, &sample.key))?;
            if value != Some(sample.value) {
                return Err(format!("{}: {} at {}: {value:?}", contender.who.name(), sample.key, sample.version).into());
            }
        }
        self.set("get_old", contender.who, times.median());
        contender.close()
    }

    /// A floor that writes what ours does.
    fn floor(&self, turns: usize) -> Result<Contender> {
        let bytes = self.table.get("bytes_kept_per_version", self.entries, Who::Ours).ok_or("ours was not measured")?;
        let (bytes, commits) = (bytes.round() as usize, turns + warm_up(turns));
        let open =
            move |folder: &Path, is_durable: bool| Ok(Box::new(Floor::new(folder, bytes, commits, is_durable)?) as _);
        Contender::new(Who::Floor, self.folder, open)
    }

    /// Ours and the floor alone, in turn.
    fn pairs(&mut self, ours: &mut Contender) -> Result<()> {
        let mut floor = self.floor(TURNS)?;
        let times = self.rounds(&mut [ours, &mut floor], TURNS, 1, true)?;
        for (who, times) in [Who::Ours, Who::Floor].into_iter().zip(times) {
            self.set("pair_sync", who, times.median());
            self.set("pair_sync_p99", who, times.p99())
        }
        self.table.show();
        Ok(())
    }

    fn versus(
        &mut self,
        op: &'static str,
        p99: Option<&'static str>,
        keys: usize,
        is_durable: bool,
        all: &mut [Contender],
    ) -> Result<()> {
        for is_slow in [false, true] {
            let turns = if is_slow {
                SLOW_TURNS
            } else if keys > 1 {
                LARGE_TURNS
            } else {
                TURNS
            };
            let mut some: Vec<&mut Contender> = all.iter_mut().filter(|one| one.who.is_slow() == is_slow).collect();
            let times = self.rounds(&mut some, turns, keys, is_durable)?;
            for (who, times) in some.iter().map(|one| one.who).zip(times) {
                self.set(op, who, times.median());
                if let Some(p99) = p99.filter(|_| !is_slow) {
                    self.set(p99, who, times.p99())
                }
            }
        }
        self.table.show();
        Ok(())
    }

    /// Commits in turn, the same changes each.
    fn rounds(&self, some: &mut [&mut Contender], turns: usize, keys: usize, is_durable: bool) -> Result<Vec<Times>> {
        some.iter_mut().try_for_each(|one| one.open(is_durable))?;
        let mut random = Random(some.iter().map(|one| one.versions).sum());
        let mut times: Vec<Times> = some.iter().map(|_| Times::default()).collect();
        let mut last = Vec::new();
        for turn in 0..warm_up(turns) + turns {
            if turn == warm_up(turns) {
                times.fill_with(Times::default)
            }
            last = random.changes(keys, self.entries);
            for i in order(some.len(), turn) {
                times[i].time(|| some[i].commit(&last))?
            }
        }
        for one in some {
            if one.who != Who::Floor {
                check(one, &last)?
            }
            one.close()?
        }
        Ok(times)
    }
}

/// Opening with the files in memory, and one lookup.
pub fn openings(contender: &mut Contender, entries: u64) -> Result<Times> {
    let (mut times, start, mut random) = (Times::default(), Instant::now(), Random(1));
    for _ in 0..OPENINGS {
        let key = data::key(random.below(entries));
        let value = times.time(|| contender.open(false).and_then(|()| contender.engine().get(&key)))?;
        value.ok_or_else(|| format!("{}: no {key}", contender.who.name()))?;
        contender.close()?;
        if start.elapsed() > PATIENCE {
            break;
        }
    }
    Ok(times)
}

fn warm_up(turns: usize) -> usize {
    turns / 10
}

/// What was committed last is there.
fn check(contender: &mut Contender, changes: &[Change]) -> Result<()> {
    let last: HashMap<_, _> = changes.iter().cloned().collect();
    for (key, value) in last {
        if contender.engine().get(&key)? != Some(value) {
            return Err(format!("{}: {key} is not what was committed", contender.who.name()).into());
        }
    }
    Ok(())
}
