//! Contracts on JSON documents.

use super::super::tests::{bind, contract, fields};
use super::super::{Contract, Direction, Fault, Tally};
use model::Code;
use serde_json::json;

fn run(contract: &Contract, direction: Direction, document: &str) -> Result<String, Fault> {
    let made = bind(contract, direction).json(document.as_bytes(), None, &mut Tally::default())?;
    Ok(String::from_utf8(made).expect("text"))
}

fn tokens(places: &[&str]) -> Contract {
    let field =
        |at: &&str| json!({ "at": format!("body:{at}"), "class": "pan", "transform": "token" });
    fields(places.iter().map(field).collect())
}

#[test]
fn only_the_named_values_change_and_all_comes_back_byte_for_byte() {
    let contract = fields(json!([
        { "at": "body:/card/number", "class": "pan", "transform": "card", "keep_first": 6, "keep_last": 4 },
        { "at": "body:/cards/*/n", "class": "pan", "transform": "digits" },
        { "at": "body:/a~1b", "class": "name", "transform": "token" },
        { "at": "body:/list/1", "class": "name", "transform": "token" },
        { "at": "body:/flag", "class": "name", "transform": "token" },
    ]));
    let document = concat!(
        "{ \"x\" : 1.50e+3, \"\\u0063ard\":{\"number\":\"4111 1111 1111 1111\",\"cvc\":\"\\u00e9\"},\r\n",
        "  \"cards\" : [ {\"n\": 1234567} , {\"m\":1}, {\"n\":\"7654321\"}, [] ],\t\"a/b\":\"Jo \\\"ß\\\"\",",
        " \"list\":[ \"a\", -1.5e3 ],\"flag\":true,\"none\":null } \n"
    );
    let made = run(&contract, Direction::Protect, document).expect("applied");
    for shown in ["4111 1111", "1234567", "7654321", "Jo ", "-1.5e3", "true"] {
        assert!(!made.contains(shown), "{shown} in {made}");
    }
    for kept in [
        "1.50e+3, \"\\u0063ard\":{\"number\":\"4111 11",
        "\"cvc\":\"\\u00e9\"},\r\n",
        "\"none\":null } \n",
    ] {
        assert!(made.contains(kept), "{kept} in {made}");
    }
    let value: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    assert!(value["cards"][0]["n"].is_u64() && value["cards"][2]["n"].is_string(), "{made}");
    assert_eq!(run(&contract, Direction::Undo, &made).expect("applied"), document);
}

#[test]
fn a_pointer_to_the_whole_document_and_one_to_a_container() {
    assert!(
        run(&tokens(&[""]), Direction::Protect, " \"a\" ").expect("applied").starts_with(" \"tok_")
    );
    for (at, document) in [("", "{}"), ("/a", r#"{"a":[]}"#), ("/a/*", r#"{"a":[[]]}"#)] {
        let fault = run(&tokens(&[at]), Direction::Protect, document).expect_err("refused");
        assert_eq!(fault.code(), Code::DataValue, "{at}");
        assert_eq!(fault.at, Some(format!("body:{at}")));
    }
}

#[test]
fn a_pointer_that_matches_nothing_is_refused_if_the_contract_says_so() {
    let field = json!([{ "at": "body:/a/b", "class": "pan", "transform": "token" }]);
    let strict = contract(json!({ "missing": "refuse", "field": field }));
    for document in ["{}", "[]", "1", r#"{"a":{}}"#, r#"{"a":{"b":null}}"#, r#"{"A":{"b":"x"}}"#] {
        assert_eq!(
            run(&fields(field.clone()), Direction::Protect, document).as_deref(),
            Ok(document)
        );
        let fault = run(&strict, Direction::Protect, document).expect_err("refused");
        assert_eq!(fault.code(), Code::DataMissing, "{document}");
    }
    assert!(run(&strict, Direction::Protect, r#"{"a":{"b":"x"}}"#).is_ok());
}

#[test]
fn a_key_that_stands_twice_on_the_way_is_refused_or_each_is_transformed() {
    let document = r#"{"a":{"b":"x"},"\u0061":{"b":"y"}}"#;
    let fault = run(&tokens(&["/a/b"]), Direction::Protect, document).expect_err("refused");
    assert_eq!(fault.code(), Code::DataForm);
    let field = json!([{ "at": "body:/a/b", "class": "pan", "transform": "token" }]);
    let all = contract(json!({ "duplicate": "all", "field": field }));
    let made = run(&all, Direction::Protect, document).expect("applied");
    assert!(!made.contains(":\"x\"") && !made.contains(":\"y\""), "{made}");
    // Nobody looks for the other key.
    assert!(run(&tokens(&["/a"]), Direction::Protect, r#"{"b":1,"b":2,"a":"x"}"#).is_ok());
}

#[test]
fn what_is_not_json_by_the_letter_is_refused() {
    for document in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "{\"a\" 1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "nul",
        "tru",
        "True",
        "NaN",
        "'a'",
        "\"a",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "[1]]",
        "1 1",
        "\u{feff}1",
        "/**/1",
        "[\"a\",]",
        "{\"a\":}",
        "{,}",
        "{\"a\"}",
        "\u{a0}1",
    ] {
        let fault = run(&tokens(&["/a"]), Direction::Protect, document).expect_err(document);
        assert_eq!(fault.code(), Code::DataForm, "{document:?}");
    }
    let bound = bind(&tokens(&["/a"]), Direction::Protect);
    let fault = bound.json(b"{\"a\":\"\xff\"}", None, &mut Tally::default()).expect_err("refused");
    assert!(fault.to_string().contains("not UTF-8 at byte 6"), "{fault}");
}

#[test]
fn half_a_character_is_refused_where_it_would_be_transformed() {
    let fault =
        run(&tokens(&["/a"]), Direction::Protect, r#"{"a":"\ud800"}"#).expect_err("refused");
    assert_eq!(fault.code(), Code::DataForm);
    assert!(run(&tokens(&["/a"]), Direction::Protect, r#"{"\ud800":"\ud800","a":"x"}"#).is_ok());
}

#[test]
fn a_hundred_levels_are_read_and_too_many_are_refused() {
    let nested = |depth: usize| format!("{}\"x\"{}", "[".repeat(depth), "]".repeat(depth));
    // A contract's own pointers are shorter than a document may be deep.
    let deep = tokens(&["/a", &"/0".repeat(60)]);
    let made = run(&deep, Direction::Protect, &nested(60)).expect("applied");
    assert!(made.contains("tok_pan_1_"), "{made}");
    assert!(run(&tokens(&["/a"]), Direction::Protect, &nested(100)).is_ok());
    assert!(run(&tokens(&["/a"]), Direction::Protect, &nested(128)).is_ok());
    let fault = run(&tokens(&["/a"]), Direction::Protect, &nested(129)).expect_err("refused");
    assert_eq!(fault.code(), Code::DataForm);
}

#[test]
fn an_isolated_field_takes_the_id_wherever_it_stands() {
    let contract = fields(json!([
        { "at": "body:/pan", "class": "pan", "transform": "token", "mode": "isolated", "record": "body:/id" }
    ]));
    let token = |document: &str| {
        let made = run(&contract, Direction::Protect, document)?;
        let value: serde_json::Value = serde_json::from_str(&made).expect("JSON");
        Ok::<_, Fault>(value["pan"].clone())
    };
    let before = token(r#"{"id":7,"pan":"4111"}"#).expect("applied");
    assert_eq!(before, token(r#"{"pan":"4111","id":"7"}"#).expect("applied"));
    assert_ne!(before, token(r#"{"pan":"4111","id":8}"#).expect("applied"));
    assert_eq!(token(r#"{"pan":"4111"}"#).expect_err("no id").code(), Code::DataValue);
    assert_eq!(token(r#"{"pan":"4111","id":null}"#).expect_err("no id").code(), Code::DataValue);
    assert!(token(r#"{"id":1,"pan":"4111","id":2}"#).is_err());
}

#[test]
fn a_fault_quotes_no_value() {
    let contract = fields(json!([{ "at": "body:/a", "class": "pan", "transform": "card" }]));
    let fault =
        run(&contract, Direction::Protect, r#"{"a":"4111111111111112"}"#).expect_err("refused");
    let problem = fault.problem();
    let said = format!("{fault} {problem:?} {fault:?}");
    assert!(!said.contains("4111") && said.contains("body:/a"), "{said}");
}
