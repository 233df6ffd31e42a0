//! What a function for Spin is told about its request.

use super::*;
use http_body_util::BodyExt as _;
use model::manifest::Auth;
use model::route::Route;

fn routes(texts: &[&str]) -> Vec<HttpTrigger> {
    let one = |text: &&str| HttpTrigger::new(Route::parse(text).expect(text), Auth::Public);
    texts.iter().map(one).collect()
}

fn stamped(url: &str, route: Option<&str>, own: &[&str], forged: &[(&str, &str)]) -> HeaderMap {
    let body = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut request = http::Request::builder().uri(url);
    for (name, value) in forged {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body).expect("a request");
    let method = "GET".into();
    let trigger = match route {
        Some(route) => Trigger::Http { method, route: route.into() },
        None => Trigger::Call { method },
    };
    stamp(&mut request, &trigger, &routes(own), Some("192.0.2.7".parse().expect("an address")));
    request.into_parts().0.headers
}

#[test]
fn each_route_is_told_as_spin_tells_it() {
    // The route, the path; then what it matched, its own route, and the rest.
    for (route, path, matched, own, rest) in [
        ("* /{*rest}", "/", "/...", "", "/"),
        ("* /{*rest}", "/a/b/", "/...", "", "/a/b/"),
        ("* /a/{*rest}", "/a", "/a/...", "/a", ""),
        ("* /a/{*rest}", "/a/", "/a/...", "/a", "/"),
        ("* /a/{*rest}", "/a/b", "/a/...", "/a", "/b"),
        ("* a.example/a/{*rest}", "/a/b", "/a/...", "/a", "/b"),
        ("* /a", "/a", "/a", "/a", ""),
        ("* /a/", "/a/", "/a", "/a", ""),
        ("* /", "/", "/", "/", ""),
        ("* /u/{user_id}/{*rest}", "/u/7/x", "/u/:user_id/...", "/u/:user_id", "/x"),
    ] {
        let url = format!("http://a.example{path}?q=1");
        let headers = stamped(&url, Some(route), &[route], &[]);
        let said = |name: &str| headers.get(name).expect(name).to_str().expect("text").to_owned();
        assert_eq!(said("spin-matched-route"), matched, "{route} {path}");
        assert_eq!(said("spin-raw-component-route"), matched, "{route} {path}");
        assert_eq!(said("spin-component-route"), own, "{route} {path}");
        assert_eq!(said("spin-path-info"), rest, "{route} {path}");
        assert_eq!(said("spin-full-url"), url);
        assert_eq!(said("spin-base-path"), "/");
        assert_eq!(said("spin-client-addr"), "192.0.2.7:0");
        if route.contains("user_id") {
            assert_eq!(said("spin-path-match-user-id"), "7");
        }
    }
}

#[test]
fn what_a_caller_says_of_itself_is_not_passed_on() {
    let forged = [("spin-path-match-admin", "1"), ("spin-client-addr", "10.0.0.1:1"), ("x-a", "1")];
    let headers = stamped("http://a.example/x", Some("* /{*rest}"), &["* /{*rest}"], &forged);
    assert_eq!(headers.get("spin-path-match-admin"), None);
    assert_eq!(headers["spin-client-addr"], "192.0.2.7:0");
    assert_eq!(headers["x-a"], "1");
}

#[test]
fn a_component_that_is_called_by_its_name_has_the_whole_path() {
    let own = ["* /{*rest}", "* /a/{*rest}", "* /a"];
    let headers = stamped("http://b.spin.internal/a/b", None, &own, &[]);
    assert_eq!(headers["spin-path-info"], "/a/b");
    assert_eq!(headers["spin-matched-route"], "/...");
    let headers = stamped("http://self/a/b", None, &own, &[]);
    assert_eq!(headers["spin-path-info"], "/b");
    assert_eq!(headers["spin-matched-route"], "/a/...");
    let headers = stamped("http://self/a", None, &["* /{*rest}", "* /{x}", "* /a"], &[]);
    assert_eq!(headers["spin-matched-route"], "/a");
}
