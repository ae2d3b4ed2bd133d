//! Tables and columns.

use sea_query::Iden;

#[derive(Clone, Copy, Iden)]
pub(crate) enum Terms {
    Table,
    Text,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum Writers {
    Table,
    Id,
    Writer,
    Began,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum IndexedTexts {
    Table,
    Row,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum Checkpoints {
    Table,
    Id,
    Time,
    Checkpoint,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum Recordings {
    Table,
    Id,
    Form,
    SubjectId,
    Created,
    InputRecorded,
    Size,
    Moved,
    Completed,
    Sha256,
    Indexed,
    Filmed,
    Held,
    HeldBy,
    HoldReason,
    Deleted,
    DeletedBy,
    DeleteReason,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum RecordingObjects {
    Table,
    Recording,
    Offset,
    Length,
    Key,
    Sha256,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum RecordingTail {
    Table,
    Recording,
    Offset,
    Bytes,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum Films {
    Table,
    Recording,
    Facts,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum FilmScenes {
    Table,
    Recording,
    Number,
    Start,
    Place,
    Screen,
}

#[derive(Clone, Copy, Iden)]
pub(crate) enum OutputBlocks {
    Table,
    Id,
    Connection,
    Number,
    Start,
    First,
    Last,
    Packed,
}

/// Which blocks have which text: in SQLite an index alone.
#[derive(Clone, Copy, Iden)]
pub(crate) enum OutputText {
    Table,
    Rowid,
    Text,
}

/// Which of [`FACETS`] the connection is.
pub(crate) const CONNECTION: usize = 4;

/// The connection, or none, as it stands in the index by which each event is there once.
pub(crate) const OF_CONNECTION: &str = "coalesce(connection_id, 0)";

/// Columns by which an event is found, names first.
pub(crate) const FACETS: [Events; 17] = [
    Events::SubjectId,
    Events::SubjectType,
    Events::SubjectName,
    Events::IpAddress,
    Events::ConnectionId,
    Events::SpaceId,
    Events::SpaceName,
    Events::TargetId,
    Events::TargetName,
    Events::TargetType,
    Events::TargetUser,
    Events::EnvironmentId,
    Events::EnvironmentName,
    Events::Action,
    Events::NodeId,
    Events::IsAdmin,
    Events::Evaluation,
];

#[derive(Clone, Copy, PartialEq, Eq, Iden)]
pub(crate) enum Events {
    Table,
    Row,
    Log,
    Writer,
    Seq,
    Time,
    Id,
    SubjectId,
    SubjectType,
    SubjectName,
    IpAddress,
    ConnectionId,
    SpaceId,
    SpaceName,
    TargetId,
    TargetName,
    TargetType,
    TargetUser,
    EnvironmentId,
    EnvironmentName,
    Action,
    NodeId,
    IsAdmin,
    Evaluation,
    Text,
    Content,
    ContentHash,
    Hash,
}
