//! Reading: where stored nodes thaw from, and the deserializer that makes collections of their handles.
//!
//! In: records. Out: values; collections whose roots stay stored.
//! Must hold: L8: all nodes of one type that one library loads have one origin, so that they mix.
//! Uses: `log`, `map`, `set`, `vector`, `link`, `images`, `hashers`, `serializer`, `checked`, `hash`, `id`, `error`.
#![allow(unsafe_code)] // Promises that an origin loads nodes of its own type: docs/ARCHITECTURE.md, "Unsafe".

use super::checked::Check;
use super::hashers::Hashers;
use super::images::*;
use super::serializer::Copies;
use super::{map, vector};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::{Count, Kind, Origin, Session, Source as NodeSource, Word, corrupt};
use crate::log::{Reader, Record};
use crate::map::GenericHashMap;
use crate::set::GenericHashSet;
use crate::vector::{Ends, GenericVector};
use rkyv::bytecheck::CheckBytes;
use rkyv::de::{ErasedPtr, Pool, Pooling, PoolingState};
use rkyv::rancor::{Fallible, Strategy};
use rkyv::{Archive, Deserialize};
use std::any::TypeId;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The deserializer that states are read with.
pub type De = Strategy<Loader, Error>;

/// What a value of a collection must be, to be read back: rkyv's traits, as its derives give them.
pub trait Thaw: Archive<Archived: Deserialize<Self, De> + for<'a> CheckBytes<Check<'a>>> + Sized {}
impl<T> Thaw for T
where
    T: Archive,
    T::Archived: Deserialize<T, De> + for<'a> CheckBytes<Check<'a>>,
{
}

/// What the crate's collections need of a deserializer. Only the crate's own is one; the trait's name is for
/// `#[rkyv(deserialize_bounds(__D: backstory::Source))]` on recursive types.
pub trait Source: Fallible<Error = Error> + Loads {}
impl<D: Fallible<Error = Error> + Loads + ?Sized> Source for D {}

mod sealed {
    /// Leads to the crate's deserializer through what wraps it.
    pub trait Loads {
        fn loader(&mut self) -> &mut super::Loader;
    }
}
use sealed::Loads;

impl Loads for Loader {
    fn loader(&mut self) -> &mut Loader {
        self
    }
}
impl<T: Loads + ?Sized, E> Loads for Strategy<T, E> {
    fn loader(&mut self) -> &mut Loader {
        T::loader(self)
    }
}

/// A log as one session reads it, and the origins of the nodes that were read.
pub(crate) struct Library {
    session: Session,
    reader: Arc<Reader>,
    pub(super) hashers: Hashers,
    /// Records that are not in the log.
    copies: Copies,
    /// An origin owns the library; so this does not own the origin.
    origins: Mutex<HashMap<TypeId, Weak<Origin>>>,
}

impl Library {
    pub(crate) fn new(session: Session, reader: Arc<Reader>) -> Arc<Self> {
        Arc::new(Library {
            session,
            reader,
            hashers: Hashers::default(),
            copies: Copies::new(),
            origins: Mutex::default(),
        })
    }

    /// The same log and session, with further records.
    pub(crate) fn with(&self, copies: Copies) -> Arc<Self> {
        let Library { session, ref reader, ref hashers, .. } = *self;
        let origins = Mutex::default();
        Arc::new(Library { session, reader: reader.clone(), hashers: hashers.clone(), copies, origins })
    }

    pub(super) fn session(&self) -> Session {
        self.session
    }

    pub(crate) fn read(&self, at: Address) -> Result<Record> {
        self.copies.get(&at).map_or_else(|| self.reader.read(at), |copy| Ok(copy.clone()))
    }

    /// Where the log ends, in units.
    #[cfg(test)]
    pub(super) fn end(&self) -> u64 {
        self.reader.end()
    }

    /// The origin of nodes that are loaded by a shelf of type `T`.
    fn origin<T: NodeSource + 'static>(self: &Arc<Self>, shelf: fn(Arc<Self>) -> T) -> Arc<Origin> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = origins.entry(TypeId::of::<T>()).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let origin = Arc::new(Origin { session: self.session, source: Box::new(shelf(self.clone())) });
            *slot = Arc::downgrade(&origin);
            origin
        })
    }
}

/// Reads one record's values.
pub struct Loader {
    library: Arc<Library>,
    /// The record's, which is above all that it refers to.
    at: Address,
    pool: Pool,
}

impl Loader {
    pub(super) fn new(library: Arc<Library>, at: Address) -> Self {
        Loader { library, at, pool: Pool::new() }
    }
}

impl Pooling<Error> for Loader {
    fn start_pooling(&mut self, address: usize) -> PoolingState {
        Pooling::<Error>::start_pooling(&mut self.pool, address)
    }

    unsafe fn finish_pooling(&mut self, address: usize, at: ErasedPtr, drop: unsafe fn(ErasedPtr)) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.pool.finish_pooling(address, at, drop) }
    }
}

// Which nodes a shelf loads.
struct MapNode<K, V, C>(PhantomData<(K, V, C)>);
struct VectorNode<A, C>(PhantomData<(A, C)>);

/// Loads nodes of one type. A value may look into the collections that it is made from: what is damaged there is an error.
struct Shelf<T> {
    library: Arc<Library>,
    of: PhantomData<fn() -> T>,
}

impl<T> Shelf<T> {
    fn new(library: Arc<Library>) -> Self {
        Shelf { library, of: PhantomData }
    }
}

impl<K: Thaw, V: Thaw, C: Count> NodeSource for Shelf<MapNode<K, V, C>> {
    fn load(&self, origin: &Arc<Origin>, at: Address) -> Result<Word> {
        let parts = caught(|| map::read::<K, V>(&self.library, at))??;
        crate::map::revive::<K, V, C>(parts, at, origin).map(|node| node.into_word())
    }

    fn values(&self, at: &[Address], take: &mut dyn FnMut(NonNull<u8>)) -> Result<()> {
        let take = |entry| {
            // `take` moves it out of here.
            let mut entry = ManuallyDrop::new(entry);
            take(NonNull::from(&mut entry).cast())
        };
        caught(|| map::read_entries::<K, V>(&self.library, at, take))?
    }
}

impl<A: Thaw, C: Count> NodeSource for Shelf<VectorNode<A, C>> {
    fn load(&self, origin: &Arc<Origin>, at: Address) -> Result<Word> {
        let parts = caught(|| vector::read::<A>(&self.library, at))??;
        crate::vector::revive::<A, C>(parts, at, origin).map(|node| node.into_word())
    }
}

/// The root of a map whose handle is in the record at `at`, if it is not empty.
///
/// # Errors
/// `Incompatible` if it was stored with another hasher, or that has changed; `Corrupt` if the handle says what none says.
pub(super) fn map_root<S: PortableHasher>(handle: Handle, library: &Library, at: Address) -> Result<Option<Address>> {
    let hasher = map_hasher(handle.own());
    if hasher != S::ID as u64 {
        let what = format!(
            "{at}: a map that was stored with hasher {hasher} cannot be read with hasher {}: use the one it was \
             stored with",
            S::ID
        );
        return Err(Error::new(ErrorKind::Incompatible, what));
    }
    let root = handle.root_below(at)?;
    match (root, map_len(handle.own())) {
        (None, 1..) => return Err(corrupt(at, "a map with entries and without a root")),
        // The next version would name it again.
        (Some(_), 0) => return Err(corrupt(at, "a map with a root and without entries")),
        (Some(_), _) => library.check_hasher::<S>(at)?,
        (None, 0) => {}
    }
    Ok(root)
}

fn map_of<K, V, S, P>(handle: Handle, loader: &Loader) -> Result<GenericHashMap<K, V, S, P>>
where
    K: Thaw + 'static,
    V: Thaw + 'static,
    S: PortableHasher,
    P: Kind,
{
    let root = map_root::<S>(handle, &loader.library, loader.at)?;
    let Some(root) = root else { return Ok(GenericHashMap::default()) };
    let origin = loader.library.origin(Shelf::<MapNode<K, V, P::Count>>::new);
    // SAFETY: a shelf of this type loads nodes of this type.
    Ok(unsafe { GenericHashMap::stored(root, map_len(handle.own()), origin) })
}

impl<K, V, S, P, D> Deserialize<GenericHashMap<K, V, S, P>, D> for ArchivedHashMap<K, V, S>
where
    K: Thaw + 'static,
    V: Thaw + 'static,
    S: PortableHasher,
    P: Kind,
    D: Source + ?Sized,
{
    fn deserialize(&self, d: &mut D) -> Result<GenericHashMap<K, V, S, P>> {
        map_of(self.handle, d.loader())
    }
}

impl<A, S, P, D> Deserialize<GenericHashSet<A, S, P>, D> for ArchivedHashSet<A, S>
where
    A: Thaw + 'static,
    S: PortableHasher,
    P: Kind,
    D: Source + ?Sized,
{
    fn deserialize(&self, d: &mut D) -> Result<GenericHashSet<A, S, P>> {
        Ok(GenericHashSet { map: map_of(self.handle, d.loader())? })
    }
}

/// Where the root of a vector is whose handle is in the record at `at`, if it is not empty; and how long it is.
///
/// # Errors
/// `Corrupt` if the handle says what none says.
pub(super) fn vector_root(handle: Handle, at: Address) -> Result<(Option<Address>, Ends)> {
    let ends = Ends::of_word(handle.own());
    let ends = ends.ok_or_else(|| corrupt(at, "a vector with more in its head than in all of it"))?;
    match (handle.root_below(at)?, ends.len()) {
        // Of a vector that was emptied after it was stored, in logs from before roots of such were left out.
        (_, 0) => Ok((None, ends)),
        (None, _) => Err(corrupt(at, "a vector with elements and without a root")),
        (root, _) => Ok((root, ends)),
    }
}

impl<A, P, D> Deserialize<GenericVector<A, P>, D> for ArchivedVector<A>
where
    A: Thaw + 'static,
    P: Kind,
    D: Source + ?Sized,
{
    fn deserialize(&self, d: &mut D) -> Result<GenericVector<A, P>> {
        let loader = d.loader();
        let (Some(root), ends) = vector_root(self.handle, loader.at)? else { return Ok(GenericVector::new()) };
        let origin = loader.library.origin(Shelf::<VectorNode<A, P::Count>>::new);
        // SAFETY: a shelf of this type loads nodes of this type.
        Ok(unsafe { GenericVector::stored(root, ends, origin) })
    }
}
