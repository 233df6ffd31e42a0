//! Templates of native functions: programs as other platforms run them.

use super::File;

/// Files of a template, by their paths there; `gitignore` is written with its dot.
macro_rules! files {
    ($template:literal: $($path:literal),+ $(,)?) => {
        &[
            $(File {
                path: $path,
                text: include_str!(concat!("../../../../templates/", $template, "/", $path)),
            },)+
            File {
                path: ".gitignore",
                text: include_str!(concat!("../../../../templates/", $template, "/gitignore")),
            },
        ]
    };
}

pub(super) const LAMBDA_PYTHON: &[File] = files!(
    "lambda-python": "casemate.toml", "README.md", "build.sh", "app.py", "requirements.txt"
);
pub(super) const LAMBDA_NODE: &[File] = files!(
    "lambda-node":
    "casemate.toml", "README.md", "build.sh", "index.mjs", "package.json", "package-lock.json",
);
pub(super) const LAMBDA_JAVA: &[File] = files!(
    "lambda-java":
    "casemate.toml", "README.md", "build.sh", "src/main/java/example/Handler.java", "pom.xml",
);
pub(super) const LAMBDA_GO: &[File] = files!(
    "lambda-go": "casemate.toml", "README.md", "main.go", "go.mod", "go.sum"
);
pub(super) const LAMBDA_RUST: &[File] = files!(
    "lambda-rust": "casemate.toml", "README.md", "src/main.rs", "Cargo.toml", "Cargo.lock"
);
pub(super) const FRAMEWORK_PYTHON: &[File] = files!(
    "functions-framework-python":
    "casemate.toml", "README.md", "build.sh", "main.py", "requirements.txt",
);
pub(super) const FRAMEWORK_NODE: &[File] = files!(
    "functions-framework-node":
    "casemate.toml", "README.md", "build.sh", "index.js", "package.json", "package-lock.json",
);
pub(super) const OPENWHISK_PYTHON: &[File] = files!(
    "openwhisk-python":
    "casemate.toml", "README.md", "build.sh", "__main__.py", "requirements.txt",
);
pub(super) const FN_PYTHON: &[File] = files!(
    "fn-python": "casemate.toml", "README.md", "build.sh", "func.py", "requirements.txt"
);
pub(super) const AZURE_PYTHON: &[File] = files!(
    "azure-python":
    "casemate.toml", "README.md", "build.sh", "function_app.py", "host.json", "requirements.txt",
);
pub(super) const FLASK: &[File] = files!(
    "flask": "casemate.toml", "README.md", "build.sh", "app.py", "requirements.txt"
);
pub(super) const EXPRESS: &[File] = files!(
    "express":
    "casemate.toml", "README.md", "build.sh", "server.js", "package.json", "package-lock.json",
);
pub(super) const PHP: &[File] = files!(
    "php": "casemate.toml", "README.md", "build.sh", "public/index.php"
);
pub(super) const WORKER: &[File] = files!(
    "worker-js": "casemate.toml", "README.md", "build.sh", "src/index.js"
);
