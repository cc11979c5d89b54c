//! Model tests of the set: every version against std.

use super::*;
use crate::StrongHash;
use archery::RcK;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn a_set_made_from_another_hashes_as_that_does() {
    let set: GenericHashSet<u32, std::hash::RandomState, ArcTK> = (0..1000u32).collect();
    let again = set.new_from().union(set.clone());
    assert!(again.ptr_eq(&set), "what hashes alike is taken over as it is")
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    Remove(u16),
    Keep,
    Back(u8),
    Union(u8),
    Intersection(u8),
    SymmetricDifference(u8),
    RelativeComplement(u8),
    Retain(u16),
    Extend(u16, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let value = || 0..600u16;
    prop_oneof![
        20 => value().prop_map(Step::Insert),
        15 => value().prop_map(Step::Remove),
        8 => Just(Step::Keep),
        2 => any::<u8>().prop_map(Step::Back),
        3 => any::<u8>().prop_map(Step::Union),
        1 => any::<u8>().prop_map(Step::Intersection),
        1 => any::<u8>().prop_map(Step::SymmetricDifference),
        1 => any::<u8>().prop_map(Step::RelativeComplement),
        1 => (2..9u16).prop_map(Step::Retain),
        4 => (value(), any::<u8>()).prop_map(|(from, n)| Step::Extend(from, n)),
    ]
}

type Model = BTreeSet<String>;

fn text(n: u16) -> String {
    format!("value {n}")
}

fn same<S: BuildHasher + Clone + Default, P: Kind>(set: &GenericHashSet<String, S, P>, model: &Model) {
    assert_eq!(set.len(), model.len());
    assert!(model.iter().all(|value| set.contains(value.as_str())));
    assert_eq!(set.iter().cloned().collect::<Model>(), *model);
    set.map.assert_invariants();
}

fn run<S: BuildHasher + Clone + Default, P: Kind>(steps: &[Step]) {
    let mut set = GenericHashSet::<String, S, P>::new();
    let mut model = Model::new();
    let mut kept = vec![(set.clone(), model.clone())];
    for step in steps {
        let other = |i: u8| kept[i as usize % kept.len()].clone();
        match *step {
            Step::Insert(n) => assert_eq!(set.insert(text(n)).is_none(), model.insert(text(n))),
            Step::Remove(n) => assert_eq!(set.remove(text(n).as_str()).is_some(), model.remove(&text(n))),
            Step::Keep => kept.push((set.clone(), model.clone())),
            Step::Back(i) => (set, model) = other(i),
            Step::Union(i) => {
                let (o, m) = other(i);
                (set, model) = (set.union(o), &model | &m)
            }
            Step::Intersection(i) => {
                let (o, m) = other(i);
                (set, model) = (set.intersection(o), &model & &m)
            }
            Step::SymmetricDifference(i) => {
                let (o, m) = other(i);
                (set, model) = (set.symmetric_difference(o), &model ^ &m)
            }
            Step::RelativeComplement(i) => {
                let (o, m) = other(i);
                (set, model) = (set.relative_complement(o), &model - &m)
            }
            Step::Retain(n) => {
                let keep = |value: &String| !(value.len() as u16).is_multiple_of(n);
                set.retain(keep);
                model.retain(keep)
            }
            Step::Extend(from, n) => {
                let values = || (from..from + n as u16).map(text);
                set.extend(values());
                model.extend(values())
            }
        }
        set.map.assert_invariants();
    }
    for (old, then) in &kept {
        same(old, then);
        assert_eq!(*old == set, *then == model);
        assert_eq!(old.is_subset(&set), then.is_subset(&model));
        assert_eq!(old.is_proper_subset(&set), then.is_subset(&model) && then.len() < model.len());
        let changed: Model = old
            .diff(&set)
            .map(|item| match item {
                DiffItem::Add(value, ()) | DiffItem::Remove(value, ()) => value.clone(),
                DiffItem::Update { .. } => panic!("a set has no values to update"),
            })
            .collect();
        assert_eq!(changed, then ^ &model);
        let mut items = old.diff(&set);
        old.try_diff(&set, |item| assert_eq!(Some(item), items.next())).unwrap();
        assert_eq!(items.next(), None);
    }
    same(&set, &model);
    assert_eq!(set.into_iter().collect::<Model>(), model);
}

proptest! {
    #![proptest_config(crate::map::cases())]
    #[test]
    fn sets_behave_as_in_std(steps in prop::collection::vec(step(), 1..300)) {
        run::<PortableHash, ArcTK>(&steps)
    }

    #[test]
    fn unshared_sets_with_a_strong_hasher_behave_as_in_std(steps in prop::collection::vec(step(), 1..300)) {
        run::<StrongHash, RcK>(&steps)
    }
}
