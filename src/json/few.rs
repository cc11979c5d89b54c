//! What is small: arrays and objects that lie in what holds them, in memory (objects) and in a log.
//!
//! In: an array or object. Out: whether it is small.
//! - **J3** It is if it fills at most [`FEW_BYTES`] as it is stored, with all that is in it: a function of its contents.
//!
//! Uses: `number`, `vector`.

use super::number::Form;
use super::{Json, Number, Object};
use crate::vector::Vector;

/// So many bytes an array or object may fill in what holds it. A larger one is shared between versions where it is; a change
/// in a smaller one copies and writes all of it. See "Decisions" in docs/ARCHITECTURE.md.
const FEW_BYTES: usize = 256;
/// What a value fills, but for what it owns.
pub(super) const VALUE_BYTES: usize = 16;
/// What a name fills; so many bytes of text need no place of their own.
pub(super) const NAME_BYTES: usize = 8;
/// No small object has more members.
pub(super) const FEW_MEMBERS: usize = FEW_BYTES / (VALUE_BYTES + NAME_BYTES);

/// Whether an array is small. Time: O(1), as little is looked at.
pub(super) fn is_few_elements(array: &Vector<Json>) -> bool {
    array_fits(array, &mut { FEW_BYTES })
}

/// Whether an object is small. Time: O(1), as little is looked at.
pub(super) fn is_few_members(object: &Object) -> bool {
    object_fits(object, &mut { FEW_BYTES })
}

fn array_fits(array: &Vector<Json>, left: &mut usize) -> bool {
    take(left, VALUE_BYTES * array.len()) && array.iter().all(|element| value_fits(element, left))
}

fn object_fits(object: &Object, left: &mut usize) -> bool {
    take(left, (VALUE_BYTES + NAME_BYTES) * object.len())
        && object.iter_unordered().all(|(name, value)| take(left, text_bytes(name)) && value_fits(value, left))
}

fn value_fits(value: &Json, left: &mut usize) -> bool {
    match value {
        Json::String(text) => take(left, text_bytes(text)),
        Json::Number(Number(Form::Text(text))) => take(left, text.len()),
        Json::Array(array) => array_fits(array, left),
        Json::Object(object) => object_fits(object, left),
        _ => true,
    }
}

fn take(left: &mut usize, bytes: usize) -> bool {
    let fits = bytes <= *left;
    *left = left.saturating_sub(bytes);
    fits
}

fn text_bytes(text: &str) -> usize {
    if text.len() <= NAME_BYTES { 0 } else { text.len() }
}
