//! The vectors under one trait: ours and its peers, each by its own API. In: elements and places. Out: one call of the
//! engine's per method; nothing is emulated. What an engine lacks, its rows print as "none".

use super::elements::{Element, sum};
use crate::engine::EngineId;
use crate::rows::Op;
use archery::{ArcTK, RcK};
use std::ops::Range;

pub type OursArc<A> = backstory::GenericVector<A, ArcTK>;
pub type OursRc<A> = backstory::GenericVector<A, RcK>;
pub type Im<A> = im::Vector<A>;
pub type ImRc<A> = im_rc::Vector<A>;
pub type ImblArc<A> = imbl::GenericVector<A, ArcTK>;
pub type ImblRc<A> = imbl::GenericVector<A, RcK>;
pub type RpdsArc<A> = rpds::Vector<A, ArcTK>;
pub type RpdsRc<A> = rpds::Vector<A, RcK>;
pub type Std<A> = Vec<A>;

/// So many elements are put in and taken out one by one; more by cutting and joining.
const FEW: usize = 8;

/// A vector of `A`, as its users call it. All edits are in place; a kept version is a clone that is edited.
pub trait Engine<A: Element>: Clone + Default + 'static {
    const ID: EngineId;
    /// The rows it has no operation for; what only these call may be left out.
    const LACKS: &'static [Op];

    fn size(&self) -> usize;
    fn lookup(&self, place: usize) -> Option<&A>;
    /// A sum over all elements, by iteration.
    fn sum(&self) -> u64;
    fn collect(elements: Vec<A>) -> Self;
    fn equals(&self, other: &Self) -> bool;
    fn push(&mut self, element: A);
    /// What was there is dropped.
    fn put(&mut self, place: usize, element: A);

    fn push_first(&mut self, _element: A) {
        unreachable!("{} cannot push in front", Self::ID.name())
    }
    fn put_in(&mut self, _place: usize, _element: A) {
        unreachable!("{} has no insert", Self::ID.name())
    }
    fn take_out(&mut self, _place: usize) -> A {
        unreachable!("{} has no remove", Self::ID.name())
    }
    fn join(&mut self, _behind: Self) {
        unreachable!("{} has no append", Self::ID.name())
    }
    fn cut(&mut self, _place: usize) -> Self {
        unreachable!("{} has no split", Self::ID.name())
    }
    /// Puts elements where a range of others was, by the calls that are the fastest for so many.
    fn replace(&mut self, range: Range<usize>, new: &[A]) {
        if range.len() + new.len() <= FEW {
            range.clone().for_each(|_| drop(self.take_out(range.start)));
            new.iter().enumerate().for_each(|(i, element)| self.put_in(range.start + i, element.clone()));
            return;
        }
        let mut behind = self.cut(range.start);
        let behind = behind.cut(range.len());
        self.join(Self::collect(new.to_vec()));
        self.join(behind)
    }
    /// The number of stretches by which two versions differ.
    fn changes(&self, _other: &Self) -> usize {
        unreachable!("{} has no diff", Self::ID.name())
    }
}

/// Engines with the names of `im`: ours, `im`, `imbl`. What only ours has comes as extra items.
macro_rules! engine_like_im {
    ($vector:ty, $id:ident, $lacks:expr $(, $extra:item)*) => {
        impl<A: Element> Engine<A> for $vector {
            const ID: EngineId = EngineId::$id;
            const LACKS: &'static [Op] = $lacks;
            $($extra)*

            fn size(&self) -> usize {
                self.len()
            }
            fn lookup(&self, place: usize) -> Option<&A> {
                self.get(place)
            }
            fn sum(&self) -> u64 {
                sum(self.iter())
            }
            fn collect(elements: Vec<A>) -> Self {
                elements.into_iter().collect()
            }
            fn equals(&self, other: &Self) -> bool {
                self == other
            }
            fn push(&mut self, element: A) {
                self.push_back(element);
            }
            fn put(&mut self, place: usize, element: A) {
                self.set(place, element);
            }
            fn push_first(&mut self, element: A) {
                self.push_front(element);
            }
            fn put_in(&mut self, place: usize, element: A) {
                self.insert(place, element);
            }
            fn take_out(&mut self, place: usize) -> A {
                self.remove(place)
            }
            fn join(&mut self, behind: Self) {
                self.append(behind);
            }
            fn cut(&mut self, place: usize) -> Self {
                self.split_off(place)
            }
        }
    };
}

macro_rules! engine_rpds {
    ($vector:ty, $id:ident) => {
        impl<A: Element> Engine<A> for $vector {
            const ID: EngineId = EngineId::$id;
            const LACKS: &'static [Op] = &{
                use Op::*;
                [
                    PushFront,
                    PushFrontKept,
                    GetRelaxed,
                    Insert,
                    Remove,
                    InsertKept,
                    RemoveKept,
                    Concat,
                    Split,
                    BuildPieces,
                    Diff10,
                    BytesPerInsert,
                ]
            };

            fn size(&self) -> usize {
                self.len()
            }
            fn lookup(&self, place: usize) -> Option<&A> {
                self.get(place)
            }
            fn sum(&self) -> u64 {
                sum(self.iter())
            }
            fn collect(elements: Vec<A>) -> Self {
                elements.into_iter().collect()
            }
            fn equals(&self, other: &Self) -> bool {
                self == other
            }
            fn push(&mut self, element: A) {
                self.push_back_mut(element);
            }
            fn put(&mut self, place: usize, element: A) {
                self.set_mut(place, element);
            }
        }
    };
}

engine_like_im!(
    OursArc<A>,
    OursArc,
    &[],
    fn replace(&mut self, range: Range<usize>, new: &[A]) {
        self.splice(range, new.iter().cloned());
    },
    fn changes(&self, other: &Self) -> usize {
        self.diff(other).count()
    }
);
engine_like_im!(
    OursRc<A>,
    OursRc,
    &[],
    fn replace(&mut self, range: Range<usize>, new: &[A]) {
        self.splice(range, new.iter().cloned());
    },
    fn changes(&self, other: &Self) -> usize {
        self.diff(other).count()
    }
);
engine_like_im!(Im<A>, Im, &[Op::Diff10]);
engine_like_im!(ImRc<A>, ImRc, &[Op::Diff10]);
engine_like_im!(ImblArc<A>, ImblArc, &[Op::Diff10]);
engine_like_im!(ImblRc<A>, ImblRc, &[Op::Diff10]);
engine_rpds!(RpdsArc<A>, RpdsArc);
engine_rpds!(RpdsRc<A>, RpdsRc);

impl<A: Element> Engine<A> for Std<A> {
    const ID: EngineId = EngineId::Std;
    /// A kept version would be a full copy, and a vector without a tree is never relaxed: nothing to compare.
    const LACKS: &'static [Op] = &{
        use Op::*;
        [
            PushFront,
            PushBackKept,
            PushFrontKept,
            GetRelaxed,
            SetKept,
            InsertKept,
            RemoveKept,
            Diff10,
            BytesPerPush,
            BytesPerSet,
            BytesPerInsert,
        ]
    };

    fn size(&self) -> usize {
        self.len()
    }
    fn lookup(&self, place: usize) -> Option<&A> {
        self.get(place)
    }
    fn sum(&self) -> u64 {
        sum(self.iter())
    }
    /// A copy: from an owned vector, `collect` would move nothing.
    fn collect(elements: Vec<A>) -> Self {
        elements.to_vec()
    }
    fn equals(&self, other: &Self) -> bool {
        self == other
    }
    fn push(&mut self, element: A) {
        Vec::push(self, element);
    }
    fn put(&mut self, place: usize, element: A) {
        self[place] = element;
    }
    fn put_in(&mut self, place: usize, element: A) {
        self.insert(place, element);
    }
    fn take_out(&mut self, place: usize) -> A {
        self.remove(place)
    }
    fn join(&mut self, mut behind: Self) {
        self.append(&mut behind);
    }
    fn cut(&mut self, place: usize) -> Self {
        self.split_off(place)
    }
}
