//! Signed notes against known ones and against everything that is not one.

use super::*;
use crate::tests::{ORIGIN, TestSigner, key};
use proptest::prelude::*;

/// The example of Go's `golang.org/x/mod/sumdb/note`, whose format signed-note is.
const KNOWN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const KNOWN_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                          then you don't know what your problem is.\n";
const KNOWN_SIGNATURE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_that_others_signed_is_opened() {
    let key: VerifierKey = KNOWN_KEY.parse().unwrap();
    assert_eq!(key.to_string(), KNOWN_KEY);
    let note = format!("{KNOWN_TEXT}\n{KNOWN_SIGNATURE}");
    assert_eq!(open(&note, &key), Ok(Opened { text: KNOWN_TEXT, others: 0 }));
}

#[test]
fn a_text_may_have_blank_lines_and_other_signatures() {
    let text = "first\n\n— x AAAA\n\nlast\n";
    let own = sign(text, &key(), &TestSigner::new(1));
    assert_eq!(open(&own, &key()), Ok(Opened { text, others: 0 }));
    let more = format!("{own}{KNOWN_SIGNATURE}");
    assert_eq!(open(&more, &key()), Ok(Opened { text, others: 1 }));
}

#[test]
fn only_the_known_key_opens() {
    let note = sign("text\n", &key(), &TestSigner::new(1));
    let other = VerifierKey::new(ORIGIN, TestSigner::new(2).public_key()).unwrap();
    assert_eq!(open(&note, &other), Err(Error::Unsigned));
    let renamed = VerifierKey::new("other.example", *key().public_key()).unwrap();
    assert_eq!(open(&note, &renamed), Err(Error::Unsigned));
    let forged = sign("text\n", &key(), &TestSigner::new(2));
    assert_eq!(open(&forged, &key()), Err(Error::Signature));
    let moved = note.replacen("text", "tent", 1);
    assert_eq!(open(&moved, &key()), Err(Error::Signature));
}

#[test]
fn what_has_not_the_form_of_a_note_is_refused() {
    let note = sign("text\n", &key(), &TestSigner::new(1));
    let line = note.lines().last().unwrap();
    for text in [
        String::new(),
        "\n\n".to_owned(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        note.trim_end().to_owned(),
        format!("{note}\n"),
        format!("{note}{line}\n"),
        format!("{note}more\n"),
        note.replace('—', "-"),
        note.replace("text", "te\txt"),
        note.replace('\n', "\r\n"),
        format!("text\n\n{line} \n"),
        format!("{}{note}", "x".repeat(NOTE_BYTES_MAX)),
    ] {
        assert!(open(&text, &key()).is_err(), "{:?}", &text[text.len().saturating_sub(200)..]);
    }
}

#[test]
fn keys_that_are_not_exactly_one_are_refused() {
    let key = KNOWN_KEY;
    for text in [
        String::new(),
        "++".to_owned(),
        "name".to_owned(),
        key.replace("c74f20a3", "c74f20a4"),
        key.replace("c74f20a3", "C74F20A3"),
        key.replace("PeterNeumann", "PeterNewmann"),
        key.replace("PeterNeumann", "Peter Neumann"),
        key.replace("+ARpc", "+AhpC"),
        key.replace("10TW", "10T="),
        key[..key.len() - 4].to_owned(),
        format!("{key}AAAA"),
        format!("{key}\n"),
    ] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_opened_or_refused_without_a_panic(text: String) {
        prop_assert!(open(&text, &key()).is_err());
        prop_assert!(text.parse::<VerifierKey>().is_err());
    }

    #[test]
    fn keys_are_read_back(seed: u8, name in "[a-z./]{1,30}") {
        let key = VerifierKey::new(&name, TestSigner::new(seed).public_key()).unwrap();
        prop_assert_eq!(key.to_string().parse(), Ok(key));
    }
}
