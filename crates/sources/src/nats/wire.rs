//! A connection to NATS, over which one thing is asked at a time.

use super::login::Login;
use super::proto::{Frame, Message, Reader};
use crate::config::Nats;
use crate::dial::{Dialer, plain};
use crate::line::Stream;
use bytes::BytesMut;
use ports::source::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room for what is read at once.
const READ_BYTES: usize = 16 << 10;
/// What answers of JetStream's own may take.
const KEPT_MIN: u64 = 64 << 10;
/// The only subscription.
const SUBSCRIPTION: &str = "1";

/// A connection. After an error, or after a future of it was dropped, it is of no more use.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    reader: Reader,
    /// Where answers are heard: what stands before their number, and the last number.
    inbox: String,
    count: u64,
    /// Most bytes that are kept of one message.
    kept: u64,
}

/// What a server says of itself.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    max_payload: Option<u64>,
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    nonce: String,
}

/// What is heard behind something that was asked.
pub(super) enum Heard {
    /// A message of the stream, whatever is in it.
    Message(Message),
    /// What the server itself says.
    Answer(Message),
}

impl Wire {
    /// Hears what the server is, shakes hands if TLS is wanted, and says who the node is. Keeps
    /// messages of up to `most` bytes.
    pub(super) async fn open(
        stream: Box<dyn Stream>,
        dialer: &Dialer,
        config: &Nats,
        login: &Login<'_>,
        most: u64,
    ) -> Result<Self, Error> {
        let inbox = format!("_INBOX.{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let (input, reader) = (BytesMut::new(), Reader::new(KEPT_MIN));
        let mut wire = Self { stream, input, reader, inbox, count: 0, kept: KEPT_MIN };
        let opening = async {
            let Frame::Info(info) = wire.frame().await? else { return Err(odd()) };
            let info: Info = serde_json::from_slice(&info).map_err(|_| odd())?;
            if config.secure {
                if !wire.input.is_empty() {
                    // Whoever is between could have said it.
                    return Err(odd());
                }
                wire.stream = dialer.shake(&config.at, wire.stream).await?;
            } else if info.tls_required {
                let why = "it wants TLS: write `tls://` in `url`".to_owned();
                return Err(Error::Refused(why));
            }
            wire.kept = info.max_payload.map_or(most, |own| own.min(most)).max(KEPT_MIN);
            wire.reader.keep(wire.kept);
            let inbox = &wire.inbox;
            let connect = connect(login, &info.nonce)?;
            let hello = format!("CONNECT {connect}\r\nSUB {inbox}.* {SUBSCRIPTION}\r\nPING\r\n");
            wire.send(hello.as_bytes()).await?;
            wire.until_pong().await?;
            Ok(wire)
        };
        tokio::time::timeout(PATIENCE, opening).await.unwrap_or_else(|_| Err(late()))
    }

    /// Most bytes that are kept of one message.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let down = |error: std::io::Error| Error::Down(error.to_string());
        self.stream.write_all(bytes).await.map_err(down)?;
        self.stream.flush().await.map_err(down)
    }

    /// The next frame that is about something.
    async fn frame(&mut self) -> Result<Frame, Error> {
        loop {
            let read = self.reader.read(&mut self.input);
            match read.map_err(|error| Error::Down(error.to_string()))? {
                Some(Frame::Ping) => self.send(b"PONG\r\n").await?,
                Some(Frame::Ok) => {}
                Some(Frame::Err(said)) => return Err(Error::Refused(plain(&said))),
                Some(frame) => return Ok(frame),
                None => {
                    if self.input.capacity() == self.input.len() {
                        self.input.reserve(READ_BYTES);
                    }
                    let read = self.stream.read_buf(&mut self.input).await;
                    if read.map_err(|error| Error::Down(error.to_string()))? == 0 {
                        return Err(Error::Down("it closed the connection".to_owned()));
                    }
                }
            }
        }
    }

    async fn until_pong(&mut self) -> Result<(), Error> {
        while self.frame().await? != Frame::Pong {}
        Ok(())
    }

    /// Sends a message for which answers come; gives where they are heard.
    pub(super) async fn ask(&mut self, subject: &str, data: &Value) -> Result<String, Error> {
        self.count += 1;
        let (inbox, data) = (format!("{}.{}", self.inbox, self.count), data.to_string());
        let text = format!("PUB {subject} {inbox} {}\r\n{data}\r\n", data.len());
        self.send(text.as_bytes()).await?;
        Ok(inbox)
    }

    /// What is heard next behind what was asked.
    pub(super) async fn hear(&mut self, inbox: &str, within: Duration) -> Result<Heard, Error> {
        let hearing = async {
            loop {
                let Frame::Message(message) = self.frame().await? else { continue };
                // A message of the stream comes under the subject that it was sent to. Under the
                // inbox, others could send one that is none of the stream's, and in a message of the
                // stream, words like the server's own.
                if message.subject == inbox {
                    return Ok(Heard::Answer(message));
                }
                if !message.subject.starts_with(&self.inbox) && message.reply.is_some() {
                    return Ok(Heard::Message(message));
                }
            }
        };
        let heard = tokio::time::timeout(within, hearing).await;
        heard.unwrap_or_else(|_| Err(late()))
    }

    /// Asks JetStream for something and gives its answer.
    pub(super) async fn api<T: DeserializeOwned>(
        &mut self,
        verb: &str,
        data: &Value,
    ) -> Result<T, Error> {
        let inbox = self.ask(&format!("$JS.API.{verb}"), data).await?;
        let answer = loop {
            // A message that comes meanwhile was asked for by nobody here, and comes again.
            if let Heard::Answer(answer) = self.hear(&inbox, PATIENCE).await? {
                break answer;
            }
        };
        match (answer.status(), &answer.data) {
            (None, Ok(data)) => serde_json::from_slice(data).map_err(|_| odd()),
            (Some((503, _)), _) => Err(Error::Refused("it has no JetStream".to_owned())),
            _ => Err(odd()),
        }
    }

    /// Says a word to where each of these is acknowledged, and waits until all of it was heard.
    pub(super) async fn tell(&mut self, replies: &[&str], word: &str) -> Result<(), Error> {
        let mut text = String::new();
        for reply in replies {
            text.push_str(&format!("PUB {reply} {}\r\n{word}\r\n", word.len()));
        }
        text.push_str("PING\r\n");
        let telling = async {
            self.send(text.as_bytes()).await?;
            self.until_pong().await
        };
        tokio::time::timeout(PATIENCE, telling).await.unwrap_or_else(|_| Err(late()))
    }
}

/// What is said to a server. The password is in it.
fn connect(login: &Login<'_>, nonce: &str) -> Result<String, Error> {
    let own = json!({
        "verbose": false,
        "pedantic": false,
        "name": "casemate",
        "lang": "rust",
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": 1,
        "headers": true,
        "no_responders": true,
        "echo": false,
    });
    let mut said = Map::new();
    if let Value::Object(own) = own {
        said.extend(own);
    }
    login.add(&mut said, nonce)?;
    Ok(Value::Object(said).to_string())
}

pub(super) fn odd() -> Error {
    Error::Down("it answers what no NATS does".to_owned())
}

fn late() -> Error {
    Error::Down("it does not answer".to_owned())
}
