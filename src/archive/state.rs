//! States: the values that versions are of.
//!
//! In: a state. Out: a root record; and a state again, whose collections stay stored, or a view of it.
//! Uses: `serializer`, `loader`, `page`, `view`, `images`, `record`, `roundtrip`, `log`, `link`, `id`, `error`.

use super::images::Last;
use super::loader::{De, Library, Thaw};
use super::page::Page;
use super::record::kinds;
use super::roundtrip::check_roundtrip;
use super::serializer::{Ser, Serializer};
use super::view::View;
use crate::error::{Error, Result, caught};
use crate::id::Address;
use crate::link::Session;
use crate::log::{Identity, Layout, Root};
use rkyv::{Archive, Deserialize, Serialize, SerializeUnsized};
use std::sync::Arc;

/// What can be stored: a type with rkyv's derives. Nothing of ours is to be implemented.
///
/// Collections may be nested 128 deep. A type that holds itself outside of collections, as a tree of `Box`es, may be nested as
/// deep as a quarter of a MiB of stack allows: some 4000 levels, without optimisation 500. What is deeper is not written
/// (`Invalid`); a log that claims to have it is `Corrupt`.
///
/// ```
/// use backstory::{HashMap, State, Vector};
/// use rkyv::{Archive, Deserialize, Serialize};
///
/// #[derive(Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
/// struct Notes {
///     titles: Vector<String>,
///     body: HashMap<String, Vector<char>>,
///     cursor: u64,
/// }
///
/// fn can_be_stored<T: State>() {}
/// can_be_stored::<Notes>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a log",
    label = "it needs `Clone`, `PartialEq` and rkyv's `Archive`, `Serialize` and `Deserialize`, and so do all its fields",
    note = "derive them: `#[derive(Clone, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]`",
    note = "a map needs a hasher that is the same everywhere (`PortableHasher`), not std's `RandomState`"
)]
pub trait State: Thaw + Serialize<Ser> + Clone + PartialEq + 'static {}
impl<T: Thaw + Serialize<Ser> + Clone + PartialEq + 'static> State for T {}

/// A value that can be stored, of whatever type.
pub(crate) trait Storable {
    /// As [`write_root`].
    fn write_root(&self, serializer: &mut Serializer) -> Result<Root>;

    /// As [`check_roundtrip`].
    fn check_roundtrip(&self, session: Session, library: &Arc<Library>) -> Result<()>;
}

impl<T: State> Storable for T {
    fn write_root(&self, serializer: &mut Serializer) -> Result<Root> {
        write_root(self, serializer)
    }

    fn check_roundtrip(&self, session: Session, library: &Arc<Library>) -> Result<()> {
        check_roundtrip(self, session, library)
    }
}

/// What a log of such states says of itself.
pub(crate) fn identity<T: State>(schema: &str, schema_version: u32) -> Identity {
    let layout = Layout {
        align_of_u32: align_of::<<u32 as Archive>::Archived>() as u8,
        align_of_u64: align_of::<<u64 as Archive>::Archived>() as u8,
        size_of_vec: size_of::<<Vec<u8> as Archive>::Archived>() as u8,
        size_of_usize: size_of::<<usize as Archive>::Archived>() as u8,
        byte_order: bytes_of_one()[0],
    };
    Identity {
        schema: schema.into(),
        schema_version,
        state_bytes: size_of::<T::Archived>() as u32,
        state_align: align_of::<T::Archived>() as u32,
        layout,
    }
}

/// How rkyv archives the number 1, in 4 bytes.
fn bytes_of_one() -> Vec<u8> {
    rkyv::to_bytes::<Error>(&1u32).map_or_else(|_| vec![0], |bytes| bytes.to_vec())
}

/// A root that takes up to so many bytes stands in its version's stamp.
const INLINE_MOST: usize = 48;

/// Writes what is new of a state, its root last.
pub(crate) fn write<T: State>(state: &T, serializer: &mut Serializer) -> Result<Address> {
    begin_root(state, serializer)?;
    serializer.end(kinds::ROOT)
}

/// The same for a stamp: a short root is not written.
pub(crate) fn write_root<T: State>(state: &T, serializer: &mut Serializer) -> Result<Root> {
    begin_root(state, serializer)?;
    serializer.end_inline(kinds::ROOT, INLINE_MOST)
}

fn begin_root<T: State>(state: &T, serializer: &mut Serializer) -> Result<()> {
    serializer.begin()?;
    // A type may look into its collections to say how it is written, and they be stored and damaged.
    caught(|| Last(state).serialize_unsized(Ser::wrap(serializer)))??;
    Ok(())
}

/// The state with this root.
pub(crate) fn read<T: State>(library: &Arc<Library>, at: Address) -> Result<T> {
    thawed(&Page::read(library, at)?)
}

/// The state whose root a stamp at this address has.
pub(crate) fn read_root<T: State>(library: &Arc<Library>, root: &Root, stamp: Address) -> Result<T> {
    thawed(&Page::of_root(library, root, stamp)?)
}

/// The same, viewed where it lies.
pub(crate) fn view_root<T: State>(library: &Arc<Library>, root: &Root, stamp: Address) -> Result<View<T::Archived>> {
    Page::of_root(library, root, stamp)?.view(|shape| shape.state::<T>())
}

fn thawed<T: State>(page: &Page) -> Result<T> {
    let root = page.shape()?.state::<T>()?;
    // A type may look into the collections that it is made from.
    caught(|| root.deserialize(De::wrap(&mut page.loader())))?
}
