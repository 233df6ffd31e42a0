//! Files with another home's keys: who can open which.

use super::*;
use crate::{Exchange, FileRing};
use model::{EnvironmentName, Scope, TenantName};
use proptest::prelude::*;

fn scope(tenant: &str, environment: &str) -> Scope {
    Scope {
        tenant: TenantName::parse(tenant).expect("a name"),
        environment: EnvironmentName::parse(environment).expect("a name"),
    }
}

fn home(root: u8) -> Exchange {
    of(root, &Scope::default())
}

fn of(root: u8, scope: &Scope) -> Exchange {
    FileRing::from_root([root; 32]).expect("a ring").exchange(scope).expect("a pair")
}

/// If this test fails, homes are known by other keys than those that they told each other.
#[test]
fn a_homes_public_key_never_changes() {
    let key = home(1).public();
    assert_eq!(key, home(1).public());
    assert_eq!(key.to_string().len(), PREFIX.len() + 2 * (PUBLIC + CHECK));
    assert_eq!(key.to_string().parse(), Ok(key));
    let mut seen = std::collections::HashSet::from([key]);
    for other in [
        home(2).public(),
        of(1, &scope("other", "main")).public(),
        of(1, &scope("default", "test")).public(),
    ] {
        assert!(seen.insert(other), "two tenants, environments or homes have one key");
    }
}

#[test]
fn a_public_key_that_was_mistyped_is_none() {
    let text = home(1).public().to_string();
    for at in 0..text.len() {
        assert!(text[..at].parse::<PublicKey>().is_err(), "{at} characters");
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).expect("text");
        assert!(changed.parse::<PublicKey>().is_err(), "character {at}");
    }
    assert!(text.to_uppercase().parse::<PublicKey>().is_err());
    assert!(format!("{text}0").parse::<PublicKey>().is_err());
    assert!(format!(" {text}").parse::<PublicKey>().is_err());
}

#[test]
fn only_the_receiver_opens_it_and_only_as_the_senders() {
    let (own, other, third) = (home(1), home(2), home(3));
    let file = own.hand(other.public(), b"keys").expect("sealed").to_string();
    let package = Package::read(&file).expect("a file");
    assert_eq!((package.from, package.to), (own.public(), other.public()));
    let opened = other.take(own.public(), &package).expect("opened");
    assert_eq!(opened.expose().as_slice(), b"keys");
    assert!(other.take(third.public(), &package).is_err(), "another sender");
    assert!(third.take(own.public(), &package).is_err(), "another receiver");
    assert!(own.take(own.public(), &package).is_err(), "the sender itself");
    let tenant = of(2, &scope("other", "main"));
    assert!(tenant.take(own.public(), &package).is_err(), "another tenant of the receiver");
    // Whoever knows both public keys cannot say that it is from the sender.
    let forged = third.hand(other.public(), b"keys").expect("sealed");
    let forged = Package { from: own.public(), ..forged };
    assert!(other.take(own.public(), &forged).is_err(), "a forged sender");
    let sent_on = Package { to: third.public(), ..package.clone() };
    assert!(third.take(own.public(), &sent_on).is_err(), "sent on");
    assert!(other.take(own.public(), &sent_on).is_err(), "its head is authenticated");
    assert!(own.hand(PublicKey([0; PUBLIC]), b"keys").is_err(), "a key that nobody can have");
}

#[test]
fn a_file_that_was_changed_or_cut_off_is_no_file_or_opens_nothing() {
    let (own, other) = (home(1), home(2));
    let file = own.hand(other.public(), b"keys").expect("sealed").to_string();
    let opens = |text: &str| {
        Package::read(text).is_ok_and(|package| other.take(own.public(), &package).is_ok())
    };
    assert!(opens(&file));
    for at in 0..file.len() {
        assert!(!opens(&file[..at]), "{at} bytes");
        let mut changed = file.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        assert!(!opens(std::str::from_utf8(&changed).expect("text")), "byte {at}");
    }
    assert!(!opens(&format!("{file}\n")) && !opens(&format!("{file}{file}")));
    assert!(!opens(&file.to_uppercase()) && !opens(&file.replace('\n', "\r\n")));
    assert!(Package::read(&"a".repeat(FILE_BYTES_MAX + 1)).is_err());
}

proptest! {
    #[test]
    fn whatever_is_handed_over_comes_out_as_it_was(
        plain in proptest::collection::vec(any::<u8>(), 0..300),
        from in 1u8..4,
        to in 4u8..7,
    ) {
        let (own, other) = (home(from), home(to));
        let file = own.hand(other.public(), &plain).expect("sealed").to_string();
        let package = Package::read(&file).expect("a file");
        prop_assert_eq!(package.to_string(), file);
        let opened = other.take(own.public(), &package).expect("opened");
        prop_assert_eq!(opened.expose(), &plain);
    }

    #[test]
    fn any_text_at_all_is_read_as_it_stands_or_refused(text in "(casemate class keys v1\n)?.{0,200}") {
        if let Ok(package) = Package::read(&text) {
            prop_assert_eq!(package.to_string(), text);
        }
    }
}
