//! Lists and records: tables for people, documents for programs, silence where nothing is.

use crate::casemate;
use crate::fake::{Answer, Fake, sample};
use model::Grant;
use model::api::Page;
use serde_json::{Value, json};

#[test]
fn functions_are_listed_in_columns() {
    let fake = Fake::start();
    let items = vec![
        sample::function("hello", 12, &["GET /hello", "GET /hello/{*rest}"]),
        sample::function("orders", 1, &[]),
    ];
    fake.gives("GET S/functions", &Page { items, next: None });
    insta::assert_snapshot!(casemate(&["functions"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    FUNCTION  APPLICATION  REVISION  COMPONENT     CALLERS    ROUTES
    hello     shop         12        aaaaaaaaaaaa  everybody  GET /hello, GET /hello/{*rest}
    orders    shop         1         aaaaaaaaaaaa  token      none
    --- err
    "#);
}

#[test]
fn empty_lists_say_what_to_do_next_and_print_nothing() {
    let fake = Fake::start();
    let empty = json!({ "items": [] });
    for (command, path) in [
        (vec!["functions"], "functions"),
        (vec!["grants"], "grants"),
        (vec!["token", "list"], "tokens"),
        (vec!["records"], "records"),
        (vec!["logs"], "logs"),
    ] {
        fake.gives(&format!("GET S/{path}"), &empty);
        let seen = casemate(&command).with(&fake).seen();
        assert_eq!((seen.code, seen.out.as_str()), (0, ""), "{command:?}");
        assert!(seen.err.starts_with("no "), "{command:?}: {}", seen.err);
        assert!(
            seen.err.lines().last().expect("two lines").starts_with("hint: casemate "),
            "{}",
            seen.err
        );
        let quiet = casemate(&[command.as_slice(), &["-q"]].concat()).with(&fake).seen();
        assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""), "{command:?} -q");
    }
}

#[test]
fn grants_and_tokens_are_listed_without_secrets() {
    let fake = Fake::start();
    let items = vec![
        Grant::parse("public", "invoke", "hello").expect("a grant"),
        Grant::parse("function:orders", "http", "POST https://api.example.com/v1/*")
            .expect("a grant"),
    ];
    fake.gives("GET S/grants", &Page { items, next: None });
    fake.gives(
        "GET S/tokens",
        &json!({ "items": [{
        "name": "ci", "id": "abcdefghijkl", "created": sample::NOON.0, "expires": null,
        "invoke": ["hello", "orders"],
    }] }),
    );
    insta::assert_snapshot!(casemate(&["grants"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    WHO              ACTION  WHAT
    public           invoke  hello
    function:orders  http    POST https://api.example.com/v1/*
    --- err
    "#);
    insta::assert_snapshot!(casemate(&["token", "list"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    NAME  ID            CREATED                   EXPIRES  MAY INVOKE
    ci    abcdefghijkl  2023-11-14T22:13:20.000Z  never    hello, orders
    --- err
    "#);
}

#[test]
fn grants_are_written_and_taken_back() {
    let fake = Fake::start();
    fake.gives("POST S/grants", &json!({ "leaf": 3 }));
    fake.gives("POST S/grants/revoke", &json!({ "leaf": 4 }));
    let target = "GET https://api.example.com/*";
    insta::assert_snapshot!(casemate(&["grant", "function:hello", "http", target]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    granted function:hello http "GET https://api.example.com/*" (ledger entry 3)
    --- err
    "#);
    insta::assert_snapshot!(casemate(&["revoke", "token:ci", "invoke", "hello"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    revoked token:ci invoke hello (ledger entry 4)
    --- err
    "#);
    let bodies: Vec<Value> = fake
        .asked()
        .iter()
        .map(|asked| serde_json::from_slice(&asked.body).expect("JSON"))
        .collect();
    assert_eq!(bodies[0], json!({ "who": "function:hello", "action": "http", "target": target }));
    assert_eq!(bodies[1], json!({ "who": "token:ci", "action": "invoke", "function": "hello" }));
    insta::assert_snapshot!(casemate(&["grant", "nobody", "invoke", "hello"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0205]: a grant cannot be read: `nobody` is nobody: write `public`, `token:NAME`, `jwt:ISSUER`, `jwt:ISSUER/SUBJECT`, `mtls:*`, `mtls:SUBJECT`, `trigger:NAME` or `function:NAME`
    for more: casemate explain E0205
    hint: Write it in one of these forms
    "#);
    assert_eq!(fake.asked().len(), 2, "a grant that cannot be read is not sent");
}

#[test]
fn a_new_token_is_all_that_standard_output_holds() {
    let fake = Fake::start();
    fake.gives(
        "POST S/tokens",
        &json!({ "name": "ci", "token": "cmt_secret", "expires": sample::NOON.0 }),
    );
    fake.gives("DELETE S/tokens/ci", &json!({ "leaf": 8 }));
    let arguments = ["token", "create", "ci", "--invoke", "hello", "orders", "--expires", "30d"];
    insta::assert_snapshot!(casemate(&arguments).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    cmt_secret
    --- err
    token `ci` may invoke hello, orders until 2023-11-14T22:13:20.000Z; it is shown this once:
    "#);
    let body: Value = serde_json::from_slice(&fake.asked()[0].body).expect("JSON");
    assert_eq!(body, json!({ "name": "ci", "invoke": ["hello", "orders"], "expires_in": "30d" }));
    let quiet = casemate(&[arguments.as_slice(), &["--quiet"]].concat()).with(&fake).seen();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("cmt_secret\n", ""));
    let json = casemate(&[arguments.as_slice(), &["--format", "json"]].concat()).with(&fake).seen();
    let json: Value = serde_json::from_str(&json.out).expect("one document");
    assert_eq!(json["token"], "cmt_secret");
    insta::assert_snapshot!(casemate(&["token", "revoke", "ci"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    revoked token ci (ledger entry 8)
    --- err
    "#);
}

#[test]
fn records_are_listed_and_shown_in_full() {
    let fake = Fake::start();
    let mut running = sample::record("running");
    (running.end_us, running.status) = (None, 0);
    let mut trapped = sample::record("trapped");
    trapped.status = 502;
    trapped.code = Some("E0401".to_owned());
    trapped.reason = Some("panicked: \x1b[31mboom\x1b[0m\nsecond line".to_owned());
    trapped.calls = vec![sample::denied_call()];
    (trapped.calls_omitted, trapped.log_lines, trapped.log_dropped) = (2, 3, 1);
    fake.gives("GET S/records", &Page { items: vec![running, trapped.clone()], next: None });
    fake.gives(&format!("GET S/records/{}", sample::ID), &trapped);
    insta::assert_snapshot!(casemate(&["records"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    STARTED                   FUNCTION  OUTCOME  STATUS  CODE   TOOK     CPU     ID
    2023-11-14T22:13:20.000Z  hello@3   running  -       -      -        4.1 ms  018bcfe5-6880-7000-8000-000000000001
    2023-11-14T22:13:20.000Z  hello@3   trapped  502     E0401  12.3 ms  4.1 ms  018bcfe5-6880-7000-8000-000000000001
    --- err
    "#);
    insta::assert_snapshot!(casemate(&["record", sample::ID]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    record 018bcfe5-6880-7000-8000-000000000001
      function     hello in default/main
      revision     3 (030303030303)
      outcome      trapped (E0401, HTTP 502)
      reason       panicked: \u{1b}[31mboom\u{1b}[0m\nsecond line
      caller       token:ci
      trigger      http GET /hello/{*rest}
      started      2023-11-14T22:13:20.000Z
      took         12.3 ms
      cpu          4.1 ms
      memory peak  1.2 MiB
      body in      120 B
      body out     12 B
      cost         4.210 units (formula 1)
      policy       version 5
      log          3 lines, 1 more dropped at the limit
      host calls   3
        +300 us http GET https://api.example.com/\u{1b}[2J: DENIED, 0 B, 9 us
        and 2 more that are not listed
    --- err
    hint: casemate logs --invocation 018bcfe5-6880-7000-8000-000000000001
    "#);
}

#[test]
fn records_are_fetched_over_as_many_pages_as_it_takes() {
    let fake = Fake::start();
    let page = |count: usize, next: Option<&str>| Page {
        items: vec![sample::record("ok"); count],
        next: next.map(str::to_owned),
    };
    fake.gives("GET S/records", &page(2, Some("p2")));
    fake.gives("GET S/records", &page(2, None));
    let arguments = [
        "records",
        "-n",
        "5",
        "--function",
        "hello",
        "--outcome",
        "ok",
        "--since",
        "2023-11-14T22:13:20Z",
        "--format",
        "json",
    ];
    let seen = casemate(&arguments).with(&fake).seen();
    let document: Value = serde_json::from_str(&seen.out).expect("one document");
    assert_eq!(document["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        fake.lines(),
        [
            "GET S/records?function=hello&outcome=ok&since_us=1700000000000000&limit=5",
            "GET S/records?function=hello&outcome=ok&since_us=1700000000000000&before=p2&limit=3",
        ]
    );
}

#[test]
fn log_lines_cannot_act_on_the_terminal() {
    let fake = Fake::start();
    let items = vec![
        sample::log("plain"),
        sample::log("\x1b]0;owned\x07\x1b[2J\r"),
        sample::log("\u{9b}31m"),
    ];
    fake.gives("GET S/logs", &Page { items, next: Some("m3".to_owned()) });
    insta::assert_snapshot!(casemate(&["logs", "--level", "error", "--function", "hello"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    2023-11-14T22:13:20.000Z error    hello 018bcfe5-6880-7000-8000-000000000001 plain
    2023-11-14T22:13:20.000Z error    hello 018bcfe5-6880-7000-8000-000000000001 \u{1b}]0;owned\u{7}\u{1b}[2J\r
    2023-11-14T22:13:20.000Z error    hello 018bcfe5-6880-7000-8000-000000000001 \u{9b}31m
    --- err
    "#);
    assert_eq!(fake.lines(), ["GET S/logs?function=hello&level=error&limit=100"]);
    let json = casemate(&["logs", "--format", "json"]).with(&fake).seen();
    let lines: Vec<Value> = json
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("one document per line"))
        .collect();
    assert_eq!(lines[2]["text"], "\u{9b}31m");
    assert!(!json.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", json.out);
}

#[test]
fn following_goes_on_where_the_first_page_ended() {
    let fake = Fake::start();
    fake.gives(
        "GET S/logs",
        &Page { items: vec![sample::log("old")], next: Some("m 1".to_owned()) },
    );
    let line = serde_json::to_string(&sample::log("new")).expect("plain data");
    fake.on("GET S/logs", Answer::bytes(format!("\n{line}\n\n").as_bytes()));
    insta::assert_snapshot!(casemate(&["logs", "-f", "-n", "1"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    2023-11-14T22:13:20.000Z error    hello 018bcfe5-6880-7000-8000-000000000001 old
    2023-11-14T22:13:20.000Z error    hello 018bcfe5-6880-7000-8000-000000000001 new
    --- err
    the node ended the stream of log lines
    "#);
    assert_eq!(fake.lines(), ["GET S/logs?limit=1", "GET S/logs?after=m%201&follow=true"]);
}

#[test]
fn revisions_and_deployments_are_listed() {
    let fake = Fake::start();
    let digest = model::Digest([1; 32]).to_string();
    fake.gives("GET S/functions/hello/revisions", &json!({
        "revisions": [{ "revision": 1, "digest": digest, "artifact": digest, "deployment": 1, "created": sample::NOON.0, "active": true }],
        "deployments": [{ "deployment": 1, "created": sample::NOON.0, "by": "operator", "active": true,
            "manifest": { "manifest": 1, "application": "shop", "function": [{ "name": "hello" }] } }],
    }));
    insta::assert_snapshot!(casemate(&["revisions", "hello"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    REVISION  DIGEST        COMPONENT     DEPLOYMENT  CREATED                   STATE
    1         010101010101  010101010101  1           2023-11-14T22:13:20.000Z  active

    DEPLOYMENT  FUNCTIONS  BY        CREATED                   STATE
    1           1          operator  2023-11-14T22:13:20.000Z  active
    --- err
    "#);
}
