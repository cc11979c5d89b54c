//! What must not compile, as doc tests.
//! In: programs that misuse the vector. Out: the compiler's errors.
//!
//! Its counts are not atomic:
//! ```compile_fail,E0277
//! fn send<T: Send>(_: T) {}
//! send(backstory::rc::Vector::<u8>::new());
//! ```
//! ```compile_fail,E0277
//! let vector: backstory::rc::Vector<u8> = backstory::rc::Vector::new();
//! let mut view = vector.focus();
//! std::thread::scope(|threads| {
//!     threads.spawn(move || view.get(0).is_none());
//! });
//! ```
//! Versions on two threads would share the cells (im #157: a focus took them along):
//! ```compile_fail,E0277
//! let vector: backstory::Vector<std::cell::Cell<u8>> = backstory::Vector::new();
//! std::thread::spawn(move || vector.len());
//! ```
//! ```compile_fail,E0277
//! let cells: backstory::Vector<&std::cell::Cell<u8>> = backstory::Vector::new();
//! let view = cells.focus();
//! std::thread::scope(|threads| {
//!     threads.spawn(move || view.len());
//! });
//! ```
//! ```compile_fail,E0277
//! let mut cells: backstory::Vector<std::rc::Rc<u8>> = backstory::Vector::new();
//! let (left, _right) = cells.focus_mut().split_at(0);
//! std::thread::scope(|threads| {
//!     threads.spawn(move || left.len());
//! });
//! ```
//! An element outlives neither its vector nor a change of it:
//! ```compile_fail,E0505
//! let vector = backstory::vector![String::from("a")];
//! let element = vector.get(0);
//! drop(vector);
//! println!("{element:?}");
//! ```
//! ```compile_fail,E0502
//! let mut vector = backstory::vector![1, 2];
//! for element in &vector {
//!     vector.push_back(*element);
//! }
//! ```
//! ```compile_fail,E0499
//! let mut vector = backstory::vector![1, 2];
//! let (a, b) = (vector.get_mut(0), vector.get_mut(1));
//! println!("{a:?} {b:?}");
//! ```
//! ```compile_fail,E0499
//! let mut vector = backstory::vector![1, 2];
//! let mut elements = vector.iter_mut();
//! vector.push_back(3);
//! elements.next();
//! ```
//! ```compile_fail,E0499
//! let mut vector = backstory::vector![1, 2];
//! let mut view = vector.focus_mut();
//! vector.push_back(3);
//! view.set(0, 1);
//! ```
//! A view that changes elements gives one at a time, and its own no longer than itself:
//! ```compile_fail,E0499
//! let mut vector = backstory::vector![1, 2];
//! let mut view = vector.focus_mut();
//! let (a, b) = (view.index_mut(0), view.index_mut(0));
//! std::mem::swap(a, b);
//! ```
//! ```compile_fail,E0505
//! let mut vector = backstory::vector![1, 2];
//! let mut view = vector.focus_mut();
//! let element = view.index_mut(0);
//! drop(view.unmut());
//! *element = 1;
//! ```
//! ```compile_fail,E0382
//! let mut vector = backstory::vector![1, 2];
//! let mut view = vector.focus_mut();
//! let (_left, _right) = view.split_at(1);
//! view.set(0, 1);
//! ```
//! ```compile_fail,E0597
//! let mut vector = backstory::Vector::new();
//! {
//!     let text = String::from("short");
//!     vector.push_back(text.as_str());
//! }
//! println!("{vector:?}");
//! ```
//! What writes is invariant: a short-lived string could be put into a vector of long-lived ones.
//! ```compile_fail
//! use backstory::{shared_ptr::ArcTK, vector::IterMut};
//! fn shorter<'a, 'b>(iter: IterMut<'a, &'static str, ArcTK>) -> IterMut<'a, &'b str, ArcTK> {
//!     iter
//! }
//! ```
//! ```compile_fail
//! use backstory::{shared_ptr::ArcTK, vector::FocusMut};
//! fn shorter<'a, 'b>(view: FocusMut<'a, &'static str, ArcTK>) -> FocusMut<'a, &'b str, ArcTK> {
//!     view
//! }
//! ```
//! ```compile_fail
//! use backstory::{shared_ptr::ArcTK, vector::ChunksMut};
//! fn shorter<'a, 'b>(leaves: ChunksMut<'a, &'static str, ArcTK>) -> ChunksMut<'a, &'b str, ArcTK> {
//!     leaves
//! }
//! ```
//! Kinds are sealed; what changes a vector clones elements:
//! ```compile_fail,E0277
//! struct Mine;
//! let vector: backstory::GenericVector<u8, Mine> = backstory::GenericVector::new();
//! ```
//! ```compile_fail,E0599
//! struct Own;
//! let mut vector: backstory::Vector<Own> = backstory::Vector::new();
//! vector.push_back(Own);
//! ```
