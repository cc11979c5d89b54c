//! Hashers as a log knows them: a number, and what it makes of ten values.
//!
//! A map whose hasher has changed under its number is a map whose keys are not found. So the first batch with a map of a
//! hasher has a record of it, and who first loads a map of it, or adds one, compares.
//!
//! In: types of hashers. Out: a record of all that a log has; `Incompatible` where it says otherwise.
//! Must hold: the newest record has what all before it had. Bytes: docs/FORMAT.md, "Hashers".
//! Uses: `hash`, `serializer`, `loader`, `body`, `record`, `link`, `id`, `error`.

use super::body::Body;
use super::loader::Library;
use super::record::kinds;
use super::serializer::Serializer;
use crate::error::{Error, ErrorKind, Result};
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::corrupt;
use std::any::TypeId;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

const CANARIES: usize = 10;

/// A hasher: its type, its number, and how it hashes the canaries.
#[derive(Clone, Copy)]
pub(super) struct Hasher {
    of: TypeId,
    id: u16,
    hashes: fn() -> [u64; CANARIES],
}

impl Hasher {
    pub(super) fn of<S: PortableHasher>() -> Self {
        Hasher { of: typeid::of::<S>(), id: S::ID, hashes: hashes::<S> }
    }
}

impl PartialEq for Hasher {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

/// What a hasher makes of the canaries: each way in which a key is written to a hasher is in one of them.
fn hashes<S: PortableHasher>() -> [u64; CANARIES] {
    let hasher = S::default();
    [
        hasher.hash_one(0u64),
        hasher.hash_one(u64::MAX),
        hasher.hash_one((0x07u8, 0x0807u16, 0x0a09_0807u32)),
        hasher.hash_one((-7i8, -7i16, -7i32, -7i64)),
        hasher.hash_one((1u128 << 100, -1i128)),
        hasher.hash_one((7usize, -7isize)),
        hasher.hash_one(""),
        hasher.hash_one("12345678"),
        hasher.hash_one("the quick brown fox jumps over the lazy dog"),
        hasher.hash_one(('x', true, [3u8; 3])),
    ]
}

/// What one opening of a log knows of its hashers.
#[derive(Default)]
pub(super) struct Hashers {
    /// The address of the newest record that was heard of, 0 for none.
    newest: AtomicU64,
    /// That of the newest one that was read, or written: new versions name it. A stamp before them may be forged.
    read: AtomicU64,
    /// Those that were compared with it.
    compared: RwLock<Vec<TypeId>>,
}

impl Clone for Hashers {
    fn clone(&self) -> Self {
        let compared = self.compared.read().unwrap_or_else(PoisonError::into_inner).clone();
        let copy = |at: &AtomicU64| at.load(Ordering::Acquire).into();
        Hashers { newest: copy(&self.newest), read: copy(&self.read), compared: compared.into() }
    }
}

type Known = Vec<(u16, [u64; CANARIES])>;

impl Library {
    /// Hears of a record, from a stamp.
    pub(crate) fn note_hashers(&self, at: Option<Address>) {
        self.hashers.newest.fetch_max(at.map_or(0, Address::units), Ordering::AcqRel);
    }

    /// The newest record that is known to be one, if any was needed.
    pub(crate) fn hashers(&self) -> Option<Address> {
        Address::new(self.hashers.read.load(Ordering::Acquire))
    }

    /// Hears of one that was written, or read before.
    pub(crate) fn keep_hashers(&self, at: Option<Address>) {
        self.note_hashers(at);
        self.hashers.read.fetch_max(at.map_or(0, Address::units), Ordering::AcqRel);
    }

    fn known(&self) -> Result<Known> {
        let newest = self.hashers.newest.load(Ordering::Acquire);
        let Some(at) = Address::new(newest) else { return Ok(Known::new()) };
        let known = read(self, at)?;
        self.keep_hashers(Some(at));
        Ok(known)
    }

    fn is_compared(&self, hasher: Hasher) -> bool {
        self.hashers.compared.read().unwrap_or_else(PoisonError::into_inner).contains(&hasher.of)
    }

    /// Compares a hasher with what the log says of it, the first time that it is met; false if the log has none of this
    /// number.
    fn compare(&self, hasher: Hasher) -> Result<bool> {
        if self.is_compared(hasher) {
            return Ok(true);
        }
        let is_known = compare(&self.known()?, hasher)?;
        if is_known {
            self.hashers.compared.write().unwrap_or_else(PoisonError::into_inner).push(hasher.of)
        }
        Ok(is_known)
    }

    /// Compares the hasher of a map that is named at an address.
    ///
    /// # Errors
    /// `Incompatible` if it hashes otherwise than when the map was stored; `Corrupt` if the log does not say how.
    pub(super) fn check_hasher<S: PortableHasher>(&self, at: Address) -> Result<()> {
        match self.compare(Hasher::of::<S>())? {
            true => Ok(()),
            false => Err(corrupt(at, format!("a map with hasher {}, of which the log has no record", S::ID))),
        }
    }

    /// Writes what the log does not say yet of the hashers that a serializer met; the address of it, if there was anything.
    ///
    /// # Errors
    /// `Incompatible` if one hashes otherwise than what the log has under its number.
    pub(crate) fn write_hashers(&self, serializer: &mut Serializer) -> Result<Option<Address>> {
        let mut new = Vec::new();
        for hasher in std::mem::take(&mut serializer.commit().hashers) {
            if !self.compare(hasher)? {
                new.push(hasher)
            }
        }
        // Maps that are moved are not looked into: all hashers of the other log come with them.
        let is_none_known = self.hashers.newest.load(Ordering::Acquire) == 0;
        let moving = serializer.commit().moving.as_ref().filter(|_| is_none_known);
        if new.is_empty() && moving.is_none() {
            return Ok(None);
        }
        let mut known = moving.map_or(self, |moving| moving.from()).known()?;
        if new.is_empty() && known.is_empty() {
            return Ok(None);
        }
        for hasher in new {
            // Two types may have one number.
            if !compare(&known, hasher)? {
                known.push((hasher.id, (hasher.hashes)()))
            }
        }
        serializer.begin()?;
        known.iter().for_each(|(id, hashes)| serializer.words([*id as u64].into_iter().chain(*hashes)));
        serializer.end(kinds::HASHERS).map(Some)
    }
}

/// True if it is known, and does what is known of it.
fn compare(known: &Known, hasher: Hasher) -> Result<bool> {
    let Some((_, hashes)) = known.iter().find(|(id, _)| *id == hasher.id) else { return Ok(false) };
    if *hashes == (hasher.hashes)() {
        return Ok(true);
    }
    let what = format!(
        "hasher {} gives other hashes than when this log was written, so that keys would not be found: use the hasher it \
         was written with, and give one that hashes otherwise a number of its own",
        hasher.id
    );
    Err(Error::new(ErrorKind::Incompatible, what))
}

fn read(library: &Library, at: Address) -> Result<Known> {
    let record = library.read(at)?;
    let mut body = Body::of(record.kind(), record.body(), at)?;
    if record.kind() != kinds::HASHERS {
        return Err(body.corrupt("it is no record of hashers"));
    }
    let mut known = Known::new();
    while body.left() > 0 {
        let id = body.word()?;
        let mut hashes = [0; CANARIES];
        for hash in &mut hashes {
            *hash = body.word()?
        }
        known.push((u16::try_from(id).map_err(|_| body.corrupt("a hasher's number that is none"))?, hashes))
    }
    Ok(known)
}
