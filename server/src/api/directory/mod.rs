//! Who and what there is: people and programs, their keys, targets, environments, spaces.

pub mod keys;
pub mod places;
pub mod subjects;
pub mod targets;

use casemate_audit_store::directory::Part;
use serde_json::{Value, json};

use crate::error::ApiError;

/// Names are not longer.
pub(crate) const LONGEST: usize = 200;

/// What somebody says is not longer.
const LONGEST_TEXT: usize = 1000;

/// A name that something is to have. Of several in a parameter each stands between commas, so it has none.
///
/// # Errors
/// It cannot have it.
pub(super) fn name(field: &str, text: &str) -> Result<String, ApiError> {
    if text.contains(',') {
        return Err(ApiError::field(field, "it has a comma"));
    }
    one_line(field, text, LONGEST)
}

/// What somebody says, on one line: a reason, how somebody is called.
///
/// # Errors
/// It is empty, too long, or has control characters.
pub(super) fn words(field: &str, text: &str) -> Result<String, ApiError> {
    one_line(field, text, LONGEST_TEXT)
}

/// What is noted of a part of a list that somebody asks for.
fn noted(part: &Part) -> Value {
    let mut noted = json!({});
    if !part.text.is_empty() {
        noted["text"] = json!(part.text);
    }
    if let Some((name, _)) = &part.behind {
        noted["after"] = json!(name);
    }
    noted
}

fn one_line(field: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::field(field, "it is empty"));
    }
    if text.chars().count() > longest {
        return Err(ApiError::field(field, format!("it is longer than {longest} characters")));
    }
    if text.contains(char::is_control) {
        return Err(ApiError::field(field, "it has a control character"));
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
        assert_eq!(words("reason", "lunch, then a walk").unwrap(), "lunch, then a walk");
        assert!(words("reason", "a\nb").is_err());
    }
}
