//! A log in memory, for tests: records in a table, from which nodes thaw.
//! In: maps. Out: the same, stored.
//! Uses: `store`, `revive`, `link`.
#![allow(unsafe_code)] // Promises that a table loads nodes of its own map type.

use super::GenericHashMap;
use super::revive::*;
use super::store::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{Count, Kind, Origin, Session, Source, Word};
use std::collections::HashMap as StdMap;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// A log in memory: records in a table, and how many were read.
pub(super) struct Table<K, V, C> {
    session: Session,
    inner: Arc<Shelf<K, V>>,
    kind: PhantomData<fn() -> C>,
}

struct Shelf<K, V> {
    nodes: Mutex<StdMap<Address, Image<K, V>>>,
    entries: Mutex<StdMap<Address, (K, V)>>,
    next: AtomicU64,
    loads: AtomicU64,
    values: AtomicU64,
    fails: AtomicBool,
    /// Loads wait a moment, so that others may be faster.
    is_slow: AtomicBool,
}

/// A record.
pub(super) struct Image<K, V> {
    pub(super) kind: RecordKind,
    pub(super) base: Option<Address>,
    pub(super) bits: u32,
    pub(super) links: Vec<StoredLink>,
    pub(super) dead: u16,
    pub(super) places: u16,
    pub(super) tags: Vec<u8>,
    pub(super) entries: Vec<std::result::Result<Address, (K, V)>>,
}

impl<K, V, C> Clone for Table<K, V, C> {
    fn clone(&self) -> Self {
        Table { session: self.session, inner: self.inner.clone(), kind: PhantomData }
    }
}

impl<K, V, C> Table<K, V, C>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    C: Count,
{
    pub(super) fn new() -> Self {
        let shelf = Shelf {
            nodes: Mutex::default(),
            entries: Mutex::default(),
            next: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            values: AtomicU64::new(0),
            fails: AtomicBool::new(false),
            is_slow: AtomicBool::new(false),
        };
        Table { session: Session::open().unwrap(), inner: Arc::new(shelf), kind: PhantomData }
    }

    pub(super) fn origin(&self) -> Arc<Origin> {
        Arc::new(Origin { session: self.session, source: Box::new(self.clone()) })
    }

    /// Takes its time, or fails, as it was told to.
    fn answer(&self) -> Result<()> {
        if self.inner.is_slow.load(Relaxed) {
            std::thread::sleep(std::time::Duration::from_micros(20))
        }
        match self.inner.fails.load(Relaxed) {
            true => Err(Error::new(ErrorKind::Io, "the table is out of order")),
            false => Ok(()),
        }
    }

    /// The parts of a node and of its base.
    fn parts(&self, address: Address) -> Result<NodeParts<K, V>> {
        let (mut parts, base) = {
            let nodes = self.inner.nodes.lock().unwrap();
            let image = nodes.get(&address).ok_or_else(|| Error::new(ErrorKind::Corrupt, "no such record"))?;
            let entries = image.entries.iter().map(|entry| match entry {
                Ok(at) => EntryPart::Out(*at),
                Err((k, v)) => EntryPart::In(k.clone(), v.clone()),
            });
            let parts = NodeParts {
                kind: image.kind,
                base: None,
                bits: image.bits,
                links: image.links.clone(),
                dead: image.dead,
                places: image.places,
                tags: image.tags.clone(),
                entries: entries.collect(),
            };
            (parts, image.base)
        };
        if let Some(base) = base {
            self.inner.loads.fetch_add(1, Relaxed);
            parts.base = Some((base, Box::new(self.parts(base)?)))
        }
        Ok(parts)
    }

    fn address(&self) -> Address {
        Address::new(self.inner.next.fetch_add(1, Relaxed)).unwrap()
    }

    pub(super) fn loads(&self) -> u64 {
        self.inner.loads.load(Relaxed)
    }

    /// How many entries were read that are records of their own.
    pub(super) fn values(&self) -> u64 {
        self.inner.values.load(Relaxed)
    }

    /// From now on all reads fail, or none.
    pub(super) fn fail(&self, fails: bool) {
        self.inner.fails.store(fails, Relaxed)
    }

    pub(super) fn slow_down(&self) {
        self.inner.is_slow.store(true, Relaxed)
    }

    /// Changes each record.
    pub(super) fn harm(&self, harm: impl FnMut(&mut Image<K, V>)) {
        self.inner.nodes.lock().unwrap().values_mut().for_each(harm)
    }

    pub(super) fn records(&self) -> usize {
        self.inner.nodes.lock().unwrap().len()
    }

    pub(super) fn commit<S, P: Kind<Count = C>>(&self, map: &GenericHashMap<K, V, S, P>) -> Option<Address> {
        let mut writing = Writing { table: self, commit: Commit::new(self.session) };
        let root = write(map.root.link(), &mut writing).unwrap();
        writing.commit.finish();
        root
    }

    /// A map whose root is stored at `address`.
    pub(super) fn open<S: Default, P: Kind<Count = C>>(
        &self,
        address: Option<Address>,
        len: usize,
        origin: &Arc<Origin>,
    ) -> GenericHashMap<K, V, S, P> {
        match address {
            None => GenericHashMap::default(),
            // SAFETY: the table's type says which nodes it loads.
            Some(address) => unsafe { GenericHashMap::stored(address, len, origin.clone()) },
        }
    }
}

/// A commit to a table.
struct Writing<'t, 'a, K, V, C> {
    table: &'t Table<K, V, C>,
    commit: Commit<'a>,
}

impl<'a, K: Clone, V: Clone, C> Records<'a, K, V> for Writing<'_, 'a, K, V, C>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    C: Count,
{
    fn commit(&mut self) -> &mut Commit<'a> {
        &mut self.commit
    }

    fn entry(&mut self, key: &K, value: &V) -> Result<Option<Address>> {
        let address = self.table.address();
        // Some stand in their leaf.
        if address.units().is_multiple_of(4) {
            return Ok(None);
        }
        self.table.inner.entries.lock().unwrap().insert(address, (key.clone(), value.clone()));
        Ok(Some(address))
    }

    fn node(&mut self, node: NodeRecord<'_, '_, K, V>) -> Result<Address> {
        let address = self.table.address();
        let entries = node.entries.iter().map(|entry| match entry {
            StoredEntry::At(address) => Ok(*address),
            StoredEntry::New(k, v) => Err(((*k).clone(), (*v).clone())),
        });
        let below = node.links.iter().filter_map(|link| link.address).chain(node.base);
        assert!(below.max().is_none_or(|below| below < address), "children come first");
        let image = Image {
            kind: node.kind,
            base: node.base,
            bits: node.bits,
            links: node.links.to_vec(),
            dead: node.dead,
            places: node.places,
            tags: node.tags.to_vec(),
            entries: entries.collect(),
        };
        self.table.inner.nodes.lock().unwrap().insert(address, image);
        Ok(address)
    }
}

impl<K, V, C> Source for Table<K, V, C>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    C: Count,
{
    fn load(&self, origin: &Arc<Origin>, address: Address) -> Result<Word> {
        self.inner.loads.fetch_add(1, Relaxed);
        self.answer()?;
        let parts = self.parts(address)?;
        revive::<K, V, C>(parts, address, origin).map(|node| node.into_word())
    }

    fn values(&self, at: &[Address], take: &mut dyn FnMut(NonNull<u8>)) -> Result<()> {
        for at in at {
            self.inner.values.fetch_add(1, Relaxed);
            self.answer()?;
            let mut entry = ManuallyDrop::new(self.inner.entries.lock().unwrap()[at].clone());
            take(NonNull::from(&mut entry).cast())
        }
        Ok(())
    }
}
