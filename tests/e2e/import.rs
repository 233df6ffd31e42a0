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

/// Sets every secret that a report names, to `value-of-NAME`.
fn set_secrets(node: &Node, project: &Project, report: &Value) {
    for asked in report["secrets"].as_array().expect("secrets") {
        let name = asked["secret"].as_str().expect("a name");
        let file = project.0.path().join(name);
        fs::write(&file, format!("value-of-{name}")).expect("written");
        node.ok(&["secret", "set", name, "--file", file.to_str().expect("text")]);
    }
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
fn workers_are_read_and_said_not_to_run_yet() {
    let project = Project::of("workers");
    for part in [
        "`edge-shop`: Workers are not run here yet",
        "wrangler.toml:4: `edge-shop`: route `cdn.example/*`",
        "wrangler.toml:7: `edge-shop`: variable `API_TOKEN`",
        "`kv_namespaces` `CARTS`: a key-value store",
        "`triggers`",
        "`edge-shop in staging`: variable `STAGE`",
    ] {
        project.refused(&["import"], "E0158", part);
    }
    assert!(!said(&project.run(&["import"])).contains("hunter2"));
}

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
