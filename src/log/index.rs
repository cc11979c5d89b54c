//! The index: from the number of a version to its stamp.
//! In: the addresses of stamps, in order. Out: nodes of up to 256 addresses, and a root for them.
//! Must hold: a node of level 0 has the stamps of 256 versions in a row; one of level `l` above it has up to 256 nodes of
//! level `l - 1`, all of them full but perhaps the last. What is in no node of level 0 is in the tail, which is in memory
//! only: after opening it is found again through the stamps themselves, each of which names the one before.
//! Uses: `error`, `id`, `reader`, `record`. Bytes: docs/FORMAT.md, "Index".

use super::reader::Reader;
use super::record::kinds;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use std::collections::VecDeque;

/// How many addresses a node has at most.
pub(crate) const FANOUT: u64 = 256;
const FANOUT_BITS: usize = FANOUT.ilog2() as usize;
/// Level, width, number of entries, two bytes of nothing, and the first version.
const HEAD_BYTES: usize = 16;

/// What of the index is in memory: its right edge, which is still to grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// How many versions there are.
    versions: u64,
    /// The stamps of the newest versions, those that are known.
    tail: VecDeque<Address>,
    /// `edge[l]` has the full nodes of level `l` that are in no full node of level `l + 1`.
    edge: Vec<Vec<Address>>,
    root: Option<Address>,
}

/// Where to look for a version.
pub(crate) enum Spot {
    /// Its stamp is there.
    At(Address),
    /// It is below this full node.
    Below {
        node: Address,
        level: usize,
    },
    /// It is one of the versions before `id`, whose stamp is known.
    Before {
        id: u64,
        stamp: Address,
    },
    Nowhere,
}

/// What a full tail makes of the index, once its nodes are written.
pub(crate) struct Filled {
    edge: Vec<Vec<Address>>,
    root: Address,
}

/// A node to be written.
pub(crate) struct Node<'a> {
    level: usize,
    /// The first version below it.
    first: u64,
    entries: &'a [Address],
}

/// How many full nodes of level 0 there are with so many versions: the next one is written with the version after it.
fn leaves(versions: u64) -> u64 {
    versions.saturating_sub(1) / FANOUT
}

/// How many versions are below a full node of this level.
pub(crate) fn span_bits(level: usize) -> usize {
    FANOUT_BITS * (level + 1)
}

impl Index {
    pub(crate) fn versions(&self) -> u64 {
        self.versions
    }

    /// The index as the last stamp describes it, `newest` being the stamp of the newest version. Reads a node a level.
    pub(crate) fn open(reader: &Reader, versions: u64, root: Option<Address>, newest: Option<Address>) -> Result<Self> {
        let mut index = Index { versions, tail: newest.into_iter().collect(), edge: Vec::new(), root };
        let leaves = leaves(versions);
        let Some(root) = root.filter(|_| leaves > 0) else {
            let at = newest.map_or(0, Address::units);
            let is_as_it_should = root.is_none() && leaves == 0;
            let damage =
                || reader.segments.damage(at, format!("the stamp names no fitting index for {versions} versions"));
            return if is_as_it_should { Ok(index) } else { Err(damage()) };
        };
        let top = (leaves - 1).checked_ilog2().map_or(0, |bits| bits as usize / FANOUT_BITS + 1);
        index.edge.resize(top + 1, Vec::new());
        if leaves == 1 << (FANOUT_BITS * top) {
            index.edge[top].push(root);
            return Ok(index);
        }
        let mut node = Some(root);
        for level in (1..=top).rev() {
            let Some(at) = node else { break };
            let bits = FANOUT_BITS * (level - 1);
            let first = leaves >> (bits + FANOUT_BITS) << (bits + 2 * FANOUT_BITS);
            let entries = read_node(reader, at, level, first)?;
            let full = (leaves >> bits & (FANOUT - 1)) as usize;
            let has_partial = leaves & ((1 << bits) - 1) != 0;
            if entries.len() != full + usize::from(has_partial) {
                return Err(reader.segments.damage(at.units(), format!("the index does not fit {versions} versions")));
            }
            node = entries.get(full).copied();
            index.edge[level - 1] = entries[..full].to_vec()
        }
        Ok(index)
    }

    /// Where the version `id` is.
    pub(crate) fn find(&self, id: u64) -> Spot {
        if id >= self.versions {
            return Spot::Nowhere;
        }
        let known = self.first_known();
        if id >= known {
            return Spot::At(self.tail[(id - known) as usize]);
        }
        let leaves = leaves(self.versions);
        for (level, full) in self.edge.iter().enumerate() {
            let behind = (leaves >> (FANOUT_BITS * level)).checked_sub(id >> span_bits(level));
            if let Some(behind @ 1..) = behind
                && let Some(i) = full.len().checked_sub(behind as usize)
            {
                return Spot::Below { node: full[i], level };
            }
        }
        self.tail.front().map_or(Spot::Nowhere, |&stamp| Spot::Before { id: known, stamp })
    }

    /// The first version from which on all are in the tail.
    fn first_known(&self) -> u64 {
        self.versions - self.tail.len() as u64
    }

    /// A new version, and what became of the index with it.
    pub(crate) fn push(&mut self, stamp: Address, filled: Option<Filled>) {
        if let Some(Filled { edge, root }) = filled {
            self.edge = edge;
            self.root = Some(root);
            self.tail.clear()
        }
        self.tail.push_back(stamp);
        self.versions += 1
    }

    /// The stamps of the versions before `known`, backwards. Another thread may have remembered some of them meanwhile, or
    /// have filled the tail.
    pub(crate) fn remember(&mut self, known: u64, stamps: &[Address]) {
        if let Some(have) = known.checked_sub(self.first_known()) {
            stamps.iter().skip(have as usize).for_each(|&stamp| self.tail.push_front(stamp))
        }
    }

    /// Writes the full tail as a node, and the nodes above it that change.
    pub(crate) fn fill(&self, mut write: impl FnMut(Node) -> Result<Address>) -> Result<Filled> {
        if self.tail.len() as u64 != FANOUT {
            let what = format!(
                "{} versions are known of the {FANOUT} that fill a node of the index: report this",
                self.tail.len()
            );
            return Err(Error::new(ErrorKind::Io, what));
        }
        let mut edge = self.edge.clone();
        let first_of = |level| (self.versions - 1) >> span_bits(level) << span_bits(level);
        let mut level = 0;
        let tail: Vec<Address> = self.tail.iter().copied().collect();
        let mut full = write(Node { level, first: first_of(0), entries: &tail })?;
        loop {
            edge.resize(edge.len().max(level + 1), Vec::new());
            edge[level].push(full);
            if (edge[level].len() as u64) < FANOUT {
                break;
            }
            let entries = std::mem::take(&mut edge[level]);
            level += 1;
            full = write(Node { level, first: first_of(level), entries: &entries })?
        }
        // Then what is not full, up to the root.
        let mut below = None;
        let top = edge.iter().rposition(|full| !full.is_empty()).unwrap_or(0);
        for (level, full) in edge[..=top].iter().enumerate() {
            let entries: Vec<Address> = full.iter().copied().chain(below).collect();
            below = match entries[..] {
                [] => None,
                [only] if level == top => Some(only),
                _ => Some(write(Node { level: level + 1, first: first_of(level + 1), entries: &entries })?),
            };
        }
        Ok(Filled { root: below.unwrap_or(full), edge })
    }
}

impl Filled {
    pub(crate) fn root(&self) -> Address {
        self.root
    }
}

impl Node<'_> {
    /// Appends the body of this node to `out`, for the place `at`: each entry is how far back it lies.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, at: u64) {
        let back = |entry: &Address| at - entry.units();
        let width = if self.entries.iter().all(|entry| u32::try_from(back(entry)).is_ok()) { 4 } else { 8 };
        let [c0, c1, ..] = (self.entries.len() as u32).to_le_bytes();
        out.extend_from_slice(&[self.level as u8, width, c0, c1, 0, 0, 0, 0]);
        out.extend_from_slice(&self.first.to_le_bytes());
        for entry in self.entries {
            out.extend_from_slice(&back(entry).to_le_bytes()[..width as usize])
        }
    }
}

/// Entry `i` of a node's body at `at`; none if there is no such entry, or it says what no node says.
fn entry(body: &[u8], at: u64, i: usize) -> Option<Address> {
    let width = usize::from(body[1]);
    let bytes = body[HEAD_BYTES..].get(i * width..(i + 1) * width)?;
    let mut back = [0; 8];
    back.get_mut(..width)?.copy_from_slice(bytes);
    let back = u64::from_le_bytes(back);
    if back == 0 { None } else { at.checked_sub(back).and_then(Address::new) }
}

/// The level, first version and number of entries of a node's body; none if it is not one.
pub(crate) fn head(body: &[u8]) -> Option<(usize, u64, usize)> {
    let &[level, width, c0, c1, ..] = body.first_chunk::<HEAD_BYTES>()?;
    let len = usize::from(u16::from_le_bytes([c0, c1]));
    let is_whole = matches!(width, 4 | 8) && body.len() == HEAD_BYTES + (len * usize::from(width)).next_multiple_of(8);
    let first = u64::from_le_bytes(*body[8..].first_chunk()?);
    // A version takes more than a unit.
    let is_one = is_whole && len as u64 <= FANOUT && len > 0 && level < 7 && first >> Address::BITS == 0;
    is_one.then_some((level.into(), first, len))
}

/// All entries of a node's body; none if it is not one.
pub(crate) fn entries(body: &[u8], at: u64) -> Option<Vec<Address>> {
    let (_, _, len) = head(body)?;
    (0..len).map(|i| entry(body, at, i)).collect()
}

fn read_node(reader: &Reader, address: Address, level: usize, first: u64) -> Result<Vec<Address>> {
    let record = reader.read_node(address)?;
    let is_it = record.kind() == kinds::INDEX && head(record.body()).is_some_and(|(l, f, _)| (l, f) == (level, first));
    let entries = if is_it { entries(record.body(), address.units()) } else { None };
    entries.ok_or_else(|| not_the_node(reader, address, level, first))
}

fn not_the_node(reader: &Reader, address: Address, level: usize, first: u64) -> Error {
    let what = format!("this is not the index's node of level {level} from version {first} on");
    reader.segments.damage(address.units(), what)
}

/// From a full node down to the stamp of `id`.
pub(crate) fn descend(reader: &Reader, node: Address, level: usize, id: u64) -> Result<Address> {
    let mut at = node;
    for level in (0..=level).rev() {
        let first = id >> span_bits(level) << span_bits(level);
        let i = ((id >> (FANOUT_BITS * level)) & (FANOUT - 1)) as usize;
        let node = reader.node((at, level, first), || read_node(reader, at, level, first))?;
        let is_full = node.len() as u64 == FANOUT;
        at = *node.get(i).filter(|_| is_full).ok_or_else(|| not_the_node(reader, at, level, first))?
    }
    Ok(at)
}
