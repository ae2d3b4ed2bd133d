//! What a page shows, and the address that says so: the same thing twice, in both directions.
//!
//! The parameters are those of the API, wherever it has them, so that what is seen can be asked for by programs as well.
//!
//! *Invariants*: what [`View::address`] writes, [`View::parse`] reads as it was; of two views that differ the addresses do.

use std::collections::BTreeMap;

use casemate_audit_log::Time;
use casemate_audit_log::model::Log;

use crate::logs;
use crate::text::encoded;

/// Where the pages of the logs are.
pub const ROOT: &str = "/admin/events/";

/// A page of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    /// Lines that were given to shells and programs.
    Commands,
    /// Calls of the Kubernetes API.
    KubernetesCommands,
    /// Who was where, from when to when.
    Connections,
    /// What happened to connections.
    ConnectionEvents,
    /// Calls of our own API.
    UserEvents,
}

impl Page {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Commands,
        Self::KubernetesCommands,
        Self::Connections,
        Self::ConnectionEvents,
        Self::UserEvents,
    ];

    /// What it is called in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::KubernetesCommands => "kubernetes-commands",
            Self::Connections => "connections",
            Self::ConnectionEvents => "connection-events",
            Self::UserEvents => "user-events",
        }
    }

    /// The page of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.name() == name)
    }

    /// What it is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Commands => "Commands",
            Self::KubernetesCommands => "Kubernetes commands",
            Self::Connections => "Connections",
            Self::ConnectionEvents => "Connection events",
            Self::UserEvents => "User events",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(self) -> String {
        format!("{ROOT}{}", self.name())
    }

    /// The log in which names are looked up; but for connections, the one that is shown.
    #[must_use]
    pub const fn log(self) -> Log {
        match self {
            Self::Commands => Log::Command,
            Self::KubernetesCommands => Log::Kube,
            Self::Connections | Self::ConnectionEvents => Log::Connection,
            Self::UserEvents => Log::Subject,
        }
    }
}

/// Since when, by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// As in addresses.
    pub name: &'static str,
    /// As people say it.
    pub title: &'static str,
    seconds: i64,
}

impl Span {
    /// Those that are offered.
    pub const ALL: [Self; 5] = [
        Self { name: "15m", title: "last 15 minutes", seconds: 15 * 60 },
        Self { name: "1h", title: "last hour", seconds: 3600 },
        Self { name: "24h", title: "last 24 hours", seconds: 24 * 3600 },
        Self { name: "7d", title: "last 7 days", seconds: 7 * 24 * 3600 },
        Self { name: "30d", title: "last 30 days", seconds: 30 * 24 * 3600 },
    ];

    /// When it began.
    #[must_use]
    pub const fn begin(self, now: Time) -> Time {
        Time(now.0.saturating_sub(self.seconds * 1_000_000))
    }
}

/// Of which time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// Of any.
    #[default]
    All,
    /// Until now.
    Last(Span),
    /// From one moment to another; one of them is said.
    Between(Option<Time>, Option<Time>),
}

/// Which comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest.
    #[default]
    Newest,
    /// The first.
    Oldest,
}

/// What becomes of what happens meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// It comes at once.
    #[default]
    Flowing,
    /// It waits until it is asked for.
    Paused,
}

/// What a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Which page.
    pub page: Page,
    /// What fields have to be, by their parameters: of several values any. No value has a comma, or blanks around it.
    pub values: BTreeMap<&'static str, Vec<String>>,
    /// What stands in the text.
    pub search: String,
    /// Of which time.
    pub range: Range,
    /// With what the viewer has merely looked at, where it is a log of calls.
    pub own_looks: bool,
    /// Which comes first.
    pub order: Order,
    /// Which columns, where it is said.
    pub columns: Option<Vec<&'static str>>,
    /// Which columns whoever looks wants to see where it is not said: no part of the address.
    pub kept: Option<Vec<&'static str>>,
    /// What becomes of what happens meanwhile.
    pub live: Live,
    /// Where the page before this one ended.
    pub behind: Option<String>,
}

/// A parameter of an address that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {message}")]
pub struct BadParameter {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

/// No filter has more values.
const VALUES: usize = 1000;

impl View {
    /// All of a page.
    #[must_use]
    pub fn of(page: Page) -> Self {
        Self {
            page,
            values: BTreeMap::new(),
            search: String::new(),
            range: Range::default(),
            own_looks: false,
            order: Order::default(),
            columns: None,
            kept: None,
            live: Live::default(),
            behind: None,
        }
    }

    /// What the query of an address says.
    ///
    /// # Errors
    /// It has a parameter that there is not, or one with a value that is none.
    pub fn parse<'q>(
        page: Page,
        query: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Self, BadParameter> {
        let mut view = Self::of(page);
        let (mut start, mut end, mut span) = (None, None, None);
        for (name, value) in query {
            let bad = |message: String| BadParameter { name: name.to_owned(), message };
            if value.contains('\0') {
                return Err(bad("it has a character that nothing has".to_owned()));
            }
            match name {
                // A form sends what nobody filled in as well.
                _ if value.is_empty() && name != "columns" => {}
                "search" | "commandSearch" => value.clone_into(&mut view.search),
                "last" => {
                    let known = Span::ALL.into_iter().find(|span| span.name == value);
                    span = Some(known.ok_or_else(|| bad("it is none of 15m, 1h, 24h, 7d, 30d".to_owned()))?);
                }
                "startTimestamp" => start = Some(moment(value).map_err(bad)?),
                "endTimestamp" => end = Some(moment(value).map_err(bad)?),
                "sort" => {
                    view.order = match value {
                        "asc" => Order::Oldest,
                        "desc" => Order::Newest,
                        _ => return Err(bad("it has to be `desc` (newest first) or `asc`".to_owned())),
                    }
                }
                "ownLooks" if page == Page::UserEvents => {
                    view.own_looks =
                        value.parse().map_err(|_| bad("it has to be `true` or `false`".to_owned()))?;
                }
                "live" => {
                    view.live = match value {
                        "paused" => Live::Paused,
                        "flowing" => Live::Flowing,
                        _ => return Err(bad("it has to be `flowing` or `paused`".to_owned())),
                    }
                }
                "columns" => {
                    let columns = view.columns.get_or_insert_default();
                    // One that is no more is no reason to show nothing.
                    let named = logs::keys(page).filter(|key| value.split(',').any(|name| name == *key));
                    let more: Vec<_> = named.filter(|key| !columns.contains(key)).collect();
                    columns.extend(more);
                }
                "before" => view.behind = Some(value.to_owned()),
                _ => {
                    let field = page.fields().into_iter().flatten().find(|field| field.is_called(name));
                    let field = field.ok_or_else(|| bad("there is no such parameter here".to_owned()))?;
                    let values = view.values.entry(field.parameter).or_default();
                    for value in value.split(',').map(str::trim).filter(|value| !value.is_empty()) {
                        if values.len() == VALUES {
                            return Err(bad(format!("there are more than {VALUES} values")));
                        }
                        if !values.iter().any(|there| there == value) {
                            values.push(value.to_owned());
                        }
                    }
                }
            }
        }
        view.values.retain(|_, values| !values.is_empty());
        // A form has both: who names moments has more in mind than who left a span as it was.
        view.range = match (start, end, span) {
            (None, None, None) => Range::All,
            (None, None, Some(span)) => Range::Last(span),
            (start, end, _) => Range::Between(start, end),
        };
        Ok(view)
    }

    /// The parameters of the address.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = self.conditions();
        match self.range {
            Range::All => {}
            Range::Last(span) => parameters.push(("last", span.name.to_owned())),
            Range::Between(start, end) => {
                parameters.extend(start.map(|time| ("startTimestamp", time.to_string())));
                parameters.extend(end.map(|time| ("endTimestamp", time.to_string())));
            }
        }
        parameters.extend(self.shape());
        parameters.extend(self.behind.as_ref().map(|behind| ("before", behind.clone())));
        parameters
    }

    /// Those of them that are not asked for in the bar, but go on with it.
    #[must_use]
    pub fn shape(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if self.own_looks {
            parameters.push(("ownLooks", "true".to_owned()));
        }
        if self.order == Order::Oldest {
            parameters.push(("sort", "asc".to_owned()));
        }
        parameters.extend(self.columns.as_ref().map(|columns| ("columns", columns.join(","))));
        if self.live == Live::Paused {
            parameters.push(("live", "paused".to_owned()));
        }
        parameters
    }

    /// What the API is asked for, to find the same by now.
    #[must_use]
    pub fn question(&self, now: Time) -> Vec<(&'static str, String)> {
        let mut parameters = self.conditions();
        let (start, end) = match self.range {
            Range::All => (None, None),
            Range::Last(span) => (Some(span.begin(now)), None),
            Range::Between(start, end) => (start, end),
        };
        parameters.extend(start.map(|time| ("startTimestamp", time.to_string())));
        parameters.extend(end.map(|time| ("endTimestamp", time.to_string())));
        if self.leaves_out_looks() {
            parameters.push(("ownLooks", "false".to_owned()));
        }
        if self.order == Order::Oldest {
            parameters.push(("sort", "asc".to_owned()));
        }
        parameters
    }

    /// Whether what the viewer has merely looked at is left out: each page is a call, and most are his own. Whoever asks for an
    /// action, or for a text, sees all of it.
    #[must_use]
    pub fn leaves_out_looks(&self) -> bool {
        let is_asked = self.values.contains_key("serviceActions") || !self.search.is_empty();
        self.page == Page::UserEvents && !self.own_looks && !is_asked
    }

    /// What an event has to be, whenever it was.
    fn conditions(&self) -> Vec<(&'static str, String)> {
        let values = self.values.iter().map(|(parameter, values)| (*parameter, values.join(",")));
        let search = (!self.search.is_empty()).then(|| ("search", self.search.clone()));
        values.chain(search).collect()
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.page.path(), &self.parameters())
    }

    /// Whether what happens meanwhile can come to it: what comes is the latest, and what is shown begins with that.
    #[must_use]
    pub fn can_grow(&self) -> bool {
        let has_end = matches!(self.range, Range::Between(_, Some(_)));
        self.behind.is_none() && self.order == Order::Newest && !has_end
    }

    /// The same, where a field is that alone.
    #[must_use]
    pub fn only(&self, parameter: &'static str, value: &str) -> Self {
        let mut view = self.begin();
        view.values.insert(parameter, vec![value.to_owned()]);
        view
    }

    /// The same, from its beginning.
    #[must_use]
    pub fn begin(&self) -> Self {
        Self { behind: None, ..self.clone() }
    }

    /// The same of all there is, from its beginning.
    #[must_use]
    pub fn all(&self) -> Self {
        Self { values: BTreeMap::new(), search: String::new(), range: Range::All, ..self.begin() }
    }

    /// Which columns are to be seen, where somebody chose.
    #[must_use]
    pub fn chosen(&self) -> Option<&[&'static str]> {
        self.columns.as_deref().or(self.kept.as_deref())
    }

    /// Takes columns as they are kept: names with dots between them.
    #[must_use]
    pub fn keep(self, names: &str) -> Self {
        let kept = logs::keys(self.page).filter(|key| names.split('.').any(|name| name == *key)).collect();
        Self { kept: Some(kept), ..self }
    }

    /// Whether it is of all there is.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        self.values.is_empty() && self.search.is_empty() && self.range == Range::All
    }
}

/// A path with parameters.
#[must_use]
pub fn address(path: &str, parameters: &[(&'static str, String)]) -> String {
    let query = query(parameters);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{path}{mark}{query}")
}

/// Parameters as the query of an address.
#[must_use]
pub fn query(parameters: &[(&'static str, String)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        let mark = if query.is_empty() { "" } else { "&" };
        // Commas separate values, and are easier to read as what they are.
        query.extend([mark, name, "=", &encoded(value).replace("%2C", ",")]);
    }
    query
}

/// A moment as in addresses, or as in forms: without a zone it is of UTC.
fn moment(text: &str) -> Result<Time, String> {
    let form = match text.len() {
        16 => format!("{text}:00Z"),
        19.. if !text.ends_with('Z') && !text.get(19..).unwrap_or_default().contains(['+', '-', ' ']) => {
            format!("{text}Z")
        }
        _ => text.to_owned(),
    };
    form.parse().map_err(|_| "it is no time such as 2026-11-27T09:30:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(page: Page, query: &str) -> Result<View, String> {
        let pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        let pairs: Vec<_> = pairs.iter().map(|pair| pair.split_once('=').unwrap()).collect();
        let decoded: Vec<_> = pairs.iter().map(|(name, value)| (*name, decode(value))).collect();
        View::parse(page, decoded.iter().map(|(name, value)| (*name, value.as_str())))
            .map_err(|bad| bad.to_string())
    }

    fn decode(text: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let [first, more @ ..] = rest {
            rest = more;
            if *first == b'%' {
                let (digits, more) = rest.split_at(2);
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
                rest = more;
            } else {
                bytes.push(*first);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    fn views() -> impl Strategy<Value = View> {
        let page = prop::sample::select(Page::ALL.to_vec());
        page.prop_flat_map(|page| {
            let parameters: Vec<&'static str> =
                page.fields().into_iter().flatten().map(|field| field.parameter).collect();
            let value = any::<String>().prop_map(|text| text.replace([',', '\0'], "").trim().to_owned());
            let value = value.prop_filter("a value", |text| !text.is_empty());
            let values =
                prop::collection::btree_set(value, 1..4).prop_map(|values| values.into_iter().collect());
            let values = prop::collection::btree_map(prop::sample::select(parameters), values, 0..4);
            let search = any::<String>().prop_map(|text| text.replace('\0', ""));
            let time = (0..253_402_300_799_999_999_i64).prop_map(Time);
            let times = (prop::option::of(time.clone()), prop::option::of(time));
            let range = prop_oneof![
                Just(Range::All),
                prop::sample::select(Span::ALL.to_vec()).prop_map(Range::Last),
                times.prop_map(|times| if times == (None, None) {
                    Range::All
                } else {
                    Range::Between(times.0, times.1)
                }),
            ];
            let columns =
                prop::sample::subsequence(logs::keys(page).collect::<Vec<_>>(), 0..=logs::keys(page).count());
            let order = prop_oneof![Just(Order::Newest), Just(Order::Oldest)];
            let live = prop_oneof![Just(Live::Flowing), Just(Live::Paused)];
            let behind = prop::option::of("[0-9]{1,9}\\.[0-9a-f-]{1,9}");
            let rest = (order, prop::option::of(columns), live, behind, any::<bool>());
            (values, search, range, rest).prop_map(
                move |(values, search, range, (order, columns, live, behind, own_looks))| View {
                    page,
                    values,
                    search,
                    range,
                    own_looks: own_looks && page == Page::UserEvents,
                    order,
                    columns,
                    kept: None,
                    live,
                    behind,
                },
            )
        })
    }

    proptest! {
        #[test]
        fn an_address_says_all_of_a_view(view in views()) {
            let address = view.address();
            prop_assert!(address.is_ascii() && !address.contains([' ', '"', '<', '\n']));
            let query = address.split_once('?').map_or("", |(_, query)| query);
            prop_assert_eq!(parse(view.page, query), Ok(view));
        }
    }

    #[test]
    fn what_a_form_sends_is_understood() {
        let form = "subjectNames=alice@org.com,%20bob@org.com&targetUsers=&search=&last=1h&startTimestamp=&endTimestamp=\
            &columns=timestamp&columns=command";
        let view = parse(Page::Commands, form).unwrap();
        assert_eq!(view.values["subjectNames"], ["alice@org.com", "bob@org.com"]);
        assert_eq!(view.columns.as_deref(), Some(&["timestamp", "command"][..]));
        assert_eq!(
            view.address(),
            "/admin/events/commands?subjectNames=alice@org.com,bob@org.com&last=1h&columns=timestamp,command"
        );
        let between = parse(Page::Commands, "last=1h&startTimestamp=2026-11-27T09:30").unwrap();
        assert_eq!(between.address(), "/admin/events/commands?startTimestamp=2026-11-27T09:30:00.000000Z");
        for time in ["2026-11-27T09:30:00.5", "2026-11-27T10:30:00.5%2B01:00", "2026-11-27T09:30:00.5Z"] {
            let view = parse(Page::Commands, &format!("endTimestamp={time}")).unwrap();
            assert_eq!(view.parameters()[0].1, "2026-11-27T09:30:00.500000Z", "{time}");
        }
    }

    #[test]
    fn a_span_is_asked_for_as_it_is_now() {
        let view = parse(Page::UserEvents, "last=15m&userNames=a@b&sort=asc&live=paused").unwrap();
        let question = query(&view.question(Time(3_600_000_000)));
        assert_eq!(
            question,
            "subjectNames=a@b&startTimestamp=1970-01-01T00:45:00.000000Z&ownLooks=false&sort=asc"
        );
        assert!(!view.can_grow());
    }

    #[test]
    fn what_is_no_view_is_refused() {
        for (query, wrong) in [
            ("colour=red", "`colour`: there is no such parameter here"),
            ("last=2h", "`last`: it is none of"),
            ("sort=up", "`sort`: it has to be"),
            ("live=no", "`live`: it has to be"),
            ("startTimestamp=today", "`startTimestamp`: it is no time"),
            ("subjectNames=a%00", "`subjectNames`: it has a character"),
            ("evaluation=true", "`evaluation`: there is no such parameter here"),
        ] {
            let said = parse(Page::Commands, query).unwrap_err();
            assert!(said.contains(wrong), "{query}: {said}");
        }
    }
}
