//! Values in rkyv's form: what is small lies in what holds it, what is large has records of its own.
//!
//! In: values. Out: their form in a record, of 16 bytes and what they own; the same values again.
//! - **J4** An array or object lies in what holds it exactly if it is small (J3). Members
//!   that lie there stand in their order, and have no other.
//!
//! Uses: `large`, `few`, `archive`, `vector`, `error`. Bytes: docs/FORMAT.md, "JSON documents".

use super::few::{NAME_BYTES, VALUE_BYTES, is_few_elements, is_few_members};
use super::large::ArchivedLarge;
use super::{ArchivedJson, Json, Object};
use crate::archive::{ArchivedVector, Sink, Source};
use crate::error::Error;
use crate::vector::Vector;
use rkyv::boxed::{ArchivedBox, BoxResolver};
use rkyv::string::{ArchivedString, StringResolver};
use rkyv::validation::ArchiveContext;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Portable, Serialize};
use std::marker::PhantomData;

const _: () = assert!(size_of::<ArchivedJson>() == VALUE_BYTES);
const _: () = assert!(size_of::<ArchivedNamed>() == VALUE_BYTES + NAME_BYTES);

/// Arrays and objects, inside what holds them if they are small.
pub struct Few;

/// An array or object, small (so many items of the archived type `I`) or large (of the archived type `L`).
#[derive(Archive)]
#[rkyv(archived = ArchivedPlace, resolver = PlaceResolver)]
pub enum Somewhere<I, L> {
    Inside(Run<I>),
    Far(Far<L>),
}

impl<I, L> Somewhere<I, L> {
    fn resolve(len: usize, resolver: PlaceResolver<I, L>, out: Place<ArchivedPlace<I, L>>) {
        let place = match resolver {
            PlaceResolver::Inside(_) => Somewhere::Inside(Run(len, PhantomData)),
            PlaceResolver::Far(_) => Somewhere::Far(Far(PhantomData)),
        };
        Archive::resolve(&place, resolver, out)
    }
}

impl ArchiveWith<Vector<Json>> for Few {
    type Archived = ArchivedPlace<ArchivedJson, ArchivedVector<Json>>;
    type Resolver = PlaceResolver<ArchivedJson, ArchivedVector<Json>>;

    fn resolve_with(array: &Vector<Json>, resolver: Self::Resolver, out: Place<Self::Archived>) {
        Somewhere::resolve(array.len(), resolver, out)
    }
}

impl<S: Sink + ?Sized> SerializeWith<Vector<Json>, S> for Few {
    fn serialize_with(array: &Vector<Json>, s: &mut S) -> Result<Self::Resolver, Error> {
        Ok(match is_few_elements(array) {
            true => PlaceResolver::Inside(ArchivedVec::serialize_from_iter::<Json, _, _>(array.iter(), s)?),
            false => PlaceResolver::Far(ArchivedBox::serialize_from_ref(array, s)?),
        })
    }
}

impl<D: Source + ?Sized> DeserializeWith<<Few as ArchiveWith<Vector<Json>>>::Archived, Vector<Json>, D> for Few {
    fn deserialize_with(
        place: &<Few as ArchiveWith<Vector<Json>>>::Archived,
        d: &mut D,
    ) -> Result<Vector<Json>, Error> {
        match place {
            ArchivedPlace::Inside(few) => few.iter().map(|element| element.deserialize(d)).collect(),
            ArchivedPlace::Far(array) => array.get().deserialize(d),
        }
    }
}

impl ArchiveWith<Object> for Few {
    type Archived = ArchivedPlace<ArchivedNamed, ArchivedLarge>;
    type Resolver = PlaceResolver<ArchivedNamed, ArchivedLarge>;

    fn resolve_with(object: &Object, resolver: Self::Resolver, out: Place<Self::Archived>) {
        Somewhere::resolve(object.len(), resolver, out)
    }
}

impl<S: Sink + ?Sized> SerializeWith<Object, S> for Few {
    fn serialize_with(object: &Object, s: &mut S) -> Result<Self::Resolver, Error> {
        if !is_few_members(object) {
            return Ok(PlaceResolver::Far(ArchivedBox::serialize_from_ref(&*object.to_large(), s)?));
        }
        let named: Vec<_> = object.iter().map(|(name, value)| Named(name, value)).collect();
        Ok(PlaceResolver::Inside(ArchivedVec::serialize_from_slice(&named, s)?))
    }
}

impl<D: Source + ?Sized> DeserializeWith<<Few as ArchiveWith<Object>>::Archived, Object, D> for Few {
    fn deserialize_with(place: &<Few as ArchiveWith<Object>>::Archived, d: &mut D) -> Result<Object, Error> {
        match place {
            ArchivedPlace::Inside(few) => {
                let mut failed = None;
                let named = |ArchivedNamed(name, value): &ArchivedNamed| {
                    let value = value.deserialize(d).unwrap_or_else(|error| {
                        failed = Some(error);
                        Json::Null
                    });
                    (name.as_str().to_owned(), value)
                };
                let object = Object::of(few.iter().map(named));
                failed.map_or(Ok(object), Err)
            }
            ArchivedPlace::Far(object) => object.get().deserialize(d).map(Object::from),
        }
    }
}

/// As a field of a state: the same form.
impl Archive for Object {
    type Archived = <Few as ArchiveWith<Object>>::Archived;
    type Resolver = <Few as ArchiveWith<Object>>::Resolver;

    fn resolve(&self, resolver: Self::Resolver, out: Place<Self::Archived>) {
        Few::resolve_with(self, resolver, out)
    }
}

impl<S: Sink + ?Sized> Serialize<S> for Object {
    fn serialize(&self, s: &mut S) -> Result<Self::Resolver, Error> {
        Few::serialize_with(self, s)
    }
}

impl<D: Source + ?Sized> Deserialize<Object, D> for <Few as ArchiveWith<Object>>::Archived {
    fn deserialize(&self, d: &mut D) -> Result<Object, Error> {
        Few::deserialize_with(self, d)
    }
}

/// A member of a small object.
#[derive(Portable, rkyv::bytecheck::CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck, bounds(__C: ArchiveContext, __C::Error: rkyv::rancor::Source))]
#[repr(C)]
pub struct ArchivedNamed(ArchivedString, ArchivedJson);

struct Named<'a>(&'a str, &'a Json);

impl Archive for Named<'_> {
    type Archived = ArchivedNamed;
    type Resolver = (StringResolver, <Json as Archive>::Resolver);

    fn resolve(&self, (name, value): Self::Resolver, out: Place<ArchivedNamed>) {
        rkyv::munge::munge!(let ArchivedNamed(to_name, to_value) = out);
        ArchivedString::resolve_from_str(self.0, name, to_name);
        self.1.resolve(value, to_value)
    }
}

impl<S: Sink + ?Sized> Serialize<S> for Named<'_> {
    fn serialize(&self, s: &mut S) -> Result<Self::Resolver, Error> {
        Ok((ArchivedString::serialize_from_str(self.0, s)?, self.1.serialize(s)?))
    }
}

/// So many archived items one after the other.
pub struct Run<T>(usize, PhantomData<T>);

impl<T> Archive for Run<T> {
    type Archived = ArchivedVec<T>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<T>>) {
        ArchivedVec::resolve_from_len(self.0, resolver, out)
    }
}

/// An archived item elsewhere in the record.
pub struct Far<T>(PhantomData<T>);

impl<T> Archive for Far<T> {
    type Archived = ArchivedBox<T>;
    type Resolver = BoxResolver;

    fn resolve(&self, resolver: BoxResolver, out: Place<ArchivedBox<T>>) {
        ArchivedBox::resolve_from_raw_parts(resolver, (), out)
    }
}
