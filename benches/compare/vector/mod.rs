//! The vector's rows. In: a size. Out: the engines with their base vectors, ready to be measured.
//!
//! Files: `elements` what engines are fed with; `engine` the engines under one trait; `subject`, `reads`, `ends`, `middle`
//! how each operation is run; `traces` recorded editing sessions; `bars` what is asked; `immer` what C++ reaches.

pub mod bars;
mod elements;
mod ends;
mod engine;
pub mod immer;
mod middle;
mod reads;
mod subject;
pub mod traces;

pub use elements::{Element, Wide};

use crate::args::Args;
use crate::measure::Subject;
use crate::rows::Op;
use elements::Inputs;
use engine::{Engine, Im, ImRc, ImblArc, ImblRc, OursArc, OursRc, RpdsArc, RpdsRc, Std};
use std::rc::Rc;
use subject::Bench;

/// All for words; for wide elements only what tells whether width is paid for. What leaves the base vectors alone comes
/// first.
pub fn ops(element: &str) -> &'static [Op] {
    use Op::*;
    if element == Wide::NAME {
        return &[GetRandom, PushBack, InsertKept];
    }
    &[
        GetRandom,
        GetSequential,
        GetRelaxed,
        Iterate,
        CloneDrop,
        EqSharing,
        Diff10,
        Collect,
        BuildPieces,
        PushBack,
        PushFront,
        Set,
        Insert,
        Remove,
        PushBackKept,
        PushFrontKept,
        SetKept,
        InsertKept,
        RemoveKept,
        Concat,
        Split,
        BytesPerElement,
        BytesPerPush,
        BytesPerSet,
        BytesPerInsert,
    ]
}

/// All engines that are not filtered out, each with its base vector of `n` elements.
pub fn subjects<A: Element>(n: usize, args: &Args) -> Vec<Box<dyn Subject>> {
    let inputs = Rc::new(Inputs::<A>::new(n));
    let all = [
        subject::<A, OursArc<A>>,
        subject::<A, Im<A>>,
        subject::<A, ImblArc<A>>,
        subject::<A, RpdsArc<A>>,
        subject::<A, OursRc<A>>,
        subject::<A, ImRc<A>>,
        subject::<A, ImblRc<A>>,
        subject::<A, RpdsRc<A>>,
        subject::<A, Std<A>>,
    ];
    all.into_iter().filter_map(|make| make(&inputs, args)).collect()
}

fn subject<A: Element, E: Engine<A>>(inputs: &Rc<Inputs<A>>, args: &Args) -> Option<Box<dyn Subject>> {
    args.wants_engine(E::ID).then(|| Box::new(Bench::<A, E>::new(inputs)) as Box<dyn Subject>)
}
