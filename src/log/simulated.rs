//! A storage for tests and fuzz targets: what a process sees, and what survives when power is lost, are two things.
//! In: writes and syncs, faults to come. Out: the same as from files; after a crash one of the states that the medium may
//! be in.
//! Must hold: what was synced survives; of what was not, each write may be there, be there in part, or not at all,
//! whatever the order; names as well. All of it follows from the seed.
//! Uses: `storage`, `error`.

use super::storage::{SegmentFile, Storage};
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Numbers that follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// Below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What goes wrong, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The operation that the machine stops at: this and all after it fail. Of a write, so many bytes are done.
    pub(crate) stop_at: Option<(u64, u64)>,
    /// The operation that fails, once. Of a write, half is done; of a sync, nothing may survive of what it was for.
    pub(crate) fail_at: Option<u64>,
    /// From this operation on every sync fails, and nothing may survive of what it was for.
    pub(crate) fail_syncs_from: Option<u64>,
    /// How many bytes all files may have.
    pub(crate) room_bytes: Option<u64>,
}

#[derive(Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
}

/// An inode: files keep theirs when their name is gone.
type Inode = Arc<Mutex<Content>>;

#[derive(Clone)]
enum Naming {
    Created(u64, Inode),
    Removed(u64),
}

#[derive(Default)]
pub(crate) struct Disk {
    live: BTreeMap<u64, Inode>,
    durable: BTreeMap<u64, Inode>,
    pending: Vec<Naming>,
    pub(crate) faults: Faults,
    /// Writes, changes of length and syncs so far.
    pub(crate) operations: u64,
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
    pub(crate) reads: u64,
    /// How many bytes each operation was for.
    pub(crate) lens: Vec<u64>,
    dice: Option<Dice>,
    is_locked: Arc<AtomicBool>,
}

/// A folder of simulated files. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Simulated(Arc<Mutex<Disk>>);

struct OpenFile {
    disk: Simulated,
    inode: Inode,
    may_write: bool,
}

fn io(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, what)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

fn write_into(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = offset as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0)
    }
    content[offset as usize..end].copy_from_slice(bytes)
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => write_into(content, *offset, bytes),
            Change::SetLen(len) => content.resize(*len as usize, 0),
        }
    }
}

impl Content {
    /// What is found after power was lost: each change that was not synced, whole, torn or not at all.
    fn after_power_loss(&self, dice: &mut Dice) -> Vec<u8> {
        let mut content = self.durable.clone();
        // Often a medium keeps them in order up to some place; not always.
        let is_ordered = dice.one_in(2);
        let upto = dice.below(self.pending.len() as u64 + 1) as usize;
        for (i, change) in self.pending.iter().enumerate() {
            let fate = if is_ordered { u64::from(i >= upto) * (2 - u64::from(i == upto)) } else { dice.below(3) };
            match (fate, change) {
                (0, change) => change.apply(&mut content),
                (1, Change::Write { offset, bytes }) => tear(&mut content, *offset, bytes, dice),
                _ => {}
            }
        }
        content
    }
}

/// Applies some of the sectors of a write, or a front part of it.
fn tear(content: &mut Vec<u8>, offset: u64, bytes: &[u8], dice: &mut Dice) {
    if dice.one_in(2) {
        let cut = dice.below(bytes.len() as u64) as usize;
        return write_into(content, offset, &bytes[..cut]);
    }
    let mut from = 0;
    while from < bytes.len() {
        let sector = 512 - (offset as usize + from) % 512;
        let to = (from + sector).min(bytes.len());
        if dice.one_in(2) {
            write_into(content, offset + from as u64, &bytes[from..to])
        }
        from = to
    }
}

impl Simulated {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = Disk { dice: Some(Dice(seed)), ..Disk::default() };
        Simulated(Arc::new(Mutex::new(disk)))
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.0)
    }

    /// The process ends without a word: what was written stays as it is, synced or not.
    pub(crate) fn kill(&self) {
        let mut disk = self.disk();
        disk.faults = Faults::default();
        disk.is_locked = Arc::default()
    }

    /// Power is lost: of what was not synced anything may be there.
    pub(crate) fn lose_power(&self) {
        self.kill();
        let mut disk = self.disk();
        let mut dice = disk.dice.take().unwrap_or(Dice(0));
        let mut names = disk.durable.clone();
        for naming in std::mem::take(&mut disk.pending) {
            if dice.one_in(2) {
                continue;
            }
            match naming {
                Naming::Created(first, inode) => drop(names.insert(first, inode)),
                Naming::Removed(first) => drop(names.remove(&first)),
            }
        }
        for inode in names.values_mut() {
            let live = lock(inode).after_power_loss(&mut dice);
            *inode = Arc::new(Mutex::new(Content { durable: live.clone(), live, pending: Vec::new() }))
        }
        disk.live = names.clone();
        disk.durable = names;
        disk.dice = Some(dice)
    }

    /// The files as they are, and a way to change them under the log's hands.
    pub(crate) fn files(&self) -> BTreeMap<u64, Vec<u8>> {
        self.disk().live.iter().map(|(&first, inode)| (first, lock(inode).live.clone())).collect()
    }

    pub(crate) fn with_files(files: &BTreeMap<u64, Vec<u8>>, seed: u64) -> Self {
        let storage = Simulated::new(seed);
        let inode = |live: &Vec<u8>| Content { live: live.clone(), durable: live.clone(), pending: Vec::new() };
        let names: BTreeMap<_, _> = files.iter().map(|(&first, f)| (first, Arc::new(Mutex::new(inode(f))))).collect();
        storage.disk().live = names.clone();
        storage.disk().durable = names;
        storage
    }

    /// One more write or change of length: how many of `len` bytes of it are done, and if it fails then.
    fn step(&self, len: u64) -> (u64, Option<Error>) {
        self.operation(len, false)
    }

    /// One more operation, which is a sync too or is none.
    fn operation(&self, len: u64, is_sync: bool) -> (u64, Option<Error>) {
        let mut disk = self.disk();
        let now = disk.operations;
        if let Some((at, bytes)) = disk.faults.stop_at.filter(|&(at, _)| now >= at) {
            return (
                if now == at {
                    disk.operations += 1;
                    bytes.min(len)
                } else {
                    0
                },
                Some(io("the machine has stopped")),
            );
        }
        disk.operations += 1;
        disk.lens.push(len);
        let fails_from = disk.faults.fail_syncs_from.filter(|_| is_sync);
        if disk.faults.fail_at == Some(now) || fails_from.is_some_and(|from| now >= from) {
            return (len / 2, Some(io("the device failed")));
        }
        if let Some(room) = disk.faults.room_bytes {
            let used: u64 = disk.live.values().map(|inode| lock(inode).live.len() as u64).sum();
            if len > 0 && used + len > room {
                return (room.saturating_sub(used).min(len), Some(io("no space left on the device")));
            }
        }
        (len, None)
    }
}

impl Storage for Simulated {
    fn name(&self) -> String {
        "in memory".to_owned()
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        struct Held(Arc<AtomicBool>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release)
            }
        }
        let flag = self.disk().is_locked.clone();
        if flag.swap(true, Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Locked, "the log in memory is open: close it"));
        }
        Ok(Box::new(Held(flag)))
    }

    fn segments(&self) -> Result<Vec<u64>> {
        Ok(self.disk().live.keys().copied().collect())
    }

    fn create(&self, first: u64, block: &[u8]) -> Result<Arc<dyn SegmentFile>> {
        let (done, error) = self.operation(block.len() as u64, true);
        // It is synced before it has its name.
        let content = Content { live: block.to_vec(), durable: block.to_vec(), pending: Vec::new() };
        let inode = Arc::new(Mutex::new(content));
        let mut disk = self.disk();
        // If it fails it may have its name or not.
        if error.is_none() || done % 2 == 1 {
            disk.live.insert(first, inode.clone());
            disk.pending.push(Naming::Created(first, inode.clone()))
        }
        if let Some(error) = error {
            return Err(error);
        }
        disk.pending.clear();
        disk.durable = disk.live.clone();
        drop(disk);
        Ok(Arc::new(OpenFile { disk: self.clone(), inode, may_write: true }))
    }

    fn open(&self, first: u64, may_write: bool) -> Result<Arc<dyn SegmentFile>> {
        let inode = self.disk().live.get(&first).cloned();
        let inode = inode.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no segment {first:011x}")))?;
        Ok(Arc::new(OpenFile { disk: self.clone(), inode, may_write }))
    }

    fn remove(&self, first: u64) -> Result<()> {
        self.step(0).1.map_or(Ok(()), Err)?;
        let mut disk = self.disk();
        disk.live.remove(&first).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no segment {first:011x}")))?;
        disk.pending.push(Naming::Removed(first));
        Ok(())
    }

    fn sync_names(&self) -> Result<()> {
        self.operation(0, true).1.map_or(Ok(()), Err)?;
        let mut disk = self.disk();
        disk.pending.clear();
        disk.durable = disk.live.clone();
        Ok(())
    }

    fn draw_id(&self) -> u64 {
        self.disk().dice.as_mut().map_or(1, Dice::roll)
    }
}

impl OpenFile {
    fn check(&self) -> Result<()> {
        if self.may_write { Ok(()) } else { Err(io("opened read-only")) }
    }
}

impl SegmentFile for OpenFile {
    fn len_bytes(&self) -> Result<u64> {
        Ok(lock(&self.inode).live.len() as u64)
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        self.disk.disk().reads += 1;
        let content = lock(&self.inode);
        let there = content.live.get(offset as usize..).unwrap_or_default();
        let len = there.len().min(into.len());
        into[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.check()?;
        let grows = (offset + bytes.len() as u64).saturating_sub(self.len_bytes()?);
        let (mut done, error) = self.disk.step(bytes.len() as u64);
        // What lies within the file takes no room.
        let is_full = error.as_ref().is_some_and(|e| e.to_string().contains("no space"));
        let error = if is_full && grows == 0 {
            done = bytes.len() as u64;
            None
        } else {
            error
        };
        self.disk.disk().writes += 1;
        let bytes = &bytes[..done as usize];
        let mut content = lock(&self.inode);
        write_into(&mut content.live, offset, bytes);
        content.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
        error.map_or(Ok(()), Err)
    }

    fn set_len(&self, len_bytes: u64) -> Result<()> {
        self.check()?;
        self.disk.step(0).1.map_or(Ok(()), Err)?;
        let mut content = lock(&self.inode);
        let change = Change::SetLen(len_bytes);
        change.apply(&mut content.live);
        content.pending.push(change);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.check()?;
        let (_, error) = self.disk.operation(0, true);
        self.disk.disk().syncs += 1;
        let mut content = lock(&self.inode);
        if let Some(error) = error {
            let is_stopped = error.to_string().contains("stopped");
            if !is_stopped {
                // The pages count as written and are not: no later sync writes them.
                content.pending.clear()
            }
            return Err(error);
        }
        let content = &mut *content;
        content.pending.drain(..).for_each(|change| change.apply(&mut content.durable));
        Ok(())
    }
}
