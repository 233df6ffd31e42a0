//! Addresses of devices, IPv4 and IPv6. They are observed only: a version has the same shape.

use super::context::{self, Set, Words};
use super::detector::Hit;
use super::digits::{Groups, table::Seps};
use super::rule::{Confidence, Known};
use super::window::Window;
use std::net::Ipv6Addr;

const WORDS: Words = &Set::of(&[
    "ip",
    "ipv",
    "addr*",
    "address*",
    "client*",
    "remote*",
    "peer*",
    "host*",
    "forwarded*",
    "src",
    "dst",
    "source",
    "destination",
    "from",
    "real",
]);
const VERSIONS: Words = &Set::of(&[
    "version*", "ver", "v", "release*", "build*", "chrome", "mozilla", "safari", "oid", "section",
]);
/// Longest text of an IPv6 address.
const SIX: usize = 45;

fn confidence(window: &Window<'_>, start: usize) -> Confidence {
    match context::says(window, start, WORDS) {
        true => Confidence::Context,
        false => Confidence::Pattern,
    }
}

/// An IPv4 address at the beginning of these digits.
pub(super) fn four(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    let lengths = groups.lengths().get(..4)?;
    let same = Seps::Same(b".");
    if lengths.iter().any(|length| *length > 3) || !groups.are(lengths, same) {
        return None;
    }
    let mut digits = groups.digits(4);
    let mut octets = [0_u8; 4];
    for (octet, length) in octets.iter_mut().zip(lengths) {
        let (own, rest) = digits.split_at_checked(usize::from(*length))?;
        let value = own.iter().fold(0_u16, |sum, digit| sum * 10 + u16::from(*digit));
        if value > 255 || (own.len() > 1 && own.first() == Some(&0)) {
            return None;
        }
        (*octet, digits) = (u8::try_from(value).ok()?, rest);
    }
    let (start, end) = (groups.start, groups.end(4));
    // This host, everybody and nobody are no person's.
    let nobodys = matches!(octets, [0 | 127, ..] | [255, 255, ..]);
    if nobodys || !window.ends(end) || context::says(window, start, VERSIONS) {
        return None;
    }
    Some(Hit { rule: Known::Ip.id(), start, end, confidence: confidence(window, start) })
}

/// Whether an IPv6 address may go on with the byte behind a `:`.
pub(super) const fn goes_on(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':'
}

/// An IPv6 address whose first `:` is at `at`.
pub(super) fn six(window: &Window<'_>, at: usize) -> Option<Hit> {
    let next = window.at(at + 1).filter(|byte| goes_on(*byte))?;
    let group = window.slice(at.saturating_sub(5), at);
    if next != b':' && !group.last().is_some_and(u8::is_ascii_hexdigit) {
        return None;
    }
    let group = group.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let start = at - group;
    let before = window.before(start);
    if group > 4 || before.is_some_and(|b| super::window::is_word(b) || matches!(b, b':' | b'.')) {
        return None;
    }
    let end = window.run(start, SIX + 1, |b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    let text = window.slice(start, end);
    let text = text.strip_suffix(b".").unwrap_or(text);
    let end = start + text.len();
    let colons = text.iter().filter(|byte| **byte == b':').count();
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if colons < 2 || digits == 0 || text.len() < 6 || !window.ends(end) {
        return None;
    }
    // Times and the addresses of interfaces have fewer groups, and leave none out.
    if colons < 6 && !text.array_windows().any(|pair| pair == b"::") {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    if address.is_loopback() || address.is_unspecified() {
        return None;
    }
    Some(Hit { rule: Known::Ip.id(), start, end, confidence: confidence(window, start) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_address_has_seven_colons_or_leaves_groups_out(
            text in "[0-9a-f]{1,4}(::?[0-9a-f]{1,4}){1,7}(:1[.]2[.]3[.]4)?",
        ) {
            let colons = text.bytes().filter(|byte| *byte == b':').count();
            let is_told = colons >= 6 || text.contains("::");
            prop_assert!(is_told || text.parse::<Ipv6Addr>().is_err());
        }
    }
}
