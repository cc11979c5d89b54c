//! Bytes that a commit of one changed key would write, by the counting sink: 16-byte String keys, 64-byte values,
//! steady state. In: our map alone. Out: bytes per version at two sizes.

use crate::keys::mix;
use archery::ArcTK;
use backstory::PortableHash;

pub const SIZES: [usize; 2] = [100_000, 1_000_000];
const WARM_UP: usize = 20_000;
const VERSIONS: usize = 20_000;

type Map = backstory::GenericHashMap<String, [u8; 64], PortableHash, ArcTK>;

// ---- TO BE WIRED to `backstory::archive::CountingSink`, here and nowhere else -----------------------------------

/// Whether the three functions below do what they say.
const IS_WIRED: bool = false;

struct Sink;

impl Sink {
    fn new() -> Self {
        Sink
    }

    /// Walks the unmarked nodes of `map` as a commit would, counts their records and marks them.
    fn commit(&mut self, _map: &Map) {}

    /// Bytes of all records counted so far.
    fn bytes(&self) -> u64 {
        0
    }
}

// -----------------------------------------------------------------------------------------------------------------

/// Bytes per version of a map of `n` entries; `None` while the sink is not wired.
pub fn bytes_per_version(n: usize) -> Option<f64> {
    if !IS_WIRED {
        return None;
    }
    let mut map: Map = (0..n as u64).map(|i| (key(i), [0; 64])).collect();
    let mut sink = Sink::new();
    sink.commit(&map);
    let mut start = 0;
    for step in 0..WARM_UP + VERSIONS {
        if step == WARM_UP {
            start = sink.bytes();
        }
        // Another stream of random numbers than the one the keys are made of.
        let i = mix(u64::MAX / 2 + step as u64) % n as u64;
        map.insert(key(i), [step as u8; 64]);
        sink.commit(&map);
    }
    assert_eq!(map.len(), n, "only updates");
    Some((sink.bytes() - start) as f64 / VERSIONS as f64)
}

fn key(i: u64) -> String {
    format!("{:016x}", mix(i))
}
