//! What follows from all entries of a map, worked out from the leaves up: a function of the contents, whatever the nodes.
//!
//! A divided prefix of hash bits (M1) is made of its two halves; one without entries adds nothing. So neither the width of
//! nodes shows, nor what is an overlay.
//!
//! In: a root, and a [`Fold`]. Out: what that makes of it.
//! Must hold: what is known of a marked node is not asked again, and nothing of it is read; what is stored is loaded for as
//! long as it is looked at, so that a map may be larger than memory.
//! Uses: `link`, `node`, `inner`, `leaf`, `overlay`, `lazy`, `error`.

use super::inner::*;
use super::lazy::whole;
use super::leaf::*;
use super::node::*;
use super::overlay::*;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Count, Mark, Origin, Word, place};
use alloc::sync::Arc;

/// Makes one thing of the entries of a map.
pub(crate) trait Fold<K, V> {
    type Out: Copy;

    /// What was made of the node with this mark before.
    fn known(&mut self, at: Mark) -> Option<Self::Out>;

    /// Notes what was made of the node with this mark, or with none.
    fn learn(&mut self, at: Mark, out: Self::Out);

    /// Of all entries of a leaf, in any order.
    ///
    /// # Errors
    /// What is wrong with the entries.
    fn leaf<'e>(&mut self, entries: impl Iterator<Item = &'e (K, V)>) -> Result<Self::Out>
    where
        K: 'e,
        V: 'e;

    /// Of both halves of a prefix: where the next bit of the hash is 0, and where it is 1.
    fn pair(&mut self, zero: Self::Out, one: Self::Out) -> Self::Out;
}

/// What `f` makes of a map; none of an empty one.
///
/// # Errors
/// What the storage says, and `f`.
pub(crate) fn fold<K, V, C: Count, F: Fold<K, V>>(root: NodeRef<'_, K, V, C>, f: &mut F) -> Result<Option<F::Out>> {
    let (word, from) = peek_stub(root);
    if word.is_stored() {
        return stored::<K, V, C, F>(word, from, 0, f).map(Some);
    }
    let root = through_stub(root)?;
    root.word().is_node().then(|| node(root, 0, f)).transpose()
}

fn stored<K, V, C: Count, F: Fold<K, V>>(
    word: Word,
    from: Option<&Arc<Origin>>,
    depth: u32,
    f: &mut F,
) -> Result<F::Out> {
    match f.known(place(word, from)) {
        Some(out) => Ok(out),
        None => node(load::<K, V, C>(word, from)?.link(), depth, f),
    }
}

fn node<K, V, C: Count, F: Fold<K, V>>(node: NodeRef<'_, K, V, C>, depth: u32, f: &mut F) -> Result<F::Out> {
    let at = node.header().map_or(Mark::NONE, |header| header.mark());
    if let Some(out) = f.known(at) {
        return Ok(out);
    }
    let out = match form(node.word()) {
        Form::Divided => divided(Divided::new(node), depth, f)?,
        _ => {
            let leaf = Leaf::new(whole(node)?);
            f.leaf(leaf.places().map(|place| leaf.entry(place)))?
        }
    };
    f.learn(at, out);
    Ok(out)
}

fn divided<K, V, C: Count, F: Fold<K, V>>(view: Divided<'_, K, V, C>, depth: u32, f: &mut F) -> Result<F::Out> {
    let mut children = Vec::with_capacity(1 << MOST_BITS);
    if depth < u64::BITS {
        for (first, k, word) in view.blocks() {
            let depth = depth + view.bits() - k;
            if word.is_stored() {
                children.push((first, stored::<K, V, C, F>(word, view.origin(), depth, f)?))
            } else if word.is_node() {
                children.push((first, node(view.child(first)?, depth, f)?))
            }
        }
    }
    match children[..] {
        [] => {
            let what = "a stored map is deeper than hashes have bits, or has an inner node without children";
            Err(Error::new(ErrorKind::Corrupt, what))
        }
        _ => Ok(halves(&children, 0, 1 << view.bits(), f)),
    }
}

/// Of children that stand within so many slots from the first one on. There is a child.
fn halves<K, V, F: Fold<K, V>>(children: &[(usize, F::Out)], first: usize, width: usize, f: &mut F) -> F::Out {
    if let [(_, only)] = children {
        return *only;
    }
    let half = width / 2;
    match children.partition_point(|&(at, _)| at < first + half) {
        0 => halves::<K, V, F>(children, first + half, half, f),
        n if n == children.len() => halves::<K, V, F>(children, first, half, f),
        n => {
            let zero = halves::<K, V, F>(&children[..n], first, half, f);
            let one = halves::<K, V, F>(&children[n..], first + half, half, f);
            f.pair(zero, one)
        }
    }
}
