//! Threads that edit, walk and drop versions which share nodes: each sees its own, whatever the others do. To be run under
//! ThreadSanitizer too (CONTRIBUTING.md): the threads meet in the counts of nodes and, in
//! vectors, in the claims on the free room of leaves, and nowhere else.

use backstory::{HashMap, Vector};
use std::collections::BTreeMap;
use std::sync::Barrier;

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

// ---- vectors ----

type Row = Vector<Box<u64>>;

fn assert_same_row(vector: &Row, model: &[u64]) {
    assert_eq!(vector.len(), model.len());
    assert!(vector.iter().map(|x| **x).eq(model.iter().copied()));
    assert!(model.iter().enumerate().step_by(7).all(|(i, x)| vector.get(i).map(|x| **x) == Some(*x)));
}

/// A vector some random edits further: at its ends, where threads meet in one leaf's free room, and within.
fn edited_row(vector: &mut Row, model: &mut Vec<u64>, random: &mut impl FnMut(u64) -> u64) {
    for _ in 0..random(30) {
        let (x, at) = (random(1000), random(model.len() as u64 + 1) as usize);
        match random(8) {
            0..3 => {
                vector.push_back(Box::new(x));
                model.push(x)
            }
            3 | 4 => {
                vector.push_front(Box::new(x));
                model.insert(0, x)
            }
            5 => assert_eq!((vector.pop_back().map(|x| *x), vector.len()), (model.pop(), model.len())),
            6 => {
                vector.insert(at, Box::new(x));
                model.insert(at, x)
            }
            _ if at < model.len() => assert_eq!(*vector.remove(at), model.remove(at)),
            _ => {}
        }
    }
    let at = random(model.len() as u64 + 1) as usize;
    match random(8) {
        0 => {
            vector.iter_mut().for_each(|x| **x += 1);
            model.iter_mut().for_each(|x| *x += 1)
        }
        1 => {
            vector.retain(|x| **x % 7 != 0);
            model.retain(|x| x % 7 != 0)
        }
        2 => {
            let back = vector.split_off(at);
            let front = std::mem::replace(vector, back);
            vector.append(front);
            model.rotate_left(at)
        }
        3 => {
            vector.sort();
            model.sort()
        }
        4 => assert!(vector.clone().into_iter().map(|x| *x).eq(model.iter().copied())),
        _ => {}
    }
}

#[test]
fn threads_edit_vectors_that_share_nodes() {
    for seed in 1..=8 {
        let mut first = random(seed);
        let mut row = (Row::new(), vec![]);
        (0..300 * (seed % 3)).for_each(|i| {
            row.0.push_back(Box::new(i));
            row.1.push(i)
        });
        let mut versions = vec![row.clone()];
        for _ in 0..6 {
            edited_row(&mut row.0, &mut row.1, &mut first);
            versions.push(row.clone())
        }
        drop(row);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let mut mine = versions.clone();
                scope.spawn(move || {
                    let mut random = random(seed * 100 + thread);
                    for _ in 0..60 {
                        let n = mine.len() as u64;
                        let (mut vector, mut model) = mine[random(n) as usize].clone();
                        edited_row(&mut vector, &mut model, &mut random);
                        if random(3) == 0 && model.len() < 3000 {
                            let (other, other_model) = &mine[random(n) as usize];
                            assert_eq!(vector == *other, model == *other_model);
                            vector.append(other.clone());
                            model.extend(other_model)
                        }
                        assert_same_row(&vector, &model);
                        // One is dropped, whoever else has nodes of it.
                        mine[random(n) as usize] = (vector, model)
                    }
                    mine.iter().for_each(|(vector, model)| assert_same_row(vector, model))
                });
            }
            drop(versions)
        })
    }
}

/// All threads begin with clones of one version, whose first and last leaf have room: each claims it, one gets it.
#[test]
fn threads_race_for_the_free_room_at_both_ends_of_one_leaf() {
    for round in 0..300u64 {
        let mut version = Row::new();
        // No leaf, a leaf, a tree between two; in all of them rooms of all lengths.
        (0..round % 70).for_each(|i| version.push_front(Box::new(i)));
        (0..round).for_each(|i| version.push_back(Box::new(i)));
        let model: Vec<u64> = version.iter().map(|x| **x).collect();
        let barrier = Barrier::new(3);
        let (sent, came) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (mut own, model, barrier, sent) = (version.clone(), model.clone(), &barrier, sent.clone());
                scope.spawn(move || {
                    let mut model = model;
                    barrier.wait();
                    for i in 0..5 {
                        own.push_back(Box::new(1000 * thread + i));
                        model.push(1000 * thread + i);
                        own.push_front(Box::new(2000 * thread + i));
                        model.insert(0, 2000 * thread + i);
                        // Another thread reads what this one has claimed, and may be the one to drop it.
                        sent.send((own.clone(), model.clone())).expect("the reader is there");
                        if i == 3 {
                            assert_eq!(own.pop_back().map(|x| *x), model.pop());
                            assert_eq!(own.pop_front().map(|x| *x), Some(model.remove(0)))
                        }
                    }
                    assert_same_row(&own, &model)
                });
            }
            drop(sent);
            scope.spawn(move || came.into_iter().for_each(|(vector, model)| assert_same_row(&vector, &model)));
        });
        assert_same_row(&version, &model)
    }
}

/// im #157, imbl #168: parts of one view on several threads; leaves at the borders are in two parts, and leaves that
/// stand in the vector twice are in any.
#[test]
fn threads_change_parts_of_one_view_while_others_read_and_drop_the_version_before() {
    for round in 0..40u64 {
        let n = 50 + 37 * round;
        let mut vector: Row = (0..n).map(Box::new).collect();
        vector.append(vector.clone());
        vector.push_front(Box::new(7));
        let model: Vec<u64> = vector.iter().map(|x| **x).collect();
        let readers = [vector.clone(), vector.clone()];
        let mut parts = vec![vector.focus_mut()];
        for cut in [3, 5, 2, 7] {
            let part = parts.remove(0);
            let at = part.len() as u64 * cut / 11;
            parts.extend(<[_; 2]>::from(part.split_at(at as usize)))
        }
        std::thread::scope(|scope| {
            for mut part in parts {
                scope.spawn(move || {
                    let mut i = 0;
                    while i < part.len() {
                        let (range, slice) = part.chunk_at(i);
                        slice.iter_mut().for_each(|x| **x += 1);
                        i = range.end
                    }
                    (0..part.len()).rev().for_each(|i| **part.index_mut(i) += 1)
                });
            }
            for reader in readers {
                let model = &model;
                scope.spawn(move || assert_same_row(&reader, model));
            }
        });
        assert!(vector.iter().map(|x| **x).eq(model.iter().map(|x| x + 2)))
    }
}
