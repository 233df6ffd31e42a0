//! What is read, what is refused, and that everything comes back.

use super::*;
use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).expect(name);
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect(value));
    }
    headers
}

const REQUIRED: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/a"), ("ce-type", "x.y")];

fn binary(more: &[(&str, &str)], body: &[u8]) -> Result<Vec<CloudEvent>, String> {
    let all: Vec<_> = REQUIRED.iter().chain(more).copied().collect();
    CloudEvent::read(&fields(&all), body).map_err(|error| error.to_string())
}

fn json(members: &str) -> Result<CloudEvent, String> {
    let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/a","type":"x.y"{members}}}"#);
    CloudEvent::from_json(text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn the_binary_mode_is_fields_and_a_body() {
    let more = [
        ("content-type", "application/json"),
        ("ce-subject", "Euro%20%E2%82%AC%20100%25"),
        ("ce-comexample", "\"a \\\"b\\\"\""),
        ("x-other", "1"),
    ];
    let events = binary(&more, b"{\"a\":1}").expect("an event");
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.get("subject"), Some("Euro € 100%"));
    assert_eq!(event.get("comexample"), Some("a \"b\""));
    assert_eq!((event.id(), event.source(), event.kind()), ("1", "/a", "x.y"));
    assert_eq!((event.content_type(), event.get("other")), (Some("application/json"), None));
    assert_eq!(
        event.to_json(),
        r#"{"specversion":"1.0","comexample":"a \"b\"","datacontenttype":"application/json","id":"1","source":"/a","subject":"Euro € 100%","type":"x.y","data":{"a":1}}"#
    );
    let back = event.headers().into_iter().map(|(name, value)| {
        (
            HeaderName::from_bytes(name.as_bytes()).expect("n"),
            HeaderValue::from_bytes(&value).expect("v"),
        )
    });
    let back = CloudEvent::binary(&back.collect(), event.data());
    assert_eq!(back.as_ref(), Ok(event));
}

#[test]
fn what_is_wrong_with_fields_is_said() {
    for (more, why) in [
        (("ce-id", "2"), "`ce-id` comes twice"),
        (("ce-data", "2"), "no attribute's name"),
        (("ce-my_name", "2"), "no attribute's name"),
        (("ce-datacontenttype", "text/plain"), "is said by the field"),
        (("ce-time", "yesterday"), "no time of RFC 3339"),
        (("ce-subject", ""), "is empty"),
        (("ce-subject", "%00"), "control character"),
        (("ce-subject", "%ff"), "no text in UTF-8"),
        (("ce-dataschema", "/relative"), "no absolute URI"),
        (("content-type", "json"), "no media type"),
        (("content-type", "application/cloudevents+avro"), "is not read here"),
        (("content-type", "application/cloudevents+json; charset=utf-16"), "is not read here"),
    ] {
        let said = binary(&[more], b"").expect_err(why);
        assert!(said.contains(why), "{more:?}: {said}");
    }
    for at in 0..REQUIRED.len() {
        let mut some = REQUIRED.to_vec();
        some.remove(at);
        let said = CloudEvent::read(&fields(&some), b"").expect_err("incomplete").to_string();
        assert!(said.contains("is missing"), "{said}");
    }
    let mut old = REQUIRED.to_vec();
    old[0].1 = "0.3";
    assert!(CloudEvent::read(&fields(&old), b"").is_err(), "another version");
    let mut source = REQUIRED.to_vec();
    source[2].1 = "not a reference";
    assert!(CloudEvent::read(&fields(&source), b"").is_err(), "no reference");
    let long = "x".repeat(VALUE_BYTES_MAX + 1);
    assert!(binary(&[("ce-subject", &long)], b"").is_err());
    let name = format!("ce-{}", "x".repeat(NAME_BYTES_MAX + 1));
    assert!(binary(&[(&name, "x")], b"").is_err());
}

#[test]
fn data_keeps_its_bytes_in_json() {
    let data = |members: &str| json(members).map(|event| event.data().to_vec());
    let bytes = |text: &str| Ok(text.as_bytes().to_vec());
    assert_eq!(data(r#","data":{"n": 1.00e400}"#), bytes(r#"{"n": 1.00e400}"#));
    assert_eq!(data(r#","data":"text""#), bytes(r#""text""#));
    assert_eq!(data(r#","datacontenttype":"text/plain","data":"te\nxt""#), bytes("te\nxt"));
    assert_eq!(data(r#","datacontenttype":"text/plain","data":{"a":1}"#), bytes(r#"{"a":1}"#));
    assert_eq!(data(r#","data_base64":"AP8=""#), Ok(vec![0, 255]));
    assert_eq!(data(r#","data":null"#), bytes(""));
    assert_eq!(data(r#","data_base64":null"#), bytes(""));
    let typed = json(r#","retries":3,"urgent":true,"gone":null"#).expect("an event");
    assert_eq!((typed.get("retries"), typed.get("urgent")), (Some("3"), Some("true")));
    assert_eq!(typed.get("gone"), None);
    let plain = json(r#","data":1"#).expect("an event");
    assert_eq!(plain.content_type(), Some("application/json"), "that is what is meant");
}

#[test]
fn what_is_wrong_with_json_is_said() {
    for (members, why) in [
        (r#","id":"2""#, "`id` comes twice"),
        (r#","data":1,"data":2"#, "`data` comes twice"),
        (r#","data":1,"data_base64":"AA==""#, "`data` and `data_base64`"),
        (r#","data_base64":"no base64""#, "no text in base64"),
        (r#","data_base64":7"#, "no text in base64"),
        (r#","x":1.5"#, "no whole number"),
        (r#","x":2147483648"#, "no whole number"),
        (r#","x":{}"#, "no text"),
        (r#","X":"1""#, "no attribute's name"),
        (r#","time":"2026-01-01""#, "no time"),
    ] {
        let said = json(members).expect_err(why);
        assert!(said.contains(why), "{members}: {said}");
    }
    for text in ["", "[]", "7", "{", r#"{"specversion":"1.0"}"#, "{} {}"] {
        assert!(CloudEvent::from_json(text.as_bytes()).is_err(), "{text}");
    }
    let many: Vec<String> = (0..300).map(|at| format!(r#""a{at}":"x""#)).collect();
    assert!(CloudEvent::from_json(format!("{{{}}}", many.join(",")).as_bytes()).is_err());
}

#[test]
fn a_batch_is_taken_as_a_whole() {
    let one = json("").expect("an event").to_json();
    let kind = [("content-type", "application/cloudevents-batch+json; charset=UTF-8")];
    let read = |body: &str| CloudEvent::read(&fields(&kind), body.as_bytes());
    assert_eq!(read(&format!("[{one},{one}]")).map(|all| all.len()), Ok(2));
    let bad = one.replace("\"id\":\"1\"", "\"id\":\"\"");
    let said = read(&format!("[{one},{bad}]")).expect_err("one is bad").to_string();
    assert!(said.contains("event 2 of the batch: `id` is empty"), "{said}");
    assert_eq!(read("[]"), Err(Error::Batch));
    let many = vec![one; BATCH_MAX + 1].join(",");
    assert_eq!(read(&format!("[{many}]")), Err(Error::Batch));
}

fn event() -> impl Strategy<Value = CloudEvent> {
    let value = "[^\\p{C}\\u{FDD0}-\\u{FDEF}]{1,20}";
    let kinds = proptest::option::of(proptest::sample::select(vec![
        "application/json",
        "text/plain",
        "application/vnd.x+json; charset=utf-8",
        "application/octet-stream",
    ]));
    let more = proptest::collection::btree_map("[a-z][a-z0-9]{1,8}", value, 0..4);
    let data = proptest::collection::vec(any::<u8>(), 0..40);
    (value, "[a-z/:%20]{1,8}", "[a-z.]{1,12}", kinds, more, data).prop_filter_map(
        "an event",
        |(id, source, kind, content, mut all, data)| {
            for name in ["data", "specversion", "time", "dataschema", "datacontenttype"] {
                all.remove(name);
            }
            all.insert("id".to_owned(), id);
            all.insert("source".to_owned(), source.replace('%', ""));
            all.insert("type".to_owned(), kind);
            all.extend(content.map(|kind| ("datacontenttype".to_owned(), kind.to_owned())));
            CloudEvent::new(all, data).ok()
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(event in event()) {
        let headers = event.headers().into_iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            (name, HeaderValue::from_bytes(&value).expect("a value"))
        });
        let read = CloudEvent::binary(&headers.collect(), event.data());
        prop_assert_eq!(read.as_ref(), Ok(&event));
        let read = CloudEvent::from_json(event.to_json().as_bytes());
        let read = read.expect("it was written");
        prop_assert_eq!(read.data().trim_ascii(), event.data().trim_ascii());
        prop_assert!(read.attributes().eq(event.attributes()));
        let batch = CloudEvent::to_batch(&[event.clone(), event]);
        prop_assert_eq!(CloudEvent::from_batch(batch.as_bytes()).map(|all| all.len()), Ok(2));
    }
}
