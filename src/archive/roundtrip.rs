//! Whether a state that would be stored now comes back as it is.
//!
//! What rkyv archives need not be what was given to it: a `usize` above 2³² comes back as another one. Only the state's own
//! `==` sees that. So what a commit would write is written into memory, read again and compared: our collections skip what is
//! stored already, so that it costs what the commit costs.
//!
//! In: a state. Out: nothing, or `Invalid`. Must hold: nothing is marked and no log is written to.
//! Uses: `state`, `serializer`, `loader`, `link`, `id`, `error`.

use super::loader::Library;
use super::serializer::Serializer;
use super::state::{State, read_root, write_root};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::id::Address;
use crate::link::Session;
use std::sync::Arc;

/// The addresses of what is written into memory: more than any log has come to. Each of two times has its own.
const FIRST: [u64; 2] = [2 << (Address::BITS - 2), 3 << (Address::BITS - 2)];
const ABOVE: Address = Address::new((1 << Address::BITS) - 1).expect("it is an address");

/// Compares a state with what would be read if it was committed.
///
/// # Errors
/// `Invalid` if it would be another one, or could not be read; what the storage says.
pub(crate) fn check_roundtrip<T: State>(state: &T, session: Session, library: &Arc<Library>) -> Result<()> {
    let again = again(state, session, library, FIRST[0])?;
    if is_same(state, &again)? {
        return Ok(());
    }
    // What differs from itself, as a NaN does, tells nothing. Two that were written apart share no mark of what is new.
    let twin = self::again(state, session, library, FIRST[1])?;
    if !is_same(&again, &twin)? {
        return Ok(());
    }
    let what = "this state would be read back from the log as another one: something in it is stored otherwise than it \
                compares. A usize above 4294967295 is cut to 32 bits: use u64. A field that is not stored: leave it out of \
                PartialEq, or switch this check off with check_roundtrip(false). Nothing was committed";
    Err(Error::new(ErrorKind::Invalid, what))
}

/// The state as it would be read.
fn again<T: State>(state: &T, session: Session, library: &Arc<Library>, first: u64) -> Result<T> {
    let mut serializer = Serializer::into_memory(session, first);
    let root = write_root(state, &mut serializer)?;
    let hashers = library.write_hashers(&mut serializer)?;
    let library = library.with(serializer.into_copies());
    library.note_hashers(hashers);
    read_root(&library, &root, ABOVE).map_err(cannot_be_read)
}

fn is_same<T: State>(one: &T, other: &T) -> Result<bool> {
    caught(|| one == other).map_err(cannot_be_read)
}

fn cannot_be_read(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::Invalid => {
            let what = format!(
                "this state could not be read back from the log: correct the Archive, Serialize and Deserialize of its \
                 types. Nothing was committed. {error}"
            );
            Error::new(ErrorKind::Invalid, what).with_source(error)
        }
        _ => error,
    }
}
