//! Numbers as JSON has them, without loss.
//!
//! In: integers, floats, or a number's text. Out: the same, and the text that comes back as the same number.
//! Must hold: a number has one form: an integer that an `i64` or a `u64` holds is kept so; of others, what an `f64` can tell
//! from infinity and from zero is kept as one if it was written with a fraction or an exponent; the rest is kept as its text.
//! Uses: `error`.

use crate::error::{Error, ErrorKind};
use rkyv::rancor::Fallible;
use rkyv::rend::unaligned::{f64_ule, i64_ule, u64_ule};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Serialize};
use std::fmt;
use std::str::FromStr;

/// A JSON number: an `i64`, a `u64`, a finite `f64`, or one beyond them (or too near to zero), which is kept as its text.
///
/// Two are equal if they are written the same way: `1` is not `1.0`. A patch's `test` compares values instead
/// ([`same_value`](Self::same_value)). `-0` is a float.
#[derive(Clone, Debug, Archive, Serialize, Deserialize)]
pub struct Number(pub(super) Form);

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub(super) enum Form {
    Negative(#[rkyv(with = Packed)] i64),
    Whole(#[rkyv(with = Packed)] u64),
    Float(#[rkyv(with = Packed)] f64),
    /// An integer beyond both, or a float beyond or below all: as it was written. In a box, as it is rare and should not make others larger.
    #[expect(clippy::box_collection, reason = "two words less for every value")]
    Text(#[rkyv(with = Beyond)] Box<String>),
}

impl Number {
    /// A float. None if it is infinite or not a number: JSON has no such numbers.
    pub fn from_f64(number: f64) -> Option<Self> {
        number.is_finite().then_some(Number(Form::Float(number)))
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Form::Negative(n) => Some(n),
            Form::Whole(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Form::Whole(n) => Some(n),
            _ => None,
        }
    }

    /// The float nearest to the number; infinite for one beyond all floats.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Form::Negative(n) => *n as f64,
            Form::Whole(n) => *n as f64,
            Form::Float(n) => *n,
            Form::Text(text) => text.parse().expect("a number's text is one of Rust's too"),
        }
    }

    /// Whether it was written as a float, or is one.
    pub fn is_float(&self) -> bool {
        match &self.0 {
            Form::Float(_) => true,
            Form::Text(text) => !is_integer(text),
            _ => false,
        }
    }

    /// Whether both are the same number, however they are written: `1` and `1.0` are, `10e399` and `1e400` too. Exponents
    /// beyond 64 bits are not compared: such numbers are the same only if they are written the same way.
    pub fn same_value(&self, other: &Self) -> bool {
        self == other || Decimal::of(self).is_some_and(|value| Some(value) == Decimal::of(other))
    }

    /// The narrowest type that holds the number; the nearest float if no integer does. None beyond all floats.
    pub(super) fn narrowest(&self) -> Option<Narrowest> {
        Some(match &self.0 {
            Form::Whole(n) => Narrowest::U64(*n),
            Form::Negative(n) => Narrowest::I64(*n),
            Form::Float(n) => Narrowest::F64(*n),
            Form::Text(text) => match (text.parse(), text.parse()) {
                (Ok(n), _) => Narrowest::U128(n),
                (_, Ok(n)) => Narrowest::I128(n),
                _ => Narrowest::F64(Some(self.as_f64()).filter(|n| n.is_finite())?),
            },
        })
    }

    /// Text of a number by JSON's grammar.
    pub(super) fn from_valid(text: &str) -> Self {
        if is_integer(text) {
            return Number(match text.parse() {
                Ok(n) => Form::Whole(n),
                Err(_) => match text.parse() {
                    // Integers have no negative zero.
                    Ok(0) => Form::Float(-0.0),
                    Ok(n) => Form::Negative(n),
                    Err(_) => Form::Text(Box::new(text.into())),
                },
            });
        }
        let has_digits =
            || text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|byte| matches!(byte, b'1'..=b'9'));
        match text.parse() {
            Ok(number) if f64::is_finite(number) && (number != 0.0 || !has_digits()) => Number(Form::Float(number)),
            _ => Number(Form::Text(Box::new(text.into()))),
        }
    }
}

/// A number as formats have them.
pub(super) enum Narrowest {
    U64(u64),
    I64(i64),
    U128(u128),
    I128(i128),
    F64(f64),
}

/// By how it is written; floats by their bits, as digests see them.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Float(a), Form::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            Form::Negative(n) => n.hash(state),
            Form::Whole(n) => n.hash(state),
            Form::Float(n) => n.to_bits().hash(state),
            Form::Text(text) => text.hash(state),
        }
    }
}

fn is_integer(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// A number's sign, digits without zeros at either end, and the power of ten behind them: one for each value.
#[derive(PartialEq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    power: i128,
}

impl Decimal {
    /// None if the exponent is beyond an `i64`.
    fn of(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (is_negative, text) = text.strip_prefix('-').map_or((false, &*text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_end_matches('0');
        let zeros = (all.len() - digits.len()) as i128;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Decimal { is_negative: false, digits, power: 0 });
        }
        let power = exponent.parse::<i64>().ok()? as i128 - fraction.len() as i128 + zeros;
        Some(Decimal { is_negative, digits, power })
    }
}

impl FromStr for Number {
    type Err = Error;

    /// A number by JSON's grammar.
    ///
    /// # Errors
    /// `Invalid` if it is none.
    fn from_str(text: &str) -> Result<Self, Error> {
        match super::Json::from_str(text)? {
            super::Json::Number(number) => Ok(number),
            _ => Err(Error::new(ErrorKind::Invalid, format!("{text:?} is no JSON number"))),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Negative(n) => n.fmt(f),
            Form::Whole(n) => n.fmt(f),
            Form::Float(n) => f.write_str(&serde_json::to_string(n).expect("a finite float is a JSON number")),
            Form::Text(text) => f.write_str(text),
        }
    }
}

macro_rules! from_integers {
    ($($type:ty),*) => {
        $(impl From<$type> for Number {
            fn from(number: $type) -> Self {
                match (u64::try_from(number), i64::try_from(number)) {
                    (Ok(n), _) => Number(Form::Whole(n)),
                    (_, Ok(n)) => Number(Form::Negative(n)),
                    _ => Number(Form::Text(Box::new(number.to_string()))),
                }
            }
        })*
    };
}
from_integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

/// The text of a number that has no other form: what is stored is believed only if it is one.
pub(super) struct Beyond;

impl ArchiveWith<Box<String>> for Beyond {
    type Archived = <Box<String> as Archive>::Archived;
    type Resolver = <Box<String> as Archive>::Resolver;

    fn resolve_with(text: &Box<String>, resolver: Self::Resolver, out: Place<Self::Archived>) {
        text.resolve(resolver, out)
    }
}

impl<S: Fallible + ?Sized> SerializeWith<Box<String>, S> for Beyond
where
    Box<String>: Serialize<S>,
{
    fn serialize_with(text: &Box<String>, s: &mut S) -> Result<Self::Resolver, S::Error> {
        text.serialize(s)
    }
}

impl<D: Fallible<Error = Error> + ?Sized> DeserializeWith<<Box<String> as Archive>::Archived, Box<String>, D>
    for Beyond
{
    fn deserialize_with(text: &<Box<String> as Archive>::Archived, _: &mut D) -> Result<Box<String>, Error> {
        match text.get().parse() {
            Ok(Number(Form::Text(same))) if *same == **text.get() => Ok(same),
            _ => Err(Error::new(
                ErrorKind::Corrupt,
                format!("{:?} is stored as a number and is none: restore a copy", text.get()),
            )),
        }
    }
}

/// Numbers at any address, so that a value needs no room in front of them.
pub(super) struct Packed;

macro_rules! packed {
    ($($native:ty as $packed:ty),*) => {$(
        impl ArchiveWith<$native> for Packed {
            type Archived = $packed;
            type Resolver = ();

            fn resolve_with(number: &$native, (): (), out: Place<$packed>) {
                out.write(<$packed>::from_native(*number))
            }
        }

        impl<S: Fallible + ?Sized> SerializeWith<$native, S> for Packed {
            fn serialize_with(_: &$native, _: &mut S) -> Result<(), S::Error> {
                Ok(())
            }
        }

        impl<D: Fallible + ?Sized> DeserializeWith<$packed, $native, D> for Packed {
            fn deserialize_with(number: &$packed, _: &mut D) -> Result<$native, D::Error> {
                Ok(number.to_native())
            }
        }
    )*};
}
packed!(u64 as u64_ule, i64 as i64_ule, f64 as f64_ule);
