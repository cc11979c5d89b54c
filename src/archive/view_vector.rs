//! Vectors where they are stored: elements by their index, record by record, without nodes in memory.
//!
//! In: views of handles. Out: views of elements.
//! Must hold: splices are seen through; only what has elements of the range is read; what a node has is what the link to
//! it says. Bytes that make no vector are `Corrupt`, not a loop.
//! Uses: `view`, `page`, `shape`, `loader`, `images`, `vector`.

use super::images::*;
use super::loader::{Library, Thaw, vector_root};
use super::page::Page;
use super::record::corrupt;
use super::shape::{Form, Inner, sides};
use super::view::View;
use crate::error::Result;
use crate::id::Address;
use crate::vector::{Ends, SpineParts, StoredLink};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// A subtree that is still to be read.
struct Part {
    at: Address,
    /// 0 for a leaf; none for a root, which may be a leaf or a spine.
    level: Option<u32>,
    /// How many elements of it the vector has; of a leaf from this place on.
    len: usize,
    place: usize,
}

/// The elements of a range.
struct Walk<A: Thaw + 'static> {
    library: Arc<Library>,
    /// In the head; the vector's root asks.
    head_len: usize,
    /// The next one last.
    parts: Vec<Part>,
    /// How many elements of the parts come before the range.
    skipped: usize,
    /// How many are still to come.
    left: usize,
    /// What is left of the leaf that was read last, the next part last.
    rows: Vec<(View<[A::Archived]>, usize)>,
    handle_at: Address,
}

impl<A: Thaw + 'static> Walk<A> {
    fn of(handle: Handle, page: &Page, range: impl RangeBounds<usize>) -> Result<Self> {
        let (root, ends) = vector_root(handle, page.at)?;
        let from = match range.start_bound() {
            Bound::Included(&from) => from,
            Bound::Excluded(&from) => from.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(&to) => to.saturating_add(1),
            Bound::Excluded(&to) => to,
            Bound::Unbounded => usize::MAX,
        };
        Ok(Walk {
            library: page.library.clone(),
            head_len: ends.head(),
            parts: root.map(|at| Part { at, level: None, len: ends.len(), place: 0 }).into_iter().collect(),
            skipped: from,
            left: to.min(ends.len()).saturating_sub(from),
            rows: Vec::new(),
            handle_at: page.at,
        })
    }

    fn step(&mut self) -> Result<Option<View<A::Archived>>> {
        while self.left > 0 {
            if let Some((row, next)) = self.rows.last_mut() {
                let k = *next;
                *next += 1;
                match row.map_some(|row| row.get(k)) {
                    Some(element) => {
                        self.left -= 1;
                        return Ok(Some(element));
                    }
                    None => _ = self.rows.pop(),
                }
                continue;
            }
            let none = || corrupt(self.handle_at, "a vector with fewer elements than it says");
            let part = self.parts.pop().ok_or_else(none)?;
            match part.len <= self.skipped {
                true => self.skipped -= part.len,
                false => self.enter(part)?,
            }
        }
        Ok(None)
    }

    fn enter(&mut self, part: Part) -> Result<()> {
        let page = Page::read(&self.library, part.at)?;
        let shape = page.shape()?;
        match (shape.form, part.level) {
            (Form::Row(..), None) if self.head_len == 0 => self.leaf(&page, part),
            (Form::Row(..), Some(0)) => self.leaf(&page, part),
            (Form::Spine(spine), None) => self.spine(&page, spine, part.len),
            (Form::Inner(inner), Some(level)) if level > 0 && inner.level == level => {
                self.inner(&page, inner, part.len)
            }
            _ => Err(page.wrong("it is no node of a vector, or of another level than the link to it says")),
        }
    }

    /// Elements from the places of a part on, without those that are skipped.
    fn leaf(&mut self, page: &Page, part: Part) -> Result<()> {
        let row = page.view(|shape| shape.row::<A>())?;
        let (first, own) = (row.number.to_native() as usize, row.map(|row| row.values.as_slice()));
        let rows = match page.shape()?.form {
            Form::Row(Some(base), _) => {
                let whole = page.whole(base)?;
                let of_base = whole.view(|shape| Ok(shape.row::<A>()?.values.as_slice()))?;
                sides(&of_base, base, page.at)?;
                let front = of_base.map(|of_base| &of_base[..base.front]);
                vec![front, own, of_base.map(|of_base| &of_base[of_base.len() - base.back..])]
            }
            _ => vec![own],
        };
        let len: usize = rows.iter().map(|row| row.len()).sum();
        if first > part.place || part.place - first > len || part.len > len - (part.place - first) {
            return Err(page.wrong("a leaf that does not have the places that the link to it says"));
        }
        let mut skipped = part.place - first + std::mem::take(&mut self.skipped);
        let mut left = part.place - first + part.len;
        for row in &rows {
            let upto = row.len().min(left);
            let from = skipped.min(upto);
            (left, skipped) = (left - upto, skipped - from);
            self.rows.push((row.map(|row| &row[..upto]), from))
        }
        self.rows.reverse();
        Ok(())
    }

    fn spine(&mut self, page: &Page, spine: SpineParts, len: usize) -> Result<()> {
        let SpineParts { level, head_end, head, tree, tail } = spine;
        let len_of = |link: Option<StoredLink>| link.map_or(0, |link| link.len);
        let rest = (len - self.head_len).checked_sub(len_of(tree)).filter(|&rest| rest <= len_of(tail));
        let Some(tail_len) = rest.filter(|_| self.head_len <= len_of(head) && self.head_len <= head_end) else {
            return Err(page.wrong("a spine that does not have as many elements as the vector says"));
        };
        let mut add = |link: Option<StoredLink>, level, len, place| {
            self.parts.extend(link.filter(|_| len > 0).map(|link| Part {
                at: link.address,
                level: Some(level),
                len,
                place,
            }))
        };
        add(tail, 0, tail_len, 0);
        add(tree, level, len_of(tree), 0);
        add(head, 0, self.head_len, head_end - self.head_len);
        Ok(())
    }

    fn inner(&mut self, page: &Page, inner: Inner, len: usize) -> Result<()> {
        let level = Some(inner.level - 1);
        let links = page.links(inner)?;
        let all = links.iter().try_fold(0usize, |all, link| all.checked_add(link.len).filter(|_| link.len > 0));
        if all != Some(len) {
            return Err(page.wrong("an inner node that does not have as many elements as the link to it says"));
        }
        let part = |link: &StoredLink| Part { at: link.address, level, len: link.len, place: 0 };
        self.parts.extend(links.iter().rev().map(part));
        Ok(())
    }
}

impl<A: Thaw + 'static> Iterator for Walk<A> {
    type Item = Result<View<A::Archived>>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            // Nothing comes after an error.
            self.left = 0
        }
        step.transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<A> ArchivedVector<A> {
    /// How many elements there are. Nothing is read.
    pub fn len(&self) -> usize {
        Ends::of_word(self.handle.own()).map_or(0, Ends::len)
    }

    /// True if there are none. Nothing is read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<A: Thaw + 'static> View<ArchivedVector<A>> {
    /// The element with this index.
    ///
    /// Time: O(log n) records are read: the spine, one or two for each level, one or two for the leaf.
    ///
    /// # Errors
    /// `Corrupt` if a record on the way is damaged; `Io`.
    pub fn get(&self, index: usize) -> Result<Option<View<A::Archived>>> {
        Walk::<A>::of(self.handle, &self.page, index..=index)?.next().transpose()
    }

    /// The first element.
    ///
    /// Time: O(1) records are read.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn first(&self) -> Result<Option<View<A::Archived>>> {
        self.get(0)
    }

    /// The last element.
    ///
    /// Time: O(1) records are read.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn last(&self) -> Result<Option<View<A::Archived>>> {
        vector_root(self.handle, self.page.at)?.1.len().checked_sub(1).map_or(Ok(None), |last| self.get(last))
    }

    /// The elements of a range, in order; as many of it as there are.
    ///
    /// Time: O(log n + the range). Memory: that of a leaf's records, and of a path.
    ///
    /// # Errors
    /// `Corrupt` if the vector's own bytes make none. An item is an error, and the last one, if a record is damaged or cannot
    /// be read, or the vector does not have as many elements as it says.
    pub fn range<R: RangeBounds<usize>>(
        &self,
        range: R,
    ) -> Result<impl Iterator<Item = Result<View<A::Archived>>> + use<A, R>> {
        Walk::<A>::of(self.handle, &self.page, range)
    }

    /// All elements, in order.
    ///
    /// Time: O(n) for all. Memory: that of a leaf's records, and of a path.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub fn iter(&self) -> Result<impl Iterator<Item = Result<View<A::Archived>>> + use<A>> {
        Walk::<A>::of(self.handle, &self.page, ..)
    }
}
