//! The rows with peers, at one size. In: how many entries, where. Out: figures in the table.
//!
//! All stores are filled alike: the entries in one commit, then one random key a commit. In the rows of commits they
//! take turns, commit by commit, with the same changes, so that noise hits all. A store that writes everything at
//! each commit has turns of its own, and few.

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

/// A row's name.
type Op = &'static str;

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
        all.insert(1, self.floor()?);
        all.iter_mut().try_for_each(|one| one.open(false))?;
        self.versus("commit_nosync_after_opening", None, 1, &mut all)?;
        self.look_everywhere(&mut all)?;
        self.versus("commit_nosync", Some("commit_nosync_p99"), 1, &mut all)?;
        self.versus("commit_1000_nosync", None, LARGE, &mut all)?;
        all.iter_mut().try_for_each(|one| one.open(true))?;
        self.pairs("pair_sync_after_opening", None, &mut all)?;
        self.look_everywhere(&mut all)?;
        self.pairs("pair_sync", Some("pair_sync_p99"), &mut all)?;
        self.versus("commit_sync", Some("commit_sync_p99"), 1, &mut all)?;
        self.versus("commit_1000_sync", None, LARGE, &mut all)?;
        all.iter_mut().try_for_each(Contender::close)
    }

    fn set(&mut self, op: Op, who: Who, figure: Option<f64>) {
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
        // What is written through a mapping is not seen there.
        let written = written.filter(|_| contender.who != Who::LmdbMapped);
        self.set("bytes_kept_per_version", contender.who, Some(each(kept)));
        self.set("bytes_written_per_version", contender.who, written);
        self.set("commit_nosync_alone", contender.who, times.median());
        if !contender.who.is_slow() {
            self.set("commit_nosync_alone_p99", contender.who, times.p99())
        }
        Ok(samples)
    }

    /// The key that was changed, or any key, by chance.
    fn sample(&self, version: u64, change: &Change, known: &HashMap<String, Value>, random: &mut Random) -> Sample {
        let i = random.below(self.entries);
        let key = if i.is_multiple_of(2) { change.0.clone() } else { data::key(i) };
        let value = known.get(&key).copied().unwrap_or_else(|| data::first_value(i));
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
                let (who, Sample { version, key, .. }) = (contender.who.name(), sample);
                return Err(format!("{who}: {key} is not what it was in version {version}").into());
            }
        }
        self.set("get_old", contender.who, times.median());
        contender.close()
    }

    /// A floor that writes what ours does.
    fn floor(&self) -> Result<Contender> {
        let bytes = self.table.get("bytes_kept_per_version", self.entries, Who::Ours).ok_or("ours was not measured")?;
        // In an opening there are three rows with the floor at most.
        let (bytes, commits) = (bytes.round() as usize, 3 * (TURNS + warm_up(TURNS)));
        let open = move |folder: &Path, durable| Ok(Box::new(Floor::new(folder, bytes, commits, durable)?) as _);
        Contender::new(Who::Floor, self.folder, open)
    }

    /// Every key once, so that a store has in memory what it wants to have there.
    fn look_everywhere(&self, all: &mut [Contender]) -> Result<()> {
        for one in all.iter_mut().filter(|one| one.who != Who::Floor && !one.who.is_slow()) {
            (0..self.entries).try_for_each(|i| one.engine().get(&data::key(i)).map(drop))?
        }
        Ok(())
    }

    /// Ours and the floor alone, in turn.
    fn pairs(&mut self, op: Op, p99: Option<Op>, all: &mut [Contender]) -> Result<()> {
        let pair = all.iter_mut().filter(|one| matches!(one.who, Who::Ours | Who::Floor)).collect();
        self.row(op, p99, pair, TURNS, 1)?;
        self.table.show();
        Ok(())
    }

    /// All in turn; those that write everything behind, and the floor where it knows what the commit costs.
    fn versus(&mut self, op: Op, p99: Option<Op>, keys: usize, all: &mut [Contender]) -> Result<()> {
        let takes_part = |who| keys == 1 || who != Who::Floor;
        let (slow, fast) = all.iter_mut().filter(|one| takes_part(one.who)).partition(|one| one.who.is_slow());
        self.row(op, p99, fast, if keys == 1 { TURNS } else { LARGE_TURNS }, keys)?;
        self.row(op, None, slow, SLOW_TURNS, keys)?;
        self.table.show();
        Ok(())
    }

    fn row(&mut self, op: Op, p99: Option<Op>, some: Vec<&mut Contender>, turns: usize, keys: usize) -> Result<()> {
        let who: Vec<Who> = some.iter().map(|one| one.who).collect();
        for (who, times) in who.into_iter().zip(self.rounds(some, turns, keys)?) {
            self.set(op, who, times.median());
            if let Some(p99) = p99 {
                self.set(p99, who, times.p99())
            }
        }
        Ok(())
    }

    /// Commits in turn, the same changes each; synced behind, so that no row pays for the one before.
    fn rounds(&self, mut some: Vec<&mut Contender>, turns: usize, keys: usize) -> Result<Vec<Times>> {
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
            one.engine().flush()?
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
    for (key, value) in changes {
        if contender.engine().get(key)? != Some(*value) {
            return Err(format!("{}: {key} is not what was committed", contender.who.name()).into());
        }
    }
    Ok(())
}
