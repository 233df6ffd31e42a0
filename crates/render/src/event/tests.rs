//! Events in other shapes, against the documents that their platforms show, and whatever may come.

use super::*;
use crate::azure::trigger::Trigger;
use proptest::prelude::*;

const ID: &str = "0199aaaa-0000-7000-8000-000000000001";
/// 2026-11-22T15:00:00.123456Z
const QUEUED: Timestamp = Timestamp(1_795_359_600_123_456);

fn told() -> Told<'static> {
    let expires = None;
    Told {
        id: ID,
        trigger: "shop",
        attempt: 1,
        queued: QUEUED,
        expires,
        hidden: QUEUED,
        now: QUEUED,
    }
}

fn event(more: &str) -> CloudEvent {
    let text =
        format!(r#"{{"specversion":"1.0","id":"1","source":"/erp/orders","type":"x.paid"{more}}}"#);
    CloudEvent::from_json(text.as_bytes()).expect(&text)
}

fn document(shape: EventShape, more: &str) -> Value {
    match shaped(shape, &event(more), &told()).expect(more) {
        Shaped::Document(JSON, text) => serde_json::from_str(&text).expect(&text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn eventbridge_has_its_own_words_for_the_same() {
    let shape = |more: &str| {
        let time = r#","time":"2026-01-02T03:04:05.678+01:00""#;
        document(EventShape::Eventbridge, &format!("{time}{more}"))
    };
    let whole = shape(r#","subject":"s","data":{"n":1}"#);
    assert_eq!(
        whole,
        json!({
            "version": "0", "id": "1", "detail-type": "x.paid", "source": "/erp/orders",
            "account": "000000000000", "time": "2026-01-02T02:04:05Z", "region": "us-east-1",
            "resources": ["s"], "detail": { "n": 1 },
        })
    );
    assert_eq!(shape(r#","data":[1]"#)["detail"], json!({ "data": [1] }));
    assert_eq!(shape(r#","data_base64":"AP8=""#)["detail"], json!({ "data_base64": "AP8=" }));
    assert_eq!(shape("")["detail"], json!({}));
}

#[test]
fn sns_brings_the_data_as_its_message_and_the_rest_beside_it() {
    let more = r#","subject":"order 7","region":"eu","data":{"total":1.10}"#;
    let expected = json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("arn:aws:sns:us-east-1:000000000000:shop:{ID}"),
        "Sns": {
            "Type": "Notification",
            "MessageId": ID,
            "TopicArn": "arn:aws:sns:us-east-1:000000000000:shop",
            "Subject": "order 7",
            "Message": "{\"total\":1.10}",
            "Timestamp": "2026-11-22T15:00:00.123Z",
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertUrl": "",
            "UnsubscribeUrl": "",
            "MessageAttributes": {
                "datacontenttype": { "Type": "String", "Value": "application/json" },
                "region": { "Type": "String", "Value": "eu" },
                "source": { "Type": "String", "Value": "/erp/orders" },
                "type": { "Type": "String", "Value": "x.paid" },
            },
        },
    }]});
    let mut found = document(EventShape::Sns, more);
    // Whether JSON without a word about it is said to be JSON is the event's affair.
    let attributes = &mut found["Records"][0]["Sns"]["MessageAttributes"];
    attributes["datacontenttype"] = json!({ "Type": "String", "Value": "application/json" });
    assert_eq!(found, expected);
    let bytes = document(EventShape::Sns, r#","data_base64":"AP8=""#);
    let own = &bytes["Records"][0]["Sns"];
    assert_eq!(own["Message"], "AP8=");
    assert_eq!(own["MessageAttributes"]["content-transfer-encoding"]["Value"], "base64");
    // A queue that subscribed has the notification, and the other spelling.
    let body = message(EventShape::Sns, &event(more), &told()).expect("a message");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["Type"], &body["UnsubscribeURL"]), (&"Notification".into(), &"".into()));
}

#[test]
fn s3_tells_of_the_object_that_an_event_is_about() {
    let found = document(
        EventShape::S3,
        r#","time":"2026-11-22T14:00:00Z","data":{"bucket":{"name":"photos"},"object":{"key":"a b/ü.png","size":1024,"etag":"d41d","version-id":"v1"}}"#,
    );
    let expected = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-22T14:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "000000000000" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": ID, "x-amz-id-2": ID },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "shop",
            "bucket": {
                "name": "photos",
                "ownerIdentity": { "principalId": "000000000000" },
                "arn": "arn:aws:s3:::photos",
            },
            "object": {
                "key": "a+b/%C3%BC.png", "size": 1024, "eTag": "d41d", "versionId": "v1",
                "sequencer": "000660DA8A31D640",
            },
        },
    }]});
    let sequencer = found["Records"][0]["s3"]["object"]["sequencer"].clone();
    assert_eq!(sequencer, format!("{:016X}", QUEUED.0));
    let mut expected = expected;
    expected["Records"][0]["s3"]["object"]["sequencer"] = sequencer;
    assert_eq!(found, expected);
    // Cloud Storage's words, an upload's, and a file of a folder's.
    let object = |more: &str| {
        let found = document(EventShape::S3, more)["Records"][0]["s3"].clone();
        (
            found["bucket"]["name"].clone(),
            found["object"]["key"].clone(),
            found["object"]["size"].clone(),
        )
    };
    let google = r#","subject":"objects/x.txt","data":{"bucket":"b","name":"x.txt","size":"7"}"#;
    assert_eq!(object(google), ("b".into(), "x.txt".into(), 7.into()));
    let upload = r#","data":{"container":"default","name":"x","bytes":9}"#;
    assert_eq!(object(upload), ("default".into(), "x".into(), 9.into()));
    let file = r#","subject":"in.csv","datacontenttype":"text/csv","data":"a,b\n""#;
    assert_eq!(object(file), ("orders".into(), "in.csv".into(), 4.into()));
    let gone = event(r#","data":{"bucket":"b","name":"x"}"#);
    let gone = gone.with("type", "com.x.object.deleted".to_owned()).expect("an event");
    let Ok(Shaped::Document(_, text)) = shaped(EventShape::S3, &gone, &told()) else {
        panic!("no document")
    };
    assert!(text.contains("ObjectRemoved:Delete") && !text.contains("eTag"), "{text}");
    assert!(shaped(EventShape::S3, &event(""), &told()).is_err());
}

#[test]
fn dynamodb_has_rows_with_types_and_the_digits_of_numbers() {
    let more = r#","datacontenttype":"application/json","data":{"op":"u","keys":{"id":7},"before":{"id":7,"paid":false},"after":{"id":7,"paid":true,"total":12345678901234567890.10,"tags":["a",null],"who":{"name":"Ada"}},"source":{"table":"orders"}}"#;
    let found = document(EventShape::Dynamodb, more);
    let number = u128::from_str_radix(&ID.replace('-', ""), 16).expect("hex").to_string();
    let size = event(more).data().len();
    let expected = json!({ "Records": [{
        "eventID": "0199aaaa000070008000000000000001",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_359_600,
            "Keys": { "id": { "N": "7" } },
            "NewImage": {
                "id": { "N": "7" },
                "paid": { "BOOL": true },
                "total": { "N": "12345678901234567890.10" },
                "tags": { "L": [{ "S": "a" }, { "NULL": true }] },
                "who": { "M": { "name": { "S": "Ada" } } },
            },
            "OldImage": { "id": { "N": "7" }, "paid": { "BOOL": false } },
            "SequenceNumber": number,
            "SizeBytes": size,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/shop",
    }]});
    assert_eq!(found, expected);
    let json = r#","datacontenttype":"application/json","data":"#;
    let name = |data: &str| {
        document(EventShape::Dynamodb, &format!("{json}{data}"))["Records"][0]["eventName"].clone()
    };
    assert_eq!(name(r#"{"payload":{"after":{"a":1},"before":null,"op":"r"}}"#), "INSERT");
    assert_eq!(name(r#"{"before":{"a":1}}"#), "REMOVE");
    let deep = format!(r#"{json}{{"after":{{"a":{}1{}}}}}"#, "[".repeat(40), "]".repeat(40));
    for (more, why) in [
        ("", "no JSON"),
        (r#","datacontenttype":"application/json","data":[1]"#, "no JSON object"),
        (r#","datacontenttype":"application/json","data":{"after":null}"#, "neither"),
        (r#","datacontenttype":"application/json","data":{"after":[1]}"#, "a row is no"),
        (deep.as_str(), "too deep"),
    ] {
        let said = shaped(EventShape::Dynamodb, &event(more), &told()).expect_err(more).to_string();
        assert!(said.starts_with("as `dynamodb`") && said.contains(why), "{said}");
    }
}

#[test]
fn pubsub_is_an_event_about_a_message_with_the_event_in_it() {
    let more = r#","partitionkey":"k","datacontenttype":"text/plain","data":"hello""#;
    let Ok(Shaped::Event(made)) = shaped(EventShape::Pubsub, &event(more), &told()) else {
        panic!("no event")
    };
    assert_eq!(made.kind(), "google.cloud.pubsub.topic.v1.messagePublished");
    assert_eq!(made.source(), "//pubsub.googleapis.com/projects/casemate/topics/shop");
    assert_eq!((made.id(), made.content_type()), (ID, Some("application/json")));
    let data: Value = serde_json::from_slice(made.data()).expect("JSON");
    let expected = json!({
        "message": {
            "data": "aGVsbG8=",
            "attributes": {
                "ce-id": "1", "ce-specversion": "1.0", "ce-source": "/erp/orders",
                "ce-type": "x.paid", "ce-partitionkey": "k", "content-type": "text/plain",
            },
            "messageId": ID,
            "message_id": ID,
            "publishTime": "2026-11-22T15:00:00.123Z",
            "publish_time": "2026-11-22T15:00:00.123Z",
            "orderingKey": "k",
        },
        "subscription": "projects/casemate/subscriptions/shop",
    });
    assert_eq!(data, expected);
}

#[test]
fn background_functions_have_a_context_and_data() {
    let json = r#","subject":"objects/x","datacontenttype":"application/json","data":{"n":1.10}"#;
    let Ok(Shaped::Document(JSON, text)) = shaped(EventShape::Background, &event(json), &told())
    else {
        panic!("no document")
    };
    assert!(text.contains("1.10"), "{text}");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let expected = json!({
        "context": {
            "eventId": "1",
            "timestamp": "2026-11-22T15:00:00.123Z",
            "eventType": "x.paid",
            "resource": { "service": "/erp/orders", "name": "objects/x", "type": "x.paid" },
        },
        "data": { "n": 1.10 },
    });
    assert_eq!(found, expected);
    let text = document(EventShape::Background, r#","datacontenttype":"text/plain","data":"hi""#);
    assert_eq!(text["data"]["@type"], "type.googleapis.com/google.pubsub.v1.PubsubMessage");
    assert_eq!(text["data"]["data"], "aGk=");
}

proptest! {
    /// Whatever is published, a shape is JSON, is the same every time, and says nothing of the call
    /// that the publisher chose.
    #[test]
    fn whatever_is_published_has_its_shapes(
        data in prop::collection::vec(any::<u8>(), 0..200),
        text in "[ -~]{0,60}",
        subject in "[ -~]{1,40}",
        kind in prop::option::of(prop::sample::select(vec!["application/json", "text/plain"])),
    ) {
        for data in [data, text.into_bytes()] {
            let mut attributes = std::collections::BTreeMap::from(
                [("id", ID), ("source", "/a"), ("type", "x"), ("subject", subject.as_str())]
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
            attributes.extend(kind.map(|kind| ("datacontenttype".to_owned(), kind.to_owned())));
            let Ok(event) = CloudEvent::new(attributes, data) else { continue };
            for shape in EventShape::ALL {
                let made = shaped(shape, &event, &told());
                prop_assert_eq!(&made, &shaped(shape, &event, &told()));
                match made {
                    Ok(Shaped::Document(kind, text)) => {
                        prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
                        let is_trigger = kind == azure::trigger::KIND;
                        prop_assert_eq!(is_trigger, serde_json::from_str::<Trigger>(&text).is_ok());
                    }
                    Ok(Shaped::Event(made)) => {
                        prop_assert_eq!(CloudEvent::from_json(made.to_json().as_bytes()), Ok(made));
                    }
                    Err(_) => prop_assert!(matches!(shape, EventShape::Dynamodb | EventShape::S3)),
                }
            }
        }
    }
}
