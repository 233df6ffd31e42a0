//! Why a container did not do what it was asked.

use model::{Code, Problem};

/// Why it was not done. Nothing was changed, unless the method says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ask breaks a limit or makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no such upload: it was finished, aborted, collected, or never was.
    #[error("there is no such upload")]
    NoUpload,
    /// Bytes were to be appended elsewhere than at the upload's end.
    #[error("the upload is at byte {held}")]
    Offset {
        /// Where it is.
        held: u64,
    },
    /// Somebody else appends to the upload, or ends it.
    #[error("the upload is in use")]
    Busy,
    /// The bytes to be written stopped coming, for this reason. What arrived is kept.
    #[error("the bytes stopped coming: {0}")]
    Cut(String),
    /// The container would hold more than its quota.
    #[error("the quota of {most} {what} is used up")]
    Quota {
        /// Of what.
        what: &'static str,
        /// The quota.
        most: u64,
    },
    /// The disk has no room.
    #[error("no room")]
    Full,
    /// An object is not what was last written there: changed, moved, or brought back from before.
    #[error("the container is damaged: {0}")]
    Damaged(String),
    /// The containers of the tenant are as they were earlier than the rest of the home knows.
    #[error("the containers of the tenant are from before: {0}")]
    RolledBack(String),
    /// The store failed.
    #[error("the blobs failed: {0}")]
    Failed(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let restore = "stop the node and restore a backup of the whole home into a new place: \
                       `casemate restore BACKUP --home NEW`";
        match error {
            Error::Full => Self::new(Code::DiskFull),
            Error::Damaged(what) => Self::new(Code::BlobDamaged).internal(what).hint(restore),
            Error::RolledBack(what) => Self::new(Code::BlobRolledBack).internal(what).hint(restore),
            Error::Invalid(_) => Self::new(Code::BlobInvalid).detail(error),
            Error::Quota { .. } => Self::new(Code::BlobQuota).detail(error),
            Error::NoUpload => Self::new(Code::NoSuchUpload),
            Error::Offset { .. } | Error::Busy => Self::new(Code::UploadConflict).detail(error),
            Error::Cut(why) => Self::new(Code::UploadCut).internal(why),
            Error::Failed(why) => Self::new(Code::StoreFailed).internal(why),
        }
    }
}
