//! Requests and events as actions see them.

use super::*;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parts(request: http::request::Builder) -> Parts {
    request.body(()).expect("a request").into_parts().0
}

fn seen(parts: &Parts, body: &[u8], raw: bool) -> Result<Value, Refused> {
    let value = web(parts, body, raw)?;
    Ok(serde_json::to_value(value).expect("JSON"))
}

#[test]
fn a_request_becomes_parameters() {
    let request = Request::post("http://a/shop/cart?name=Ink+And%20Toner&a=1&a=2")
        .header("content-type", "application/json; charset=utf-8")
        .header("x-two", "1")
        .header("x-two", "2");
    let parts = parts(request);
    let expected = json!({
        "name": "from the body", "a": "2", "n": 3,
        "__ow_method": "post", "__ow_path": "/shop/cart",
        "__ow_headers": { "content-type": "application/json; charset=utf-8", "x-two": "1, 2" },
    });
    let body = b"{\"name\":\n\"from the body\",\"n\":3}";
    assert_eq!(seen(&parts, body, false), Ok(expected));
    let raw = seen(&parts, body, true).expect("parameters");
    assert_eq!(raw["__ow_query"], "name=Ink+And%20Toner&a=1&a=2");
    assert_eq!(raw["__ow_body"], String::from_utf8_lossy(body).as_ref());
    assert_eq!(raw.get("n"), None);
}

#[test]
fn forms_are_parameters_and_other_bodies_are_one() {
    let of = |kind: &str, body: &[u8]| {
        let parts = parts(Request::post("http://a/").header("content-type", kind));
        seen(&parts, body, false).expect("parameters")
    };
    assert_eq!(of("application/x-www-form-urlencoded", b"a=1&b=2")["b"], "2");
    assert_eq!(of("text/plain", b"hello")["__ow_body"], "hello");
    assert_eq!(of("application/json", b"[1]")["__ow_body"], "[1]");
    assert_eq!(of("image/png", b"hi")["__ow_body"], "aGk=");
    assert_eq!(of("text/plain", &[0xff])["__ow_body"], "/w==");
    assert_eq!(of("text/plain", b"").get("__ow_body"), None);
}

#[test]
fn nobody_overrides_what_the_platform_says() {
    let json = parts(Request::post("http://a/").header("content-type", "application/json"));
    let form = "application/x-www-form-urlencoded";
    for (parts, body) in [
        (parts(Request::get("http://a/?__ow_method=delete")), ""),
        (parts(Request::get("http://a/?%5f_ow_user=root")), ""),
        (json, r#"{"__ow_headers":{}}"#),
        (parts(Request::post("http://a/").header("content-type", form)), "__ow_body=x"),
    ] {
        let refused = seen(&parts, body.as_bytes(), false);
        assert!(matches!(refused, Err(Refused::Reserved(_))), "{refused:?}");
        // As they are, they mean nothing.
        assert!(seen(&parts, body.as_bytes(), true).is_ok());
    }
}

#[test]
fn events_are_values() {
    let value = |body: &[u8]| -> Value {
        serde_json::from_str(event(body).expect("JSON").get()).expect("JSON")
    };
    assert_eq!(value(b" {\"a\":\n1} "), json!({ "a": 1 }));
    assert_eq!(value(b"[1]"), json!([1]));
    assert_eq!(value(b" "), json!({}));
    assert_eq!(value(b"hello"), json!({ "payload": "hello" }));
    assert_eq!(value(b"\"x\""), json!({ "payload": "\"x\"" }));
    assert_eq!(value(&[0xff]), json!({ "payload": "/w==" }));
}

#[test]
fn an_activation_says_whose_it_is() {
    let said = Said {
        namespace: "default",
        action: "order",
        version: "0.0.7",
        id: "0199",
        deadline_ms: 12,
    };
    let run: Value =
        serde_json::from_slice(&run(json!({"a": 1}), &said).expect("JSON")).expect("JSON");
    assert_eq!(
        run,
        json!({
            "value": {"a": 1}, "namespace": "default", "action_name": "/default/order",
            "action_version": "0.0.7", "activation_id": "0199", "transaction_id": "0199",
            "deadline": "12",
        })
    );
    let code = Code::Archive(b"hi".to_vec());
    let init: Value =
        serde_json::from_slice(&init("order", "main", &code).expect("JSON")).expect("JSON");
    assert_eq!(init["value"]["code"], "aGk=");
    assert_eq!(init["value"]["binary"], true);
}

proptest! {
    #[test]
    fn whatever_is_sent_it_is_one_line_and_no_caller_speaks_as_the_platform(
        body in prop::collection::vec(any::<u8>(), 0..80),
        json in "[{}\\[\\]\",:a_ow0-9\n ]{0,40}",
        query in "[a-z_0-9%&=+/.-]{0,40}",
        kind in "(application/json|text/plain|application/x-www-form-urlencoded|x)",
        raw: bool,
    ) {
        let uri = http::Uri::builder().scheme("http").authority("a")
            .path_and_query(format!("/x?{query}")).build();
        prop_assume!(uri.is_ok());
        let parts = parts(Request::post(uri.expect("checked")).header("content-type", kind));
        let said = Said { namespace: "n", action: "a", version: "1", id: "i", deadline_ms: 0 };
        for body in [&body, json.as_bytes()] {
            if let Ok(all) = web(&parts, body, raw) {
                let method: String = serde_json::from_str(all["__ow_method"].get()).expect("JSON");
                prop_assert_eq!(method, "post");
                prop_assert!(!run(&all, &said).expect("JSON").contains(&b'\n'));
            }
            prop_assert!(!run(event(body).expect("JSON"), &said).expect("JSON").contains(&b'\n'));
        }
    }
}
