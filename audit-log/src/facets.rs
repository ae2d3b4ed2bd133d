//! By what an event is found: the same for each log, so that each can be asked for all of it.

use crate::model::{Event, NO_ID, NONE, Place, Subject};

/// What is known of an event that it can be found by. What BastionZero's API writes for nothing is nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named as in the events")]
pub struct Facets<'e> {
    pub subject_id: Option<&'e str>,
    pub subject_type: Option<&'e str>,
    pub subject_name: Option<&'e str>,
    pub is_admin: Option<bool>,
    pub ip_address: Option<&'e str>,
    pub connection_id: Option<&'e str>,
    pub space_id: Option<&'e str>,
    pub space_name: Option<&'e str>,
    pub target_id: Option<&'e str>,
    pub target_name: Option<&'e str>,
    pub target_type: Option<&'e str>,
    pub target_user: Option<&'e str>,
    pub environment_id: Option<&'e str>,
    pub environment_name: Option<&'e str>,
    /// What was done: the type of a connection event, a service action, the status of an agent, the kind of a command.
    pub action: Option<&'e str>,
    pub node_id: Option<&'e str>,
    pub evaluation: Option<bool>,
    /// What is searched: lines of text.
    pub text: Option<std::borrow::Cow<'e, str>>,
}

impl Event {
    /// By what it is found.
    #[must_use]
    pub fn facets(&self) -> Facets<'_> {
        let mut facets = Facets { connection_id: self.connection_id(), ..Facets::default() };
        if let Some(subject) = self.subject() {
            facets.of_subject(subject);
        }
        if let Some(place) = self.place() {
            facets.of_place(place);
        }
        match self {
            Self::Command(event) => {
                facets.space_id = event.space_id.as_deref();
                facets.space_name = event.space_name.as_deref();
                facets.action = event.kind.as_deref();
                facets.text = Some(event.command.as_str().into());
            }
            Self::CommandEnd(_) => {}
            Self::Kube(event) => {
                facets.subject_id = something(&event.user_id);
                facets.subject_name = something(&event.user_email);
                facets.ip_address = event.ip_address.as_deref();
                facets.target_id = something(&event.cluster_id);
                facets.target_name = something(&event.target_name);
                facets.target_type = Some(crate::model::ConnectionType::Cluster.name());
                facets.target_user = something(&event.role);
                let called =
                    event.endpoints.iter().chain(&event.exec_commands).map(|call| call.event.as_str());
                let said = something(&event.kube_english_command).filter(|said| *said != "N/A");
                facets.text = Some(said.into_iter().chain(called).collect::<Vec<_>>().join("\n").into());
            }
            Self::Connection(event) => {
                facets.space_id = something(&event.session_id);
                facets.space_name = something(&event.session_name);
                facets.action = Some(event.connection_event_type.name());
                facets.node_id = something(&event.connection_node_id);
                facets.text = event.reason.as_deref().map(Into::into);
            }
            Self::Subject(event) => {
                facets.action = Some(&event.service_action);
                facets.evaluation = Some(event.evaluation);
                facets.text = Some(format!("{}\n{}", event.resource, event.context).into());
            }
            Self::AgentStatusChange(event) => {
                facets.target_id = something(&event.target_id);
                facets.action = Some(event.status_change.name());
                facets.text = Some(event.reason.as_str().into());
            }
        }
        facets
    }
}

impl<'e> Facets<'e> {
    fn of_subject(&mut self, subject: &'e Subject) {
        self.subject_id = something(&subject.subject_id);
        self.subject_type = Some(subject.subject_type.name());
        self.subject_name = something(&subject.subject_name);
        self.is_admin = Some(subject.is_admin);
        self.ip_address = subject.ip_address.as_deref();
    }

    fn of_place(&mut self, place: &'e Place) {
        self.target_id = something(&place.target_id);
        self.target_name = something(&place.target_name);
        self.target_type = Some(place.target_type.name());
        self.target_user = something(&place.target_user);
        self.environment_id = something(&place.environment_id);
        self.environment_name = something(&place.environment_name);
    }
}

fn something(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && *text != NONE && *text != NO_ID)
}
