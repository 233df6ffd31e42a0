//! Requests that were signed: AWS's own examples, those of botocore, and what was done to them.

use super::read::time;
use super::*;
use model::Timestamp;
use proptest::prelude::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z
const THEN: Timestamp = Timestamp(1_440_938_160_000_000);
type Fields = Vec<(&'static str, Vec<u8>)>;

fn secret() -> Secret<Vec<u8>> {
    Secret::new(SECRET.as_bytes().to_vec())
}

/// get-vanilla-query-order-key-case of AWS's test suite.
fn vanilla() -> Fields {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    vec![
        ("host", b"example.amazonaws.com".to_vec()),
        ("x-amz-date", b"20150830T123600Z".to_vec()),
        ("authorization", authorization.as_bytes().to_vec()),
    ]
}

fn judge(
    (method, path, query): (&str, &str, &str),
    fields: &Fields,
    now: Timestamp,
    body: &[u8],
) -> Result<Claim, Wrong> {
    let fields: Vec<(&str, &[u8])> =
        fields.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let sent = Sent { method, path, query, fields: &fields };
    let claim = Claim::read(&sent)?;
    claim.check(&sent, "service", now)?;
    claim.verify(&sent, &secret(), &crate::sha256(body))?;
    Ok(claim)
}

fn with(name: &'static str, value: &str) -> Fields {
    let mut fields = vanilla();
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value.as_bytes().to_vec()));
    fields
}

fn authorized(from: &str, to: &str) -> Fields {
    let text = String::from_utf8(vanilla()[2].1.clone()).expect("text");
    assert!(text.contains(from), "{from}");
    with("authorization", &text.replace(from, to))
}

const LINE: (&str, &str, &str) = ("GET", "/", "Param2=value2&Param1=value1");

#[test]
fn a_request_of_the_test_suite_is_its_signers() {
    let claim = judge(LINE, &vanilla(), THEN, b"").expect("valid");
    assert_eq!((claim.access_key.as_str(), claim.region.as_str()), ("AKIDEXAMPLE", "us-east-1"));
    assert_eq!((claim.time, claim.presigned), (THEN, false));
    // Without blanks behind the commas, as some clients write it.
    judge(LINE, &authorized(", ", ","), THEN, b"").expect("valid");
}

#[test]
fn whatever_was_signed_and_changed_is_found() {
    for (line, fields, body) in [
        (("POST", LINE.1, LINE.2), vanilla(), ""),
        ((LINE.0, "/x", LINE.2), vanilla(), ""),
        ((LINE.0, LINE.1, "Param2=value2&Param1=value1&a=b"), vanilla(), ""),
        (LINE, vanilla(), "x"),
        (LINE, with("host", "evil.example"), ""),
        (LINE, authorized("us-east-1", "us-east-2"), ""),
        (LINE, authorized("AKIDEXAMPLE", "AKIDEXAMPLE2").to_vec(), ""),
        (LINE, authorized("Signature=b97d", "Signature=b97e"), ""),
        (LINE, authorized("SignedHeaders=host", "SignedHeaders=accept;host"), ""),
    ] {
        let judged = judge(line, &fields, THEN, body.as_bytes());
        // The id of the key is no part of what is signed: it says with which key that was.
        let id_only = judged.as_ref().is_ok_and(|claim| claim.access_key == "AKIDEXAMPLE2");
        assert!(id_only || judged == Err(Wrong::Mismatch), "{line:?} {judged:?}");
    }
    let digest = "x-amz-content-sha256";
    let unsigned = judge(LINE, &with(digest, "UNSIGNED-PAYLOAD"), THEN, b"");
    assert_eq!(unsigned, Err(Wrong::Unsigned(digest.to_owned())));
}

#[test]
fn a_body_that_is_not_signed_is_not_taken() {
    let fields: [(&str, &[u8]); 3] = [
        ("host", b"example.amazonaws.com"),
        ("x-amz-date", b"20150830T123600Z"),
        ("x-amz-content-sha256", b"UNSIGNED-PAYLOAD"),
    ];
    let key = Key {
        id: "AKIDEXAMPLE",
        secret: SECRET.as_bytes(),
        region: "us-east-1",
        service: "service",
    };
    let signing = Signing {
        method: "POST",
        path: "/",
        query: "",
        fields: fields.iter().map(|(name, value)| (*name, vec![*value])).collect(),
        payload: "UNSIGNED-PAYLOAD",
        s3: false,
        time: "20150830T123600Z",
    };
    let mut all: Fields = fields.iter().map(|(name, value)| (*name, value.to_vec())).collect();
    all.push(("authorization", sign(&key, signing).authorization.into_bytes()));
    assert_eq!(judge(("POST", "/", ""), &all, THEN, b"any"), Err(Wrong::Mismatch));
}

#[test]
fn five_minutes_either_way_are_taken_and_no_more() {
    let at = |us| judge(LINE, &vanilla(), THEN.plus_us(us), b"");
    for us in [-SKEW_US, -1, 0, SKEW_US] {
        assert!(at(us).is_ok(), "{us}");
    }
    let late = at(SKEW_US + 1_000_000).expect_err("late").to_string();
    assert_eq!(
        late,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    );
    let early = at(-SKEW_US - 1_000_000).expect_err("early").to_string();
    assert_eq!(
        early,
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
    );
}

#[test]
fn what_is_no_signature_is_said_to_be_none() {
    let mut none = vanilla();
    none.pop();
    assert_eq!(judge(LINE, &none, THEN, b""), Err(Wrong::Missing));
    let mut twice = vanilla();
    twice.push(twice[2].clone());
    for fields in [
        with("authorization", "Bearer cmt_x"),
        with("authorization", ""),
        with("authorization", "AWS4-HMAC-SHA256"),
        with("authorization", "AWS4-HMAC-SHA256 "),
        authorized("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "),
        authorized("Credential=", "Credentials="),
        authorized("Signature=", "Signature=a, Signature="),
        authorized("/aws4_request", "/aws5_request"),
        authorized("/aws4_request", "/aws4_request/x"),
        authorized("/20150830/", "/20150831/"),
        authorized("/20150830/", "//"),
        authorized("AKIDEXAMPLE", &"A".repeat(65)),
        authorized("host;x-amz-date", "x-amz-date;host"),
        authorized("host;x-amz-date", "Host;x-amz-date"),
        authorized("host;x-amz-date", "host;host;x-amz-date"),
        authorized("host;x-amz-date", ";host;x-amz-date"),
        authorized("Signature=b97d", "Signature=B97D"),
        authorized("Signature=b97d", "Signature=b9"),
        with("x-amz-date", "20150830T123600"),
        with("x-amz-date", "2015-08-30T12:36"),
        twice,
    ] {
        let judged = judge(LINE, &fields, THEN, b"");
        assert!(matches!(judged, Err(Wrong::Incomplete(_))), "{fields:?} {judged:?}");
    }
    let service = judge(LINE, &authorized("/service/", "/sts/"), THEN, b"");
    assert_eq!(service, Err(Wrong::Service { expected: "service" }));
    let only_date = authorized("host;x-amz-date", "x-amz-date");
    assert_eq!(judge(LINE, &only_date, THEN, b""), Err(Wrong::Unsigned("host".to_owned())));
    let mut more = vanilla();
    more.push(("x-amz-invocation-type", b"Event".to_vec()));
    assert!(matches!(judge(LINE, &more, THEN, b""), Err(Wrong::Unsigned(_))));
    more.pop();
    more.push(("x-amz-security-token", b"x".to_vec()));
    assert_eq!(judge(LINE, &more, THEN, b""), Err(Wrong::Token));
}

/// A query as `SigV4QueryAuth` of botocore writes it, signed for 60 seconds.
fn presigned(parameters: &str) -> String {
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host{parameters}"
    );
    let key = Key {
        id: "AKIDEXAMPLE",
        secret: SECRET.as_bytes(),
        region: "us-east-1",
        service: "service",
    };
    let signing = Signing {
        method: "GET",
        path: "/",
        query: &query,
        fields: vec![("host", vec![b"example.amazonaws.com"])],
        payload: EMPTY,
        s3: false,
        time: "20150830T123600Z",
    };
    format!("{query}&X-Amz-Signature={}", sign(&key, signing).signature)
}

fn host() -> Fields {
    vec![("host", b"example.amazonaws.com".to_vec())]
}

#[test]
fn a_presigned_request_holds_as_long_as_it_says() {
    let query = presigned("&Qualifier=1");
    let line = ("GET", "/", query.as_str());
    assert!(judge(line, &host(), THEN, b"").expect("valid").presigned);
    assert!(judge(line, &host(), THEN.plus_us(60_000_000), b"").is_ok());
    let late = judge(line, &host(), THEN.plus_us(61_000_000), b"");
    assert!(matches!(late, Err(Wrong::Expired { .. })), "{late:?}");
    let other = query.replace("Qualifier=1", "Qualifier=2");
    assert_eq!(judge(("GET", "/", &other), &host(), THEN, b""), Err(Wrong::Mismatch));
    for bad in [
        query.replace("Expires=60", "Expires=3601"),
        query.replace("Expires=60", "Expires=+60"),
        query.replace("Expires=60", "Expires=0"),
        query.replace("&X-Amz-Expires=60", ""),
        format!("{query}&X-Amz-Date=20150830T123600Z"),
    ] {
        let judged = judge(("GET", "/", &bad), &host(), THEN, b"");
        assert!(matches!(judged, Err(Wrong::Incomplete(_))), "{bad} {judged:?}");
    }
    let token = presigned("&X-Amz-Security-Token=x");
    assert_eq!(judge(("GET", "/", &token), &host(), THEN, b""), Err(Wrong::Token));
    let both = judge(("GET", "/", &query), &vanilla(), THEN, b"");
    assert!(matches!(both, Err(Wrong::Incomplete(_))), "{both:?}");
}

#[test]
fn times_are_read_as_they_are_written() {
    assert_eq!(time("20150830T123600Z"), Some(THEN));
    assert_eq!(time("19700101T000000Z"), Some(Timestamp(0)));
    assert_eq!(time("20240229T235959Z"), Some(Timestamp(1_709_251_199_000_000)));
    for bad in ["20230229T000000Z", "20150830T240000Z", "20151330T000000Z", "20150830 123600Z"] {
        assert_eq!(time(bad), None, "{bad}");
    }
}

#[test]
fn a_signature_is_new_once_and_forgotten_when_it_has_ended() {
    let seen = Seen::default();
    let (one, two, three) = (([1; 16], [0; 16]), ([2; 16], [0; 16]), ([3; 16], [0; 16]));
    let until = THEN.plus_us(SKEW_US);
    assert_eq!(seen.first_of(2, one, until, THEN), Ok(true));
    assert_eq!(seen.first_of(2, one, until, THEN), Ok(false));
    assert_eq!(seen.first_of(2, one, until, until), Ok(false));
    assert_eq!(seen.first_of(2, two, until, THEN), Ok(true));
    assert_eq!(seen.first_of(2, three, until, THEN), Err(Crowded));
    // Not by filling it is one forgotten.
    assert_eq!(seen.first_of(2, one, until, THEN), Ok(false));
    let later = until.plus_us(120_000_000);
    assert_eq!(seen.first_of(2, three, later.plus_us(SKEW_US), later), Ok(true));
}

#[test]
fn a_tool_that_asks_twice_in_a_second_is_not_taken_for_a_replay() {
    let seen = Seen::default();
    let until = THEN.plus_us(SKEW_US);
    let first = |attempt: u8, us| seen.first([1; 16], [attempt; 16], until, THEN.plus_us(us));
    assert_eq!(first(1, 0), Ok(true));
    assert_eq!(first(2, seen::AGAIN_US), Ok(true));
    assert_eq!(first(2, seen::AGAIN_US), Ok(false));
    assert_eq!(first(3, seen::AGAIN_US + 1), Ok(false));
    let attempt = |id: &[u8]| {
        let fields: [(&str, &[u8]); 1] = [("amz-sdk-invocation-id", id)];
        Claim::attempt(&Sent { method: "POST", path: "/", query: "", fields: &fields })
    };
    assert_ne!(attempt(b"a"), attempt(b"b"));
    assert_eq!(attempt(b"a"), attempt(b"a"));
}

#[test]
fn a_minted_key_has_the_documented_form() {
    let minted = mint().expect("random");
    let id = access_key_id(&minted.id);
    assert_eq!((id.len(), minted.secret.expose().len()), (16, 40));
    assert_eq!(token_id(&id), Some(minted.id.0.as_str()));
    for bad in
        ["", "cmk_", "cmt_100000000000", "cmk_10000000000", "cmk_10000000000-", "AKIDEXAMPLE"]
    {
        assert_eq!(token_id(bad), None, "{bad}");
    }
    assert!(!format!("{minted:?}").contains(minted.secret.expose()));
}

proptest! {
    #[test]
    fn every_time_is_read_back(seconds in 0_i64..253_402_300_800) {
        let at = Timestamp(seconds * 1_000_000);
        prop_assert_eq!(time(&basic_time(at).expect("a time")), Some(at));
    }

    #[test]
    fn reading_never_panics(text in ".{0,200}", query in "[ -~]{0,200}") {
        let _judged = judge(("GET", "/", &query), &with("authorization", &text), THEN, b"");
    }

    #[test]
    fn nothing_is_valid_whose_signature_was_changed(at in 0_usize..64, digit in 0_u8..16) {
        let text = String::from_utf8(vanilla()[2].1.clone()).expect("text");
        let (head, signature) = text.split_at(text.len() - 64);
        let digit = char::from_digit(digit.into(), 16).expect("a digit");
        prop_assume!(!signature[at..].starts_with(digit));
        let mut signature = signature.to_owned();
        signature.replace_range(at..=at, &digit.to_string());
        let fields = with("authorization", &format!("{head}{signature}"));
        prop_assert_eq!(judge(LINE, &fields, THEN, b""), Err(Wrong::Mismatch));
    }
}
