//! `record!` and `choice!`: declared once, read strictly, described by the JSON Schema.

/// Declares a mapping with fixed fields.
///
/// Each field is one line: `required` or `optional`, its name, other names after `|`, its type and, for the schema,
/// its default. Its doc comment is its description in the schema and, the first line, in errors.
///
/// A record that is marked `lenient` goes on without the fields that are wrong, after the error was reported, so that
/// what only compiling finds is reported too. Only where a field left out makes no other error.
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $record:ident $($lenient:ident)? {
            $(
                $(#[doc = $about:literal])+
                $kind:ident $field:ident $(| $alias:literal)* : $type:ty $(= $default:literal)?,
            )+
        }
    ) => {
        $(#[doc = $doc])+
        // A field may be there to be checked only, such as `version`.
        #[allow(dead_code)]
        #[derive(Clone, Debug)]
        pub(crate) struct $record {
            $( $(#[doc = $about])+ pub(crate) $field: $crate::decode::record!(@type $kind $type), )+
        }

        impl $crate::decode::Decode for $record {
            fn decode(
                node: $crate::yaml::NodeId,
                decoder: &mut $crate::decode::Decoder<'_>,
            ) -> Option<Self> {
                let lenient = $crate::decode::record!(@lenient $($lenient)?);
                let mut fields = $crate::decode::Fields::open(node, Self::FIELDS, lenient, decoder)?;
                // Every field is read before the first failure ends the reading: all errors are reported.
                $( let $field = fields.$kind::<$type>(stringify!($field)); )+
                Some(Self { $( $field: $field?, )+ })
            }

            fn schema(definitions: &mut $crate::schema::Definitions) -> serde_json::Value {
                definitions.reference(stringify!($record), &[$($doc),+], Self::FIELDS)
            }
        }

        impl $record {
            pub(crate) const FIELDS: &'static [$crate::decode::FieldSpec] = &[$(
                $crate::decode::FieldSpec {
                    identifier: stringify!($field),
                    aliases: &[$($alias),*],
                    doc: &[$($about),+],
                    required: $crate::decode::record!(@required $kind),
                    default: $crate::decode::record!(@default $($default)?),
                    schema: <$type as $crate::decode::Decode>::schema,
                },
            )+];
        }
    };
    (@type required $type:ty) => { $crate::decode::At<$type> };
    (@type optional $type:ty) => { Option<$crate::decode::At<$type>> };
    (@lenient lenient) => { true };
    (@lenient) => { false };
    (@required required) => { true };
    (@required optional) => { false };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
}

/// Declares words to choose one from; the first is the default.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis enum $choice:ident {
            $( $(#[doc = $about:literal])+ $variant:ident = $word:literal $(| $alias:literal)*, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $choice { $( $(#[doc = $about])+ $variant, )+ }

        impl Default for $choice {
            fn default() -> Self {
                [$( Self::$variant ),+][0]
            }
        }

        impl $choice {
            /// The word that stands for it in a policy.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::decode::FromText for $choice {
            const EXPECTED: &'static str = concat!("one word: ", $( $word, ", ", )+ "as it is documented");

            fn from_text(text: &str) -> Result<Self, $crate::decode::Wrong> {
                match text.to_ascii_lowercase().as_str() {
                    $( $word $(| $alias)* => Ok(Self::$variant), )+
                    _ => {
                        let words = [$( $word ),+];
                        let help = match $crate::text::nearest(text, words) {
                            Some(near) => format!("did you mean {near}?"),
                            None => format!("write {}", $crate::text::listed(words)),
                        };
                        Err($crate::decode::Wrong::new("this is not one of the words for it", help))
                    }
                }
            }

            fn text_schema() -> serde_json::Value {
                serde_json::json!({ "anyOf": [
                    $( { "const": $word, "description": $crate::decode::prose(&[$($about),+]) }, )+
                    { "enum": [$( $($alias,)* )*] },
                    { "type": "string", "pattern": "\\$\\{" },
                ] })
            }
        }
    };
}

pub(crate) use {choice, record};
