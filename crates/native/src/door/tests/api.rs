//! `host.casemate.internal`.

use super::rig::{Rig, say};

async fn ask(rig: &Rig, method: &str, path: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    say(
        rig.api,
        &format!(
            "{method} {path} HTTP/1.1\r\nhost: host.casemate.internal\r\nconnection: \
             close\r\n{fields}content-length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn keys_are_written_read_counted_listed_and_removed() {
    let rig = Rig::new();
    assert_eq!(status(&ask(&rig, "GET", "/keyvalue/carts/a%2Fb", "", "").await), "404");
    assert_eq!(status(&ask(&rig, "PUT", "/keyvalue/carts/a/b", "", "full").await), "204");
    let found = ask(&rig, "GET", "/keyvalue/carts/a%2Fb", "", "").await;
    assert!(found.ends_with("\r\n\r\nfull") && found.contains("etag: \""), "{found}");
    let head = ask(&rig, "HEAD", "/keyvalue/carts/a/b", "", "").await;
    assert!(status(&head) == "200" && head.contains("content-length: 4"), "{head}");
    let sum = ask(&rig, "POST", "/keyvalue/carts/n?add=5", "", "").await;
    assert!(sum.ends_with("{\"value\":5}"), "{sum}");
    let sum = ask(&rig, "POST", "/keyvalue/carts/n?add=-7", "", "").await;
    assert!(sum.ends_with("{\"value\":-2}"), "{sum}");
    let keys = ask(&rig, "GET", "/keyvalue/carts?limit=1", "", "").await;
    assert!(keys.ends_with("{\"keys\":[\"a/b\"],\"more\":true}"), "{keys}");
    let keys = ask(&rig, "GET", "/keyvalue/carts?after=a/b&prefix=n", "", "").await;
    assert!(keys.ends_with("{\"keys\":[\"n\"],\"more\":false}"), "{keys}");
    assert_eq!(status(&ask(&rig, "DELETE", "/keyvalue/carts/a/b", "", "").await), "204");
    assert_eq!(status(&ask(&rig, "GET", "/keyvalue/carts/a/b", "", "").await), "404");
}

#[tokio::test]
async fn a_key_is_swapped_only_if_it_is_as_it_was_read() {
    let rig = Rig::new();
    let made = ask(&rig, "PUT", "/keyvalue/s/k", "if-none-match: *\r\n", "one").await;
    assert_eq!(status(&made), "204");
    let tag = made.lines().find(|line| line.starts_with("etag: ")).expect("a tag").to_owned();
    let again = ask(&rig, "PUT", "/keyvalue/s/k", "if-none-match: *\r\n", "two").await;
    assert!(status(&again) == "412" && again.contains("E0939") && again.contains(&tag), "{again}");
    let matching = format!("{}\r\n", tag.replace("etag", "if-match"));
    let swapped = ask(&rig, "PUT", "/keyvalue/s/k", &matching, "three").await;
    assert!(status(&swapped) == "204" && !swapped.contains(&tag), "{swapped}");
    let stale = ask(&rig, "PUT", "/keyvalue/s/k", &matching, "four").await;
    assert_eq!(status(&stale), "412", "{stale}");
    let value = ask(&rig, "GET", "/keyvalue/s/k", "", "").await;
    assert!(value.ends_with("three"), "{value}");
}

#[tokio::test]
async fn objects_are_read_in_ranges_and_written_as_they_come() {
    let rig = Rig::new();
    let whole = ask(&rig, "GET", "/blobs/photos/there", "", "").await;
    assert!(status(&whole) == "200" && whole.ends_with("\r\n\r\n0123456789"), "{whole}");
    let part = ask(&rig, "GET", "/blobs/photos/there", "range: bytes=2-4\r\n", "").await;
    assert!(status(&part) == "206" && part.ends_with("\r\n\r\n234"), "{part}");
    assert!(part.contains("content-range: bytes 2-4/10") && part.contains("content-length: 3"));
    let none = ask(&rig, "GET", "/blobs/photos/there", "range: bytes=20-\r\n", "").await;
    assert!(status(&none) == "416" && none.contains("content-range: bytes */10"), "{none}");
    let head = ask(&rig, "HEAD", "/blobs/photos/there", "", "").await;
    assert!(status(&head) == "200" && head.contains("content-length: 10"), "{head}");
    assert_eq!(status(&ask(&rig, "GET", "/blobs/photos/gone", "", "").await), "404");
    rig.asked();
    assert_eq!(status(&ask(&rig, "PUT", "/blobs/photos/a/new%20one", "", "hello").await), "204");
    assert_eq!(rig.asked(), ["photos Put { name: \"a/new one\" }", "5 bytes"]);
    assert_eq!(status(&ask(&rig, "DELETE", "/blobs/photos/a", "", "").await), "204");
    let names = ask(&rig, "GET", "/blobs/photos", "", "").await;
    let (_, body) = names.split_once("\r\n\r\n").expect(&names);
    let listed: serde_json::Value = serde_json::from_str(body).expect(&names);
    assert_eq!(listed, serde_json::json!({ "more": false, "names": ["there"] }));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_a_problem() {
    let mut rig = Rig::new();
    for (method, path, expect, code) in [
        ("GET", "/", "404", "E0936"),
        ("GET", "/pubsub/x/y", "404", "E0936"),
        ("PATCH", "/keyvalue/s/k", "404", "E0936"),
        ("PUT", "/keyvalue/s", "404", "E0936"),
        ("POST", "/keyvalue/s/k?add=x", "422", "E0513"),
        ("GET", "/keyvalue/s?limit=0", "422", "E0513"),
        ("GET", "/keyvalue/-no-/k", "403", "E0207"),
        ("GET", "/blobs/photos?limit=x", "422", "E0533"),
    ] {
        let answer = ask(&rig, method, path, "", "").await;
        assert!(status(&answer) == expect && answer.contains(code), "{method} {path}: {answer}");
    }
    let large = ask(&rig, "PUT", "/keyvalue/s/k", "", &"x".repeat((1 << 20) + 1)).await;
    assert!(large.is_empty() || status(&large) == "422", "{large}");
    rig.end();
    assert_eq!(status(&ask(&rig, "GET", "/keyvalue/s/k", "", "").await), "503");
}

#[tokio::test]
async fn functions_are_called_by_name_at_our_address_and_through_the_proxy() {
    let rig = Rig::new();
    let request = |line: &str, host: &str| {
        format!("GET {line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
    };
    let answer = say(rig.api, &request("/x", "shipping.fn.casemate.internal")).await;
    assert!(answer.contains("GET http://shipping.fn.casemate.internal/x 0"), "{answer}");
    let answer = rig.say(&request("http://shipping.fn.casemate.internal/x", "y")).await;
    assert!(answer.contains("GET http://shipping.fn.casemate.internal/x 0"), "{answer}");
    let answer = rig.say(&request("http://host.casemate.internal/keyvalue/s", "y")).await;
    assert!(answer.ends_with("{\"keys\":[],\"more\":false}"), "{answer}");
    rig.asked();
    let answer = say(rig.api, &request("/x", "api.example")).await;
    assert!(status(&answer) == "421" && answer.contains("E0932"), "{answer}");
    assert_eq!(rig.asked(), Vec::<String>::new());
}
