//! Bodies of several parts: what is protected in them, and what no two readers read alike.

use super::*;
use crate::contract::tests::{bind, fields};
use model::Code;
use proptest::prelude::*;
use serde_json::json;

fn form(name: &str, value: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn bound() -> Bound {
    let contract = fields(json!([
        { "at": "form:card", "class": "pan", "transform": "token" },
        { "at": "form:phone", "class": "phone", "transform": "digits" },
    ]));
    bind(&contract, Direction::Ingest)
}

fn run(body: &str) -> Result<String, Fault> {
    let boundary = Boundary::of("multipart/form-data; boundary=x").expect("one");
    let files = ["photo".to_owned()];
    let made = bound().parts(body.as_bytes(), &boundary, &files, None, &mut Tally::default())?;
    Ok(String::from_utf8(made).expect("text"))
}

#[test]
fn named_fields_are_protected_and_all_else_is_as_it_came() {
    let photo = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\
                 Content-Type: image/png\r\n\r\n\u{1}4111\r\n\r\n\n\r\n";
    let body =
        format!("{}{}{photo}{}--x--\r\n", form("a", "1"), form("card", "4111"), form("b", ""));
    let made = run(&body).expect("protected");
    let (front, rest) = made.split_once("tok_pan_1_").expect("a token");
    assert!(body.starts_with(front) && !front.contains("4111"), "{made}");
    let rest = rest.split_once("\r\n").expect("its end").1;
    assert_eq!(rest, format!("{photo}{}--x--\r\n", form("b", "")));
    // Each of several with one name.
    let twice = format!("{}{}--x--", form("card", "4111"), form("card", "4222"));
    assert_eq!(run(&twice).expect("protected").matches("tok_pan_1_").count(), 2);
}

/// `OkHttp` says of each part how long it is.
#[test]
fn what_a_part_says_of_its_old_bytes_goes() {
    let body = "--x\r\nContent-Length: 4\r\ncontent-disposition: Form-Data; NAME=card\r\n\
                Content-Transfer-Encoding: binary\r\nContent-Type: text/plain; charset=utf-8\r\n\
                \r\n4111\r\n--x--";
    let made = run(body).expect("protected");
    assert!(!made.contains("Length") && !made.contains("binary") && made.contains("tok_pan_1_"));
    assert!(made.contains("Content-Type: text/plain; charset=utf-8\r\n\r\ntok_"), "{made}");
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let part = |head: &str| format!("--x\r\n{head}\r\n\r\n4111\r\n--x--");
    let named = |rest: &str| part(&format!("Content-Disposition: form-data; name={rest}"));
    let good = form("card", "4111");
    for body in [
        String::new(),
        format!("\r\n{good}--x--"),
        format!("preamble\r\n{good}--x--"),
        format!("{good}--x--\r\nepilogue"),
        good.clone(),
        format!("{good}--x-- "),
        format!("{good}--xy\r\n{good}--x--"),
        good.replace("\r\n", "\n") + "--x--",
        format!(
            "{}--x--",
            form("a", "1\n--x\r\nContent-Disposition: form-data; name=\"card\"\r\n\r\n2")
        ),
        format!("{}--x--", form("a", "1--x 2")),
        part("Content-Type: text/plain"),
        part("Content-Disposition: form-data"),
        part("Content-Disposition: attachment; name=card"),
        part("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=card"),
        part("Content-Disposition: form-data;\r\n name=card"),
        part("Content-Disposition : form-data; name=card"),
        named("card; name=a"),
        named("\"c\\ard\""),
        named("\"c%61rd\""),
        named("\"card"),
        named("\"card\"x"),
        named("card; name*=utf-8''a"),
        named("\"Card\""),
        named("\" card\""),
        named("\"\""),
        named("_charset_"),
        named("card; filename=a"),
        named("other; filename=\"\""),
        named("other\r\nContent-Type: application/json"),
        named("card\r\nContent-Type: text/plain; charset=utf-16"),
        named("card\r\nContent-Transfer-Encoding: base64"),
        named("card\u{0}"),
    ] {
        let fault = run(&body).expect_err(&body);
        assert!(matches!(fault.code(), Code::DataParts | Code::DataForm), "{body:?}: {fault}");
        assert!(!fault.to_string().contains("4111"), "{fault}");
    }
}

#[test]
fn a_boundary_is_one_and_of_its_alphabet() {
    let of = |parameters: &str| Boundary::of(&format!("multipart/form-data{parameters}")).is_ok();
    assert!(of("; boundary=----WebKitFormBoundaryA1b2") && of(";BOUNDARY=\"a=b\"; charset=UTF-8;"));
    let long = format!("; boundary={}", "a".repeat(71));
    for wrong in [
        "",
        "; boundary=",
        "; boundary",
        "; boundary=a; boundary=b",
        "; boundary=a b",
        "; boundary=\"a\\b\"",
        "; boundary=\"a",
        "; x=\"; boundary=b\"; boundary=c",
        "; boundary=a; charset=utf-16",
        "; boundary*=a",
        &long,
    ] {
        assert!(!of(wrong), "{wrong}");
    }
}

#[test]
fn isolated_fields_take_the_id_beside_them() {
    let contract = fields(json!([
        { "at": "form:card", "class": "pan", "transform": "token", "mode": "isolated", "record": "form:id" }
    ]));
    let boundary = Boundary::of("multipart/form-data; boundary=x").expect("one");
    let run = |ids: &[&str]| {
        let ids: String = ids.iter().map(|id| form("id", id)).collect();
        let body = format!("{}{ids}--x--", form("card", "4111"));
        let bound = bind(&contract, Direction::Protect);
        bound.parts(body.as_bytes(), &boundary, &[], None, &mut Tally::default())
    };
    assert!(run(&["1"]).is_ok() && run(&["1"]) != run(&["2"]));
    assert!(run(&[]).is_err() && run(&["1", "2"]).is_err());
}

proptest! {
    /// Whatever stands in the parts: it is read as the parts that were written.
    #[test]
    fn what_is_written_is_read(parts in proptest::collection::vec(("[a-z]{1,8}", "[ -~\r\n]{0,40}"), 1..8)) {
        prop_assume!(!parts.iter().any(|(_, value)| value.contains("--x")));
        prop_assume!(parts.iter().all(|(name, value)| name != "phone" && (name != "card" || !value.is_empty())));
        let body: String = parts.iter().map(|(name, value)| form(name, value)).collect();
        let body = body + "--x--\r\n";
        let boundary = Boundary::of("multipart/form-data; boundary=x").expect("one");
        let read = read(body.as_bytes(), &boundary).expect("parts");
        let seen: Vec<(String, String)> = read
            .iter()
            .map(|part| (part.head.name.to_owned(), body[part.content.clone()].to_owned()))
            .collect();
        prop_assert_eq!(&seen, &parts);
        let has_card = parts.iter().any(|(name, _)| name == "card");
        let made = run(&body).expect("protected");
        prop_assert_eq!(made == body, !has_card);
    }
}
