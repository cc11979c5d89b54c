//! For tests: everything that must hold of a vector (V1 to V4, L1, L8), checked from the outside in.
#![allow(unsafe_code)] // Words of children: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericVector;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::revive::{peek_stub, through_stub};
use super::spine::*;
use crate::error::thawed;
use crate::link::{Count, Kind, Word};

impl<A, P: Kind> GenericVector<A, P> {
    /// Panics if an invariant does not hold. Thaws everything.
    pub(crate) fn assert_invariants(&self) {
        self.assert_all_but_v4();
        let root = self.body.root.link();
        if peek_stub(root).0.tag() != SPINE {
            return;
        }
        let tree = thawed(Spine::new(thawed(through_stub(root, self.body.ends))).tree());
        if tree.level > 0 {
            let root = Inner::new(tree.node);
            assert!(root.n() >= 2, "V4: a root has two children at least");
            if root.n() == 2 && tree.level > 1 {
                let n = |k| Inner::new(thawed(root.child(tree.level, tree.len, k)).node).n();
                assert!(n(0) + n(1) > WIDTH, "V4: two children that would fit into one node");
            }
        }
    }

    /// The same where a node could not be read.
    pub(crate) fn assert_all_but_v4(&self) {
        let (len, head) = (self.len(), self.body.ends.head());
        let root = thawed(through_stub(self.body.root.link(), self.body.ends));
        match root.tag() {
            LEAF => {
                assert_eq!(head, 0);
                check_leaf(root, 0..len)
            }
            SPINE => {
                let spine = Spine::new(root);
                let tree = spine.head().tree_len;
                let tail = self.body.ends.tail(tree);
                let (front, back) = (thawed(spine.front(head)), thawed(spine.back(tail)));
                assert!(front.word().is_node() || head == 0, "a head");
                assert!(back.word().is_node() || tail == 0, "a tail");
                if front.word().is_node() {
                    check_leaf(front, spine.head().places_in_front(head))
                }
                if back.word().is_node() {
                    check_leaf(back, 0..tail)
                }
                let tree = thawed(spine.tree());
                if tree.len == 0 {
                    return assert!(!tree.node.word().is_node(), "an empty tree is none");
                }
                check_node(tree, true, true)
            }
            _ => assert!(len == 0 && root.word() == none::<A, P::Count>().word()),
        }
    }

    /// The level of the tree.
    pub(crate) fn height(&self) -> u32 {
        if self.body.root.word().tag() == SPINE { Spine::new(self.body.root.link()).level() } else { 0 }
    }
}

impl<A, P: Kind> GenericVector<A, P> {
    /// How many links are stored and not resident, as far as one can see.
    pub(crate) fn stored_links(&self) -> usize {
        let (root, _) = peek_stub(self.body.root.link());
        if root.tag() != SPINE {
            return root.is_stored() as usize;
        }
        // SAFETY: what the root's word names lives while the vector does.
        let spine = Spine::new(unsafe { NodeRef::<A, P::Count>::from_word(root) }).head();
        let ends = [&spine.head, &spine.tail].into_iter().filter(|slot| slot.get().is_stored()).count();
        ends + stored_below::<A, P::Count>(spine.tree.get())
    }
}

fn stored_below<A, C: Count>(word: Word) -> usize {
    match word.tag() {
        // SAFETY: the tag says what the word names, which lives while its parent does.
        STRICT | RELAXED => unsafe {
            let inner: Inner<'_, A, C> = Inner::from_word(word);
            (0..inner.n()).map(|k| stored_below::<A, C>(inner.word(k))).sum()
        },
        _ => word.is_stored() as usize,
    }
}

fn check_leaf<A, C: Count>(node: NodeRef<'_, A, C>, places: std::ops::Range<usize>) {
    let (head, room) = (Leaf::new(node).head(), Leaf::new(node).room());
    let (first, end) = (head.first.get(), head.end.get());
    assert!(first <= places.start && places.end <= end && end <= room, "V1: {first}..{end} of {room}, seen {places:?}");
    assert!(room <= Rrb::<A, C>::LEAF_MAX);
}

fn check_node<A, C: Count>(tree: Tree<'_, A, C>, is_left: bool, is_right: bool) {
    let (level, len) = (tree.level, tree.len);
    let is_edge = is_left || is_right;
    assert!(len > 0, "V3: no node is empty");
    if level == 0 {
        assert_eq!(tree.node.tag(), LEAF, "V2: leaves are at level 0");
        check_leaf(tree.node, 0..len);
        return assert!(is_edge || len >= Rrb::<A, C>::LEAF_HALF, "V3: a leaf of {len}");
    }
    let inner = Inner::new(tree.node);
    let n = inner.n();
    assert_eq!(inner.level(), level, "V2: levels");
    assert!((1..=WIDTH).contains(&n) && n <= inner.cap(), "V2: children");
    assert!(is_edge || n >= HALF_WIDTH, "V3: {n} children");
    assert!(len <= Rrb::<A, C>::full(level));
    match inner.ends() {
        Some(ends) => {
            assert!(ends.is_sorted() && ends[n - 1] == len, "V2: ends");
        }
        None => {
            let full = Rrb::<A, C>::full(level - 1);
            assert!((n - 1) * full < len && len <= n * full, "V2: strict");
        }
    }
    for k in 0..n {
        let is_stored = inner.word(k).is_stored();
        assert!(!is_stored || inner.origin().is_some(), "L8");
        let child = thawed(inner.child(level, len, k));
        assert!(child.len <= Rrb::<A, C>::full(level - 1));
        check_node(child, is_left && k == 0, is_right && k + 1 == n)
    }
}
