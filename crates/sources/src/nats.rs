//! Streams of NATS JetStream, pulled by a durable consumer.
//!
//! The operator makes the stream, with all that can be said of one; the consumer is made here, if
//! there is none of its name. A message is acknowledged when it lies in the queue; one that was given
//! and not acknowledged for long comes again, to whichever node pulls.

mod login;
mod message;
mod proto;
mod wire;

use crate::Surroundings;
use crate::config::{Begin, Nats};
use crate::dial::{Dialer, plain};
use login::Login;
use message::Place;
pub(crate) use message::Terms;
use ports::Future;
use ports::source::{Arrival, Error, Feed, Opening, Source};
#[cfg(any(test, fuzzing))]
pub(crate) use proto::{Frame, all};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wire::{Heard, Wire, odd};

/// Most messages that are asked for at once, and bytes of them that are kept.
const AT_ONCE: u64 = 100;
const KEPT_BYTES: u64 = 16 << 20;
/// How long is waited for a message, and for those that lie behind it.
const WAIT: Duration = Duration::from_secs(1);
const BEHIND: Duration = Duration::from_millis(100);
/// How much later the server may say that there was none. It says nothing if the consumer is gone.
const LATE: Duration = Duration::from_secs(10);
/// JetStream's number for a consumer that is not there.
const NO_CONSUMER: u64 = 10014;

/// A stream, as it is configured.
pub(crate) struct Stream {
    config: Arc<Nats>,
    dialer: Dialer,
}

impl Stream {
    pub(crate) fn new(config: Nats, around: Surroundings) -> Self {
        Self { config: Arc::new(config), dialer: Dialer::new(around) }
    }

    async fn connect(&self, opening: Opening) -> Result<Pulling, Error> {
        let Opening { function, secret, origin, bytes_max } = opening;
        let config = Arc::clone(&self.config);
        let stream = self.dialer.dial(function, &config.at).await?;
        let login = Login { user: config.user.as_deref(), secret: secret.as_ref() };
        let wire = Wire::open(stream, &self.dialer, &config, &login, bytes_max).await?;
        let (ack_wait, held) = (config.ack_wait, Instant::now());
        let mut pulling = Pulling { config, wire, origin, bytes_max, ack_wait, held };
        pulling.join().await?;
        Ok(pulling)
    }
}

impl Source for Stream {
    fn place(&self) -> String {
        let Nats { at, secure, stream, consumer, .. } = &*self.config;
        let scheme = if *secure { "tls" } else { "nats" };
        format!("{scheme}://{at} stream {stream}, consumer {consumer}")
    }

    fn open(&self, opening: Opening) -> Future<'_, Result<Box<dyn Feed>, Error>> {
        Box::pin(async move {
            let pulling = self.connect(opening).await?;
            Ok(Box::new(pulling) as Box<dyn Feed>)
        })
    }
}

/// A stream that is pulled.
struct Pulling {
    config: Arc<Nats>,
    wire: Wire,
    origin: String,
    bytes_max: u64,
    /// After how long what was given comes again, as the consumer has it.
    ack_wait: Duration,
    /// When messages were last given, or said to be held.
    held: Instant,
}

/// What JetStream says of a consumer.
#[derive(Deserialize)]
struct Consumer {
    #[serde(default)]
    error: Option<Wrong>,
    #[serde(default)]
    num_pending: Option<u64>,
    #[serde(default)]
    config: Manner,
}

#[derive(Deserialize)]
struct Wrong {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// How a consumer gives.
#[derive(Default, Deserialize)]
struct Manner {
    #[serde(default)]
    deliver_subject: Option<String>,
    #[serde(default)]
    ack_policy: String,
    /// In nanoseconds.
    #[serde(default)]
    ack_wait: u64,
}

impl Pulling {
    fn verb(&self, verb: &str) -> String {
        format!("CONSUMER.{verb}.{}.{}", self.config.stream, self.config.consumer)
    }

    /// Makes the consumer, if there is none.
    async fn join(&mut self) -> Result<(), Error> {
        let mut consumer: Consumer = self.wire.api(&self.verb("INFO"), &json!({})).await?;
        if consumer.error.as_ref().is_some_and(|wrong| wrong.err_code == NO_CONSUMER) {
            let asked = self.wanted();
            consumer = self.wire.api(&self.verb("DURABLE.CREATE"), &asked).await?;
        }
        let Manner { deliver_subject, ack_policy, ack_wait } = consumer.checked()?.config;
        if deliver_subject.is_some() || ack_policy != "explicit" {
            let why = "the consumer is there already, and is none that is pulled from and acknowledged one by one";
            return Err(Error::Refused(why.to_owned()));
        }
        self.ack_wait = Duration::from_nanos(ack_wait);
        Ok(())
    }

    fn wanted(&self) -> serde_json::Value {
        let Nats { stream, consumer, subject, begin, ack_wait, .. } = &*self.config;
        let policy = match begin {
            Begin::Start => "all",
            Begin::New => "new",
        };
        let config = json!({
            "durable_name": consumer,
            "deliver_policy": policy,
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(*ack_wait),
            "max_deliver": -1,
            "filter_subject": subject.as_deref().unwrap_or_default(),
        });
        json!({ "stream_name": stream, "config": config })
    }

    /// Waits for one message, and takes those that lie behind it as well.
    async fn pull(&mut self, most: usize) -> Result<Vec<Arrival>, Error> {
        let mut arrivals = Vec::new();
        let mut behind = self.ask_for(1, WAIT, &mut arrivals).await?;
        let room = (KEPT_BYTES / self.wire.kept().max(1)).clamp(1, AT_ONCE);
        behind = behind.min((most as u64).min(room).saturating_sub(1));
        if behind > 0 {
            self.ask_for(behind, BEHIND, &mut arrivals).await?;
        }
        self.held = Instant::now();
        Ok(arrivals)
    }

    /// Adds up to so many messages, and says how many lie behind them.
    async fn ask_for(
        &mut self,
        count: u64,
        waits: Duration,
        arrivals: &mut Vec<Arrival>,
    ) -> Result<u64, Error> {
        let asked = json!({ "batch": count, "expires": nanoseconds(waits) });
        let subject = format!("$JS.API.{}", self.verb("MSG.NEXT"));
        let inbox = self.wire.ask(&subject, &asked).await?;
        let (mut came, mut behind) = (0, 0);
        while came < count {
            match self.wire.hear(&inbox, waits + LATE).await? {
                Heard::Message(message) => {
                    came += 1;
                    let (config, origin) = (&*self.config, self.origin.as_str());
                    let arrival =
                        Terms { config, origin, bytes_max: self.bytes_max }.arrival(&message)?;
                    behind = Place::read(&arrival.token).map_or(0, |place| place.pending);
                    arrivals.push(arrival);
                }
                Heard::Answer(answer) => match answer.status() {
                    // A sign of life.
                    Some((100, _)) => {}
                    // There are none, or the time is over.
                    Some((404 | 408, _)) => return Ok(0),
                    Some((503, _)) => {
                        return Err(Error::Refused("nobody there gives messages".to_owned()));
                    }
                    Some((_, words)) => return Err(refused(&String::from_utf8_lossy(words))),
                    None => return Err(odd()),
                },
            }
        }
        Ok(behind)
    }

    async fn behind(&mut self) -> Result<Option<u64>, Error> {
        let consumer: Consumer = self.wire.api(&self.verb("INFO"), &json!({})).await?;
        Ok(consumer.checked()?.num_pending)
    }

    async fn tell(&mut self, arrivals: &[Arrival], word: &str) -> Result<(), Error> {
        let replies: Vec<&str> = arrivals.iter().map(|it| it.token.as_str()).collect();
        self.wire.tell(&replies, word).await
    }
}

impl Consumer {
    fn checked(self) -> Result<Self, Error> {
        match self.error {
            Some(wrong) => Err(refused(&wrong.description)),
            None => Ok(self),
        }
    }
}

fn refused(said: &str) -> Error {
    Error::Refused(format!("JetStream: {}", plain(said)))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Feed for Pulling {
    fn next(&mut self, most: usize) -> Future<'_, Result<Vec<Arrival>, Error>> {
        Box::pin(self.pull(most))
    }

    fn settle<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        Box::pin(self.tell(arrivals, "+ACK"))
    }

    fn hold<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        Box::pin(async move {
            if self.held.elapsed() >= self.ack_wait / 3 {
                self.tell(arrivals, "+WPI").await?;
                self.held = Instant::now();
            }
            Ok(())
        })
    }

    fn release<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        Box::pin(self.tell(arrivals, "-NAK"))
    }

    fn lag(&mut self) -> Future<'_, Result<Option<u64>, Error>> {
        Box::pin(self.behind())
    }
}
