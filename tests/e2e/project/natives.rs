//! Native functions, from `casemate new` to a changed answer, each with what its language's own
//! registry has. The libraries of Go and Java are stood in for: see `tests/tools/go` and
//! `tests/tools/java`.

use super::newcomer::Newcomer;
use super::{err, out};
use crate::rig::{Node, repository};

const GREETING: (&str, &str) = ("Hello", "Good day");

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_lambdas_in_python() {
    let newcomer = Newcomer::new();
    newcomer.go("lambda-python", "app.py", GREETING);
    newcomer.passes_its_own_recipe();
}

#[test]
fn a_function_of_lambdas_in_python_is_run_by_the_published_client_if_it_names_it() {
    let newcomer = Newcomer::new();
    newcomer.make("lambda-python");
    let project = newcomer.project();
    let versions = repository().join("tests/tools/awslambdaric.txt");
    std::fs::copy(versions, project.join("requirements.txt")).expect("copied");
    let code = std::fs::read_to_string(project.join("app.py")).expect("there");
    // So that the answer says who calls.
    let caller = "import sys\n    name = 'awslambdaric' in sys.modules";
    let code = code.replace("    name = unquote", &format!("    {caller}\n    _ = unquote"));
    std::fs::write(project.join("app.py"), code).expect("written");
    newcomer.deploys("Hello, True!\n");
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_lambdas_in_javascript() {
    let newcomer = Newcomer::new();
    newcomer.go("lambda-node", "index.mjs", GREETING);
    newcomer.passes_its_own_recipe();
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_lambdas_in_java() {
    let library = repository().join("tests/tools/java");
    // As Maven would: the classes, and the libraries beside them.
    let newcomer = Newcomer::with_program(
        "mvn",
        &format!(
            "set -eu\nmkdir -p target/classes target/lib target/library\n\
             javac --release 17 -d target/library $(find '{}' -name '*.java')\n\
             jar --create --file target/lib/library.jar -C target/library .\n\
             javac --release 17 -cp target/lib/library.jar -d target/classes \
             $(find src -name '*.java')\n",
            library.display()
        ),
    );
    newcomer.go("lambda-java", "src/main/java/example/Handler.java", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_lambdas_in_go() {
    let library = repository().join("tests/tools/go/aws-lambda-go");
    let replaced =
        format!("go mod edit -replace github.com/aws/aws-lambda-go={}", library.display());
    let newcomer = Newcomer::new().with_line(&replaced);
    newcomer.go("lambda-go", "main.go", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_lambdas_in_rust() {
    Newcomer::new().go("lambda-rust", "src/main.rs", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_the_functions_framework_in_python() {
    Newcomer::new().go("functions-framework-python", "main.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_the_functions_framework_in_javascript() {
    Newcomer::new().go("functions-framework-node", "index.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_an_action_of_openwhisks() {
    Newcomer::new().go("openwhisk-python", "__main__.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_an_action_of_openwhisks_in_javascript() {
    Newcomer::new().go("openwhisk-node", "index.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_fns() {
    Newcomer::new().go("fn-python", "func.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_fns_in_javascript() {
    Newcomer::new().go("fn-node", "func.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_azures() {
    Newcomer::new().go("azure-python", "function_app.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_worker() {
    let newcomer = Newcomer::new();
    newcomer.go("worker-js", "src/index.js", GREETING);
    newcomer.passes_its_own_recipe();
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_azures_in_javascript() {
    Newcomer::new().go("azure-node", "hello.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_alibabas() {
    Newcomer::new().go("alibaba-python", "index.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_knatives() {
    Newcomer::new().go("knative-python", "func.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_service_of_cloud_runs() {
    Newcomer::new().go("cloud-run-python", "main.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_handler_of_openfaas() {
    Newcomer::new().go("openfaas-python", "handler.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_handler_of_openfaas_in_javascript() {
    Newcomer::new().go("openfaas-node", "handler.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_kubeless() {
    Newcomer::new().go("kubeless-python", "index.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_function_of_kubeless_in_javascript() {
    Newcomer::new().go("kubeless-node", "index.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_a_program_of_ironfunctions() {
    Newcomer::new().go("ironfunctions-python", "func.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_flask() {
    Newcomer::new().go("flask", "app.py", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_express() {
    Newcomer::new().go("express", "server.js", GREETING);
}

#[test]
fn from_new_to_a_changed_answer_in_php() {
    let newcomer = Newcomer::new();
    newcomer.go("php", "public/index.php", GREETING);
    // A mistake stops the build, and says where it is.
    let file = newcomer.project().join("public/index.php");
    std::fs::write(&file, "<?php\n\necho (;\n").expect("written");
    let built = newcomer.shell("cd hello && casemate build").output().expect("sh");
    let said = err(&built);
    assert!(said.contains("error[E0141]") && said.contains("on line 3"), "{said}{}", out(&built));
}

#[test]
fn an_example_declares_what_a_native_function_finds_outside() {
    let newcomer = Newcomer::new();
    newcomer.make("lambda-python");
    let project = newcomer.project();
    let code = r#"
import urllib.request

def handler(event, context):
    with urllib.request.urlopen("https://api.example.com/rate") as answer:
        rate = answer.read().decode()
    # The deadline is of the same time as the machine's clock.
    in_time = 0 < context.get_remaining_time_in_millis() <= 60_000
    return {"statusCode": 200, "body": f"{rate} {in_time}"}
"#;
    std::fs::write(project.join("app.py"), code).expect("written");
    let path = project.join("casemate.toml");
    let manifest = std::fs::read_to_string(&path).expect("there");
    let outside = r#"outbound = [{ request = "GET https://api.example.com/rate", body = "1.25" }]"#;
    let (before, _) = manifest.split_once("expect =").expect("an example");
    let expected = format!("{before}{outside}\nexpect = {{ body = \"1.25 True\" }}\n");
    let allow = "[function.allow]\nhttp = [\"GET https://api.example.com/*\"]\n\n[[function.http]]";
    std::fs::write(&path, expected.replace("[[function.http]]", allow)).expect("written");
    newcomer.passes_its_own_recipe();
    // Nothing else is outside.
    std::fs::write(&path, expected.replace("[[function.http]]", allow).replace(outside, ""))
        .expect("written");
    let failed = newcomer.shell("cd hello && casemate test").output().expect("sh");
    assert_eq!(failed.status.code(), Some(1), "{}{}", out(&failed), err(&failed));
}

impl Newcomer {
    /// Builds the project, deploys it to a node, and calls it.
    fn deploys(&self, expected: &str) {
        let built = self.shell("cd hello && casemate build").output().expect("sh");
        assert!(built.status.success(), "{}", err(&built));
        let node = Node::start();
        let project = self.project();
        node.ok(&["deploy", "--grant", project.to_str().expect("text")]);
        let reply = node.get("/hello/Ada", None);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(String::from_utf8_lossy(&reply.body), expected);
    }
}
