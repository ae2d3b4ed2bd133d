//! Who and what there is: people and programs, their keys, targets, environments, spaces.

pub mod keys;
pub mod places;
pub mod subjects;
pub mod targets;

use crate::error::ApiError;

/// Names are not longer.
const LONGEST: usize = 200;

/// A name that something is to have.
///
/// # Errors
/// It cannot have it.
pub(super) fn name(field: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::field(field, "it is empty"));
    }
    if text.chars().count() > LONGEST {
        return Err(ApiError::field(field, format!("it is longer than {LONGEST} characters")));
    }
    if text.contains(|c: char| c.is_control() || c == ',') {
        return Err(ApiError::field(field, "it has a comma or a control character"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_asked_for() {
        assert_eq!(name("name", " web-1 ").unwrap(), "web-1");
        for text in ["", "  ", "a,b", "a\nb", "a\u{1b}[31mb", &"x".repeat(201)] {
            assert!(name("name", text).is_err(), "{text:?}");
        }
    }
}
