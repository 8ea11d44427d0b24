//! What was done to a record.

/// The kind of a change (Change Data Capture Developer Guide, *Change Event Fields*, `changeType`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeType {
    /// The record was created.
    Create,
    /// Fields of the record changed.
    Update,
    /// The record was deleted.
    Delete,
    /// The record was taken out of the recycle bin.
    Undelete,
    /// The record as it is; reserved by Salesforce.
    Snapshot,
    /// A creation whose content could not be told.
    GapCreate,
    /// An update whose content could not be told.
    GapUpdate,
    /// A deletion that was not made record by record.
    GapDelete,
    /// An undeletion whose content could not be told.
    GapUndelete,
    /// One transaction made more changes than are told one by one: the entity has to be read anew.
    GapOverflow,
    /// One that is not known yet.
    Other(Box<str>),
}

impl ChangeType {
    /// Salesforce's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Undelete => "UNDELETE",
            Self::Snapshot => "SNAPSHOT",
            Self::GapCreate => "GAP_CREATE",
            Self::GapUpdate => "GAP_UPDATE",
            Self::GapDelete => "GAP_DELETE",
            Self::GapUndelete => "GAP_UNDELETE",
            Self::GapOverflow => "GAP_OVERFLOW",
            Self::Other(word) => word,
        }
    }

    /// Whether the event tells that something changed, but not what: the records have to be read. True of every word
    /// that begins with `GAP_`, known or not.
    pub fn is_gap(&self) -> bool {
        self.as_str().starts_with("GAP_")
    }

    pub(super) fn of_header(word: &str) -> Self {
        match word {
            "CREATE" => Self::Create,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            "UNDELETE" => Self::Undelete,
            "SNAPSHOT" => Self::Snapshot,
            "GAP_CREATE" => Self::GapCreate,
            "GAP_UPDATE" => Self::GapUpdate,
            "GAP_DELETE" => Self::GapDelete,
            "GAP_UNDELETE" => Self::GapUndelete,
            "GAP_OVERFLOW" => Self::GapOverflow,
            other => Self::Other(other.into()),
        }
    }

    /// The words of a PushTopic's events.
    pub(super) fn of_topic(word: &str) -> Self {
        match word {
            "created" => Self::Create,
            "updated" => Self::Update,
            "deleted" => Self::Delete,
            "undeleted" => Self::Undelete,
            other => Self::Other(other.into()),
        }
    }
}
