//! Stamps: what is encoded comes back, is as short as it can be, and what no stamp says is none.

use super::simulated::Dice;
use super::stamp::*;
use crate::id::Address;

const AT: u64 = 1 << 40;

fn some_address(dice: &mut Dice) -> Option<Address> {
    if dice.one_in(3) { None } else { Address::new((1 + dice.below(AT - 1)) >> dice.below(40)) }
}

fn some_stamp(dice: &mut Dice) -> Stamp {
    let id = dice.below(AT) >> dice.below(41);
    let upto = |dice: &mut Dice| if dice.one_in(3) { id } else { dice.below(id + 1) };
    let root = if dice.one_in(2) {
        Root::At(Address::new(1 + dice.below(AT - 1)).unwrap())
    } else {
        Root::Inline((0..dice.below(100)).map(|_| dice.roll() as u8).collect())
    };
    let mut stamp = Stamp::version(id, root);
    let parents = if id == 0 { 0 } else { dice.below(7) };
    stamp.parents = (0..parents).map(|_| dice.below(id)).collect();
    (stamp.head, stamp.tip, stamp.depth) = (upto(dice), upto(dice), upto(dice));
    stamp.jump = dice.below(id.max(1));
    stamp.time_us = dice.roll() >> dice.below(64);
    (stamp.children, stamp.hashers) = (some_address(dice), some_address(dice));
    for _ in 0..dice.below(5) {
        let bytes: Vec<u8> = (0..dice.below(200)).map(|_| dice.roll() as u8).collect();
        stamp.tags.push(1 + (dice.roll() >> dice.below(63) >> 1), &bytes)
    }
    if dice.one_in(3) {
        stamp = stamp.after([StampKind::Move, StampKind::Names, StampKind::Closing][dice.below(3) as usize])
    }
    let batch = AT - dice.below(1000);
    stamp.chain = Chain {
        batch,
        checksum: dice.roll() as u32,
        synced_upto: batch - dice.below(1 << 30),
        epoch: dice.below(300),
        previous: some_address(dice),
        index: some_address(dice),
        names: some_address(dice),
    };
    stamp
}

fn body(stamp: &Stamp) -> Vec<u8> {
    let mut body = Vec::new();
    stamp.encode(&mut body, AT);
    assert!(body.len() <= stamp.len_bound());
    body.resize(body.len().next_multiple_of(8), 0);
    body
}

#[test]
fn every_stamp_comes_back() {
    let mut dice = Dice(1);
    for _ in 0..20_000 {
        let stamp = some_stamp(&mut dice);
        stamp.check(AT).unwrap();
        assert_eq!(Stamp::decode(&body(&stamp), AT).as_ref(), Some(&stamp))
    }
}

#[test]
fn tags_that_nobody_knows_are_kept_in_order() {
    let mut tags = Tags::default();
    let fields: [(u64, &[u8]); 4] =
        [(Tags::LABEL, b"typed"), (1 << 60, b""), (7, &[0; 300]), (Tags::AUTHOR, b"user:ann")];
    fields.iter().for_each(|&(tag, bytes)| tags.push(tag, bytes));
    let stamp = Stamp { tags, ..Stamp::version(3, Root::Inline(Default::default())) };
    let stamp = Stamp { chain: Chain { batch: AT, synced_upto: AT, ..Chain::default() }, ..stamp };
    let stamp = Stamp::decode(&body(&stamp), AT).unwrap();
    assert_eq!(stamp.tags.iter().collect::<Vec<_>>(), fields);
    assert_eq!((stamp.tags.get(Tags::AUTHOR), stamp.tags.get(Tags::ACTION)), (Some(&b"user:ann"[..]), None));
}

#[test]
fn a_value_in_a_tag_is_an_address_or_bytes_of_another_length() {
    for root in [Root::At(Address::new((1 << 44) - 1).unwrap()), Root::Inline([7; 9].into_iter().collect())] {
        let mut tags = Tags::default();
        tags.push_root(Tags::ACTION, &root);
        assert_eq!(tags.root(Tags::ACTION), Some(root))
    }
    let mut tags = Tags::default();
    tags.push_root(Tags::ACTION, &Root::None);
    assert_eq!((tags.root(Tags::ACTION), tags.iter().count()), (None, 0));
    // What is no address is no value either: whoever reads it says so.
    for wrong in [0u64, 1, 1 << 19 | 1 << 20] {
        let mut tags = Tags::default();
        tags.push(Tags::ACTION, &wrong.to_le_bytes());
        assert_eq!(tags.root(Tags::ACTION), Some(Root::Inline(wrong.to_le_bytes().into_iter().collect())))
    }
}

#[test]
fn what_is_no_stamp_is_refused_and_never_panics() {
    let mut dice = Dice(2);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut body = body(&some_stamp(&mut dice));
        for _ in 0..1 + dice.below(4) {
            let i = dice.below(body.len() as u64) as usize;
            match dice.below(3) {
                0 => body[i] = dice.roll() as u8,
                1 => body.truncate(i.max(1)),
                _ => body[i] ^= 1 << dice.below(8),
            }
        }
        match Stamp::decode(&body, AT >> dice.below(44)) {
            Some(stamp) => assert!(stamp.check(AT).is_ok()),
            None => refused += 1,
        }
    }
    assert!(refused > 5000, "{refused}");
    assert!(Stamp::decode(&[], AT).is_none());
    assert!(Stamp::decode(&[0xFF; MOST_STAMP_BYTES + 8], AT).is_none());
}

#[test]
fn a_stamp_that_names_what_is_not_before_it_is_invalid() {
    let good = || Stamp { parents: [4].into_iter().collect(), ..Stamp::version(5, Root::At(Address::new(9).unwrap())) };
    let wrong = |change: fn(&mut Stamp)| {
        let mut stamp = good();
        change(&mut stamp);
        stamp.check(10).is_err()
    };
    good().check(10).unwrap();
    assert!(good().check(9).is_err());
    assert!(wrong(|s| s.parents[0] = 5));
    assert!(wrong(|s| s.head = 6));
    assert!(wrong(|s| s.tip = 6));
    assert!(wrong(|s| s.depth = 6));
    assert!(wrong(|s| s.jump = 6));
    // It would lead nowhere, for ever.
    assert!(wrong(|s| s.jump = 5));
    // There is no room for so many versions.
    assert!(!wrong(|s| s.id = 9) && wrong(|s| s.id = 10));
    assert!(!wrong(|s| s.chain.epoch = 9) && wrong(|s| s.chain.epoch = 10));
    assert!(wrong(|s| s.chain.names = Address::new(10)));
    assert!(wrong(|s| s.tags.push_root(Tags::ACTION, &Root::At(Address::new(10).unwrap()))));
    assert!(wrong(|s| s.tags.push_root(Tags::NAMES, &Root::At(Address::new(10).unwrap()))));
    assert!(!wrong(|s| s.tags.push_root(Tags::ACTION, &Root::At(Address::new(9).unwrap()))));
    assert!(wrong(|s| s.root = Root::None));
    assert!(wrong(|s| s.kind = StampKind::Move));
    good().after(StampKind::Move).check(10).unwrap();
}

#[test]
fn a_plain_stamp_takes_at_most_72_bytes_with_its_header() {
    // Version 100 000 of a log of 50 MB: one parent, a label, roots in the same batch, an index some versions ago.
    let id = 100_000;
    let at = (50 << 20) / 8;
    let back = |n| Address::new(at - n);
    let mut stamp = Stamp::version(id, Root::At(back(3).unwrap()));
    stamp.parents.push(id - 1);
    (stamp.depth, stamp.jump, stamp.time_us) = (id, id - 1023, 1_790_000_000_000_000);
    (stamp.children, stamp.hashers) = (back(15), back(100_000));
    stamp.tags.push(Tags::LABEL, b"add a note");
    let (batch, previous, index, names) = (at - 70, back(80), back(9000), back(100_000));
    stamp.chain = Chain { batch, checksum: 1, synced_upto: at - 70, epoch: 4, previous, index, names };
    let mut body = Vec::new();
    stamp.encode(&mut body, at);
    println!("{} bytes with header", 8 + body.len());
    assert!(8 + body.len().next_multiple_of(8) <= 72, "{}", body.len());
    // A move of the head.
    let mut body = Vec::new();
    Stamp { head: id - 1, chain: stamp.chain.clone(), ..stamp.after(StampKind::Move) }.encode(&mut body, at);
    assert!(8 + body.len().next_multiple_of(8) <= 56, "{}", body.len());
}
