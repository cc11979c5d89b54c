//! What the types promise to the compiler: variance, `Send`, `Sync`, `Unpin` and unwind safety.
//!
//! The auto traits of every public type are compared with imbl's, type by type, over a matrix of element types;
//! a few that must be absent are asserted by name, so that both crates cannot be wrong together. Variance is
//! shown by functions that compile. What must not compile is in the doc tests of the types.

use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::{Cell, RefCell};
use std::hash::RandomState;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

// ---- auto traits ----

/// True if the type has the trait: the inherent constant exists only then, and wins over the trait's.
macro_rules! has {
    ($type:ty: $trait:ident) => {{
        #[allow(dead_code)]
        trait Otherwise {
            const ANSWER: bool = false;
        }
        struct Ask<T: ?Sized>(#[allow(dead_code)] PhantomData<T>);
        impl<T: ?Sized> Otherwise for Ask<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Ask<T> {
            const ANSWER: bool = true;
        }
        <Ask<$type>>::ANSWER
    }};
}

/// Which auto traits a type has, in the order of `NAMES`.
macro_rules! auto_traits {
    ($type:ty) => {
        [
            has!($type: Send),
            has!($type: Sync),
            has!($type: Unpin),
            has!($type: UnwindSafe),
            has!($type: RefUnwindSafe),
        ]
    };
}

const NAMES: [&str; 5] = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

/// What differs from imbl: types, an element, the trait, and why.
const OTHERWISE: [(&[&str], &str, &str, &str); 3] = [
    (
        &["vector::GenericVector ", "vector::ConsumingIter "],
        "PhantomPinned",
        "Unpin",
        "ours: no element is in the handle",
    ),
    (
        &["vector::Iter ", "vector::Focus ", "vector::Chunks "],
        "& 'static mut u8",
        "UnwindSafe",
        "ours, as std's iterators of slices: what is borrowed cannot be left half changed",
    ),
    (
        &["vector::Iter ", "vector::Focus ", "vector::Chunks "],
        "MutexGuard",
        "Sync",
        "theirs; ours borrow nodes whose owners may be cloned, so that they need what those need",
    ),
];

type Answers = Vec<(String, [bool; 5], [bool; 5])>;

/// Asks for one type of both crates, with the same parameters.
macro_rules! ask {
    ($answers:ident, $kind:ident, [$($module:ident)::*] $($type:tt)*) => {
        $answers.push((
            format!("{}::{} of {}", stringify!($($module)::*), stringify!($($type)*), stringify!($kind)),
            {
                #[allow(unused_imports)]
                use imbl::$($module)::*::*;
                auto_traits!($($type)*)
            },
            {
                #[allow(unused_imports)]
                use backstory::$($module)::*::*;
                auto_traits!($($type)*)
            },
        ));
    };
}

/// Asks for all types that need nothing of their elements.
macro_rules! ask_with_elements {
    ($answers:ident, $kind:ident: $($element:ty),* $(,)?) => {{
        use archery::$kind;
        $(
            ask!($answers, $kind, [hashmap] GenericHashMap<$element, u8, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] GenericHashMap<u8, $element, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] GenericHashMap<u8, u8, $element, $kind>);
            ask!($answers, $kind, [hashset] GenericHashSet<$element, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] Iter<'static, $element, u8, $kind>);
            ask!($answers, $kind, [hashmap] Iter<'static, u8, $element, $kind>);
            ask!($answers, $kind, [hashmap] Keys<'static, $element, u8, $kind>);
            ask!($answers, $kind, [hashmap] Keys<'static, u8, $element, $kind>);
            ask!($answers, $kind, [hashmap] Values<'static, $element, u8, $kind>);
            ask!($answers, $kind, [hashmap] Values<'static, u8, $element, $kind>);
            ask!($answers, $kind, [hashset] Iter<'static, $element, $kind>);
            ask!($answers, $kind, [vector] GenericVector<$element, $kind>);
            ask!($answers, $kind, [vector] Iter<'static, $element, $kind>);
            ask!($answers, $kind, [vector] Focus<'static, $element, $kind>);
            ask!($answers, $kind, [vector] Chunks<'static, $element, $kind>);
            ask!($answers, $kind, [vector] ConsumingIter<$element, $kind>);
            ask!($answers, $kind, [vector] FocusMut<'static, $element, $kind>);
        )*
    }};
}

/// Asks for the types that imbl gives only with elements that can be cloned (and hashed).
macro_rules! ask_with_clonable_values {
    ($answers:ident, $kind:ident: $($element:ty),* $(,)?) => {{
        use archery::$kind;
        $(
            ask!($answers, $kind, [hashmap] IterMut<'static, u8, $element, $kind>);
            ask!($answers, $kind, [hashmap] Entry<'static, u8, $element, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] OccupiedEntry<'static, u8, $element, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] VacantEntry<'static, u8, $element, RandomState, $kind>);
            ask!($answers, $kind, [vector] IterMut<'static, $element, $kind>);
            ask!($answers, $kind, [vector] ChunksMut<'static, $element, $kind>);
        )*
    }};
}

macro_rules! ask_with_keys {
    ($answers:ident, $kind:ident: $($element:ty),* $(,)?) => {{
        use archery::$kind;
        $(
            ask!($answers, $kind, [hashmap] IterMut<'static, $element, u8, $kind>);
            ask!($answers, $kind, [hashmap] Entry<'static, $element, u8, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] OccupiedEntry<'static, $element, u8, RandomState, $kind>);
            ask!($answers, $kind, [hashmap] VacantEntry<'static, $element, u8, RandomState, $kind>);
            ask!($answers, $kind, [hashset] ConsumingIter<$element, $kind>);
        )*
    }};
}

macro_rules! ask_with_kinds {
    ($answers:ident: $($kind:ident),*) => {$(
        ask_with_elements! { $answers, $kind:
            u64, String, &'static str, Rc<u8>, Arc<u8>, Cell<u8>, RefCell<u8>, Arc<Cell<u8>>, Arc<Mutex<u8>>, &'static mut u8,
            &'static Cell<u8>, *const u8, MutexGuard<'static, u8>, Box<dyn Fn()>, Box<dyn Fn() + Send>, Box<dyn Fn() + Send + Sync>,
            std::marker::PhantomPinned, std::panic::AssertUnwindSafe<&'static mut u8>,
        }
        ask_with_clonable_values! { $answers, $kind:
            u64, Rc<u8>, Arc<u8>, Cell<u8>, RefCell<u8>, Arc<Cell<u8>>, &'static Cell<u8>, *const u8, std::marker::PhantomPinned,
        }
        ask_with_keys! { $answers, $kind: u64, String, Rc<u8>, Arc<u8>, *const u8, std::marker::PhantomPinned, }
    )*};
}

#[test]
fn auto_traits_are_those_of_imbl_for_all_types_elements_and_kinds() {
    let mut answers: Answers = Vec::new();
    ask_with_kinds!(answers: ArcTK, ArcK, RcK);
    let mut used = [false; OTHERWISE.len()];
    let mut is_known = |name: &str, i: usize| {
        let place = OTHERWISE.iter().position(|(types, element, trait_name, _)| {
            *trait_name == NAMES[i] && name.contains(element) && types.iter().any(|of| name.starts_with(of))
        });
        place.inspect(|&at| used[at] = true).is_some()
    };
    let wrong: Vec<String> = answers
        .iter()
        .flat_map(|(name, theirs, ours)| (0..5).filter(|&i| theirs[i] != ours[i]).map(move |i| (name, i, theirs[i])))
        .filter(|(name, i, _)| !is_known(name, *i))
        .map(|(name, i, theirs)| format!("{name}: {}: imbl {theirs}, ours {}", NAMES[i], !theirs))
        .collect();
    assert!(used.iter().all(|used| *used), "what is said to differ is the same: {used:?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), answers.len() * 5, wrong.join("\n"));
    // The question is worth asking: for each trait some types have it and some do not.
    for (i, name) in NAMES.iter().enumerate() {
        let yes = answers.iter().filter(|a| a.2[i]).count();
        assert!(yes > 0 && yes < answers.len(), "{name}: {yes} of {}", answers.len());
    }
}

mod by_name {
    use super::*;
    use archery::{ArcK, ArcTK, RcK};
    use backstory::{GenericHashMap, GenericHashSet, GenericVector, HashMap, HashSet, PortableHash, Vector};
    use backstory::{hashmap, hashset, rc, vector};

    type Diff<'a, K, V, P> = hashmap::DiffIter<'a, 'a, K, V, PortableHash, P>;

    assert_impl_all!(HashMap<u64, String>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(HashSet<String>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(GenericHashMap<u64, String, PortableHash, ArcK>: Send, Sync);
    assert_impl_all!(GenericHashSet<u64, PortableHash, ArcK>: Send, Sync);
    assert_impl_all!(hashmap::Iter<'static, u64, u64, ArcTK>: Clone);
    assert_impl_all!(hashmap::IterMut<'static, u64, u64, ArcTK>: Send, Sync);
    assert_impl_all!(hashmap::ConsumingIter<(u64, u64), ArcTK>: Send, Sync);

    // Counts that are not atomic stay on their thread, and so do borrows that can clone a handle.
    assert_not_impl_any!(rc::HashMap<u64, u64>: Send, Sync);
    assert_not_impl_any!(rc::HashSet<u64>: Send, Sync);
    assert_not_impl_any!(&'static rc::HashMap<u64, u64>: Send, Sync);
    assert_not_impl_any!(hashmap::Iter<'static, u64, u64, RcK>: Send, Sync);
    assert_not_impl_any!(hashmap::IterMut<'static, u64, u64, RcK>: Send, Sync);
    assert_not_impl_any!(hashmap::ConsumingIter<(u64, u64), RcK>: Send, Sync);
    assert_not_impl_any!(hashmap::Keys<'static, u64, u64, RcK>: Send, Sync);
    assert_not_impl_any!(hashmap::Values<'static, u64, u64, RcK>: Send, Sync);
    assert_not_impl_any!(hashmap::Entry<'static, u64, u64, PortableHash, RcK>: Send, Sync);
    assert_not_impl_any!(Diff<'static, u64, u64, RcK>: Send, Sync);

    // A node is shared by reference whatever the handle does, so Send needs Sync of the elements, and the reverse.
    assert_not_impl_any!(HashMap<Cell<u8>, u8>: Send, Sync);
    assert_not_impl_any!(HashMap<u8, Cell<u8>>: Send, Sync);
    assert_not_impl_any!(HashMap<u8, RefCell<u8>>: Send, Sync);
    assert_not_impl_any!(HashMap<u8, Rc<u8>>: Send, Sync);
    assert_not_impl_any!(HashMap<u8, MutexGuard<'static, u8>>: Send, Sync);
    assert_not_impl_any!(HashSet<Rc<u8>>: Send, Sync);
    assert_not_impl_any!(HashSet<Cell<u8>>: Send, Sync);
    assert_not_impl_any!(hashmap::ConsumingIter<(u8, Cell<u8>), ArcTK>: Send, Sync);
    assert_not_impl_any!(hashmap::IterMut<'static, u8, Cell<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(hashmap::Entry<'static, u8, Cell<u8>, PortableHash, ArcTK>: Send, Sync);
    assert_not_impl_any!(Diff<'static, u8, Cell<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(hashmap::DiffItem<'static, 'static, u8, Cell<u8>>: Send, Sync);
    assert_not_impl_any!(GenericHashMap<u8, u8, Cell<u8>, ArcTK>: Sync);
    assert_impl_all!(GenericHashMap<u8, u8, Cell<u8>, ArcTK>: Send);

    assert_impl_all!(Vector<String>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(GenericVector<u64, ArcK>: Send, Sync);
    assert_impl_all!(vector::Iter<'static, u64, ArcTK>: Send, Sync, Clone);
    assert_impl_all!(vector::IterMut<'static, u64, ArcTK>: Send, Sync);
    assert_impl_all!(vector::Focus<'static, u64, ArcTK>: Send, Sync, Clone);
    assert_impl_all!(vector::FocusMut<'static, u64, ArcTK>: Send, Sync);
    assert_impl_all!(vector::Chunks<'static, u64, ArcTK>: Send, Sync, Clone);
    assert_impl_all!(vector::ChunksMut<'static, u64, ArcTK>: Send, Sync);
    assert_impl_all!(vector::ConsumingIter<u64, ArcTK>: Send, Sync, Clone);

    assert_not_impl_any!(rc::Vector<u64>: Send, Sync);
    assert_not_impl_any!(vector::Iter<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::Focus<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::FocusMut<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::IterMut<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::ChunksMut<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::Chunks<'static, u64, RcK>: Send, Sync);
    assert_not_impl_any!(vector::ConsumingIter<u64, RcK>: Send, Sync);

    assert_not_impl_any!(Vector<Cell<u8>>: Send, Sync);
    assert_not_impl_any!(Vector<MutexGuard<'static, u8>>: Send, Sync);
    assert_not_impl_any!(vector::Focus<'static, Cell<u8>, ArcTK>: Send, Sync);
    // What changes elements clones those that others share: `Send` alone is not enough.
    assert_not_impl_any!(vector::FocusMut<'static, Cell<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(vector::IterMut<'static, Cell<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(vector::ChunksMut<'static, Cell<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(vector::ConsumingIter<Rc<u8>, ArcTK>: Send, Sync);
    assert_not_impl_any!(vector::FocusMut<'static, u8, ArcTK>: Clone);
    assert_not_impl_any!(vector::IterMut<'static, u8, ArcTK>: Clone);

    /// At run time, so that one answer that is wrong leaves the rest of this file to be run.
    #[test]
    fn borrowing_iterators_and_diffs_of_atomic_maps_cross_threads() {
        assert!(
            has!(hashmap::Iter<'static, u64, u64, ArcTK>: Send) && has!(hashmap::Iter<'static, u64, u64, ArcTK>: Sync)
        );
        assert!(
            has!(hashmap::Keys<'static, u64, u64, ArcTK>: Send)
                && has!(hashmap::Values<'static, u64, u64, ArcTK>: Sync)
        );
        assert!(has!(hashset::Iter<'static, u64, ArcTK>: Send) && has!(hashset::Iter<'static, u64, ArcTK>: Sync));
        assert!(has!(Diff<'static, u64, u64, ArcTK>: Send) && has!(Diff<'static, u64, u64, ArcTK>: Sync));
        type SetDiff<'a> = hashset::DiffIter<'a, 'a, u64, PortableHash, ArcTK>;
        assert!(has!(SetDiff<'static>: Send) && has!(SetDiff<'static>: Sync));
    }
}

// ---- variance: each function compiles only if the type is covariant in that place ----

#[allow(dead_code)] // To compile is the test.
mod covariance {
    use archery::{ArcTK, RcK};
    use backstory::{DiffItem, GenericHashMap, GenericHashSet, HashMap, HashSet, PortableHash, hashmap, hashset};
    use backstory::{Vector, vector};

    pub fn vector<'a>(vector: Vector<&'static str>) -> Vector<&'a str> {
        vector
    }
    pub fn vector_of_one_thread<'a>(vector: backstory::rc::Vector<&'static str>) -> backstory::rc::Vector<&'a str> {
        vector
    }
    pub fn vectors<'a>(vector: Vector<Vector<&'static str>>) -> Vector<Vector<&'a str>> {
        vector
    }
    pub fn vector_iter<'a, 'b: 'a>(iter: vector::Iter<'b, &'static str, ArcTK>) -> vector::Iter<'a, &'a str, ArcTK> {
        iter
    }
    pub fn leaves<'a, 'b: 'a>(iter: vector::Chunks<'b, &'static str, ArcTK>) -> vector::Chunks<'a, &'a str, ArcTK> {
        iter
    }
    pub fn vector_consuming<'a>(
        iter: vector::ConsumingIter<&'static str, ArcTK>,
    ) -> vector::ConsumingIter<&'a str, ArcTK> {
        iter
    }
    pub fn focus<'a, 'b: 'a>(view: vector::Focus<'b, &'static str, ArcTK>) -> vector::Focus<'a, &'a str, ArcTK> {
        view
    }
    pub fn focus_mut<'a, 'b: 'a>(view: vector::FocusMut<'b, u8, ArcTK>) -> vector::FocusMut<'a, u8, ArcTK> {
        view
    }
    pub fn vector_iter_mut<'a, 'b: 'a>(iter: vector::IterMut<'b, u8, ArcTK>) -> vector::IterMut<'a, u8, ArcTK> {
        iter
    }
    pub fn leaves_mut<'a, 'b: 'a>(iter: vector::ChunksMut<'b, u8, ArcTK>) -> vector::ChunksMut<'a, u8, ArcTK> {
        iter
    }
    pub fn map_key<'a>(map: HashMap<&'static str, u8>) -> HashMap<&'a str, u8> {
        map
    }
    pub fn map_value<'a>(map: HashMap<u8, &'static str>) -> HashMap<u8, &'a str> {
        map
    }
    pub fn map_hasher<'a>(map: GenericHashMap<u8, u8, &'static str, ArcTK>) -> GenericHashMap<u8, u8, &'a str, ArcTK> {
        map
    }
    pub fn map_of_one_thread<'a>(
        map: backstory::rc::HashMap<&'static str, &'static str>,
    ) -> backstory::rc::HashMap<&'a str, &'a str> {
        map
    }
    pub fn set_value<'a>(set: HashSet<&'static str>) -> HashSet<&'a str> {
        set
    }
    pub fn set_of_one_thread<'a>(
        set: GenericHashSet<&'static str, PortableHash, RcK>,
    ) -> GenericHashSet<&'a str, PortableHash, RcK> {
        set
    }
    pub fn borrowed<'a, 'b>(map: &'b HashMap<&'static str, &'static str>) -> &'b HashMap<&'a str, &'a str> {
        map
    }
    pub fn nested<'a>(map: HashMap<u8, HashSet<&'static str>>) -> HashMap<u8, HashSet<&'a str>> {
        map
    }
    pub fn iter<'a, 'b: 'a>(
        iter: hashmap::Iter<'b, &'static str, &'static str, ArcTK>,
    ) -> hashmap::Iter<'a, &'a str, &'a str, ArcTK> {
        iter
    }
    pub fn keys<'a, 'b: 'a>(
        iter: hashmap::Keys<'b, &'static str, &'static str, ArcTK>,
    ) -> hashmap::Keys<'a, &'a str, &'a str, ArcTK> {
        iter
    }
    pub fn values<'a, 'b: 'a>(
        iter: hashmap::Values<'b, &'static str, &'static str, ArcTK>,
    ) -> hashmap::Values<'a, &'a str, &'a str, ArcTK> {
        iter
    }
    pub fn set_iter<'a, 'b: 'a>(iter: hashset::Iter<'b, &'static str, ArcTK>) -> hashset::Iter<'a, &'a str, ArcTK> {
        iter
    }
    pub fn set_consuming<'a>(
        iter: hashset::ConsumingIter<&'static str, ArcTK>,
    ) -> hashset::ConsumingIter<&'a str, ArcTK> {
        iter
    }
    pub fn diff<'a>(
        iter: hashmap::DiffIter<'static, 'static, &'static str, &'static str, PortableHash, ArcTK>,
    ) -> hashmap::DiffIter<'a, 'a, &'a str, &'a str, PortableHash, ArcTK> {
        iter
    }
    pub fn diff_item<'a>(
        item: DiffItem<'static, 'static, &'static str, &'static str>,
    ) -> DiffItem<'a, 'a, &'a str, &'a str> {
        item
    }
    pub fn mutable_iter_key<'a, 'b: 'a>(
        iter: hashmap::IterMut<'b, u8, u8, ArcTK>,
    ) -> hashmap::IterMut<'a, u8, u8, ArcTK> {
        iter
    }
}

#[test]
fn a_map_of_long_lived_things_serves_where_one_of_short_lived_things_is_wanted() {
    let text = String::from("short");
    let long: HashMapOfStatic = [("long", "lived")].into_iter().collect();
    let mut short = covariance::map_value(
        covariance::map_key([("k", 1)].into_iter().collect()).iter().map(|(_, v)| (*v, "static")).collect(),
    );
    short.insert(2, &text);
    assert_eq!(short.len(), 2);
    let mut both = covariance::borrowed(&long).clone();
    both.insert(&text, &text);
    assert_eq!((both.len(), long.len()), (2, 1));
    assert_eq!(covariance::iter(long.iter()).chain(covariance::iter(long.iter())).count(), 2);
}

#[test]
fn a_vector_of_long_lived_things_serves_where_one_of_short_lived_things_is_wanted() {
    let (text, long): (String, backstory::Vector<&'static str>) = ("short".into(), ["long", "lived"].into());
    let mut both = covariance::vector(long.clone());
    both.push_back(&text);
    let mut view = covariance::focus(long.focus());
    assert_eq!((both.len(), view.get(1), covariance::vector_iter(long.iter()).count()), (3, Some(&"lived"), 2));
}

type HashMapOfStatic = backstory::HashMap<&'static str, &'static str>;

// ---- maps cross threads ----

#[test]
fn versions_of_one_map_are_read_edited_and_dropped_by_many_threads() {
    let map: backstory::HashMap<u64, String> = (0..5000).map(|i| (i, i.to_string())).collect();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let mut own = map.clone();
            scope.spawn(move || {
                for i in 0..2000 {
                    own.insert(i * 4 + t, format!("{t}"));
                    own.remove(&(i * 7 + t));
                }
                let right = own.iter().all(|(k, v)| own.get(k) == Some(v));
                assert!(right && own.iter().count() == own.len());
            });
        }
    });
    assert_eq!(map.len(), 5000);
    assert!((0..5000).all(|i| map[&i] == i.to_string()));
}
