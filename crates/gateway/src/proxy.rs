//! The PROXY protocol, versions 1 and 2: what a proxy that only passes bytes on says about a
//! connection before its first byte (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! Invariant: of what follows the header, not a byte is read here.
//! Invariant: reading a header in pieces gives the same result as reading it whole.

mod receive;
#[cfg(test)]
mod tests;

pub(crate) use receive::receive;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of the second version's fixed part.
const FIXED_BYTES: usize = 16;
/// Longest line of the first version.
const LINE_BYTES_MAX: usize = 107;
/// Most bytes of addresses and additions of the second version; the standard has 536 in mind.
const REST_BYTES_MAX: usize = 4_096;
/// The addition that tells of TLS, and the bit in it that says that the client spoke it.
const TLS_ADDITION: u8 = 0x20;
const CLIENT_TLS: u8 = 1;

/// What a proxy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the header.
    pub length: usize,
    /// The client's address; `None` if the proxy speaks for itself, or cannot say.
    pub source: Option<IpAddr>,
    /// The client spoke TLS with the proxy.
    pub secure: bool,
}

/// What arrived is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads a header from all bytes so far. `None` if it is not complete.
///
/// # Errors
/// [`Malformed`], as soon as it can be seen.
pub fn read(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    const WORD: &[u8] = b"PROXY ";
    let begins = |word: &[u8]| word.get(..bytes.len()).unwrap_or(word) == truncated(bytes, word);
    if begins(SIGNATURE) {
        return if bytes.len() < FIXED_BYTES { Ok(None) } else { second(bytes) };
    }
    if begins(WORD) {
        return first(bytes);
    }
    Err(Malformed)
}

fn truncated<'a>(bytes: &'a [u8], word: &[u8]) -> &'a [u8] {
    bytes.get(..word.len()).unwrap_or(bytes)
}

fn first(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let line = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', line) else {
        return if line.len() < LINE_BYTES_MAX { Ok(None) } else { Err(Malformed) };
    };
    let text = line.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Malformed)?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
    let length = end + 1;
    let mut words = text.split(' ').skip(1);
    let source = match words.next() {
        // Whatever follows is to be ignored.
        Some("UNKNOWN") => return Ok(Some(Header { length, source: None, secure: false })),
        Some("TCP4") => pair::<Ipv4Addr>(&mut words).map(IpAddr::V4),
        Some("TCP6") => pair::<Ipv6Addr>(&mut words).map(IpAddr::V6),
        _ => None,
    };
    let source = source.filter(|_| words.next().is_none()).ok_or(Malformed)?;
    Ok(Some(Header { length, source: Some(source.to_canonical()), secure: false }))
}

/// Two addresses and two ports; gives the first address.
fn pair<'a, A: std::str::FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<A> {
    let source = words.next()?.parse().ok()?;
    words.next()?.parse::<A>().ok()?;
    for port in [words.next()?, words.next()?] {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        port.parse::<u16>().ok().filter(|_| digits)?;
    }
    Some(source)
}

fn second(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let [command, family, high, low] =
        bytes.get(12..FIXED_BYTES).and_then(|four| four.try_into().ok()).ok_or(Malformed)?;
    let rest = usize::from(u16::from_be_bytes([high, low]));
    if !matches!(command, 0x20 | 0x21) || rest > REST_BYTES_MAX {
        return Err(Malformed);
    }
    let length = FIXED_BYTES + rest;
    let Some(rest) = bytes.get(FIXED_BYTES..length) else { return Ok(None) };
    // The proxy's own connection, to see whether the node is well.
    if command == 0x20 {
        return Ok(Some(Header { length, source: None, secure: false }));
    }
    let (source, size) = match family {
        0x11 => (octets::<4>(rest).map(IpAddr::from), 12),
        0x21 => (octets::<16>(rest).map(IpAddr::from), 36),
        // Nothing known, or a socket of Unix.
        0x00 | 0x31 | 0x32 => return Ok(Some(Header { length, source: None, secure: false })),
        _ => return Err(Malformed),
    };
    let additions = rest.get(size..).ok_or(Malformed)?;
    let source = source.ok_or(Malformed)?.to_canonical();
    Ok(Some(Header { length, source: Some(source), secure: is_secure(additions)? }))
}

fn octets<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.get(..N)?.try_into().ok()
}

/// Looks through the additions for the one about TLS.
fn is_secure(mut additions: &[u8]) -> Result<bool, Malformed> {
    let mut secure = false;
    while !additions.is_empty() {
        let ([kind, high, low], rest) = additions.split_first_chunk().ok_or(Malformed)?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        if *kind == TLS_ADDITION {
            secure |= value.first().ok_or(Malformed)? & CLIENT_TLS != 0;
        }
        additions = rest;
    }
    Ok(secure)
}
