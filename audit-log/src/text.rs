//! Texts: how they are searched whatever their capitals, and values that stand in JSON as the text that they are shown as.

/// A text as it is searched. Each character is folded by itself, whatever stands around it: so what stands in a text is found in it.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(fold).collect()
}

/// A character whatever its case: as small letters, some of which were one.
pub fn fold(character: char) -> impl Iterator<Item = char> {
    // The sigma at the end of a word has the same capital as the other one.
    let character = if character == 'ς' { 'σ' } else { character };
    character.to_lowercase()
}

/// Writes a type as its `Display` and reads it by its `FromStr`.
macro_rules! written_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $type {}
    };
}
pub(crate) use written_as_text;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_is_folded_by_itself() {
        assert_eq!(folded("A-Z 7"), "a-z 7");
        assert_eq!(folded("ǅ Ǆ ǆ İ ß"), "ǆ ǆ ǆ i\u{307} ß");
        assert_eq!(folded("ΣΊΣ Σίσυφος"), "σίσ σίσυφοσ");
    }

    proptest! {
        #[test]
        fn what_stands_in_a_text_is_found_in_it(before in "\\PC{0,9}", found in "[ΣσςǅİA-z\\PC]{1,5}", behind in "\\PC{0,9}") {
            let text = folded(&format!("{before}{found}{behind}"));
            prop_assert_eq!(&text, &[&*before, &found, &behind].map(folded).concat());
            prop_assert_eq!(&folded(&text), &text);
        }
    }
}
