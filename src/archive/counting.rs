//! A sink that counts: what a commit would write, by the record kinds of the log, without a log.
//!
//! In: versions, in the order of their commits. Out: for each the records and bytes that are new. What was counted
//! once is marked as stored, as a commit would mark it, so that the next version pays for its own nodes only.
//! Must hold: a second commit of one version counts nothing; what is counted is what a log would get, but for the lists of
//! places that values with collections in them bring along.
//! Uses: `map`, `set`, `vector`, `link`, `id`, `error`.

use crate::error::Result;
use crate::id::Address;
use crate::link::{Kind, Session};
use crate::map::{self, GenericHashMap, RecordKind, StoredEntry};
use crate::set::GenericHashSet;
use crate::vector::{self, GenericVector};
use core::fmt;
use core::ops::AddAssign;

/// Counts what commits would write: records and bytes, headers and padding included.
///
/// The measure by which a layout is judged for disk, and a way to learn what versions of one's own data would cost.
/// A record is an 8-byte header and a body in units of 8 bytes. Entries of a map of more than 32 bytes are records of
/// their own, which leaves refer to by address.
///
/// ```
/// use backstory::{CountingSink, HashMap};
///
/// let mut sink = CountingSink::new()?;
/// let size = |_: &u64, _: &u64| 16;
/// let v1: HashMap<u64, u64> = (0..10_000).map(|i| (i, i)).collect();
/// let whole = sink.commit_map(&v1, size)?;
///
/// let v2 = v1.update(7, 8);
/// let step = sink.commit_map(&v2, size)?;
/// assert!(step.bytes() < whole.bytes() / 1000);
/// assert_eq!(sink.commit_map(&v2, size)?.records(), 0); // nothing is new
/// # Ok::<(), backstory::Error>(())
/// ```
pub struct CountingSink {
    session: Session,
    /// The next address, in units.
    next: u64,
}

/// How many records a commit writes, and how large they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By [`NAMES`]; each records and bytes.
    kinds: [(u64, u64); NAMES.len()],
}

/// The kinds of records.
const NAMES: [&str; 11] = [
    "inner",
    "overlay",
    "leaf",
    "leaf overlay",
    "collision",
    "entry",
    "vector inner",
    "vector inner splice",
    "vector leaf",
    "vector leaf splice",
    "spine",
];
const ENTRY: usize = 5;
const VECTOR_INNER: usize = 6;
const VECTOR_LEAF: usize = 8;
const SPINE: usize = 10;
const HEADER_LEN: u64 = 8;
const WORD: u64 = 8;
/// Entries that take up to so many bytes stand in their leaf; others are records of their own.
pub(super) const INLINE_MOST: usize = 32;

impl Counts {
    /// All records.
    pub fn records(&self) -> u64 {
        self.kinds.iter().map(|k| k.0).sum()
    }

    /// The bytes of all records, headers and padding included.
    pub fn bytes(&self) -> u64 {
        self.kinds.iter().map(|k| k.1).sum()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (own, other) in self.kinds.iter_mut().zip(other.kinds) {
            own.0 += other.0;
            own.1 += other.1;
        }
    }
}

impl fmt::Display for Counts {
    /// One line: all, then each kind that occurs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, {} bytes", self.records(), self.bytes())?;
        for (name, (records, bytes)) in NAMES.iter().zip(self.kinds).filter(|(_, k)| k.0 > 0) {
            write!(f, "; {name} {records} ({bytes})")?
        }
        Ok(())
    }
}

impl CountingSink {
    /// A sink to which nothing has been committed.
    ///
    /// # Errors
    /// `Invalid` after 2²⁰ - 1 sinks and opened logs in one process.
    pub fn new() -> Result<Self> {
        Ok(CountingSink { session: Session::open()?, next: 1 })
    }

    /// Counts what a commit of `map` would write, and marks it as stored here.
    ///
    /// `size` gives the stored length of an entry in bytes. A map that was committed elsewhere before is counted
    /// whole, for which what is stored there is read, and counts as stored here from then on. Time: O(what is new).
    ///
    /// # Errors
    /// If a stored node of another log cannot be read.
    ///
    /// # Panics
    /// If all that is counted comes to 128 TiB.
    pub fn commit_map<K, V, S, P: Kind>(
        &mut self,
        map: &GenericHashMap<K, V, S, P>,
        size: impl Fn(&K, &V) -> usize,
    ) -> Result<Counts> {
        let commit = map::Commit::new(self.session);
        let mut counting = Counting::new(self, size, commit);
        map::write(map.root.link(), &mut counting)?;
        counting.commit.finish();
        Ok(counting.counts)
    }

    /// The same for a set; `size` gives the stored length of a value.
    ///
    /// # Errors
    /// As [`commit_map`](Self::commit_map).
    ///
    /// # Panics
    /// As [`commit_map`](Self::commit_map).
    pub fn commit_set<A, S, P: Kind>(
        &mut self,
        set: &GenericHashSet<A, S, P>,
        size: impl Fn(&A) -> usize,
    ) -> Result<Counts> {
        self.commit_map(&set.map, |value, ()| size(value))
    }

    /// The same for a vector; `size` gives the stored length of an element.
    ///
    /// # Errors
    /// As [`commit_map`](Self::commit_map).
    ///
    /// # Panics
    /// As [`commit_map`](Self::commit_map).
    pub fn commit_vector<A, P: Kind>(
        &mut self,
        vector: &GenericVector<A, P>,
        size: impl Fn(&A) -> usize,
    ) -> Result<Counts> {
        let commit = vector::Commit::new(self.session);
        let mut counting = Counting::new(self, size, commit);
        vector::write(vector.body.root.link(), vector.body.ends, &mut counting)?;
        counting.commit.finish();
        Ok(counting.counts)
    }
}

/// One commit on its way.
struct Counting<'s, F, C> {
    sink: &'s mut CountingSink,
    size: F,
    counts: Counts,
    /// The collection's.
    commit: C,
}

impl<'s, F, C> Counting<'s, F, C> {
    fn new(sink: &'s mut CountingSink, size: F, commit: C) -> Self {
        Counting { sink, size, counts: Counts::default(), commit }
    }

    /// Counts a record with a body of so many bytes.
    fn record(&mut self, kind: usize, body_len: u64) -> Address {
        let len = HEADER_LEN + body_len.saturating_add(7) / 8 * 8;
        self.counts.kinds[kind].0 += 1;
        self.counts.kinds[kind].1 += len;
        let address = Address::new(self.sink.next).expect("fewer than 128 TiB are counted");
        self.sink.next += len / 8;
        address
    }
}

impl<'a, K, V, F: Fn(&K, &V) -> usize> map::Records<'a, K, V> for Counting<'_, F, map::Commit<'a>> {
    fn commit(&mut self) -> &mut map::Commit<'a> {
        &mut self.commit
    }

    fn entry(&mut self, key: &K, value: &V) -> Result<Option<Address>> {
        let len = (self.size)(key, value);
        Ok((len > INLINE_MOST).then(|| self.record(ENTRY, len as u64)))
    }

    fn node(&mut self, node: map::NodeRecord<'_, '_, K, V>) -> Result<Address> {
        // A link, and so an address with what stands in its spare bits, takes a word.
        let links = WORD * node.links.len() as u64;
        let here = node.entries.iter().filter_map(|entry| match entry {
            StoredEntry::At(_) => None,
            StoredEntry::New(key, value) => Some((self.size)(key, value) as u64),
        });
        // Where the others are, if there are others; then those that stand here, and how many.
        let n = here.clone().count();
        let elsewhere = if n < node.entries.len() { WORD * node.entries.len() as u64 } else { 0 };
        let entries = elsewhere + if n > 0 { here.sum::<u64>().next_multiple_of(WORD) + WORD } else { 0 };
        // The tags, after a byte that counts them; in an overlay two more say where they belong.
        let tags = |head: u64| (head + node.tags.len() as u64).next_multiple_of(WORD);
        let (kind, body_len) = match node.kind {
            RecordKind::Inner => (0, links),
            RecordKind::Overlay => (1, WORD + links),
            RecordKind::Leaf => (2, tags(1) + entries),
            RecordKind::LeafOverlay => (3, WORD + tags(3) + entries),
            RecordKind::Collision => (4, WORD + entries),
        };
        Ok(self.record(kind, body_len))
    }
}

impl<'a, A, F: Fn(&A) -> usize> vector::Records<'a, A> for Counting<'_, F, vector::Commit<'a>> {
    fn commit(&mut self) -> &mut vector::Commit<'a> {
        &mut self.commit
    }

    fn node(&mut self, node: vector::NodeRecord<'_, '_, A>) -> Result<Address> {
        // A base, and how much of it there is in front and at the back, takes a word.
        let (kind, body_len) = match node {
            vector::NodeRecord::Leaf { base, elements, .. } => {
                let elements: u64 = elements.iter().map(|element| (self.size)(element) as u64).sum();
                // How many they are, and the place of the first one.
                let len = elements.next_multiple_of(WORD) + 2 * WORD;
                (VECTOR_LEAF + base.is_some() as usize, WORD * base.is_some() as u64 + len)
            }
            vector::NodeRecord::Inner { base, links, .. } => {
                // The spare bits of a link's address say how long a child is, where they are enough.
                let long = links.iter().any(|link| link.len >> Address::SPARE_BITS != 0);
                let links = WORD * (1 + long as u64) * links.len() as u64;
                (VECTOR_INNER + base.is_some() as usize, WORD * base.is_some() as u64 + WORD + links)
            }
            vector::NodeRecord::Spine(_) => (SPINE, 5 * WORD),
        };
        Ok(self.record(kind, body_len))
    }
}
