//! What a browser, a cache and a download tool get.

use super::{Application, ask, numbers};
use crate::rig::Node;

const PAGE: &str = "accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

#[test]
fn a_single_page_application_is_served_beside_its_functions() {
    let node = Node::start();
    Application::shop().deploy(&node);
    let home = ask(&node, "GET", "/", &[]);
    assert_eq!((home.status, home.text().contains("shop")), (200, true));
    assert_eq!(home.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(home.header("cache-control"), Some("no-cache"));
    assert_eq!(home.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(home.header("content-security-policy"), Some("default-src 'self'"));
    assert_eq!(home.header("casemate-invocation"), None, "no guest ran");

    let script = ask(&node, "GET", "/assets/app.js", &[]);
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("content-security-policy"), None);

    assert_eq!(ask(&node, "GET", "/about", &[]).text(), "about");
    let slash = ask(&node, "GET", "/blog?a=b", &[]);
    assert_eq!((slash.status, slash.header("location")), (307, Some("/blog/?a=b")));
    assert_eq!(ask(&node, "GET", "/blog/", &[]).text(), "blog");

    // The function's route is more specific than the files'.
    let api = ask(&node, "GET", "/api/x", &[]);
    assert!(api.status == 200 && api.header("casemate-invocation").is_some(), "{api:?}");

    let route = ask(&node, "GET", "/orders/7", &[PAGE]);
    assert_eq!((route.status, route.text().contains("shop")), (200, true));
    assert_eq!(route.header("vary"), Some("accept"));
    let script = ask(&node, "GET", "/assets/gone.js", &["accept: */*"]);
    assert_eq!((script.status, script.text().contains("nothing")), (404, true));
    assert_eq!(script.header("cache-control"), Some("no-cache"), "a 404 is not immutable");
    assert_eq!(script.header("etag"), None);
}

#[test]
fn the_example_is_deployed_as_it_lies_in_the_repository() {
    let node = Node::start();
    let example = crate::rig::repository().join("examples/site");
    node.ok(&["deploy", "--grant", example.to_str().expect("text")]);
    let home = ask(&node, "GET", "/", &[]);
    assert!(home.status == 200 && home.text().contains("app.js"), "{home:?}");
    let script = ask(&node, "GET", "/assets/app.js", &[]);
    assert!(script.header("cache-control").is_some_and(|value| value.contains("immutable")));
    assert_eq!(ask(&node, "GET", "/any/where", &[PAGE]).text(), home.text());
}

#[test]
fn other_methods_are_refused_and_head_has_no_body() {
    let node = Node::start();
    Application::shop().deploy(&node);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = ask(&node, method, "/index.html", &["content-length: 0"]);
        assert_eq!((reply.status, reply.code().as_str()), (405, "E0705"), "{method}");
        assert_eq!(reply.header("allow"), Some("GET, HEAD"));
    }
    let head = ask(&node, "HEAD", "/data.bin", &["range: bytes=0-1"]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("700000"));
    assert_eq!(head.header("content-type"), Some("application/octet-stream"));
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let node = Node::start();
    Application::shop().deploy(&node);
    let tag = ask(&node, "GET", "/", &[]).header("etag").expect("a tag").to_owned();
    let fresh = ask(&node, "GET", "/", &[&format!("if-none-match: \"x\", W/{tag}")]);
    assert_eq!((fresh.status, fresh.body.len()), (304, 0));
    assert_eq!(fresh.header("etag"), Some(tag.as_str()));
    assert_eq!(fresh.header("cache-control"), Some("no-cache"));
    assert_eq!(ask(&node, "GET", "/", &["if-none-match: *"]).status, 304);
    assert_eq!(ask(&node, "HEAD", "/", &[&format!("if-none-match: {tag}")]).status, 304);
    assert_eq!(ask(&node, "GET", "/", &["if-none-match: \"x\""]).status, 200);
    let since = ask(&node, "GET", "/", &["if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT"]);
    assert_eq!(since.status, 200, "there are no modification times");
    let other = ask(&node, "GET", "/", &["if-match: \"x\""]);
    assert_eq!((other.status, other.code().as_str()), (412, "E0741"));
    assert_eq!(ask(&node, "GET", "/", &[&format!("if-match: {tag}")]).status, 200);
}

#[test]
fn parts_of_a_file_over_its_pieces_are_the_same_bytes() {
    let node = Node::start();
    Application::shop().deploy(&node);
    let all = numbers(700_000);
    assert_eq!(ask(&node, "GET", "/data.bin", &[]).body, all);
    for (range, part) in [
        ("0-0", 0..1),
        ("262143-262144", 262_143..262_145),
        ("262144-524287", 262_144..524_288),
        ("100-699999", 100..700_000),
        ("699999-", 699_999..700_000),
        ("-5", 699_995..700_000),
        ("0-9999999", 0..700_000),
    ] {
        let reply = ask(&node, "GET", "/data.bin", &[&format!("range: bytes={range}")]);
        assert_eq!(reply.status, 206, "{range}");
        let said = format!("bytes {}-{}/700000", part.start, part.end - 1);
        assert_eq!(reply.header("content-range"), Some(said.as_str()));
        assert_eq!(reply.header("content-length"), Some(part.len().to_string().as_str()));
        assert!(reply.body == all[part], "{range}: other bytes");
    }
    let beyond = ask(&node, "GET", "/data.bin", &["range: bytes=700000-"]);
    assert_eq!((beyond.status, beyond.code().as_str()), (416, "E0740"));
    assert_eq!(beyond.header("content-range"), Some("bytes */700000"));
    for whole in ["bytes=0-1,5-6", "bytes=5-1", "lines=0-1"] {
        assert_eq!(ask(&node, "GET", "/data.bin", &[&format!("range: {whole}")]).status, 200);
    }
    let tag = ask(&node, "HEAD", "/data.bin", &[]).header("etag").expect("a tag").to_owned();
    let held = ask(&node, "GET", "/data.bin", &["range: bytes=0-1", &format!("if-range: {tag}")]);
    assert_eq!(held.status, 206);
    for gone in ["\"other\"", "Wed, 21 Oct 2015 07:28:00 GMT", &format!("W/{tag}")] {
        let lines = ["range: bytes=0-1", &format!("if-range: {gone}")];
        assert_eq!(ask(&node, "GET", "/data.bin", &lines).status, 200, "{gone}");
    }
}

#[test]
fn a_compressed_form_is_sent_to_those_who_take_it() {
    let node = Node::start();
    Application::shop().deploy(&node);
    let plain = ask(&node, "GET", "/assets/app.js", &[]);
    assert_eq!((plain.body.len(), plain.header("content-encoding")), (1700, None));
    let brotli = ask(&node, "GET", "/assets/app.js", &["accept-encoding: gzip, deflate, br"]);
    assert_eq!(brotli.header("content-encoding"), Some("br"));
    assert_eq!(brotli.text(), "brotli, so to speak");
    assert_eq!(brotli.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(brotli.header("content-length"), Some("19"));
    let gzip = ask(&node, "GET", "/assets/app.js", &["accept-encoding: gzip;q=0.8, br;q=0"]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let tags = [&plain, &brotli, &gzip].map(|reply| reply.header("etag").expect("a tag"));
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    for reply in [&plain, &brotli, &gzip] {
        assert_eq!(reply.header("vary"), Some("accept-encoding"));
    }
    // A tag of one form is not the other's.
    let lines = ["accept-encoding: br", &format!("if-none-match: {}", tags[0])];
    assert_eq!(ask(&node, "GET", "/assets/app.js", &lines).status, 200);
}

#[test]
fn files_need_a_grant_like_functions() {
    let node = Node::start();
    let shop = Application::shop();
    node.ok(&["deploy", shop.path()]);
    for path in ["/", "/index.html", "/nothing-there", "/.env"] {
        let reply = ask(&node, "GET", path, &[PAGE]);
        assert_eq!((reply.status, reply.code().as_str()), (401, "E0801"), "{path}");
    }
    let token = node.ok(&["token", "create", "t", "--invoke", "site"]);
    let bearer = format!("authorization: Bearer {}", token.trim());
    let mine = ask(&node, "GET", "/", &[&bearer]);
    assert_eq!((mine.status, mine.header("cache-control")), (200, Some("private, no-cache")));
    let other = node.ok(&["token", "create", "o", "--invoke", "api"]);
    let bearer = format!("authorization: Bearer {}", other.trim());
    assert_eq!(ask(&node, "GET", "/", &[&bearer]).code(), "E0706");
    node.ok(&["grant", "public", "invoke", "site"]);
    assert_eq!(ask(&node, "GET", "/", &[]).status, 200);
    let direct = node.ok(&["invoke", "site", "--path", "/about"]);
    assert_eq!(direct, "about");
}
