//! When a token holds, to the microsecond.

use super::*;

/// Whether a token with these times is valid so many microseconds after [`NOW`].
fn holds(claims: &Value, after_us: i64) -> bool {
    let token = P256.token(&header(), claims);
    issuers().verify(&token, Timestamp(now().0 + after_us)).is_ok()
}

#[test]
fn a_token_has_stopped_at_the_second_it_expires() {
    let exact = IssuerConfig { leeway: Duration::ZERO, ..config() };
    let issuers = issuers_with(exact, &key_set(&[P256.named(&json!({ "kid": "p256" }))]));
    let token = P256.token(&header(), &with("exp", json!(NOW + 1)));
    let valid = |us: i64| issuers.verify(&token, Timestamp(now().0 + us)).is_ok();
    assert!(valid(0) && valid(999_999));
    // The token is remembered by now, and its time is looked at all the same.
    assert!(!valid(1_000_000) && !valid(60_000_000));
    assert!(valid(0), "the clock went back");
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    let expired = with("exp", json!(NOW - 29));
    assert!(holds(&expired, 0) && !holds(&expired, 1_000_000));
    for name in ["nbf", "iat"] {
        let early = with(name, json!(NOW + 30));
        assert!(holds(&early, 0) && !holds(&early, -1), "{name}");
    }
}

#[test]
fn a_remembered_token_is_refused_before_its_time_too() {
    let issuers = issuers();
    let token = P256.token(&header(), &with("nbf", json!(NOW)));
    assert!(issuers.verify(&token, now()).is_ok());
    assert!(issuers.verify(&token, Timestamp(now().0 - 60_000_000)).is_err());
}

#[test]
fn a_time_is_a_number_of_seconds() {
    assert!(holds(&with("exp", json!(NOW as f64 + 0.5)), 0));
    for exp in [
        json!(null),
        json!((NOW + 60).to_string()),
        json!(true),
        json!([NOW + 60]),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
    ] {
        assert!(!holds(&with("exp", exp.clone()), 0), "{exp}");
    }
    for name in ["nbf", "iat"] {
        for value in [json!("soon"), json!(-1), json!(1e300), json!(NOW * 1000)] {
            assert!(!holds(&with(name, value.clone()), 0), "{name} {value}");
        }
        assert!(holds(&with(name, json!(null)), 0), "{name} may be absent");
    }
}
