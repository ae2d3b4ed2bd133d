//! The fields of an event on their way into another schema. A field is taken where its value has a place of its own there,
//! and looked at where the place does not hold all of it. What was not taken is what is left: so nothing is lost.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::model::{Event, NO_ID, NONE};

/// What has not been placed yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(event: &Event) -> serde_json::Result<Self> {
        Ok(Self(match event.to_json()? {
            Value::Object(fields) => fields,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Map::new()
            }
        }))
    }

    /// A field that says something.
    pub(super) fn look(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| match value {
            Value::String(text) => !text.is_empty() && text != NONE && text != NO_ID,
            Value::Array(values) => !values.is_empty(),
            Value::Null => false,
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.look(name)?.as_str()
    }

    /// A field that says something, and is placed with that.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.look(name)?;
        // The others keep their order.
        self.0.shift_remove(name)
    }

    /// Such a field, if it is an address.
    pub(super) fn take_address(&mut self, name: &str) -> Option<Value> {
        self.text(name)?.parse::<IpAddr>().ok()?;
        self.take(name)
    }

    /// What is left, but for what is empty.
    pub(super) fn rest(mut self) -> Option<Map<String, Value>> {
        self.0.retain(|_, value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
        });
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// An object that is made.
#[derive(Default)]
pub(super) struct Made(Value);

impl Made {
    /// Puts a value where `path` says, with dots between the names; nothing if there is none.
    pub(super) fn put(&mut self, path: &str, value: impl Into<Option<Value>>) {
        let Some(value) = value.into() else { return };
        let mut place = &mut self.0;
        for name in path.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            // An object gives a place for each name.
            place = &mut place[name];
        }
        *place = value;
    }

    /// What was put there.
    pub(super) fn look(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |place, name| place.get(name))
    }

    pub(super) fn done(self) -> Value {
        self.0
    }
}

/// Whether a name is what schemas take for a mail address.
pub(super) fn is_mail_address(name: &str) -> bool {
    let Some((local, domain)) = name.split_once('@') else { return false };
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let Some((first, last)) = domain.split_once('.') else { return false };
    !local.is_empty()
        && !first.is_empty()
        && !last.is_empty()
        && local.bytes().all(is_local)
        && domain.bytes().all(is_domain)
}

/// What a call does to what it is for, as far as its verb says. A service action is `service:verb` or `service:verbNoun`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Create,
    Read,
    Update,
    Delete,
}

impl Does {
    pub(super) fn of(verb: &str) -> Option<Self> {
        let begins = |verbs: &[&str]| verbs.iter().any(|known| verb.starts_with(known));
        Some(if begins(&["create", "add", "register", "post", "upload", "import"]) {
            Self::Create
        } else if begins(&["get", "list", "read", "view", "watch", "download", "search", "export", "tail"]) {
            Self::Read
        } else if begins(&["update", "patch", "edit", "put", "set", "modify", "close"]) {
            Self::Update
        } else if begins(&["delete", "remove"]) {
            Self::Delete
        } else {
            return None;
        })
    }

    /// What all of these verbs do, if they do the same.
    pub(super) fn of_all(verbs: &[String]) -> Option<Self> {
        let (first, others) = verbs.split_first()?;
        let does = Self::of(first)?;
        others.iter().all(|verb| Self::of(verb) == Some(does)).then_some(does)
    }

    pub(super) fn of_action(action: &str) -> Option<Self> {
        Self::of(action.rsplit_once(':').map_or(action, |(_, verb)| verb))
    }
}
