//! What is asked of a log: the parameters of BastionZero's lists, each on every log, and ours.
//!
//! Of values of one parameter any may hold, of parameters all must. An event that does not have what is asked for is not
//! found.

use std::collections::BTreeSet;

use crate::facets::Facets;
use crate::model::{AgentStatus, ConnectionEventType, ConnectionType, SubjectType, TargetType, Unknown};
use crate::text::folded;
use crate::time::Time;

/// More values than this are no question.
const VALUES: usize = 1000;

/// Values of one parameter, any of which may hold; none: it is not asked for.
pub type AnyOf = BTreeSet<String>;

/// A question to a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named as the parameters are")]
pub struct Filter {
    pub subject_ids: AnyOf,
    pub subject_types: AnyOf,
    pub subject_names: AnyOf,
    pub is_admin: Option<bool>,
    pub ip_addresses: AnyOf,
    /// The first moment.
    pub start: Option<Time>,
    /// The last moment.
    pub end: Option<Time>,
    pub connection_ids: AnyOf,
    pub space_ids: AnyOf,
    pub space_names: AnyOf,
    pub target_ids: AnyOf,
    pub target_names: AnyOf,
    pub target_types: AnyOf,
    pub target_users: AnyOf,
    pub environment_ids: AnyOf,
    pub environment_names: AnyOf,
    /// Of events of connections the type, of calls the service action, of commands the kind.
    pub actions: AnyOf,
    pub node_ids: AnyOf,
    pub evaluation: Option<bool>,
    /// Stands in the text, whatever its capitals.
    pub search: Option<String>,
    /// What is left out.
    pub without: Option<Without>,
}

/// Calls that are left out: what somebody was allowed of some kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    /// Whose.
    pub subject_id: String,
    /// Of which actions.
    pub actions: AnyOf,
}

impl Without {
    fn matches(&self, facets: &Facets<'_>) -> bool {
        facets.subject_id == Some(&self.subject_id)
            && facets.evaluation == Some(true)
            && facets.action.is_some_and(|action| self.actions.contains(action))
    }
}

/// A parameter that is no question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadParameter {
    /// The parameter.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

impl Filter {
    /// Takes a parameter; returns whether it is one of a filter. Several values are in one, with commas between them, or
    /// the parameter is there several times.
    ///
    /// # Errors
    /// Its value is none.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, BadParameter> {
        let happened = ConnectionEventType::name;
        let bad = |message: String| BadParameter { name: name.to_owned(), message };
        match name {
            "isAdmin" => self.is_admin = Some(flag(value).map_err(bad)?),
            "evaluation" => self.evaluation = Some(flag(value).map_err(bad)?),
            "startTimestamp" => self.start = Some(value.parse().map_err(|error| bad(format!("{error}")))?),
            "endTimestamp" => self.end = Some(value.parse().map_err(|error| bad(format!("{error}")))?),
            "commandSearch" | "search" => self.search = (!value.is_empty()).then(|| value.to_owned()),
            "subjectTypes" => self.subject_types.extend(names(value, SubjectType::name).map_err(bad)?),
            "targetTypes" => self.target_types.extend(target_types(value).map_err(bad)?),
            "connectionEventTypes" => self.actions.extend(names(value, happened).map_err(bad)?),
            "statusChanges" => self.actions.extend(names(value, AgentStatus::name).map_err(bad)?),
            _ => {
                let Some(values) = self.values(name) else { return Ok(false) };
                values.extend(value.split(',').filter(|value| !value.is_empty()).map(str::to_owned));
                if values.len() > VALUES {
                    return Err(bad(format!("there are more than {VALUES} values")));
                }
            }
        }
        Ok(true)
    }

    fn values(&mut self, name: &str) -> Option<&mut AnyOf> {
        Some(match name {
            "subjectIds" => &mut self.subject_ids,
            "subjectNames" | "userNames" => &mut self.subject_names,
            "ipAddresses" => &mut self.ip_addresses,
            "connectionIds" => &mut self.connection_ids,
            "spaceIds" => &mut self.space_ids,
            "spaceNames" => &mut self.space_names,
            "targetIds" | "targetId" => &mut self.target_ids,
            "targetNames" => &mut self.target_names,
            "targetUsers" => &mut self.target_users,
            "environmentIds" => &mut self.environment_ids,
            "environmentNames" => &mut self.environment_names,
            "serviceActions" | "commandKinds" => &mut self.actions,
            "connectionNodeIds" => &mut self.node_ids,
            _ => return None,
        })
    }

    /// Whether an event is what is asked for.
    #[must_use]
    pub fn matches(&self, time: Time, facets: &Facets<'_>) -> bool {
        let any = |wanted: &AnyOf, has: Option<&str>| {
            wanted.is_empty() || has.is_some_and(|has| wanted.contains(has))
        };
        let is = |wanted: Option<bool>, has: Option<bool>| wanted.is_none() || wanted == has;
        self.start.is_none_or(|start| start <= time)
            && self.end.is_none_or(|end| time <= end)
            && any(&self.subject_ids, facets.subject_id)
            && any(&self.subject_types, facets.subject_type)
            && any(&self.subject_names, facets.subject_name)
            && is(self.is_admin, facets.is_admin)
            && any(&self.ip_addresses, facets.ip_address)
            && any(&self.connection_ids, facets.connection_id)
            && any(&self.space_ids, facets.space_id)
            && any(&self.space_names, facets.space_name)
            && any(&self.target_ids, facets.target_id)
            && any(&self.target_names, facets.target_name)
            && any(&self.target_types, facets.target_type)
            && any(&self.target_users, facets.target_user)
            && any(&self.environment_ids, facets.environment_id)
            && any(&self.environment_names, facets.environment_name)
            && any(&self.actions, facets.action)
            && any(&self.node_ids, facets.node_id)
            && is(self.evaluation, facets.evaluation)
            && self.without.as_ref().is_none_or(|without| !without.matches(facets))
            && self.search.as_ref().is_none_or(|search| {
                facets.text.as_ref().is_some_and(|text| folded(text).contains(&folded(search)))
            })
    }
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("`{}` is neither true nor false", text.chars().take(64).collect::<String>())),
    }
}

/// Values of which each is one of a few names.
fn names<N>(value: &str, name: fn(N) -> &'static str) -> Result<Vec<String>, String>
where
    N: std::str::FromStr<Err = Unknown>,
{
    let values = value.split(',').filter(|value| !value.is_empty());
    let named =
        values.map(|value| Ok(name(value.parse().map_err(|error: Unknown| error.to_string())?).to_owned()));
    named.collect()
}

/// Kinds of connections, or of targets, as BastionZero's programs ask: a connection of each kind leads to one.
fn target_types(value: &str) -> Result<Vec<String>, String> {
    let of_target = |kind: TargetType| match kind {
        TargetType::Bzero => ConnectionType::Shell,
        TargetType::Cluster => ConnectionType::Cluster,
        TargetType::DynamicAccessConfig => ConnectionType::Dynamic,
        TargetType::Web => ConnectionType::Web,
        TargetType::Db => ConnectionType::Db,
    };
    let named = value.split(',').filter(|value| !value.is_empty()).map(|value| match value.parse() {
        Ok(kind) => Ok(of_target(kind).name().to_owned()),
        Err(_) => Ok(value.parse::<ConnectionType>().map_err(|error| error.to_string())?.name().to_owned()),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(parameters: &[(&str, &str)]) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in parameters {
            assert_eq!(filter.take(name, value), Ok(true), "{name}");
        }
        filter
    }

    #[test]
    fn any_value_of_each_parameter() {
        let facets = Facets {
            subject_name: Some("alice@org.com"),
            target_name: Some("web-1"),
            evaluation: Some(false),
            text: Some("systemctl restart NGINX ΣΊΣΥΦΟΣ".into()),
            ..Facets::default()
        };
        for (parameters, matches) in [
            (&[][..], true),
            (&[("userNames", "bob@org.com,alice@org.com")], true),
            (&[("userNames", "bob@org.com"), ("subjectNames", "alice@org.com")], true),
            (&[("userNames", "bob@org.com")], false),
            (&[("userNames", "alice@org.com"), ("targetNames", "web-2")], false),
            (&[("targetUsers", "root")], false),
            (&[("evaluation", "False")], true),
            (&[("isAdmin", "false")], false),
            (&[("commandSearch", "nginx")], true),
            (&[("commandSearch", "ΣΊΣ")], true),
            (&[("commandSearch", "apache")], false),
            (&[("startTimestamp", "1970-01-01T00:00:10Z"), ("endTimestamp", "1970-01-01T00:00:10Z")], true),
            (&[("startTimestamp", "1970-01-01T00:00:11Z")], false),
        ] {
            assert_eq!(filter(parameters).matches(Time(10_000_000), &facets), matches, "{parameters:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_what_one_person_was_allowed() {
        let without = Without { subject_id: "1".into(), actions: ["events:list".to_owned()].into() };
        let filter = Filter { without: Some(without), ..Filter::default() };
        let call = |subject, action, evaluation| Facets {
            subject_id: Some(subject),
            action: Some(action),
            evaluation: Some(evaluation),
            ..Facets::default()
        };
        let is_there = |facets: Facets<'_>| filter.matches(Time(0), &facets);
        assert!(!is_there(call("1", "events:list", true)));
        assert!(is_there(call("1", "events:list", false)));
        assert!(is_there(call("2", "events:list", true)) && is_there(call("1", "events:export", true)));
        assert!(is_there(Facets::default()));
    }

    #[test]
    fn names_are_understood_whatever_their_capitals() {
        let filter = filter(&[("connectionEventTypes", "created,CLOSED"), ("subjectTypes", "user")]);
        assert_eq!(filter.actions.into_iter().collect::<Vec<_>>(), ["Closed", "Created"]);
        assert_eq!(filter.subject_types.into_iter().collect::<Vec<_>>(), ["User"]);
    }

    #[test]
    fn kinds_of_targets_are_kinds_of_connections() {
        let filter = filter(&[("targetTypes", "Bzero,ssh,db,DynamicAccessConfig")]);
        let types: Vec<_> = filter.target_types.into_iter().collect();
        assert_eq!(types, ["DB", "DYNAMIC", "SHELL", "SSH"]);
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let mut filter = Filter::default();
        assert_eq!(filter.take("color", "red"), Ok(false));
        for (name, value, message) in [
            ("isAdmin", "maybe", "`maybe` is neither true nor false"),
            ("startTimestamp", "today", "`today` is no time such as 2026-11-27T09:30:00Z"),
            ("subjectTypes", "Robot", "`Robot` is none of User, ApiKey, ServiceAccount"),
        ] {
            assert_eq!(filter.take(name, value).unwrap_err().message, message);
        }
    }
}
