//! Why the node drops requests that are under way.

/// Why nobody will wait for what is under way any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The time that a drain may take is over.
    Grace,
    /// The node was told to stop at once.
    Abort,
}

impl Cut {
    /// What records give as the reason.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Grace => "the node stopped, and `drain` was over before the request had ended",
            Self::Abort => "the node was told a second time to stop, and stopped at once",
        }
    }
}
