//! Records moved from one log to another as they are, but for the addresses in them.
//!
//! A state that comes from another log, and of which a part is as it is there, need not be thawed to be written here: the
//! records of that part say the same here, once the addresses in them are those that their records got here. Each is moved
//! once, so that versions share here what they share there.
//!
//! In: places in the other log. Out: addresses in this one.
//! Must hold: what a record refers to is moved before it.
//! Uses: `serializer`, `loader`, `links`, `images`, `state`, `log`, `link`, `id`, `error`.

use super::images::{split_word, word};
use super::links::{each_link, links};
use super::loader::Library;
use super::serializer::Serializer;
use super::state::Storable;
use crate::error::Result;
use crate::id::Address;
use crate::link::{Mark, Session, corrupt};
use crate::log::Root;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// What was moved so far. If a batch fails into which something was moved, it is of no more use.
pub(crate) struct Moving {
    from: Arc<Library>,
    moved: Mutex<HashMap<Address, Address>>,
}

impl Moving {
    pub(crate) fn new(from: Arc<Library>) -> Arc<Self> {
        Arc::new(Moving { from, moved: Mutex::default() })
    }

    pub(super) fn from(&self) -> &Library {
        &self.from
    }

    /// Where the record at an address is here, after moving it, and what it refers to, if need be.
    fn address(&self, at: Address, to: &mut Serializer) -> Result<Address> {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&address) = moved.get(&at) {
            return Ok(address);
        }
        let (mut found, mut all) = (vec![at], BTreeSet::new());
        while let Some(at) = found.pop() {
            if !moved.contains_key(&at) && all.insert(at) {
                let record = self.from.read(at)?;
                links(at, record.kind(), record.body(), &mut found)?
            }
        }
        // An address in a record is below its own.
        for at in all {
            let record = self.from.read(at)?;
            let mut body = record.body().to_vec();
            each_link(at, record.kind(), record.body(), &mut |place, address| {
                readdress(&mut body[place..place + 8], moved[&address])
            })?;
            moved.insert(at, to.put(record.kind(), &body)?);
        }
        Ok(moved[&at])
    }
}

/// Puts another address into a word.
fn readdress(bytes: &mut [u8], address: Address) {
    let (_, spare) = split_word(u64::from_le_bytes((&*bytes).try_into().expect("eight")));
    bytes.copy_from_slice(&word(Some(address), spare).to_le_bytes())
}

/// A value of the log that is being moved: of whatever type, it is written as it is.
pub(crate) struct Moved {
    pub(crate) root: Root,
    /// Of the version that has it.
    pub(crate) stamp: Address,
}

impl Storable for Moved {
    fn write_root(&self, to: &mut Serializer) -> Result<Root> {
        let Some(moving) = to.commit().moving.clone() else { return Ok(Root::None) };
        match &self.root {
            Root::None => Ok(Root::None),
            Root::At(at) => moving.address(*at, to).map(Root::At),
            Root::Inline(bytes) => {
                let (kind, body) = Root::split_inline(bytes).ok_or_else(|| corrupt(self.stamp, "an empty value"))?;
                let (mut found, mut moved) = (Vec::new(), bytes.clone());
                each_link(self.stamp, kind, body, &mut |place, address| found.push((place, address)))?;
                for (place, address) in found {
                    readdress(&mut moved[place..place + 8], moving.address(address, to)?)
                }
                Ok(Root::Inline(moved))
            }
        }
    }

    /// It is what the other log has.
    fn check_roundtrip(&self, _: Session, _: &Arc<Library>) -> Result<()> {
        Ok(())
    }
}

impl Serializer {
    /// Where something is here that is stored in the log which is being moved; none for other logs.
    pub(super) fn moved(&mut self, place: Mark) -> Result<Option<Address>> {
        let Some(moving) = self.commit().moving.clone() else { return Ok(None) };
        place.address(moving.from.session()).map(|at| moving.address(at, self)).transpose()
    }
}
