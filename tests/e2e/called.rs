//! A node that is called as AWS Lambda, by AWS's own programs: boto3 and the AWS CLI, unmodified.
//! `cargo xtask test` installs them.

mod mappings;

use crate::rig::{Node, repository, request};
use serde_json::Value;
use std::process::{Command, Output};

/// A function in Python that does what its event says, and what may call it.
const MANIFEST: &str = r#"
manifest = 1
application = "app"

[[function]]
name = "f"
runtime = "native"
source = "source"
timeout = "3s"
response_body = "8MiB"
native = { contract = "lambda", interpreter = "python3", handler = "app.handler" }

[[function]]
name = "closed"
runtime = "native"
source = "source"
native = { contract = "lambda", interpreter = "python3", handler = "app.handler" }
"#;

/// A node with these functions, and a key that may call `f`.
struct Called {
    node: Node,
    id: String,
    secret: String,
    files: tempfile::TempDir,
}

impl Called {
    fn start() -> Self {
        let node = Node::start();
        let files = tempfile::tempdir().expect("a directory");
        let source = files.path().join("source");
        std::fs::create_dir(&source).expect("a directory");
        let app = repository().join("tests/native/called/app.py");
        std::fs::copy(app, source.join("app.py")).expect("copied");
        std::fs::write(files.path().join("casemate.toml"), MANIFEST).expect("written");
        node.ok(&["deploy", "--grant", files.path().to_str().expect("text")]);
        let (id, secret) = key(&node, "boto", &["--invoke", "f"]);
        node.ok(&["grant", "token:boto", "invoke-async", "f"]);
        Self { node, id, secret, files }
    }

    /// The same, with a key that manages functions, and beside it the one that does not.
    fn managed() -> (Self, (String, String)) {
        let mut called = Self::start();
        let (id, secret) = key(&called.node, "maker", &["--manage"]);
        let other =
            (std::mem::replace(&mut called.id, id), std::mem::replace(&mut called.secret, secret));
        (called, other)
    }

    /// A program with the key in its environment, and nothing else of AWS's.
    fn command(&self, program: &str) -> Command {
        let program = repository().join("target/tools/awscli/bin").join(program);
        assert!(program.exists(), "{} is missing: `cargo xtask test` makes it", program.display());
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .env("URL", format!("http://{}", self.node.api))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", &self.id)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret);
        command
    }

    /// Runs a script of `tests/clients/lambda` to its end, and gives what it printed.
    fn script(&self, name: &str, more: &[(&str, &str)]) -> String {
        let script = repository().join("tests/clients/lambda").join(name);
        let mut command = self.command("python");
        command.arg("-B").arg(script).envs(more.iter().copied());
        let output = command.output().expect("python starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.ends_with("done\n"), "{said}{errors}");
        said
    }

    /// Runs the AWS CLI, and gives what it says.
    fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.aws(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{errors}");
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// Runs the AWS CLI.
    fn aws(&self, arguments: &[&str]) -> Output {
        let url = format!("http://{}", self.node.api);
        // Its first line names the place where it was installed.
        let aws = repository().join("target/tools/awscli/bin/aws");
        let mut command = self.command("python");
        command.arg(aws);
        command.args(["--endpoint-url", &url, "--output", "json", "lambda"]).args(arguments);
        command.output().expect("aws starts")
    }
}

/// The function of the tests in a zip file, as the AWS CLI names one.
fn zipped(called: &Called, place: &std::path::Path) -> String {
    let zip = place.join("app.zip");
    let script = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[2], 'w') as z: z.write(sys.argv[1], 'app.py')";
    let app = repository().join("tests/native/called/app.py");
    let made = called.command("python").args(["-c", script]).arg(app).arg(&zip).status();
    assert!(made.expect("python starts").success());
    format!("fileb://{}", zip.display())
}

/// What makes a function of it.
const fn create<'a>(name: &'a str, zip: &'a str) -> [&'a str; 11] {
    [
        "create-function",
        "--function-name",
        name,
        "--runtime",
        "python3.11",
        "--role",
        "arn:aws:iam::000000000000:role/r",
        "--handler",
        "app.handler",
        "--zip-file",
        zip,
    ]
}

/// A new key, for what these words say.
fn key(node: &Node, name: &str, may: &[&str]) -> (String, String) {
    let mut words = vec!["--format", "json", "token", "create", name, "--aws"];
    words.extend(may);
    let made: Value = serde_json::from_str(&node.ok(&words)).expect("JSON");
    assert!(made.get("token").is_none(), "{made}");
    let text = |key: &str| made[key].as_str().expect(key).to_owned();
    (text("access_key_id"), text("secret_access_key"))
}

#[test]
fn boto3_invokes_a_function_in_every_way_it_knows() {
    let called = Called::start();
    let said = called.script("invoke.py", &[]);
    let later = said.strip_prefix("later ").and_then(|rest| rest.lines().next()).expect("an id");
    let record = called.node.record_of(later, "running", false);
    assert_eq!(record["outcome"], "ok", "{record}");
    assert_eq!(record["caller"], "token:boto", "{record}");
}

#[test]
fn a_signature_is_for_one_request_at_one_time() {
    Called::start().script("signed.py", &[]);
}

#[test]
fn boto3_makes_changes_and_removes_functions() {
    let (called, (id, secret)) = Called::managed();
    let app = repository().join("tests/native/called/app.py");
    let app = app.to_str().expect("text");
    called.script("manage.py", &[("APP", app), ("OTHER_ID", &id), ("OTHER_SECRET", &secret)]);
    let ledger = called.node.ok(&["ledger", "show"]);
    assert!(ledger.contains("token:maker"), "{ledger}");
}

#[test]
fn boto3_publishes_versions_and_moves_aliases() {
    let (mut called, _) = Called::managed();
    let app = repository().join("tests/native/called/app.py");
    called.script("versions.py", &[("APP", app.to_str().expect("text"))]);
    let ledger = called.node.ok(&["ledger", "show"]);
    assert!(ledger.contains("PublishVersion of revision"), "{ledger}");
    assert!(ledger.contains("UpdateAlias live, beside shop"), "{ledger}");
    // They outlive the node, and are in its backup.
    let backup = tempfile::tempdir().expect("a directory");
    let (file, home) = (backup.path().join("backup.tar"), backup.path().join("restored"));
    called.node.ok(&["backup", file.to_str().expect("text"), "--include-root-key"]);
    called.node.stop();
    let restore = crate::rig::casemate()
        .args(["--home", home.to_str().expect("text"), "restore"])
        .arg(&file)
        .output()
        .expect("casemate runs");
    assert!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let again = Node::start_on(&home, &[]);
    let _old = std::mem::replace(&mut called.node, again);
    let answer = backup.path().join("answer.json");
    let arguments = ["invoke", "--function-name", "shop:live", answer.to_str().expect("text")];
    assert_eq!(called.ok(&arguments)["ExecutedVersion"], "2");
}

#[test]
fn boto3_tags_functions_and_limits_them() {
    let (called, (id, secret)) = Called::managed();
    let app = repository().join("tests/native/called/app.py");
    let app = app.to_str().expect("text");
    let more = [("APP", app), ("OTHER_ID", &*id), ("OTHER_SECRET", &*secret)];
    let said = called.script("limits.py", &more);
    let failing = said.strip_prefix("failing ").and_then(|rest| rest.lines().next());
    let began = std::time::Instant::now();
    // It is tried once, as the function's own word is, and not as often as the node says.
    let attempts = loop {
        let dead = called.node.json(&["queue", "list", "--dead"]);
        let items = dead["items"].as_array().expect("a list").clone();
        if let Some(item) = items.iter().find(|item| item["invocation"].as_str() == failing) {
            break item["attempts"].clone();
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(120), "{failing:?}: {dead}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(attempts, 1);
}

#[test]
fn boto3_gives_functions_addresses_and_says_who_may_call_them() {
    let (called, (id, secret)) = Called::managed();
    called.script("urls.py", &[("OTHER_ID", &id), ("OTHER_SECRET", &secret)]);
    let ledger = called.node.ok(&["ledger", "show"]);
    assert!(ledger.contains("CreateFunctionUrlConfig"), "{ledger}");
    assert!(ledger.contains("granting public invoke shop"), "{ledger}");
    assert!(ledger.contains("ending public invoke shop"), "{ledger}");
}

#[test]
fn the_aws_command_line_makes_invokes_changes_lists_and_removes_a_function() {
    let (called, _) = Called::managed();
    let files = tempfile::tempdir().expect("a directory");
    let zip = zipped(&called, files.path());
    let said = called.ok(&create("shop", &zip));
    assert_eq!(said["State"], "Active", "{said}");
    called.ok(&["wait", "function-active-v2", "--function-name", "shop"]);
    let file = files.path().join("answer.json");
    let path = file.to_str().expect("text");
    let said = called.ok(&["invoke", "--function-name", "shop", "--payload", r#"{"n":1}"#, path]);
    assert_eq!(said["StatusCode"], 200, "{said}");
    let answer: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("written")).expect("JSON");
    assert_eq!(answer["event"]["n"], 1, "{answer}");
    let said =
        called.ok(&["update-function-configuration", "--function-name", "shop", "--timeout", "9"]);
    assert_eq!(said["Timeout"], 9, "{said}");
    called.ok(&["update-function-code", "--function-name", "shop", "--zip-file", &zip]);
    called.ok(&["wait", "function-updated-v2", "--function-name", "shop"]);
    let listed = called.ok(&["list-functions"]);
    assert_eq!(listed["Functions"].as_array().map(Vec::len), Some(3), "{listed}");
    called.ok(&["delete-function", "--function-name", "shop"]);
    let output = called.aws(&["get-function", "--function-name", "shop"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("ResourceNotFoundException"), "{said}");
}

#[test]
fn the_aws_command_line_releases_versions_and_opens_addresses() {
    let (called, _) = Called::managed();
    let files = tempfile::tempdir().expect("a directory");
    let zip = zipped(&called, files.path());
    called.ok(&create("shop", &zip));
    let ok = |words: &[&str]| called.ok(&[words, &["--function-name", "shop"]].concat());
    assert_eq!(ok(&["publish-version"])["Version"], "1");
    let said = ok(&["create-alias", "--name", "live", "--function-version", "1"]);
    let arn = said["AliasArn"].as_str().expect("an ARN").to_owned();
    assert!(arn.ends_with(":function:shop:live"), "{said}");
    let routing = r#"{"AdditionalVersionWeights":{"1":0.1}}"#;
    let output = called.aws(&[
        "update-alias",
        "--function-name",
        "shop",
        "--name",
        "live",
        "--routing-config",
        routing,
    ]);
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(wrong.contains("InvalidParameterValueException"), "{wrong}");
    let file = files.path().join("answer.json");
    let path = file.to_str().expect("text");
    let said = called.ok(&["invoke", "--function-name", &arn, path]);
    assert_eq!(said["ExecutedVersion"], "1", "{said}");
    assert_eq!(ok(&["list-versions-by-function"])["Versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(ok(&["list-aliases"])["Aliases"].as_array().map(Vec::len), Some(1));
    ok(&["put-function-concurrency", "--reserved-concurrent-executions", "0"]);
    let output = called.aws(&["invoke", "--function-name", "shop", path]);
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(wrong.contains("TooManyRequestsException"), "{wrong}");
    ok(&["delete-function-concurrency"]);
    ok(&["put-function-event-invoke-config", "--maximum-retry-attempts", "0"]);
    let whole = arn.trim_end_matches(":live").to_owned();
    called.ok(&["tag-resource", "--resource", &whole, "--tags", "team=a"]);
    assert_eq!(called.ok(&["list-tags", "--resource", &whole])["Tags"]["team"], "a");
    called.ok(&["untag-resource", "--resource", &whole, "--tag-keys", "team"]);
    let said = ok(&["create-function-url-config", "--auth-type", "NONE"]);
    assert!(said["FunctionUrl"].as_str().is_some_and(|url| url.contains(".lambda-url.")), "{said}");
    ok(&[
        "add-permission",
        "--statement-id",
        "all",
        "--principal",
        "*",
        "--action",
        "lambda:InvokeFunctionUrl",
        "--function-url-auth-type",
        "NONE",
    ]);
    let policy = ok(&["get-policy"]);
    assert!(policy["Policy"].as_str().is_some_and(|it| it.contains("\"all\"")), "{policy}");
    ok(&["remove-permission", "--statement-id", "all"]);
    ok(&["delete-function-url-config"]);
    ok(&["delete-alias", "--name", "live"]);
    ok(&["delete-function", "--qualifier", "1"]);
    ok(&["delete-function"]);
}

#[test]
fn a_key_ends_when_it_is_revoked_and_opens_no_other_door() {
    let called = Called::start();
    // It is no text that could be shown, not even together.
    for token in [&called.secret, &called.id, &format!("{}:{}", called.id, called.secret)] {
        let reply = request(called.node.gateway, "GET", "/f", Some(token), b"");
        assert_eq!(reply.status, 401, "{token}");
    }
    let listed = called.node.ok(&["token", "list"]);
    assert!(listed.contains(&called.id) && !listed.contains(&called.secret), "{listed}");
    let dry = ["invoke", "--function-name", "f", "--invocation-type", "DryRun", "/dev/null"];
    assert!(called.aws(&dry).status.success());
    called.node.ok(&["token", "revoke", "boto"]);
    let output = called.aws(&dry);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("UnrecognizedClientException"), "{said}");
}

#[test]
fn a_key_lies_sealed_and_outlives_the_node() {
    let mut called = Called::start();
    let home = called.node.home().to_owned();
    called.node.stop();
    let mut looked_at = 0;
    for file in std::fs::read_dir(&home).expect("a home").flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        looked_at += 1;
        let found = bytes.windows(called.secret.len()).any(|it| it == called.secret.as_bytes());
        assert!(!found, "{}", file.path().display());
    }
    assert!(looked_at > 0);
    let again = Node::start_on(&home, &[]);
    let _old = std::mem::replace(&mut called.node, again);
    let dry = ["invoke", "--function-name", "f", "--invocation-type", "DryRun", "/dev/null"];
    let output = called.aws(&dry);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
