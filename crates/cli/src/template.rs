//! What `casemate new` writes: the files of `templates/`, built into this binary.
//!
//! Invariant: `my-function` stands for the project's name, and nothing else is filled in but the
//! CI's tools.

mod native;
mod wit;

use model::ApplicationName;

/// The name that stands for the project's in every template.
const NAME: &str = "my-function";

/// A file of a project.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Its path below the project.
    path: &'static str,
    text: &'static str,
}

/// A kind of project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Template {
    /// A function in Rust
    HttpRust,
    /// A function in JavaScript
    HttpJs,
    /// A function in Python
    HttpPython,
    /// A single-page application: files, and no function
    Spa,
    /// A function of AWS Lambda's in Python
    LambdaPython,
    /// A function of AWS Lambda's in JavaScript
    LambdaNode,
    /// A function of AWS Lambda's in Java
    LambdaJava,
    /// A function of AWS Lambda's in Go
    LambdaGo,
    /// A function of AWS Lambda's in Rust
    LambdaRust,
    /// A function of Google's Functions Framework in Python
    FunctionsFrameworkPython,
    /// A function of Google's Functions Framework in JavaScript
    FunctionsFrameworkNode,
    /// An action of Apache OpenWhisk's in Python
    OpenwhiskPython,
    /// A function of Fn Project's in Python
    FnPython,
    /// A function of Azure's in Python
    AzurePython,
    /// A Cloudflare Worker in JavaScript
    WorkerJs,
    /// A web server in Python
    Flask,
    /// A web server in JavaScript
    Express,
    /// A web server in PHP
    Php,
}

/// A text below `templates`.
macro_rules! text {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

const COMMON: &[File] = &[
    File { path: "ci.sh", text: text!("common/ci.sh") },
    File { path: ".github/workflows/ci.yml", text: text!("common/ci.yml") },
];

const RUST: &[File] = &[
    File { path: "casemate.toml", text: text!("http-rust/casemate.toml") },
    File { path: "src/main.rs", text: text!("http-rust/src/main.rs") },
    File { path: "Cargo.toml", text: text!("http-rust/Cargo.toml") },
    File { path: "Cargo.lock", text: text!("http-rust/Cargo.lock") },
    File { path: "README.md", text: text!("http-rust/README.md") },
    File { path: ".gitignore", text: text!("http-rust/gitignore") },
];

const JAVASCRIPT: &[File] = &[
    File { path: "casemate.toml", text: text!("http-js/casemate.toml") },
    File { path: "src/function.js", text: text!("http-js/src/function.js") },
    File { path: "package.json", text: text!("http-js/package.json") },
    File { path: "package-lock.json", text: text!("http-js/package-lock.json") },
    File { path: "README.md", text: text!("http-js/README.md") },
    File { path: ".gitignore", text: text!("http-js/gitignore") },
];

const PYTHON: &[File] = &[
    File { path: "casemate.toml", text: text!("http-python/casemate.toml") },
    File { path: "app.py", text: text!("http-python/app.py") },
    File { path: "build.sh", text: text!("http-python/build.sh") },
    File { path: "requirements.txt", text: text!("http-python/requirements.txt") },
    File { path: "README.md", text: text!("http-python/README.md") },
    File { path: ".gitignore", text: text!("http-python/gitignore") },
];

const SPA: &[File] = &[
    File { path: "casemate.toml", text: text!("spa/casemate.toml") },
    File { path: "public/index.html", text: text!("spa/public/index.html") },
    File { path: "public/app.js", text: text!("spa/public/app.js") },
    File { path: "public/style.css", text: text!("spa/public/style.css") },
    File { path: "README.md", text: text!("spa/README.md") },
    File { path: ".gitignore", text: text!("spa/gitignore") },
];

impl Template {
    /// What the template is called on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HttpRust => "http-rust",
            Self::HttpJs => "http-js",
            Self::HttpPython => "http-python",
            Self::Spa => "spa",
            Self::LambdaPython => "lambda-python",
            Self::LambdaNode => "lambda-node",
            Self::LambdaJava => "lambda-java",
            Self::LambdaGo => "lambda-go",
            Self::LambdaRust => "lambda-rust",
            Self::FunctionsFrameworkPython => "functions-framework-python",
            Self::FunctionsFrameworkNode => "functions-framework-node",
            Self::OpenwhiskPython => "openwhisk-python",
            Self::FnPython => "fn-python",
            Self::AzurePython => "azure-python",
            Self::WorkerJs => "worker-js",
            Self::Flask => "flask",
            Self::Express => "express",
            Self::Php => "php",
        }
    }

    /// The file that a newcomer changes first.
    pub(crate) const fn source(self) -> &'static str {
        match self {
            Self::HttpRust | Self::LambdaRust => "src/main.rs",
            Self::HttpJs => "src/function.js",
            Self::HttpPython | Self::LambdaPython | Self::Flask => "app.py",
            Self::OpenwhiskPython => "__main__.py",
            Self::FnPython => "func.py",
            Self::AzurePython => "function_app.py",
            Self::Spa => "public/app.js",
            Self::LambdaNode => "index.mjs",
            Self::LambdaJava => "src/main/java/example/Handler.java",
            Self::LambdaGo => "main.go",
            Self::FunctionsFrameworkPython => "main.py",
            Self::FunctionsFrameworkNode => "index.js",
            Self::WorkerJs => "src/index.js",
            Self::Express => "server.js",
            Self::Php => "public/index.php",
        }
    }

    /// What the CI's machine does before it builds.
    const fn tools(self) -> &'static str {
        match self {
            Self::HttpRust => "rustup target add wasm32-wasip2",
            Self::HttpJs | Self::LambdaNode | Self::FunctionsFrameworkNode | Self::Express => {
                "node --version"
            }
            Self::HttpPython
            | Self::LambdaPython
            | Self::FunctionsFrameworkPython
            | Self::OpenwhiskPython
            | Self::FnPython
            | Self::AzurePython
            | Self::Flask => "python3 --version",
            Self::Spa => "true",
            Self::LambdaJava => "mvn --version",
            Self::LambdaGo => "go version",
            Self::LambdaRust => "cargo --version",
            Self::Php => "php --version",
            Self::WorkerJs => "npm install --global workerd",
        }
    }

    /// Names that this language's tools do not take although Casemate does.
    pub(crate) fn refuses(self, name: &str) -> bool {
        matches!(self, Self::HttpRust | Self::LambdaRust) && NO_CRATES.contains(&name)
    }

    /// Every file of a project of this name: path and text.
    pub(crate) fn files(
        self,
        name: &ApplicationName,
    ) -> impl Iterator<Item = (&'static str, String)> {
        let (own, wit): (&[File], &[File]) = match self {
            Self::HttpRust => (RUST, &[]),
            Self::HttpJs => (JAVASCRIPT, wit::WIT),
            Self::HttpPython => (PYTHON, wit::WIT),
            Self::Spa => (SPA, &[]),
            Self::LambdaPython => (native::LAMBDA_PYTHON, &[]),
            Self::LambdaNode => (native::LAMBDA_NODE, &[]),
            Self::LambdaJava => (native::LAMBDA_JAVA, &[]),
            Self::LambdaGo => (native::LAMBDA_GO, &[]),
            Self::LambdaRust => (native::LAMBDA_RUST, &[]),
            Self::FunctionsFrameworkPython => (native::FRAMEWORK_PYTHON, &[]),
            Self::FunctionsFrameworkNode => (native::FRAMEWORK_NODE, &[]),
            Self::OpenwhiskPython => (native::OPENWHISK_PYTHON, &[]),
            Self::FnPython => (native::FN_PYTHON, &[]),
            Self::AzurePython => (native::AZURE_PYTHON, &[]),
            Self::WorkerJs => (native::WORKER, &[]),
            Self::Flask => (native::FLASK, &[]),
            Self::Express => (native::EXPRESS, &[]),
            Self::Php => (native::PHP, &[]),
        };
        let name = name.to_string();
        own.iter().chain(COMMON).chain(wit).map(move |file| {
            let text = file.text.replace(NAME, &name).replace("TOOLS", self.tools());
            (file.path, if file.path == "Cargo.lock" { sorted(&text) } else { text })
        })
    }
}

/// A lock file with its packages in the order in which cargo writes them, so that the first build
/// leaves it as it is.
fn sorted(lock: &str) -> String {
    let mut blocks: Vec<&str> = lock.split("[[package]]\n").map(str::trim_end).collect();
    if let Some((_, packages)) = blocks.split_first_mut() {
        packages.sort_unstable();
    }
    blocks.join("\n\n[[package]]\n") + "\n"
}

/// Names that cargo or the compiler keep for themselves, as far as they are valid for us.
const NO_CRATES: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "tokio",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "wstd",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    fn name(text: &str) -> ApplicationName {
        ApplicationName::parse(text).expect(text)
    }

    #[test]
    fn every_template_is_complete_and_carries_the_projects_name_only() {
        for template in Template::value_variants() {
            let files: Vec<_> = template.files(&name("shop")).collect();
            for needed in [
                "casemate.toml",
                "README.md",
                ".gitignore",
                "ci.sh",
                ".github/workflows/ci.yml",
                template.source(),
            ] {
                assert!(files.iter().any(|(path, _)| *path == needed), "{template:?}: {needed}");
            }
            for (path, text) in &files {
                assert!(!text.contains(NAME) && !text.contains("TOOLS"), "{template:?}: {path}");
            }
            let manifest = &files.iter().find(|(path, _)| *path == "casemate.toml").expect("one").1;
            assert!(manifest.contains("application = \"shop\""), "{manifest}");
            assert_eq!(template.to_possible_value().expect("a value").get_name(), template.name());
        }
    }

    #[test]
    fn a_lock_file_is_in_cargos_order_whatever_the_project_is_called() {
        let lock = |text: &str| {
            let (_, lock) = Template::HttpRust
                .files(&name(text))
                .find(|(path, _)| *path == "Cargo.lock")
                .expect("a lock file");
            lock
        };
        assert!(lock(NAME) == text!("http-rust/Cargo.lock"), "committed as cargo writes it");
        let (first, last) = (lock("aaa"), lock("zzz"));
        assert!(first.find("\"aaa\"") < first.find("\"anyhow\""), "{first}");
        assert!(last.find("\"zzz\"") > last.find("\"wstd\""), "{last}");
        assert_eq!(first.len(), last.len());
    }
}
