//! One project of each format, from its import to its answers.

use super::{Project, answer, copy, has, set_secrets};
use crate::rig::{Node, repository, request};
use serde_json::Value;
use std::fs;

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
fn a_project_of_the_serverless_framework_runs() {
    let project = Project::of("serverless");
    let report = project.json(&["import"]);
    assert_eq!(report["application"], "user-api", "{report}");
    for part in [
        "AdministratorAccess`: everything in the account",
        "fits `sqs:Send*`",
        "on every resource (`*`)",
    ] {
        assert!(has(&report["over_granted"], "getUser", part), "{part}: {report}");
    }
    for (function, part) in [
        ("getUser", "event `schedule`"),
        ("getUser", "event `s3`"),
        ("cleanup", "event `stream`"),
        ("getUser", "variable `BUCKET_ARN` is made by AWS"),
        ("", "`resources` has no counterpart here"),
    ] {
        assert!(has(&report["left_out"], function, part), "{part}: {report}");
    }
    let asks = report["functions"][0]["asks"].to_string();
    for ask in [
        "GET https://avatars.s3.eu-central-1.amazonaws.com/*",
        "PUT https://avatars.s3.eu-central-1.amazonaws.com/*",
        "POST https://sqs.eu-central-1.amazonaws.com/",
    ] {
        assert!(asks.contains(ask), "{ask}: {asks}");
    }
    let node = Node::start();
    set_secrets(&node, &project, &report);
    project.deploy(&node);
    let said = answer(&node, "/users/7", None);
    assert_eq!(said["path"], "/users/7", "{said}");
    assert_eq!(
        (&said["table"], &said["token"]),
        (&"users-dev".into(), &"value-of-token".into()),
        "{said}"
    );
    assert_eq!(said["bucket"], Value::Null, "{said}");
    assert_ne!(
        request(node.gateway, "POST", "/users", None, b"").status,
        200,
        "an authorizer stood before it"
    );
}

#[test]
fn a_project_of_the_functions_framework_runs_with_the_published_library() {
    let project = Project::of("framework");
    project.ok(&["import"]);
    let manifest = project.read("casemate.toml");
    assert!(
        manifest.contains("pip install") && manifest.contains("source = \"dist/say-hello\""),
        "{manifest}"
    );
    // As one has it who brought the library before.
    fs::write(project.dir().join("requirements.txt"), "# functions-framework lies here\n")
        .expect("written");
    let library = repository().join("target/tools/servers/python/lib");
    let version = fs::read_dir(library)
        .expect("`cargo xtask test` makes it")
        .flatten()
        .next()
        .expect("a version");
    for entry in fs::read_dir(version.path().join("site-packages")).expect("packages").flatten() {
        let name = entry.file_name().into_string().expect("text");
        let tool = ["pip", "setuptools", "pkg_resources", "_distutils"]
            .iter()
            .any(|tool| name.starts_with(tool));
        if !tool && entry.path().is_dir() {
            copy(&entry.path(), &project.dir().join(name));
        } else if !tool {
            fs::copy(entry.path(), project.dir().join(name)).expect("copied");
        }
    }
    let report = project.json(&["import", "--force"]);
    assert!(has(&report["left_out"], "stored", "what sends it events"), "{report}");
    let node = Node::start();
    project.deploy(&node);
    let token = node.ok(&["token", "create", "ci", "--invoke", "say-hello"]);
    let reply = node.get("/say-hello/a", Some(token.trim()));
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "hello from the framework at /say-hello/a\n")
    );
    let event = request_event(&node);
    assert!(event.contains("\"status\": 200") || event.contains("\"status\":200"), "{event}");

    let report = project.json(&["export", "--to", "cloudrun", "--out", "gcp"]);
    let file = project.read("gcp/functions/say-hello/Dockerfile");
    assert!(file.contains(r#"CMD ["python3","-m","functions_framework","--target=say_hello","--signature-type=http","--source=main.py"]"#), "{file}");
    assert_eq!(project.read("gcp/functions/say-hello/package/main.py"), project.read("main.py"));
    assert!(
        has(&report["controls_lost"], "say-hello", "contract = \"functions-framework\""),
        "{report}"
    );
}

/// What came of a CloudEvent to the function `stored`.
fn request_event(node: &Node) -> String {
    node.ok(&[
        "--format",
        "json",
        "invoke",
        "stored",
        "--data",
        "{}",
        "-H",
        "ce-id: 1",
        "-H",
        "ce-specversion: 1.0",
        "-H",
        "ce-source: /tests",
        "-H",
        "ce-type: stored",
        "-H",
        "content-type: application/json",
    ])
}

#[test]
fn a_service_of_knative_runs_from_where_its_image_was_built() {
    let project = Project::of("knative");
    project.refused(&["import"], "E0158", "say where that was built with `--source DIR`");
    let report = project.json(&["import", "--source", "server"]);
    for part in [
        "the service account `shop-admin`",
        "may write everywhere",
        "`API_TOKEN` holds a secret in plain text",
    ] {
        assert!(has(&report["over_granted"], "hello.world", part), "{part}: {report}");
    }
    for (function, part) in [
        ("hello.world", "`volumes` has no counterpart"),
        ("hello.world", "variable `REGION`"),
        ("hello.world", "annotation `autoscaling.knative.dev/target`"),
        ("", "`Trigger` (`eventing.knative.dev/v1`) is not made here"),
    ] {
        assert!(has(&report["left_out"], function, part), "{part}: {report}");
    }
    assert!(
        !report.to_string().contains("hunter2")
            && !project.read("casemate.toml").contains("hunter2")
    );
    let node = Node::start();
    set_secrets(&node, &project, &report);
    project.deploy(&node);
    let said = answer(&node, "/hello-world/a", None);
    assert_eq!(
        (&said["TARGET"], &said["K_SERVICE"]),
        (&"World".into(), &"hello-world".into()),
        "{said}"
    );
    assert_eq!(said["API_TOKEN"], "value-of-api-token", "{said}");
    assert_eq!(said["DB_PASSWORD"], "value-of-db-password", "{said}");
}

#[test]
fn functions_of_openfaas_run_by_their_template_and_by_their_process() {
    let project = Project::of("openfaas");
    let report = project.json(&["import"]);
    for (function, part) in [
        ("greet", "`schedule`: there is no such trigger here yet"),
        ("figlet", "what it starts is not in the file"),
    ] {
        assert!(has(&report["left_out"], function, part), "{part}: {report}");
    }
    let node = Node::start();
    set_secrets(&node, &project, &report);
    project.deploy(&node);
    let said = answer(&node, "/function/greet", None);
    assert_eq!(
        (&said["GREETING"], &said["MAIL_KEY"]),
        (&"good day".into(), &"value-of-mail-key".into()),
        "{said}"
    );
    let reply = request(node.gateway, "POST", "/function/shout", None, b"hello");
    assert_eq!((reply.status, reply.text().as_str()), (200, "HELLO"));
    project.refused(
        &["export", "--to", "knative"],
        "E0159",
        "`shout`: it speaks the contract `openfaas-classic`",
    );
}

#[test]
fn a_worker_runs_with_its_variables_its_namespace_and_its_times() {
    let project = Project::of("workers");
    let report = project.json(&["import"]);
    for (part, list) in [
        ("compatibility flag `experimental`", "left_out"),
        ("route `*.example/a*b`", "left_out"),
        ("`r2_buckets` `PICTURES`", "left_out"),
        ("`observability`", "left_out"),
        ("environment `staging`", "left_out"),
        ("`API_TOKEN` holds a secret in plain text", "over_granted"),
        ("requests to every address", "over_granted"),
        ("`services` `MAIL` is the function `mail`", "notes"),
        ("`kv_namespaces` `CARTS` is the store `carts`", "notes"),
        ("time `0 2 * * 2` is `0 2 * * 1` here", "notes"),
    ] {
        assert!(has(&report[list], "edge-shop", part), "{part}: {report}");
    }
    let manifest = project.read("casemate.toml");
    for line in [
        "contract = \"workers\"",
        "compatibility_flags = [\"nodejs_compat\"]",
        "kv = { CARTS = \"carts\" }",
        "services = { MAIL = \"mail\", SELF = \"edge-shop\" }",
        "json = [\"LIMITS\", \"RETRIES\"]",
        "cron = \"0 2 * * 1\"",
    ] {
        assert!(manifest.contains(line), "{line}: {manifest}");
    }
    assert!(!report.to_string().contains("hunter2") && !manifest.contains("hunter2"));
    let node = Node::start();
    set_secrets(&node, &project, &report);
    project.deploy(&node);
    let head = "GET /a/b HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";
    let reply = crate::rig::raw(node.gateway, head.as_bytes());
    let said: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let wanted = serde_json::json!({
        "greeting": "hello from a Worker", "host": "shop.example", "pathname": "/a/b",
        "STAGE": "live", "LIMITS": { "items": 3 }, "RETRIES": 2,
        "API_TOKEN": "value-of-api-token", "last": "/a/b", "self": "function"
    });
    assert_eq!(said, wanted);
    let id = node.ok(&["schedule", "run", "edge-shop-2"]);
    node.record_of(id.trim(), "ok", true);
    let lines = node.lines_of(id.trim());
    assert!(lines.iter().any(|line| line["text"] == "at 0 2 * * 1"), "{lines:?}");
}

#[test]
fn a_worker_that_has_to_be_bundled_gets_a_build_and_one_without_code_is_named() {
    let worker = "name = \"w\"\nmain = \"src/index.ts\"\n";
    let project =
        Project::with(&[("wrangler.toml", worker), ("src/index.ts", "export default {}")]);
    project.ok(&["import"]);
    let manifest = project.read("casemate.toml");
    for line in [
        "build = \"npx wrangler deploy --dry-run --outdir dist/w\"",
        "source = \"dist/w\"",
        "main = \"index.js\"",
        "compatibility_date = \"2021-11-02\"",
    ] {
        assert!(manifest.contains(line), "{line}: {manifest}");
    }
    for (text, part) in [
        ("name = \"w\"\n", "it has no `main`"),
        ("name = \"w\"\nmain = \"../x.js\"\n", "leads out of the project"),
        ("name = \"w\"\nmain = \"x.js\"\ncompatibility_date = \"soon\"\n", "is no day"),
    ] {
        let project = Project::with(&[("wrangler.toml", text), ("x.js", "export default {}")]);
        project.refused(&["import"], "E0158", part);
    }
    let commented = "{ // a Worker\n\"name\": \"w\", \"main\": \"x.js\", \"compatibility_date\": \"2026-01-01\",\n\
                     \"vars\": { \"A\": \"1\", \"B\": 2, \"C\": null } }";
    let project = Project::with(&[("wrangler.jsonc", commented), ("x.js", "export default {}")]);
    project.ok(&["import"]);
    let manifest = project.read("casemate.toml");
    assert!(manifest.contains("json = [\"B\", \"C\"]"), "{manifest}");
}

#[test]
fn a_project_of_the_functions_framework_in_go_is_built_as_its_own_program() {
    let code = "package hello\n\nfunc init() {\n\tfunctions.HTTP(\"Hello\", hello)\n}\n";
    let project = Project::with(&[
        (
            "go.mod",
            "module example/hello\n\nrequire github.com/GoogleCloudPlatform/functions-framework-go v1.9.0\n",
        ),
        ("hello.go", code),
        ("cmd/main.go", "package main\n"),
    ]);
    project.ok(&["import"]);
    let manifest = project.read("casemate.toml");
    for line in
        ["handler = \"Hello\"", "command = [\"./server\"]", "go build -o dist/hello/server ./cmd"]
    {
        assert!(manifest.contains(line), "{line}: {manifest}");
    }
}
