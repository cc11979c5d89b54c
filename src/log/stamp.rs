//! Stamps: the record that ends every batch, and says all that is to know to go on from there.
//! In: what a version, a move, a change of names or a close is. Out: a compact body; and back.
//! Must hold: what a stamp names lies before it; numbers of versions are at most its own; a body that says otherwise is
//! no stamp. Tags that are not known are kept.
//! Uses: `error`, `id`, `varint`. Bytes: docs/FORMAT.md, "Stamp".

use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::varint;
use smallvec::SmallVec;

/// The longest stamp, so that looking for one in damaged bytes costs little.
pub(crate) const MOST_STAMP_BYTES: usize = 16 << 10;

/// Why a batch was appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StampKind {
    /// A new version.
    Version,
    /// The head moved.
    Move,
    /// Branches or tags changed.
    Names,
    /// The log was closed.
    Closing,
}

const STAMP_KINDS: [StampKind; 4] = [StampKind::Version, StampKind::Move, StampKind::Names, StampKind::Closing];

/// The state of a version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Root {
    /// Not said: the stamp is of no version.
    #[default]
    None,
    /// The record with it.
    At(Address),
    /// Its bytes, right here.
    Inline(SmallVec<[u8; 48]>),
}

/// What the log itself says in a stamp; it fills this in when it commits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Chain {
    /// Where its batch begins; the stamp itself if it is alone.
    pub(crate) batch: u64,
    /// Of the headers of the batch's other records.
    pub(crate) checksum: u32,
    /// Everything before here was durable when the stamp was written.
    pub(crate) synced_upto: u64,
    /// How often the log was opened without having been closed before.
    pub(crate) epoch: u64,
    /// The stamp of the newest version before this one.
    pub(crate) previous: Option<Address>,
    /// The index of all versions that are in whole blocks of it.
    pub(crate) index: Option<Address>,
    /// The stamp of the newest change of names before this one.
    pub(crate) names: Option<Address>,
}

/// What ends a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    pub(crate) kind: StampKind,
    /// The version's number, dense from 0; in stamps of no version, that of the newest.
    pub(crate) id: u64,
    /// Where this version came from; none for the first. All before `id`.
    pub(crate) parents: SmallVec<[u64; 2]>,
    pub(crate) head: u64,
    pub(crate) tip: u64,
    /// How many ancestors it has.
    pub(crate) depth: u64,
    /// An ancestor further up, for queries in O(log n).
    pub(crate) jump: u64,
    /// Microseconds since 1970, never less than in the stamp before.
    pub(crate) time_us: u64,
    pub(crate) children: Option<Address>,
    /// What is known of the hashers of the maps so far.
    pub(crate) hashers: Option<Address>,
    pub(crate) root: Root,
    pub(crate) tags: Tags,
    pub(crate) chain: Chain,
}

impl Root {
    /// What an inline root is: a record's body, and behind it its kind; none of no bytes at all.
    pub(crate) fn split_inline(bytes: &[u8]) -> Option<(u8, &[u8])> {
        bytes.split_last().map(|(&kind, body)| (kind, body))
    }
}

impl Stamp {
    /// A stamp of the version `id`, where we stand then. The rest is 0, empty or none.
    pub(crate) fn version(id: u64, root: Root) -> Self {
        Stamp {
            kind: StampKind::Version,
            id,
            parents: SmallVec::new(),
            head: id,
            tip: id,
            depth: 0,
            jump: 0,
            time_us: 0,
            children: None,
            hashers: None,
            root,
            tags: Tags::default(),
            chain: Chain::default(),
        }
    }

    /// A stamp that says the same of the whole log as this one, and is of no version.
    pub(crate) fn after(&self, kind: StampKind) -> Self {
        Stamp {
            kind,
            parents: SmallVec::new(),
            depth: 0,
            jump: 0,
            root: Root::None,
            tags: Tags::default(),
            ..self.clone()
        }
    }
}

/// The tagged fields of a stamp: each a tag, not 0, and bytes. Kept as they are stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tags(SmallVec<[u8; 40]>);

impl Tags {
    pub(crate) const LABEL: u64 = 1;
    pub(crate) const ACTION: u64 = 2;
    pub(crate) const AUTHOR: u64 = 3;
    /// A number: how many ancestors belong to one group with this version.
    pub(crate) const JOINS: u64 = 4;
    /// What has changed in the names.
    pub(crate) const CHANGE: u64 = 5;
    /// All names, as a value.
    pub(crate) const NAMES: u64 = 6;
    /// Those that are where values are.
    const ROOTS: [u64; 2] = [Tags::ACTION, Tags::NAMES];

    /// Appends a field.
    pub(crate) fn push(&mut self, tag: u64, bytes: &[u8]) {
        debug_assert!(tag != 0, "a tag of 0 ends the fields");
        varint::put(&mut self.0, tag);
        varint::put(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes)
    }

    /// Appends where a value is: as a word of 8 bytes, an address above 20 bits that are 0; or as it is, which is never so
    /// long.
    pub(crate) fn push_root(&mut self, tag: u64, root: &Root) {
        match root {
            Root::None => {}
            Root::At(at) => self.push(tag, &(at.units() << Address::SPARE_BITS).to_le_bytes()),
            Root::Inline(bytes) => self.push(tag, bytes),
        }
    }

    /// Where the value is that a field of that tag is of.
    pub(crate) fn root(&self, tag: u64) -> Option<Root> {
        let bytes = self.get(tag)?;
        let word =
            bytes.try_into().map(u64::from_le_bytes).ok().filter(|word| word.trailing_zeros() >= Address::SPARE_BITS);
        let address = word.and_then(|word| Address::new(word >> Address::SPARE_BITS));
        Some(address.map_or_else(|| Root::Inline(bytes.into()), Root::At))
    }

    /// Appends a field that is a number.
    pub(crate) fn push_number(&mut self, tag: u64, n: u64) {
        let bytes = n.to_le_bytes();
        self.push(tag, &bytes[..8 - n.leading_zeros() as usize / 8])
    }

    /// The first field of that tag as a number; 0 if there is none.
    pub(crate) fn number(&self, tag: u64) -> u64 {
        let bytes = self.get(tag).unwrap_or_default().iter().take(8);
        bytes.rev().fold(0, |n, &byte| n << 8 | u64::from(byte))
    }

    /// All fields, in the order in which they were pushed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || take_tag(&mut rest))
    }

    /// The first field of that tag.
    pub(crate) fn get(&self, tag: u64) -> Option<&[u8]> {
        self.iter().find(|&(t, _)| t == tag).map(|(_, bytes)| bytes)
    }
}

/// Takes a field off the front; none at the end, at zeros, and where it does not end.
fn take_tag<'a>(from: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let tag = varint::take(from).filter(|&tag| tag != 0)?;
    let len = varint::take(from)?;
    let (bytes, rest) = from.split_at_checked(usize::try_from(len).ok()?)?;
    *from = rest;
    Some((tag, bytes))
}

// The bits of the first two bytes, above two for the kind, two for the root and two for the number of parents.
const ROOT_SHIFT: u32 = 2;
const PARENTS_SHIFT: u32 = 4;
const HEAD_IS_ID: u16 = 1 << 6;
const TIP_IS_ID: u16 = 1 << 7;
const HAS_PREVIOUS: u16 = 1 << 8;
const HAS_INDEX: u16 = 1 << 9;
const HAS_NAMES: u16 = 1 << 10;
const HAS_CHILDREN: u16 = 1 << 11;
const HAS_HASHERS: u16 = 1 << 12;
const ALL_BITS: u16 = (1 << 13) - 1;
/// In the bits for the number of parents: it follows.
const MANY: u16 = 3;

impl Stamp {
    /// The links by address, each with its bit, in stored order.
    fn links(&self) -> [(u16, Option<Address>); 5] {
        [
            (HAS_PREVIOUS, self.chain.previous),
            (HAS_INDEX, self.chain.index),
            (HAS_NAMES, self.chain.names),
            (HAS_CHILDREN, self.children),
            (HAS_HASHERS, self.hashers),
        ]
    }

    fn flags(&self) -> u16 {
        let root = match self.root {
            Root::None => 0,
            Root::At(_) => 1,
            Root::Inline(_) => 2,
        };
        let bit = |bit: u16, is_set: bool| if is_set { bit } else { 0 };
        self.kind as u16
            | root << ROOT_SHIFT
            | MANY.min(self.parents.len() as u16) << PARENTS_SHIFT
            | bit(HEAD_IS_ID, self.head == self.id)
            | bit(TIP_IS_ID, self.tip == self.id)
            | self.links().iter().fold(0, |bits, &(own, link)| bits | bit(own, link.is_some()))
    }

    /// # Errors
    /// `Invalid` if it names what is not before it.
    pub(crate) fn check(&self, at: u64) -> Result<()> {
        let is_version = self.kind == StampKind::Version;
        let ids = [(self.head, "the head"), (self.tip, "the tip"), (self.depth, "the depth"), (self.jump, "the jump")];
        let wrong = ids.iter().find(|&&(n, _)| n > self.id).map(|&(_, what)| what);
        // A stamp takes more than a unit: so there is room for as many versions as are said, and what is kept for each.
        let wrong = wrong.or_else(|| (self.id >= at).then_some("the number"));
        // The first stamp behind such an opening has it: there are fewer than units.
        let wrong = wrong.or_else(|| (self.chain.epoch >= at).then_some("the epoch"));
        // Whoever looks for an ancestor comes nearer to the first version with each step.
        let wrong = wrong.or_else(|| (is_version && self.id > 0 && self.jump == self.id).then_some("the jump"));
        let wrong = wrong.or_else(|| self.parents.iter().any(|&p| p >= self.id).then_some("a parent"));
        let is_behind = |address: Address| address.units() >= at;
        let root_is_behind = |root: Root| matches!(root, Root::At(root) if is_behind(root));
        let mut links = self.links().into_iter().filter_map(|(_, link)| link);
        let wrong = wrong.or_else(|| links.any(is_behind).then_some("an address"));
        let wrong = wrong.or_else(|| self.roots().any(root_is_behind).then_some("a value's address"));
        let has_root = self.root != Root::None;
        let wrong = wrong.or_else(|| (is_version && !has_root).then_some("the root"));
        let is_of_version = has_root || !self.parents.is_empty() || self.depth | self.jump != 0;
        let wrong = wrong.or_else(|| (!is_version && is_of_version).then_some("what only a version has"));
        match wrong {
            None => Ok(()),
            Some(what) => {
                let message =
                    format!("stamp of version {}: {what} is missing, too high or too much: correct it", self.id);
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }

    /// Where the values are that this stamp names.
    pub(crate) fn roots(&self) -> impl Iterator<Item = Root> {
        std::iter::once(self.root.clone()).chain(Tags::ROOTS.into_iter().filter_map(|tag| self.tags.root(tag)))
    }

    /// At least as many bytes as the body has.
    pub(crate) fn len_bound(&self) -> usize {
        let inline = if let Root::Inline(bytes) = &self.root { bytes.len() } else { 0 };
        // Flags, checksum and 20 numbers, then what has no bound of its own.
        256 + 10 * self.parents.len() + inline + self.tags.0.len()
    }

    /// Appends the body of this stamp to `out`, for the place `at`. It must be checked before.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, at: u64) {
        let chain = &self.chain;
        out.extend_from_slice(&self.flags().to_le_bytes());
        out.extend_from_slice(&chain.checksum.to_le_bytes());
        let mut put = |n| varint::put(out, n);
        put(at - chain.batch);
        put(chain.batch - chain.synced_upto);
        put(chain.epoch);
        put(self.id);
        if self.head != self.id {
            put(self.id - self.head)
        }
        if self.tip != self.id {
            put(self.id - self.tip)
        }
        if self.parents.len() >= MANY as usize {
            put(self.parents.len() as u64)
        }
        self.parents.iter().for_each(|parent| put(self.id - parent));
        if self.kind == StampKind::Version {
            put(self.id - self.depth);
            put(self.id - self.jump)
        }
        put(self.time_us);
        self.links().iter().filter_map(|(_, link)| *link).for_each(|link| put(at - link.units()));
        match &self.root {
            Root::None => {}
            Root::At(root) => put(at - root.units()),
            Root::Inline(bytes) => {
                put(bytes.len() as u64);
                out.extend_from_slice(bytes)
            }
        }
        out.extend_from_slice(&self.tags.0)
    }

    /// The stamp with this body, which stands at `at`; none if that is not what [`encode`](Self::encode) makes.
    pub(crate) fn decode(body: &[u8], at: u64) -> Option<Self> {
        if body.len() > MOST_STAMP_BYTES {
            return None;
        }
        let (flags, rest) = body.split_first_chunk()?;
        let (checksum, mut rest) = rest.split_first_chunk()?;
        let flags = u16::from_le_bytes(*flags);
        let kind = STAMP_KINDS[(flags & 3) as usize];
        if flags & !ALL_BITS != 0 {
            return None;
        }
        let rest = &mut rest;
        let batch = at.checked_sub(varint::take(rest)?)?;
        let synced_upto = batch.checked_sub(varint::take(rest)?)?;
        let epoch = varint::take(rest)?;
        let id = varint::take(rest)?;
        let head = unless(flags & HEAD_IS_ID, rest, id)?;
        let tip = unless(flags & TIP_IS_ID, rest, id)?;
        let parents = match flags >> PARENTS_SHIFT & 3 {
            MANY => varint::take(rest).filter(|&n| n >= MANY.into() && n <= rest.len() as u64)?,
            n => n.into(),
        };
        let parents = (0..parents).map(|_| id.checked_sub(varint::take(rest)?)).collect::<Option<_>>()?;
        let is_version = kind == StampKind::Version;
        let back = |rest: &mut &[u8]| if is_version { id.checked_sub(varint::take(rest)?) } else { Some(0) };
        let (depth, jump) = (back(rest)?, back(rest)?);
        let time_us = varint::take(rest)?;
        let link = |bit, rest: &mut &[u8]| if flags & bit != 0 { take_link(rest, at).map(Some) } else { Some(None) };
        let previous = link(HAS_PREVIOUS, rest)?;
        let index = link(HAS_INDEX, rest)?;
        let names = link(HAS_NAMES, rest)?;
        let (children, hashers) = (link(HAS_CHILDREN, rest)?, link(HAS_HASHERS, rest)?);
        let root = match flags >> ROOT_SHIFT & 3 {
            0 => Root::None,
            1 => Root::At(take_link(rest, at)?),
            2 => {
                let (bytes, after) =
                    { varint::take(rest).and_then(|n| rest.split_at_checked(usize::try_from(n).ok()?)) }?;
                *rest = after;
                Root::Inline(bytes.into())
            }
            _ => return None,
        };
        let chain =
            Chain { batch, checksum: u32::from_le_bytes(*checksum), synced_upto, epoch, previous, index, names };
        let tags = take_tags(rest)?;
        let stamp = Stamp { kind, id, parents, head, tip, depth, jump, time_us, children, hashers, root, tags, chain };
        stamp.check(at).is_ok().then_some(stamp)
    }
}

/// `id`, if the flag is set; else as much less as is stored.
fn unless(flag: u16, rest: &mut &[u8], id: u64) -> Option<u64> {
    if flag != 0 {
        Some(id)
    } else {
        varint::take(rest).filter(|&back| back != 0).and_then(|back| id.checked_sub(back))
    }
}

/// An address before `at`.
fn take_link(rest: &mut &[u8], at: u64) -> Option<Address> {
    let back = varint::take(rest).filter(|&back| back != 0)?;
    at.checked_sub(back).and_then(Address::new)
}

/// The fields up to the zeros that pad the body.
fn take_tags(all: &[u8]) -> Option<Tags> {
    let mut rest = all;
    while rest.first().is_some_and(|&byte| byte != 0) {
        take_tag(&mut rest)?;
    }
    let is_padding = rest.len() < 8 && rest.iter().all(|&byte| byte == 0);
    is_padding.then(|| Tags(all[..all.len() - rest.len()].into()))
}
