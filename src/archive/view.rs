//! Views: values where they lie in their records, read without being made anew.
//!
//! In: pages. Out: views, which own what they borrow from; `view_map` and `view_vector` follow collections from there.
//! Must hold: a view's value lies in the body of its own record, which stays where it is while a clone of it is alive, or
//! lives for ever; a record is checked (checksum, rkyv's checks) before anything of it is viewed.
//! Uses: `page`, `shape`, `loader`, `error`.
#![allow(unsafe_code)] // Borrows from the record beside it: docs/ARCHITECTURE.md, "Unsafe".

use super::loader::{De, Thaw};
use super::page::Page;
use super::shape::Shape;
use crate::error::{Result, caught};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

/// A stored value where it lies: rkyv's archived form, read in place. Nothing is made anew, and of collections nothing is
/// read that is not asked for.
///
/// A view owns what it borrows from, so it may be kept and sent to where its value may be shared; it keeps one record
/// in memory, or the mapping of its file. Cloning is cheap. What it shows never changes.
///
/// It derefs to the archived value, whose fields rkyv's derive has named as those of the type. [`map`](Self::map) goes to a
/// part of it that lies in the same record. Collections are records of their own: views of [`ArchivedHashMap`],
/// [`ArchivedHashSet`] and [`ArchivedVector`] have lookups and iterators, which read what they must.
///
/// [`ArchivedHashMap`]: crate::ArchivedHashMap
/// [`ArchivedHashSet`]: crate::ArchivedHashSet
/// [`ArchivedVector`]: crate::ArchivedVector
///
/// | operation | reads of the log |
/// |---|---|
/// | [`map`](Self::map), `len`, a field | none |
/// | `get`, `contains` of a map or set | one or two records a level, and the entry if it is long: at most 9 of 100 000 entries |
/// | `get` of a vector | one or two records a level |
/// | an iterator | each record below once |
///
/// ```
/// use backstory::{HashMap, Timeline, Vector};
/// use rkyv::{Archive, Deserialize, Serialize};
///
/// #[derive(Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
/// struct Notes {
///     titles: Vector<String>,
///     body: HashMap<String, Vector<char>>,
///     cursor: u64,
/// }
///
/// # let path = std::env::temp_dir().join(format!("backstory-view-{}", std::process::id()));
/// let mut tl = Timeline::open(&path, Notes::default)?;
/// let v = tl.edit("add title", |n| n.titles.push_back("Monday".into()))?.version.expect("it changed");
/// tl.edit("text", |n| n.body.insert("Monday".into(), "rain".chars().collect()))?;
///
/// let view = tl.view(v)?; // View<Archived<Notes>>
/// assert_eq!(view.cursor, 0);
/// let title = view.map(|n| &n.titles).get(0)?.expect("there is one");
/// assert_eq!(*title, "Monday");
/// assert!(view.map(|n| &n.body).get("Monday")?.is_none());
///
/// let text = tl.view(tl.head())?.map(|n| &n.body).get("Monday")?.expect("there is one");
/// assert_eq!((text.len(), text.thaw::<Vector<char>>()?), (4, "rain".chars().collect()));
/// # drop(tl);
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), backstory::Error>(())
/// ```
pub struct View<A: ?Sized> {
    pub(super) page: Page,
    value: NonNull<A>,
}

// SAFETY: a view is a `&A` and what keeps that alive: a `Page`, which is `Send` and `Sync` (asserted below).
unsafe impl<A: ?Sized + Sync> Send for View<A> {}
// SAFETY: as above.
unsafe impl<A: ?Sized + Sync> Sync for View<A> {}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Page>()
};

impl Page {
    /// A view of what `find` finds in this record.
    pub(super) fn view<A: ?Sized + 'static>(
        &self,
        find: impl for<'r> FnOnce(Shape<'r>) -> Result<&'r A>,
    ) -> Result<View<A>> {
        // For all 'r: it is borrowed from the body, which `page` keeps where it is, or from what lives for ever.
        let value = NonNull::from(find(self.shape()?)?);
        Ok(View { page: self.clone(), value })
    }
}

// A value that borrows would limit `'a` to what it borrows from, and a part might be borrowed from there too, which does not
// live as long as the view: so all are `'static`.
impl<A: ?Sized + 'static> View<A> {
    /// A part of the value.
    ///
    /// Time: O(1); nothing is read.
    pub fn map<B: ?Sized + 'static>(&self, part: impl for<'a> FnOnce(&'a A) -> &'a B) -> View<B> {
        View { page: self.page.clone(), value: NonNull::from(part(self)) }
    }

    /// A part of the value that may not be there: what an `Option` holds, the fields of one variant of an enum, an element
    /// of a `Vec`.
    ///
    /// ```
    /// # use backstory::View;
    /// fn third(list: &View<rkyv::vec::ArchivedVec<rkyv::string::ArchivedString>>) -> Option<View<str>> {
    ///     list.map_some(|list| list.get(2).map(|text| text.as_str()))
    /// }
    /// ```
    ///
    /// Time: O(1); nothing is read.
    pub fn map_some<B: ?Sized + 'static>(&self, part: impl for<'a> FnOnce(&'a A) -> Option<&'a B>) -> Option<View<B>> {
        part(self).map(|value| View { page: self.page.clone(), value: NonNull::from(value) })
    }
}

impl<A> View<A> {
    /// The value, to keep: as [`Timeline::at`](crate::Timeline::at) gives it, with collections that thaw as they are read.
    ///
    /// Time: O(the value, without what is in its collections).
    ///
    /// # Errors
    /// `Incompatible` if a map in it was stored with another hasher; `Corrupt` if its bytes make no such value.
    pub fn thaw<T: Thaw<Archived = A>>(&self) -> Result<T> {
        caught(|| (**self).deserialize(De::wrap(&mut self.page.loader())))?
    }
}

impl<A: ?Sized> Deref for View<A> {
    type Target = A;

    fn deref(&self) -> &A {
        // SAFETY: it lies in the body of the page's record, which nobody changes, or lives for ever (`map`, `view`).
        unsafe { self.value.as_ref() }
    }
}

impl<A: ?Sized> Clone for View<A> {
    fn clone(&self) -> Self {
        View { page: self.page.clone(), value: self.value }
    }
}

impl<A: fmt::Debug + ?Sized> fmt::Debug for View<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A part that is borrowed from elsewhere is refused, as it may be gone before the view.
///
/// ```compile_fail
/// # use backstory::View;
/// fn outlives(view: View<&'static str>, text: &String) -> View<String> {
///     fn shorter<'a>(view: View<&'static str>, _: &'a String) -> View<&'a str> {
///         view
///     }
///     shorter(view, text).map(move |_| text)
/// }
/// ```
///
/// What lives for ever is not, nor what the value has.
///
/// ```
/// # use backstory::View;
/// fn lives(view: View<&'static str>) -> (View<str>, View<u8>) {
///     (view.map(|text| *text), view.map(|_| &7))
/// }
/// ```
#[cfg(doctest)]
struct Borrows;
