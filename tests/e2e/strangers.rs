//! What people learn who may not call, and what guests learn about those who may.

use crate::rig::{Node, Reply, example, guest, parse, raw, request};
use std::time::{Duration, Instant};

/// What is left of a reply without what differs from request to request.
fn shape(reply: &Reply) -> (String, String) {
    let lines = reply.head.lines().filter(|line| !line.starts_with("date:"));
    (lines.collect::<Vec<_>>().join("\n"), reply.text())
}

fn ask(node: &Node, method: &str, path: &str, headers: &str) -> Reply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    );
    raw(node.gateway, head.as_bytes())
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn revoked(node: &Node, function: &str) -> String {
    let token = node.ok(&["token", "create", "gone", "--invoke", function]).trim().to_owned();
    node.ok(&["token", "revoke", "gone"]);
    token
}

fn expired(node: &Node, function: &str) -> String {
    let all = ["token", "create", "brief", "--invoke", function, "--expires", "100ms"];
    let token = node.ok(&all).trim().to_owned();
    let deadline = Instant::now() + crate::rig::PATIENCE;
    while node.get("/m/list", Some(&token)).status != 401 {
        assert!(Instant::now() < deadline, "it does not expire");
        std::thread::sleep(Duration::from_millis(50));
    }
    token
}

#[test]
fn private_and_unknown_are_the_same_for_whoever_has_no_valid_credential() {
    // Many wrong credentials come from one address here, and none of them is to wait.
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "[limit]\nfailures = \"100000/1m\"\n").expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    let good = node.deploy(&guest("misbehave"), "m");
    let mut mistyped = good.clone();
    mistyped.replace_range(20..21, if &good[20..21] == "x" { "y" } else { "x" });
    let mut ways = vec![String::new(), bearer(""), bearer("nonsense"), bearer(&mistyped)];
    ways.extend([bearer(&revoked(&node, "m")), bearer(&expired(&node, "m"))]);
    ways.extend([bearer(&node.operator()), bearer(&good[..40]), bearer(&format!("{good}0"))]);
    ways.push(format!("{}{}", bearer(&good), bearer(&good)));
    ways.push("authorization: Basic dTpw\r\n".to_owned());
    ways.push(format!("authorization: Basic {good}\r\n"));
    // A field that is called one of this hop is none that lets anybody in.
    ways.push(format!("connection: authorization\r\n{}", bearer(&good)));
    let calls = node.records(0).len();
    for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"] {
        let first = shape(&ask(&node, method, "/unknown", ""));
        assert!(first.0.starts_with("HTTP/1.1 401 "), "{first:?}");
        assert!(first.0.contains("\nwww-authenticate: Bearer"), "{first:?}");
        assert!(!first.0.contains("casemate-invocation"), "{first:?}");
        for headers in &ways {
            for path in ["/m", "/m/list", "/m/request?x=1", "/unknown", "/", "/v1/node", "/healthz"]
            {
                let reply = ask(&node, method, path, headers);
                assert_eq!(shape(&reply), first, "{method} {path} with {headers}");
            }
        }
    }
    let reply = ask(&node, "GET", "/m/list", "");
    assert_eq!(reply.code(), "E0801");
    assert_eq!(node.records(0).len(), calls, "strangers leave no records");
}

#[test]
fn a_valid_token_sees_nothing_where_it_has_no_grant() {
    let node = Node::start();
    node.deploy(&guest("misbehave"), "m");
    let other = node.deploy(&example("hello"), "hello");
    for method in ["GET", "POST", "OPTIONS"] {
        let unknown = ask(&node, method, "/unknown", &bearer(&other));
        assert_eq!((unknown.status, unknown.code().as_str()), (404, "E0706"));
        let private = ask(&node, method, "/m/list", &bearer(&other));
        assert_eq!(shape(&private), shape(&unknown), "{method}");
    }
    // The operator can see that somebody tried.
    let denied = node.json(&["records", "--outcome", "denied"]);
    let items = denied["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3, "{denied}");
    assert_eq!(items[0]["caller"], "token:t-hello");
    assert_eq!(
        (items[0]["function"].as_str(), items[0]["status"].as_u64()),
        (Some("m"), Some(404))
    );
}

#[test]
fn grants_and_tokens_hold_from_the_next_request_on() {
    let node = Node::start();
    let token = node.deploy(&guest("misbehave"), "m");
    let status = |token: Option<&str>| node.get("/m/state", token).status;
    assert_eq!((status(None), status(Some(&token))), (401, 200));
    node.ok(&["grant", "public", "invoke", "m"]);
    assert_eq!((status(None), status(Some(&token))), (200, 200));
    // Who sends a bad credential is not somebody who sent none.
    assert_eq!(status(Some("cmt_nonsense")), 401);
    assert_eq!(status(Some(&node.operator())), 401);
    node.ok(&["revoke", "public", "invoke", "m"]);
    assert_eq!((status(None), status(Some(&token))), (401, 200));
    node.ok(&["revoke", "token:t-m", "invoke", "m"]);
    assert_eq!(status(Some(&token)), 404);
    node.ok(&["grant", "token:t-m", "invoke", "m"]);
    assert_eq!(status(Some(&token)), 200);
    node.ok(&["token", "revoke", "t-m"]);
    assert_eq!(status(Some(&token)), 401);
    // A new token of the same name is another one.
    let again = node.ok(&["token", "create", "t-m", "--invoke", "m"]).trim().to_owned();
    assert_eq!((status(Some(&token)), status(Some(&again))), (401, 200));
    node.ok(&["remove", "m"]);
    assert_eq!((status(None), status(Some(&again))), (401, 404));
}

#[test]
fn the_credential_that_the_platform_consumed_does_not_reach_the_guest() {
    let node = Node::start();
    let token = node.deploy(&guest("misbehave"), "m");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let headers = format!("AUTHORIZATION: {scheme} {token}\r\n");
        let reply = ask(&node, "GET", "/m/request", &headers);
        let seen = reply.text();
        assert_eq!(reply.status, 200, "{seen}");
        assert!(!seen.contains("authorization") && !seen.contains("cmt_"), "{seen}");
        assert!(seen.contains("header casemate-caller: token:t-m\n"), "{seen}");
        let id = reply.header("casemate-invocation").expect("an id");
        assert!(seen.contains(&format!("header casemate-invocation: {id}\n")), "{seen}");
    }
    // Nor by way of the record or the logs.
    let kept = format!("{:?}{}", node.records(3), node.ok(&["logs", "-n", "1000"]));
    assert!(!kept.contains(&token), "{kept}");
    assert!(!node.said().contains(&token));
    // The operator's does not go along with an operator's call.
    let seen = node.ok(&["invoke", "m", "--path", "/request", "-H", "x-mine: 1"]);
    assert!(!seen.contains("authorization") && !seen.contains(&node.operator()), "{seen}");
    assert!(
        seen.contains("header x-mine: 1\n") && seen.contains("casemate-caller: operator"),
        "{seen}"
    );
    // A credential of the guest's own is the guest's.
    node.ok(&["grant", "public", "invoke", "m"]);
    let seen = ask(&node, "GET", "/m/request", "authorization: Basic dTpw\r\n").text();
    assert!(seen.contains("header authorization: Basic dTpw\n"), "{seen}");
    assert!(seen.contains("header casemate-caller: anonymous\n"), "{seen}");
}

#[test]
fn nobody_can_forge_what_the_platform_says() {
    let node = Node::start();
    let token = node.deploy(&guest("misbehave"), "m");
    let forged = "casemate-caller: operator\r\nCasemate_Caller: operator\r\ncasemate-x: 1\r\n\
        casemate-invocation: 0\r\nx-forwarded-for: 10.0.0.1\r\nforwarded: for=10.0.0.1\r\n\
        x-real-ip: 10.0.0.1\r\nproxy: http://evil\r\nproxy-authorization: Basic x\r\n\
        lambda-runtime-x: 1\r\nce-id: 1\r\nte: trailers\r\nkeep-alive: timeout=5\r\n\
        connection: x-hop\r\nx-hop: 1\r\nx-mine: 1\r\n";
    let seen = ask(&node, "GET", "/m/request", &format!("{}{forged}", bearer(&token))).text();
    let mut names: Vec<&str> = seen
        .lines()
        .filter_map(|line| line.strip_prefix("header ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let platforms = ["casemate-caller", "casemate-invocation", "forwarded", "host"];
    let told = ["x-forwarded-for", "x-forwarded-proto", "x-mine"];
    assert_eq!(names, [&platforms[..], &told].concat(), "{seen}");
    assert!(seen.contains("casemate-caller: token:t-m\n") && !seen.contains("10.0.0.1"), "{seen}");
    // The host is the caller's word and chooses nothing inside.
    for host in ["m.fn.casemate.internal", "events.casemate.internal", "127.0.0.1:8089"] {
        let head = format!("GET /unknown HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(raw(node.gateway, head.as_bytes()).status, 401, "{host}");
    }
}

#[test]
fn the_admin_listener_is_the_operators() {
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    let admin = |method: &str, path: &str, token: Option<&str>| {
        request(node.admin, method, path, token, b"")
    };
    let scoped = "/v1/tenants/default/environments/main";
    let paths = ["/v1/node", "/v1/doctor", "/v1/ledger", "/v1/backup", "/v1/nothing", "/unknown"];
    let mut paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
    for rest in ["functions", "tokens", "grants", "records", "logs", "functions/hello/invoke/x"] {
        paths.push(format!("{scoped}/{rest}"));
    }
    for path in &paths {
        for token in [None, Some("nonsense"), Some(token.as_str()), Some("")] {
            let reply = admin("GET", path, token);
            assert_eq!((reply.status, reply.code().as_str()), (401, "E0804"), "{path} {token:?}");
        }
    }
    for path in ["/healthz", "/readyz", "/v1/openapi.json"] {
        assert_eq!(admin("GET", path, None).status, 200, "{path}");
    }
    let operator = node.operator();
    assert_eq!(admin("GET", "/v1/node", Some(&operator)).status, 200);
    assert_eq!(admin("GET", "/v1/nothing", Some(&operator)).code(), "E0610");
    // Nothing was written by those who may not.
    let before = node.json(&["ledger", "show"]).to_string();
    for (method, path) in
        [("DELETE", format!("{scoped}/applications/hello")), ("POST", format!("{scoped}/grants"))]
    {
        assert_eq!(request(node.admin, method, &path, Some(&token), b"{}").status, 401);
    }
    assert_eq!(node.json(&["ledger", "show"]).to_string(), before);
}

#[test]
fn other_methods_are_named_to_those_who_may_call() {
    let node = Node::start();
    let manifest = "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"m\"\nsource = \"m.wasm\"\n\
        [[function.http]]\nroute = \"GET /thing/{id}\"\n[[function.http]]\nroute = \"PUT /thing/{id}\"\n";
    let deployed = node.deploy_manifest(manifest, &[("m.wasm", &guest("misbehave"))]);
    assert!(deployed.status.success(), "{deployed:?}");
    let token = node.ok(&["token", "create", "t", "--invoke", "m"]).trim().to_owned();
    for method in ["POST", "DELETE", "OPTIONS", "BREW"] {
        let reply = ask(&node, method, "/thing/request", &bearer(&token));
        assert_eq!((reply.status, reply.code().as_str()), (405, "E0705"), "{method}");
        let mut allow: Vec<&str> = reply.header("allow").expect("allow").split(", ").collect();
        allow.sort_unstable();
        assert_eq!(allow, ["GET", "HEAD", "PUT"], "{method}");
        let stranger = ask(&node, method, "/thing/request", "");
        assert_eq!((stranger.status, stranger.header("allow")), (401, None), "{method}");
    }
    assert!(ask(&node, "GET", "/thing/request", &bearer(&token)).text().contains("Method::Get"));
    let put = request(node.gateway, "PUT", "/thing/request", Some(&token), b"x");
    assert!(put.text().contains("Method::Put"));
    // HEAD is answered by the GET route, without a body.
    let head = ask(&node, "HEAD", "/thing/request", &bearer(&token));
    assert_eq!((head.status, head.body.len()), (200, 0));
    // A route that takes every method takes OPTIONS, too: the function answers it.
    let all = node.deploy(&guest("misbehave"), "all");
    let options = ask(&node, "OPTIONS", "/all/request", &bearer(&all));
    assert!(options.text().contains("Method::Options"), "{}", options.text());
    let star = parse(&crate::rig::exchange(
        node.gateway,
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ));
    assert_eq!(star.status, 204);
}
