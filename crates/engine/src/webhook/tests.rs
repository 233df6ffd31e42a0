//! The senders' own examples, where they publish any, and everything that is close to one.

use super::reading::{Answer, read};
use super::verify::{Disbelief, Message, believe};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use model::manifest::WebhookSpec;
use model::{Secret, Timestamp};

/// A message and what it is verified with.
struct Case {
    spec: WebhookSpec,
    secret: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    now_s: i64,
}

impl Case {
    fn new(spec: &str, secret: &str, fields: &[(&str, &str)], body: &str, now_s: i64) -> Self {
        let text = format!(r#"{{"name":"w",{spec}}}"#);
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            spec: serde_json::from_str(&text).expect(&text),
            secret: secret.to_owned(),
            fields: fields.iter().map(own).collect(),
            body: body.as_bytes().to_vec(),
            now_s,
        }
    }

    fn with<T>(&self, then: impl FnOnce(&Message<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.fields {
            let name = HeaderName::from_bytes(name.as_bytes()).expect(name);
            headers.append(name, HeaderValue::from_str(value).expect(value));
        }
        let uri = Uri::from_static("/.casemate/webhooks/w");
        let now = Timestamp(self.now_s * 1_000_000);
        let method = &Method::POST;
        then(&Message { method, uri: &uri, headers: &headers, body: &self.body, now })
    }

    fn believed(&self) -> Result<(), Disbelief> {
        let key = Secret::new(self.secret.as_bytes().to_vec());
        let key = Some(&key).filter(|_| !self.secret.is_empty());
        self.with(|message| believe(&self.spec, key, message))
    }

    /// What the event of it is: its type and its id.
    fn event(&self) -> (String, String) {
        let event = self.with(|message| read(&self.spec, message)).expect("readable").event;
        let event = event.expect("an event");
        assert_eq!(event.source(), "/webhooks/w");
        (event.kind().to_owned(), event.id().to_owned())
    }

    fn answer(&self) -> Answer {
        self.with(|message| read(&self.spec, message)).expect("readable").answer
    }
}

const STANDARD_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

/// The specification's example.
fn standard() -> Case {
    let fields = [
        ("webhook-id", STANDARD_ID),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let spec = r#""kind":"standard","secret":"s""#;
    Case::new(spec, secret, &fields, r#"{"test": 2432232314}"#, 1_614_265_330)
}

/// The example of "Validating webhook deliveries".
fn github() -> Case {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let fields = [
        ("x-hub-signature-256", signature),
        ("x-github-event", "push"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
    ];
    let spec = r#""kind":"github","secret":"s""#;
    Case::new(spec, "It's a Secret to Everybody", &fields, "Hello, World!", 0)
}

/// The example of "Verifying requests from Slack".
fn slack() -> Case {
    let fields = [
        ("x-slack-request-timestamp", "1531420618"),
        (
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ];
    let spec = r#""kind":"slack","secret":"s""#;
    Case::new(spec, "8f742231b10e8888abcd99yyyzzz85a5", &fields, SLACK_BODY, 1_531_420_618)
}

/// Signed here: there is no published example whose secret is known.
fn stripe(body: &str) -> Case {
    let time = "1492774577";
    let signed = format!("{time}.{body}");
    let tag = crate::secrets::crypto::hmac_sha256(b"whsec_abc", signed.as_bytes());
    let said = format!("t={time},v0=6ffbb59b2300aae63f272406069a9788,v1={}", hex::encode(tag));
    let spec = r#""kind":"stripe","secret":"s""#;
    Case::new(spec, "whsec_abc", &[("stripe-signature", &said)], body, 1_492_774_577)
}

/// Signed here, with the key of the first example of RFC 8032.
fn discord(body: &str) -> Case {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let pair =
        Ed25519KeyPair::from_seed_unchecked(&hex::decode(seed).expect("hex")).expect("a key");
    let public = hex::encode(pair.public_key());
    assert_eq!(public, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let signature = hex::encode(pair.sign(format!("1700000000{body}").as_bytes()));
    let fields =
        [("x-signature-ed25519", signature.as_str()), ("x-signature-timestamp", "1700000000")];
    let spec = format!(r#""kind":"discord","public_key":"{public}""#);
    Case::new(&spec, "", &fields, body, 1_700_000_000)
}

fn telegram() -> Case {
    let fields = [("x-telegram-bot-api-secret-token", "t0ken")];
    let body = r#"{"update_id":7,"message":{"text":"hi"}}"#;
    Case::new(r#""kind":"telegram","secret":"s""#, "t0ken\n", &fields, body, 0)
}

fn own() -> Case {
    let spec = r#""kind":"hmac","secret":"s","tolerance":"1m","hmac":{"sign":"{method} {path} {timestamp_ms}.{body}","header":"x-sig","timestamp_header":"x-time","encoding":"base64"}"#;
    let tag = crate::secrets::crypto::hmac_sha256(
        b"key",
        b"POST /.casemate/webhooks/w 1700000000000.what",
    );
    let tag = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, tag);
    let fields = [("x-sig", tag.as_str()), ("x-time", "1700000000000")];
    Case::new(spec, "key", &fields, "what", 1_700_000_000)
}

fn all() -> Vec<Case> {
    let event = r#"{"id":"evt_1","type":"invoice.paid"}"#;
    vec![
        standard(),
        github(),
        slack(),
        stripe(event),
        discord(r#"{"type":2,"id":"9"}"#),
        telegram(),
        own(),
    ]
}

fn shorten(text: &mut String) {
    text.truncate(text.len().saturating_sub(1));
}

#[test]
fn each_senders_message_is_believed() {
    for case in all() {
        assert_eq!(case.believed(), Ok(()), "{:?}", case.spec.kind);
    }
}

#[test]
fn nothing_that_is_close_to_one_is_believed() {
    for case in all() {
        let kind = case.spec.kind;
        let refused = |change: &dyn Fn(&mut Case)| {
            let mut other = Case {
                spec: case.spec.clone(),
                secret: case.secret.clone(),
                fields: case.fields.clone(),
                body: case.body.clone(),
                now_s: case.now_s,
            };
            change(&mut other);
            other.believed().is_err()
        };
        // Telegram's token says nothing of the body.
        if kind != model::manifest::Sender::Telegram {
            assert!(refused(&|it| it.body.push(b' ')), "{kind:?}: a longer body");
            assert!(
                refused(&|it| it.body.truncate(it.body.len().saturating_sub(1))),
                "{kind:?}: a shorter body"
            );
        }
        if !case.secret.is_empty() {
            assert!(refused(&|it| it.secret.insert(0, 'x')), "{kind:?}: another secret");
            assert!(refused(&|it| it.secret.clear()), "{kind:?}: no secret");
        }
        let signed = match kind {
            model::manifest::Sender::Github => 1,
            _ => case.fields.len(),
        };
        for at in 0..signed {
            assert!(refused(&|it| drop(it.fields.remove(at))), "{kind:?}: without field {at}");
            assert!(
                refused(&|it| it.fields.push(it.fields[at].clone())),
                "{kind:?}: field {at} twice"
            );
            for value in ["", "x", "sha256=", "v1,", "t=1,v1=00", "-1", "99999999999999999999"] {
                assert!(refused(&|it| value.clone_into(&mut it.fields[at].1)), "{kind:?} {value}");
            }
            assert!(refused(&|it| shorten(&mut it.fields[at].1)), "{kind:?}: field {at} cut");
        }
    }
}

#[test]
fn what_is_old_or_not_yet_is_stale() {
    for (mut case, tolerance) in
        [(standard(), 300), (slack(), 300), (stripe("{}"), 300), (discord("{}"), 300), (own(), 60)]
    {
        let signed = case.now_s;
        for (at, expect) in [
            (signed + tolerance, Ok(())),
            (signed - tolerance, Ok(())),
            (signed + tolerance + 1, Err(Disbelief::Stale)),
            (signed - tolerance - 1, Err(Disbelief::Stale)),
        ] {
            case.now_s = at;
            assert_eq!(case.believed(), expect, "{:?} at {at}", case.spec.kind);
        }
    }
}

#[test]
fn a_sender_that_changes_its_secret_signs_with_both() {
    let mut case = standard();
    case.fields[2].1 = format!("v1,AAAA v1a,x {} v1,BBBB", case.fields[2].1);
    assert_eq!(case.believed(), Ok(()));
    case.fields[2].1 = format!("{}{}", "v1,AAAA ".repeat(8), standard().fields[2].1);
    assert_eq!(case.believed(), Err(Disbelief::Forged), "no more than some are tried");
    let mut case = stripe("{}");
    case.fields[0].1 = format!("{},v1={}", case.fields[0].1, "00".repeat(32));
    assert_eq!(case.believed(), Ok(()));
}

#[test]
fn messages_become_events_by_what_they_say() {
    let of = |case: &Case| case.event();
    let own = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    assert_eq!(of(&standard()), own("webhook.standard.message", STANDARD_ID));
    let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
    assert_eq!(of(&github()), own("webhook.github.push", id));
    let paid = stripe(r#"{"id":"evt_1","type":"invoice.paid"}"#);
    assert_eq!(of(&paid), own("webhook.stripe.invoice.paid", "evt_1"));
    assert_eq!(of(&telegram()), own("webhook.telegram.message", "7"));
    let mut event = slack();
    event.body =
        br#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#.to_vec();
    assert_eq!(of(&event), own("webhook.slack.app_mention", "Ev1"));
    assert_eq!(of(&discord(r#"{"type":2,"id":"9"}"#)), own("webhook.discord.interaction", "9"));
    let mut odd = github();
    odd.fields[1].1 = "a b\u{e9}".to_owned();
    odd.fields[2].1 = String::new();
    let (kind, id) = of(&odd);
    assert!(kind.starts_with("webhook.github.") && id.starts_with("sha256:"), "{kind} {id}");
}

#[test]
fn questions_are_answered_and_are_no_events() {
    let json = |text: &str| Answer { status: StatusCode::OK, body: text.to_owned() };
    let mut case = slack();
    case.body = br#"{"type":"url_verification","challenge":"3eZbrw1a"}"#.to_vec();
    let reading = case.with(|message| read(&case.spec, message)).expect("readable");
    assert!(reading.event.is_none());
    assert_eq!(reading.answer, json(r#"{"challenge":"3eZbrw1a"}"#));
    assert_eq!(discord(r#"{"type":1}"#).answer(), json(r#"{"type":1}"#));
    let empty = Answer { status: StatusCode::NO_CONTENT, body: String::new() };
    assert_eq!(discord(r#"{"type":0}"#).answer(), empty);
    for (body, text) in [
        (r#"{"type":2}"#, r#"{"type":5}"#),
        (r#"{"type":3}"#, r#"{"type":6}"#),
        (r#"{"type":4}"#, r#"{"type":8,"data":{"choices":[]}}"#),
    ] {
        let said = discord(body).answer();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&said.body), value(text), "{body}");
    }
}
