//! Pages of other origins.

use super::{Application, ask};
use crate::rig::{Node, Reply};

const MANIFEST: &str = r#"
manifest = 1
application = "shop"

[[function]]
name = "open"
source = "api.wasm"
[[function.http]]
route = "* /open"
auth = "public"
cors = { origins = ["https://app.example", "https://*.example.com"], expose = ["X-Total"], credentials = true, max_age = "1h" }

[[function]]
name = "private"
source = "api.wasm"
http = [{ route = "GET /private/{id}", cors = { origins = ["https://app.example"] } }, { route = "GET /plain" }]

[[function]]
name = "own"
source = "api.wasm"
http = [
  { route = "GET /own", auth = "public", cors = { origins = ["https://app.example"] } },
  { route = "OPTIONS /own", auth = "public" },
]

[[assets]]
name = "fonts"
directory = "public"
route = "/fonts"
auth = "public"
cors = { origins = ["*"] }
"#;

fn start() -> Node {
    let node = Node::start();
    Application::new(MANIFEST, &[("a.woff2", b"a font")]).deploy(&node);
    node
}

fn preflight(node: &Node, path: &str, origin: &str, method: &str) -> Reply {
    let lines = [
        &format!("origin: {origin}") as &str,
        &format!("access-control-request-method: {method}"),
        "access-control-request-headers: authorization",
    ];
    ask(node, "OPTIONS", path, &lines)
}

/// An answer without what differs from one request to the next.
fn said(reply: &Reply) -> (u16, Vec<String>, String) {
    let head = reply.head.lines().skip(1).filter(|line| !line.starts_with("date:"));
    (reply.status, head.map(str::to_owned).collect(), reply.text())
}

#[test]
fn a_preflight_is_answered_without_a_credential() {
    let node = start();
    let reply = preflight(&node, "/private/7", "https://app.example", "GET");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET, HEAD"));
    assert_eq!(reply.header("access-control-allow-headers"), Some("authorization, content-type"));
    assert_eq!(reply.header("access-control-max-age"), Some("600"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert_eq!(reply.header("vary"), Some("origin"));
    let open = preflight(&node, "/open", "https://a.example.com", "DELETE");
    assert_eq!(open.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(open.header("access-control-max-age"), Some("3600"));
    let fonts = preflight(&node, "/fonts/a.woff2", "https://anybody.example", "GET");
    assert_eq!((fonts.status, fonts.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(fonts.header("vary"), None);
    // A function that answers OPTIONS itself is asked.
    let own = preflight(&node, "/own", "https://app.example", "GET");
    assert!(own.status == 200 && own.header("casemate-invocation").is_some(), "{own:?}");
    // Without a method to ask about it is no preflight.
    let plain = ask(&node, "OPTIONS", "/private/7", &["origin: https://app.example"]);
    assert_eq!(plain.status, 401);
}

#[test]
fn others_cannot_tell_a_private_route_from_none() {
    let node = start();
    let none = said(&preflight(&node, "/there/is/nothing", "https://evil.example", "GET"));
    assert_eq!(none.0, 401);
    for (path, origin) in [
        ("/private/7", "https://evil.example"),
        ("/private/7", "null"),
        ("/private/7", "https://app.example.evil"),
        ("/plain", "https://app.example"),
        ("/there/is/nothing", "https://app.example"),
    ] {
        assert_eq!(said(&preflight(&node, path, origin, "GET")), none, "{path} {origin}");
    }
    let none = said(&ask(&node, "GET", "/there/is/nothing", &[]));
    assert_eq!(said(&ask(&node, "GET", "/private/7", &[])), none);
    assert_eq!(said(&ask(&node, "GET", "/private/7", &["origin: https://evil.example"])), none);
    // Two origins are none.
    let lines = ["origin: https://app.example", "origin: https://app.example"];
    let two = ask(&node, "GET", "/private/7", &lines);
    assert_eq!(two.header("access-control-allow-origin"), None, "{two:?}");
}

#[test]
fn answers_and_errors_can_be_read_by_the_pages_that_may() {
    let node = start();
    let origin = "origin: https://app.example";
    let open = ask(&node, "GET", "/open", &[origin]);
    assert_eq!(open.status, 200);
    assert_eq!(open.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(open.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(open.header("access-control-expose-headers"), Some("x-total"));
    assert_eq!(open.header("vary"), Some("origin"));
    let stranger = ask(&node, "GET", "/open", &["origin: https://evil.example"]);
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    assert_eq!(stranger.header("vary"), Some("origin"), "a cache must not mix them up");

    let refused = ask(&node, "GET", "/private/7", &[origin]);
    assert_eq!((refused.status, refused.code().as_str()), (401, "E0801"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://app.example"));
    let token = node.ok(&["token", "create", "t", "--invoke", "open"]);
    let bearer = format!("authorization: Bearer {}", token.trim());
    let hidden = ask(&node, "GET", "/private/7", &[origin, &bearer]);
    assert_eq!((hidden.status, hidden.header("vary")), (404, Some("origin")));
    assert_eq!(hidden.header("access-control-allow-origin"), Some("https://app.example"));

    let font = ask(&node, "GET", "/fonts/a.woff2", &["origin: https://anybody.example"]);
    assert_eq!((font.status, font.header("access-control-allow-origin")), (200, Some("*")));
    let gone = ask(&node, "GET", "/fonts/b.woff2", &["origin: https://anybody.example"]);
    assert_eq!((gone.status, gone.header("access-control-allow-origin")), (404, Some("*")));
    let null = ask(&node, "GET", "/fonts/a.woff2", &["origin: null"]);
    assert_eq!(null.header("access-control-allow-origin"), None);
}

#[test]
fn cookies_for_everybody_are_refused_when_deployed() {
    let node = Node::start();
    for (cors, part) in [
        (r#"{ origins = ["*"], credentials = true }"#, "E0128"),
        (r#"{ origins = ["null"] }"#, "sandboxed"),
        (r#"{ origins = ["https://app.example/"] }"#, "without a slash at the end"),
        (r#"{ origins = ["https://*.com"] }"#, "top-level domain"),
        (r#"{ origins = [] }"#, "E0128"),
        (r#"{ orgins = ["*"] }"#, "did you mean `origins`?"),
    ] {
        let from = "{ origins = [\"*\"] }";
        let manifest = MANIFEST.replace(from, cors);
        let application = Application::new(&manifest, &[("a", b"a")]);
        let (_, said) = node.fails(&["deploy", application.path()]);
        assert!(said.contains(part), "{cors}: {said}");
    }
}
