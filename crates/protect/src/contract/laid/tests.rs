//! What the operator lays over contracts, and that no manifest takes it away.

use super::*;
use crate::contract::tests::{bind, keys};
use crate::contract::{Direction, Tally};
use model::TenantName;
use model::manifest::LaidField;

fn field(text: &str) -> DataField {
    serde_json::from_str(text).expect(text)
}

fn spec(text: &str) -> DataSpec {
    serde_json::from_str(text).expect(text)
}

const CARD: &str = r#"{"at":"body:/card","class":"pan","transform":"token"}"#;

fn laid(fields: &[&str]) -> LaidSpec {
    let fields = fields.iter().map(|text| LaidField { functions: Vec::new(), field: field(text) });
    LaidSpec { classes: Vec::new(), fields: fields.collect() }
}

fn both(fields: &[&str], own: &str) -> Result<Contract, Problem> {
    let name = FunctionName::parse("shop").expect("a name");
    let operators = Contract::of_operator(&laid(fields), &name, &Arrival::Http).expect("good");
    let own = Contract::of_intake(&spec(own), &Arrival::Http).expect("good");
    operators.expect("fields").over(own)
}

#[test]
fn no_manifest_says_something_else_of_what_the_operator_names() {
    for own in [
        r#"{"in":[{"at":"body:/card","class":"email","transform":"token"}]}"#,
        r#"{"in":[{"at":"body:/card","class":"pan","transform":"mask"}]}"#,
        r#"{"in":[{"at":"body:/card","class":"pan","transform":"token","mode":"isolated","record":"body:/id"}]}"#,
        // A record's id that the operator has transformed would be none.
        r#"{"in":[{"at":"body:/x","class":"pan","transform":"token","mode":"isolated","record":"body:/card"}]}"#,
    ] {
        assert_eq!(both(&[CARD], own).expect_err(own).code, Code::DataLaid, "{own}");
    }
    let table = r#"{"at":"csv:card","class":"pan","transform":"token"}"#;
    let own =
        r#"{"csv":{"delimiter":";"},"in":[{"at":"csv:x","class":"pan","transform":"token"}]}"#;
    assert_eq!(both(&[table], own).expect_err("a table").code, Code::DataLaid);
}

#[test]
fn what_both_say_is_said_once_and_the_stricter_word_counts() {
    let same = both(&[CARD], &format!(r#"{{"missing":"refuse","in":[{CARD}]}}"#)).expect("fits");
    assert_eq!(same.fields.len(), 1);
    assert_eq!(same.fields[0].missing, Some(Missing::Refuse));
    let own =
        r#"{"missing":"refuse","in":[{"at":"body:/mail","class":"email","transform":"token"}]}"#;
    let merged = both(&[CARD], own).expect("fits");
    let bound = bind(&merged, Direction::Ingest);
    let run = |text: &str| bound.json(text.as_bytes(), None, &mut Tally::default());
    let made = run(r#"{"card":"4111","mail":"a@b.example"}"#).expect("both");
    let made = String::from_utf8(made).expect("text");
    assert!(made.contains("tok_pan_1_") && made.contains("tok_email_1_"), "{made}");
    assert!(run(r#"{"mail":"a"}"#).is_ok(), "the manifest's word is about its own fields");
    assert_eq!(run(r#"{"card":"4111"}"#).expect_err("missed").code(), Code::DataMissing);
}

/// The manifest names what lies around, below or beside the operator's place, in every way that
/// leads there. The operator's value is protected, or the document is refused.
#[test]
fn places_that_lie_over_the_operators_take_nothing_away() {
    let operators = [r#"{"at":"body:/pay/card","class":"pan","transform":"token"}"#];
    for at in ["body:/pay", "body:/*/card", "body:", "body:/pay/card/0", "body:/pay/*"] {
        let own = format!(r#"{{"in":[{{"at":"{at}","class":"pan","transform":"fixed"}}]}}"#);
        let merged = both(&operators, &own).expect("other places");
        let bound = bind(&merged, Direction::Ingest);
        let document = br#"{"pay":{"card":"4111222233334444"}}"#;
        if let Ok(made) = bound.json(document, None, &mut Tally::default()) {
            let made = String::from_utf8(made).expect("text");
            assert!(made.contains("tok_pan_1_"), "{at}: {made}");
        }
    }
}

#[test]
fn columns_that_the_operator_names_have_to_be_there() {
    let merged = both(
        &[r#"{"at":"csv:card","class":"pan","transform":"token"}"#],
        r#"{"in":[{"at":"csv:mail","class":"email","transform":"token","missing":"ignore"}]}"#,
    );
    let bound = bind(&merged.expect("fits"), Direction::Ingest);
    let run = |text: &str| bound.csv(text.as_bytes(), None, &mut Tally::default());
    assert!(run("id,card\n1,4111\n").is_ok());
    for other in ["id,number\n1,4111\n", "id;card\n1;4111\n", "Card\n4111\n", "\" card\"\n4111\n"] {
        assert!(run(other).is_err(), "{other}");
    }
}

#[test]
fn functions_are_held_to_it_with_their_place_in_the_manifest() {
    let functions = |more: &str| -> Vec<FunctionSpec> {
        let text = format!(r#"[{{"name":"other"}},{{"name":"shop",{more}}}]"#);
        serde_json::from_str(&text).expect("functions")
    };
    let mut contract = laid(&[CARD]);
    contract.fields[0].functions = vec![FunctionName::parse("shop").expect("a name")];
    let check = |more: &str| check_laid(&functions(more), &contract).map_err(|it| it.pointer);
    assert_eq!(check(&format!(r#""data":{{"in":[{CARD}]}}"#)), Ok(()));
    assert_eq!(check(r#""http":[{"route":"GET /a"}]"#), Ok(()));
    let at = |place: &str| Err(Some(format!("/function/1{place}")));
    assert_eq!(
        check(r#""http":[{"route":"GET /a"},{"route":"GET /b","websocket":true}]"#),
        at("/http/1")
    );
    let other = r#""data":{"in":[{"at":"body:/card","class":"pan","transform":"mask"}]}"#;
    assert_eq!(check(other), at("/data"));
    // Over which way it comes makes no difference.
    let call =
        r#""data":{"in":[{"at":"body:/card","class":"pan","transform":"mask","trigger":"call"}]}"#;
    assert_eq!(check(call), at("/data"));
}

#[test]
fn a_contract_that_means_nothing_is_no_contract() {
    for text in [
        r#"{"at":"line","class":"pan","transform":"token"}"#,
        r#"{"at":"body:/a","class":"pet","transform":"token"}"#,
        r#"{"at":"body:/a","class":"pan","transform":"token","trigger":"queue"}"#,
        r#"{"at":"body:/a","class":"pan","transform":"tokn"}"#,
    ] {
        assert!(check_operator(&laid(&[text])).is_err(), "{text}");
    }
    assert!(check_operator(&laid(&[CARD, CARD])).is_err(), "the same place twice");
    let event = r#"{"at":"body:/card","class":"pan","transform":"mask","trigger":"event"}"#;
    let http = r#"{"at":"body:/card","class":"pan","transform":"token","trigger":"http"}"#;
    assert_eq!(check_operator(&laid(&[event, http])), Ok(()));
    let tenant = TenantName::parse("default").expect("a name");
    let own = both(&[CARD], "{}").expect("alone");
    assert!(own.bind(&tenant, Direction::Ingest, &mut keys).is_ok());
}
