//! Persistent, structure-sharing collections for time travel.
mod error;
mod hash;
mod id;
mod link;
pub mod map;

pub use error::{Error, ErrorKind, Result};
pub use hash::{PortableHash, PortableHasher, StrongHash};
pub use id::Address;
pub use link::Kind;
pub use map::{GenericHashMap, HashMap};
