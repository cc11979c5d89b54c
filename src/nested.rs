//! Macros that look and change inside collections in collections.

/// The value under a row of keys in nested collections, `None` if one of them is missing.
///
/// ```
/// use backstory::{HashMap, get_in, hashmap};
///
/// let pages: HashMap<u32, HashMap<u32, &str>> = hashmap! { 1 => hashmap! { 7 => "words" } };
/// assert_eq!(get_in![pages, &1 => &7], Some(&"words"));
/// assert_eq!(get_in![pages, &2 => &7], None);
/// ```
#[macro_export]
macro_rules! get_in {
    ($target:expr, $key:expr) => {
        $target.get($key)
    };
    ($target:expr, $key:expr => $($rest:expr) => +) => {
        $target.get($key).and_then(|inner| $crate::get_in!(inner, $($rest) => +))
    };
}

/// A version of nested collections with another value under a row of keys. A collection of its own is made on each
/// level, which shares all but what changes.
///
/// A key is used for a lookup and for the update of its level, so it must do for both (as an index of a vector does).
///
/// # Panics
/// If a key but the last is missing.
///
/// ```
/// use backstory::{HashMap, hashmap, update_in};
///
/// let old: HashMap<&str, HashMap<&str, u32>> = hashmap! { "monday" => hashmap! { "milk" => 2 } };
/// let new = update_in![old, "monday" => "milk", 3];
/// assert_eq!((old["monday"]["milk"], new["monday"]["milk"]), (2, 3));
/// ```
#[macro_export]
macro_rules! update_in {
    ($target:expr, $key:expr, $value:expr) => {
        $target.update($key, $value)
    };
    ($target:expr, $key:expr => $($rest:expr) => +, $value:expr) => {{
        let inner = $target.get($key).expect("update_in!: no such key on the way");
        $target.update($key, $crate::update_in!(inner, $($rest) => +, $value))
    }};
}
