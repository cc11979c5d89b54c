//! Whether a value is the one from before, found out at once.
//!
//! In: two values. Out: true if whatever is computed of one holds of the other.
//! Must hold: it costs O(1), or little for each field; false proves nothing.
//! Uses: `map`, `set`, `vector`, `link`, `id`.

use crate::id::{Digest, VersionId};
use crate::link::Kind;
use crate::map::GenericHashMap;
use crate::set::GenericHashSet;
use crate::vector::GenericVector;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What can be told to be the same as before without a look at all of it: what the input of a
/// [`Selection`](crate::Selection) must be.
///
/// | type | the same if |
/// |---|---|
/// | this crate's collections | they are one version: O(1), whatever their size |
/// | `Arc`, `Rc` | they point to one value |
/// | integers, `bool`, `char`, strings, times | they are equal |
/// | floats | their bits are, so that a NaN is the same as itself, and 0 is not the same as -0 |
/// | tuples up to 8, arrays, `Option`, `Box` | all their fields are |
///
/// For a type of your own say it field by field:
///
/// ```
/// use backstory::{HashMap, Same};
///
/// struct Visible {
///     notes: HashMap<u64, String>,
///     filter: String,
/// }
///
/// impl Same for Visible {
///     fn same(&self, other: &Self) -> bool {
///         self.notes.same(&other.notes) && self.filter.same(&other.filter)
///     }
/// }
/// ```
pub trait Same {
    /// True if whatever is computed of one holds of the other. False proves nothing.
    fn same(&self, other: &Self) -> bool;
}

impl<K, V, S, P: Kind> Same for GenericHashMap<K, V, S, P> {
    fn same(&self, other: &Self) -> bool {
        self.ptr_eq(other)
    }
}

impl<A, S, P: Kind> Same for GenericHashSet<A, S, P> {
    fn same(&self, other: &Self) -> bool {
        self.ptr_eq(other)
    }
}

impl<A, P: Kind> Same for GenericVector<A, P> {
    fn same(&self, other: &Self) -> bool {
        self.ptr_eq(other)
    }
}

impl<T: ?Sized> Same for Arc<T> {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self, other)
    }
}

impl<T: ?Sized> Same for Rc<T> {
    fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(self, other)
    }
}

impl<T: Same + ?Sized> Same for Box<T> {
    fn same(&self, other: &Self) -> bool {
        (**self).same(other)
    }
}

impl<T: Same> Same for Option<T> {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(one), Some(other)) => one.same(other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<T: Same, const N: usize> Same for [T; N] {
    fn same(&self, other: &Self) -> bool {
        self.iter().zip(other).all(|(one, other)| one.same(other))
    }
}

macro_rules! same_if_equal {
    ($($type:ty)*) => {$(
        impl Same for $type {
            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}
same_if_equal! {
    () u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize bool char String str &'static str
    Duration SystemTime VersionId Digest
}

/// By their bits: what is computed of 0 and of -0 may differ, and a NaN is the same as itself.
impl Same for f32 {
    fn same(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Same for f64 {
    fn same(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

macro_rules! same_by_fields {
    ($($($name:ident $field:tt)*;)*) => {$(
        impl<$($name: Same),*> Same for ($($name,)*) {
            fn same(&self, other: &Self) -> bool {
                true $(&& self.$field.same(&other.$field))*
            }
        }
    )*};
}
same_by_fields! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::HashMap;
    use crate::set::HashSet;
    use crate::vector::Vector;

    /// Two that are equal and not the same, beside a clone of the first.
    fn assert_by_sharing<T: Same + Clone + PartialEq + std::fmt::Debug>(one: T, equal: T) {
        assert_eq!(one, equal);
        assert!(one.same(&one.clone()) && !one.same(&equal), "{one:?}");
        let pair = (1u8, one.clone());
        assert!(pair.same(&(1, one.clone())) && !pair.same(&(2, one.clone())) && !pair.same(&(1, equal.clone())));
        assert!(Some(one.clone()).same(&Some(one.clone())) && !Some(one.clone()).same(&Some(equal.clone())));
        assert!(!Some(one.clone()).same(&None) && None::<T>.same(&None));
        assert!([one.clone(), equal.clone()].same(&[one.clone(), equal.clone()]));
        assert!(![one.clone(), equal.clone()].same(&[one.clone(), one.clone()]));
        assert!(Box::new(one.clone()).same(&Box::new(one.clone())) && !Box::new(one).same(&Box::new(equal)))
    }

    #[test]
    fn what_is_shared_is_the_same_and_what_is_equal_is_not() {
        let map = || (0..100).map(|n| (n, n)).collect::<HashMap<u32, u32>>();
        assert_by_sharing(map(), map());
        let set = || (0..100u32).collect::<HashSet<u32>>();
        assert_by_sharing(set(), set());
        let vector = || (0..100).collect::<Vector<u32>>();
        assert_by_sharing(vector(), vector());
        assert_by_sharing(Arc::new(7), Arc::new(7));
        assert_by_sharing(Rc::new(7), Rc::new(7));
        assert_by_sharing::<Arc<str>>("seven".into(), "seven".into())
    }

    #[test]
    fn what_is_changed_and_changed_back_is_not_the_same() {
        let map: HashMap<u32, u32> = (0..100).map(|n| (n, n)).collect();
        let other = map.update(7, 8);
        assert!(!map.same(&other) && !map.same(&other.update(7, 7)));
        // What changed nothing left it as it was.
        let mut same = map.clone();
        same.remove(&100);
        assert!(map.same(&same))
    }

    #[test]
    fn primitives_and_strings_are_the_same_if_equal() {
        assert!(7u8.same(&7) && !7i64.same(&8) && 'a'.same(&'a') && !true.same(&false) && ().same(&()));
        assert!("one".same("one") && !"one".same("two") && String::from("one").same(&"one".into()));
        assert!(1.5f64.same(&1.5) && f64::NAN.same(&f64::NAN) && !0f32.same(&-0f32));
        let eight = |last: u8| (0u8, 1u16, 2u32, 3u64, 4i8, 5i16, 6i32, last);
        assert!(eight(7).same(&eight(7)) && !eight(7).same(&eight(8)))
    }
}
