//! Projects of other platforms, imported, deployed and called; and applications of ours, exported.

use crate::rig::{Node, casemate, repository, request};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A copy of a project of `tests/import`.
struct Project(tempfile::TempDir);

impl Project {
    fn of(name: &str) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        copy(&repository().join("tests/import").join(name), &project.dir());
        project
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        for (name, text) in files {
            let file = project.dir().join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, text).expect("written");
        }
        project
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("project")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).expect(name)
    }

    /// Runs a command in the project.
    fn run(&self, words: &[&str]) -> Output {
        casemate().args(words).current_dir(self.dir()).output().expect("the binary runs")
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    fn json(&self, words: &[&str]) -> Value {
        let text = self.ok(&[words, &["--format", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn refused(&self, words: &[&str], code: &str, part: &str) {
        let output = self.run(words);
        let text = said(&output);
        assert!(!output.status.success(), "{words:?}: {text}");
        assert!(
            text.contains(code) && text.contains(part),
            "{words:?}: no {code} or `{part}`: {text}"
        );
    }

    fn deploy(&self, node: &Node) {
        node.ok(&["deploy", "--grant", self.dir().to_str().expect("text")]);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// The answer to a GET of a holder of this token, in JSON.
fn answer(node: &Node, path: &str, token: Option<&str>) -> Value {
    let reply = request(node.gateway, "GET", path, token, b"");
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_str(&reply.text()).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

fn has(list: &Value, function: &str, part: &str) -> bool {
    let items = list.as_array().expect("a list");
    items.iter().any(|it| {
        (function.is_empty() || it["function"] == function)
            && it["what"].as_str().is_some_and(|what| what.contains(part))
    })
}

#[test]
fn a_project_of_sam_runs_and_its_report_names_what_it_may_not_do_here() {
    let project = Project::of("sam");
    let report = project.json(&["import"]);
    let names: Vec<&str> = report["functions"]
        .as_array()
        .expect("functions")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(names, ["orders-function", "report-function"], "{report}");
    for (function, part) in [
        ("OrdersFunction", "every action of `dynamodb`"),
        ("OrdersFunction", "on every resource (`*`)"),
        ("OrdersFunction", "managed policy `AmazonS3FullAccess`: everything in its service"),
        ("OrdersFunction", "variable `STRIPE_API_KEY` holds a secret in plain text"),
        ("OrdersFunction", "anybody may call it"),
    ] {
        assert!(has(&report["over_granted"], function, part), "{part}: {report}");
    }
    for (function, part) in [
        ("OrdersFunction", "event `Nightly` (Schedule): there is no such trigger"),
        ("OrdersFunction", "event `Paid` (SQS)"),
        ("OrdersFunction", "layer:vendor-agent:7` does not lie in the project"),
        ("OrdersFunction", "variable `QUEUE_URL` is `!Ref Queue`"),
        ("ReportFunction", "`VpcConfig` has no counterpart"),
        ("LegacyFunction", "`s3://somebodys-bucket/legacy.zip`) does not lie in the project"),
        ("ImageFunction", "its code is a container image"),
        ("", "resource `Queue` (`AWS::SQS::Queue`) is not made here"),
    ] {
        assert!(has(&report["left_out"], function, part), "{part}: {report}");
    }
    let asks = &report["functions"][0]["asks"];
    for ask in [
        "allow.http = [\"GET https://shop-pictures.s3.us-east-1.amazonaws.com/*\"]",
        "allow.http = [\"POST https://dynamodb.us-east-1.amazonaws.com/\"]",
        "allow.invoke = [\"report-function\"]",
        "allow.secret.stripe-api-key = { reveal = true }",
    ] {
        assert!(asks.as_array().expect("asks").contains(&ask.into()), "{ask}: {asks}");
    }
    let manifest = project.read("casemate.toml");
    for text in [manifest.as_str(), &report.to_string(), &project.ok(&["import", "--force"])] {
        assert!(!text.contains("hunter2"), "{text}");
    }

    let node = Node::start();
    let (code, refusal) = node.fails(&["deploy", "--grant", project.dir().to_str().expect("text")]);
    assert!(code != 0 && refusal.contains("casemate secret set"), "{refusal}");
    for secret in ["stripe-api-key", "db-password"] {
        let file = project.0.path().join(secret);
        fs::write(&file, format!("value-of-{secret}")).expect("written");
        node.ok(&["secret", "set", secret, "--file", file.to_str().expect("text")]);
    }
    project.deploy(&node);
    let said = answer(&node, "/orders/7", None);
    assert_eq!(said["greeting"], "hello from a layer", "{said}");
    assert_eq!(
        (&said["order"], &said["table"], &said["stage"]),
        (&"/orders/7".into(), &"orders-dev".into(), &"dev".into())
    );
    assert_eq!(said["key"], "value-of-stripe-api-key", "{said}");
    assert_eq!(said["password"], "value-of-db-password", "{said}");
    assert_ne!(node.get("/report/a/b", None).status, 200, "an authorizer stood before it");
    let token = node.ok(&["token", "create", "ci", "--invoke", "report-function"]);
    assert_eq!(answer(&node, "/report/a/b", Some(token.trim()))["path"], "/report/a/b");
}

#[test]
fn files_that_are_bombs_or_lead_out_are_refused_and_leave_nothing() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for at in 1..12 {
        let before = vec![format!("*a{}", at - 1); 9].join(",");
        bomb.push_str(&format!("a{at}: &a{at} [{before}]\n"));
    }
    let large = format!("# {}\nResources: {{}}\n", "x".repeat(2 << 20));
    let function = |code: &str| {
        format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      \
             Runtime: python3.11\n      Handler: app.handler\n      CodeUri: {code}\n"
        )
    };
    for (text, code, part) in [
        (bomb.as_str(), "E0156", "with what its aliases stand for"),
        (&large, "E0156", "larger than 1MiB"),
        ("Resources: {a: 1, a: 2}\n", "E0156", "template.yaml:1: the key `a` stands twice"),
        ("Resources: [\n", "E0156", "it is no YAML"),
        ("- a\n- b\n", "E0156", "no keys and values"),
        ("Resources: !Ref x\n", "E0158", "it has no functions"),
        ("Resources: {F: {Type: AWS::Serverless::Function}}\n", "E0158", "it says no `Runtime`"),
        (&function("../other"), "E0158", "leads out of the project"),
        (&function("/etc"), "E0158", "is no path below the project"),
        (&function("link"), "E0158", "is a link that leads out"),
        (&function("[a, b]"), "E0158", "does not lie in the project"),
    ] {
        let project = Project::with(&[("template.yaml", text)]);
        std::os::unix::fs::symlink("/etc", project.dir().join("link")).expect("a link");
        project.refused(&["import"], code, part);
        assert!(!project.dir().join("casemate.toml").exists(), "{text}");
    }
    let none = Project::with(&[("README.md", "nothing\n")]);
    none.refused(&["import"], "E0156", "no file of another platform's");
    let two = Project::with(&[("template.yaml", "a: 1\n"), ("stack.yml", "a: 1\n")]);
    two.refused(&["import"], "E0156", "--from sam");
}

#[test]
fn files_that_are_there_are_not_written_over() {
    let project = Project::of("sam");
    fs::write(project.dir().join("casemate.toml"), "mine").expect("written");
    project.refused(&["import"], "E0157", "--force");
    assert_eq!(project.read("casemate.toml"), "mine");
    project.ok(&["import", "--force"]);
    project.ok(&["import", "--out", "../elsewhere"]);
    assert!(project.0.path().join("elsewhere/layers/common/python/common.py").is_file());
    project.ok(&["export", "--to", "lambda"]);
    project.refused(&["export", "--to", "lambda"], "E0157", "export-lambda/");
    project.refused(&["export", "--to", "knative"], "E0159", "contract `lambda`");
}
