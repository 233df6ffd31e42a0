//! Examples that hold, that do not, and that cannot be run.

use super::{Project, err, out};
use crate::rig::{example, guest};
use serde_json::Value;

fn project(component: &str, examples: &str) -> Project {
    let path = if component == "misbehave" { guest(component) } else { example(component) };
    let project = Project::copying(&path);
    project.manifest("cp input.wasm made.wasm", examples);
    project
}

const GOOD: &str = r#"
[[function.example]]
name = "greets"
request = { path = "/hello/Ada" }
expect = { body = "Hello from Casemate, Ada\n", headers = { content-type = "text/plain; charset=utf-8" } }
"#;

const BAD: &str = r#"
# A comment that stays.
[[function.example]]
name = "greets somebody else"
request = { path = "/hello/Bob" }
expect = { status = 201, body = "Hello, Bob\n" } # as does this
"#;

#[test]
fn examples_pass_fail_and_are_updated() {
    let project = project("hello", &format!("{GOOD}{BAD}"));
    let output = project.typed("casemate test");
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1), "{said}{}", err(&output));
    for part in [
        "running 2 examples\n",
        "f: greets ... ok (",
        "f: greets somebody else ... FAILED (",
        "---- f: greets somebody else ----\nGET /hello/Bob at 2026-01-01T00:00:00.000Z\n",
        "status: expected 201, came 200\n",
        "  - Hello, Bob\n  + Hello from Casemate, Bob\n",
        "test result: FAILED. 1 passed; 1 failed; 0 filtered out",
    ] {
        assert!(said.contains(part), "expected `{part}`: {said}");
    }
    assert!(err(&output).contains("hint: if what came is right, `casemate test --update`"));
    let filtered = project.typed("casemate test --no-build --filter 'greets somebody'");
    assert!(out(&filtered).contains("0 passed; 1 failed; 1 filtered out"), "{}", out(&filtered));
    let none = project.typed("casemate test --filter nothing");
    assert!(none.status.success() && out(&none).contains("running 0 examples"), "{}", out(&none));
    let before = project.read("casemate.toml");
    assert!(project.typed("casemate test --no-build --update").status.success());
    let expect = before
        .replace("status = 201", "status = 200")
        .replace("\"Hello, Bob\\n\"", "\"Hello from Casemate, Bob\\n\"");
    assert_eq!(project.read("casemate.toml"), expect, "nothing else has changed");
    let again = project.typed("casemate test --no-build --format json");
    let json: Value = serde_json::from_str(&out(&again)).expect("one document");
    assert_eq!((&json["passed"], &json["failed"]), (&2.into(), &0.into()), "{json}");
}

#[test]
fn what_a_function_prints_and_why_it_fails_is_shown() {
    let project = project(
        "misbehave",
        r#"
[[function.example]]
name = "prints"
request = { path = "/log?line=a%20clue" }
expect = { body = "something else" }

[[function.example]]
name = "traps"
request = { path = "/trap-secret" }
expect = { status = 502, contains = "E0401" }

[[function.example]]
name = "is posted to"
request = { path = "/read-all", json = { a = [1, 2] } }
expect = { contains = "11" }

[[function.example]]
name = "says nothing about the answer"
request = { path = "/status?code=204" }
"#,
    );
    let output = project.typed("casemate test");
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1), "{said}{}", err(&output));
    for part in
        ["\nlog:\n  a clue\n", "f: traps ... ok", "nothing is said about the answer; what came:"]
    {
        assert!(said.contains(part), "expected `{part}`: {said}");
    }
}

#[test]
fn examples_that_cannot_be_run_are_refused_with_the_key() {
    for (examples, code, part) in [
        (
            "[[function.example]]\nname = \"a\"\nrequest = { path = \"x\" }\n",
            "E0104",
            "`path`: `x` does not begin",
        ),
        (
            "[[function.example]]\nname = \"a\"\nreqest = { path = \"/\" }\n",
            "E0103",
            "did you mean `request`?",
        ),
        (
            "[[function.example]]\nname = \"a\"\nrequest = { path = \"/\" }\nexpect = { staus = 1 }\n",
            "E0103",
            "did you mean `status`?",
        ),
        (
            "[[function.example]]\nname = \"a\"\nat = \"noon\"\nrequest = { path = \"/\" }\n",
            "E0104",
            "`at`: `noon` is no time",
        ),
        (
            "[[function.example]]\nname = \"a\"\nrequest = { path = \"/a b\" }\n",
            "E0104",
            "example `a`",
        ),
        (
            "[[function.example]]\nname = \"a\"\nrequest = { method = \"G T\", path = \"/\" }\n",
            "E0104",
            "example `a`",
        ),
    ] {
        let project = project("hello", examples);
        let output = project.typed("casemate test");
        let said = err(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("error[{code}]")) && said.contains(part), "{part}: {said}");
    }
}

#[test]
fn no_example_is_no_failure_and_examples_stay_at_home() {
    let project = project("hello", "");
    let output = project.typed("casemate test");
    assert!(
        output.status.success() && err(&output).contains("hint: declare one"),
        "{}",
        err(&output)
    );
    let node = crate::rig::Node::start();
    let with = self::project("hello", GOOD);
    assert!(with.typed("casemate build").status.success());
    node.ok(&["deploy", with.path().to_str().expect("text")]);
    let entries = node.json(&["ledger", "show"]).to_string();
    assert!(!entries.contains("greets"), "{entries}");
}

#[test]
fn an_example_hears_of_the_world_what_it_declares_and_nothing_else() {
    let said = |component: &str, examples: &str| {
        let project = project(component, examples);
        let output = project.typed("casemate test");
        assert!(output.status.success(), "{}{}", out(&output), err(&output));
    };
    said(
        "misbehave",
        r#"
[function.allow]
http = ["GET https://api.example.com/*"]

[[function.example]]
name = "is answered"
request = { path = "/outbound?url=https://api.example.com/rate?to=eur" }
outbound = [{ request = "GET https://api.example.com/rate", status = 418 }]
expect = { body = "status 418\n" }

[[function.example]]
name = "is not answered"
request = { path = "/outbound?url=https://api.example.com/rate" }
expect = { body = "refused ErrorCode::ConnectionRefused\n" }
"#,
    );
    said(
        "counter",
        r#"
[function.allow]
keyvalue = { default = "read-write" }

[[function.example]]
name = "goes on"
request = { method = "POST", path = "/counter/visits" }
keyvalue = { default = { visits = "41" } }
expect = { contains = "42" }

[[function.example]]
name = "begins"
request = { method = "POST", path = "/counter/visits" }
expect = { contains = "1" }
"#,
    );
}
