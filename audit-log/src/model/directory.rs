//! What events do not say, and whoever asks for them does: roles, kinds of targets, states of connections.

use serde::{Deserialize, Serialize};

use super::names;

names! {
    /// What somebody may do.
    Role {
        /// Everything.
        Administrator = "Administrator",
        /// Read everything, and change nothing.
        Auditor = "Auditor",
        /// See its own sessions.
        User = "User",
        /// Say what happens on its own target.
        Agent = "Agent",
    }
}

names! {
    /// What a target is.
    TargetType {
        /// A host with an agent.
        Bzero = "Bzero",
        /// A Kubernetes cluster.
        Cluster = "Cluster",
        /// One that is made when it is wanted.
        DynamicAccessConfig = "DynamicAccessConfig",
        /// A web site behind an agent.
        Web = "Web",
        /// A database behind an agent.
        Db = "Db",
    }
}

names! {
    /// How a connection stands. One that is open and has no client is *inactive*.
    ConnectionState {
        /// It was asked for.
        Pending = "Pending",
        /// It is there.
        Open = "Open",
        /// It is over.
        Closed = "Closed",
        /// It came to nothing.
        Error = "Error",
    }
}

names! {
    /// How a connection stands, as it is asked for.
    Standing {
        /// It was asked for.
        Pending = "Pending",
        /// It is there.
        Open = "Open",
        /// It is there, and has no client.
        Inactive = "Inactive",
        /// It is over.
        Closed = "Closed",
        /// It came to nothing.
        Error = "Error",
    }
}

names! {
    /// How a space stands.
    SpaceState {
        /// It is in use.
        Active = "Active",
        /// It is over.
        Closed = "Closed",
        /// It came to nothing.
        Error = "Error",
    }
}
