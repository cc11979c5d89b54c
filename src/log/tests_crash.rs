//! Crashes: random batches on the simulated storage, stopped anywhere, opened again, and on.
//! What is found must be a prefix of what was committed, with all that was acknowledged, equal bit for bit.

use super::reader::BODY_ALIGN;
use super::simulated::*;
use super::*;
use crate::id::Address;
use std::sync::Arc;

pub(super) fn identity() -> Identity {
    let layout = Layout { align_of_u32: 4, align_of_u64: 8, size_of_vec: 8, size_of_usize: 4, byte_order: 1 };
    Identity { schema: "Test".into(), schema_version: 1, state_bytes: 8, state_align: 4, layout }
}

/// Segments, parts and anchors so small that all of them occur in a short log.
pub(super) fn small_options() -> Options {
    Options {
        segment_bytes: 12 << 10,
        part_bytes: 1 << 10,
        ahead_bytes: (1 << 10, 4 << 10),
        anchor_bytes: 3 << 10,
        ..Options::new(identity())
    }
}

/// A batch as it was committed.
#[derive(Clone)]
pub(super) struct Committed {
    pub(super) stamp: Stamp,
    pub(super) records: Vec<(Address, u8, Vec<u8>)>,
    /// Where its stamp is; none while it is not known whether it is there.
    pub(super) at: Option<Address>,
    /// Where its stamp was to be, when all its records were appended.
    next: Address,
}

/// What a run of the machine has seen.
#[derive(Default, Debug)]
struct Seen {
    crashes: u64,
    power_losses: u64,
    batches_lost: u64,
    unknown_kept: u64,
    longest: u64,
    rolls: u64,
    abandoned: u64,
    failed_opens: u64,
    index_nodes: u64,
}

struct Machine {
    storage: Simulated,
    dice: Dice,
    options: Options,
    model: Vec<Committed>,
    /// So many batches are acknowledged as durable.
    acked: usize,
    seen: Seen,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let storage = Simulated::new(seed);
        let dice = Dice(!seed);
        Machine { storage, dice, options: small_options(), model: Vec::new(), acked: 0, seen: Seen::default() }
    }

    fn open(&self) -> crate::Result<Log> {
        let (log, stamp) = Log::open(Arc::new(self.storage.clone()), self.options.clone())?;
        assert_eq!(log.last(), stamp.as_ref());
        Ok(log)
    }

    fn versions(&self) -> u64 {
        self.model.last().map_or(0, |last| last.stamp.id + 1)
    }

    /// A batch to commit.
    fn draw(&mut self) -> (Stamp, Vec<(u8, Vec<u8>)>) {
        let versions = self.versions();
        let dice = &mut self.dice;
        let is_version = versions == 0 || !dice.one_in(5);
        let mut stamp = Stamp::version(versions, Root::Inline((0..dice.below(60)).map(|b| b as u8).collect()));
        if is_version && versions > 0 {
            let parents = 1 + dice.below(5) / 4;
            stamp.parents = (0..parents).map(|_| dice.below(versions)).collect();
            (stamp.depth, stamp.jump) = (dice.below(versions), dice.below(versions))
        }
        if let Some(last) = self.model.last() {
            if !is_version {
                stamp = last.stamp.after([StampKind::Move, StampKind::Names][dice.below(2) as usize]);
                stamp.head = dice.below(versions)
            }
            stamp.time_us = last.stamp.time_us + dice.below(1 << 20)
        }
        if dice.one_in(2) {
            stamp.tags.push(Tags::LABEL, &b"a label for a version"[..dice.below(20) as usize])
        }
        let is_long = dice.one_in(20);
        let count = if is_long { 3 + dice.below(30) } else { dice.below(4) };
        let body = |dice: &mut Dice| {
            let len = if dice.one_in(40) { dice.below(5000) } else { dice.below(250) };
            let filler = dice.roll() as u8;
            (64 + dice.below(150) as u8, (0..len).map(|i| (i as u8).wrapping_mul(filler)).collect())
        };
        (stamp, (0..count).map(|_| body(dice)).collect())
    }

    /// One step of a session; an error ends it.
    fn step(&mut self, log: &mut Log) -> crate::Result<()> {
        match self.dice.below(20) {
            0 => {
                log.flush()?;
                self.acked = self.model.len()
            }
            1 => {
                let (_, records) = self.draw();
                let mut batch = log.batch()?;
                for (kind, body) in &records {
                    batch.append(*kind, body)?;
                }
                drop(batch);
                self.seen.abandoned += 1
            }
            2 => self.look_around(&log.reader()),
            _ => self.commit(log)?,
        }
        Ok(())
    }

    fn commit(&mut self, log: &mut Log) -> crate::Result<()> {
        let (stamp, records) = self.draw();
        let is_durable = self.dice.one_in(2);
        let mut batch = log.batch()?;
        let mut written = Vec::new();
        for (kind, body) in records {
            let next = batch.next_address()?;
            let address = batch.append(kind, &body)?;
            assert_eq!(next, address);
            written.push((address, kind, body))
        }
        let next = batch.next_address()?;
        self.model.push(Committed { stamp: stamp.clone(), records: written, at: None, next });
        let at = batch.commit(stamp, is_durable)?;
        self.model.last_mut().unwrap().at = Some(at);
        if is_durable {
            self.acked = self.model.len()
        }
        let first = log.reader().read(at);
        assert_eq!(first.unwrap().kind(), kinds::STAMP);
        Ok(())
    }

    /// Reads some batches and versions, and what is not there.
    fn look_around(&mut self, reader: &Reader) {
        for _ in 0..3.min(self.model.len()) {
            let i = self.dice.below(self.model.len() as u64) as usize;
            check_batch(reader, &self.model[i])
        }
        assert_eq!(reader.versions(), self.versions());
        let missing = reader.address_of(self.versions()).unwrap_err();
        assert_eq!(missing.kind(), crate::ErrorKind::NotFound);
    }

    /// Opens what is there after a crash and compares.
    fn recover(&mut self, was_killed: bool) -> Log {
        let log = match self.open() {
            Ok(log) => log,
            Err(error) => panic!("a crash left what cannot be opened: {error}"),
        };
        let reader = log.reader();
        let end = reader.end();
        let known = self.model.iter().take_while(|b| b.at.is_some_and(|at| at.units() < end)).count();
        let mut kept = known;
        // The batch under way may be there or not; only the last is unknown.
        if let Some(unknown) = self.model.get_mut(known).filter(|b| b.at.is_none())
            && log.last().is_some_and(|last| is_of(last, &unknown.stamp))
        {
            // Nodes of the index may be before a version's stamp.
            let is_version = unknown.stamp.kind == StampKind::Version;
            unknown.at = if is_version { reader.address_of(unknown.stamp.id).ok() } else { Some(unknown.next) };
            kept += 1;
            self.seen.unknown_kept += 1
        }
        assert!(kept >= self.acked, "{kept} of {} acknowledged batches are there", self.acked);
        let written = self.model.iter().take_while(|b| b.at.is_some()).count();
        assert!(!was_killed || kept >= written, "a process that died loses nothing: {kept} of {written}");
        self.seen.batches_lost += (self.model.len() - kept) as u64;
        self.model.truncate(kept);
        match (log.last(), self.model.last()) {
            (Some(last), Some(model)) => assert!(is_of(last, &model.stamp), "{last:?} is not {:?}", model.stamp),
            (None, None) => {}
            (last, model) => panic!("{last:?} instead of {:?}", model.map(|b| &b.stamp)),
        }
        assert_eq!(reader.versions(), self.versions());
        self.look_around(&reader);
        if let Some(last) = self.model.last() {
            check_batch(&reader, last)
        }
        log
    }

    fn check_all(&mut self, log: &Log) {
        let reader = log.reader();
        self.model.iter().for_each(|batch| check_batch(&reader, batch));
        self.seen.longest = self.seen.longest.max(self.versions());
        self.seen.rolls += self.storage.files().len() as u64 - 1;
        self.seen.index_nodes += reader.versions() / 256
    }

    /// A session that ends in a crash.
    fn crash(&mut self, mut log: Log) {
        let now = self.storage.disk().operations;
        let at = now + self.dice.below(60);
        let mut faults = Faults::default();
        match self.dice.below(7) {
            0 => faults.fail_at = Some(at),
            2 => faults.fail_syncs_from = Some(at),
            1 => {
                let used: u64 = self.storage.files().values().map(|f| f.len() as u64).sum();
                faults.room_bytes = Some(used + self.dice.below(3000))
            }
            _ => faults.stop_at = Some((at, self.dice.below(600))),
        }
        self.storage.disk().faults = faults;
        let steps = self.dice.below(25);
        let result = (0..steps).try_for_each(|_| self.step(&mut log));
        if result.is_ok() && self.dice.one_in(4) {
            // Closed, if it gets so far.
            drop(std::mem::replace(&mut log, self.spare()))
        }
        self.stop(log);
        self.seen.crashes += 1
    }

    /// Drops a log that has no chance to close itself.
    fn stop(&self, log: Log) {
        let now = self.storage.disk().operations;
        self.storage.disk().faults = Faults { stop_at: Some((now, 0)), ..Faults::default() };
        drop(log)
    }

    /// A log of its own, to take the place of one that is dropped.
    fn spare(&self) -> Log {
        Log::open(Arc::new(Simulated::new(0)), self.options.clone()).unwrap().0
    }

    /// Power is lost, or the process dies; true for the latter.
    fn down(&mut self) -> bool {
        if self.dice.one_in(3) {
            self.storage.kill();
            return true;
        }
        self.storage.lose_power();
        self.seen.power_losses += 1;
        false
    }
}

/// True if `found` is what `committed` became: itself, or the closing stamp after it.
fn is_of(found: &Stamp, committed: &Stamp) -> bool {
    let plain = |stamp: &Stamp| Stamp { chain: Default::default(), ..stamp.clone() };
    plain(found) == plain(committed)
        || found.kind == StampKind::Closing && plain(found) == plain(&committed.after(StampKind::Closing))
}

pub(super) fn check_batch(reader: &Reader, batch: &Committed) {
    compare(reader, batch).unwrap()
}

/// # Errors
/// That of the first read which fails. What is read is what was written.
pub(super) fn compare(reader: &Reader, batch: &Committed) -> crate::Result<()> {
    for (address, kind, body) in &batch.records {
        let record = reader.read(*address)?;
        assert_eq!(record.kind(), *kind);
        let (own, padding) = record.body().split_at(body.len());
        assert!(own == body && padding.len() < 8 && padding.iter().all(|&b| b == 0));
        assert_eq!(record.body().as_ptr().addr() % BODY_ALIGN, 0);
    }
    let at = batch.at.unwrap();
    assert!(is_of(&reader.stamp_at(at)?, &batch.stamp));
    if batch.stamp.kind == StampKind::Version {
        assert_eq!(reader.address_of(batch.stamp.id)?, at);
        assert!(is_of(&reader.stamp_of(batch.stamp.id)?, &batch.stamp))
    }
    Ok(())
}

/// A log in which everything occurs, and what was committed: durable all of it, closed or as a process left it that
/// died.
pub(super) fn small_log(is_closed: bool) -> (std::collections::BTreeMap<u64, Vec<u8>>, Vec<Committed>) {
    let storage = Simulated::new(7);
    let options = Options { segment_bytes: 6 << 10, ..small_options() };
    let (mut log, _) = Log::open(Arc::new(storage.clone()), options).unwrap();
    let mut committed: Vec<Committed> = Vec::new();
    let sizes: [&[usize]; 7] = [&[], &[100, 1500], &[], &[], &[9], &[700, 300, 800, 200, 90], &[33]];
    for (i, sizes) in sizes.iter().enumerate() {
        let mut batch = log.batch().unwrap();
        let record = |&len: &usize| {
            let body: Vec<u8> = (0..len).map(|j| (i * 31 + j * 7) as u8).collect();
            (batch.append(64 + i as u8, &body).unwrap(), 64 + i as u8, body)
        };
        let records: Vec<_> = sizes.iter().map(record).collect();
        let id = committed.iter().filter(|batch| batch.stamp.kind == StampKind::Version).count() as u64;
        let root = records.last().map_or(Root::Inline([5; 20][..].into()), |&(at, ..)| Root::At(at));
        let mut stamp = match (i, committed.last()) {
            (2, Some(last)) => Stamp { head: 0, ..last.stamp.after(StampKind::Move) },
            (3, Some(last)) => last.stamp.after(StampKind::Names),
            _ => Stamp { parents: id.checked_sub(1).into_iter().collect(), depth: id, ..Stamp::version(id, root) },
        };
        stamp.time_us = i as u64;
        stamp.tags.push(Tags::LABEL, b"label");
        let next = batch.next_address().unwrap();
        let at = Some(batch.commit(stamp.clone(), true).unwrap());
        committed.push(Committed { stamp, records, at, next })
    }
    if is_closed {
        log.close().unwrap()
    } else {
        let now = storage.disk().operations;
        storage.disk().faults.stop_at = Some((now, 0));
        drop(log)
    }
    (storage.files(), committed)
}

/// Says which seed it was, if a test fails.
pub(super) struct Seed(pub(super) u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0)
        }
    }
}

fn long() -> u64 {
    std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn after_any_crash_a_prefix_is_there_with_all_that_was_acknowledged() {
    let mut seen = Seen::default();
    for seed in 0..3000 * long() {
        let _seed = Seed(seed);
        let mut machine = Machine::new(seed);
        let mut log = machine.open().unwrap();
        if seed % 8 == 0 {
            let versions = machine.dice.below(600);
            while machine.versions() < versions {
                machine.commit(&mut log).unwrap()
            }
        }
        for _ in 0..20 {
            machine.crash(log);
            let was_killed = machine.down();
            // Every third time the recovery is stopped too, or no sync of it succeeds from some place on.
            if machine.dice.one_in(3) {
                let at = machine.storage.disk().operations + machine.dice.below(8);
                let stops = Faults { stop_at: Some((at, machine.dice.below(300))), ..Faults::default() };
                let fails = Faults { fail_syncs_from: Some(at), ..Faults::default() };
                machine.storage.disk().faults = if machine.dice.one_in(3) { fails } else { stops };
                match machine.open() {
                    Ok(log) => machine.stop(log),
                    Err(_) => machine.seen.failed_opens += 1,
                }
                machine.down();
                log = machine.recover(false);
            } else {
                log = machine.recover(was_killed);
            }
        }
        machine.check_all(&log);
        let own = machine.seen;
        seen.crashes += own.crashes;
        seen.power_losses += own.power_losses;
        seen.batches_lost += own.batches_lost;
        seen.unknown_kept += own.unknown_kept;
        seen.longest = seen.longest.max(own.longest);
        seen.rolls += own.rolls;
        seen.abandoned += own.abandoned;
        seen.failed_opens += own.failed_opens;
        seen.index_nodes += own.index_nodes;
    }
    println!("{seen:?}");
    let events =
        [seen.power_losses, seen.batches_lost, seen.unknown_kept, seen.rolls, seen.abandoned, seen.failed_opens];
    assert!(events.into_iter().all(|n| n >= 100) && seen.index_nodes >= 50, "each must occur, often: {seen:?}");
}

/// A session of fixed steps in which everything occurs: parts, rolls, moves, batches that are dropped, closing.
///
/// # Errors
/// The log, if it is still open, when a step fails.
fn script(machine: &mut Machine) -> Result<(), Box<Option<Log>>> {
    let mut log = machine.open().map_err(|_| None)?;
    for step in 0..24 {
        let done = match step {
            5 | 13 => log.flush().map(|()| machine.acked = machine.model.len()),
            9 => {
                let mut batch = log.batch();
                let appended = (0..12).try_for_each(|i| match &mut batch {
                    Ok(batch) => batch.append(70, &[i; 300]).map(drop),
                    Err(_) => Ok(()),
                });
                appended.and(batch.map(drop))
            }
            _ => machine.commit(&mut log),
        };
        if done.is_err() {
            return Err(Box::new(Some(log)));
        }
    }
    log.close().map_err(|_| None)?;
    machine.acked = machine.model.len();
    let mut log = machine.open().map_err(|_| None)?;
    if machine.commit(&mut log).is_err() {
        return Err(Box::new(Some(log)));
    }
    machine.stop(log);
    Ok(())
}

#[test]
fn stopped_at_every_operation_and_every_byte_nothing_acknowledged_is_lost() {
    let start = || {
        let mut machine = Machine::new(3);
        machine.options.segment_bytes = 7 << 10;
        machine
    };
    let mut whole = start();
    assert!(script(&mut whole).is_ok());
    let lens = whole.storage.disk().lens.clone();
    let rolls = whole.storage.files().len() - 1;
    assert!(rolls > 1 && lens.len() > 50, "{rolls} rolls, {} operations", lens.len());
    let mut crashes = 0;
    for (operation, &len) in lens.iter().enumerate() {
        let step = (len / 700).max(1);
        for done in (0..=len).step_by(step as usize).chain([len.saturating_sub(1)]) {
            for is_kill in [true, false] {
                let mut machine = start();
                machine.storage.disk().faults.stop_at = Some((operation as u64, done));
                if let Err(log) = script(&mut machine)
                    && let Some(log) = *log
                {
                    machine.stop(log)
                }
                if is_kill {
                    machine.storage.kill()
                } else {
                    machine.storage.lose_power()
                }
                let mut log = machine.recover(is_kill);
                machine.check_all(&log);
                machine.commit(&mut log).unwrap();
                log.close().unwrap();
                let log = machine.recover(true);
                machine.check_all(&log);
                machine.stop(log);
                crashes += 1
            }
        }
    }
    println!("{crashes} crashes at {} operations", lens.len());
    assert!(crashes > 10_000);
}
