//! Exports, and what of them comes back.

use super::{Project, answer, copy, has, set_secrets};
use crate::rig::{Node, repository};

/// Every key of every function with its value, but for where the code lies.
fn flat(manifest: &str) -> Vec<(String, String, String)> {
    fn walk(name: &str, path: &str, value: &toml::Value, out: &mut Vec<(String, String, String)>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(name, &path, value, out);
                }
            }
            toml::Value::Array(items) if path != "native.command" => {
                items.iter().for_each(|item| walk(name, path, item, out));
            }
            value => out.push((name.to_owned(), path.to_owned(), value.to_string())),
        }
    }
    let table: toml::Table = toml::from_str(manifest).expect("TOML");
    let mut out = vec![("".to_owned(), "application".to_owned(), table["application"].to_string())];
    for function in table["function"].as_array().expect("functions") {
        walk(function["name"].as_str().expect("a name"), "", function, &mut out);
    }
    out.retain(|(_, path, _)| !matches!(path.as_str(), "source" | "build" | "native.layers"));
    out
}

/// Exports, imports what was exported, and holds that what is not there any more was reported.
fn there_and_back(project: &Project, to: &str) {
    let report = project.json(&["export", "--to", to, "--out", "there"]);
    project.ok(&["import", "there"]);
    let (before, after) =
        (flat(&project.read("casemate.toml")), flat(&project.read("there/casemate.toml")));
    let is_said = |function: &str, path: &str| {
        let general = ["native", "allow", "http", "secret", "server"];
        let mut words =
            path.split('.').filter(|word| path.ends_with(word) || !general.contains(word));
        words.any(|word| {
            ["controls_lost", "left_out"].iter().any(|list| has(&report[list], function, word))
        })
    };
    for (function, path, value) in before.iter().filter(|it| !after.contains(it)) {
        assert!(is_said(function, path), "{function}: {path} = {value} was lost: {report}");
    }
    for (function, path, value) in after.iter().filter(|it| !before.contains(it)) {
        assert!(is_said(function, path), "{function}: {path} = {value} is new: {report}");
    }
    // A second time nothing is lost at all.
    project.json(&["export", "there", "--to", to, "--out", "again"]);
    project.ok(&["import", "again"]);
    assert_eq!(flat(&project.read("again/casemate.toml")), after);
}

#[test]
fn what_goes_there_and_comes_back_is_the_same_but_for_what_is_reported() {
    for (name, words, to) in [
        ("sam", &["import"][..], "lambda"),
        ("serverless", &["import"], "lambda"),
        ("knative", &["import", "--source", "server"], "knative"),
        ("knative", &["import", "--source", "server"], "cloudrun"),
    ] {
        let project = Project::of(name);
        project.ok(words);
        there_and_back(&project, to);
    }
}

#[test]
fn what_was_exported_runs_when_it_is_imported_again() {
    for (name, words, to, path) in [
        ("sam", &["import"][..], "lambda", "/orders/7"),
        ("knative", &["import", "--source", "server"], "knative", "/hello-world/a"),
    ] {
        let (node, project) = (Node::start(), Project::of(name));
        let report = project.json(words);
        set_secrets(&node, &project, &report);
        project.deploy(&node);
        let before = answer(&node, path, None);
        project.ok(&["export", "--to", to, "--out", "there"]);
        project.ok(&["import", "there"]);
        let there = project.dir().join("there");
        let out = node.ok(&["deploy", "--grant", there.to_str().expect("text")]);
        assert!(out.contains("2"), "a second revision: {out}");
        assert_eq!(answer(&node, path, None), before, "{name}");
    }
}

#[test]
fn every_control_of_an_application_of_ours_is_named_when_it_is_lost() {
    let project = Project::with(&[
        ("app/app.py", "def handler(event, context): return {}\n"),
        (
            "casemate.toml",
            "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"orders\"\nruntime = \"native\"\n\
             source = \"app\"\ntimeout = \"20s\"\ncpu = \"2s\"\nmemory = \"256MiB\"\nconcurrency = 7\n\
             queue_wait = \"3s\"\nrequest_body = \"1MiB\"\nresponse_body = \"2MiB\"\nlog = \"8KiB\"\n\
             record = \"strict\"\n[[function.cap]]\nper = \"day\"\ninvocations = 1000\n\
             [function.native]\ncontract = \"lambda\"\ninterpreter = \"python3\"\nhandler = \"app.handler\"\n\
             scratch = \"1MiB\"\nstart = \"5s\"\nidle = \"1m\"\nfresh = true\nprocesses = 16\n\
             [[function.http]]\nroute = \"POST /orders/{*rest}\"\nlimit = { rate = \"10/1s\" }\n\
             cors = { origins = [\"https://app.example\"] }\n\
             [function.environment]\nAWS_REGION = \"eu-central-1\"\nTABLE = \"orders\"\n\
             [function.allow]\nhttp = [\"POST https://api.stripe.com/v1/*\"]\ntcp = [\"db.example:5432\"]\n\
             keyvalue = { default = \"read-write\" }\nblobs = { pictures = \"read\" }\n\
             secret.stripe = { to = \"https://api.stripe.com/v1\", bearer = true }\n",
        ),
    ]);
    there_and_back(&project, "lambda");
    let lost = project.read("there/CONTROLS-LOST.md");
    for part in [
        "Egress",
        "Records",
        "`cpu = \"2s\"`",
        "queue_wait",
        "request_body",
        "response_body",
        "`log = ",
        "strict",
        "`cap`",
        "scratch",
        "`fresh = true`",
        "`limit` is not carried over",
        "`cors` is not",
        "https://api.stripe.com/v1/*",
        "db.example:5432",
        "store `default`",
        "store `pictures`",
        "secret `stripe`",
        "callers with our tokens",
        "AWS_REGION",
        "names no version: `python3.13`",
    ] {
        assert!(lost.contains(part), "{part}: {lost}");
    }
    let components = Project::with(&[]);
    copy(&repository().join("examples"), &components.dir());
    components.refused(
        &["export", "--to", "lambda"],
        "E0159",
        "it is a WebAssembly component: nothing there runs one",
    );
}
