//! Values of two homes, of which one handed its keys over.

use crate::contract::tests::fields;
use crate::contract::{Bound, Direction, Tally};
use crate::outside::KeyFile;
use crate::transform::ClassKeys;
use model::key::Epoch;
use model::{Code, DataClass, Problem, Scope, Secret, TenantName};
use proptest::prelude::*;
use serde_json::json;

/// The keys of a home, as its ring derives them.
fn own(home: u8, version: u32) -> ClassKeys {
    let derived = ClassKeys::derive(Epoch(version), |purpose| {
        let seed = home.wrapping_mul(31).wrapping_add(purpose.word().len() as u8);
        Ok::<_, Problem>(Secret::new([seed; 64]))
    });
    derived.expect("keys")
}

fn email() -> DataClass {
    DataClass::parse("email").expect("a class")
}

fn tenant(name: &str) -> TenantName {
    TenantName::parse(name).expect("a name")
}

/// What home 1 sends of its tenant `shop`, and what comes of it at another home.
fn handed(version: u32) -> ClassKeys {
    let scope = Scope { tenant: tenant("shop"), ..Scope::default() };
    let file = KeyFile::of(scope, [&email()], &mut |_| Ok(own(1, version))).expect("keys");
    let text = file.write().expect("a text");
    KeyFile::read(&text).expect("read").handed(&email()).expect("of the class")
}

fn bind(transform: &str, name: &str, direction: Direction, keys: &ClassKeys) -> Bound {
    let field = json!({ "at": "line", "class": "email", "transform": transform });
    let contract = fields(json!([field]));
    contract.bind(&tenant(name), direction, &mut |_| Ok(keys.clone())).expect("bound")
}

fn run(bound: &Bound, value: &str) -> Result<String, Code> {
    let line = bound.line(value.as_bytes(), None, &mut Tally::default());
    line.map(|made| String::from_utf8(made).expect("text")).map_err(|fault| fault.code())
}

proptest! {
    #[test]
    fn tokens_of_both_homes_come_back_and_are_told_apart_and_a_third_has_nothing(
        value in "[a-z]{1,9}@[a-z]{1,9}\\.org",
        used: bool,
        version in 1u32..3,
    ) {
        let first = bind("token", "shop", Direction::Protect, &own(1, version));
        let keys = own(2, 1).with_handed([(handed(version), used)]);
        let here = bind("token", "branch", Direction::Protect, &keys);
        let alone = bind("token", "branch", Direction::Protect, &own(2, 1));
        let theirs = run(&first, &value).expect("protected");
        let ours = run(&here, &value).expect("protected");
        // Equal values are equal in both homes if the keys are used, and only then.
        prop_assert_eq!(theirs == ours, used);
        let before = run(&alone, &value).expect("protected");
        for direction in [Direction::Undo, Direction::Reveal] {
            let back = bind("token", "branch", direction, &keys);
            for token in [&theirs, &ours, &before] {
                prop_assert_eq!(run(&back, token), Ok(value.clone()));
            }
        }
        // What is protected already is known, whoever made it, and stays as it is.
        let ingest = bind("token", "branch", Direction::Ingest, &keys);
        let mut tally = Tally::default();
        let kept = ingest.line(theirs.as_bytes(), None, &mut tally).expect("taken");
        prop_assert_eq!(kept, theirs.as_bytes());
        let third = bind("token", "shop", Direction::Undo, &own(3, version));
        let unshared = bind("token", "branch", Direction::Undo, &own(2, 1));
        for refused in [run(&third, &theirs), run(&third, &ours), run(&unshared, &theirs)] {
            prop_assert_eq!(refused, Err(Code::DataTokenForeign));
        }
        // Nor does the first home have what the second made with its own.
        let first = bind("token", "shop", Direction::Undo, &own(1, version));
        prop_assert_eq!(run(&first, &before), Err(Code::DataTokenForeign));
    }

    #[test]
    fn values_that_keep_their_format_and_hashes_are_those_of_the_keys_in_use(
        value in "[a-z]{7,12}@example\\.org",
        used: bool,
    ) {
        let keys = own(2, 1).with_handed([(handed(1), used)]);
        for transform in ["email", "hash"] {
            let first = bind(transform, "shop", Direction::Protect, &own(1, 1));
            let here = bind(transform, "branch", Direction::Protect, &keys);
            let (theirs, ours) = (run(&first, &value), run(&here, &value));
            prop_assert!(theirs.is_ok() && ours.is_ok());
            prop_assert_eq!(theirs == ours, used);
        }
        let theirs = run(&bind("email", "shop", Direction::Protect, &own(1, 1)), &value);
        let back = bind("email", "branch", Direction::Undo, &keys);
        let back = run(&back, &theirs.expect("protected")).expect("undone");
        prop_assert_eq!(back == value, used);
    }
}
