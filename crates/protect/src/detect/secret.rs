//! Keys, tokens and passwords: those that can be told by their form, and those that are assigned
//! to a name that says so.

mod assigned;
mod begin;
mod long;
pub(super) mod table;

use super::detector::Hit;
use super::rule::{self, Confidence};
use super::window::{Window, is_word};
use aho_corasick::{
    AhoCorasick, AhoCorasickKind, Anchored, BuildError, Input, MatchKind, StartKind,
};
use table::ROWS;

/// What is looked at behind a keyword, beside the rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    Jwt,
    PrivateKey,
    Assigned,
    Bearer,
    UrlPassword,
}

/// Keywords that are no prefixes of keys by themselves.
const SPECIAL: &[(&str, Special)] = &[
    ("eyJ", Special::Jwt),
    ("-----BEGIN ", Special::PrivateKey),
    ("://", Special::UrlPassword),
    ("Bearer ", Special::Bearer),
    ("Basic ", Special::Bearer),
];

/// Names whose values are secret, in the ways that they are written.
const NAMES: &[&str] = &[
    "password",
    "Password",
    "PASSWORD",
    "passwd",
    "Passwd",
    "PASSWD",
    "secret",
    "Secret",
    "SECRET",
    "api_key",
    "apikey",
    "apiKey",
    "ApiKey",
    "APIKEY",
    "API_KEY",
    "api-key",
    "Api-Key",
    "access_key",
    "accessKey",
    "AccessKey",
    "ACCESS_KEY",
    "token",
    "Token",
    "TOKEN",
    "credential",
    "Credential",
    "CREDENTIAL",
    "private_key",
    "privateKey",
    "passphrase",
    "PASSPHRASE",
];

/// All that begins secrets, looked for at once.
#[derive(Debug)]
pub(super) struct Secrets {
    /// Tells at a place which keyword begins there.
    keywords: AhoCorasick,
    /// What is to be looked at for each keyword.
    what: Vec<(Vec<usize>, Vec<Special>)>,
    texts: Vec<&'static str>,
    /// Longest keyword, in bytes.
    longest: usize,
}

impl Secrets {
    pub(super) fn new() -> Result<Self, BuildError> {
        let special = SPECIAL.iter().copied();
        let special: Vec<_> =
            special.chain(NAMES.iter().map(|name| (*name, Special::Assigned))).collect();
        let rows = ROWS.iter().map(|row| row.prefix);
        let mut texts: Vec<&str> = rows.chain(special.iter().map(|(text, _)| *text)).collect();
        texts.sort_unstable();
        texts.dedup();
        let what = texts.iter().map(|text| {
            let rows = ROWS.iter().enumerate().filter(|(_, row)| text.starts_with(row.prefix));
            let mut rows: Vec<usize> = rows.map(|(at, _)| at).collect();
            rows.sort_by_key(|at| std::cmp::Reverse(ROWS.get(*at).map(|row| row.prefix.len())));
            let specials = special.iter().filter(|(keyword, _)| text.starts_with(keyword));
            (rows, specials.map(|(_, special)| *special).collect())
        });
        let what = what.collect();
        let keywords = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .build(&texts)?;
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or_default();
        Ok(Self { keywords, what, texts, longest })
    }

    /// The next keyword from `from` on, and which it is.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut from = from;
        loop {
            let at = begin::next(bytes, from)?;
            let input = Input::new(bytes).span(at..bytes.len()).anchored(Anchored::Yes);
            if let Some(found) = self.keywords.find(input) {
                return Some((at, found.pattern().as_usize()));
            }
            from = at + 1;
        }
    }

    /// Where the last bytes may be the beginning of a keyword; the length if nowhere.
    pub(super) fn tail(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len())
            .find(|at| {
                let tail = bytes.get(*at..).unwrap_or_default();
                if matches!(tail, [a, b, ..] if begin::thirds(*a, *b) == 0) {
                    return false;
                }
                let place = self.texts.partition_point(|text| text.as_bytes() < tail);
                let next = self.texts.get(place..).unwrap_or_default();
                let more = |text: &&&str| text.as_bytes().starts_with(tail);
                next.iter().take_while(more).any(|text| text.len() > tail.len())
            })
            .unwrap_or(bytes.len())
    }

    /// The secret that the keyword at `at` begins or names.
    pub(super) fn examine(&self, window: &Window<'_>, at: usize, keyword: usize) -> Option<Hit> {
        let (rows, specials) = self.what.get(keyword)?;
        if let Some(hit) = rows.iter().find_map(|row| match_row(window, at, *row)) {
            return Some(hit);
        }
        let name = self.texts.get(keyword)?;
        specials.iter().find_map(|special| match special {
            Special::Jwt => long::jwt(window, at),
            Special::PrivateKey => long::private_key(window, at),
            Special::Assigned => assigned::named(window, at + name.len()),
            Special::Bearer => assigned::bearer(window, at + name.len()),
            Special::UrlPassword => assigned::in_url(window, at + name.len()),
        })
    }
}

/// Whether a secret may begin at `at`: not within a word.
fn begins(window: &Window<'_>, at: usize) -> bool {
    !window.before(at).is_some_and(is_word) || window.begins(at)
}

fn match_row(window: &Window<'_>, start: usize, index: usize) -> Option<Hit> {
    let row = ROWS.get(index)?;
    let body = start + row.prefix.len();
    let (least, most) = row.length;
    let mut end = window.run(body, most + 1, |byte| row.of.has(byte));
    // A full stop or a hyphen behind it belongs to the sentence.
    while end > body && matches!(window.before(end), Some(b'.' | b'-')) {
        end -= 1;
    }
    let text = window.slice(body, end);
    if !(least..=most).contains(&text.len())
        || window.at(end).is_some_and(|byte| byte.is_ascii_alphanumeric())
        || !begins(window, start)
        || entropy(text) < row.entropy
        || text.ends_with(b"EXAMPLE")
    {
        return None;
    }
    Some(Hit { rule: rule::secret(index), start, end, confidence: Confidence::Checksum })
}

/// Shannon's entropy of the bytes of a text, in tenths of a bit per byte.
pub(super) fn entropy(text: &[u8]) -> u32 {
    let mut counts = [0_u16; 256];
    let text = text.get(..2048).unwrap_or(text);
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let part = |count: &u16| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    };
    let bits: f64 = counts.iter().filter(|count| **count > 0).map(part).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 80")]
    let tenths = (bits * 10.0) as u32;
    tenths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_well_formed() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(row.length.0 <= row.length.1 && row.length.1 <= 2048, "{}", row.name);
            assert!(ROWS[..at].iter().all(|other| other.name != row.name), "{}", row.name);
            assert!(ROWS[..at].iter().all(|other| other.prefix != row.prefix), "{}", row.name);
        }
    }

    #[test]
    fn entropy_is_low_for_what_people_type_as_an_example() {
        assert_eq!(entropy(b"xxxxxxxxxxxxxxxx"), 0);
        assert_eq!(entropy(b"0123456789abcdef"), 40);
        assert!(entropy(b"") == 0);
    }

    proptest! {
        #[test]
        fn keywords_are_found_as_an_automaton_finds_them_that_reads_every_byte(
            parts in proptest::collection::vec(part(), 0..30),
        ) {
            let (text, secrets) = (parts.concat(), Secrets::new().expect("built"));
            let plain = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&secrets.texts)
                .expect("built");
            for from in 0..=text.len() {
                let input = Input::new(&text).span(from..text.len());
                let wanted = plain.find(input).map(|it| (it.start(), it.pattern().as_usize()));
                prop_assert_eq!(secrets.find(&text, from), wanted);
            }
        }
    }

    /// Keywords, beginnings of keywords, and bytes.
    fn part() -> impl Strategy<Value = Vec<u8>> {
        let texts = Secrets::new().expect("built").texts;
        let keyword = (proptest::sample::select(texts), 0_usize..30)
            .prop_map(|(text, most)| text.as_bytes()[..most.min(text.len())].to_vec());
        prop_oneof![keyword, proptest::collection::vec(any::<u8>(), 0..3)]
    }

    #[test]
    fn the_beginning_of_a_keyword_at_the_end_is_seen() {
        let secrets = Secrets::new().expect("built");
        assert_eq!(secrets.tail(b"abc ghp"), 4);
        assert_eq!(secrets.tail(b"abc ghp_"), 8);
        assert_eq!(secrets.tail(b"the end.\n"), 9);
        assert_eq!(secrets.tail(b"-----BEGI"), 0);
        assert_eq!(secrets.tail(b"sk-"), 0, "`sk-ant-` may follow");
    }
}
