//! Columns that several logs have: whose something is, and where it was.

use casemate_audit_log::model::{Place, Subject};
use maud::html;

use super::{Column, Listed, asked, asked_if, flag};

/// Something that is somebody's.
pub trait Whose: Listed {
    /// Whose.
    fn whose(&self) -> &Subject;
}

/// Something that was on a target.
pub trait Where: Whose {
    /// Where.
    fn place(&self) -> &Place;

    /// In which connection.
    fn connection_id(&self) -> &str;
}

impl<T: Whose> Column<T> {
    pub(super) const SUBJECT: Self = Self::shown("subjectName", "SSO user", "", |entry, view| {
        asked(view, "subjectNames", &entry.whose().subject_name)
    });
    pub(super) const IP_ADDRESS: Self = Self::more("ipAddress", "IP address", "", |entry, view| {
        asked_if(view, "ipAddresses", entry.whose().ip_address.as_deref())
    });
    pub(super) const SUBJECT_TYPE: Self = Self::more("subjectType", "Kind of user", "", |entry, _| {
        html! { (entry.whose().subject_type.name()) }
    });
    pub(super) const IS_ADMIN: Self =
        Self::more("isAdmin", "Administrator", "", |entry, _| flag(entry.whose().is_admin));
}

impl<T: Where> Column<T> {
    pub(super) const TARGET_USER: Self = Self::shown("targetUser", "Target user", "", |entry, view| {
        asked(view, "targetUsers", &entry.place().target_user)
    });
    pub(super) const TARGET: Self = Self::shown("targetName", "Target", "", |entry, view| {
        asked(view, "targetNames", &entry.place().target_name)
    });
    pub(super) const TARGET_TYPE: Self = Self::more("targetType", "Kind of connection", "", |entry, view| {
        asked(view, "targetTypes", entry.place().target_type.name())
    });
    pub(super) const ENVIRONMENT: Self = Self::more("environmentName", "Environment", "", |entry, view| {
        asked(view, "environmentNames", &entry.place().environment_name)
    });
    pub(super) const CONNECTION: Self = Self::more("connectionId", "Connection", "id", |entry, view| {
        asked(view, "connectionIds", entry.connection_id())
    });
}

impl<T: Listed> Column<T> {
    pub(super) const ID: Self = Self::more("id", "Id", "id", |entry, view| view.text(entry.id()));
}
