//! The known fields of a line, sorted by what they are for and how much they are preferred.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::names::{Meaning, Slot, meaning};
use super::value;
use crate::time::Unit;

/// Objects inside objects of the line, as deep as fields are looked for.
const DEPTH: u8 = 2;

#[derive(Clone, Copy, Debug)]
struct Field<'a> {
    slot: Slot,
    /// Where the object stands: the line itself is first.
    place: u16,
    rank: u8,
    unit: Option<Unit>,
    value: &'a RawValue,
}

/// The known fields of one line.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    found: SmallVec<[Field<'a>; 24]>,
}

impl<'a> Fields<'a> {
    /// Reads the object `line`. Values that are not needed are checked, not kept, however deep they are.
    pub(super) fn collect(line: &'a str) -> Result<Self, serde_json::Error> {
        let mut fields = Self::default();
        fields.collect_at(line, 0, 0)?;
        // Of a name that is given twice, the last counts, as in most JSON parsers.
        fields.found.reverse();
        fields.found.sort_by_key(|field| (field.slot, field.place, field.rank));
        Ok(fields)
    }

    fn collect_at(&mut self, object: &'a str, place: u16, depth: u8) -> Result<(), serde_json::Error> {
        let mut parser = serde_json::Deserializer::from_str(object);
        parser.deserialize_map(Collector { fields: self, place, depth })?;
        parser.end()
    }

    fn of(&self, slot: Slot) -> impl Iterator<Item = &Field<'a>> {
        let from = self.found.partition_point(|field| field.slot < slot);
        self.found.iter().skip(from).take_while(move |field| field.slot == slot)
    }

    /// The texts for `slot`, the preferred first; numbers and booleans as they were written.
    pub(super) fn texts(&self, slot: Slot) -> impl Iterator<Item = Cow<'a, str>> {
        self.of(slot).filter_map(|field| present(field.value))
    }

    /// The preferred text for `slot`.
    pub(super) fn text(&self, slot: Slot) -> Option<Cow<'a, str>> {
        self.texts(slot).next()
    }

    /// The texts for times, each with its unit if the name says one.
    pub(super) fn times(&self) -> impl Iterator<Item = (Option<Unit>, Cow<'a, str>)> {
        self.of(Slot::Time).filter_map(|field| Some((field.unit, present(field.value)?)))
    }

    /// The objects for `slot`.
    pub(super) fn objects(&self, slot: Slot) -> impl Iterator<Item = &'a RawValue> {
        self.of(slot).map(|field| field.value).filter(|value| value.get().starts_with('{'))
    }
}

/// The text of a value that is neither absent nor an object or array.
fn present(value: &RawValue) -> Option<Cow<'_, str>> {
    value::text(value).filter(|text| !matches!(text.as_ref(), "" | "-"))
}

struct Collector<'f, 'a> {
    fields: &'f mut Fields<'a>,
    place: u16,
    depth: u8,
}

impl<'a> Visitor<'a> for Collector<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(meaning) = map.next_key_seed(Name)? {
            let Some(Meaning { slot, rank, unit, nested }) = meaning else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'a RawValue = map.next_value()?;
            self.fields.found.push(Field { slot, place: self.place, rank, unit, value });
            if let Some(nested) = nested
                && self.depth < DEPTH
                && value.get().starts_with('{')
            {
                let place = (self.place + 1) * 8 + u16::from(nested);
                self.fields
                    .collect_at(value.get(), place, self.depth + 1)
                    .map_err(serde::de::Error::custom)?;
            }
        }
        Ok(())
    }
}

/// The meaning of a key, without keeping the key.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Option<Meaning>;

    fn deserialize<D: Deserializer<'a>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<Meaning>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(std::str::from_utf8(key).ok().and_then(meaning))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(meaning(key))
    }
}
