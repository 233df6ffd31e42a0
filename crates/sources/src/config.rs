//! What the operator says about sources.

use crate::form::Shape;
use model::Destination;
use std::path::PathBuf;
use std::time::Duration;

/// A source's kind, with all that is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A stream of Redis.
    Redis(Redis),
    /// A stream of NATS JetStream.
    Nats(Nats),
    /// A folder.
    Folder(Folder),
}

impl Kind {
    /// Its word in the configuration.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
            Self::Folder(_) => "folder",
        }
    }
}

/// Where a new group or consumer begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With what is there.
    Start,
    /// With what comes.
    New,
}

/// A stream of Redis, read by a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// Where it listens.
    pub at: Destination,
    /// Whether TLS is spoken.
    pub secure: bool,
    /// The database's number.
    pub database: u32,
    /// The user, where there are users.
    pub user: Option<String>,
    /// The stream's key.
    pub stream: String,
    /// The consumer group. Made, if there is none.
    pub group: String,
    /// The name of this node in it. The same after a restart, and no other node's.
    pub consumer: String,
    /// Where a new group begins.
    pub begin: Begin,
    /// After how long an entry is taken over that another consumer was given.
    pub claim_after: Duration,
    /// The field that is the message. All of them as a JSON object, if none is named.
    pub field: Option<String>,
    /// What that field holds.
    pub shape: Shape,
    /// The field that says which entries belong together: `partitionkey` of the event.
    pub key: Option<String>,
}

/// A stream of NATS JetStream, pulled by a durable consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nats {
    /// Where it listens.
    pub at: Destination,
    /// Whether TLS is spoken.
    pub secure: bool,
    /// The user, if the secret is a password.
    pub user: Option<String>,
    /// The stream.
    pub stream: String,
    /// The durable consumer. Made, if there is none.
    pub consumer: String,
    /// Which subjects of the stream a new consumer gets. All of them, if nothing is said.
    pub subject: Option<String>,
    /// Where a new consumer begins.
    pub begin: Begin,
    /// After how long a message that was given and not acknowledged comes again, with a new consumer.
    pub ack_wait: Duration,
    /// What a message holds.
    pub shape: Shape,
    /// The field of a message's head that says which messages belong together: `partitionkey` of the
    /// event.
    pub key: Option<String>,
}

/// What a function is given of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileShape {
    /// Its bytes.
    Whole(Shape),
    /// Where it lies.
    Path,
}

/// A folder into which others put files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// How long a file has to stay as it is before it is taken for whole.
    pub stable: Duration,
    /// What the function is given.
    pub shape: FileShape,
    /// Whether files that were handed over are kept, in `done`.
    pub keep: bool,
}
