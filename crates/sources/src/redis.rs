//! Streams of Redis and of what speaks as it does, read by a consumer group.
//!
//! What was given to this node and not acknowledged is asked for first, after each start; what was
//! given to a consumer that does not come back is taken over; then comes what is new. An entry is
//! acknowledged when it lies in the queue, and stays in the stream.

mod entry;
pub(crate) mod resp;
mod wire;

use crate::Surroundings;
use crate::config::{Begin, Redis};
use crate::dial::Dialer;
pub(crate) use entry::Terms;
use entry::{FIELDS_MAX, is_id, odd};
use model::Secret;
use ports::Future;
use ports::source::{Arrival, Error, Feed, Opening, Source};
use resp::{Limits, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wire::{Wire, refused};

/// Most entries that are asked for at once.
const AT_ONCE: usize = 100;
/// How long is waited for new entries.
const BLOCK: Duration = Duration::from_secs(1);
/// Bytes of entries that are kept at once, at least.
const KEPT_BYTES: u64 = 16 << 20;
/// Commands that wait for nothing.
const NOW: Duration = Duration::ZERO;

/// What is kept of one reply: at least one entry that is not too large.
pub(crate) fn limits(bytes_max: u64) -> Limits {
    let total = KEPT_BYTES.max(bytes_max.saturating_mul(2));
    let list = 2 * FIELDS_MAX;
    Limits { bulk: bytes_max, total, items: 2 * AT_ONCE as u64 * list, list }
}

/// A stream, as it is configured.
pub(crate) struct Stream {
    config: Arc<Redis>,
    dialer: Dialer,
}

impl Stream {
    pub(crate) fn new(config: Redis, around: Surroundings) -> Self {
        Self { config: Arc::new(config), dialer: Dialer::new(around) }
    }

    async fn connect(&self, opening: Opening) -> Result<Reading, Error> {
        let Opening { function, secret, origin, bytes_max } = opening;
        let mut stream = self.dialer.dial(function, &self.config.at).await?;
        if self.config.secure {
            stream = self.dialer.shake(&self.config.at, stream).await?;
        }
        let mut wire = Wire::new(stream, limits(bytes_max));
        self.introduce(&mut wire, secret.as_ref()).await?;
        self.join(&mut wire).await?;
        let config = Arc::clone(&self.config);
        let cursor = "0-0".to_owned();
        let now = Instant::now();
        Ok(Reading { config, wire, origin, bytes_max, own: true, cursor, claims: now })
    }

    /// Says who the node is, and which database it wants.
    async fn introduce(
        &self,
        wire: &mut Wire,
        secret: Option<&Secret<Vec<u8>>>,
    ) -> Result<(), Error> {
        if let Some(secret) = secret {
            let mut words: Vec<&[u8]> = vec![b"AUTH"];
            words.extend(self.config.user.as_ref().map(String::as_bytes));
            words.push(secret.expose());
            wire.ok(&words, NOW).await?;
        }
        if self.config.database > 0 {
            let number = self.config.database.to_string();
            wire.ok(&[b"SELECT", number.as_bytes()], NOW).await?;
        }
        Ok(())
    }

    /// Makes the group, if there is none.
    async fn join(&self, wire: &mut Wire) -> Result<(), Error> {
        let begin: &[u8] = match self.config.begin {
            Begin::Start => b"0",
            Begin::New => b"$",
        };
        let (stream, group) = (self.config.stream.as_bytes(), self.config.group.as_bytes());
        let words: [&[u8]; 6] = [b"XGROUP", b"CREATE", stream, group, begin, b"MKSTREAM"];
        match wire.ask(&words, NOW).await? {
            Reply::Error(said) if !said.starts_with("BUSYGROUP") => Err(refused(&words, &said)),
            _ => Ok(()),
        }
    }
}

impl Source for Stream {
    fn place(&self) -> String {
        let Redis { at, stream, group, secure, .. } = &*self.config;
        let scheme = if *secure { "rediss" } else { "redis" };
        format!("{scheme}://{at} stream {stream}, group {group}")
    }

    fn open(&self, opening: Opening) -> Future<'_, Result<Box<dyn Feed>, Error>> {
        Box::pin(async move {
            let reading = self.connect(opening).await?;
            Ok(Box::new(reading) as Box<dyn Feed>)
        })
    }
}

/// A stream that is read.
struct Reading {
    config: Arc<Redis>,
    wire: Wire,
    origin: String,
    bytes_max: u64,
    /// Whether there may be entries that were given to this node and not acknowledged.
    own: bool,
    /// Where taking over goes on, and when.
    cursor: String,
    claims: Instant,
}

impl Reading {
    async fn entries(&mut self, most: usize) -> Result<Vec<Arrival>, Error> {
        if Instant::now() >= self.claims {
            self.take_over().await?;
        }
        if self.own {
            // Those that are settled are none of them any more, so it begins with the first again.
            let (arrivals, whole) = self.read(most, b"0").await?;
            self.own = !whole;
            if !whole {
                return Ok(arrivals);
            }
        }
        Ok(self.read(most, b">").await?.0)
    }

    /// Reads entries, and says whether there were none at all.
    async fn read(&mut self, most: usize, from: &[u8]) -> Result<(Vec<Arrival>, bool), Error> {
        let Redis { stream, group, consumer, .. } = &*self.config;
        let count = most.clamp(1, AT_ONCE).to_string();
        let block = BLOCK.as_millis().to_string();
        let mut words: Vec<&[u8]> = vec![b"XREADGROUP", b"GROUP", group.as_bytes()];
        words.extend([consumer.as_bytes(), b"COUNT", count.as_bytes()]);
        let waits = if from == b">" { BLOCK } else { NOW };
        if waits > NOW {
            words.extend([&b"BLOCK"[..], block.as_bytes()]);
        }
        words.extend([&b"STREAMS"[..], stream.as_bytes(), from]);
        let reply = self.wire.ok(&words, waits).await?;
        let (config, origin) = (&*self.config, self.origin.as_str());
        let found = Terms { config, origin, bytes_max: self.bytes_max }.found(reply)?;
        let none = found.arrivals.is_empty() && found.gone.is_empty() && !found.more;
        self.own |= found.more;
        let gone: Vec<&str> = found.gone.iter().map(String::as_str).collect();
        self.acknowledge(&gone).await?;
        Ok((found.arrivals, none))
    }

    /// Takes over what others were given and did not acknowledge for long. It is read as our own.
    async fn take_over(&mut self) -> Result<(), Error> {
        let Redis { stream, group, consumer, claim_after, .. } = &*self.config;
        let idle = claim_after.as_millis().to_string();
        let words: [&[u8]; 9] = [
            b"XAUTOCLAIM",
            stream.as_bytes(),
            group.as_bytes(),
            consumer.as_bytes(),
            idle.as_bytes(),
            self.cursor.as_bytes(),
            b"COUNT",
            b"100",
            b"JUSTID",
        ];
        let Reply::List(parts, _) = self.wire.ok(&words, NOW).await? else { return Err(odd()) };
        let mut parts = parts.into_iter();
        let (Some(Reply::Bulk(cursor)), Some(Reply::List(ids, _))) = (parts.next(), parts.next())
        else {
            return Err(odd());
        };
        let cursor = std::str::from_utf8(&cursor).ok().filter(|it| is_id(it)).ok_or_else(odd)?;
        self.own |= !ids.is_empty();
        // Round and round: at once as long as there is more, and then now and then.
        let wait = if cursor == "0-0" { *claim_after / 2 } else { NOW };
        cursor.clone_into(&mut self.cursor);
        self.claims = Instant::now() + wait;
        Ok(())
    }

    async fn acknowledge(&mut self, ids: &[&str]) -> Result<(), Error> {
        let (stream, group) = (self.config.stream.as_bytes(), self.config.group.as_bytes());
        let mut words: Vec<&[u8]> = vec![b"XACK", stream, group];
        words.extend(ids.iter().map(|id| id.as_bytes()));
        match ids.is_empty() {
            true => Ok(()),
            false => self.wire.ok(&words, NOW).await.map(drop),
        }
    }

    /// What Redis 7 says of the group.
    async fn behind(&mut self) -> Result<Option<u64>, Error> {
        let words: [&[u8]; 3] = [b"XINFO", b"GROUPS", self.config.stream.as_bytes()];
        let Reply::List(groups, _) = self.wire.ok(&words, NOW).await? else { return Err(odd()) };
        Ok(groups.iter().find_map(|group| {
            let Reply::List(facts, _) = group else { return None };
            let fact = |name: &[u8]| {
                let is_it = |part: &Reply| matches!(part, Reply::Bulk(own) if own == name);
                facts.iter().position(is_it).and_then(|at| facts.get(at + 1))
            };
            match (fact(b"name"), fact(b"lag")) {
                (Some(Reply::Bulk(name)), Some(Reply::Integer(lag)))
                    if name == self.config.group.as_bytes() =>
                {
                    u64::try_from(*lag).ok()
                }
                _ => None,
            }
        }))
    }
}

impl Feed for Reading {
    fn next(&mut self, most: usize) -> Future<'_, Result<Vec<Arrival>, Error>> {
        Box::pin(self.entries(most))
    }

    fn settle<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        Box::pin(async move {
            let ids: Vec<&str> = arrivals.iter().map(|arrival| arrival.token.as_str()).collect();
            self.acknowledge(&ids).await
        })
    }

    fn lag(&mut self) -> Future<'_, Result<Option<u64>, Error>> {
        Box::pin(self.behind())
    }
}
