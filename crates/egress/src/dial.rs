//! Finds a place's addresses, checks every one, and connects to one of those that passed.
//!
//! Invariant: this is the one file that dials, and it dials what [`permitted`] gave it.

use crate::door::Door;
use crate::fault::{connecting, fail, handshake, whole};
use crate::host::Host;
use crate::link::{Link, One, Two};
use crate::target::{Place, Target};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use ports::outbound::{Error, Failure};
use rustls::pki_types::ServerName;
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// How long an address may be silent before the next one is tried beside it (RFC 8305).
const NEXT: Duration = Duration::from_millis(250);

/// Makes a connection before `deadline`.
pub(crate) async fn dial(
    door: Arc<Door>,
    target: Target,
    deadline: Instant,
) -> Result<Link, Error> {
    let (stream, address) = reach(Arc::clone(&door), target.place(), deadline).await?;
    let link = timeout_at(deadline, talk(&door, &target, stream, address)).await;
    link.map_err(|_| late(Failure::ConnectTimeout, &target, "nobody answered"))?
}

/// Connects to a place before `deadline`, and says nothing there.
pub(crate) async fn reach(
    door: Arc<Door>,
    place: Place,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), Error> {
    let addresses = timeout_at(deadline, permitted(&door, &place)).await;
    let addresses =
        addresses.map_err(|_| late(Failure::NameTimeout, &place, "no address was found"))??;
    let reached = timeout_at(deadline, first(addresses)).await;
    let reached = reached.map_err(|_| late(Failure::ConnectTimeout, &place, "nobody answered"))?;
    reached.map_err(|(error, address)| {
        fail(connecting(&error), format!("{place} at {address}: {error}"))
    })
}

fn late(failure: Failure, place: &dyn fmt::Display, what: &str) -> Error {
    fail(failure, format!("{place}: {what} in time"))
}

/// The addresses of a place that may be reached; never an empty list.
async fn permitted(door: &Door, place: &Place) -> Result<VecDeque<SocketAddr>, Error> {
    let found = match &place.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => door.names.addresses(name).await?,
    };
    let mut refused = String::new();
    let mut good = Vec::new();
    for address in found {
        match door.rules.check(address) {
            Ok(address) => good.push(address),
            Err(what) => {
                tracing::debug!(%place, %address, what, "an address was dropped");
                refused = format!("{place}: {address} is {what}, which functions do not reach");
            }
        }
    }
    match good.is_empty() {
        true => Err(fail(Failure::Address, refused)),
        false => Ok(in_turns(&good, place.port)),
    }
}

/// Addresses of both kinds in turns, so that one broken network does not hide the other.
fn in_turns(addresses: &[IpAddr], port: u16) -> VecDeque<SocketAddr> {
    let (six, four): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv6());
    let both = six.len().max(four.len());
    let turns = (0..both).flat_map(|turn| [six.get(turn), four.get(turn)]);
    turns.flatten().map(|address| SocketAddr::new(*address, port)).collect()
}

/// Gets ready to send requests over a connection.
async fn talk(
    door: &Door,
    target: &Target,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<Link, Error> {
    if !target.secure {
        return plain(door, target, TokioIo::new(stream), address).await;
    }
    let name = match &target.host {
        Host::Name(name) => ServerName::try_from(name.to_string())
            .map_err(|error| fail(Failure::Request, format!("{target}: {error}")))?,
        Host::Address(address) => ServerName::from(*address),
    };
    let connector = TlsConnector::from(door.trust.config().await?);
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| fail(handshake(&error), format!("{target} at {address}: {error}")))?;
    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    if !two {
        return plain(door, target, io, address).await;
    }
    let link = Two::new(io, door.head_bytes, address, &door.runtime).await;
    link.map(Link::Two).map_err(|error| unready(target, address, &error))
}

async fn plain(
    door: &Door,
    target: &Target,
    io: impl Read + Write + Unpin + Send + 'static,
    address: SocketAddr,
) -> Result<Link, Error> {
    let link = One::new(io, door.head_bytes, address, &door.runtime).await;
    link.map(Link::One).map_err(|error| unready(target, address, &error))
}

fn unready(target: &Target, address: SocketAddr, error: &hyper::Error) -> Error {
    fail(Failure::Cut, format!("{target} at {address}: {}", whole(error)))
}

/// Connects to the first address that answers.
async fn first(
    mut addresses: VecDeque<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), (std::io::Error, SocketAddr)> {
    let mut trying = FuturesUnordered::new();
    loop {
        let more = addresses.pop_front();
        let last = more.is_none();
        if let Some(address) = more {
            trying.push(async move {
                let stream = TcpStream::connect(address).await.map_err(|error| (error, address))?;
                // Small messages do not wait for each other.
                stream.set_nodelay(true).map_err(|error| (error, address))?;
                Ok((stream, address))
            });
        }
        let next = async {
            match last {
                true => std::future::pending().await,
                false => tokio::time::sleep(NEXT).await,
            }
        };
        tokio::select! {
            Some(tried) = trying.next() => match tried {
                Err(_) if !(trying.is_empty() && addresses.is_empty()) => {}
                tried => return tried,
            },
            () = next => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses_take_turns() {
        let addresses: Vec<IpAddr> = ["1.1.1.1", "2.2.2.2", "2a00::1", "3.3.3.3"]
            .map(|text| text.parse().expect("an address"))
            .to_vec();
        let turns: Vec<String> = in_turns(&addresses, 80).iter().map(ToString::to_string).collect();
        assert_eq!(turns, ["[2a00::1]:80", "1.1.1.1:80", "2.2.2.2:80", "3.3.3.3:80"]);
    }
}
