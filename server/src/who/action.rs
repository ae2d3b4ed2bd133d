//! What can be done with the API, and which roles may: the whole policy in one table.

use casemate_audit_log::model::Role;

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To everything.
    All,
    /// To what is one's own: sessions, and oneself.
    Own,
    /// To the target that an agent is of.
    Target,
    /// Nowhere.
    Nothing,
}

impl Action {
    /// What a session is called in it, where it is done to one by its id.
    #[must_use]
    pub const fn of_a_session(self) -> Option<&'static str> {
        if matches!(self, Self::ListRecordings | Self::GetRecording | Self::WatchRecording) {
            Some("recording")
        } else if matches!(self, Self::SearchRecordings | Self::GetConnection | Self::CloseConnection) {
            Some("connection")
        } else {
            None
        }
    }

    /// Whether it is a mere look at lists, which pages are made of; recordings, files and proofs that are taken away are more.
    #[must_use]
    pub const fn is_a_look(self) -> bool {
        matches!(
            self,
            Self::ListEvents
                | Self::TailEvents
                | Self::ListRecordings
                | Self::SearchRecordings
                | Self::ListConnections
                | Self::GetConnection
                | Self::GetOrganization
                | Self::GetMyself
                | Self::ListSubjects
                | Self::ListKeys
                | Self::ListTargets
                | Self::ListEnvironments
                | Self::ListSpaces
        )
    }
}

macro_rules! actions {
    ($($(#[$meta:meta])* $action:ident = $name:literal: $administrator:ident $auditor:ident $user:ident $agent:ident,)*) => {
        /// Something that can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($(#[$meta])* $action),* }

        impl Action {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// What it is called in user events.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$action => $name),* }
            }

            /// How far somebody may do it.
            #[must_use]
            pub const fn reach(self, role: Role) -> Reach {
                match (self, role) {
                    $((Self::$action, Role::Administrator) => Reach::$administrator,
                    (Self::$action, Role::Auditor) => Reach::$auditor,
                    (Self::$action, Role::User) => Reach::$user,
                    (Self::$action, Role::Agent) => Reach::$agent,)*
                }
            }
        }
    };
}

actions! {
    //                                          administrator auditor user agent
    /// Read a log.
    ListEvents = "events:list":                       All All Own Nothing,
    /// Follow logs as they grow.
    TailEvents = "events:tail":                       All All Own Nothing,
    /// Take a log away as a file.
    ExportEvents = "events:export":                   All All Own Nothing,
    /// Take all logs away, with what proves them.
    ProveEvents = "events:prove":                     All All Nothing Nothing,
    /// See which recordings there are.
    ListRecordings = "sessionrecordings:list":        All All Own Nothing,
    /// Search in what was to be seen in recordings.
    SearchRecordings = "sessionrecordings:search":    All All Own Nothing,
    /// Look at a recording, or take it away.
    GetRecording = "sessionrecordings:get":           All All Own Nothing,
    /// Follow a recording while it is made.
    WatchRecording = "sessionrecordings:watch":       All All Own Nothing,
    /// Delete a recording.
    DeleteRecording = "sessionrecordings:delete":     All Nothing Nothing Nothing,
    /// Keep a recording from being deleted, or let go of it.
    HoldRecording = "sessionrecordings:hold":         All Nothing Nothing Nothing,
    /// See which connections there are.
    ListConnections = "connections:list":             All All Own Nothing,
    /// Look at a connection.
    GetConnection = "connections:get":                All All Own Nothing,
    /// End a connection.
    CloseConnection = "connections:close":            All Nothing Own Nothing,
    /// End all connections of somebody.
    CloseConnections = "subjects:closeconnections":   All Nothing Own Nothing,
    /// Look at the organisation.
    GetOrganization = "organization:get":             All All All All,
    /// Look at oneself.
    GetMyself = "subjects:me":                        All All All All,
    /// See who there is.
    ListSubjects = "subjects:list":                   All All Nothing Nothing,
    /// Add somebody.
    CreateSubject = "subjects:create":                All Nothing Nothing Nothing,
    /// Change what somebody is.
    ChangeSubject = "subjects:update":                All Nothing Nothing Nothing,
    /// Remove somebody.
    DeleteSubject = "subjects:delete":                All Nothing Nothing Nothing,
    /// See which keys there are.
    ListKeys = "apikeys:list":                        All All Nothing Nothing,
    /// Make a key.
    CreateKey = "apikeys:create":                     All Nothing Nothing Nothing,
    /// Take a key back.
    DeleteKey = "apikeys:delete":                     All Nothing Nothing Nothing,
    /// See which targets there are.
    ListTargets = "targets:list":                     All All All Target,
    /// Register a target.
    CreateTarget = "targets:create":                  All Nothing Nothing Nothing,
    /// Change a target.
    ChangeTarget = "targets:update":                  All Nothing Nothing Nothing,
    /// Remove a target.
    DeleteTarget = "targets:delete":                  All Nothing Nothing Nothing,
    /// See which environments there are.
    ListEnvironments = "environments:list":           All All All Nothing,
    /// Make, change or remove an environment.
    ChangeEnvironments = "environments:update":       All Nothing Nothing Nothing,
    /// See which spaces there are.
    ListSpaces = "spaces:list":                       All All Own Nothing,
    /// Make, change or remove a space.
    ChangeSpaces = "spaces:update":                   All Nothing Own Nothing,
    /// Tell of a connection.
    Connect = "connectionservice:connect":            All Nothing Nothing Target,
    /// Say what happens to a connection.
    Report = "connectionservice:report":              All Nothing Nothing Target,
    /// Send bytes of a recording.
    Upload = "sessionrecordings:upload":              All Nothing Nothing Target,
    /// Say that an agent is there.
    Heartbeat = "agents:heartbeat":                  Nothing Nothing Nothing Target,
    /// Send audit events of Kubernetes.
    IngestKube = "kube:ingest":                       All Nothing Nothing Target,
    /// Bring in logs of another system.
    Import = "events:import":                         All Nothing Nothing Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_changes_nothing() {
        for action in Action::ALL {
            let (_, verb) = action.name().split_once(':').unwrap();
            let reads =
                matches!(verb, "list" | "get" | "tail" | "export" | "prove" | "search" | "watch" | "me");
            let may = action.reach(Role::Auditor) != Reach::Nothing;
            assert_eq!(may, reads, "{}", action.name());
        }
    }

    #[test]
    fn an_agent_reads_nothing_of_others() {
        for action in Action::ALL {
            let reach = action.reach(Role::Agent);
            let harmless = matches!(action, Action::GetOrganization | Action::GetMyself);
            assert!(matches!(reach, Reach::Nothing | Reach::Target) || harmless, "{}", action.name());
        }
    }
}
