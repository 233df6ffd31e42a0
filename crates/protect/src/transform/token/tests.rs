//! Tokens: the standard's vectors, what they are bound to, and one spelling each.

use super::*;
use crate::transform::Mode;
use aes_siv::siv::Aes128Siv;
use model::TenantName;
use proptest::prelude::*;

fn tokens(tenant: &str, class: &str, mode: Mode, version: u32, key: u8) -> Tokens {
    let names = Names {
        tenant: TenantName::parse(tenant).expect("a name"),
        class: DataClass::parse(class).expect("a class"),
        mode,
    };
    Tokens::new(names, &keys(version, key)).expect("short names")
}

fn keys(version: u32, key: u8) -> ClassKeys {
    let short = || Secret::new([key; 32]);
    let siv = Secret::new([key; 64]);
    let (fpe, format_hash, hash) = (short(), short(), short());
    ClassKeys {
        version,
        fpe,
        siv,
        format_hash,
        hash,
        subject: None,
        salt: None,
        bound_to: None,
        others: Vec::new(),
    }
}

fn own() -> Tokens {
    tokens("acme", "email", Mode::Join, 1, 1)
}

fn text(text: &str) -> Value<'_> {
    Value::Text(text.into())
}

/// RFC 5297, appendix A.1 and A.2.
#[test]
fn the_library_agrees_with_rfc_5297() {
    let bytes = |text: &str| hex::decode(text).expect("hex");
    let run = |key: &str, headers: &[Vec<u8>], plain: &str, sealed: &str| {
        let mut siv = Aes128Siv::new_from_slice(&bytes(key)).expect("a key");
        let made = siv.encrypt(headers, &bytes(plain)).expect("sealed");
        assert_eq!(hex::encode(&made), sealed);
        assert_eq!(siv.decrypt(headers, &made).expect("opened"), bytes(plain));
    };
    run(
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        &[bytes("101112131415161718191a1b1c1d1e1f2021222324252627")],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
    );
    run(
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        &[
            bytes(
                "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            ),
            bytes("102030405060708090a0"),
            bytes("09f911029d74e35bd84156c5635688c0"),
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
    );
}

/// Computed apart from this code, with Python's `cryptography`. If this fails, tokens that exist
/// can no longer be read.
#[test]
fn tokens_never_change() {
    let token = own().seal(&text("jo@example.com"), None).expect("sealed");
    assert_eq!(token, "tok_email_1_tey276k3h4evwzpgp63lhhw6agic5wckorcvif55lvp2yxdn");
}

#[test]
fn a_token_of_another_class_version_tenant_mode_or_key_is_told_apart() {
    let token = own().seal(&text("jo@example.com"), None).expect("sealed");
    let open = |tokens: Tokens| tokens.open(&token, Some("r")).expect_err("refused");
    assert_eq!(
        open(tokens("acme", "phone", Mode::Join, 1, 1)),
        Error::OtherClass { found: "email".to_owned() }
    );
    assert_eq!(
        open(tokens("acme", "email", Mode::Join, 2, 1)),
        Error::OtherVersion { found: 1, own: 2 }
    );
    for other in [
        tokens("other", "email", Mode::Join, 1, 1),
        tokens("acme", "email", Mode::Isolated, 1, 1),
        tokens("acme", "email", Mode::Join, 1, 2),
    ] {
        assert_eq!(open(other), Error::NotAuthentic);
    }
}

#[test]
fn an_isolated_token_opens_for_its_record_only() {
    let isolated = tokens("acme", "email", Mode::Isolated, 1, 1);
    let one = isolated.seal(&text("a"), Some("1")).expect("sealed");
    assert_ne!(one, isolated.seal(&text("a"), Some("2")).expect("sealed"));
    assert_eq!(isolated.open(&one, Some("1")), Ok(text("a")));
    assert_eq!(isolated.open(&one, Some("2")), Err(Error::NotAuthentic));
    assert_eq!(isolated.open(&one, None), Err(Error::NoRecord));
}

#[test]
fn a_token_is_no_value_and_a_value_is_no_token() {
    let token = own().seal(&text("a"), None).expect("sealed");
    assert_eq!(own().seal(&text(&token), None), Err(Error::AlreadyToken));
    assert_eq!(own().open("jo@example.com", None), Err(Error::NotToken));
}

#[test]
fn another_spelling_of_a_token_is_none() {
    let token = own().seal(&text("a"), None).expect("sealed");
    for other in [
        token.to_uppercase(),
        token.replace("_1_", "_01_"),
        token.replace("_1_", "_+1_"),
        format!("{token}="),
        format!(" {token}"),
        token.replace("tok_", "tok__"),
    ] {
        assert!(!is_token(&other), "{other}");
        assert_eq!(own().open(&other, None), Err(Error::NotToken), "{other}");
    }
    // 17 bytes are 27 and one fifth characters: four bits of the last one are zero.
    let last = token.pop_last();
    let spelt = ('b'..='z').find_map(|c| {
        let other = format!("{last}{c}");
        (other != token && own().open(&other, None).is_ok()).then_some(other)
    });
    assert_eq!(spelt, None);
}

trait PopLast {
    fn pop_last(&self) -> &str;
}

impl PopLast for String {
    fn pop_last(&self) -> &str {
        &self[..self.len() - 1]
    }
}

#[test]
fn numbers_and_truth_values_come_back_as_what_they_were() {
    for literal in ["0", "-1.50e3", "true"] {
        let value = Value::Literal(literal.into());
        let token = own().seal(&value, None).expect("sealed");
        assert_ne!(token, own().seal(&text(literal), None).expect("sealed"));
        assert_eq!(own().open(&token, None).expect("opened"), value);
    }
    assert!(matches!(own().seal(&text(&"x".repeat(70_000)), None), Err(Error::TooLong { .. })));
}

proptest! {
    #[test]
    fn any_text_comes_back_and_its_token_is_always_the_same(value in ".{0,200}") {
        prop_assume!(!is_token(&value));
        let token = own().seal(&text(&value), None).expect("sealed");
        prop_assert_eq!(&token, &own().seal(&text(&value), None).expect("sealed"));
        prop_assert!(is_token(&token));
        let opened = own().open(&token, None).expect("opened");
        prop_assert_eq!(opened, text(&value));
    }

    #[test]
    fn a_changed_character_is_noticed(value in "[a-z]{1,30}", at: prop::sample::Index, to in "[a-z2-7]") {
        let token = own().seal(&text(&value), None).expect("sealed");
        let at = "tok_email_1_".len() + at.index(token.len() - "tok_email_1_".len());
        let mut other = token.clone();
        other.replace_range(at..=at, &to);
        prop_assume!(other != token);
        let refused = own().open(&other, None).expect_err("refused");
        prop_assert!(matches!(refused, Error::NotAuthentic | Error::NotToken));
    }

    #[test]
    fn foreign_texts_never_open(value in "(tok_email_1_)?[a-z2-7_]{0,60}") {
        prop_assert!(own().open(&value, None).is_err());
    }
}

#[test]
fn a_token_of_a_subject_names_its_salt_and_opens_with_no_other() {
    let of = |id: u8| {
        let names = own().names;
        let keys = ClassKeys { salt: Some(SaltId([id; 16])), ..keys(1, 1) };
        Tokens::new(names, &keys).expect("short names")
    };
    let token = of(9).seal(&text("jo@example.com"), None).expect("sealed");
    let read = Token::parse(&token).expect("a token");
    assert_eq!(read.salt, Some(SaltId([9; 16])), "{token}");
    let opened = of(9).open(&token, None).expect("opened");
    assert_eq!(opened.as_str(), "jo@example.com");
    for other in [of(8), own()] {
        assert_eq!(other.open(&token, None), Err(Error::OtherSalt));
    }
    let plain = own().seal(&text("jo@example.com"), None).expect("sealed");
    assert_eq!(of(9).open(&plain, None), Err(Error::OtherSalt));
    // One spelling: neither a shorter salt, nor bits that no salt has, nor a third part.
    let salt = token.split('_').nth(3).expect("the salt");
    for wrong in [
        token.replace(salt, &salt[1..]),
        token.replace(salt, &format!("{}z", &salt[..25])),
        token.replace(salt, ""),
        token.replace(salt, &salt.to_ascii_uppercase()),
        format!("{token}_a"),
    ] {
        assert_eq!(Token::parse(&wrong), None, "{wrong}");
    }
}
