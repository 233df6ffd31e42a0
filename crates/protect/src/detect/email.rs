//! E-mail addresses: what people have, not all that RFC 5322 allows.

use super::context::{self, Set, Words};
use super::detector::Hit;
use super::rule::{Confidence, Known};
use super::window::Window;

const WORDS: Words =
    &Set::of(&["email*", "mail*", "e", "from", "to", "cc", "bcc", "recipient*", "sender"]);
/// Longest local part (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;
/// Longest domain.
const DOMAIN: usize = 253;

/// Top-level domains of more than two letters that people have addresses below. Those of two
/// letters are countries.
const TOP: &[&str] = &[
    "academy",
    "agency",
    "app",
    "art",
    "asia",
    "biz",
    "blog",
    "business",
    "care",
    "cat",
    "center",
    "club",
    "cloud",
    "com",
    "community",
    "company",
    "consulting",
    "coop",
    "design",
    "dev",
    "digital",
    "edu",
    "education",
    "email",
    "example",
    "expert",
    "family",
    "finance",
    "fund",
    "global",
    "gov",
    "group",
    "guru",
    "health",
    "host",
    "hotel",
    "info",
    "int",
    "invalid",
    "jobs",
    "law",
    "legal",
    "life",
    "live",
    "ltd",
    "marketing",
    "media",
    "mil",
    "mobi",
    "museum",
    "name",
    "net",
    "network",
    "news",
    "ngo",
    "one",
    "online",
    "org",
    "page",
    "photo",
    "post",
    "press",
    "pro",
    "school",
    "services",
    "shop",
    "site",
    "social",
    "solutions",
    "space",
    "store",
    "studio",
    "support",
    "systems",
    "team",
    "tech",
    "technology",
    "tel",
    "test",
    "today",
    "tools",
    "top",
    "tours",
    "training",
    "travel",
    "university",
    "wiki",
    "work",
    "world",
    "xyz",
    "zone",
];

/// Whether the byte may stand in a local part, as nearly all do.
pub(super) const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'&')
}

const fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// The address around the `@` at `at`.
pub(super) fn examine(window: &Window<'_>, at: usize) -> Option<Hit> {
    let text = window.slice(at.saturating_sub(LOCAL + 1), at);
    let local = text.iter().rev().take_while(|byte| is_local(**byte)).count();
    let start = at - local;
    let begins = window.at(start).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if local == 0 || local > LOCAL || !begins || window.before(at) == Some(b'.') {
        return None;
    }
    let mut end = window.run(at + 1, DOMAIN, is_domain);
    // A full stop or a hyphen behind it belongs to the sentence.
    while end > at && matches!(window.before(end), Some(b'.' | b'-')) {
        end -= 1;
    }
    let domain = window.slice(at + 1, end);
    if !is_name(domain) || window.at(end).is_some_and(|b| matches!(b, b'@' | b'_')) {
        return None;
    }
    let confidence = match context::says(window, start, WORDS) {
        true => Confidence::Context,
        false => Confidence::Pattern,
    };
    Some(Hit { rule: Known::Email.id(), start, end, confidence })
}

/// Whether it is a name of at least two labels below a top-level domain that there is.
fn is_name(domain: &[u8]) -> bool {
    let mut labels = domain.split(|byte| *byte == b'.');
    let right = |label: &[u8]| {
        !label.is_empty() && label.first() != Some(&b'-') && label.last() != Some(&b'-')
    };
    let Some(top) = labels.next_back() else { return false };
    let known = top.len() == 2 && top.iter().all(u8::is_ascii_alphabetic)
        || TOP.iter().any(|known| top.eq_ignore_ascii_case(known.as_bytes()));
    known && labels.clone().count() > 0 && labels.all(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_and_what_looks_like_them_is_not() {
        let found = |text: &str| {
            let at = text.find('@').expect("an at sign");
            let window = Window::new(text.as_bytes(), b"", true);
            examine(&window, at).map(|hit| text[hit.start..hit.end].to_owned())
        };
        for (text, expect) in [
            ("ann@example.com", "ann@example.com"),
            ("<ann.b+c@mail.example.co.uk>", "ann.b+c@mail.example.co.uk"),
            ("write to o'neil@example.org.", "o'neil@example.org"),
            ("a@b.de,c@d.de", "a@b.de"),
        ] {
            assert_eq!(found(text).as_deref(), Some(expect), "{text}");
        }
        for text in [
            "getty@tty1.service",
            "logo@2x.png",
            "Foo@1a2b3c",
            "user@localhost",
            "@decorator",
            "pkg@1.2.3",
            "a@.com",
            "a@-b.com",
            "a@b..com",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
