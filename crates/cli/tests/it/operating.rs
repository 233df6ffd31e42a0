//! `ledger`, `backup`, `restore`, `doctor`, `explain`, and what needs no node.

use crate::fake::{Answer, Fake, sample};
use crate::{casemate, directory};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_backup_appears_whole_private_and_never_over_another_file() {
    let fake = Fake::start();
    fake.on("GET /v1/backup", Answer::bytes(b"a tar"));
    let place = directory(&[]);
    let run = |arguments: &[&str]| casemate(arguments).with(&fake).within(place.path());
    insta::assert_snapshot!(run(&["backup", "b.tar"]).shown(&fake), @r#"
    exit 0
    --- out
    backed up to b.tar (5 bytes)
    --- err
    hint: the root key is not in it: keep a copy of it in another place, or the backup cannot be used
    "#);
    let file = place.path().join("b.tar");
    assert_eq!(fs::read(&file).expect("written"), b"a tar");
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o600);
    insta::assert_snapshot!(run(&["backup", "b.tar"]).shown(&fake), @r#"
    exit 1
    --- out
    --- err
    error: `b.tar` exists already; --force replaces it
    "#);
    assert_eq!(run(&["backup", "b.tar", "--force", "--include-root-key"]).seen().code, 0);
    assert_eq!(fake.lines(), ["GET /v1/backup?root_key=false", "GET /v1/backup?root_key=true"]);
    let left: Vec<_> = fs::read_dir(place.path()).expect("listed").flatten().collect();
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
}

#[test]
fn a_backup_that_was_refused_leaves_nothing() {
    let fake = Fake::start();
    let place = directory(&[]);
    let seen = casemate(&["backup", "b.tar"]).with(&fake).within(place.path()).seen();
    assert_eq!(seen.code, 1);
    assert_eq!(fs::read_dir(place.path()).expect("listed").count(), 0);
    let nowhere = casemate(&["backup", "none/b.tar"]).with(&fake).within(place.path()).seen();
    assert_eq!(nowhere.code, 1);
}

#[test]
fn restore_needs_a_home() {
    let seen = casemate(&["restore", "b.tar"]).seen();
    assert_eq!(seen.code, 64);
    assert!(seen.err.contains("--home"), "{}", seen.err);
}

#[test]
fn doctor_fails_if_there_is_a_problem() {
    let fake = Fake::start();
    let finding = |verdict: &str, hint: Option<&str>| json!({ "check": "disk", "verdict": verdict, "found": "12\x1b GiB free", "hint": hint });
    fake.gives(
        "GET /v1/doctor",
        &json!({ "items": [finding("ok", None), finding("warning", Some("free some"))] }),
    );
    fake.gives("GET /v1/doctor", &json!({ "items": [finding("problem", Some("free some"))] }));
    // Local findings depend on the machine; what the node says is what is compared.
    let first = casemate(&["doctor", "--format", "json"]).with(&fake).seen();
    let document: Value = serde_json::from_str(&first.out).expect("one document");
    let items = document["items"].as_array().expect("findings");
    assert!(items.iter().any(|item| item["verdict"] == "warning"));
    let second = casemate(&["doctor"]).with(&fake).seen();
    assert_eq!(second.code, 1);
    assert!(second.out.contains("problem  disk"), "{}", second.out);
    assert!(second.out.contains("-> free some"), "{}", second.out);
    assert!(!second.out.contains('\x1b'));
}

#[test]
fn the_ledger_is_shown_in_words() {
    let fake = Fake::start();
    fake.gives(
        "GET /v1/ledger",
        &json!({
            "origin": "casemate/x", "verifier_key": "casemate/x+0a0b0c0d+AAAA", "size": 2,
            "checkpoint": "casemate/x\n2\nroot=\n\n— casemate/x sig\n",
        }),
    );
    let leaf = |seq: u64, act: Value| {
        json!({
            "v": 1, "seq": seq, "time_us": sample::NOON.0, "actor": "operator", "hash": "00",
            "scope": { "tenant": "default", "environment": "main" }, "act": act,
        })
    };
    fake.gives("GET /v1/ledger/entries", &json!({ "items": [
        leaf(0, json!({ "kind": "genesis", "version": "0.1.0" })),
        leaf(1, json!({ "kind": "grant", "grant": { "who": "public", "action": "invoke", "function": "hello" } })),
    ] }));
    fake.gives("GET /v1/ledger/entries", &json!({ "items": [] }));
    insta::assert_snapshot!(casemate(&["ledger", "show"]).with(&fake).shown(&fake), @r#"
    exit 0
    --- out
    ENTRY  TIME                      SCOPE         ACTOR     ACT
    0      2023-11-14T22:13:20.000Z  default/main  operator  home made by casemate 0.1.0
    1      2023-11-14T22:13:20.000Z  default/main  operator  grant public invoke hello

    ledger   casemate/x (2 entries)
    key      casemate/x+0a0b0c0d+AAAA
    checkpoint
      casemate/x
      2
      root=

      — casemate/x sig
    --- err
    "#);
    assert_eq!(fake.lines()[1], "GET /v1/ledger/entries?from=0&limit=20");
}

#[test]
fn codes_are_explained() {
    let fake = Fake::start();
    insta::assert_snapshot!(casemate(&["explain", "e0203"]).shown(&fake), @r#"
    exit 0
    --- out
    E0203: the function asked for an outgoing request that is not allowed

    Likely cause: No grant names this method, host and path. A function has no way out that was not granted.
    What to do: The log of the invocation prints the `casemate grant` command that would allow it.
    HTTP status: 403
    --- err
    "#);
    insta::assert_snapshot!(casemate(&["explain", "E0213"]).shown(&fake), @r#"
    exit 64
    --- out
    --- err
    error: `E0213` is no error code; near ones are E0113, E0203, E0313, E0513, E0713, E0813
    "#);
    let all = casemate(&["explain"]).seen();
    assert_eq!(all.out.lines().count(), model::Code::ALL.len() + 1);
    let json = casemate(&["explain", "--format", "json"]).seen();
    let json: Value = serde_json::from_str(&json.out).expect("one document");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(model::Code::ALL.len()));
}

#[test]
fn the_schema_is_one_document() {
    let seen = casemate(&["schema"]).seen();
    let schema: Value = serde_json::from_str(&seen.out).expect("JSON");
    assert!(schema["properties"]["function"].is_object());
    assert_eq!(seen.err, "");
}

#[test]
fn a_word_without_a_command_starts_a_guide() {
    let fake = Fake::start();
    insta::assert_snapshot!(casemate(&[]).shown(&fake), @r#"
    exit 0
    --- out
    Casemate runs WebAssembly components as functions: deployed as immutable revisions,
    called only by those who were granted, in a fresh instance under hard limits, on record.

    Start here:
      casemate up --demo        a node with example functions, and commands to try
      casemate up               a node of your own; leave it running
      casemate deploy DIR       deploy the application of DIR/casemate.toml
      casemate deploy X.wasm    or a single component, with safe defaults

    Then:
      casemate functions        what is deployed and where it answers
      casemate token create     who may call
      casemate logs -f          what functions write
      casemate records          what was called and how it ended
      casemate doctor           whether all is well

    `casemate --help` lists every command, `casemate COMMAND --help` teaches one.
    --- err
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a snapshot is as long as what it shows")]
fn help_lists_every_command() {
    let fake = Fake::start();
    insta::assert_snapshot!(casemate(&["--help"]).shown(&fake), @r#"
    exit 0
    --- out
    Runs and manages functions on your own machines, secure by default.

    Casemate takes WebAssembly components, deploys them as immutable revisions, lets only those call
    them who were granted, runs each call in a fresh instance under hard limits, and keeps a record of
    it.

    `casemate up` runs a node. Every other command talks to a running node through its admin API; it
    finds the node by `--home`, by CASEMATE_URL and CASEMATE_TOKEN, by CASEMATE_HOME, or in the usual
    data directory, in this order.

    Usage: casemate [OPTIONS] [COMMAND]

    Commands:
      new          Write a new project to begin with
      import       Make a manifest of another platform's project
      export       Write an application for another platform
      build        Build an application's functions with their languages' own tools
      watch        Build, run and follow a project while you change it
      test         Run the examples that a manifest declares
      up           Run a node
      deploy       Deploy an application or a single component
      diff         Show what a deployment would change
      apply        Make what is deployed be what a directory says
      check        Check manifests, without a node
      fmt          Bring manifests into their one form
      invoke       Call a function and print its answer
      functions    List functions, their revisions and routes
      runtimes     List the interpreters that native functions can use
      revisions    List a function's revisions and its application's deployments
      rollback     Make an earlier deployment of an application the active one
      remove       Take an application and its functions away
      grant        Allow somebody to do something
      revoke       Take a grant back
      grants       List who may do what
      token        Make, list and revoke API tokens
      secret       Set, list, rotate and remove secrets
      logs         Show what functions wrote
      records      List invocations and how they ended, newest first
      record       Show the record of one invocation
      cost         Add up what invocations cost, the most expensive first
      budget       Show caps and what is used of them, lift them for today, or have them proposed
      queue        Look after asynchronous calls
      schedule     Look after schedules
      source       See where messages are pulled from
      ledger       Show, verify and export the ledger of control-plane acts
      key          Make, show, rotate, back up and restore the root key, and hand keys to another home
      backup       Back up the running node's home into a file
      restore      Unpack a backup into an empty home
      data         See which sensitive data went where or what it was, or erase it
      detect       Find sensitive data in files
      protect      Protect the sensitive fields of a file, or give them back
      doctor       Look for what is wrong or will be
      events       See what calls functions with events, and print events to try them with
      explain      Explain an error code: what happened, the likely cause, what to do
      schema       Print the manifest's JSON Schema
      completions  Print a shell's completion script
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
          --home <DIR>
              The node's home directory

          --tenant <NAME>
              The tenant

              [default: default]

          --env <NAME>
              The environment

              [default: main]

          --format <FORMAT>
              How to print data

              Possible values:
              - text: For people
              - json: For programs: one JSON document, or one per line where the answer is a stream

              [default: text]

      -q, --quiet
              Say nothing beside data, warnings and errors

    Examples:
      casemate up --demo                         start a node with example functions
      casemate deploy hello.wasm                 deploy one component
      casemate token create ci --invoke hello    make an API token
      casemate invoke hello --path /hello/world  call a function
      casemate logs -f                           follow what functions write

    Exit codes: 0 ok, 1 failed, 2 denied, 64 usage, 78 configuration.
    --- err
    "#);
}
