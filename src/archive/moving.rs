//! Records moved from one log to another as they are, but for the addresses in them.
//!
//! A state that comes from another log, and of which a part is as it is there, need not be thawed to be written here: the
//! records of that part say the same here, once the addresses in them are those that their records got here. Each is moved
//! once, so that versions share here what they share there.
//!
//! In: places in the other log. Out: addresses in this one.
//! Must hold: what a record refers to is moved before it.
//! Uses: `serializer`, `loader`, `links`, `images`, `link`, `id`, `error`.

use super::images::{SPARE_BITS, word};
use super::links::{each_link, links};
use super::loader::Library;
use super::serializer::Serializer;
use crate::error::Result;
use crate::id::Address;
use crate::link::Mark;
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
                let bytes = &mut body[place..place + 8];
                let spare = u64::from_le_bytes(bytes.try_into().expect("eight")) & ((1 << SPARE_BITS) - 1);
                bytes.copy_from_slice(&word(Some(moved[&address]), spare).to_le_bytes())
            })?;
            moved.insert(at, to.put(record.kind(), &body)?);
        }
        Ok(moved[&at])
    }
}

impl Serializer {
    /// Where something is here that is stored in the log which is being moved; none for other logs.
    pub(super) fn moved(&mut self, place: Mark) -> Result<Option<Address>> {
        let Some(moving) = self.commit().moving.clone() else { return Ok(None) };
        place.address(moving.from.session()).map(|at| moving.address(at, self)).transpose()
    }
}
