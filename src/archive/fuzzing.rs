//! For the fuzz targets only: the archive's records from any bytes. In: bytes. Out: nothing; a panic if a rule of `links` or
//! `shape` is broken. Uses: `links`, `shape`, `loader`, `id`.

use super::links::links;
use super::loader::Thaw;
use super::shape::{Form, Shape};
use crate::id::Address;

/// A record from any bytes, with values of these types. All addresses that its shape has are before it, and `links` finds them;
/// or one of the two says that the record is damaged.
pub fn read_record<K: Thaw, V: Thaw>(kind: u8, body: &[u8], at: u64) {
    let Some(at) = Address::new(at) else { return };
    let mut found = Vec::new();
    let is_found = links(at, kind, body, &mut found).is_ok();
    assert!(found.iter().all(|&address| address < at));
    let Ok(shape) = Shape::of(kind, body, at) else { return };
    let followed = addresses(&shape.form);
    assert!(followed.iter().all(|&address| address < at));
    assert!(!is_found || followed.iter().all(|address| found.contains(address)), "{kind}: {followed:?} {found:?}");
    match shape.form {
        Form::Leaf(leaf) => {
            assert!(leaf.used().count_ones() <= 16);
            if leaf.inline::<K, V>().is_ok() {
                assert_eq!(leaf.entries().count(), leaf.n())
            }
        }
        Form::Row(..) => _ = shape.row::<V>().map(|_| ()),
        Form::Entry(_) => _ = shape.entry::<K, V>().map(|_| ()),
        Form::Root(_) => _ = shape.state::<V>().map(|_| ()),
        _ => {}
    }
}

/// Those that stand outside of users' values.
fn addresses(form: &Form<'_>) -> Vec<Address> {
    match form {
        Form::Divided(node) => node.base.into_iter().chain(node.links.iter().filter_map(|link| link.address)).collect(),
        Form::Leaf(leaf) => {
            // Where entries stand in the leaf itself, any number may be said.
            let outside = (0..leaf.n().min(1 << 16)).filter_map(|k| leaf.outside(k));
            leaf.base.map(|(base, _)| base).into_iter().chain(outside).collect()
        }
        Form::Inner(node) => {
            node.base.map(|base| base.at).into_iter().chain(node.links.iter().map(|link| link.address)).collect()
        }
        Form::Row(base, _) => base.map(|base| base.at).into_iter().collect(),
        Form::Spine(parts) => {
            [&parts.head, &parts.tree, &parts.tail].into_iter().flatten().map(|link| link.address).collect()
        }
        _ => Vec::new(),
    }
}
