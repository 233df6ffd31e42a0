//! A connection to Redis: one command after the other.

use super::resp::{Limits, Reader, Reply, command};
use crate::dial::plain;
use crate::line::Stream;
use bytes::BytesMut;
use ports::source::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// How long an answer may take, beside what the command waits for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room for what is read at once.
const READ_BYTES: usize = 16 << 10;

/// A connection. After an error, or after a future of it was dropped, it is of no more use.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    reader: Reader,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, limits: Limits) -> Self {
        Self { stream, input: BytesMut::new(), reader: Reader::new(limits) }
    }

    /// Sends a command and gives its reply, whatever that is.
    pub(crate) async fn ask(&mut self, words: &[&[u8]], waits: Duration) -> Result<Reply, Error> {
        let asked = tokio::time::timeout(waits + PATIENCE, self.exchange(words)).await;
        asked.unwrap_or_else(|_| Err(Error::Down("it does not answer".to_owned())))
    }

    /// Sends a command that must succeed.
    pub(crate) async fn ok(&mut self, words: &[&[u8]], waits: Duration) -> Result<Reply, Error> {
        match self.ask(words, waits).await? {
            Reply::Error(said) => Err(refused(words, &said)),
            reply => Ok(reply),
        }
    }

    async fn exchange(&mut self, words: &[&[u8]]) -> Result<Reply, Error> {
        let down = |error: std::io::Error| Error::Down(error.to_string());
        self.stream.write_all(&command(words)).await.map_err(down)?;
        self.stream.flush().await.map_err(down)?;
        loop {
            let read = self.reader.read(&mut self.input);
            if let Some(reply) = read.map_err(|error| Error::Down(error.to_string()))? {
                return Ok(reply);
            }
            if self.input.capacity() == self.input.len() {
                self.input.reserve(READ_BYTES);
            }
            if self.stream.read_buf(&mut self.input).await.map_err(down)? == 0 {
                return Err(Error::Down("it closed the connection".to_owned()));
            }
        }
    }
}

/// What the other side said to a command. Of the command, only its name: others of its words may be
/// secret.
pub(crate) fn refused(words: &[&[u8]], said: &str) -> Error {
    let name = words.first().map(|word| String::from_utf8_lossy(word)).unwrap_or_default();
    Error::Refused(format!("{name}: {}", plain(said)))
}
