//! The map's rows. In: a size. Out: the engines with their base maps, ready to be measured; figures of ours alone.
//!
//! Files: `keys` what engines are fed with; `engine` the engines under one trait; `subject`, `reads`, `writes` how each
//! operation is run; `scale`, `sink` figures of ours alone; `bars` what is asked.

pub mod bars;
mod engine;
mod keys;
mod reads;
mod scale;
mod sink;
mod subject;
mod writes;

pub use keys::Key;

use crate::args::Args;
use crate::judge::Bar;
use crate::measure::Subject;
use crate::rows::Op;
use engine::{Engine, Im, ImRc, ImblArc, ImblRc, OursArc, OursRc, RpdsArc, RpdsRc, Std};
use keys::Inputs;
use scale::Scale;
use sink::Written;
use std::rc::Rc;
use subject::Bench;

/// The same for both types of keys. What leaves the base maps alone comes first.
pub fn ops(_key: &str) -> &'static [Op] {
    use Op::*;
    &[
        GetHit,
        GetMiss,
        Iterate,
        CloneDrop,
        EqSharing,
        Diff10,
        Collect,
        Insert,
        Update,
        Remove,
        InsertKept,
        UpdateKept,
        RemoveKept,
        Chain,
        UnionSharing,
        UnionDisjoint,
        BytesPerEntry,
        BytesPerVersion,
    ]
}

/// All engines that are not filtered out, each with its base map of `n` entries.
pub fn subjects<K: Key>(n: usize, args: &Args) -> Vec<Box<dyn Subject>> {
    let inputs = Rc::new(Inputs::<K>::new(n));
    let all = [
        subject::<K, OursArc<K>>,
        subject::<K, Im<K>>,
        subject::<K, ImblArc<K>>,
        subject::<K, RpdsArc<K>>,
        subject::<K, OursRc<K>>,
        subject::<K, ImRc<K>>,
        subject::<K, ImblRc<K>>,
        subject::<K, RpdsRc<K>>,
        subject::<K, Std<K>>,
    ];
    all.into_iter().filter_map(|make| make(&inputs, args)).collect()
}

fn subject<K: Key, E: Engine<K>>(inputs: &Rc<Inputs<K>>, args: &Args) -> Option<Box<dyn Subject>> {
    args.wants_engine(E::ID).then(|| Box::new(Bench::<K, E>::new(inputs)) as Box<dyn Subject>)
}

/// Measures and judges ours without peers.
pub fn alone() -> Vec<Bar> {
    let scale = Scale::measure();
    let written = sink::SIZES.map(|n| Written::measure(n).expect("nothing here was stored elsewhere"));
    bars::alone(&scale, &written)
}
