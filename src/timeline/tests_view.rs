//! Views and digests of versions: of short states, which stand in stamps, and of longer ones; in memory; under every flipped bit.

use super::*;
use crate::log::simulated::Simulated;
use crate::map::HashMap;
use crate::vector::Vector;
use std::collections::BTreeMap;
use std::sync::Arc;

type Notes = (Vector<String>, HashMap<u8, Vector<u64>>, [u64; 4]);

fn open(storage: &Simulated) -> Result<Timeline<Notes>> {
    Timeline::<Notes>::options().open_in(Arc::new(storage.clone()), Notes::default)
}

/// Everything of a version, through views.
fn seen(timeline: &Timeline<Notes>, id: VersionId) -> Result<Notes> {
    let view = timeline.view(id)?;
    let titles = view.map(|n| &n.0).iter()?.map(|title| title?.thaw()).collect::<Result<_>>()?;
    let mut map = HashMap::new();
    for entry in view.map(|n| &n.1).iter()? {
        let (key, list) = entry?;
        map.insert(key.thaw()?, list.iter()?.map(|n| n?.thaw()).collect::<Result<_>>()?);
    }
    Ok((titles, map, view.map(|n| &n.2).thaw()?))
}

fn versions() -> (BTreeMap<u64, Vec<u8>>, Vec<Notes>) {
    let storage = Simulated::new(5);
    let mut timeline = open(&storage).unwrap();
    let mut states = vec![Notes::default()];
    for i in 0..6u64 {
        timeline
            .edit("edit", |notes| {
                notes.0.push_back("title ".repeat(i as usize));
                notes.1.entry(i as u8 % 4).or_default().push_back(i);
                notes.2[0] = i
            })
            .unwrap();
        states.push(timeline.state().clone())
    }
    drop(timeline);
    (storage.files(), states)
}

#[test]
fn every_flipped_bit_is_harmless_to_views_and_digests_or_found() {
    let (files, states) = versions();
    let (mut right, mut found) = (0, 0);
    let last = VersionId::new(states.len() as u64 - 1);
    let digest = Timeline::new(states.last().unwrap().clone()).digest(VersionId::FIRST).unwrap();
    let mut damaged = files.clone();
    for (first, file) in &files {
        for bit in 0..file.len() * 8 {
            damaged.get_mut(first).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let storage = Simulated::with_files(&damaged, 1);
            damaged.get_mut(first).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let Ok(timeline) = open(&storage) else { continue };
            match timeline.digest(last) {
                Ok(seen) => assert_eq!(seen, digest),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
            }
            for (n, state) in states.iter().enumerate() {
                match seen(&timeline, VersionId::new(n as u64)) {
                    Ok(seen) => {
                        assert_eq!(&seen, state);
                        right += 1
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                        found += 1
                    }
                }
            }
        }
    }
    println!("{right} versions right, {found} damages found");
    assert!(right > 1000 && found > 1000)
}

#[test]
fn a_timeline_in_memory_has_nothing_to_view() {
    let timeline = Timeline::new(Notes::default());
    let error = timeline.view(VersionId::FIRST).map(|_| ()).unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("in memory"), "{error}");
    assert_eq!(timeline.view(VersionId::new(1)).map(|_| ()).unwrap_err().kind(), ErrorKind::NotFound)
}

/// A state of one collection is so short that it stands in its version's stamp.
#[test]
fn a_state_that_stands_in_its_stamp_is_viewed_there() {
    let storage = Simulated::new(5);
    let mut timeline = Timeline::<Vector<u64>>::options().open_in(Arc::new(storage.clone()), Vector::new).unwrap();
    timeline.edit("push", |list| list.push_back(7)).unwrap();
    let before = storage.disk().reads;
    let view = timeline.view(timeline.head()).unwrap();
    assert_eq!((storage.disk().reads - before, view.len()), (1, 1), "the stamp");
    assert_eq!(*view.get(0).unwrap().unwrap(), 7);
    assert_eq!(timeline.view(VersionId::FIRST).unwrap().iter().unwrap().count(), 0)
}
