//! Events in the shapes of other platforms: AWS's for handlers of Lambda, and Google's for its published
//! library.

use super::place::{Place, Who, function, handler};
use super::stage::{Package, until};
use super::triggers::{publish, publisher};
use crate::rig::Node;
use serde_json::{Value, json};

const LAMBDA: &str = r#"
import json

def handler(event, context):
    print("SAW " + json.dumps(event), flush=True)
"#;

/// The first thing that a function said that it saw.
fn saw(node: &Node, name: &str) -> Value {
    let mut found = None;
    until(&format!("{name} is called"), || {
        let text = node.ok(&["--format", "json", "logs", "--function", name, "-n", "1000"]);
        let mut all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found = all.find_map(|line| {
            serde_json::from_str::<Value>(line["text"].as_str()?.strip_prefix("SAW ")?).ok()
        });
        found.is_some()
    });
    found.expect("seen")
}

#[test]
fn handlers_of_lambda_get_what_awss_services_send_and_what_has_no_shape_is_given_up_at_once() {
    let place = Place::open(Who::Root);
    place.write("app/f.py", LAMBDA);
    let one = |name: &str| {
        let more = format!(
            "timeout = \"60s\"\non = [{{ name = \"{name}\", type = \"{name}\", as = \"{name}\" }}]"
        );
        function(name, &more, &handler("f.handler"))
    };
    place.deploy(&["sns", "s3", "dynamodb"].map(one).concat());
    let node = &place.node;
    let token = publisher(node, "n");
    let tell = |kind: &str, id: &str, data: &str| publish(node, "n", &token, kind, id, data);
    tell("sns", "1", r#"{"n":1}"#);
    tell("s3", "2", r#"{"bucket":"photos","key":"a b.png","size":3}"#);
    tell("dynamodb", "3", r#"{"op":"c","keys":{"id":7},"after":{"id":7,"paid":true}}"#);
    let sns = saw(node, "sns")["Records"][0].clone();
    assert_eq!(
        (&sns["EventSource"], &sns["Sns"]["Message"]),
        (&"aws:sns".into(), &r#"{"n":1}"#.into())
    );
    assert_eq!(sns["Sns"]["MessageAttributes"]["type"]["Value"], "sns");
    let s3 = saw(node, "s3")["Records"][0]["s3"].clone();
    assert_eq!(
        (&s3["bucket"]["name"], &s3["object"]["key"]),
        (&"photos".into(), &"a+b.png".into())
    );
    let row = saw(node, "dynamodb")["Records"][0].clone();
    assert_eq!(row["eventName"], "INSERT");
    assert_eq!(row["dynamodb"]["Keys"], json!({ "id": { "N": "7" } }));
    tell("s3", "4", r#"{"n":1}"#);
    let mut left = Value::Null;
    until("it is given up", || {
        left = node.json(&["queue", "list"])["items"].clone();
        left[0]["state"] == "dead"
    });
    assert_eq!((&left[0]["function"], &left[0]["attempts"]), (&"s3".into(), &1.into()), "{left}");
    assert!(left[0]["error"].as_str().is_some_and(|why| why.starts_with("E1432")), "{left}");
}

/// What a function of the framework saw of one event.
fn framework(shape: &str, handler: &str, signature: &str) -> Value {
    let package = Package::of(&["shapes/main.py"]).bring_python("servers/python");
    package.manifest(&format!(
        "timeout = \"60s\"\nmemory = \"256MiB\"\n\
         on = [{{ name = \"paid\", type = \"paid\", as = \"{shape}\" }}]\n\
         [function.native]\ncontract = \"functions-framework\"\ninterpreter = \"python3.11\"\n\
         handler = \"main.py:{handler}\"\nserver = {{ signature = \"{signature}\" }}\n"
    ));
    let node = Node::start();
    package.deploy(&node);
    let token = publisher(&node, "app");
    publish(&node, "app", &token, "paid", "1", r#"{"n":1}"#);
    saw(&node, "f")
}

#[test]
fn googles_framework_gets_messages_of_pubsub_and_background_events() {
    let message = framework("pubsub", "told", "cloudevent");
    assert_eq!(message["kind"], "google.cloud.pubsub.topic.v1.messagePublished");
    assert_eq!(message["source"], "//pubsub.googleapis.com/projects/casemate/topics/paid");
    let own = &message["data"]["message"];
    assert_eq!(
        (&own["data"], &own["attributes"]["ce-type"]),
        (&"eyJuIjoxfQ==".into(), &"paid".into())
    );
    let background = framework("background", "background", "event");
    assert_eq!((&background["id"], &background["kind"]), (&"1".into(), &"paid".into()));
    assert_eq!(background["data"], json!({ "n": 1 }));
    assert_eq!(background["time"], "2026-01-02T03:04:05.000Z");
    // The library itself makes a background event of a message.
    let converted = framework("pubsub", "background", "event");
    assert_eq!(converted["kind"], "google.pubsub.topic.publish");
    assert_eq!(converted["data"]["data"], "eyJuIjoxfQ==");
}
