//! Templates of native functions: programs as other platforms run them.

use super::{File, Kind, NODE_THERE, PYTHON_THERE};

/// How a project is used, which every README of these says alike.
pub(super) const USE: &str = include_str!("../../../../templates/common/native/use.md");

/// Files of a template, by their paths there, and those that several share.
macro_rules! files {
    ($template:literal: $($path:literal),+ $(; $($shared:ident),+)?) => {
        &[
            $(File {
                path: $path,
                text: include_str!(concat!("../../../../templates/", $template, "/", $path)),
            },)+
            $($($shared,)+)?
        ]
    };
}

/// A file that several templates share, by its path in a project.
macro_rules! shared {
    ($path:literal, $file:literal) => {
        File {
            path: $path,
            text: include_str!(concat!("../../../../templates/common/native/", $file)),
        }
    };
}

/// A file of a template's own that begins with a dot.
macro_rules! ignored {
    ($template:literal) => {
        File {
            path: ".gitignore",
            text: include_str!(concat!("../../../../templates/", $template, "/gitignore")),
        }
    };
}

const PYTHON: File = shared!("build.sh", "build-python.sh");
const NODE: File = shared!("build.sh", "build-node.sh");
const DIST: File = shared!(".gitignore", "gitignore");
const CACHES: File = shared!(".gitignore", "gitignore-python");
const JAVA: File = ignored!("lambda-java");
const RUST: File = ignored!("lambda-rust");

/// A template in Python: what is in it beside what all of these have.
macro_rules! python {
    ($name:literal, $source:literal $(, $more:literal)*) => {
        Kind::new($name, $source, PYTHON_THERE, files!(
            $name: "casemate.toml", "README.md", $source, "requirements.txt" $(, $more)*;
            PYTHON, CACHES
        ))
    };
}

/// One in JavaScript.
macro_rules! node {
    ($name:literal, $source:literal $(, $more:literal)*) => {
        Kind::new($name, $source, NODE_THERE, files!(
            $name:
            "casemate.toml", "README.md", $source, "package.json", "package-lock.json" $(, $more)*;
            NODE, DIST
        ))
    };
}

pub(super) const LAMBDA_PYTHON: Kind = python!("lambda-python", "app.py");
pub(super) const LAMBDA_NODE: Kind = node!("lambda-node", "index.mjs");
pub(super) const LAMBDA_JAVA: Kind = Kind::new(
    "lambda-java",
    "src/main/java/example/Handler.java",
    "mvn --version",
    files!(
        "lambda-java":
        "casemate.toml", "README.md", "build.sh", "src/main/java/example/Handler.java", "pom.xml";
        JAVA
    ),
);
pub(super) const LAMBDA_GO: Kind = Kind::new(
    "lambda-go",
    "main.go",
    "go version",
    files!("lambda-go": "casemate.toml", "README.md", "main.go", "go.mod", "go.sum"; DIST),
);
pub(super) const LAMBDA_RUST: Kind = Kind::new(
    "lambda-rust",
    "src/main.rs",
    "cargo --version",
    files!(
        "lambda-rust": "casemate.toml", "README.md", "src/main.rs", "Cargo.toml", "Cargo.lock"; RUST
    ),
);
pub(super) const FRAMEWORK_PYTHON: Kind = python!("functions-framework-python", "main.py");
pub(super) const FRAMEWORK_NODE: Kind = node!("functions-framework-node", "index.js");
pub(super) const CLOUD_RUN_PYTHON: Kind = python!("cloud-run-python", "main.py");
pub(super) const AZURE_PYTHON: Kind =
    python!("azure-python", "function_app.py", "host.json").and("host.json");
pub(super) const AZURE_NODE: Kind = node!("azure-node", "hello.js", "host.json").and("host.json");
pub(super) const ALIBABA_PYTHON: Kind = python!("alibaba-python", "index.py");
pub(super) const KUBELESS_PYTHON: Kind = python!("kubeless-python", "index.py");
pub(super) const KUBELESS_NODE: Kind = node!("kubeless-node", "index.js");
pub(super) const OPENWHISK_PYTHON: Kind = python!("openwhisk-python", "__main__.py");
pub(super) const OPENWHISK_NODE: Kind = node!("openwhisk-node", "index.js");
pub(super) const FN_PYTHON: Kind = Kind::new(
    "fn-python",
    "func.py",
    PYTHON_THERE,
    files!(
        "fn-python": "casemate.toml", "README.md", "build.sh", "func.py", "requirements.txt"; CACHES
    ),
);
pub(super) const FN_NODE: Kind = node!("fn-node", "func.js");
pub(super) const KNATIVE_PYTHON: Kind = python!("knative-python", "func.py");
pub(super) const OPENFAAS_PYTHON: Kind = python!("openfaas-python", "handler.py");
pub(super) const OPENFAAS_NODE: Kind = node!("openfaas-node", "handler.js");
pub(super) const IRONFUNCTIONS_PYTHON: Kind = python!("ironfunctions-python", "func.py");
pub(super) const FLASK: Kind = python!("flask", "app.py");
pub(super) const EXPRESS: Kind = node!("express", "server.js");
pub(super) const PHP: Kind = Kind::new(
    "php",
    "public/index.php",
    "php --version",
    files!("php": "casemate.toml", "README.md", "build.sh", "public/index.php"; DIST),
);
pub(super) const WORKER: Kind = Kind::new(
    "worker-js",
    "src/index.js",
    "npm install --global workerd",
    files!("worker-js": "casemate.toml", "README.md", "build.sh", "src/index.js"; DIST),
);
