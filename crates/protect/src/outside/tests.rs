//! Outside of the platform: documents, warehouses' batches, and files of keys.

use super::*;
use crate::contract::tests::{fields, keys};
use model::{Code, Scope};
use serde_json::{Value, json};

fn tenant() -> TenantName {
    TenantName::parse("default").expect("a name")
}

fn outside() -> Outside {
    let contract = fields(json!([
        { "at": "body:/card", "class": "pan", "transform": "token" },
        { "at": "csv:card", "class": "pan", "transform": "token" },
        { "at": "csv:phone", "class": "phone", "transform": "digits" },
        { "at": "csv:born", "class": "birth-date", "transform": "year" },
        { "at": "csv:mail", "class": "email", "transform": "token", "mode": "isolated", "record": "csv:id" },
    ]));
    Outside::new(&contract, &tenant(), &mut keys).expect("a contract")
}

#[test]
fn a_token_is_the_same_in_every_kind_of_document() {
    let outside = outside();
    let run = |way, format, text: &str| {
        let made = outside.document(way, format, text.as_bytes()).expect(text);
        String::from_utf8(made.bytes).expect("text")
    };
    let json = run(Way::Protect, Format::Json, r#"{"card":"4111"}"#);
    let token = json.split('"').nth(3).expect("a token").to_owned();
    let lines = run(Way::Protect, Format::JsonLines, "{\"card\":\"4111\"}\n{}\n");
    assert!(token.starts_with("tok_pan_1_") && lines.contains(&token), "{lines}");
    let table = "id,card,phone,born,mail\n1,4111,0301234567,1980-01-02,a@b.example\n";
    let made = run(Way::Protect, Format::Csv, table);
    assert!(made.contains(&token) && made.contains(",1980,"), "{made}");
    assert_eq!(run(Way::Undo, Format::Csv, &made), table.replace("1980-01-02", "1980"));
    assert!(outside.document(Way::Protect, Format::Text, b"4111").is_err());
}

#[test]
fn warehouses_get_what_they_expect() {
    let outside = outside();
    let run = |way, column: &str, warehouse, request: Value| {
        let made = outside.remote(way, column, warehouse, request.to_string().as_bytes());
        made.map(|made| {
            (serde_json::from_slice::<Value>(&made.bytes).expect("JSON"), made.values())
        })
    };
    let calls = json!({ "requestId": "1", "caller": "//x", "calls": [["4111"], [null], ["4222"]] });
    let (made, values) = run(Way::Protect, "card", Warehouse::BigQuery, calls).expect("protected");
    assert_eq!((values, &made["replies"][1]), (2, &Value::Null));
    let replies = made["replies"].as_array().expect("a list").clone();
    let back: Vec<Value> = replies.into_iter().map(|reply| json!([reply])).collect();
    let (back, _) =
        run(Way::Undo, "card", Warehouse::BigQuery, json!({ "calls": back })).expect("undone");
    assert_eq!(back, json!({ "replies": ["4111", null, "4222"] }));

    let rows = json!({ "data": [[0, 301234567], [7, "030 1234567"]] });
    let (made, _) =
        run(Way::Protect, "phone", Warehouse::Snowflake, rows.clone()).expect("protected");
    assert!(made["data"][0][1].is_u64() && made["data"][1][0] == 7, "{made}");
    let (back, _) = run(Way::Undo, "phone", Warehouse::Snowflake, made).expect("undone");
    assert_eq!(back, rows);

    let mail = json!({ "calls": [["a@b.example", "1"], ["a@b.example", "2"]] });
    let (made, _) = run(Way::Protect, "mail", Warehouse::BigQuery, mail).expect("protected");
    assert_ne!(made["replies"][0], made["replies"][1], "each is bound to its record");
    for (way, column, request) in [
        (Way::Protect, "other", json!({ "calls": [["a"]] })),
        (Way::Undo, "born", json!({ "calls": [["1980"]] })),
        (Way::Protect, "card", json!({ "data": [[0, "a"]] })),
        (Way::Protect, "card", json!({ "calls": [[]] })),
        (Way::Protect, "card", json!({ "calls": [[{}]] })),
        (Way::Protect, "card", json!({ "calls": [["a", 1]] })),
        (Way::Protect, "mail", json!({ "calls": [["a@b.example"]] })),
        (Way::Undo, "card", json!({ "calls": [["4111"]] })),
    ] {
        assert!(
            run(way, column, Warehouse::BigQuery, request.clone()).is_err(),
            "{column} {request}"
        );
    }
}

#[test]
fn a_file_of_keys_has_those_of_its_classes_and_is_read_as_it_was_written() {
    let class = |name: &str| DataClass::parse(name).expect("a class");
    let scope = Scope { tenant: tenant(), environment: Scope::default().environment };
    let file = KeyFile::of(scope, [&class("pan")], &mut keys).expect("keys");
    let text = file.write().expect("written");
    let read = KeyFile::read(&text).expect("read");
    assert_eq!(read.write().expect("written"), text);
    let (own, theirs) =
        (read.keys(&class("pan")).expect("there"), keys(&class("pan")).expect("keys"));
    assert_eq!(own.siv.expose(), theirs.siv.expose());
    assert_eq!(read.keys(&class("email")).expect_err("not there").code, Code::DataKeyFile);
    for (from, to) in
        [("\"keys\": 1", "\"keys\": 2"), ("07", ""), ("\"siv\"", "\"iv\""), ("{", "[")]
    {
        let problem = KeyFile::read(&text.replacen(from, to, 1)).map(drop);
        let Err(problem) = problem else { continue };
        assert_eq!(problem.code, Code::DataKeyFile);
        assert!(!problem.to_string().contains("0707"), "{problem}");
    }
    assert!(KeyFile::read(&text.replace("\"keys\": 1", "\"keys\": 2")).is_err());
}
