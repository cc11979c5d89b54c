//! Recorded editing sessions replayed on a vector of characters, every version kept: right to the last text, and each
//! version what a plain replay makes of it.

#[path = "../examples/data/trace.rs"]
mod trace;

use backstory::Vector;
use trace::{Trace, Transaction};

/// Versions that are compared with a plain replay.
const SAMPLES: usize = 100;

/// All versions, the start first.
fn versions(trace: &Trace) -> Vec<Vector<char>> {
    let mut versions = vec![trace.start_content.chars().collect::<Vector<char>>()];
    for Transaction { patches } in &trace.txns {
        let mut next = versions[versions.len() - 1].clone();
        for patch in patches {
            next.splice(patch.range(), patch.inserted());
        }
        versions.push(next);
    }
    versions
}

fn replayed(name: &str) {
    let trace = trace::read(name);
    let versions = versions(&trace);
    assert_eq!(versions.len(), trace.txns.len() + 1);
    assert_eq!(versions[trace.txns.len()].iter().collect::<String>(), trace.end_content);

    let mut plain: Vec<char> = trace.start_content.chars().collect();
    let mut random = name.len() as u64;
    let mut samples: Vec<usize> = (0..SAMPLES)
        .map(|_| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as usize % versions.len()
        })
        .collect();
    samples.sort_unstable();
    let mut before: Option<(usize, Vec<char>)> = None;
    for (i, version) in versions.iter().enumerate() {
        if samples.contains(&i) {
            assert!(version.iter().eq(&plain), "{name}: version {i} differs from a plain replay");
            // What a diff says makes the one sample of the other.
            if let Some((at, mut patched)) = before.replace((i, plain.clone())) {
                let splices: Vec<_> = versions[at].diff(version).collect();
                for splice in splices.iter().rev() {
                    patched.splice(splice.old.clone(), plain[splice.new.clone()].iter().copied());
                }
                assert!(patched == plain, "{name}: the diff of {at} and {i}");
            }
        }
        for patch in trace.txns.get(i).iter().flat_map(|txn| &txn.patches) {
            plain.splice(patch.range(), patch.inserted());
        }
    }
    assert_eq!(plain.len(), trace.end_content.chars().count());
}

#[test]
fn rustcode() {
    replayed("rustcode");
}

#[test]
fn clownschool() {
    replayed("clownschool_flat");
}

#[test]
fn sveltecomponent() {
    replayed("sveltecomponent");
}

#[test]
fn all_sessions_are_replayed() {
    assert_eq!(trace::NAMES, ["rustcode", "clownschool_flat", "sveltecomponent"]);
}
