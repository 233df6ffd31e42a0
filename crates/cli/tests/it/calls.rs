//! `invoke`: what the function sees, and what is seen of its answer.

use crate::fake::{Answer, Fake, sample};
use crate::{casemate, directory};
use model::{Code, Problem};
use serde_json::{Value, json};

fn answers(status: u16, body: &[u8]) -> Fake {
    let fake = Fake::start();
    let answer = Answer::bytes(body)
        .status(status)
        .header("casemate-invocation", sample::ID)
        .header("content-type", "text/plain");
    for method in ["GET", "POST", "DELETE"] {
        for path in ["", "hello/world"] {
            fake.on(&format!("{method} S/functions/hello/invoke/{path}"), answer.clone());
        }
    }
    fake
}

#[test]
fn the_body_comes_out_as_it_is() {
    let bytes = [b"\x1b[31mraw\x00".as_slice(), &[0xff]].concat();
    let fake = answers(200, &bytes);
    let output = casemate(&["invoke", "hello"]).with(&fake).raw();
    assert_eq!(output.stdout, bytes, "not a terminal: nothing is changed");
    assert_eq!(output.stderr, b"");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_function_sees_what_was_given() {
    let fake = answers(200, b"ok");
    let arguments = [
        "invoke",
        "hello",
        "--method",
        "DELETE",
        "--path",
        "hello/world?x=%20y",
        "-H",
        "X-One: 1",
        "-H",
        "authorization: guest's own",
        "--data",
        "text",
    ];
    assert_eq!(casemate(&arguments).with(&fake).seen().out, "ok");
    let asked = &fake.asked()[0];
    assert!(asked.line.starts_with("DELETE "));
    assert!(asked.line.ends_with("/functions/hello/invoke/hello/world?x=%20y"), "{}", asked.line);
    assert_eq!(asked.headers["guest-x-one"], "1");
    assert_eq!(asked.headers["guest-authorization"], "guest's own");
    assert_eq!(asked.headers["authorization"], "Bearer operator-token");
    assert_eq!(asked.body, "text");
}

#[test]
fn a_body_comes_from_text_a_file_or_standard_input() {
    let fake = answers(200, b"ok");
    let files = directory(&[("speech.txt", b"from a file")]);
    casemate(&["invoke", "hello", "--data", "text"]).with(&fake).seen();
    casemate(&["invoke", "hello", "--data", "@speech.txt"]).with(&fake).within(files.path()).seen();
    casemate(&["invoke", "hello", "--data", "-"]).with(&fake).input(b"from a pipe").seen();
    let asked = fake.asked();
    let bodies: Vec<&[u8]> = asked.iter().map(|asked| asked.body.as_ref()).collect();
    assert_eq!(bodies, [b"text".as_slice(), b"from a file", b"from a pipe"]);
    assert!(asked.iter().all(|asked| asked.line.starts_with("POST ")));
    let missing = casemate(&["invoke", "hello", "--data", "@none"]).with(&fake).shown(&fake);
    insta::assert_snapshot!(missing, @r#"
    exit 1
    --- out
    --- err
    error: cannot read `none`: No such file or directory (os error 2)
    "#);
}

#[test]
fn a_status_that_is_no_success_is_said_beside_the_body() {
    let fake = answers(418, b"teapot");
    insta::assert_snapshot!(casemate(&["invoke", "hello"]).with(&fake).shown(&fake), @r#"
    exit 1
    --- out
    teapot--- err
    HTTP 418 I'm a teapot
    invocation 018bcfe5-6880-7000-8000-000000000001
    "#);
    let fake = answers(200, b"fine");
    let included = casemate(&["invoke", "hello", "-i"]).with(&fake).seen();
    assert_eq!(included.out, "fine");
    assert!(included.err.starts_with("HTTP 200 OK\n"), "{}", included.err);
    assert!(included.err.contains("content-type: text/plain\n"), "{}", included.err);
    assert!(
        !included.err.contains("casemate-version"),
        "the platform's headers are not the guest's"
    );
}

#[test]
fn json_holds_the_whole_answer_whatever_it_is() {
    let parse = |fake: &Fake| -> Value {
        let seen = casemate(&["invoke", "hello", "--format", "json"]).with(fake).seen();
        serde_json::from_str(&seen.out).expect("one document")
    };
    let text = parse(&answers(404, "grüße".as_bytes()));
    assert_eq!(
        (&text["status"], &text["body"], &text["encoding"]),
        (&json!(404), &json!("grüße"), &json!("utf-8"))
    );
    assert_eq!(text["invocation"], sample::ID);
    let bytes = parse(&answers(200, &[0xff, 0x00]));
    assert_eq!((&bytes["body"], &bytes["encoding"]), (&json!("/wA="), &json!("base64")));
}

#[test]
fn a_refusal_by_the_platform_is_no_answer_of_the_function() {
    let refuse = |problem: &Problem| {
        let fake = Fake::start();
        let answer = Answer::problem(problem)
            .header("casemate-problem", "1")
            .header("casemate-invocation", sample::ID);
        fake.on("GET S/functions/hello/invoke/", answer);
        casemate(&["invoke", "hello"]).with(&fake).shown(&fake)
    };
    let trapped = Problem::new(Code::Trapped).internal("panicked at \x1b]0;owned\x07'boom'");
    insta::assert_snapshot!(refuse(&trapped), @r#"
    exit 1
    --- out
    --- err
    error[E0401]: the function crashed
    reason: panicked at \u{1b}]0;owned\u{7}'boom'
    invocation: 018bcfe5-6880-7000-8000-000000000001
    for more: casemate explain E0401
    hint: casemate record 018bcfe5-6880-7000-8000-000000000001
    "#);
    insta::assert_snapshot!(refuse(&Problem::new(Code::Denied)), @r#"
    exit 2
    --- out
    --- err
    error[E0201]: no grant allows this call
    invocation: 018bcfe5-6880-7000-8000-000000000001
    for more: casemate explain E0201
    hint: `casemate grant token:NAME invoke FUNCTION`, or `casemate grant public invoke FUNCTION`
    "#);
}
