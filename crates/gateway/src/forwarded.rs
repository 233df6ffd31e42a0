//! What proxies that are trusted say of a client, and what functions are told.
//!
//! The list of addresses that a request came by is read from its end, where the nearest proxy
//! wrote: the client is the first address that is not a trusted proxy. What stands before it,
//! anybody may have written.
//!
//! Invariant: an address that is believed was written by a trusted proxy.

use crate::origin::Origin;
use crate::proxies::{Proxies, Says};
use crate::target;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};

#[cfg(test)]
mod tests;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Proxies that a request may come by. Who has more is taken to be where the last one is.
const HOPS_MAX: usize = 32;

/// Where a request came from, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) peer: IpAddr,
    pub(crate) secure: bool,
    /// The host that it asked the outermost proxy for.
    pub(crate) host: Option<HeaderValue>,
}

/// One proxy's word.
#[derive(Debug, Default, Clone, Copy)]
struct Hop<'a> {
    address: Option<IpAddr>,
    secure: Option<bool>,
    host: Option<&'a [u8]>,
}

/// Finds the client behind a trusted proxy.
pub(crate) fn client(headers: &HeaderMap, origin: &Origin, proxies: &Proxies) -> Client {
    let direct = Client { peer: origin.peer, secure: origin.secure, host: None };
    match proxies.says {
        Says::XForwarded => follow(direct, proxies, x_forwarded(headers)),
        Says::Forwarded => follow(direct, proxies, forwarded(headers)),
    }
}

/// Goes from hop to hop, as long as a trusted proxy speaks.
fn follow<'a>(
    mut client: Client,
    proxies: &Proxies,
    hops: impl Iterator<Item = Hop<'a>>,
) -> Client {
    for hop in hops.take(HOPS_MAX) {
        // Who does not name an address has hidden the client, and all that is said before.
        let Some(address) = hop.address else { break };
        client.peer = address;
        client.secure = hop.secure.unwrap_or(client.secure);
        if let Some(host) = hop.host.filter(|host| target::is_authority(host)) {
            client.host = HeaderValue::from_bytes(host).ok();
        }
        if !proxies.trust(address) {
            break;
        }
    }
    client
}

/// The elements of a field's lists, the last one first.
fn backwards<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = headers.get_all(name).iter().rev();
    values.flat_map(|value| value.as_bytes().rsplit(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// Where there are fewer protocols or hosts than addresses, the first one holds for all before it.
fn x_forwarded(headers: &HeaderMap) -> impl Iterator<Item = Hop<'_>> {
    let mut protocols = backwards(headers, &PROTO);
    let mut hosts = backwards(headers, &HOST);
    let (mut secure, mut host) = (None, None);
    backwards(headers, &FOR).map(move |address| {
        secure = protocols.next().map_or(secure, is_secure);
        host = hosts.next().or(host);
        Hop { address: read_address(address), secure, host }
    })
}

fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Hop<'_>> {
    backwards(headers, &FORWARDED).map(|element| read_element(element).unwrap_or_default())
}

/// `for=…;proto=…;host=…` (RFC 7239, section 4). An element that cannot be read says nothing.
fn read_element(element: &[u8]) -> Option<Hop<'_>> {
    let mut hop = Hop::default();
    for pair in element.split(|&byte| byte == b';') {
        let at = memchr::memchr(b'=', pair)?;
        let (name, value) = pair.split_at(at);
        let value = unquoted(value.get(1..)?.trim_ascii())?;
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"for" if hop.address.is_none() => hop.address = Some(read_address(value)?),
            b"proto" if hop.secure.is_none() => hop.secure = is_secure(value),
            b"host" if hop.host.is_none() => hop.host = Some(value),
            b"for" | b"proto" | b"host" => return None,
            _ => {}
        }
    }
    Some(hop)
}

fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let inner = match value.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\"")?,
        None => value,
    };
    // No address, protocol or host needs either.
    let plain = !inner.iter().any(|byte| matches!(byte, b'"' | b'\\'));
    plain.then_some(inner)
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn read_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    Some(bare.or_else(with_port).or_else(in_brackets)?.to_canonical())
}

fn is_secure(protocol: &[u8]) -> Option<bool> {
    if protocol.eq_ignore_ascii_case(b"https") || protocol.eq_ignore_ascii_case(b"wss") {
        return Some(true);
    }
    let clear = protocol.eq_ignore_ascii_case(b"http") || protocol.eq_ignore_ascii_case(b"ws");
    clear.then_some(false)
}

/// What functions are told of a client, ready to be put into any request.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    address: HeaderValue,
    forwarded: HeaderValue,
    secure: bool,
}

impl Words {
    pub(crate) fn of(peer: IpAddr, secure: bool) -> Self {
        let protocol = if secure { "https" } else { "http" };
        let forwarded = match peer {
            IpAddr::V4(address) => format!("for={address};proto={protocol}"),
            IpAddr::V6(address) => format!("for=\"[{address}]\";proto={protocol}"),
        };
        Self { address: value(peer.to_string()), forwarded: value(forwarded), secure }
    }

    /// Says them. What was said before has been removed.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        headers.insert(FOR, self.address.clone());
        let protocol = if self.secure { "https" } else { "http" };
        headers.insert(PROTO, HeaderValue::from_static(protocol));
        headers.insert(FORWARDED, self.forwarded.clone());
    }
}

impl Client {
    /// Tells a function where its request came from.
    pub(crate) fn introduce(self, headers: &mut HeaderMap) {
        Words::of(self.peer, self.secure).say(headers);
        if let Some(host) = self.host {
            headers.insert(HOST, host);
        }
    }
}

fn value(text: String) -> HeaderValue {
    // Addresses are visible ASCII; the fallback is never used.
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text))
        .unwrap_or(HeaderValue::from_static("unknown"))
}
