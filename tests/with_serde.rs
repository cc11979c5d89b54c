//! The feature `serde`: our collections are written and read as std's of the same shape, token by token, in a format of
//! text and in one of bytes; bad input is an error, leaks nothing and reserves nothing.
#![cfg(feature = "serde")]
#![allow(unsafe_code)] // An allocator that counts.

use backstory::shared_ptr::{ArcK, RcK};
use backstory::{GenericHashMap, GenericHashSet, GenericVector, HashMap, HashSet, StrongHash, Vector};
use proptest::collection::{btree_set, hash_map, vec};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, MapDeserializer, SeqDeserializer};
use serde::{Deserialize, Serialize};
use serde_test::{Token, assert_de_tokens_error, assert_tokens};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::{self, BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::{Hash, RandomState};

// ---- what is counted ----

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static MOST_BYTES: Cell<isize> = const { Cell::new(0) };
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = BYTES.try_with(|n| {
            n.set(n.get() + layout.size() as isize);
            MOST_BYTES.try_with(|most| most.set(most.get().max(n.get())))
        });
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|n| n.set(n.get() - layout.size() as isize));
        // SAFETY: passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `f` had at once.
fn most_bytes(f: impl FnOnce()) -> isize {
    let before = BYTES.get();
    MOST_BYTES.set(before);
    f();
    MOST_BYTES.get() - before
}

/// An element of which one knows how many are alive.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted(u32);

impl Counted {
    fn new(n: u32) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Counted(n)
    }
}
impl Clone for Counted {
    fn clone(&self) -> Self {
        Counted::new(self.0)
    }
}
impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1)
    }
}
impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(format: D) -> Result<Self, D::Error> {
        u32::deserialize(format).map(Counted::new)
    }
}

// ---- as std ----

#[test]
fn tokens_are_those_of_std() {
    let none = [Token::Map { len: Some(0) }, Token::MapEnd];
    assert_tokens(&HashMap::<String, u8>::new(), &none);
    assert_tokens(&collections::HashMap::<String, u8>::new(), &none);

    let one = [Token::Map { len: Some(1) }, Token::Str("a"), Token::Some, Token::U8(7), Token::MapEnd];
    assert_tokens(&HashMap::<String, Option<u8>>::unit("a".into(), Some(7)), &one);
    assert_tokens(&collections::HashMap::from([("a".to_owned(), Some(7u8))]), &one);

    let one = [Token::Seq { len: Some(1) }, Token::Tuple { len: 2 }, Token::U8(1), Token::Char('x'), Token::TupleEnd];
    let one = [&one[..], &[Token::SeqEnd]].concat();
    assert_tokens(&HashSet::from([(1u8, 'x')]), &one);
    assert_tokens(&collections::HashSet::from([(1u8, 'x')]), &one);

    let two = [Token::Seq { len: Some(2) }, Token::Unit, Token::Unit, Token::SeqEnd];
    assert_tokens(&Vector::from([(), ()]), &two);
    assert_tokens(&vec![(), ()], &two);
}

#[test]
fn a_collection_is_written_in_its_own_order() {
    let map: HashMap<u64, u64> = (0..100).map(|i| (i, i * i)).collect();
    let mut tokens = vec![Token::Map { len: Some(100) }];
    tokens.extend(map.iter().flat_map(|(k, v)| [Token::U64(*k), Token::U64(*v)]));
    tokens.push(Token::MapEnd);
    assert_tokens(&map, &tokens);

    let set: HashSet<u64> = map.keys().copied().collect();
    let mut tokens = vec![Token::Seq { len: Some(100) }];
    tokens.extend(set.iter().map(|a| Token::U64(*a)));
    tokens.push(Token::SeqEnd);
    assert_tokens(&set, &tokens);
}

#[test]
fn a_length_need_not_be_known_to_read() {
    let map = [Token::Map { len: None }, Token::Char('a'), Token::I32(1), Token::MapEnd];
    serde_test::assert_de_tokens(&HashMap::<char, i32>::unit('a', 1), &map);
    let seq = [Token::Seq { len: None }, Token::I32(1), Token::I32(2), Token::SeqEnd];
    serde_test::assert_de_tokens(&Vector::from([1, 2]), &seq);
    serde_test::assert_de_tokens(&HashSet::from([1, 2]), &seq);
}

/// What std writes we read, and the other way round, as text and as bytes.
fn exchange<O, T>(ours: &O, std: &T) -> Result<(), TestCaseError>
where
    O: Serialize + DeserializeOwned + PartialEq + Debug,
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = |of: &dyn Fn() -> postcard::Result<Vec<u8>>| of().expect("bytes");
    let (text, their_text) = (serde_json::to_string(ours).expect("text"), serde_json::to_string(std).expect("text"));
    prop_assert_eq!(&serde_json::from_str::<O>(&their_text).expect("their text"), ours);
    prop_assert_eq!(&serde_json::from_str::<T>(&text).expect("our text"), std);
    let (our_bytes, their_bytes) = (bytes(&|| postcard::to_allocvec(ours)), bytes(&|| postcard::to_allocvec(std)));
    prop_assert_eq!(&postcard::from_bytes::<O>(&their_bytes).expect("their bytes"), ours);
    prop_assert_eq!(&postcard::from_bytes::<T>(&our_bytes).expect("our bytes"), std);
    prop_assert_eq!(text.len(), their_text.len());
    prop_assert_eq!(our_bytes.len(), their_bytes.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn maps_and_std_read_each_other(std in hash_map(".{0,12}", any::<i64>(), 0..400)) {
        exchange(&HashMap::from(&std), &std)?;
        exchange(&GenericHashMap::<_, _, RandomState, RcK>::from(&std), &std)?;
        exchange(&GenericHashMap::<_, _, StrongHash, ArcK>::from(&std), &std)?
    }

    #[test]
    fn sets_and_std_read_each_other(std in btree_set(any::<(u16, char)>(), 0..400)) {
        exchange(&HashSet::from(&std), &std)?;
        exchange(&GenericHashSet::<_, RandomState, RcK>::from(&std), &std)?
    }

    #[test]
    fn vectors_and_std_read_each_other(std in vec(proptest::option::of(".{0,9}"), 0..400)) {
        exchange(&Vector::from(&std), &std)?;
        exchange(&GenericVector::<_, RcK>::from(&std), &std)?
    }

    #[test]
    fn collections_in_collections_and_std_read_each_other(
        std in hash_map(".{0,5}", vec(btree_set(any::<u32>(), 0..12), 0..12), 0..12),
    ) {
        let ours: HashMap<String, Vector<HashSet<u32>>> =
            std.iter().map(|(k, v)| (k.clone(), v.iter().map(HashSet::from).collect())).collect();
        exchange(&ours, &std)?
    }
}

#[test]
fn keys_are_written_as_std_writes_them() {
    let map: HashMap<u32, bool> = HashMap::unit(7, true);
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"7":true}"#);
    assert_eq!(serde_json::from_str::<HashMap<u32, bool>>(r#"{"7":true}"#).unwrap(), map);
    let no_text = |error: serde_json::Error| error.to_string();
    assert_eq!(
        serde_json::to_string(&HashMap::unit(vec![1], 2)).map_err(no_text),
        serde_json::to_string(&collections::HashMap::from([(vec![1], 2)])).map_err(no_text)
    );
}

// ---- in structs ----

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Notes<V: Eq + Hash + Clone> {
    titles: Vector<String>,
    body: HashMap<String, Vector<char>>,
    #[serde(default, skip_serializing_if = "HashSet::is_empty")]
    tags: HashSet<V>,
    parent: Option<Box<Notes<V>>>,
    #[serde(flatten)]
    rest: HashMap<String, Either>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Numbers(Vector<f64>),
    Names(HashMap<String, String>),
}

#[test]
fn structs_that_hold_collections_are_derived() {
    let leaf = Notes { titles: ["Monday".to_owned()].into(), tags: [3u8, 4].into(), ..Notes::default() };
    let notes = Notes {
        body: [("a".to_owned(), "text".chars().collect())].into(),
        parent: Some(Box::new(leaf)),
        rest: [
            ("numbers".to_owned(), Either::Numbers([1.5, -2.0].into())),
            ("names".to_owned(), Either::Names(HashMap::unit("x".into(), "y".into()))),
        ]
        .into(),
        ..Notes::default()
    };
    let text = serde_json::to_string(&notes).unwrap();
    assert_eq!(serde_json::from_str::<Notes<u8>>(&text).unwrap(), notes);
    let value = serde_json::to_value(&notes).unwrap();
    assert_eq!(value["parent"]["titles"], serde_json::json!(["Monday"]));
    assert_eq!(value["numbers"], serde_json::json!([1.5, -2.0]));
    assert!(value.get("tags").is_none());
    assert_eq!(serde_json::from_value::<Notes<u8>>(value).unwrap(), notes);
}

#[test]
fn elements_may_borrow_from_the_input() {
    let text = r#"{"a": ["x", "y"], "b": []}"#.to_owned();
    let read: HashMap<&str, Vector<&str>> = serde_json::from_str(&text).unwrap();
    assert_eq!((read["a"].get(1), read["b"].len()), (Some(&"y"), 0));
    assert!(text.as_bytes().as_ptr_range().contains(&read["a"][0].as_ptr()));
}

// ---- bad input ----

#[test]
fn of_equal_keys_the_last_stays() {
    let text = r#"{"a": 1, "b": 5, "a": 2, "a": 3}"#;
    let std: BTreeMap<String, u32> = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::from_str::<HashMap<String, u32>>(text).unwrap(), HashMap::from(std));
    let std: BTreeSet<u32> = serde_json::from_str("[3, 1, 3, 3, 2, 1]").unwrap();
    assert_eq!(serde_json::from_str::<HashSet<u32>>("[3, 1, 3, 3, 2, 1]").unwrap(), HashSet::from(std));
}

#[test]
fn errors_are_those_of_std() {
    fn error<T: DeserializeOwned>(text: &str) -> String {
        serde_json::from_str::<T>(text).err().expect("an error").to_string()
    }
    for text in ["", "null", "7", "[]", "[1, 2]", "{\"a\"", "{\"a\": 1, \"b\": \"x\"}", "{\"a\": 1, }", "{\"a\": 1"] {
        type Std = collections::HashMap<String, u32>;
        assert_eq!(error::<HashMap<String, u32>>(text), error::<Std>(text), "map: {text}");
    }
    for text in ["", "null", "7", "{}", "{\"a\": 1}", "[1, 2", "[1, \"x\", 2]", "[1,, 2]", "[1, -1]", "[[]]"] {
        assert_eq!(error::<Vector<u32>>(text), error::<Vec<u32>>(text), "vector: {text}");
        assert_eq!(error::<HashSet<u32>>(text), error::<collections::HashSet<u32>>(text), "set: {text}");
    }
    let message = "invalid type: string \"x\", expected a map";
    assert_de_tokens_error::<HashMap<u8, u8>>(&[Token::Str("x")], message);
    assert_de_tokens_error::<collections::HashMap<u8, u8>>(&[Token::Str("x")], message);
    let message = "invalid type: boolean `true`, expected a sequence";
    assert_de_tokens_error::<Vector<u8>>(&[Token::Bool(true)], message);
    assert_de_tokens_error::<HashSet<u8>>(&[Token::Bool(true)], message);
}

#[test]
fn an_error_in_the_middle_leaks_nothing() {
    fn fails<T: DeserializeOwned>(text: &str) {
        assert!(serde_json::from_str::<T>(text).is_err(), "{text}");
        assert_eq!(ALIVE.get(), 0, "{text}");
    }
    for n in [0, 1, 2, 14, 15, 16, 63, 64, 65, 200, 1000, 5000] {
        let numbers: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        let entries: Vec<String> = numbers.iter().map(|i| format!("\"{i}\": {i}")).collect();
        let comma = if n == 0 { "" } else { "," };
        fails::<Vector<Counted>>(&format!("[{}{comma} \"x\"]", numbers.join(",")));
        fails::<HashSet<Counted>>(&format!("[{}{comma} \"x\"]", numbers.join(",")));
        fails::<HashMap<String, Counted>>(&format!("{{{}{comma} \"x\": \"x\"}}", entries.join(",")));
        fails::<Vector<Vector<Counted>>>(&format!("[[{0}], [{0}{comma} null]]", numbers.join(",")));
    }
    let read: Vector<Counted> = serde_json::from_str("[1, 2, 3]").unwrap();
    assert_eq!(ALIVE.get(), 3);
    drop(read);
    assert_eq!(ALIVE.get(), 0);
}

#[test]
fn cut_bytes_are_an_error() {
    let map: HashMap<u64, Vector<String>> =
        (0..40).map(|i| (i, (0..i % 5).map(|j| format!("{i}/{j}")).collect())).collect();
    let bytes = postcard::to_allocvec(&map).unwrap();
    for end in 0..bytes.len() {
        assert!(postcard::from_bytes::<HashMap<u64, Vector<String>>>(&bytes[..end]).is_err(), "{end} bytes");
    }
    assert_eq!(postcard::from_bytes::<HashMap<u64, Vector<String>>>(&bytes).unwrap(), map);
}

/// An iterator that claims to have as many items as there can be.
struct Boaster<I>(I);

impl<I: Iterator> Iterator for Boaster<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, Some(usize::MAX))
    }
}

/// Room for a few elements, in nodes, and once more while they are gathered.
const FEW_BYTES: isize = 8 << 10;

#[test]
fn a_claimed_length_reserves_nothing() {
    let seq = || SeqDeserializer::<_, ValueError>::new(Boaster(0..3u32));
    let most = most_bytes(|| assert_eq!(Vector::deserialize(seq()).unwrap(), Vector::from([0, 1, 2])));
    assert!(most < FEW_BYTES, "vector: {most} bytes");
    let most = most_bytes(|| assert_eq!(HashSet::deserialize(seq()).unwrap(), HashSet::from([0, 1, 2])));
    assert!(most < FEW_BYTES, "set: {most} bytes");
    let map = || MapDeserializer::<_, ValueError>::new(Boaster((0..3u32).map(|i| (i, i))));
    let most = most_bytes(|| assert_eq!(HashMap::<u32, u32>::deserialize(map()).unwrap().len(), 3));
    assert!(most < FEW_BYTES, "map: {most} bytes");
    // The length in front of a sequence of large elements, and nothing behind it.
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let most = most_bytes(|| assert!(postcard::from_bytes::<Vector<[u64; 32]>>(&bytes).is_err()));
    assert!(most < FEW_BYTES, "bytes: {most} bytes");
}
