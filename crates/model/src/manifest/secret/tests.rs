//! The forms of secrets, and where they may go.

use super::*;

fn read(text: &str) -> Result<Form, String> {
    let text = format!(r#"{{"to":"https://api.example",{text}}}"#);
    serde_json::from_str::<SecretUse>(&text).map_err(|error| error.to_string())?.form()
}

#[test]
fn each_form_is_read() {
    let header = |name: &str, before: &str, after: &str| Form::Header {
        name: HeaderName::try_from(name).expect(name),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    for (text, form) in [
        (r#""header":"X-Key""#, header("x-key", "", "")),
        (r#""header":"a","value":"k={secret};""#, header("a", "k=", ";")),
        (r#""bearer":true"#, header("authorization", "Bearer ", "")),
        (r#""query":"api_key""#, Form::Query("api_key".to_owned())),
        (r#""basic":"shop""#, Form::Basic("shop".to_owned())),
    ] {
        assert_eq!(read(text), Ok(form), "{text}");
    }
}

#[test]
fn what_says_no_form_or_two_is_refused() {
    for text in [
        r#""bearer":false"#,
        r#""bearer":true,"query":"k""#,
        r#""bearer":true,"value":"{secret}""#,
        r#""header":"host""#,
        r#""header":"casemate-caller""#,
        r#""header":"a b""#,
        r#""header":"a","value":"none""#,
        r#""header":"a","value":"{secret}{secret}""#,
        r#""header":"a","value":"{secret}\n""#,
        r#""query":"a&b""#,
        r#""query":"""#,
        r#""basic":"a:b""#,
        r#""sigv5":true"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn an_address_is_a_scheme_a_host_and_perhaps_more() {
    let check = |to: &str| {
        let text = format!(r#"{{"to":"{to}","bearer":true}}"#);
        let name = SecretName::parse("psp").expect("a name");
        let function = FunctionName::parse("f").expect("a name");
        serde_json::from_str::<SecretUse>(&text).expect(to).check(&function, &name).is_ok()
    };
    for to in ["https://api.example", "http://127.0.0.1:8080", "https://api.example/v1/"] {
        assert!(check(to), "{to}");
    }
    for to in [
        "",
        "api.example",
        "ftp://x",
        "https://",
        "https://a.example/?q",
        "https://u@x",
        "https://a.example/*",
        "https://a.example/ b",
        "https://a.example/#x",
    ] {
        assert!(!check(to), "{to}");
    }
}

fn secret_use(text: &str) -> SecretUse {
    serde_json::from_str(text).expect(text)
}

#[test]
fn a_secret_may_go_to_several_places() {
    let name = SecretName::parse("psp").expect("a name");
    let function = FunctionName::parse("f").expect("a name");
    let two = secret_use(r#"{"to":["https://a.example","https://b.example/v1"],"bearer":true}"#);
    assert!(two.check(&function, &name).is_ok());
    let targets: Vec<String> = two.targets(&name).collect();
    assert_eq!(targets, ["psp for https://a.example", "psp for https://b.example/v1"]);
    for bad in [
        r#"{"to":[],"bearer":true}"#.to_owned(),
        r#"{"to":["https://a.example","ftp://b"],"bearer":true}"#.to_owned(),
        r#"{"to":["https://a.example","https://a.example"],"bearer":true}"#.to_owned(),
    ] {
        assert!(secret_use(&bad).check(&function, &name).is_err(), "{bad}");
    }
}

#[test]
fn the_secret_of_a_client_also_goes_to_where_its_tokens_come_from() {
    let name = SecretName::parse("crm").expect("a name");
    let function = FunctionName::parse("f").expect("a name");
    let read = |url: &str| {
        secret_use(&format!(
            r#"{{"to":"https://a.example","oauth2":{{"token_url":"{url}","client_id":"c"}}}}"#
        ))
    };
    let good = read("https://login.example/token");
    assert!(good.check(&function, &name).is_ok());
    let targets: Vec<String> = good.targets(&name).collect();
    assert_eq!(targets, ["crm for https://a.example", "crm for https://login.example/token"]);
    assert_eq!(good.destinations(&name).count(), 1);
    for bad in ["", "login.example", "https://u@login.example/", "https://login.example/?a=b"] {
        assert!(read(bad).check(&function, &name).is_err(), "{bad}");
    }
}

#[test]
fn templates_of_signatures_are_read() {
    let form = read(
        r#""hmac":{"sign":"v0:{timestamp}:{header:X-Id}{{}}{body}","header":"X-Sig","value":"t={timestamp},v0={signature}"}"#,
    );
    let Ok(Form::Hmac(mac)) = form else { panic!("{form:?}") };
    let text = |text: &str| Part::Text(text.to_owned());
    let id = Part::Header(HeaderName::from_static("x-id"));
    assert_eq!(mac.sign, [text("v0:"), Part::Time, text(":"), id, text("{}"), Part::Body]);
    assert_eq!(mac.value, [text("t="), Part::Time, text(",v0="), Part::Signature]);
    assert_eq!((mac.unit, mac.needs_body()), (Unit::Seconds, true));
}

#[test]
fn signatures_and_tokens_that_mean_nothing_are_refused() {
    for text in [
        r#""hmac":{"sign":"","header":"x"}"#,
        r#""hmac":{"sign":"{body","header":"x"}"#,
        r#""hmac":{"sign":"body}","header":"x"}"#,
        r#""hmac":{"sign":"{url}","header":"x"}"#,
        r#""hmac":{"sign":"{signature}","header":"x"}"#,
        r#""hmac":{"sign":"{header:a b}","header":"x"}"#,
        r#""hmac":{"sign":"{body}","header":"host"}"#,
        r#""hmac":{"sign":"{body}","header":"x","value":"none"}"#,
        r#""hmac":{"sign":"{body}","header":"x","value":"{signature}{body}"}"#,
        r#""hmac":{"sign":"{body}","header":"x","value":"{signature}\n"}"#,
        r#""hmac":{"sign":"{timestamp}.{body}","header":"x"}"#,
        r#""hmac":{"sign":"{timestamp}","header":"x","value":"{timestamp_ms}{signature}"}"#,
        r#""hmac":{"sign":"{body}","header":"x","timestamp_header":"x"}"#,
        r#""hmac":{"sign":"{body}","header":"x","algorithm":"md5"}"#,
        r#""sigv4":{"region":"","service":"s3"}"#,
        r#""sigv4":{"region":"a/b","service":"s3"}"#,
        r#""sigv4":{"region":"r","service":"s3","access_key":"a/b"}"#,
        r#""oauth2":{"token_url":"https://x","client_id":""}"#,
        r#""oauth2":{"token_url":"https://x","client_id":"a\nb"}"#,
        r#""body":{}"#,
        r#""body":{"json":"/a","form":"a"}"#,
        r#""body":{"json":"a"}"#,
        r#""body":{"form":""}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_template_breaks_the_reader(template in "[{}a-z:_ ]{0,40}") {
        let hmac = Hmac {
            sign: template,
            header: "x-sig".to_owned(),
            value: None,
            timestamp_header: Some("x-time".to_owned()),
            algorithm: Algorithm::default(),
            encoding: Encoding::default(),
            key: KeyText::default(),
        };
        let _read_or_refused = hmac.read();
    }
}

#[test]
fn what_is_revealed_goes_nowhere_by_itself() {
    let name = SecretName::parse("db").expect("a name");
    let function = FunctionName::parse("f").expect("a name");
    assert!(secret_use(r#"{"reveal":true}"#).check(&function, &name).is_ok());
    for bad in [
        r#"{"reveal":true,"to":"https://a.example"}"#,
        r#"{"reveal":true,"bearer":true}"#,
        r#"{"bearer":true}"#,
        "{}",
    ] {
        assert!(secret_use(bad).check(&function, &name).is_err(), "{bad}");
    }
}
