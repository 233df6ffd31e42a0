//! What a home has of other homes' keys.

use super::*;
use model::key::Epoch;

fn ring(root: u8) -> FileRing {
    FileRing::from_root([root; 32]).expect("a ring")
}

fn class(name: &str) -> DataClass {
    DataClass::parse(name).expect("a class")
}

fn public(root: u8) -> PublicKey {
    ring(root).exchange(&Scope::default()).expect("a pair").public()
}

fn file(root: u8, class: &DataClass) -> KeyFile {
    let scope = Scope::default();
    let file = KeyFile::of(scope.clone(), [class], &mut |class| {
        class_keys(&ring(root), Epoch(1), &scope, class)
    });
    file.expect("keys")
}

/// The fact that the home of root 1 has about the keys of another.
fn fact(root: u8, class: &DataClass) -> (String, String) {
    let (scope, from) = (Scope::default(), public(root));
    let text = file(root, class).write().expect("a text");
    let sealed = ring(1).keep((&scope, class), from, &text).expect("sealed");
    (format!("{scope}/{class}/{from}"), sealed)
}

#[test]
fn a_ring_has_what_the_registry_has_and_knows_whose_keys_are_used() {
    let (own, scope, email) = (ring(1), Scope::default(), class("email"));
    let used = vec![(format!("{scope}/{email}"), public(3).to_string())];
    let kept = read(&own, vec![fact(2, &email), fact(3, &email)], used).expect("read");
    let shown: Vec<_> = kept.iter().map(|kept| kept.shown().expect("shown")).collect();
    assert_eq!(shown.len(), 2);
    for shown in shown {
        assert_eq!(shown.used, shown.from == public(3).to_string());
        assert_eq!((shown.scope, shown.of, shown.version), (scope.clone(), scope.clone(), 1));
    }
    give(&own, kept);
    let handed = own.handed(&scope, &email);
    assert_eq!(handed.iter().filter(|handed| handed.used).count(), 1);
    let first = KeyFile::read(handed[0].keys.expose()).expect("keys").handed(&email).expect("keys");
    assert_eq!(first.bound_to, Some(scope.tenant.clone()));
    assert!(own.handed(&scope, &class("pan")).is_empty());
}

#[test]
fn what_was_changed_in_the_registry_is_not_used() {
    let (own, email) = (ring(1), class("email"));
    let (name, sealed) = fact(2, &email);
    let refused = |name: &str, sealed: &str| {
        let facts = vec![(name.to_owned(), sealed.to_owned())];
        read(&own, facts, Vec::new()).map(|_| ()).map_err(|problem| problem.code)
    };
    assert_eq!(refused(&name, &sealed), Ok(()));
    let other = name.replace("/email/", "/pan/");
    let third = name.replace(&public(2).to_string(), &public(3).to_string());
    let tenant = name.replace("default/", "other/");
    for name in [&other, &third, &tenant, &format!("{name}/x"), &"x".to_owned(), &String::new()] {
        assert_eq!(refused(name, &sealed), Err(Code::KeyHanded), "{name}");
    }
    for cut in [0, 2, sealed.len() - 1, sealed.len() - 2] {
        assert_eq!(refused(&name, &sealed[..cut]), Err(Code::KeyHanded), "{cut}");
    }
    let known = read(&ring(2), vec![(name, sealed)], Vec::new());
    assert!(known.is_err(), "another root key");
}
