//! What of a manifest's `data` is read, and what is refused.

use super::*;

fn read(text: &str) -> Result<DataSpec, String> {
    let spec: DataSpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
    spec.check().map(|()| spec).map_err(|(place, why)| format!("{place}: {why}"))
}

const FIELD: &str = r#"{"at":"body:/a","class":"pan","transform":"token"}"#;

#[test]
fn fields_and_reveals_are_read_and_others_are_refused() {
    let reveal =
        r#"{"class":"pan","to":"https://psp.example/v1","purpose":"payment","at":["body:/a"]}"#;
    let spec = read(&format!(r#"{{"in":[{FIELD}],"reveal":[{reveal}]}}"#)).expect("good");
    let targets: Vec<_> = spec.targets().collect();
    assert_eq!(targets, [(0, "pan for https://psp.example/v1 as payment".to_owned())]);
    for (from, to, what) in [
        ("payment", "pay ment", "/reveal/0/purpose"),
        ("payment", "", "/reveal/0/purpose"),
        (r#"["body:/a"]"#, "[]", "/reveal/0/at"),
        ("https://psp.example/v1", "psp.example", "/reveal/0/to"),
        ("https://psp.example/v1", "https://psp.example/*", "/reveal/0/to"),
        (r#""at""#, r#""place""#, "unknown field"),
        (r#""pan""#, r#""PAN""#, "no class"),
    ] {
        let text = format!(r#"{{"reveal":[{}]}}"#, reveal.replace(from, to));
        let said = read(&text).expect_err(&text);
        assert!(said.contains(what), "{text}: {said}");
    }
    assert!(read("{}").is_err());
}

#[test]
fn a_clearance_names_classes_and_forms() {
    let spec = read(r#"{"clearance":["email","pan.token"]}"#).expect("good");
    for (labels, wrong) in [
        ("email.token,pan.token", None),
        ("email.clear", None),
        ("email.token,pan.card", Some("pan.card")),
        ("iban.token", Some("iban.token")),
        ("", None),
    ] {
        let labels = Labels::parse(labels);
        assert_eq!(spec.uncleared(&labels).map(Label::as_str), wrong, "{labels}");
    }
    let none = read(r#"{"clearance":[]}"#).expect("good");
    assert!(none.uncleared(&Labels::parse("pan.card")).is_some());
    assert!(
        read(r#"{"observe":true}"#).expect("good").uncleared(&Labels::parse("pan.card")).is_none()
    );
    for text in
        [r#"{"clearance":["PAN"]}"#, r#"{"clearance":["pan."]}"#, r#"{"clearance":["pan.*"]}"#]
    {
        assert!(read(text).expect_err(text).contains("/clearance/0"), "{text}");
    }
}

#[test]
fn exits_and_replies_are_read_and_others_are_refused() {
    let reply = r#"{"class":"pan","to":"reply","purpose":"support","at":["body:/a"],"claims":{"role":"support"}}"#;
    let text =
        format!(r#"{{"out":{{"pan":"mask"}},"unnamed":{{"iban":"token"}},"reveal":[{reply}]}}"#);
    let spec = read(&text).expect("good");
    let again = serde_json::to_string(&spec).expect("JSON");
    assert_eq!(read(&again).expect("what is written comes back"), spec);
    assert_eq!(spec.targets().next().expect("one").1, "pan for reply as support");
    assert!(spec.changes_requests() && spec.reveal[0].is_reply());
    assert!(spec.reveal[0].lacks(Claims::NONE).is_some());
    assert!(
        !read(r#"{"observe":true,"unnamed":{"pan":"observe"}}"#).expect("good").changes_requests()
    );
    for (text, what) in [
        (r#"{"out":{"pan":"hide"}}"#.to_owned(), "unknown variant"),
        (r#"{"out":{"Pan":"mask"}}"#.to_owned(), "no class"),
        (r#"{"unnamed":{"pan":"block"}}"#.to_owned(), "unknown variant"),
        (r#"{"observe":false}"#.to_owned(), "names no field"),
        (
            format!(
                r#"{{"reveal":[{}]}}"#,
                reply.replace(r#""claims":{"role":"support"}"#, r#""claims":{}"#)
            ),
            "/reveal/0/claims",
        ),
        (
            format!(
                r#"{{"reveal":[{}]}}"#,
                reply.replace(r#""reply""#, r#"["reply","https://a"]"#)
            ),
            "/reveal/0/to",
        ),
        (
            format!(r#"{{"reveal":[{}]}}"#, reply.replace(r#""reply""#, r#""https://a""#)),
            "/reveal/0/claims",
        ),
    ] {
        let said = read(&text).expect_err(&text);
        assert!(said.contains(what), "{text}: {said}");
    }
}
