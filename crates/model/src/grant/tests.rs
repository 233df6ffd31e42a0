//! What a grant is, and what is none.

use super::*;

#[test]
fn reads_every_form() {
    for (who, action, what) in [
        ("public", "invoke", "hello"),
        ("token:ci", "invoke", "hello"),
        ("jwt:shop", "invoke", "hello"),
        ("jwt:shop/alice", "invoke", "hello"),
        ("jwt:shop/auth0%7Cx/y", "invoke", "hello"),
        ("mtls:*", "invoke", "hello"),
        ("mtls:%2A", "invoke", "hello"),
        ("mtls:spiffe://a.example/x", "invoke", "hello"),
        ("function:hello", "http", "GET https://api.example.com/v1/*"),
        ("function:hello", "keyvalue", "read-write carts/{sub}/*"),
        ("function:hello", "blob", "read-write photos/{sub}/*"),
        ("function:hello", "invoke", "shipping"),
        ("function:hello", "secret", "psp for https://api.example.com/v1"),
        ("function:hello", "secret-reveal", "db"),
        ("function:hello", "tcp", "db.internal:5432"),
        ("function:hello", "tcp", "[2001:db8::7]:5432"),
        ("token:ci", "invoke-async", "hello"),
        ("jwt:shop", "invoke-async", "hello"),
        ("trigger:nightly", "invoke", "hello"),
    ] {
        let grant = Grant::parse(who, action, what).expect(what);
        assert_eq!(grant.who.to_string(), who);
        let json = serde_json::to_string(&grant).expect("plain data");
        assert_eq!(serde_json::from_str::<Grant>(&json).expect(&json), grant);
    }
}

#[test]
fn refuses_pairings_and_targets_that_mean_nothing() {
    for (who, action, what) in [
        ("nobody", "invoke", "hello"),
        ("token:../x", "invoke", "hello"),
        ("jwt:", "invoke", "hello"),
        ("jwt:Shop", "invoke", "hello"),
        ("jwt:shop/", "invoke", "hello"),
        ("jwt:shop/%0a", "invoke", "hello"),
        ("mtls:", "invoke", "hello"),
        ("jwt:shop", "http", "GET https://x/"),
        ("mtls:*", "http", "GET https://x/"),
        ("public", "http", "GET https://x/"),
        ("function:a", "http", "https://x/"),
        ("function:a", "http", "GET file:///etc/passwd"),
        ("function:a", "http", "GET /relative"),
        ("function:a", "http", "GET https://x/#\u{1b}[31m"),
        ("function:a", "http", "GET https://x/#\nGET https://y/"),
        ("public", "fly", "hello"),
        ("public", "keyvalue", "read carts"),
        ("public", "invoke-async", "hello"),
        ("trigger:nightly", "invoke-async", "hello"),
        ("trigger:nightly", "http", "GET https://x/"),
        ("trigger:Nightly", "invoke", "hello"),
        ("function:a", "invoke-async", "b"),
        ("function:a", "keyvalue", "carts"),
        ("public", "blob", "read photos"),
        ("function:a", "blob", "photos"),
        ("token:ci", "secret", "psp for https://x"),
        ("token:ci", "secret-reveal", "db"),
        ("public", "secret-reveal", "db"),
        ("function:a", "secret-reveal", "db for https://x"),
        ("public", "tcp", "db.internal:5432"),
        ("token:ci", "tcp", "db.internal:5432"),
        ("function:a", "tcp", "db.internal"),
        ("function:a", "tcp", "*.internal:5432"),
        ("function:a", "tcp", "db.internal:0"),
        ("function:a", "secret", "psp"),
        ("function:a", "secret", "psp for x"),
        ("function:a", "secret", "PSP for https://x"),
        ("function:a", "secret", "psp for https://u@x"),
        ("function:a", "secret", "psp for https://x/*"),
        ("function:a", "keyvalue", "read carts/{sub}*"),
    ] {
        assert!(Grant::parse(who, action, what).is_err(), "{who} {action} {what}");
    }
}
