//! Values in every form and cut in every way.

use super::found::COVER;
use super::*;
use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use bytes::Bytes;
use proptest::prelude::*;

const VALUE: &[u8] = b"sk_live_51H8x/Q2+eZv\"q";

fn masker() -> Arc<Masker> {
    let mut masker = Masker::default();
    masker.add(&SecretName::parse("psp").expect("a name"), &Secret::new(VALUE.to_vec()));
    Arc::new(masker)
}

fn through(frames: &[&[u8]]) -> (Vec<u8>, u64) {
    let mut stream = Stream::new(masker());
    let (mut out, mut hits) = (Vec::new(), 0);
    for frame in frames {
        let (passed, found) = stream.push(Bytes::copy_from_slice(frame));
        out.extend_from_slice(&passed);
        hits += found.iter().map(|hit| hit.bytes).sum::<u64>();
    }
    out.extend_from_slice(&stream.rest().unwrap_or_default());
    (out, hits)
}

fn base64(text: &[u8], alphabet: &Alphabet) -> Vec<u8> {
    GeneralPurpose::new(alphabet, NO_PAD).encode(text).into_bytes()
}

#[test]
fn a_value_is_found_in_every_form() {
    let with = |before: &str, after: &str| [before.as_bytes(), VALUE, after.as_bytes()].concat();
    for echo in [
        VALUE.to_vec(),
        percent(VALUE, false),
        percent(VALUE, true),
        serde_json::to_vec(&String::from_utf8_lossy(VALUE)).expect("text"),
        VALUE.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
        base64(VALUE, &STANDARD),
        base64(&with("shop:", ""), &STANDARD),
        base64(&with("shop", "x"), &STANDARD),
        base64(&with("shops:", "xyz"), &URL_SAFE),
    ] {
        let text = [b"before ".as_slice(), &echo, b" after"].concat();
        let (out, hits) = through(&[&text]);
        assert!(hits > 0, "{}", String::from_utf8_lossy(&text));
        assert_eq!(out.len(), text.len());
        assert!(out.starts_with(b"before ") && out.ends_with(b" after"));
        let kept = out.iter().filter(|byte| **byte != COVER).count();
        assert!(kept < b"before  after".len() + 16, "{}", String::from_utf8_lossy(&out));
    }
}

#[test]
fn what_cannot_become_a_value_is_passed_on_at_once() {
    let mut stream = Stream::new(masker());
    let (passed, _) = stream.push(Bytes::from_static(b"data: hello\n\n"));
    assert_eq!((&passed[..], stream.held()), (b"data: hello\n\n".as_slice(), 0));
    let (passed, _) = stream.push(Bytes::from_static(b"key sk_li"));
    assert_eq!((&passed[..], stream.held()), (b"key ".as_slice(), 5));
    let (passed, hits) = stream.push(Bytes::from_static(b"ne"));
    assert_eq!((&passed[..], hits), (b"sk_line".as_slice(), Vec::new()));
}

#[test]
fn lines_of_a_long_value_are_found_one_by_one() {
    let mut masker = Masker::default();
    let pem = b"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n";
    masker.add(&SecretName::parse("pem").expect("a name"), &Secret::new(pem.to_vec()));
    let (text, _) = masker.whole(b"x AQEFAASCBKcwggSjAgEAAoIB y").expect("found");
    assert_eq!(text, b"x ************************ y");
}

proptest! {
    #[test]
    fn frames_do_not_matter(
        before in "[a-z_]{0,30}", after in "[a-z_]{0,30}",
        cuts in proptest::collection::vec(0_usize..90, 0..6),
    ) {
        let text = [before.as_bytes(), VALUE, b" sk_", VALUE, after.as_bytes()].concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let frames: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let (out, _) = through(&frames);
        let cover = "*".repeat(VALUE.len());
        prop_assert_eq!(String::from_utf8_lossy(&out), format!("{before}{cover} sk_{cover}{after}"));
    }
}

fn class() -> DataClass {
    DataClass::parse("pan").expect("a class")
}

fn looking_for<'v>(values: impl IntoIterator<Item = &'v str>) -> Masker {
    let mut masker = Masker::default();
    values.into_iter().for_each(|value| masker.add_value(&class(), value));
    masker
}

fn passed(masker: &Arc<Masker>, frames: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::new(Arc::clone(masker));
    let mut out: Vec<u8> = Vec::new();
    for frame in frames {
        out.extend_from_slice(&stream.push(Bytes::copy_from_slice(frame)).0);
    }
    out.extend_from_slice(&stream.rest().unwrap_or_default());
    out
}

#[test]
fn a_longer_value_is_covered_where_a_shorter_one_has_ended() {
    let masker = Arc::new(looking_for(["411111", "4111111111111111"]));
    for cut in 0..=18 {
        let text = b"<4111111111111111>";
        let out = passed(&masker, &[&text[..cut], &text[cut..]]);
        assert_eq!(String::from_utf8_lossy(&out), "<****************>", "{cut}");
    }
    assert_eq!(passed(&masker, &[b"<411111", b"222>"]), b"<******222>");
    assert_eq!(passed(&masker, &[b"<411111"]), b"<******");
}

#[test]
fn values_are_found_as_forms_and_scripts_write_them() {
    let masker = looking_for(["12/24 Main Street & co"]);
    for text in
        ["12%2F24+Main+Street+%26+co", "12%2f24+Main+Street+%26+co", "12\\/24 Main Street & co"]
    {
        let (out, _) = masker.whole(text.as_bytes()).expect("found");
        assert!(out.iter().all(|byte| *byte == COVER), "{text}");
    }
}

/// With a comparison of each value with each other one, or of each place of a text with each value
/// that begins like it, neither of these would end.
#[test]
fn many_values_that_begin_alike_are_learnt_and_looked_for_in_one_pass() {
    let cards: Vec<String> = (0..10_000).map(|it| format!("41111111{it:08}")).collect();
    let masker = looking_for(cards.iter().map(String::as_str));
    let again = masker.patterns.len();
    let text = "4111111141111111".repeat(8_000) + &cards[9_999];
    let (out, hits) = masker.whole(text.as_bytes()).expect("found");
    assert!(out.ends_with(b"*") && hits[0].bytes >= 16);
    let mut masker = masker;
    cards.iter().for_each(|card| masker.add_value(&class(), card));
    assert_eq!(masker.patterns.len(), again);
    let long = "a".repeat(4096);
    let masker = Arc::new(looking_for([format!("{long}b").as_str(), format!("{long}c").as_str()]));
    let text = "a".repeat(1 << 20);
    let frames: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
    assert_eq!(passed(&masker, &frames).len(), text.len());
}

proptest! {
    #[test]
    fn no_known_value_comes_through_in_any_split(
        values in proptest::collection::vec("[ab1]{6,14}", 1..5),
        pieces in proptest::collection::vec((any::<proptest::sample::Index>(), "[ab1]{0,4}"), 0..6),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let masker = Arc::new(looking_for(values.iter().map(String::as_str)));
        let text: String =
            pieces.iter().map(|(at, between)| format!("{between}{}", at.get(&values))).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let frames: Vec<&[u8]> =
            cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
        let out = passed(&masker, &frames);
        let mut expected = text.clone().into_bytes();
        for (at, value) in (0..text.len()).flat_map(|at| values.iter().map(move |it| (at, it))) {
            if text[at..].starts_with(value.as_str()) {
                expected[at..at + value.len()].fill(COVER);
            }
        }
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
    }
}
