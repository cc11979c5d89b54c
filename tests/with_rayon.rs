//! The feature `rayon`: each element once, in the vector's order, and versions that others keep do not change.

#![cfg(feature = "rayon")]

use backstory::{GenericHashMap, HashMap, HashSet, Vector};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, Hasher};

const LENGTHS: [u64; 12] = [0, 1, 2, 15, 16, 17, 64, 65, 500, 4097, 20_000, 100_000];

/// More threads than there are processors, so that all is divided often.
fn with_many_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(16).build().unwrap().install(work)
}

#[test]
fn a_vector_gives_each_element_once_in_its_order() {
    with_many_threads(|| {
        for len in LENGTHS {
            let model: Vec<u64> = (0..len).collect();
            let mut vector: Vector<u64> = (0..len).into_par_iter().collect();
            assert!(vector.iter().eq(&model));
            assert_eq!(vector.par_iter().copied().collect::<Vec<_>>(), model);
            assert_eq!(
                vector.par_iter().rev().copied().collect::<Vec<_>>(),
                model.iter().rev().copied().collect::<Vec<_>>()
            );
            // A front of another shape.
            vector = vector.take(len as usize / 3) + vector.skip(len as usize / 3);
            (0..70).for_each(|n| vector.push_front(n));
            assert_eq!(vector.par_iter().sum::<u64>(), (0..len).sum::<u64>() + (0..70).sum::<u64>());
            assert_eq!(vector.par_iter().zip(vector.par_iter().skip(1)).count(), vector.len() - 1)
        }
    })
}

#[test]
fn a_vector_is_changed_and_the_version_before_is_not() {
    with_many_threads(|| {
        for len in LENGTHS {
            let mut vector: Vector<u64> = (0..len).collect();
            let before = vector.clone();
            vector.par_iter_mut().enumerate().for_each(|(i, n)| *n += i as u64);
            assert!(vector.iter().copied().eq((0..len).map(|n| 2 * n)));
            assert!(before.iter().copied().eq(0..len));
            vector.par_extend((0..len).into_par_iter());
            assert_eq!(vector.len() as u64, 2 * len)
        }
    })
}

/// All hashes are one of a few, so that leaves collide.
#[derive(Default)]
struct Few(u64);

impl Hasher for Few {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn finish(&self) -> u64 {
        self.0 >> 60
    }
}

#[test]
fn maps_and_sets_give_each_entry_once() {
    with_many_threads(|| {
        for len in LENGTHS {
            let model: BTreeMap<u64, u64> = (0..len).map(|n| (n * 7919, n)).collect();
            let map: HashMap<u64, u64> = model.par_iter().map(|(&k, &v)| (k, v)).collect();
            let all: Vec<(u64, u64)> = map.par_iter().map(|(&k, &v)| (k, v)).collect();
            assert_eq!((all.len(), all.into_iter().collect::<BTreeMap<_, _>>()), (model.len(), model.clone()));
            // With overlays: a version that shares.
            let mut other = map.clone();
            (0..len.min(200)).for_each(|n| _ = other.insert(n * 7919, 0));
            (0..len.min(90)).for_each(|n| _ = other.remove(&(n * 2 * 7919)));
            let all: Vec<u64> = other.par_iter().map(|(&k, _)| k).collect();
            assert_eq!(all.len(), other.len());
            assert!(all.iter().all(|key| other.contains_key(key)));
            let set: HashSet<u64> = map.par_iter().map(|(&k, _)| k).collect();
            assert_eq!(set.par_iter().sum::<u64>(), model.keys().sum::<u64>());
            let mut set = set;
            set.par_extend((0..len).into_par_iter());
            assert_eq!(set.par_iter().count(), set.len())
        }
        let few: GenericHashMap<u64, u64, BuildHasherDefault<Few>, archery::ArcTK> =
            (0..300u64).map(|n| (n, n)).collect();
        let all: BTreeMap<u64, u64> = few.par_iter().map(|(&k, &v)| (k, v)).collect();
        assert!(all.into_iter().eq((0..300).map(|n| (n, n))))
    })
}
