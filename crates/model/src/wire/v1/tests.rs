//! That the form on disk stays what it is.

use super::*;

fn example() -> Entry {
    let name = |text| crate::FunctionName::parse(text).expect("a name");
    let id = InvocationId::from_parts(1_700_000_000_000_000, [1; 8]);
    Entry::End(Box::new(Record {
        start: Start {
            id,
            root: id,
            parent: None,
            depth: 1,
            function: Arc::new(FunctionRef {
                scope: crate::Scope::default(),
                name: name("orders"),
            }),
            revision: 3,
            digest: Digest([7; 32]),
            caller: Caller::Token(crate::TokenName::parse("shop").expect("a name")),
            trigger: Trigger::Http { method: "GET".into(), route: "/orders/{id}".into() },
            start_us: Timestamp(1_700_000_000_000_000),
            traceparent: crate::trace::TraceParent::parse(
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        },
        policy: 9,
        end_us: Timestamp(1_700_000_000_001_500),
        outcome: Outcome::Denied,
        status: 403,
        code: Some(203),
        reason: Some("no".into()),
        usage: Usage { cpu_us: 1, memory_peak_bytes: 2, bytes_in: 3, bytes_out: 4 },
        calls: vec![Call {
            at_us: 5,
            operation: "http".into(),
            resource: "GET https://api.example.com".into(),
            decision: Decision::Denied,
            digest: [8; 16],
            bytes: 6,
            duration_us: 7,
            labels: Labels::of([crate::Label::new("pan")]),
        }],
        calls_omitted: 1,
        log_lines: 2,
        log_dropped: 3,
        labels: Labels::NONE,
        cost: Cost { formula: 1, milliunits: 1000 },
    }))
}

/// If this fails, the on-disk format changed: add `v2`, do not edit `v1`.
#[test]
fn a_record_keeps_its_bytes() {
    let bytes = postcard::to_stdvec(&example()).expect("encodes");
    assert_eq!(postcard::from_bytes::<Entry>(&bytes).expect("decodes"), example());
    assert_eq!(hex::encode(bytes), GOLDEN);
}

/// Every kind of entry comes back from the form without keys, which knows no `flatten` and no
/// `tag`: a type that uses one fails here, and not on somebody's disk.
#[test]
fn every_entry_survives_the_disk_form() {
    let Entry::End(record) = example() else { unreachable!("the example is an end") };
    let line = LogLine {
        invocation: record.start.id,
        function: record.start.function.clone(),
        at: Timestamp(1),
        level: Level::Platform,
        text: "ä".into(),
        cut: true,
        labels: Labels::of([crate::Label::new("email")]),
    };
    for entry in [
        Entry::Start(record.start.clone()),
        Entry::End(record),
        Entry::Log(line),
        Entry::Act(vec![1, 2]),
        Entry::Boot { boot: BootId(1), at: Timestamp(-1) },
    ] {
        let bytes = postcard::to_stdvec(&entry).expect("encodes");
        assert_eq!(postcard::from_bytes::<Entry>(&bytes).expect("decodes"), entry);
    }
}

const GOLDEN: &str = concat!(
    "0110018bcfe568007000810101010101010110018bcfe56800700081010101010101010001076465",
    "6661756c74046d61696e066f72646572730307070707070707070707070707070707070707070707",
    "07070707070707070707010473686f7000034745540c2f6f72646572732f7b69647d8080f2818389",
    "8506010af7651916cd43dd8448eb211c80319cb7ad6b71692033310109b897f28183898506019303",
    "01cb0101026e6f01020304010504687474701b4745542068747470733a2f2f6170692e6578616d70",
    "6c652e636f6d01080808080808080808080808080808080607010370616e0102030001e807",
);

/// If this fails, the on-disk format changed: add `v2`, do not edit `v1`.
#[test]
fn the_outcome_order_is_the_format() {
    for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome as usize, at);
        assert_eq!(Outcome::parse(outcome.word()), Some(outcome));
    }
}
