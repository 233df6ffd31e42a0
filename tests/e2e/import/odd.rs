//! Files that are too much, names and secrets of odd form, and what is there already.

use super::{Project, has, said};
use std::fs;

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

#[test]
fn secrets_are_shown_nowhere_wherever_they_stand() {
    let key = format!("gh{}_{}", "p", "16C7e42F292c6912E7710c838347Ae178B4a");
    let stack = format!(
        "provider: {{name: openfaas}}\nfunctions:\n  told:\n    lang: dockerfile\n    handler: ./told\n    \
         image: x\n    fprocess: ./run --token={key}\n  plain:\n    lang: dockerfile\n    handler: ./told\n    \
         image: x\n    fprocess: ./run\n    labels: {{\"{key}\": \"1\"}}\n    environment: {{dbpassword: hunter2, \
         X: \"{key}\", Y: \"postgres://shop:hunter2hunter2@db/shop\"}}\n"
    );
    let project = Project::with(&[("stack.yml", &stack), ("told/run", "#!/bin/sh\ncat\n")]);
    let report = project.json(&["import"]);
    assert!(has(&report["left_out"], "told", "a secret stands in its command"), "{report}");
    let text = said(&project.run(&["import", "--force"]));
    for shown in [report.to_string(), text, project.read("casemate.toml")] {
        assert!(!shown.contains(&key) && !shown.contains("hunter2"), "{shown}");
    }
    let secrets = report["secrets"].as_array().expect("secrets").len();
    assert_eq!(secrets, 3, "{report}");
}

#[test]
fn names_of_odd_form_become_names_of_ours_and_say_so() {
    let function = |id: &str| {
        format!(
            "  {id}:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: nodejs20.x, Handler: a.b, CodeUri: app}}\n"
        )
    };
    let ids = [
        "Events",
        "events",
        "\"9 lives\"",
        "\"äöü\"",
        "\"../../etc\"",
        "\"a\\e[31mb\"",
        &"Long".repeat(40),
    ];
    let text = format!("Resources:\n{}", ids.iter().map(|id| function(id)).collect::<String>());
    let project =
        Project::with(&[("template.yaml", &text), ("app/a.js", "exports.b = async () => 1\n")]);
    let report = project.json(&["import"]);
    let functions = report["functions"].as_array().expect("functions");
    let names: Vec<&str> = functions.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(&names[..5], ["my-events", "my-events-2", "f-9-lives", "app", "etc"], "{report}");
    assert_eq!((names.len(), names[6].len() <= 63), (7, true), "{names:?}");
    let text = project.ok(&["import", "--force"]);
    assert!(text.contains("my-events-2, which was `events`") && !text.contains('\u{1b}'), "{text}");
    project.ok(&["check"]);
}

#[test]
fn what_is_copied_elsewhere_has_no_links_and_they_are_named() {
    let project = Project::of("sam");
    std::os::unix::fs::symlink("/etc/passwd", project.dir().join("orders/passwd")).expect("a link");
    let text = said(&project.run(&["import", "--out", "../elsewhere"]));
    assert!(text.contains("orders/passwd is a link, and was not copied"), "{text}");
    let there = project.0.path().join("elsewhere/orders");
    assert!(there.join("app.py").is_file() && there.join("passwd").symlink_metadata().is_err());
}
