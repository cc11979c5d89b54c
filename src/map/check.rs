//! For tests: everything that must hold of a map (M1 to M3, L1, L2, L8), checked from the outside in.
#![allow(unsafe_code)] // Follows lenders.

use super::GenericHashMap;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::overlay::*;
use crate::error::thawed;
use crate::link::{Count, Kind};
use std::hash::{BuildHasher, Hash};

impl<K: Hash + Eq, V, S: BuildHasher, P: Kind> GenericHashMap<K, V, S, P> {
    /// Panics if an invariant does not hold. Thaws everything.
    pub(crate) fn assert_invariants(&self) {
        let mut hashes: Vec<u64> = self.iter().map(|(k, _)| self.hasher.hash_one(k)).collect();
        hashes.sort_unstable();
        assert_eq!(hashes.len(), self.len(), "M3: len");
        let mut leaves = Vec::new();
        let root = thawed(through_stub(self.root.link()));
        self.check_node(root, 0, 0, &mut leaves);
        let mut specified = Vec::new();
        specify(&hashes, 0, 0, &mut specified);
        assert_eq!(leaves, specified, "M1: the divided prefixes are a function of the contents");
    }

    fn check_node(
        &self,
        node: NodeRef<'_, K, V, P::Count>,
        prefix: u64,
        depth: u32,
        leaves: &mut Vec<(u64, u32, usize)>,
    ) {
        if form(node.word()) != Form::Divided {
            leaves.push((prefix, depth, self.check_leaf(node, prefix, depth)));
            return;
        }
        let view = Divided::new(node);
        check_lenders(view);
        if let Some(overlay) = view.overlay {
            assert!((1..=OVERLAY_MAX).contains(&overlay.len()), "M2: overrides");
            for j in 0..overlay.len() {
                let (first, k) = overlay.range(j);
                assert_eq!(first & ((1 << k) - 1), 0, "M2: aligned");
                assert!((first..first + (1 << k)).all(|s| overlay.over(s) == Some(j)), "M2: overrides are disjoint");
                // Whole blocks of the base lie under overrides.
                let b = view.base.block(first);
                let start = first >> b << b;
                assert!((start..start + (1 << b)).all(|s| overlay.over(s).is_some()), "M2: whole blocks");
            }
        }
        let mut expected = 0;
        for (first, k, word) in view.blocks() {
            assert_eq!(first, expected, "blocks follow one another");
            expected += 1 << k;
            let below = depth + view.bits() - k;
            let own = prefix | (first as u64) << (64 - depth - view.bits());
            if word.is_stored() {
                assert!(view.origin().is_some(), "L8");
                let child = thawed(view.child(first));
                assert_eq!(Note::of(word).len, Leaf::len_of(child).unwrap_or(0), "the note of a stored leaf");
            }
            let child = thawed(view.child(first));
            if form(child.word()) == Form::Divided {
                assert_eq!((k, view.bits()), (0, MOST_BITS.min(64 - depth)), "divided children stand at full depth");
            }
            if !child.word().is_node() {
                assert_eq!(child.word().value() as u32, view.bits() - k, "an empty block knows its depth");
            }
            self.check_node(child, own, below, leaves);
        }
        assert_eq!(expected, 1 << view.bits());
    }

    fn check_leaf(&self, node: NodeRef<'_, K, V, P::Count>, prefix: u64, depth: u32) -> usize {
        if !node.word().is_node() {
            return 0;
        }
        let leaf = Leaf::new(node);
        assert!(leaf.own_len() <= leaf.cap());
        if node.tag() == COLLISION {
            assert!(leaf.len() > LEAF_MAX && depth == 64, "a collision leaf is at full depth");
        } else {
            assert!((1..=LEAF_MAX).contains(&leaf.len()), "M2: no empty leaf");
            let plain = leaf.base().map_or(leaf, |(base, _)| base);
            assert_eq!(plain.live().count_ones() as usize, plain.own_len(), "M2: free places have no tag");
            assert_eq!(plain.live() >> plain.cap().min(LEAF_MAX), 0, "M2: places within the room");
            assert_eq!(leaf.live().count_ones() as usize, leaf.len(), "M2: one entry a place");
            for place in leaf.places() {
                let tag = tag_of(self.hasher.hash_one(&leaf.entry(place).0));
                assert_eq!(leaf.tag_at(place), tag, "M2: tags match hashes");
            }
        }
        let mut live = 0;
        for place in leaf.places() {
            live += 1;
            let hash = self.hasher.hash_one(&leaf.entry(place).0);
            if let Some(own) = leaf.mark_cell(place).and_then(|cell| cell.get().own()) {
                assert_eq!(own, hash >> HASH_LOST, "M2: marks that name no place carry the hash");
            }
            assert!(depth == 0 || (hash ^ prefix) >> (64 - depth) == 0, "M3: the entry stands where its hash leads");
        }
        if let Some((base, dead)) = leaf.base() {
            assert!(is_leaf(base.word().tag()), "M2: the base of a leaf overlay");
            assert_eq!(dead & !base.live(), 0, "M2: dead entries are entries");
            assert_eq!(leaf.own_places().count_ones() as usize, leaf.own_len(), "M2: places of its own entries");
        }
        live
    }
}

/// M2: the lenders behind a node are as many as it says, few, and the last holds what the first borrows.
fn check_lenders<K, V, C: Count>(view: Divided<'_, K, V, C>) {
    let (mut view, mut last) = (view, usize::MAX);
    loop {
        let (said, next) = match (view.overlay, view.base.loan()) {
            (Some(o), _) => (o.lenders(), Some(o.lender())),
            (None, Some((lender, _))) => (view.base.lenders(), Some(lender)),
            (None, None) => (0, None),
        };
        assert!(said < last && said <= most_lenders(view.bits()), "M2: lenders");
        last = said;
        let Some(next) = next else { break };
        // SAFETY: a node owns a count of its lender.
        let lender = Divided::new(unsafe { NodeRef::from_word(next) });
        for (first, _, word) in view.blocks().filter(|&(first, _, word)| word.is_node() && !view.owns(first)) {
            let x = view.bits() - lender.bits().min(view.bits());
            assert!(lender.peek(first >> x) == word || view.overlay.is_some(), "M2: the lender has what is borrowed");
        }
        view = lender;
    }
}

/// The specification of M1, in five lines: divide a prefix iff it holds more than 15 hashes and has bits left.
fn specify(hashes: &[u64], prefix: u64, depth: u32, out: &mut Vec<(u64, u32, usize)>) {
    if hashes.len() <= LEAF_MAX || depth == 64 {
        return out.push((prefix, depth, hashes.len()));
    }
    let bit = 1 << (63 - depth);
    let zeros = hashes.partition_point(|h| h & bit == 0);
    specify(&hashes[..zeros], prefix, depth + 1, out);
    specify(&hashes[zeros..], prefix | bit, depth + 1, out);
}

/// Counts nodes by tag, for tests that look at representation.
pub(crate) fn census<K, V, C: Count>(node: NodeRef<'_, K, V, C>, out: &mut std::collections::BTreeMap<usize, usize>) {
    *out.entry(node.tag()).or_default() += 1;
    if form(node.word()) == Form::Divided {
        for (first, _, word) in Divided::new(node).blocks() {
            match word.is_stored() {
                true => *out.entry(crate::link::STORED).or_default() += 1,
                false => census(thawed(Divided::new(node).child(first)), out),
            }
        }
    }
}
