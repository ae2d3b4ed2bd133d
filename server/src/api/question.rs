//! What is asked of the logs, in the query of an address: a filter, and which part of what it finds.

use std::fmt::Display;
use std::str::FromStr;

use axum::http::Uri;
use casemate_audit_log::Time;
use casemate_audit_log::export::Form;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{Log, Unknown};
use casemate_audit_store::{Order, Page, Position};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::ApiError;
use crate::who::Caller;

/// Events in an answer, where nobody says how many.
const EVENTS: usize = 1000;

/// Events in an answer at most.
const MOST: usize = 10_000;

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked for.
    pub filter: Filter,
    /// Of which logs.
    pub logs: Vec<Log>,
    /// So many events.
    pub limit: usize,
    /// Which first.
    pub order: Order,
    /// Behind this one.
    pub behind: Option<Position>,
    /// In this form.
    pub form: Form,
    /// With what the caller has merely looked at.
    pub own_looks: bool,
    /// Under this id somebody asks how far the file has come.
    pub export_id: Option<Uuid>,
    /// Where a tail goes on.
    pub cursor: Option<String>,
}

/// Which parameters a call has beside those of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A page of a log.
    Page,
    /// A page of several.
    Pages,
    /// A log as a file.
    File,
    /// Several as a file.
    Files,
    /// What comes from now on.
    Tail,
}

impl Question {
    /// What the query of an address asks.
    ///
    /// # Errors
    /// A parameter is unknown, or has no such value.
    pub fn parse(uri: &Uri, asks: Asks) -> Result<Self, ApiError> {
        Self::of(pairs(uri)?, asks)
    }

    /// What parameters ask.
    ///
    /// # Errors
    /// One is unknown, or has no such value.
    pub fn of(parameters: Vec<(String, String)>, asks: Asks) -> Result<Self, ApiError> {
        let mut question = Self {
            filter: Filter::default(),
            logs: Log::ALL.iter().copied().filter(|log| *log != Log::CommandEnd).collect(),
            limit: EVENTS,
            order: Order::Newest,
            behind: None,
            form: Form::Json,
            own_looks: true,
            export_id: None,
            cursor: None,
        };
        for (name, value) in parameters {
            if value.contains('\0') {
                return Err(ApiError::field(&name, "it has a character that nothing has"));
            }
            if question.filter.take(&name, &value)? {
                continue;
            }
            let page = matches!(asks, Asks::Page | Asks::Pages);
            match name.as_str() {
                "eventCount" if page => question.limit = count(&name, &value, MOST)?,
                "before" if page => {
                    let (time, row) = place(&name, &value)?;
                    question.behind = Some(Position { time, row });
                }
                "sort" if asks != Asks::Tail => question.order = order(&name, &value)?,
                "format" if matches!(asks, Asks::File | Asks::Files) => {
                    question.form = form(&name, &value)?;
                }
                "ownLooks" => {
                    question.own_looks = value
                        .parse()
                        .map_err(|_| ApiError::field(&name, "it has to be `true` or `false`"))?;
                }
                "exportId" if matches!(asks, Asks::File | Asks::Files) => {
                    question.export_id = Some(export_id(&name, &value)?);
                }
                "logs" if matches!(asks, Asks::Pages | Asks::Files | Asks::Tail) => {
                    question.logs = logs(&name, &value)?;
                }
                "cursor" if asks == Asks::Tail => question.cursor = Some(value),
                _ => return Err(ApiError::field(&name, "there is no such parameter here")),
            }
        }
        Ok(question)
    }

    /// What is asked for, as far as the caller may know of it; nothing where he may of none.
    #[must_use]
    pub fn narrowed(&self, caller: &Caller) -> Option<Filter> {
        let filter = caller.narrow(self.filter.clone())?;
        let without = (!self.own_looks).then(|| caller.looks());
        Some(Filter { without, ..filter })
    }

    /// As the database is asked.
    #[must_use]
    pub fn page(&self) -> Page {
        Page {
            logs: self.logs.clone(),
            filter: self.filter.clone(),
            order: self.order,
            behind: self.behind,
            limit: self.limit,
            ..Page::default()
        }
    }
}

/// The parameters of a query.
///
/// # Errors
/// It is none.
pub fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    query.map(|query| query.0).map_err(|error| ApiError::invalid(error.to_string()))
}

/// The parameters that a call has, each given once or not at all, in the order of their names there.
///
/// # Errors
/// One is unknown, or there twice, or the query is none.
pub fn only<const N: usize>(uri: &Uri, known: [&str; N]) -> Result<[Option<String>; N], ApiError> {
    let mut found = [const { None }; N];
    for (name, value) in pairs(uri)? {
        let Some(place) = known.iter().position(|known| *known == name) else {
            return Err(ApiError::field(&name, "there is no such parameter here"));
        };
        if found[place].replace(value).is_some() {
            return Err(ApiError::field(&name, "it is there twice"));
        }
    }
    Ok(found)
}

/// A number from 1.
///
/// # Errors
/// It is none.
pub fn count(name: &str, value: &str, most: usize) -> Result<usize, ApiError> {
    match value.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => Err(ApiError::field(name, format!("it has to be a number from 1 to {most}"))),
    }
}

/// Which comes first.
///
/// # Errors
/// It is neither.
pub fn order(name: &str, value: &str) -> Result<Order, ApiError> {
    match value {
        "desc" => Ok(Order::Newest),
        "asc" => Ok(Order::Oldest),
        _ => Err(ApiError::field(name, "it has to be `desc` (newest first) or `asc`")),
    }
}

/// A form of an export.
///
/// # Errors
/// There is no such form.
pub fn form(name: &str, value: &str) -> Result<Form, ApiError> {
    value.parse().map_err(|error: Unknown| ApiError::field(name, error.to_string()))
}

/// The id of an export.
///
/// # Errors
/// It is none.
pub fn export_id(name: &str, value: &str) -> Result<Uuid, ApiError> {
    value.parse().map_err(|_| ApiError::field(name, "it has to be a UUID"))
}

/// Names of logs, with commas between them.
///
/// # Errors
/// There is no such log, or none at all.
pub fn logs(name: &str, value: &str) -> Result<Vec<Log>, ApiError> {
    let named = value.split(',').filter(|name| !name.is_empty()).map(str::parse::<Log>);
    let mut logs: Vec<Log> =
        named.collect::<Result<_, _>>().map_err(|error| ApiError::field(name, error.to_string()))?;
    logs.retain(|log| *log != Log::CommandEnd);
    logs.sort_unstable();
    logs.dedup();
    if logs.is_empty() { Err(ApiError::field(name, "it names no log")) } else { Ok(logs) }
}

/// How it is written where a list goes on: behind that one, of that time.
#[must_use]
pub fn behind(time: Time, which: impl Display) -> String {
    format!("{}.{which}", time.0)
}

/// Where a list goes on: a time, and which one of it.
///
/// # Errors
/// It is not what [`behind`] gave.
pub fn place<T: FromStr>(name: &str, value: &str) -> Result<(Time, T), ApiError> {
    let place =
        value.split_once('.').and_then(|(time, which)| Some((Time(time.parse().ok()?), which.parse().ok()?)));
    place.ok_or_else(|| ApiError::field(name, "it is not what `Link` gave"))
}

/// What every list of what happened in connections can be asked for. Of several values of one parameter any may hold; they are in one, with
/// commas between them, or the parameter is there several times.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is the documentation; the filter of the logs reads them")]
pub struct FilterParameters {
    /// Ids of subjects.
    #[param(rename = "subjectIds")]
    subject_ids: Option<String>,
    /// `User`, `ApiKey`, `ServiceAccount`.
    #[param(rename = "subjectTypes")]
    subject_types: Option<String>,
    /// Names of subjects: mail addresses of people.
    #[param(rename = "subjectNames")]
    subject_names: Option<String>,
    /// The same, as BastionZero named it.
    #[param(rename = "userNames")]
    user_names: Option<String>,
    /// Whether it was an administrator.
    #[param(rename = "isAdmin")]
    is_admin: Option<bool>,
    /// From where it was done.
    #[param(rename = "ipAddresses")]
    ip_addresses: Option<String>,
    /// The first moment, RFC 3339.
    #[param(rename = "startTimestamp")]
    start: Option<String>,
    /// The last moment, RFC 3339.
    #[param(rename = "endTimestamp")]
    end: Option<String>,
    /// Ids of connections.
    #[param(rename = "connectionIds")]
    connection_ids: Option<String>,
    /// Ids of spaces.
    #[param(rename = "spaceIds")]
    space_ids: Option<String>,
    /// Names of spaces.
    #[param(rename = "spaceNames")]
    space_names: Option<String>,
    /// Ids of targets.
    #[param(rename = "targetIds")]
    target_ids: Option<String>,
    /// Names of targets.
    #[param(rename = "targetNames")]
    target_names: Option<String>,
    /// Kinds of connections: `SHELL`, `CLUSTER`, …
    #[param(rename = "targetTypes")]
    target_types: Option<String>,
    /// Accounts on targets.
    #[param(rename = "targetUsers")]
    target_users: Option<String>,
    /// Ids of environments.
    #[param(rename = "environmentIds")]
    environment_ids: Option<String>,
    /// Names of environments.
    #[param(rename = "environmentNames")]
    environment_names: Option<String>,
}

/// What events can be asked for besides.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is the documentation; the filter of the logs reads them")]
pub struct EventParameters {
    /// `Created`, `Closed`, `ClientConnect`, …
    #[param(rename = "connectionEventTypes")]
    connection_event_types: Option<String>,
    /// Servers that had the connection.
    #[param(rename = "connectionNodeIds")]
    connection_node_ids: Option<String>,
    /// What was done with the API.
    #[param(rename = "serviceActions")]
    service_actions: Option<String>,
    /// `shell`, `program`, `hidden`, `cancelled`.
    #[param(rename = "commandKinds")]
    command_kinds: Option<String>,
    /// Whether it was allowed.
    evaluation: Option<bool>,
    /// `false` leaves out what you yourself have merely looked at: lists that you were allowed to see.
    #[param(rename = "ownLooks")]
    own_looks: Option<bool>,
    /// Stands in the text, whatever its capitals.
    search: Option<String>,
    /// The same, as BastionZero named it.
    #[param(rename = "commandSearch")]
    command_search: Option<String>,
}

/// Which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is the documentation")]
pub struct PageParameters {
    /// So many events: 1000 where it is not said, 10000 at most.
    #[param(rename = "eventCount", minimum = 1, maximum = 10000)]
    event_count: Option<u32>,
    /// `desc`, newest first, or `asc`.
    sort: Option<String>,
    /// Where to go on: as in the `Link` of the page before.
    before: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str, asks: Asks) -> Result<Question, String> {
        let uri = format!("/x?{query}").parse().unwrap();
        Question::parse(&uri, asks).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_question_is_what_it_says() {
        let question = parse(
            "userNames=alice%40org.com&targetNames=web-1,web-2&eventCount=5&sort=asc&before=12.7&logs=kube,command",
            Asks::Pages,
        )
        .unwrap();
        assert_eq!(question.filter.subject_names, ["alice@org.com".to_owned()].into());
        assert_eq!(question.filter.target_names.len(), 2);
        assert_eq!((question.limit, question.order), (5, Order::Oldest));
        assert_eq!(question.behind.map(|there| behind(there.time, there.row)).as_deref(), Some("12.7"));
        assert_eq!(question.logs, [Log::Command, Log::Kube]);
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for (query, asks, wrong) in [
            ("colour=red", Asks::Page, "`colour`: there is no such parameter here"),
            ("logs=command", Asks::Page, "`logs`: there is no such parameter here"),
            ("logs=,", Asks::Tail, "`logs`: it names no log"),
            ("logs=sql", Asks::Tail, "`logs`: `sql` is none of"),
            ("eventCount=0", Asks::Page, "`eventCount`: it has to be a number from 1 to 10000"),
            ("eventCount=1&format=csv", Asks::Page, "`format`: there is no such"),
            ("format=xml", Asks::File, "`format`: `xml` is none of json, ndjson, csv, ocsf, ecs"),
            ("before=tomorrow", Asks::Page, "`before`: it is not what `Link` gave"),
            ("sort=up", Asks::Page, "`sort`: it has to be"),
            ("isAdmin=maybe", Asks::Tail, "`isAdmin`: `maybe` is neither true nor false"),
            ("userNames=a%00b", Asks::Tail, "`userNames`: it has a character that nothing has"),
        ] {
            let message = parse(query, asks).err().unwrap_or_default();
            assert!(message.contains(wrong), "{query}: {message}");
        }
    }

    #[test]
    fn each_parameter_of_a_call_is_there_once() {
        let only = |query: &str| {
            let uri = format!("/x?{query}").parse().unwrap();
            only(&uri, ["cursor", "ticket"]).map_err(|error| error.message().to_owned())
        };
        assert_eq!(only("ticket=a%20b").unwrap(), [None, Some("a b".to_owned())]);
        assert_eq!(only("ticket=&cursor=c").unwrap(), [Some("c".to_owned()), Some(String::new())]);
        assert_eq!(only("").unwrap(), [None, None]);
        for (query, wrong) in [
            ("ticket=a&ticket=b", "`ticket`: it is there twice"),
            ("ticket=&cursor=c&ticket=", "`ticket`: it is there twice"),
            ("Ticket=a", "`Ticket`: there is no such parameter here"),
            ("ticket=a&end=5", "`end`: there is no such parameter here"),
        ] {
            assert_eq!(only(query).unwrap_err(), wrong, "{query}");
        }
    }
}
