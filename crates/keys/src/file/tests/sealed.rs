//! Files that are sealed with a passphrase.

use super::*;
use crate::passphrase::SALT_BYTES;
use argon2::{Algorithm, Argon2, Params, Version};

/// As cheap as it may be: these tests are not about what a try costs.
const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec()).unwrap()
}

fn cheap(text: &str) -> Seal {
    Seal::with(&passphrase(text), CHEAP, [3; SALT_BYTES]).unwrap()
}

const OWN: &str = "correct horse battery";

fn sealed_text() -> String {
    encode(&roots(&[0x5a, 0x3c]), Some(&cheap(OWN))).unwrap().to_string()
}

fn opened(text: &str, with: &str) -> Result<Vec<(u32, [u8; 32])>, Code> {
    let Ok(Form::Sealed(sealed)) = decode(text.as_bytes()) else {
        return Err(Code::RootKeyInvalid);
    };
    let opened = sealed.open(Path::new("root.key"), Some(&passphrase(with)));
    opened.map(|(roots, _)| secrets(&roots)).map_err(|error| error.code())
}

/// The value is of the reference implementation's own tests (`test.c`).
#[test]
fn argon2id_agrees_with_the_reference_implementation() {
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(65536, 2, 1, Some(32)).unwrap())
        .hash_password_into(b"password", b"somesalt", &mut key)
        .unwrap();
    assert_eq!(
        hex::encode(key),
        "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
    );
}

#[test]
fn only_its_passphrase_opens_it() {
    let text = sealed_text();
    assert_eq!(opened(&text, OWN).unwrap(), [(1, [0x5a; 32]), (2, [0x3c; 32])]);
    assert_eq!(opened(&text, "correct horse batterz"), Err(Code::PassphraseWrong));
    for root in ["5a".repeat(32), "3c".repeat(32)] {
        assert!(!text.contains(&root), "a root stands in a sealed file");
    }
}

#[test]
fn every_part_of_a_sealed_file_is_authenticated() {
    let text = sealed_text();
    let fingerprints: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("epoch ")?.split(' ').nth(2)).collect();
    let (first, second) = (fingerprints[0], fingerprints[1]);
    for changed in [
        text.replace("epoch 2", "epoch 3"),
        text.replace(&NOW.0.to_string(), "1"),
        text.replace(first, second),
        text.replace("argon2id 8 1 1", "argon2id 9 1 1"),
        text.replace(&"03".repeat(SALT_BYTES), &"04".repeat(SALT_BYTES)),
    ] {
        assert_ne!(changed, text);
        assert_eq!(opened(&changed, OWN), Err(Code::PassphraseWrong), "{changed}");
    }
    let last = text.trim_end().len() - 1;
    let mut bytes = text.clone().into_bytes();
    bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
    assert_eq!(opened(&String::from_utf8(bytes).unwrap(), OWN), Err(Code::PassphraseWrong));
}

#[test]
fn a_sealed_file_is_made_opened_rotated_and_shortened_and_stays_sealed() {
    let home = directory();
    let path = home.path().join("root.key");
    let own = passphrase(OWN);
    let made = RootKeyFile::create(&path, NOW, Some(&own)).unwrap();
    assert_eq!(made.sealed(), Some(Cost::USUAL));
    assert_eq!(RootKeyFile::open(&path, None).unwrap_err().code(), Code::PassphraseMissing);
    let wrong = RootKeyFile::open(&path, Some(&passphrase("something else"))).unwrap_err();
    assert_eq!(wrong.code(), Code::PassphraseWrong);
    assert_eq!(RootKeyFile::look(&path).unwrap(), (made.made(), Some(Cost::USUAL)));
    RootKeyFile::rotate(&path, &made, Epoch(1), NOW).unwrap().begin(&made);
    assert_eq!(RootKeyFile::open(&path, None).unwrap_err().code(), Code::PassphraseMissing);
    let again = RootKeyFile::open(&path, Some(&own)).unwrap();
    assert_eq!((again.made(), again.epoch()), (made.made(), Epoch(2)));
    RootKeyFile::rotate(&path, &made, Epoch(2), NOW).unwrap().begin(&made);
    RootKeyFile::retire(&path, &made, Epoch(2)).unwrap();
    assert_eq!(RootKeyFile::open(&path, None).unwrap_err().code(), Code::PassphraseMissing);
    let again = RootKeyFile::open(&path, Some(&own)).unwrap();
    assert_eq!((again.made(), again.epochs()), (made.made(), vec![Epoch(1), Epoch(3)]));
    // A file that was sealed anew meanwhile is not sealed back.
    let text = RootKeyFile::copy(&again, None).unwrap();
    write(&path, text.expose(), 0o600);
    let error = RootKeyFile::rotate(&path, &made, Epoch(3), NOW).unwrap_err();
    assert_eq!(error.code(), Code::RootKeyChanged);
}

#[test]
fn what_is_too_short_or_too_long_is_no_passphrase() {
    for bad in ["", "\n", "short", "eleven char\n", &"x".repeat(1025)] {
        let error = Passphrase::new(bad.as_bytes().to_vec()).unwrap_err();
        assert_eq!(error.code(), Code::PassphraseUnfit, "{bad:?}");
    }
    for good in ["twelve chars", "twelve chars\n", "twelve chars\r\n", &"x".repeat(1024)] {
        assert!(Passphrase::new(good.as_bytes().to_vec()).is_ok(), "{good:?}");
    }
    assert_eq!(opened(&sealed_text(), &format!("{OWN}\n")), opened(&sealed_text(), OWN));
}

#[test]
fn a_passphrase_that_others_can_read_is_refused() {
    let home = directory();
    let path = home.path().join("passphrase");
    for (mode, fits) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        write(&path, format!("{OWN}\n"), mode);
        assert_eq!(Passphrase::read(&path).is_ok(), fits, "{mode:o}");
    }
    let error = Passphrase::read(&home.path().join("missing")).unwrap_err();
    assert_eq!(error.code(), Code::PassphraseUnfit);
    assert!(Passphrase::read(home.path()).is_err());
    write(&path, "x".repeat(100_000), 0o600);
    let error = Passphrase::read(&path).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("xxx"), "{error}");
}

#[test]
fn nothing_shows_a_passphrase_or_a_root() {
    let shown = format!("{:?} {:?}", passphrase(OWN), cheap(OWN));
    assert!(!shown.contains("horse") && !shown.contains("104, 111"), "{shown}");
}
