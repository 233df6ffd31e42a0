//! What a guest can see of the world: its request, and nothing else.

use super::Ward;

#[test]
fn no_state_survives_a_call() {
    let ward = Ward::open();
    let (ward, calls) = (&ward, 12);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for call in 0..calls {
                    ward.is_well(&format!("call {call}"));
                }
            });
        }
    });
    assert_eq!(ward.node.records(4 * calls).len(), 4 * calls);
}

#[test]
fn no_variable_argument_or_directory_is_given() {
    let ward = Ward::open();
    let (reply, record) = ward.call("/m/env");
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
    assert_eq!(record["outcome"], "ok");
}

#[test]
fn outgoing_requests_are_denied_with_what_would_allow_them() {
    let ward = Ward::open();
    let (reply, record) = ward.call("/m/outbound?url=https://api.example.com/v1/charges?card=42");
    assert_eq!(reply.text(), "refused ErrorCode::HttpRequestDenied\n");
    assert_eq!(record["outcome"], "ok", "a denial is an ordinary error, not a trap");
    let call = &record["calls"][0];
    assert_eq!(call["decision"], "denied", "{record}");
    assert_eq!(call["resource"], "GET https://api.example.com/v1/charges");
    assert!(!record.to_string().contains("card=42"), "queries stay out of records: {record}");
    let id = record["id"].as_str().expect("an id");
    let lines = ward.node.lines_of(id);
    let said = lines[0]["text"].as_str().expect("text");
    let asks = r#"write `http = ["GET https://api.example.com/v1/charges"]` below"#;
    assert!(said.contains("E0203") && said.contains(asks), "{said}");
}
