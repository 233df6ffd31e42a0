//! What a function asks of containers, and what it is told: plain data, bodies beside.

use super::{Info, Page, Range};
use model::Timestamp;
use serde::{Deserialize, Serialize};

/// What is asked of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Whether the container may be used at all. Answered by [`Reply::Container`].
    Open,
    /// Make it, if there is none. Answered by [`Reply::Done`].
    Create,
    /// Remove it with all that is in it. Answered by [`Reply::Done`].
    Remove,
    /// What is known of an object. Answered by [`Reply::Info`].
    Info {
        /// Its name.
        name: String,
    },
    /// Read an object. Answered by [`Reply::Object`], with its bytes beside.
    Get {
        /// Its name.
        name: String,
        /// Which bytes.
        range: Range,
    },
    /// Write an object; its bytes are carried beside. Answered by [`Reply::Done`] when all is on
    /// disk.
    Put {
        /// Its name.
        name: String,
    },
    /// List names in the order of their bytes. Answered by [`Reply::Names`].
    List {
        /// Only names after this one.
        after: Option<String>,
        /// Most names, 1 to [`super::PAGE_MAX`].
        limit: usize,
    },
    /// Remove objects. Answered by [`Reply::Done`].
    Delete {
        /// Their names.
        names: Vec<String>,
    },
    /// Remove all objects. Answered by [`Reply::Done`].
    Clear,
    /// Copy or move an object. Answered by [`Reply::Found`].
    Copy {
        /// Its name.
        name: String,
        /// The container that it goes to, as the guest calls it.
        to: String,
        /// Its name there.
        to_name: String,
        /// Whether it leaves where it was.
        leaves: bool,
    },
}

/// What a container says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, on disk.
    Done,
    /// When the container was made; `None` if there is none.
    Container(Option<Timestamp>),
    /// What is known of the object, if there is one.
    Info(Option<Info>),
    /// The object that is read, if there is one, and the range of what comes.
    Object(Option<(Info, (u64, u64))>),
    /// A page of names.
    Names(Page),
    /// Whether there was an object.
    Found(bool),
}
