//! Events, replies, preludes and failures, by example and by property.

use super::*;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

fn around() -> Around<'static> {
    let time = model::Timestamp(1_583_348_638_000_000);
    Around { id: "0190", function: "shop", time }
}

fn head(uri: &str, fields: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::builder().method("POST").uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn made(form: EventForm, head: &Parts, body: &[u8]) -> Value {
    serde_json::from_slice(&event(form, head, body, &around())).expect("JSON")
}

const FIELDS: &[(&str, &str)] = &[
    ("host", "shop.example:8080"),
    ("user-agent", "agent"),
    ("x-forwarded-for", "10.0.0.9, 192.0.2.1"),
    ("cookie", "a=1; b=2"),
    ("x-many", "one"),
    ("x-many", "two"),
    ("content-type", "application/json; charset=utf-8"),
];
const URI: &str = "http://shop.example:8080/my/path%20x?p=1&p=2&q=a%20b";

/// The shape is that of `apigw-v2` and `function-urls` among the fixtures of AWS's Rust runtime.
#[test]
fn a_request_becomes_an_event_of_format_2() {
    let event = made(EventForm::HttpV2, &head(URI, FIELDS), br#"{"a":1}"#);
    let expected = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path%20x",
        "rawQueryString": "p=1&p=2&q=a%20b",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "shop.example:8080",
            "user-agent": "agent",
            "x-forwarded-for": "10.0.0.9, 192.0.2.1",
            "x-many": "one,two",
            "content-type": "application/json; charset=utf-8",
        },
        "queryStringParameters": { "p": "1,2", "q": "a b" },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "shop",
            "authentication": null,
            "domainName": "shop.example",
            "domainPrefix": "shop",
            "http": {
                "method": "POST",
                "path": "/my/path%20x",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "0190",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_583_348_638_000_i64,
        },
        "body": "{\"a\":1}",
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
}

#[test]
fn what_a_request_does_not_have_is_not_in_an_event_of_format_2() {
    let event = made(EventForm::HttpV2, &head("http://shop.example/", &[]), b"");
    let event = event.as_object().expect("an object");
    for name in ["cookies", "queryStringParameters", "body"] {
        assert!(!event.contains_key(name), "{name}");
    }
}

#[test]
fn a_request_becomes_an_event_of_format_1() {
    let event = made(EventForm::HttpV1, &head(URI, FIELDS), b"");
    assert_eq!(event["resource"], "/{proxy+}");
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["headers"]["X-Many"], "two");
    assert_eq!(event["multiValueHeaders"]["X-Many"], json!(["one", "two"]));
    assert_eq!(event["queryStringParameters"], json!({ "p": "2", "q": "a b" }));
    assert_eq!(event["multiValueQueryStringParameters"], json!({ "p": ["1", "2"], "q": ["a b"] }));
    assert_eq!(event["pathParameters"], json!({ "proxy": "my/path%20x" }));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "192.0.2.1");
    assert_eq!(event["body"], Value::Null);
    let bare = made(EventForm::HttpV1, &head("http://shop.example/", &[]), b"");
    for name in ["pathParameters", "queryStringParameters", "multiValueQueryStringParameters"] {
        assert_eq!(bare[name], Value::Null, "{name}");
    }
}

#[test]
fn a_request_becomes_a_load_balancers_event() {
    let event = made(EventForm::Alb, &head(URI, FIELDS), b"");
    assert!(event["requestContext"]["elb"]["targetGroupArn"].is_string());
    assert_eq!(event["queryStringParameters"], json!({ "p": "2", "q": "a%20b" }));
    assert_eq!(event["headers"]["x-many"], "two");
    assert_eq!(event["body"], "");
}

#[test]
fn a_body_is_text_only_where_aws_has_it_as_text() {
    let body = |fields: &[(&'static str, &str)], bytes: &[u8]| {
        let event = made(EventForm::HttpV2, &head("http://shop.example/", fields), bytes);
        (event["body"].as_str().expect("a body").to_owned(), event["isBase64Encoded"] == true)
    };
    let text = ("hi".to_owned(), false);
    let encoded = ("aGk=".to_owned(), true);
    assert_eq!(body(&[("content-type", "text/plain")], b"hi"), text);
    assert_eq!(body(&[("content-type", "application/problem+json")], b"hi"), text);
    assert_eq!(body(&[], b"hi"), text);
    assert_eq!(body(&[("content-type", "image/png")], b"hi"), encoded);
    assert_eq!(body(&[("content-type", "application/x-www-form-urlencoded")], b"hi"), encoded);
    assert_eq!(
        body(&[("content-type", "text/plain"), ("content-encoding", "gzip")], b"hi"),
        encoded
    );
    assert_eq!(body(&[("content-type", "text/plain")], b"\xff"), ("/w==".to_owned(), true));
}

fn sent(form: EventForm, value: &Value) -> http::Response<Bytes> {
    reply(form, value.to_string().as_bytes()).expect("a reply")
}

#[test]
fn a_structured_reply_becomes_a_response() {
    let said = json!({
        "statusCode": 201,
        "headers": { "Content-Type": "text/plain", "x-number": 7, "Content-Length": "999" },
        "cookies": ["a=1; Secure", "b=2"],
        "body": "aGk=",
        "isBase64Encoded": true,
    });
    let response = sent(EventForm::HttpV2, &said);
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-number"], "7");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.body(), "hi");
}

#[test]
fn any_other_json_is_a_body_in_format_2_and_malformed_in_the_others() {
    for (said, body) in [
        (json!({ "message": "hi" }), r#"{"message":"hi"}"#),
        (json!("hi"), "hi"),
        (json!(null), "null"),
        (json!([1]), "[1]"),
    ] {
        let response = sent(EventForm::HttpV2, &said);
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, body.as_bytes()));
        assert_eq!(response.headers()["content-type"], "application/json");
        for form in [EventForm::HttpV1, EventForm::Alb] {
            assert!(reply(form, said.to_string().as_bytes()).is_err());
        }
    }
}

#[test]
fn several_values_of_a_field_win_over_one() {
    let said = json!({
        "statusCode": "200",
        "headers": { "x-a": "1", "x-b": "1" },
        "multiValueHeaders": { "X-A": ["2", "3"] },
        "body": null,
    });
    let response = sent(EventForm::HttpV1, &said);
    let all: Vec<_> = response.headers().get_all("x-a").iter().collect();
    assert_eq!(all, ["2", "3"]);
    assert_eq!(response.headers()["x-b"], "1");
}

#[test]
fn what_is_no_response_is_malformed() {
    for said in [
        json!({ "statusCode": 99 }),
        json!({ "statusCode": 101 }),
        json!({ "statusCode": 600 }),
        json!({ "statusCode": 200.5 }),
        json!({ "statusCode": {} }),
        json!({ "statusCode": 200, "body": { "a": 1 } }),
        json!({ "statusCode": 200, "body": "!", "isBase64Encoded": true }),
        json!({ "statusCode": 200, "isBase64Encoded": "yes", "body": "" }),
        json!({ "statusCode": 200, "headers": ["a"] }),
        json!({ "statusCode": 200, "headers": { "a b": "c" } }),
        json!({ "statusCode": 200, "headers": { "a": "b\r\nc: d" } }),
        json!({ "statusCode": 200, "headers": { "a": { "b": 1 } } }),
        json!({ "statusCode": 200, "cookies": "a=1" }),
        json!({ "statusCode": 200, "cookies": ["a\n"] }),
    ] {
        assert!(reply(EventForm::HttpV2, said.to_string().as_bytes()).is_err(), "{said}");
    }
    assert!(reply(EventForm::HttpV2, b"").is_err());
    assert!(reply(EventForm::HttpV2, b"{\"statusCode\":200").is_err());
}

#[test]
fn a_prelude_ends_at_eight_nuls_and_is_not_endless() {
    let mut prelude = Prelude::default();
    assert!(matches!(prelude.push(br#"{"statusCode":404,"cookies":["a=1"]}"#), Ok(Read::More)));
    assert!(matches!(prelude.push(&[0; 5]), Ok(Read::More)));
    let Ok(Read::Whole(response)) = prelude.push(b"\0\0\0body\0\0\0\0\0\0\0\0") else {
        panic!("it is whole")
    };
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["set-cookie"], "a=1");
    assert_eq!(response.body().as_ref(), b"body\0\0\0\0\0\0\0\0");
    assert!(Prelude::default().push(&[b' '; PRELUDE_BYTES_MAX]).is_err());
    assert!(Prelude::default().push(b"[]\0\0\0\0\0\0\0\0").is_err());
}

#[test]
fn failures_are_in_the_words_that_were_recorded() {
    let of = |failure: Failure| (failure.kind, failure.message);
    let timeout = "RequestId: 1 Error: Task timed out after 1.00 seconds";
    assert_eq!(of(Failure::timeout("1", 1.0)), ("Sandbox.Timedout".into(), timeout.into()));
    let exit = "RequestId: 1 Error: Runtime exited with error: exit status 127";
    assert_eq!(of(Failure::exit("1", Some(127), None)), ("Runtime.ExitError".into(), exit.into()));
    let killed = "RequestId: 1 Error: Runtime exited with error: signal: killed";
    assert_eq!(Failure::exit("1", None, Some("killed")).message, killed);
    let silent = "RequestId: 1 Error: Runtime exited without providing a reason";
    assert_eq!(Failure::exit("1", Some(0), None).message, silent);
    let large = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    assert_eq!(Failure::too_large(6_291_556).message, large);
    let body = br#"{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}"#;
    assert_eq!(Failure::reported(Some("Function.X"), body).to_string(), "ValueError: no");
    assert_eq!(Failure::reported(Some("Function.X"), b"garbage").to_string(), "Function.X");
    assert_eq!(Failure::reported(None, b"").to_string(), "Runtime.Unknown");
}

proptest! {
    #[test]
    fn a_reply_brings_back_every_body(body in prop::collection::vec(any::<u8>(), 0..200), status in 200_u16..600) {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&body);
        let said = json!({ "statusCode": status, "body": encoded, "isBase64Encoded": true });
        for form in [EventForm::HttpV2, EventForm::HttpV1, EventForm::Alb] {
            let response = sent(form, &said);
            prop_assert_eq!(response.status().as_u16(), status);
            prop_assert_eq!(response.body().as_ref(), body.as_slice());
        }
    }

    #[test]
    fn every_body_comes_through_an_event(body in prop::collection::vec(any::<u8>(), 1..200), kind in "(text/plain|image/png|application/json)") {
        use base64::Engine as _;
        let head = head("http://shop.example/", &[("content-type", &kind)]);
        for form in [EventForm::HttpV2, EventForm::HttpV1, EventForm::Alb] {
            let event = made(form, &head, &body);
            let text = event["body"].as_str().expect("a body");
            let back = match event["isBase64Encoded"] == true {
                true => base64::engine::general_purpose::STANDARD.decode(text).expect("base64"),
                false => text.as_bytes().to_vec(),
            };
            prop_assert_eq!(&back, &body);
        }
    }

    #[test]
    fn a_query_never_breaks_an_event(query in "[a-z0-9=&%+._-]{0,60}") {
        let head = head(&format!("http://shop.example/?{query}"), &[]);
        for form in [EventForm::HttpV2, EventForm::HttpV1, EventForm::Alb] {
            made(form, &head, b"");
        }
    }
}
