//! How commands fail: codes, hints, exit codes, pipes that close, nodes that are not there.

use crate::casemate;
use crate::fake::{Answer, Fake, OPERATOR, sample};
use model::{Code, Problem};
use serde_json::{Value, json};
use std::net::TcpListener;

/// An address of this machine where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[test]
fn a_node_that_is_not_there_is_said_with_a_hint() {
    let url = nowhere();
    let run = |arguments: &[&str]| {
        casemate(arguments).env("CASEMATE_URL", &url).env("CASEMATE_TOKEN", OPERATOR).seen()
    };
    let text = run(&["functions"]);
    assert_eq!(text.code, 1);
    insta::assert_snapshot!(text.err.replace(&url, "http://ADMIN"), @r#"
    error[E0606]: no Casemate answers there: http://ADMIN refuses the connection
    for more: casemate explain E0606
    hint: casemate up
    "#);
    let json = run(&["functions", "--format", "json"]);
    assert_eq!((json.code, json.out.as_str()), (1, ""));
    let json: Value = serde_json::from_str(&json.err).expect("one document");
    assert_eq!((&json["code"], &json["status"]), (&json!("E0606"), &json!(503)));
}

#[test]
fn another_program_is_not_taken_for_a_node() {
    let fake = Fake::start();
    fake.on("GET S/functions", Answer::bytes(b"<html>").stranger());
    insta::assert_snapshot!(casemate(&["functions"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0610]: the command and the node do not understand each other: what answers at http://ADMIN does not say that it is a Casemate: another program, or one older than `GET /v1/tenants/default/environments/main/functions`
    for more: casemate explain E0610
    hint: check CASEMATE_URL and `--admin`; this is casemate 0.1.0
    "#);
}

#[test]
fn a_node_of_another_version_is_said_with_what_it_misses() {
    let fake = Fake::start();
    let skew = Problem::new(Code::VersionSkew).detail("casemate 0.0.9 has no `GET /v1/doctor`");
    fake.on("GET S/grants", Answer::problem(&skew).header("casemate-version", "0.0.9"));
    fake.on(
        "GET S/tokens",
        Answer::bytes(b"not found").status(404).header("casemate-version", "0.0.9"),
    );
    fake.on(
        "GET S/functions",
        Answer::json(&json!({ "list": [] })).header("casemate-version", "0.2.0"),
    );
    insta::assert_snapshot!(casemate(&["grants"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0610]: the command and the node do not understand each other: the node is 0.0.9, this command is 0.1.0, and the node does not know `GET /v1/tenants/default/environments/main/grants`
    for more: casemate explain E0610
    hint: the node is the older one: restart it with casemate 0.1.0
    "#);
    insta::assert_snapshot!(casemate(&["token", "list"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0610]: the command and the node do not understand each other: the node is 0.0.9, this command is 0.1.0, and the node does not know `GET /v1/tenants/default/environments/main/tokens`
    for more: casemate explain E0610
    hint: the node is the older one: restart it with casemate 0.1.0
    "#);
    insta::assert_snapshot!(casemate(&["functions"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error[E0610]: the command and the node do not understand each other: the node is 0.2.0, this command is 0.1.0, and it cannot read the answer to `GET /v1/tenants/default/environments/main/functions`
    reason: missing field `items` at line 1 column 11
    for more: casemate explain E0610
    hint: this command is the older one: use casemate 0.2.0
    "#);
}

#[test]
fn a_wrong_token_is_denied() {
    let fake = Fake::start();
    let run = casemate(&["functions"]).with(&fake).env("CASEMATE_TOKEN", "wrong");
    insta::assert_snapshot!(run.shown(&fake), @r#"
    exit 2
    --- out
    --- err
    error[E0804]: the admin API needs the operator's token
    for more: casemate explain E0804
    hint: Run the command as the owner of the home, or set CASEMATE_TOKEN
    "#);
}

#[test]
fn wrong_command_lines_end_with_64() {
    let fake = Fake::start();
    for arguments in [
        vec!["fly"],
        vec!["functions", "--wings"],
        vec!["invoke"],
        vec!["invoke", "../x"],
        vec!["token", "create"],
        vec!["token", "create", "ci", "--invoke", "hello", "--expires", "soon"],
        vec!["records", "--outcome", "bad"],
        vec!["logs", "--level", "debug"],
        vec!["logs", "--since", "yesterday"],
        vec!["record", "7"],
        vec!["deploy", ".", "--route", "hello"],
        vec!["functions", "--tenant", "../x"],
        vec!["explain", "E9999"],
        vec!["invoke", "hello", "-H", "x"],
    ] {
        let text = casemate(&arguments).with(&fake).seen();
        assert_eq!((text.code, text.out.as_str()), (64, ""), "{arguments:?}");
        assert!(text.err.starts_with("error: "), "{arguments:?}: {}", text.err);
        let json =
            casemate(&[arguments.as_slice(), &["--format", "json"]].concat()).with(&fake).seen();
        assert_eq!((json.code, json.out.as_str()), (64, ""), "{arguments:?}");
        let json: Value = serde_json::from_str(&json.err).expect("one document");
        assert_eq!(json["type"], "urn:casemate:error:usage", "{arguments:?}");
    }
    assert!(fake.asked().is_empty(), "nothing is sent for a wrong command line");
}

#[test]
fn an_unusable_url_is_an_error_of_configuration() {
    for url in ["https://127.0.0.1", "http://example.com", "nonsense"] {
        let seen =
            casemate(&["functions"]).env("CASEMATE_URL", url).env("CASEMATE_TOKEN", "t").seen();
        assert_eq!(seen.code, 78, "{url}: {}", seen.err);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let fake = Fake::start();
    let many: Vec<_> = (0..20_000)
        .map(|_| sample::log("a line of a log that is longer than a pipe holds"))
        .collect();
    fake.gives("GET S/logs", &json!({ "items": many }));
    let mut run = casemate(&["logs"]).with(&fake);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    run.command.stdout(writer).stderr(std::process::Stdio::piped());
    let child = run.command.spawn().expect("the binary starts");
    drop(run);
    drop(reader);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn no_colour_and_no_progress_where_nobody_looks() {
    let fake = Fake::start();
    fake.on("GET S/functions", Answer::problem(&Problem::new(Code::StoreFailed)));
    let seen = casemate(&["functions"]).with(&fake).seen();
    assert!(!seen.err.contains('\x1b'), "{}", seen.err);
    let help = casemate(&["--help"]).seen();
    assert!(!help.out.contains('\x1b'));
}
