//! Texts out of raw JSON values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The text of a string, number or boolean; `None` for null, arrays and objects.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        b'"' if memchr::memchr(b'\\', raw.as_bytes()).is_none() => {
            Some(Cow::Borrowed(raw.get(1..raw.len().saturating_sub(1))?))
        }
        b'"' => serde_json::from_str::<Text<'_>>(raw).ok().map(|text| text.0),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// Calls `each` with the text of `value`, or with every text in it if it is an array.
pub(super) fn each_text<'a>(value: &'a RawValue, each: impl FnMut(Cow<'a, str>)) {
    if value.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        items.into_iter().filter_map(text).for_each(each);
    } else {
        text(value).into_iter().for_each(each);
    }
}

/// The members of an object.
pub(super) fn members(object: &RawValue) -> Vec<(Cow<'_, str>, &RawValue)> {
    // The text was checked as part of its line: what can fail here is only that it is no object.
    serde_json::from_str::<Members<'_>>(object.get())
        .map(|members| members.0)
        .unwrap_or_default()
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Deserialize<'a> for Members<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'a> Visitor<'a> for Collect {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'a>, &'a RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A string, borrowed if it can be. Half a surrogate pair, which is no text, becomes U+FFFD.
struct Text<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'a> Visitor<'a> for Read {
            type Value = Text<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'a [u8]) -> Result<Self::Value, E> {
                Ok(Text(String::from_utf8_lossy(bytes)))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
            }
        }
        // As bytes, since a string that is half a pair would be refused as text.
        deserializer.deserialize_bytes(Read)
    }
}
