//! What is known of one invocation's values: how many there may be, and which of them come back.

use super::*;

/// What the values of a form's fields `pan` become on their way in, and what is known then.
#[expect(clippy::needless_pass_by_value, reason = "so that callers write a literal")]
fn ingest(transform: serde_json::Value, body: &str) -> Result<(String, Vec<Arc<Swap>>), Fault> {
    let mut field = json!({ "at": "form:pan", "class": "pan" });
    let (Some(field), Some(more)) = (field.as_object_mut(), transform.as_object()) else {
        panic!("an object")
    };
    field.extend(more.clone());
    let bound = bind(&fields(json!([field])), Direction::Ingest);
    let mut tally = Tally::knowing(Vec::new());
    let made = bound.form(body.as_bytes(), None, &mut tally)?;
    Ok((String::from_utf8(made).expect("text"), tally.into_swaps()))
}

fn reveal(known: Vec<Arc<Swap>>, body: &str) -> Result<String, Fault> {
    let field = json!([{ "at": "form:pan", "class": "pan", "transform": "token" }]);
    let bound = bind(&fields(field), Direction::Reveal);
    let made = bound.form(body.as_bytes(), None, &mut Tally::knowing(known))?;
    Ok(String::from_utf8(made).expect("text"))
}

#[test]
fn what_has_no_way_back_does_not_come_back() {
    for transform in [
        json!({ "transform": "mask", "keep_last": 4 }),
        json!({ "transform": "hash" }),
        json!({ "transform": "fixed" }),
    ] {
        let (made, known) = ingest(transform, "pan=4000056655661111").expect("applied");
        assert_eq!(known.len(), 1, "it is looked for");
        assert_eq!(reveal(known, &made).expect("applied"), made);
    }
}

#[test]
fn a_text_that_two_values_became_stands_for_neither() {
    let swap = |plain: &str| {
        let (made, class) = ("12345678".into(), DataClass::parse("pan").expect("a class"));
        Arc::new(Swap {
            class,
            transform: crate::transform::Kind::Digits,
            plain: Secret::new(plain.to_owned()),
            is_literal: false,
            was_protected: false,
            made,
        })
    };
    let twice = vec![swap("11111111"), swap("11111111")];
    assert_eq!(reveal(twice, "pan=12345678").expect("applied"), "pan=11111111");
    let fault = reveal(vec![swap("11111111"), swap("22222222")], "pan=12345678");
    let fault = fault.expect_err("refused");
    assert_eq!(fault.code(), Code::DataTokenForeign);
    assert!(fault.problem().hint.is_some());
}

#[test]
fn values_that_became_alike_are_all_known_and_stay_as_they_are() {
    let mask = json!({ "transform": "mask", "keep_last": 4 });
    let (made, known) =
        ingest(mask, "pan=4000056655661111&pan=5000056655661111&pan=4000056655661111")
            .expect("applied");
    assert_eq!(known.len(), 2, "each is known once");
    let field = json!([{ "at": "form:pan", "class": "pan", "transform": "token" }]);
    let mut tally = Tally::knowing(known);
    let bound = bind(&fields(field), Direction::Ingest);
    let again = bound.form(made.as_bytes(), None, &mut tally).expect("applied");
    assert_eq!(String::from_utf8(again).expect("text"), made);
    assert_eq!(tally.into_swaps().len(), 2);
}

#[test]
fn more_values_than_can_be_looked_for_are_refused() {
    let token = || json!({ "transform": "token" });
    let body = |count: usize, digits: usize| {
        let pairs = (0..count).map(|it| format!("pan={it:0digits$}&pan={it:0digits$}"));
        pairs.collect::<Vec<_>>().join("&")
    };
    let (_, known) = ingest(token(), &body(VALUES_MAX, 16)).expect("each twice");
    assert_eq!(known.len(), VALUES_MAX);
    let bound = bind(
        &fields(json!([{ "at": "form:pan", "class": "pan", "transform": "token" }])),
        Direction::Ingest,
    );
    let mut tally = Tally::knowing(known);
    assert!(bound.form(b"pan=0000000000000001", None, &mut tally).is_ok());
    let one_more = bound.form(b"pan=x", None, &mut tally).expect_err("refused");
    for fault in [
        one_more,
        ingest(token(), &body(VALUES_MAX + 1, 16)).expect_err("refused"),
        ingest(token(), &body(17, 4000)).expect_err("refused"),
    ] {
        assert_eq!((fault.code(), fault.at.as_deref()), (Code::DataBodyTooLarge, Some("form:pan")));
        assert!(fault.problem().hint.is_some());
    }
}

#[test]
fn a_value_that_is_too_long_to_be_looked_for_is_refused() {
    let pan = |bytes: usize| format!("pan={}", "a".repeat(bytes));
    for transform in [json!({ "transform": "token" }), json!({ "transform": "hash" })] {
        assert!(ingest(transform.clone(), &pan(tally::VALUE_BYTES_MAX)).is_ok());
        let fault = ingest(transform, &pan(tally::VALUE_BYTES_MAX + 1)).expect_err("refused");
        assert_eq!(fault.code(), Code::DataValue);
    }
    // Files are not looked through, so what is longer is protected there.
    let bound = bind(&fields_of_line(), Direction::Protect);
    let line = "a".repeat(tally::VALUE_BYTES_MAX + 1);
    assert!(bound.line(line.as_bytes(), None, &mut Tally::default()).is_ok());
}
