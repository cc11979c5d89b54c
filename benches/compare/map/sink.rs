//! Bytes that a commit of one changed key would write, by the counting sink: 16-byte String keys, 64-byte values,
//! steady state. In: our map alone. Out: bytes per version at two sizes.

use crate::feed::mix;
use archery::ArcTK;
use backstory::{CountingSink, Counts, PortableHash};

/// Entries of the maps.
pub const SIZES: [usize; 2] = [100_000, 1_000_000];
const WARM_UP: usize = 20_000;
const VERSIONS: usize = 20_000;

const KEY_LEN: usize = 16;
const VALUE_LEN: usize = 64;
/// rkyv keeps a String of more than 8 bytes out of line, behind an offset and a length of 4 bytes each.
const ENTRY_LEN: usize = 8 + KEY_LEN + VALUE_LEN;

type Map = backstory::GenericHashMap<String, [u8; VALUE_LEN], PortableHash, ArcTK>;

/// What the measured versions of a map of `n` entries would write.
pub struct Written {
    pub n: usize,
    pub counts: Counts,
}

impl Written {
    /// Random one-key updates, each committed, after as many for warm-up.
    pub fn measure(n: usize) -> backstory::Result<Self> {
        let mut map: Map = (0..n as u64).map(|i| (key(i), [0; VALUE_LEN])).collect();
        let mut sink = CountingSink::new()?;
        sink.commit_map(&map, |_, _| ENTRY_LEN)?;
        let mut counts = Counts::default();
        for step in 0..WARM_UP + VERSIONS {
            // Another stream of random numbers than the one the keys are made of.
            let i = mix(u64::MAX / 2 + step as u64) % n as u64;
            map.insert(key(i), [(step as u8).wrapping_add(1); VALUE_LEN]);
            let new = sink.commit_map(&map, |_, _| ENTRY_LEN)?;
            if step >= WARM_UP {
                counts += new;
            }
        }
        assert_eq!(map.len(), n, "only updates");
        assert!(counts.records() >= VERSIONS as u64, "every version writes something");
        Ok(Written { n, counts })
    }

    pub fn bytes_per_version(&self) -> f64 {
        self.counts.bytes() as f64 / VERSIONS as f64
    }
}

fn key(i: u64) -> String {
    let key = format!("{:016x}", mix(i));
    debug_assert_eq!(key.len(), KEY_LEN);
    key
}
