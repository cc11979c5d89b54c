//! What must not compile, as doc tests.
//!
//! Its counts are not atomic:
//! ```compile_fail,E0277
//! fn send<T: Send>(_: T) {}
//! send(backstory::rc::HashMap::<u8, u8>::new());
//! ```
//! ```compile_fail,E0277
//! fn sync<T: Sync>(_: &T) {}
//! sync(&backstory::rc::HashSet::<u8>::new());
//! ```
//! Versions on two threads would share the cells:
//! ```compile_fail,E0277
//! let map: backstory::HashMap<u8, std::cell::Cell<u8>> = backstory::HashMap::new();
//! std::thread::spawn(move || map.len());
//! ```
//! A value outlives neither its map nor a change of it:
//! ```compile_fail,E0505
//! let map = backstory::hashmap! { 1 => String::from("a") };
//! let value = map.get(&1);
//! drop(map);
//! println!("{value:?}");
//! ```
//! ```compile_fail,E0502
//! let mut map = backstory::hashmap! { 1 => 1 };
//! for (k, _) in &map {
//!     map.remove(k);
//! }
//! ```
//! ```compile_fail,E0499
//! let mut map = backstory::hashmap! { 1 => 1, 2 => 2 };
//! let (a, b) = (map.get_mut(&1), map.get_mut(&2));
//! println!("{a:?} {b:?}");
//! ```
//! ```compile_fail,E0499
//! let mut map = backstory::hashmap! { 1 => 1 };
//! let mut values = map.iter_mut();
//! map.insert(2, 2);
//! values.next();
//! ```
//! ```compile_fail,E0499
//! let mut map = backstory::hashmap! { 1 => 1 };
//! let entry = map.entry(1);
//! map.insert(2, 2);
//! entry.or_insert(3);
//! ```
//! ```compile_fail,E0505
//! let (old, new) = (backstory::hashmap! { 1 => 1 }, backstory::hashmap! { 1 => 2 });
//! let diff = old.diff(&new);
//! drop(new);
//! assert_eq!(diff.count(), 1);
//! ```
//! ```compile_fail,E0597
//! let mut map = backstory::HashMap::new();
//! {
//!     let text = String::from("short");
//!     map.insert(1, text.as_str());
//! }
//! println!("{map:?}");
//! ```
//! A key stands where its hash leads, so it cannot be changed:
//! ```compile_fail,E0594
//! let mut map = backstory::hashmap! { 1 => 1 };
//! for (k, _) in map.iter_mut() {
//!     *k = 2;
//! }
//! ```
//! What writes is invariant: a short-lived string could be put into a map of long-lived ones.
//! ```compile_fail
//! use backstory::{map::IterMut, shared_ptr::ArcTK};
//! fn shorter<'a, 'b>(iter: IterMut<'a, u8, &'static str, ArcTK>) -> IterMut<'a, u8, &'b str, ArcTK> {
//!     iter
//! }
//! ```
//! ```compile_fail
//! use backstory::{PortableHash, map::Entry, shared_ptr::ArcTK};
//! type In<'a, 'b> = Entry<'a, u8, &'b str, PortableHash, ArcTK>;
//! fn shorter<'a, 'b>(entry: In<'a, 'static>) -> In<'a, 'b> {
//!     entry
//! }
//! ```
//! Kinds are sealed; keys need `Eq` and `Hash`:
//! ```compile_fail,E0277
//! use backstory::{GenericHashMap, PortableHash};
//! struct Mine;
//! let map: GenericHashMap<u8, u8, PortableHash, Mine> = GenericHashMap::new();
//! ```
//! ```compile_fail,E0599
//! let map: backstory::HashMap<f64, u8> = backstory::HashMap::new();
//! map.get(&1.0);
//! ```
//!
//! In: programs that misuse the map. Out: the compiler's errors.
