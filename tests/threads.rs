//! Threads that edit, walk and drop versions which share nodes: each sees its own, whatever the others do. To be run under
//! ThreadSanitizer too (CONTRIBUTING.md): the threads meet in the counts of nodes and nowhere else.

use backstory::HashMap;
use std::collections::BTreeMap;

type Map = HashMap<u64, Box<u64>>;
type Model = BTreeMap<u64, u64>;

fn assert_same(map: &Map, model: &Model) {
    assert_eq!(map.len(), model.len());
    let entries: Model = map.iter().map(|(k, v)| (*k, **v)).collect();
    assert_eq!(&entries, model);
    assert!(model.iter().all(|(k, v)| map.get(k).map(|v| **v) == Some(*v)));
}

/// A version some random edits further; some edits are of all entries at once.
fn edited(map: &mut Map, model: &mut Model, random: &mut impl FnMut(u64) -> u64) {
    for _ in 0..random(40) {
        let key = random(800);
        if random(3) == 0 {
            assert_eq!(map.remove(&key).map(|v| *v), model.remove(&key));
        } else {
            assert_eq!(map.insert(key, Box::new(key + 1)).map(|v| *v), model.insert(key, key + 1));
        }
    }
    match random(6) {
        0 => {
            map.iter_mut().for_each(|(_, v)| **v += 1);
            model.values_mut().for_each(|v| *v += 1)
        }
        1 => {
            map.retain(|k, _| k % 7 != 0);
            model.retain(|k, _| k % 7 != 0)
        }
        2 => assert_eq!(map.clone().into_iter().map(|(k, v)| (k, *v)).collect::<Model>(), *model),
        _ => {}
    }
}

fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

#[test]
fn threads_edit_versions_that_share_nodes() {
    for seed in 1..=8 {
        // Versions in a row, each sharing with those before.
        let mut first = random(seed);
        let (mut map, mut model) = (Map::new(), Model::new());
        (0..500).for_each(|i| {
            map.insert(i, Box::new(i));
            model.insert(i, i);
        });
        let mut versions = vec![(map.clone(), model.clone())];
        for _ in 0..6 {
            edited(&mut map, &mut model, &mut first);
            versions.push((map.clone(), model.clone()))
        }
        drop((map, model));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let mut mine = versions.clone();
                scope.spawn(move || {
                    let mut random = random(seed * 100 + thread);
                    for _ in 0..60 {
                        let n = mine.len() as u64;
                        let (mut map, mut model) = mine[random(n) as usize].clone();
                        edited(&mut map, &mut model, &mut random);
                        match random(4) {
                            0 => {
                                let (other, other_model) = &mine[random(n) as usize];
                                map = map.union(other.clone());
                                other_model.iter().for_each(|(k, v)| _ = model.entry(*k).or_insert(*v))
                            }
                            1 => {
                                let (other, other_model) = &mine[random(n) as usize];
                                map = map.relative_complement(other.clone());
                                model.retain(|k, _| !other_model.contains_key(k))
                            }
                            _ => {}
                        }
                        assert_same(&map, &model);
                        // One is dropped, whoever else has nodes of it.
                        mine[random(n) as usize] = (map, model)
                    }
                    mine.iter().for_each(|(map, model)| assert_same(map, model))
                });
            }
            drop(versions)
        })
    }
}
