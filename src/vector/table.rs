//! A log in memory, for tests: records in a table, from which nodes thaw.
//! In: vectors. Out: the same, stored. Must hold: a splice's base is stored whole.
//! Uses: `store`, `revive`, `link`.
#![allow(unsafe_code)] // Promises that a table loads nodes of its own vector type.

use super::GenericVector;
use super::ends::Ends;
use super::revive::*;
use super::store::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{Count, Kind, Origin, Session, Source, Word};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// A log in memory: records in a table, and how many were read.
pub(super) struct Table<A, C> {
    session: Session,
    shelf: Arc<Shelf<A>>,
    kind: PhantomData<fn() -> C>,
}

struct Shelf<A> {
    nodes: Mutex<HashMap<Address, Image<A>>>,
    next: AtomicU64,
    loads: AtomicU64,
    /// Elements that were written, and links of inner nodes.
    elements: AtomicU64,
    links: AtomicU64,
    /// Reads that succeed until one fails, and all after it.
    left: AtomicU64,
}

/// A record: what a [`NodeRecord`] says.
#[derive(Clone, Debug)]
pub(super) enum Image<A> {
    Leaf { base: Option<Base>, first: usize, elements: Vec<A> },
    Inner { base: Option<Base>, level: u32, links: Vec<StoredLink> },
    Spine(SpineParts),
}

impl<A, C> Clone for Table<A, C> {
    fn clone(&self) -> Self {
        Table { session: self.session, shelf: self.shelf.clone(), kind: PhantomData }
    }
}

impl<A: Clone + Send + Sync + 'static, C: Count> Table<A, C> {
    pub(super) fn new() -> Self {
        let shelf = Shelf {
            nodes: Mutex::default(),
            next: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            elements: AtomicU64::new(0),
            links: AtomicU64::new(0),
            left: AtomicU64::new(u64::MAX),
        };
        Table { session: Session::open().unwrap(), shelf: Arc::new(shelf), kind: PhantomData }
    }

    pub(super) fn origin(&self) -> Arc<Origin> {
        Arc::new(Origin { session: self.session, source: Box::new(self.clone()) })
    }

    pub(super) fn loads(&self) -> u64 {
        self.shelf.loads.load(Relaxed)
    }

    pub(super) fn records(&self) -> usize {
        self.shelf.nodes.lock().unwrap().len()
    }

    pub(super) fn elements(&self) -> u64 {
        self.shelf.elements.load(Relaxed)
    }

    pub(super) fn links(&self) -> u64 {
        self.shelf.links.load(Relaxed)
    }

    /// After so many reads all fail, or none.
    pub(super) fn fail_after(&self, reads: Option<u64>) {
        self.shelf.left.store(reads.unwrap_or(u64::MAX), Relaxed)
    }

    /// Changes each record.
    pub(super) fn harm(&self, harm: impl FnMut(&mut Image<A>)) {
        self.shelf.nodes.lock().unwrap().values_mut().for_each(harm)
    }

    pub(super) fn commit<P: Kind<Count = C>>(&self, vector: &GenericVector<A, P>) -> Option<Address> {
        self.commit_all([vector])[0]
    }

    /// A commit, to be written to this table and finished.
    pub(super) fn begin<'a>(&self) -> Writing<'a, A, C> {
        Writing { table: self.clone(), commit: Commit::new(self.session) }
    }

    /// Several vectors in one commit.
    pub(super) fn commit_all<'a, P: Kind<Count = C>>(
        &self,
        vectors: impl IntoIterator<Item = &'a GenericVector<A, P>>,
    ) -> Vec<Option<Address>> {
        let mut commit = self.begin();
        let roots = vectors.into_iter().map(|vector| commit.write(vector)).collect();
        commit.finish();
        roots
    }

    /// A vector whose root is stored at `address`.
    pub(super) fn open<P: Kind<Count = C>>(
        &self,
        address: Option<Address>,
        ends: Ends,
        origin: &Arc<Origin>,
    ) -> GenericVector<A, P> {
        match address {
            None => GenericVector::new(),
            // SAFETY: the table's type says which nodes it loads.
            Some(address) => unsafe { GenericVector::stored(address, ends, origin.clone()) },
        }
    }

    /// A vector committed and opened again.
    pub(super) fn lazy<P: Kind<Count = C>>(
        &self,
        vector: &GenericVector<A, P>,
        origin: &Arc<Origin>,
    ) -> GenericVector<A, P> {
        self.open(self.commit(vector), vector.body.ends, origin)
    }

    /// All parts of a record. Those that it leaves out its base has, which is whole.
    fn parts(&self, address: Address) -> Result<NodeParts<A>> {
        let nodes = self.shelf.nodes.lock().unwrap();
        let missing = || Error::new(ErrorKind::Corrupt, "no such record");
        let whole = |base: Base| nodes.get(&base.at).ok_or_else(missing);
        Ok(match nodes.get(&address).ok_or_else(missing)?.clone() {
            Image::Leaf { base: Some(base), first, elements } => {
                let Image::Leaf { base: None, elements: of_base, .. } = whole(base)? else { return Err(missing()) };
                NodeParts::Leaf { base: Some(base), first, elements: spliced(of_base, base, elements)? }
            }
            Image::Inner { base: Some(base), level, links } => {
                let Image::Inner { base: None, links: of_base, .. } = whole(base)? else { return Err(missing()) };
                NodeParts::Inner { base: Some(base), level, links: spliced(of_base, base, links)? }
            }
            Image::Leaf { base, first, elements } => NodeParts::Leaf { base, first, elements },
            Image::Inner { base, level, links } => NodeParts::Inner { base, level, links },
            Image::Spine(spine) => NodeParts::Spine(spine),
        })
    }
}

fn spliced<T: Clone>(of_base: &[T], base: Base, new: Vec<T>) -> Result<Vec<T>> {
    let back = of_base.len().checked_sub(base.back).filter(|_| base.front <= of_base.len());
    let back = back.ok_or_else(|| Error::new(ErrorKind::Corrupt, "less in the base than is said"))?;
    Ok([&of_base[..base.front], &new, &of_base[back..]].concat())
}

/// A commit to a table.
pub(super) struct Writing<'a, A, C> {
    table: Table<A, C>,
    commit: Commit<'a>,
}

impl<'a, A: Clone + Send + Sync + 'static, C: Count> Writing<'a, A, C> {
    pub(super) fn write<P: Kind<Count = C>>(&mut self, vector: &'a GenericVector<A, P>) -> Option<Address> {
        write(vector.body.root.link(), vector.body.ends, self)
            .expect("a table takes all; what is read of another log can be")
    }

    pub(super) fn finish(self) {
        self.commit.finish()
    }
}

impl<'a, A: Clone + Send + Sync + 'static, C: Count> Records<'a, A> for Writing<'a, A, C> {
    fn commit(&mut self) -> &mut Commit<'a> {
        &mut self.commit
    }

    fn node(&mut self, node: NodeRecord<'_, '_, A>) -> Result<Address> {
        let address = Address::new(self.table.shelf.next.fetch_add(1, Relaxed)).unwrap();
        let image = match node {
            NodeRecord::Leaf { base, first, elements } => {
                self.table.shelf.elements.fetch_add(elements.len() as u64, Relaxed);
                Image::Leaf { base, first, elements: elements.to_vec() }
            }
            NodeRecord::Inner { base, level, links } => {
                self.table.shelf.links.fetch_add(links.len() as u64, Relaxed);
                Image::Inner { base, level, links: links.to_vec() }
            }
            NodeRecord::Spine(spine) => Image::Spine(spine),
        };
        let mut nodes = self.table.shelf.nodes.lock().unwrap();
        let below: Vec<Address> = match &image {
            Image::Leaf { base, .. } => base.iter().map(|base| base.at).collect(),
            Image::Inner { base, links, .. } => {
                base.iter().map(|base| base.at).chain(links.iter().map(|link| link.address)).collect()
            }
            Image::Spine(SpineParts { head, tree, tail, .. }) => {
                [head, tree, tail].into_iter().flatten().map(|link| link.address).collect()
            }
        };
        assert!(below.iter().all(|below| *below < address && nodes.contains_key(below)), "children come first");
        nodes.insert(address, image);
        Ok(address)
    }
}

impl<A: Clone + Send + Sync + 'static, C: Count> Source for Table<A, C> {
    fn load(&self, origin: &Arc<Origin>, address: Address) -> Result<Word> {
        self.shelf.loads.fetch_add(1, Relaxed);
        let left = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        if self.shelf.left.fetch_update(Relaxed, Relaxed, left).is_err() {
            return Err(Error::new(ErrorKind::Io, "the table is out of order"));
        }
        revive::<A, C>(self.parts(address)?, address, origin).map(|node| node.into_word())
    }
}
