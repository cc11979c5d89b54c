//! Maps against std's, in many versions at once.
//!
//! In: a hasher (whole, or cut to few bits, so that prefixes are long and hashes clash), and steps over a few slots, each of
//! which holds a map and std's map of the same entries. Maps in slots share nodes.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: each call gives what std gives; at the end each slot is as its model by every way to read it, `==` is that of the
//! models, and `diff` of two leads from one to the other. Entries own memory, so that the sanitizer sees what is dropped twice or
//! never.
//! Uses: `hashers`, std.

#![no_main]

use arbitrary::Arbitrary;
use backstory::hashmap::Entry;
use backstory::shared_ptr::ArcTK;
use backstory::{DiffItem, GenericHashMap, PortableHash};
use backstory_fuzz::hashers::Cut;
use libfuzzer_sys::fuzz_target;
use std::collections::HashMap;
use std::hash::BuildHasher;

const MOST_STEPS: usize = 400;
const SLOTS: usize = 6;

type Key = Box<u16>;
type Value = Box<u32>;

#[derive(Arbitrary, Debug)]
struct Input {
    hasher: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
struct Step {
    slot: u8,
    verb: Verb,
}

#[derive(Arbitrary, Debug)]
enum Verb {
    /// The slot becomes a clone of another.
    Keep(u8),
    Insert(u16, u8),
    /// So many keys in a row.
    Fill(u16, u8),
    Drain(u16, u8),
    Remove(u16),
    RemoveWithKey(u16),
    Get(u16),
    GetMut(u16),
    Entry(u16, u8, EntryVerb),
    Retain(u8, u8),
    IterMut(u8),
    Union(u8),
    UnionWith(u8),
    Intersection(u8),
    IntersectionWith(u8),
    Complement(u8),
    Symmetric(u8),
    SymmetricWith(u8),
    Update(u16, u8),
    UpdateWith(u16, u8),
    Without(u16),
    Extract(u16),
    Alter(u16, u8),
    Clear,
    /// Taken apart, and so many of its entries put together again.
    Consume(u8),
    Submap(u8),
}

#[derive(Arbitrary, Debug)]
enum EntryVerb {
    OrInsert,
    Modify,
    Remove,
    Insert,
}

type Map<S> = GenericHashMap<Key, Value, S, ArcTK>;
type Model = HashMap<u16, u32>;

struct Slot<S> {
    map: Map<S>,
    model: Model,
}

impl<S: Clone> Clone for Slot<S> {
    fn clone(&self) -> Self {
        Slot { map: self.map.clone(), model: self.model.clone() }
    }
}

fn key(k: u16) -> Key {
    Box::new(k)
}

fn value(v: u8) -> Value {
    Box::new(v.into())
}

#[allow(clippy::boxed_local)] // Values are boxes, so that the sanitizer sees them.
fn mixed(a: Value, b: Value) -> Value {
    Box::new(mix(*a, *b))
}

fn mix(a: u32, b: u32) -> u32 {
    a.wrapping_mul(31) ^ b
}

impl<S: BuildHasher + Clone + Default> Slot<S> {
    fn step(&mut self, verb: &Verb, other: Slot<S>) {
        let (map, model) = (&mut self.map, &mut self.model);
        match *verb {
            Verb::Keep(_) => *self = other,
            Verb::Insert(k, v) => {
                assert_eq!(map.insert(key(k), value(v)).map(|v| *v), model.insert(k, v.into()))
            }
            Verb::Fill(k, n) => {
                map.extend((0..n).map(|i| (key(k.wrapping_add(i.into())), value(i))));
                model.extend((0..n).map(|i| (k.wrapping_add(i.into()), i.into())))
            }
            Verb::Drain(k, n) => {
                for k in (0..n).map(|i| k.wrapping_add(i.into())) {
                    assert_eq!(map.remove(&key(k)).map(|v| *v), model.remove(&k))
                }
            }
            Verb::Remove(k) => assert_eq!(map.remove(&key(k)).map(|v| *v), model.remove(&k)),
            Verb::RemoveWithKey(k) => {
                assert_eq!(map.remove_with_key(&key(k)).map(|(k, v)| (*k, *v)), model.remove_entry(&k))
            }
            Verb::Get(k) => {
                assert_eq!(map.get(&key(k)).map(|v| **v), model.get(&k).copied());
                assert_eq!(map.contains_key(&key(k)), model.contains_key(&k));
                assert_eq!(
                    map.get_key_value(&key(k)).map(|(k, v)| (**k, **v)),
                    model.get_key_value(&k).map(|(k, v)| (*k, *v))
                )
            }
            Verb::GetMut(k) => {
                let (own, of_model) = (map.get_mut(&key(k)), model.get_mut(&k));
                assert_eq!(own.is_some(), of_model.is_some());
                own.into_iter().for_each(|v| **v += 1);
                of_model.into_iter().for_each(|v| *v += 1)
            }
            Verb::Entry(k, v, ref how) => self.entry(k, v, how),
            Verb::Retain(modulus, rest) => {
                let modulus = u32::from(modulus.max(1));
                let keeps = |k: u16, v: u32| (u32::from(k) + v) % modulus != u32::from(rest) % modulus;
                map.retain(|k, v| keeps(**k, **v));
                model.retain(|k, v| keeps(*k, *v))
            }
            Verb::IterMut(every) => {
                // Not all to the end.
                let every = u16::from(every.max(1));
                map.iter_mut().filter(|(k, _)| ***k % every == 0).for_each(|(_, v)| **v = mix(**v, 5));
                model.iter_mut().filter(|(k, _)| **k % every == 0).for_each(|(_, v)| *v = mix(*v, 5))
            }
            Verb::Update(k, v) => {
                *map = map.update(key(k), value(v));
                model.insert(k, v.into());
            }
            Verb::UpdateWith(k, v) => {
                *map = map.update_with(key(k), value(v), mixed);
                model.entry(k).and_modify(|old| *old = mix(*old, v.into())).or_insert(v.into());
            }
            Verb::Without(k) => {
                *map = map.without(&key(k));
                model.remove(&k);
            }
            Verb::Extract(k) => match map.extract(&key(k)) {
                Some((v, rest)) => {
                    assert_eq!(model.remove(&k), Some(*v));
                    *map = rest
                }
                None => assert!(!model.contains_key(&k)),
            },
            Verb::Alter(k, v) => {
                let f = |old: Option<u32>| if v % 4 == 0 { None } else { Some(mix(old.unwrap_or(1), v.into())) };
                *map = map.alter(|old| f(old.map(|v| *v)).map(Box::new), key(k));
                match f(model.get(&k).copied()) {
                    Some(v) => _ = model.insert(k, v),
                    None => _ = model.remove(&k),
                }
            }
            Verb::Clear => {
                map.clear();
                model.clear()
            }
            Verb::Consume(n) => {
                let taken = std::mem::take(map);
                let entries = taken.into_iter().take(n.into());
                *map = entries.collect();
                let kept: Vec<u16> = map.keys().map(|k| **k).collect();
                assert_eq!(kept.len(), model.len().min(n.into()));
                model.retain(|k, _| kept.contains(k))
            }
            Verb::Submap(_) => {
                let is_within = model.iter().all(|(k, v)| other.model.get(k) == Some(v));
                assert_eq!(map.is_submap(&other.map), is_within);
                assert_eq!(map.is_proper_submap(&other.map), is_within && model.len() != other.model.len())
            }
            _ => self.combine(verb, other),
        }
    }

    fn entry(&mut self, k: u16, v: u8, how: &EntryVerb) {
        let entry = self.map.entry(key(k));
        assert_eq!(**entry.key(), k);
        match (how, entry) {
            (EntryVerb::OrInsert, entry) => {
                assert_eq!(**entry.or_insert(value(v)), *self.model.entry(k).or_insert(v.into()))
            }
            (EntryVerb::Modify, entry) => {
                let got = **entry.and_modify(|old| **old += 3).or_default();
                assert_eq!(got, *self.model.entry(k).and_modify(|old| *old += 3).or_default())
            }
            (EntryVerb::Remove, Entry::Occupied(entry)) => {
                assert_eq!(self.model.remove(&k), Some(*entry.remove()))
            }
            (EntryVerb::Insert, Entry::Occupied(mut entry)) => {
                let old = self.model.insert(k, v.into());
                assert_eq!(Some(**entry.get()), old);
                assert_eq!(Some(*entry.insert(value(v))), old)
            }
            (EntryVerb::Insert, Entry::Vacant(entry)) => {
                entry.insert(value(v));
                assert_eq!(self.model.insert(k, v.into()), None)
            }
            (EntryVerb::Remove, Entry::Vacant(entry)) => assert!(!self.model.contains_key(&entry.into_key())),
        }
    }

    fn combine(&mut self, verb: &Verb, other: Slot<S>) {
        let (own, model) = (std::mem::take(&mut self.map), &mut self.model);
        let theirs = |k: &u16| other.model.get(k).copied();
        let behind = |model: &Model| -> Vec<(u16, u32)> {
            other.model.iter().filter(|(k, _)| !model.contains_key(k)).map(|(k, v)| (*k, *v)).collect()
        };
        let new = behind(model);
        self.map = match verb {
            Verb::Union(_) => {
                model.extend(new);
                own.union(other.map)
            }
            Verb::UnionWith(_) => {
                model.iter_mut().for_each(|(k, v)| *v = theirs(k).map_or(*v, |w| mix(*v, w)));
                model.extend(new);
                own.union_with(other.map, mixed)
            }
            Verb::Intersection(_) => {
                model.retain(|k, _| theirs(k).is_some());
                own.intersection(other.map)
            }
            Verb::IntersectionWith(_) => {
                model.retain(|k, v| theirs(k).map(|w| *v = mix(*v, w)).is_some());
                own.intersection_with(other.map, mixed)
            }
            Verb::Complement(_) => {
                model.retain(|k, _| theirs(k).is_none());
                own.relative_complement(other.map)
            }
            Verb::Symmetric(_) => {
                model.retain(|k, _| theirs(k).is_none());
                model.extend(new);
                own.symmetric_difference(other.map)
            }
            Verb::SymmetricWith(_) => {
                let f = |a: u32, b: u32| (a != b).then(|| mix(a, b));
                model.retain(|k, v| theirs(k).is_none_or(|w| f(*v, w).map(|new| *v = new).is_some()));
                model.extend(new);
                own.symmetric_difference_with(other.map, |a, b| f(*a, *b).map(Box::new))
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn check(&self) {
        let (map, model) = (&self.map, &self.model);
        assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
        let entries: Vec<(u16, u32)> = map.iter().map(|(k, v)| (**k, **v)).collect();
        assert_eq!((entries.len(), map.iter().len()), (model.len(), model.len()));
        assert_eq!(&entries.iter().copied().collect::<Model>(), model);
        assert!(map.keys().zip(map.values()).map(|(k, v)| (**k, **v)).eq(entries.iter().copied()));
        assert!(map.clone().into_iter().map(|(k, v)| (*k, *v)).eq(entries.iter().copied()));
        model.iter().for_each(|(k, v)| assert_eq!(map.get(k), Some(&Box::new(*v))));
    }

    fn compare(&self, other: &Self) {
        assert_eq!(self.map == other.map, self.model == other.model);
        let mut led = self.model.clone();
        let mut count = 0;
        for item in self.map.diff(&other.map) {
            count += 1;
            match item {
                DiffItem::Add(k, v) => assert_eq!(led.insert(**k, **v), None),
                DiffItem::Remove(k, v) => assert_eq!(led.remove(k), Some(**v)),
                DiffItem::Update { old: (k, old), new: (_, new) } => {
                    assert_ne!(old, new);
                    assert_eq!(led.insert(**k, **new), Some(**old))
                }
            }
        }
        assert_eq!(led, other.model);
        let differs = |a: &Model, b: &Model| a.iter().filter(|(k, v)| b.get(k) != Some(v)).count();
        assert!(count <= differs(&self.model, &other.model) + differs(&other.model, &self.model))
    }
}

fn run<S: BuildHasher + Clone + Default>(steps: &[Step]) {
    let new = || Slot::<S> { map: Map::default(), model: Model::new() };
    let mut slots: Vec<Slot<S>> = std::iter::repeat_with(new).take(SLOTS).collect();
    for step in steps.iter().take(MOST_STEPS) {
        let at = step.slot as usize % SLOTS;
        let with = match step.verb {
            Verb::Keep(with)
            | Verb::Union(with)
            | Verb::UnionWith(with)
            | Verb::Intersection(with)
            | Verb::IntersectionWith(with)
            | Verb::Complement(with)
            | Verb::Symmetric(with)
            | Verb::SymmetricWith(with)
            | Verb::Submap(with) => slots[with as usize % SLOTS].clone(),
            _ => new(),
        };
        slots[at].step(&step.verb, with)
    }
    slots.iter().for_each(Slot::check);
    for pair in slots.windows(2) {
        pair[0].compare(&pair[1]);
        pair[1].compare(&pair[0])
    }
}

fuzz_target!(|input: Input| {
    let steps = &input.steps;
    match input.hasher % 6 {
        0 => run::<Cut<0>>(steps),
        1 => run::<Cut<0xF>>(steps),
        2 => run::<Cut<{ 0xF << 60 }>>(steps),
        3 => run::<Cut<0x8001_0001_0001_0001>>(steps),
        4 => run::<Cut<{ !0x0FFF_FFFF_FFFF_0000 }>>(steps),
        _ => run::<PortableHash>(steps),
    }
});
