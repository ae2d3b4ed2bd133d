//! What is asked of a log: flags, and the parameters of the API that they are.

use casemate_audit_log::Time;
use clap::ValueEnum;

use crate::commands::command_events::moment::{Moment, moment};

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogArg {
    /// Commands: who ran what, where, as whom, and how it ended
    Commands,
    /// Calls of the Kubernetes API
    Kube,
    /// Connections: one row for each, from its start to its end
    Connections,
    /// What happened to connections
    ConnectionEvents,
    /// Calls of the server's own API: who read, changed or was refused what
    UserEvents,
    /// Agents that came and went
    Agents,
    /// What was to be seen in sessions: lines that have TEXT in them
    Output,
    /// All that happened, in one list
    All,
}

impl LogArg {
    /// Where the API has it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Commands => "events/command",
            Self::Kube => "events/kube",
            Self::Connections => "connections",
            Self::ConnectionEvents => "events/connection",
            Self::UserEvents => "events/subject",
            Self::Agents => "events/agent-status-change",
            Self::Output => "session-recordings/search",
            Self::All => "events",
        }
    }

    /// What the API calls the number of events of a page.
    pub(super) fn count(self) -> &'static str {
        if self == Self::Output { "count" } else { "eventCount" }
    }

    /// What the API calls it; nothing for what is no log, or several.
    pub(super) fn name(self) -> Option<&'static str> {
        self.path().strip_prefix("events/")
    }
}

/// What is asked for. Of several values of one flag any may hold, of several flags all must.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(
    next_help_heading = "Only those (each may be repeated, or have several values with commas between them)"
)]
pub(super) struct AskArgs {
    /// Who: a mail address, or the name of a key
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,

    /// Who, by id
    #[arg(long, value_name = "ID")]
    user_id: Vec<String>,

    /// What kind of subject: User, ApiKey, ServiceAccount
    #[arg(long, value_name = "TYPE")]
    user_type: Vec<String>,

    /// Whether it was an administrator
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    admin: Option<bool>,

    /// From which address
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<String>,

    /// On which target
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,

    /// On which target, by id
    #[arg(long, value_name = "ID")]
    target_id: Vec<String>,

    /// What the connection is for: SHELL, CLUSTER, DB, …
    #[arg(long, value_name = "TYPE")]
    target_type: Vec<String>,

    /// As which account of the target
    #[arg(long, value_name = "NAME")]
    target_user: Vec<String>,

    /// Of which connection, by id
    #[arg(long, value_name = "ID")]
    connection: Vec<String>,

    /// In which space
    #[arg(long, value_name = "NAME")]
    space: Vec<String>,

    /// In which space, by id
    #[arg(long, value_name = "ID")]
    space_id: Vec<String>,

    /// In which environment
    #[arg(long, value_name = "NAME")]
    environment: Vec<String>,

    /// In which environment, by id
    #[arg(long, value_name = "ID")]
    environment_id: Vec<String>,

    /// What was done: a call like sessionrecordings:get, a connection event like Closed, a kind of commands like hidden
    #[arg(long, value_name = "NAME")]
    action: Vec<String>,

    /// On which server
    #[arg(long, value_name = "ID")]
    node: Vec<String>,

    /// Whether a call was allowed
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    allowed: Option<bool>,

    /// Where this stands in the text, whatever its capitals
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    /// From then on: 2026-11-22, '2026-11-22 07:03' (your zone), 2026-11-22T07:03:28Z, 2h, 3d, yesterday
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// Until then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,

    /// Of connections: in which state it is: Pending, Open, Inactive (open, and nobody is at it), Closed, Error
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err("give yes or no".into()),
    }
}

impl AskArgs {
    /// The parameters of the API.
    pub(super) fn parameters(&self, log: LogArg) -> Vec<(&'static str, String)> {
        let actions = match log {
            LogArg::ConnectionEvents => "connectionEventTypes",
            LogArg::Agents => "statusChanges",
            LogArg::Commands => "commandKinds",
            LogArg::Kube | LogArg::Connections | LogArg::UserEvents | LogArg::Output | LogArg::All => {
                "serviceActions"
            }
        };
        let lists = [
            ("subjectNames", &self.user),
            ("subjectIds", &self.user_id),
            ("subjectTypes", &self.user_type),
            ("ipAddresses", &self.ip),
            ("targetNames", &self.target),
            ("targetIds", &self.target_id),
            ("targetTypes", &self.target_type),
            ("targetUsers", &self.target_user),
            ("connectionIds", &self.connection),
            ("spaceNames", &self.space),
            ("spaceIds", &self.space_id),
            ("environmentNames", &self.environment),
            ("environmentIds", &self.environment_id),
            (actions, &self.action),
            ("connectionNodeIds", &self.node),
            ("connectionState", &self.state),
        ];
        let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
        let mut parameters: Vec<_> = lists.map(|(name, values)| (name, values.join(","))).collect();
        let flag = |name, flag: Option<bool>| flag.map(|flag| (name, flag.to_string()));
        let time = |name, moment: Option<Moment>| {
            moment.map(|moment| (name, Time(moment.0.timestamp_micros()).to_string()))
        };
        parameters.extend(flag("isAdmin", self.admin));
        parameters.extend(flag("evaluation", self.allowed));
        parameters.extend(self.search.clone().map(|text| ("search", text)));
        parameters.extend(time("startTimestamp", self.since));
        parameters.extend(time("endTimestamp", self.until));
        parameters
    }

    /// A flag that is given and means nothing to this log: somebody would rely on it.
    pub(super) fn out_of_place(&self, log: LogArg) -> Option<&'static str> {
        let is_output = log == LogArg::Output;
        [
            ("--state", log != LogArg::Connections && !self.state.is_empty()),
            ("--search", is_output && self.search.is_some()),
            ("--action", is_output && !self.action.is_empty()),
            ("--node", is_output && !self.node.is_empty()),
            ("--allowed", is_output && self.allowed.is_some()),
        ]
        .into_iter()
        .find_map(|(flag, is)| is.then_some(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_audit_log::filter::Filter;

    fn full() -> AskArgs {
        let one = |value: &str| vec![value.to_owned()];
        let time = moment("2026-11-22T07:03:28Z").unwrap();
        AskArgs {
            user: vec!["alice@org.com".into(), "bob@org.com".into()],
            user_id: one("u"),
            user_type: one("user"),
            admin: Some(true),
            ip: one("10.0.0.1"),
            target: one("web-1"),
            target_id: one("t"),
            target_type: one("SHELL"),
            target_user: one("root"),
            connection: one("c"),
            space: one("s"),
            space_id: one("si"),
            environment: one("e"),
            environment_id: one("ei"),
            action: one("Closed"),
            node: one("n"),
            allowed: Some(false),
            search: Some("a b".into()),
            since: Some(time),
            until: Some(time),
            state: Vec::new(),
        }
    }

    #[test]
    fn each_flag_is_a_parameter_of_the_api() {
        let mut filter = Filter::default();
        let parameters = full().parameters(LogArg::ConnectionEvents);
        for (name, value) in &parameters {
            assert_eq!(filter.take(name, value), Ok(true), "{name}");
        }
        assert_eq!(parameters.len(), 20);
        assert_eq!(filter.subject_names.len(), 2);
        assert_eq!(filter.start, filter.end);
        assert_eq!((filter.is_admin, filter.evaluation), (Some(true), Some(false)));
        assert!(filter.actions.contains("Closed"));
    }

    #[test]
    fn only_connections_have_a_state() {
        let some = AskArgs { state: vec!["Open".into(), "Inactive".into()], ..AskArgs::default() };
        assert_eq!(some.parameters(LogArg::Connections), [("connectionState", "Open,Inactive".into())]);
        assert_eq!(some.out_of_place(LogArg::Connections), None);
        assert_eq!(some.out_of_place(LogArg::Commands), Some("--state"));
        assert_eq!(full().out_of_place(LogArg::Output), Some("--search"));
        assert_eq!(full().out_of_place(LogArg::All), None);
    }
}
