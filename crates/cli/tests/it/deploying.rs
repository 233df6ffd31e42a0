//! `deploy`, `rollback`, `remove`: what is uploaded, what is said.

use crate::fake::{Answer, Fake, sample};
use crate::{casemate, directory};
use model::{Code, Grant, Problem};
use serde_json::{Value, json};

const MANIFEST: &[u8] = b"manifest = 1
application = \"shop\"

[[function]]
name = \"hello\"
source = \"dist/hello.wasm\"

[[function.http]]
route = \"GET /hello/{*rest}\"
auth = \"public\"

[[function]]
name = \"orders\"
source = \"dist/orders.wasm\"
";
const HELLO: &[u8] = b"\0asm hello";
const ORDERS: &[u8] = b"\0asm orders";

fn shop() -> tempfile::TempDir {
    directory(&[
        ("casemate.toml", MANIFEST),
        ("dist/hello.wasm", HELLO),
        ("dist/orders.wasm", ORDERS),
    ])
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)))
}

/// A node that holds `hello` already and takes the rest.
fn node() -> Fake {
    let fake = Fake::start();
    fake.gives(&format!("HEAD S/artifacts/{}", digest(HELLO)), &());
    fake.on(&format!("HEAD S/artifacts/{}", digest(ORDERS)), Answer::bytes(b"").status(404));
    fake.on(&format!("PUT S/artifacts/{}", digest(ORDERS)), Answer::bytes(b"").status(201));
    fake
}

#[test]
fn an_application_is_uploaded_where_needed_and_deployed() {
    let fake = node();
    fake.gives("GET S/functions", &json!({ "items": [] }));
    let mut deployed = sample::deployed(
        1,
        vec![
            sample::function("hello", 1, &["GET /hello/{*rest}"]),
            sample::function("orders", 1, &[]),
        ],
    );
    deployed.wanted = vec![
        Grant::parse("public", "invoke", "hello").expect("a grant"),
        Grant::parse("function:orders", "http", "GET https://api.example.com/*").expect("a grant"),
    ];
    fake.gives("PUT S/applications/shop", &deployed);
    let shop = shop();
    insta::assert_snapshot!(casemate(&["deploy"]).with(&fake).within(shop.path()).shown(&fake), @r#"
    exit 0
    --- out
    deployed shop (deployment 1)

    FUNCTION  REVISION  DIGEST        ROUTE               CALLERS    URL
    hello     1         010101010101  GET /hello/{*rest}  everybody  http://127.0.0.1:8080/hello/
    orders    1         010101010101  none                operator   -

    asked for and not granted; to grant:
      casemate grant public invoke hello
      casemate grant function:orders http 'GET https://api.example.com/*'
    --- err
    "#);
    let put = format!("PUT S/artifacts/{}", digest(ORDERS));
    let lines = fake.lines();
    assert!(lines.contains(&put), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("PUT S/artifacts")).count(), 1);
    let asked = fake.asked();
    let upload =
        asked.iter().find(|asked| asked.line.contains("PUT") && asked.line.contains("artifacts"));
    assert_eq!(upload.expect("an upload").body, ORDERS);
    let request =
        asked.iter().find(|asked| asked.line.contains("applications")).expect("a deployment");
    assert!(request.headers.contains_key("idempotency-key"));
    assert_eq!(request.headers["casemate-client"], "0.1.0");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["grant"], false);
    assert_eq!(body["manifest"]["function"][1]["digest"], digest(ORDERS));
    assert_eq!(body["manifest"]["function"][1].get("source"), None, "paths stay at home");
}

#[test]
fn an_unchanged_application_is_said_to_be_so() {
    let fake = node();
    let functions = vec![sample::function("hello", 4, &["GET /hello/{*rest}"])];
    fake.gives("GET S/functions", &json!({ "items": functions }));
    let mut deployed = sample::deployed(4, functions);
    deployed.granted = vec![Grant::parse("public", "invoke", "hello").expect("a grant")];
    fake.gives("PUT S/applications/shop", &deployed);
    let shop = shop();
    let path = shop.path().join("casemate.toml");
    let path = path.to_str().expect("UTF-8");
    insta::assert_snapshot!(casemate(&["deploy", path, "--grant"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    shop is unchanged (deployment 4): every function is what it was

    FUNCTION  REVISION  DIGEST        ROUTE               CALLERS    URL
    hello     4         040404040404  GET /hello/{*rest}  everybody  http://127.0.0.1:8080/hello/

    granted with it; to take back:
      casemate revoke public invoke hello
    --- err
    "#);
    let request =
        fake.asked().into_iter().find(|asked| asked.line.contains("PUT /v1")).expect("asked");
    let json = casemate(&["deploy", path, "--format", "json"]).with(&fake).seen();
    assert_eq!((json.code, json.err.as_str()), (0, ""));
    let json: Value = serde_json::from_str(&json.out).expect("one document");
    assert_eq!(json["unchanged"], true);
    assert_eq!(json["deployment"], 4);
    assert_eq!(json["gateway"], "http://127.0.0.1:8080");
    assert!(request.line.contains("/v1/tenants/default/environments/main/"));
}

#[test]
fn a_bare_component_becomes_an_application() {
    let fake = Fake::start();
    let scope = "/v1/tenants/acme/environments/staging";
    let digest = digest(HELLO);
    fake.gives(&format!("HEAD {scope}/artifacts/{digest}"), &());
    fake.gives(&format!("GET {scope}/functions"), &json!({ "items": [] }));
    let routes = ["GET /hi/{name}", "POST api.example.com/hi"];
    let deployed = sample::deployed(1, vec![sample::function("hello", 1, &routes)]);
    fake.gives(&format!("PUT {scope}/applications/hello"), &deployed);
    let files = directory(&[("Hello.wasm", HELLO)]);
    let arguments = [
        "deploy",
        "Hello.wasm",
        "--route",
        routes[0],
        "--route",
        routes[1],
        "--public",
        "--grant",
        "--tenant",
        "acme",
        "--env",
        "staging",
    ];
    insta::assert_snapshot!(casemate(&arguments).with(&fake).within(files.path()).shown(&fake), @r#"
    exit 0
    --- out
    deployed shop (deployment 1)

    FUNCTION  REVISION  DIGEST        ROUTE                    CALLERS    URL
    hello     1         010101010101  GET /hi/{name}           everybody  http://127.0.0.1:8080/hi/NAME
                                      POST api.example.com/hi  everybody  http://api.example.com:8080/hi
    --- err
    "#);
    let asked = fake.asked();
    let put = asked.iter().find(|asked| asked.line.starts_with("PUT")).expect("a deployment");
    let body: Value = serde_json::from_slice(&put.body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "grant": true,
            "manifest": {
                "manifest": 1, "application": "hello",
                "function": [{
                    "name": "hello", "runtime": "wasm", "digest": digest, "record": "grouped",
                    "http": [
                        { "route": routes[0], "auth": "public" },
                        { "route": routes[1], "auth": "public" },
                    ],
                    "allow": {},
                }],
            },
        })
    );
}

#[test]
fn a_refused_deployment_says_why_and_what_to_do() {
    let fake = node();
    fake.gives("GET S/functions", &json!({ "items": [] }));
    let problem = Problem::new(Code::RouteClash)
        .detail("`GET /hello/{*rest}` is asked for by `hello` and by `old`")
        .internal("route index");
    fake.on("PUT S/applications/shop", Answer::problem(&problem));
    let shop = shop();
    let run = || casemate(&["deploy"]).with(&fake).within(shop.path());
    insta::assert_snapshot!(run().shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0107]: two functions ask for the same route: `GET /hello/{*rest}` is asked for by `hello` and by `old`
    reason: route index
    for more: casemate explain E0107
    hint: Change one of the routes, or remove the other function
    "#);
    let json = casemate(&["deploy", "--format=json"]).with(&fake).within(shop.path()).shown(&fake);
    insta::assert_snapshot!(json, @r#"
    exit 1
    --- out
    --- err
    {"type":"urn:casemate:error:E0107","title":"two functions ask for the same route","status":409,"code":"E0107","detail":"`GET /hello/{*rest}` is asked for by `hello` and by `old`","reason":"route index"}
    "#);
}

#[test]
fn rollback_and_remove_say_what_is_now() {
    let fake = Fake::start();
    let functions = vec![sample::function("hello", 2, &["GET /hello/{*rest}"])];
    fake.gives("POST S/applications/shop/rollback", &sample::deployed(2, functions));
    fake.gives("DELETE S/applications/shop", &json!({ "leaf": 9 }));
    insta::assert_snapshot!(casemate(&["rollback", "shop", "--to", "2"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    shop is back at deployment 2

    FUNCTION  REVISION  DIGEST        ROUTE               CALLERS    URL
    hello     2         020202020202  GET /hello/{*rest}  everybody  http://127.0.0.1:8080/hello/
    --- err
    "#);
    // The first question is where the gateway is: afterwards nothing may fail any more.
    let body = fake.asked()[1].body.clone();
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON"), json!({ "to": 2 }));
    insta::assert_snapshot!(casemate(&["remove", "shop"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    removed shop (ledger entry 9)
    --- err
    "#);
}
