//! Digests: what contents come to, by blake3; a function of the contents, whatever nodes they are in.
//!
//! In: states. Out: 32 bytes.
//! Must hold: equal contents have equal digests, in memory and stored; what has different parts is hashed from different
//! bytes (each begins with what it is of, lengths come before what they are of). What was worked out of stored nodes is kept,
//! so that another version costs what differs. Bytes: docs/FORMAT.md, "Digests".
//! Uses: `serializer`, `state`, `images`, `map`, `vector`, `link`, `hash`, `id`, `error`.

use super::images::*;
use super::serializer::{Ser, Serializer, Sink};
use super::state::State;
use crate::error::{Result, caught};
use crate::hash::PortableHasher;
use crate::id::Digest;
use crate::link::{Kind, Mark};
use crate::map::{self, GenericHashMap};
use crate::vector::{self, Ends, GenericVector};
use rkyv::{Serialize, SerializeUnsized};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a hash is of: its first byte.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Of {
    State = 1,
    Entry = 2,
    Leaf = 3,
    Pair = 4,
    Block = 5,
    Vector = 6,
}

/// So many elements has a block of a vector.
pub(super) const BLOCK: usize = 1024;

/// How many digests are kept: as many again may be, in the generation before.
pub(super) const MOST_KEPT: usize = 1 << 18;

/// What digests are kept of: marks name nodes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    MapNode,
    /// By the word of its ends.
    Vector(u64),
    /// That begins here.
    Block(usize),
}

type Kept = HashMap<(Mark, What), Digest>;

/// Digests that were worked out: those of marked nodes, which never change. Bounded: when there are [`MOST_KEPT`] new ones,
/// what was not asked for since the last time goes. At most 60 MB.
#[derive(Default)]
pub(crate) struct Digests {
    /// The newer and the older ones.
    kept: Mutex<[Kept; 2]>,
    /// How many bytes were hashed.
    #[cfg(test)]
    pub(super) hashed: std::sync::atomic::AtomicU64,
}

impl Digests {
    fn kept(&self) -> MutexGuard<'_, [Kept; 2]> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, at: Mark, what: What) -> Option<Digest> {
        if !at.is_place() {
            return None;
        }
        let mut kept = self.kept();
        let [newer, older] = &mut *kept;
        if let Some(&digest) = newer.get(&(at, what)) {
            return Some(digest);
        }
        let digest = older.remove(&(at, what))?;
        drop(kept);
        self.set(at, what, digest);
        Some(digest)
    }

    pub(super) fn set(&self, at: Mark, what: What, digest: Digest) {
        if at.is_place() {
            let mut kept = self.kept();
            if kept[0].len() == MOST_KEPT {
                kept.swap(0, 1);
                kept[0].clear()
            }
            kept[0].insert((at, what), digest);
        }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept().iter().map(Kept::len).sum()
    }

    fn hash(&self, bytes: &[u8]) -> Digest {
        #[cfg(test)]
        self.hashed.fetch_add(bytes.len() as u64, std::sync::atomic::Ordering::Relaxed);
        Digest::from_bytes(*blake3::hash(bytes).as_bytes())
    }
}

/// The digest of a state.
pub(crate) fn digest<T: State>(state: &T, digests: &Arc<Digests>) -> Result<Digest> {
    let mut serializer = Serializer::digesting(digests.clone());
    let mut bytes = vec![Of::State as u8];
    caught(|| value(state, Ser::wrap(&mut serializer), &mut bytes))??;
    Ok(digests.hash(&bytes))
}

/// Appends a value as it is hashed.
fn value<T: Serialize<S>, S: Sink + ?Sized>(value: &T, s: &mut S, to: &mut Vec<u8>) -> Result<()> {
    s.nodes().begin()?;
    Last(value).serialize_unsized(s)?;
    s.nodes().end_value(to);
    Ok(())
}

/// Works out the digest of a collection with the serializer that met it.
struct Digesting<'s, S: ?Sized> {
    s: &'s mut S,
    digests: Arc<Digests>,
    /// The block that is begun.
    bytes: Vec<u8>,
}

impl<'s, S: Sink + ?Sized> Digesting<'s, S> {
    fn new(s: &'s mut S) -> Self {
        let digests = s.nodes().digests().expect("digests are worked out").clone();
        Digesting { s, digests, bytes: vec![Of::Block as u8] }
    }
}

impl<K: Serialize<S>, V: Serialize<S>, S: Sink + ?Sized> map::Fold<K, V> for Digesting<'_, S> {
    type Out = Digest;

    fn known(&mut self, at: Mark) -> Option<Digest> {
        self.digests.get(at, What::MapNode)
    }

    fn learn(&mut self, at: Mark, out: Digest) {
        self.digests.set(at, What::MapNode, out)
    }

    fn leaf<'e>(&mut self, entries: impl Iterator<Item = &'e (K, V)>) -> Result<Digest>
    where
        K: 'e,
        V: 'e,
    {
        let mut all = Vec::with_capacity(16);
        let mut bytes = Vec::new();
        for (key, own) in entries {
            bytes.clear();
            bytes.push(Of::Entry as u8);
            value(&Entry(key, own), self.s, &mut bytes)?;
            all.push(self.digests.hash(&bytes))
        }
        all.sort_unstable();
        Ok(self.digests.hash(&listed(Of::Leaf, &[], &all)))
    }

    fn pair(&mut self, zero: Digest, one: Digest) -> Digest {
        self.digests.hash(&listed(Of::Pair, &[], &[zero, one]))
    }
}

impl<A: Serialize<S>, S: Sink + ?Sized> vector::Fold<A> for Digesting<'_, S> {
    type Out = Digest;
    const BLOCK: usize = BLOCK;

    fn known(&mut self, at: Mark, from: usize) -> Option<Digest> {
        self.digests.get(at, What::Block(from))
    }

    fn learn(&mut self, at: Mark, from: usize, out: Digest) {
        self.digests.set(at, What::Block(from), out)
    }

    fn add(&mut self, elements: &[A]) -> Result<()> {
        elements.iter().try_for_each(|element| value(element, self.s, &mut self.bytes))
    }

    fn end(&mut self) -> Digest {
        let digest = self.digests.hash(&self.bytes);
        self.bytes.truncate(1);
        digest
    }
}

fn listed(of: Of, before: &[u8], digests: &[Digest]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + before.len() + 32 * digests.len());
    bytes.push(of as u8);
    bytes.extend_from_slice(before);
    digests.iter().for_each(|digest| bytes.extend_from_slice(digest.as_bytes()));
    bytes
}

/// Notes the digest of a map that is met in a value, and gives what stands there instead of its handle.
pub(super) fn map<K, V, H, P, S>(map: &GenericHashMap<K, V, H, P>, s: &mut S) -> Result<HandleResolver>
where
    K: Serialize<S>,
    V: Serialize<S>,
    H: PortableHasher,
    P: Kind,
    S: Sink + ?Sized,
{
    let mut digesting = Digesting::new(s);
    let root = map::fold(map.root.link(), &mut digesting)?;
    let digest = root.unwrap_or_else(|| digesting.digests.hash(&listed(Of::Leaf, &[], &[])));
    Ok(nested(s, digest, map_word::<H>(map.len())))
}

/// The same of a vector.
pub(super) fn vector<A, P, S>(vector: &GenericVector<A, P>, s: &mut S) -> Result<HandleResolver>
where
    A: Serialize<S>,
    P: Kind,
    S: Sink + ?Sized,
{
    let (root, ends) = (vector.body.root.link(), vector.body.ends);
    let mut digesting = Digesting::new(s);
    let digests = digesting.digests.clone();
    let (at, what) = (vector::stored_mark(root, ends), What::Vector(ends.word()));
    let digest = match digests.get(at, what) {
        Some(digest) => digest,
        None => {
            let blocks = vector::fold(root, ends, &mut digesting)?;
            let digest = digests.hash(&listed(Of::Vector, &(ends.len() as u64).to_le_bytes(), &blocks));
            digests.set(at, what, digest);
            digest
        }
    };
    Ok(nested(s, digest, Ends::of_len(ends.len()).word()))
}

fn nested<S: Sink + ?Sized>(s: &mut S, digest: Digest, own: u64) -> HandleResolver {
    s.nodes().nest(digest);
    HandleResolver { root: None, own, places: s.nodes().places() }
}
