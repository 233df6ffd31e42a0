//! Signatures of the manifest's own making: HMAC over parts of a request.

use super::crypto::hmac_of;
use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA512};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use model::manifest::{Algorithm, Encoding, KeyText, Mac, Part, Unit};
use model::{Secret, Timestamp};
use ports::host::HttpCall;

/// Base64 with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signature.
pub(crate) struct Made {
    /// What its field says.
    pub(crate) value: String,
    /// The time that was signed, as text.
    pub(crate) time: String,
    /// The signature in the field.
    pub(crate) signature: String,
}

/// The key that a secret's value stands for. `None` if it is not in the encoding.
pub(crate) fn key(text: KeyText, value: &Secret<Vec<u8>>) -> Option<Secret<Vec<u8>>> {
    let value = value.expose();
    let key = match text {
        KeyText::Text => value.clone(),
        KeyText::Base64 => LENIENT.decode(value.trim_ascii()).ok()?,
        KeyText::Hex => hex::decode(value.trim_ascii()).ok()?,
    };
    (!key.is_empty()).then(|| Secret::new(key))
}

/// Signs a request and its body, which may be left out where no template wants it.
pub(crate) fn sign(mac: &Mac, key: &[u8], call: &HttpCall, body: &[u8], now: Timestamp) -> Made {
    let time = match mac.unit {
        Unit::Seconds => now.0.div_euclid(1_000_000),
        Unit::Milliseconds => now.0.div_euclid(1_000),
    };
    sign_at(mac, key, call, body, time.to_string())
}

/// As [`sign`], with this text for the time.
pub(crate) fn sign_at(mac: &Mac, key: &[u8], call: &HttpCall, body: &[u8], time: String) -> Made {
    let parts: Vec<Vec<u8>> = mac.sign.iter().map(|part| text(part, call, &time)).collect();
    let pieces = mac.sign.iter().zip(&parts);
    let pieces = pieces.map(|(part, own)| if *part == Part::Body { body } else { own });
    let algorithm = match mac.algorithm {
        Algorithm::Sha256 => HMAC_SHA256,
        Algorithm::Sha512 => HMAC_SHA512,
    };
    let tag = hmac_of(algorithm, key, pieces);
    let signature = match mac.encoding {
        Encoding::Hex => hex::encode(tag),
        Encoding::Base64 => STANDARD.encode(tag),
    };
    let said = mac.value.iter().map(|part| match part {
        Part::Text(text) => text.as_str(),
        Part::Time => time.as_str(),
        _ => signature.as_str(),
    });
    Made { value: said.collect(), time, signature }
}

/// What stands for a part, but for the body.
fn text(part: &Part, call: &HttpCall, time: &str) -> Vec<u8> {
    match part {
        Part::Text(text) => text.as_bytes().to_vec(),
        Part::Method => call.method.as_str().as_bytes().to_vec(),
        Part::Host => call.uri.authority().map_or("", |it| it.as_str()).as_bytes().to_vec(),
        Part::Path => call.uri.path().as_bytes().to_vec(),
        Part::Query => call.uri.query().unwrap_or_default().as_bytes().to_vec(),
        Part::Time => time.as_bytes().to_vec(),
        Part::Header(name) => {
            let values: Vec<&[u8]> =
                call.headers.get_all(name).iter().map(|it| it.as_bytes()).collect();
            values.join(b", ".as_slice())
        }
        // The body is not copied, and no signature is signed.
        Part::Body | Part::Signature => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::manifest::{Form, SecretUse};

    fn mac(text: &str) -> Mac {
        let text = format!(r#"{{"to":"https://a.example","hmac":{text}}}"#);
        match serde_json::from_str::<SecretUse>(&text).expect(&text).form() {
            Ok(Form::Hmac(mac)) => *mac,
            other => panic!("{other:?}"),
        }
    }

    fn call(headers: &[(&'static str, &'static str)]) -> HttpCall {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        HttpCall {
            method: http::Method::POST,
            uri: "https://a.example:8443/v1/x?b=1&a=2".parse().expect("a URI"),
            headers: headers.collect(),
            connect: None,
            first_byte: None,
            between_bytes: None,
        }
    }

    fn made(text: &str, secret: &str, call: &HttpCall, body: &[u8], now: i64) -> Made {
        let mac = mac(text);
        let key = key(mac.key, &Secret::new(secret.as_bytes().to_vec())).expect("a key");
        sign(&mac, key.expose(), call, body, Timestamp(now))
    }

    /// The example of GitHub's documentation, "Validating webhook deliveries".
    #[test]
    fn a_signature_of_github_is_made_as_documented() {
        let github =
            r#"{"sign":"{body}","header":"x-hub-signature-256","value":"sha256={signature}"}"#;
        let made = made(github, "It's a Secret to Everybody", &call(&[]), b"Hello, World!", 0);
        let expect = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(made.value, expect);
    }

    /// The example of Slack's documentation, "Verifying requests from Slack".
    #[test]
    fn a_signature_of_slack_is_made_as_documented() {
        let slack = r#"{"sign":"v0:{timestamp}:{body}","header":"x-slack-signature","value":"v0={signature}","timestamp_header":"x-slack-request-timestamp"}"#;
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let now = 1_531_420_618_000_000;
        let made = made(slack, "8f742231b10e8888abcd99yyyzzz85a5", &call(&[]), body, now);
        let expect = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        assert_eq!((made.value.as_str(), made.time.as_str()), (expect, "1531420618"));
    }

    /// The example of the specification of Standard Webhooks, with its key in base64.
    #[test]
    fn a_standard_webhook_is_signed_as_specified() {
        let standard = r#"{"sign":"{header:webhook-id}.{timestamp}.{body}","header":"webhook-signature","value":"v1,{signature}","timestamp_header":"webhook-timestamp","encoding":"base64","key":"base64"}"#;
        let call = call(&[("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")]);
        let made = made(
            standard,
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &call,
            br#"{"test": 2432232314}"#,
            1_614_265_330_000_000,
        );
        assert_eq!(made.value, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_part_of_a_request_can_be_signed() {
        // RFC 4231, test case 2, tells that the digests are right; here only the parts matter.
        let whole = r#"{"sign":"{method} {host}{path}?{query} {header:x-a} {timestamp_ms} {body}","header":"x","value":"{timestamp_ms} {signature}","algorithm":"sha512"}"#;
        let fields = [("x-a", "1"), ("x-a", "2")];
        let made = made(whole, "Jefe", &call(&fields), b"what", 1_999);
        let text = b"POST a.example:8443/v1/x?b=1&a=2 1, 2 1 what";
        let expect = hex::encode(hmac_of(HMAC_SHA512, b"Jefe", [text.as_slice()]));
        assert_eq!(made.value, format!("1 {expect}"));
    }

    #[test]
    fn the_digests_are_those_of_rfc_4231() {
        let message = b"what do ya want for nothing?".as_slice();
        assert_eq!(
            hex::encode(hmac_of(HMAC_SHA256, b"Jefe", [message])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex::encode(hmac_of(HMAC_SHA512, b"Jefe", [message])),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }

    #[test]
    fn a_key_in_another_encoding_is_none() {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        assert!(key(KeyText::Base64, &secret("no base64!")).is_none());
        assert!(key(KeyText::Hex, &secret("abc")).is_none());
        assert!(key(KeyText::Hex, &secret("abcd")).is_some());
        assert!(key(KeyText::Base64, &secret("YWI")).is_some());
    }
}
