//! Where messages are pulled from: streams of brokers, folders.
//!
//! Nobody sends here. A source is asked for as many messages as there is room for, so what there is
//! no room for stays with the other side. What came is settled when it lies in the queue, and comes
//! again if it never was.
//!
//! Invariant: what is not settled is not lost, whoever ends in between.

use crate::Future;
use model::{CloudEvent, Code, FunctionRef, Problem, Secret};
use std::sync::Arc;

/// What a source is opened with.
pub struct Opening {
    /// On whose behalf: the function that it calls.
    pub function: Arc<FunctionRef>,
    /// The value of the secret that it is configured with, read anew each time.
    pub secret: Option<Secret<Vec<u8>>>,
    /// What its events name as their source.
    pub origin: String,
    /// Most bytes of one message.
    pub bytes_max: u64,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// What the other side knows it by.
    pub token: String,
    /// What it says. The same each time it comes.
    pub event: CloudEvent,
    /// Why no function gets it, if none does.
    pub fault: Option<Fault>,
}

/// Why a message does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// It is too large; its event has no data.
    #[error("{bytes} bytes, at most {most} are taken")]
    TooLarge {
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        most: u64,
    },
    /// It has more fields than are read; its event has no data.
    #[error("it has {0} fields")]
    Fields(u64),
    /// It is not in UTF-8.
    #[error("it is not in UTF-8")]
    Text,
    /// It is not of the form that the source is said to give.
    #[error("{0}")]
    Form(&'static str),
}

impl Fault {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::TooLarge { .. } | Self::Fields(_) => Code::SourceTooLarge,
            Self::Text => Code::SourceText,
            Self::Form(_) => Code::SourceForm,
        }
    }
}

/// Why a source gives nothing: fit for operators, and nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or broke off.
    #[error("{0}")]
    Down(String),
    /// It refuses what it is asked for.
    #[error("{0}")]
    Refused(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Down(why) => Self::new(Code::SourceDown).detail(why),
            Error::Refused(why) => Self::new(Code::SourceRefused).detail(why),
        }
    }
}

/// A source of messages.
pub trait Source: Send + Sync {
    /// What it is and where, for operators. Nothing secret.
    fn place(&self) -> String;

    /// Connects.
    ///
    /// # Errors
    /// [`Error`]; the caller tries again later.
    fn open(&self, opening: Opening) -> Future<'_, Result<Box<dyn Feed>, Error>>;
}

/// A source that is open. After an error, and after one of its futures was dropped, it is dropped.
pub trait Feed: Send {
    /// Up to `most` messages, at least one of which was asked for. Comes back with none when none
    /// came for about a second.
    ///
    /// # Errors
    /// [`Error`]. What was given and not settled comes again when the source is opened anew.
    fn next(&mut self, most: usize) -> Future<'_, Result<Vec<Arrival>, Error>>;

    /// Says that these lie in the queue.
    ///
    /// # Errors
    /// [`Error`]. They come again then.
    fn settle<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>>;

    /// Says that these are still held, since there is no room for them yet: they do not come again
    /// meanwhile, nor to others. Said about once a second; a source that needs it less often keeps
    /// count.
    ///
    /// # Errors
    /// [`Error`]. They come again then.
    fn hold<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let _held_until_it_is_closed = arrivals;
        Box::pin(std::future::ready(Ok(())))
    }

    /// Gives these back, since nobody here is called with them any more. Others may have them at once.
    ///
    /// # Errors
    /// [`Error`]. They come again all the same.
    fn release<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let _given_back_when_it_is_closed = arrivals;
        Box::pin(std::future::ready(Ok(())))
    }

    /// How many messages lie there and were not given, if the source tells.
    ///
    /// # Errors
    /// [`Error`].
    fn lag(&mut self) -> Future<'_, Result<Option<u64>, Error>>;
}
