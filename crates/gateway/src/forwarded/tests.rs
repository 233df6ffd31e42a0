//! Forged, malformed and endless lists.

use super::*;
use proptest::prelude::*;

fn proxies(says: Says) -> Proxies {
    let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
    Proxies { trusted: trusted.to_vec(), says }
}

fn headers(sent: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn found(says: Says, sent: &[(&'static str, &str)]) -> (String, bool, Option<String>) {
    let origin = Origin::new("10.0.0.1".parse().unwrap(), None);
    let client = client(&headers(sent), &origin, &proxies(says));
    let host = client.host.map(|host| host.to_str().unwrap().to_owned());
    (client.peer.to_string(), client.secure, host)
}

fn peer(list: &str) -> String {
    found(Says::XForwarded, &[("x-forwarded-for", list)]).0
}

#[test]
fn the_client_is_the_last_address_that_is_no_proxy() {
    for (list, expect) in [
        ("192.0.2.1", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.1:4711,10.0.0.2:80", "192.0.2.1"),
        ("[2001:db9::1]:1, 2001:db8::1", "2001:db9::1"),
        ("[2001:db9::1]", "2001:db9::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        // Who cannot be read hides all before: the last that is known remains.
        ("192.0.2.1, unknown", "10.0.0.1"),
        ("192.0.2.1, , 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1,", "10.0.0.1"),
        ("192.0.2.1, 10.0.0.2 10.0.0.3", "10.0.0.1"),
        ("192.0.2.256", "10.0.0.1"),
        ("0300.0.2.1", "10.0.0.1"),
        ("\"192.0.2.1\"", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        assert_eq!(peer(list), expect, "{list}");
    }
    let two = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(found(Says::XForwarded, &two).0, "192.0.2.1");
}

#[test]
fn a_list_without_end_is_not_followed() {
    let list = vec!["10.0.0.9"; 5_000].join(",");
    assert_eq!(peer(&format!("192.0.2.1,{list}")), "10.0.0.9");
}

#[test]
fn protocol_and_host_are_those_of_the_clients_hop() {
    let with = |list: &str, protocols: &str, hosts: &str| {
        found(
            Says::XForwarded,
            &[
                ("x-forwarded-for", list),
                ("x-forwarded-proto", protocols),
                ("x-forwarded-host", hosts),
            ],
        )
    };
    let (_, secure, host) = with("192.0.2.1", "https", "a.example:443");
    assert_eq!((secure, host.as_deref()), (true, Some("a.example:443")));
    // What the client itself put before is not looked at.
    let (_, secure, host) = with("6.6.6.6, 192.0.2.1", "https, http", "evil, a.example");
    assert_eq!((secure, host.as_deref()), (false, Some("a.example")));
    // The outer proxy's word counts, though the inner one was spoken to in the clear.
    let (_, secure, _) = with("192.0.2.1, 10.0.0.2", "https, http", "a");
    assert!(secure);
    let (_, secure, _) = with("192.0.2.1, 10.0.0.2", "https", "a");
    assert!(secure);
    for (protocols, hosts) in [("gopher", "a b"), ("", ""), ("httpshttps", "a@b")] {
        let (_, secure, host) = with("192.0.2.1", protocols, hosts);
        assert_eq!((secure, host), (false, None));
    }
}

#[test]
fn only_the_field_that_was_chosen_counts() {
    let both = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")];
    assert_eq!(found(Says::XForwarded, &both).0, "192.0.2.1");
    assert_eq!(found(Says::Forwarded, &both).0, "192.0.2.2");
}

#[test]
fn forwarded_is_read_strictly() {
    for (value, expect) in [
        ("for=192.0.2.1", ("192.0.2.1", false)),
        ("For=\"192.0.2.1:80\" ; Proto=https;by=_x", ("192.0.2.1", true)),
        ("for=\"[2001:db9::1]:80\";proto=https, for=10.0.0.2;proto=http", ("2001:db9::1", true)),
        ("for=6.6.6.6, for=192.0.2.1", ("192.0.2.1", false)),
        ("for=6.6.6.6, for=_hidden", ("10.0.0.1", false)),
        ("for=6.6.6.6, proto=https", ("10.0.0.1", false)),
        ("for=6.6.6.6;for=192.0.2.1", ("10.0.0.1", false)),
        // A quote that the client opened does not swallow what the proxy wrote.
        ("for=\"x, for=192.0.2.1", ("192.0.2.1", false)),
        ("for=\"x, for=\"192.0.2.1\"", ("192.0.2.1", false)),
        ("for=\"192.0.2.1", ("10.0.0.1", false)),
        ("for=\"192.0.2\\.1\"", ("10.0.0.1", false)),
        ("192.0.2.1", ("10.0.0.1", false)),
    ] {
        let (peer, secure, _) = found(Says::Forwarded, &[("forwarded", value)]);
        assert_eq!((peer.as_str(), secure), expect, "{value}");
    }
    let (_, _, host) = found(Says::Forwarded, &[("forwarded", "for=192.0.2.1;host=a.example")]);
    assert_eq!(host.as_deref(), Some("a.example"));
}

#[test]
fn functions_are_told_in_both_forms() {
    for (peer, secure, expect) in [
        ("192.0.2.1", true, ["192.0.2.1", "https", "for=192.0.2.1;proto=https"]),
        ("2001:db9::1", false, ["2001:db9::1", "http", "for=\"[2001:db9::1]\";proto=http"]),
    ] {
        let mut headers = HeaderMap::new();
        Words::of(peer.parse().unwrap(), secure).say(&mut headers);
        let told = [FOR, PROTO, FORWARDED].map(|name| headers[name].to_str().unwrap().to_owned());
        assert_eq!(told, expect);
    }
}

proptest! {
    #[test]
    fn what_the_last_proxy_wrote_wins_over_any_forgery(
        forged in "[ -~]{0,200}",
        last in any::<[u8; 4]>(),
    ) {
        let last = IpAddr::from(last);
        prop_assume!(!proxies(Says::XForwarded).trust(last));
        prop_assert_eq!(peer(&format!("{forged},{last}")), last.to_string());
        let list = format!("{forged}, for={last}");
        let found = found(Says::Forwarded, &[("forwarded", &list)]);
        prop_assert_eq!(found.0, last.to_string());
    }
}
