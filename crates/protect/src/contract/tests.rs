//! Contracts: what is checked before any document is, and forms, queries, headers and lines.

mod known;

use super::*;
use crate::transform::ClassKeys;
use model::{Secret, TenantName};
use serde_json::json;
use std::sync::Arc;

/// Keys that differ by class.
pub(crate) fn keys(class: &DataClass) -> Result<ClassKeys, Problem> {
    let seed = class.as_str().bytes().fold(7, u8::wrapping_add);
    Ok(ClassKeys {
        version: 1,
        fpe: Secret::new([seed; 32]),
        siv: Secret::new([seed; 64]),
        format_hash: Secret::new([seed; 32]),
        hash: Secret::new([seed; 32]),
        subject: Some(Secret::new([seed; 64])),
        salt: None,
        bound_to: None,
        others: Vec::new(),
    })
}

pub(crate) fn contract(document: serde_json::Value) -> Contract {
    serde_json::from_value(document).expect("a contract")
}

#[expect(clippy::needless_pass_by_value, reason = "so that callers write a literal")]
pub(crate) fn fields(fields: serde_json::Value) -> Contract {
    contract(json!({ "field": fields }))
}

pub(crate) fn bind(contract: &Contract, direction: Direction) -> Bound {
    let tenant = TenantName::parse("default").expect("a name");
    contract.bind(&tenant, direction, &mut keys).expect("a contract that can be bound")
}

/// What is said about a contract that is wrong, and where.
pub(crate) fn complaint(document: serde_json::Value) -> (String, String, String) {
    let problem = contract(document).check().expect_err("it is wrong");
    let pointer = problem.pointer.clone().unwrap_or_default();
    (problem.code.text().to_owned(), pointer, problem.detail.unwrap_or_default())
}

#[test]
fn what_is_wrong_with_a_contract_is_named_with_its_place() {
    let pan = json!({ "at": "body:/pan", "class": "pan", "transform": "card" });
    let with = |key: &str, value: serde_json::Value| {
        let mut field = pan.clone();
        field[key] = value;
        complaint(json!({ "field": [field] }))
    };
    assert_eq!(complaint(json!({})).0, "E0301");
    let (code, pointer, said) = with("class", json!("dog"));
    assert!(code == "E0309" && pointer == "/field/0/class" && said.contains("`dog`"), "{said}");
    let (code, pointer, said) = with("width", json!(3));
    assert!(code == "E0301" && pointer == "/field/0/width" && said.contains("`card`"), "{said}");
    let (_, pointer, _) = with("record", json!("body:/id"));
    assert_eq!(pointer, "/field/0/record");
    let (_, pointer, said) = complaint(json!({ "field": [pan, pan] }));
    assert!(pointer == "/field/1/at" && said.contains("same place"), "{said}");
    let (_, pointer, _) = complaint(json!({ "csv": { "delimiter": "\"" }, "field": [pan] }));
    assert_eq!(pointer, "/csv/delimiter");
    let declared = json!({ "classes": ["dog"], "field": [{ "at": "line", "class": "dog", "transform": "token" }] });
    assert_eq!(contract(declared).check(), Ok(()));
}

#[test]
fn a_record_is_another_single_place_of_the_same_document() {
    let check = |at: &str, record: &str, mode: &str| {
        let field = json!({ "at": at, "class": "pan", "transform": "token", "mode": mode, "record": record });
        fields(json!([field])).check().is_ok()
    };
    assert!(check("body:/rows/*/pan", "body:/id", "isolated"));
    assert!(check("csv:pan", "csv:id", "isolated"));
    for (at, record, mode) in [
        ("body:/pan", "body:/id", "join"),
        ("body:/pan", "body:/ids/*", "isolated"),
        ("body:/pan", "csv:id", "isolated"),
        ("body:/pan", "body:/pan", "isolated"),
        ("header:x", "header:y", "isolated"),
    ] {
        assert!(!check(at, record, mode), "{at} {record} {mode}");
    }
}

#[test]
fn keys_that_nobody_knows_are_refused() {
    let field = json!({ "at": "line", "class": "pan", "transform": "token", "keep": 4 });
    assert!(serde_json::from_value::<Contract>(json!({ "field": [field] })).is_err());
    assert!(serde_json::from_value::<Contract>(json!({ "fields": [] })).is_err());
}

#[test]
fn to_undo_what_has_no_way_back_is_refused_or_left_as_it_is() {
    let contract = fields(json!([
        { "at": "form:pan", "class": "pan", "transform": "token" },
        { "at": "form:born", "class": "birth-date", "transform": "year" },
    ]));
    let tenant = TenantName::parse("default").expect("a name");
    let refused = contract.bind(&tenant, Direction::Undo, &mut keys).expect_err("refused");
    assert_eq!(refused.code, Code::DataOneWay);
    let run = |direction, bytes: &[u8]| {
        bind(&contract, direction).form(bytes, None, &mut Tally::default()).expect("applied")
    };
    let made = run(Direction::Protect, b"pan=4111&born=1980-01-02&x=1");
    let back = run(Direction::UndoPartly, &made);
    assert_eq!(String::from_utf8(back).expect("text"), "pan=4111&born=1980&x=1");
}

#[test]
fn forms_and_queries_change_where_the_contract_says_and_nowhere_else() {
    let contract = fields(json!([
        { "at": "form:card number", "class": "pan", "transform": "digits" },
        { "at": "query:mail", "class": "email", "transform": "token" },
    ]));
    let protect = bind(&contract, Direction::Protect);
    let undo = bind(&contract, Direction::Undo);
    let mut tally = Tally::default();
    let body = b"a=%zz&c%61rd+number=4111+1111+1111+1111&card+number=12345678&flag&&b=%20";
    let made = protect.form(body, None, &mut tally).expect("applied");
    let text = String::from_utf8(made.clone()).expect("text");
    assert!(text.starts_with("a=%zz&c%61rd+number=") && text.ends_with("&flag&&b=%20"), "{text}");
    assert!(!text.contains("4111+1111") && tally.of(0) == 2, "{text}");
    assert_eq!(undo.form(&made, None, &mut tally).expect("applied"), body);
    let query = b"mail=jo%40example.com&card+number=12345678";
    let made = protect.query(query, None, &mut tally).expect("applied");
    assert!(made.starts_with(b"mail=tok_email_1_") && made.ends_with(b"&card+number=12345678"));
    assert_eq!(undo.query(&made, None, &mut tally).expect("applied"), query);
    for broken in [&b"card+number=%4"[..], b"card+number=%zz", b"card+number=%ff"] {
        let fault = protect.form(broken, None, &mut tally).expect_err("refused");
        assert_eq!(fault.code(), Code::DataForm);
    }
}

#[test]
fn headers_change_and_no_line_end_gets_into_one() {
    let contract = fields(json!([{ "at": "header:X-Pan", "class": "pan", "transform": "token" }]));
    let mut tally = Tally::default();
    let fields: [(&str, &[u8]); 2] = [("x-pan", b"4111"), ("accept", b"*/*")];
    let made =
        bind(&contract, Direction::Protect).headers(&fields, None, &mut tally).expect("applied");
    let token = made[0].clone().expect("changed");
    assert!(token.starts_with(b"tok_pan_1_") && made[1].is_none());
    // A token of a text that may not stand in a header, made where it may.
    let line = fields_of_line();
    let evil = bind(&line, Direction::Protect)
        .line(b"a\r\nset-cookie: b", None, &mut tally)
        .expect("made");
    let undo = bind(&contract, Direction::Undo);
    assert!(undo.headers(&[("X-PAN", &token)], None, &mut tally).is_ok());
    let fault = undo.headers(&[("x-pan", &evil)], None, &mut tally).expect_err("refused");
    assert_eq!(fault.code(), Code::DataForm);
}

fn fields_of_line() -> Contract {
    fields(json!([{ "at": "line", "class": "pan", "transform": "token" }]))
}

#[test]
fn a_field_that_is_not_there_is_refused_if_the_contract_says_so() {
    let field = json!([{ "at": "form:pan", "class": "pan", "transform": "token" }]);
    let strict = contract(json!({ "missing": "refuse", "field": field }));
    let mut tally = Tally::default();
    let bound = bind(&strict, Direction::Protect);
    assert!(bound.form(b"pan=1", None, &mut tally).is_ok());
    let fault = bound.form(b"other=1", None, &mut tally).expect_err("refused");
    assert_eq!((fault.code(), fault.at.as_deref()), (Code::DataMissing, Some("form:pan")));
    assert!(bind(&fields(field), Direction::Protect).form(b"other=1", None, &mut tally).is_ok());
}

#[test]
fn a_file_that_has_no_such_place_is_refused() {
    let bound = bind(&fields_of_line(), Direction::Protect);
    assert!(Stream::new(&bound, Format::Csv).is_err());
    assert!(Stream::new(&bound, Format::Text).is_ok());
}

#[test]
fn isolated_fields_of_a_form_take_the_id_beside_them() {
    let contract = fields(json!([
        { "at": "form:pan", "class": "pan", "transform": "digits", "mode": "isolated", "record": "form:id" }
    ]));
    let mut tally = Tally::default();
    let mut run = |body: &[u8]| bind(&contract, Direction::Protect).form(body, None, &mut tally);
    let one = run(b"id=1&pan=123456789").expect("applied");
    let two = run(b"id=2&pan=123456789").expect("applied");
    assert_ne!(one[4..], two[4..]);
    assert_eq!(run(b"pan=123456789").expect_err("no id").code(), Code::DataValue);
    assert_eq!(run(b"id=1&id=2&pan=123456789").expect_err("two ids").code(), Code::DataForm);
}

/// If the body were gone through for each of its fields, this would not end.
#[test]
fn the_id_of_a_form_with_many_fields_is_looked_for_once() {
    let field = json!([
        { "at": "form:pan", "class": "pan", "transform": "token", "mode": "isolated", "record": "form:id" }
    ]);
    let bound = bind(&fields(field), Direction::Protect);
    let body = "pan=1&".repeat(40_000) + "id=7";
    let made = bound.form(body.as_bytes(), None, &mut Tally::default()).expect("applied");
    assert!(made.ends_with(b"&id=7"));
}
