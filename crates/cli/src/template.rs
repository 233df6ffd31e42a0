//! What `casemate new` writes: the files of `templates/`, built into this binary.
//!
//! Invariant: `my-function` stands for the project's name, and nothing else is filled in but the
//! CI's tools, what READMEs share, and the names of files in what templates share.

mod native;
mod wit;

use model::ApplicationName;

/// The name that stands for the project's in every template.
const NAME: &str = "my-function";

/// What the CI's machine has by itself.
const PYTHON_THERE: &str = "python3 --version";
const NODE_THERE: &str = "node --version";

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
    /// A service of Google Cloud Run's in Python
    CloudRunPython,
    /// A function of Azure's in Python
    AzurePython,
    /// A function of Azure's in JavaScript
    AzureNode,
    /// An event function of Alibaba Cloud's in Python
    AlibabaPython,
    /// An action of Apache OpenWhisk's in Python
    OpenwhiskPython,
    /// An action of Apache OpenWhisk's in JavaScript
    OpenwhiskNode,
    /// A function of Fn Project's in Python
    FnPython,
    /// A function of Fn Project's in JavaScript
    FnNode,
    /// A function of Knative's in Python
    KnativePython,
    /// A function of OpenFaaS' in Python
    OpenfaasPython,
    /// A function of OpenFaaS' in JavaScript
    OpenfaasNode,
    /// A function of Kubeless' in Python
    KubelessPython,
    /// A function of Kubeless' in JavaScript
    KubelessNode,
    /// A function of IronFunctions' in Python
    IronfunctionsPython,
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

/// What is said of a template.
struct Kind {
    /// What it is called on the command line.
    name: &'static str,
    /// The file that a newcomer changes first.
    source: &'static str,
    /// What else a build that templates share copies beside that.
    beside: &'static str,
    /// What the CI's machine does before it builds.
    tools: &'static str,
    own: &'static [File],
    wit: &'static [File],
}

impl Kind {
    const fn new(
        name: &'static str,
        source: &'static str,
        tools: &'static str,
        own: &'static [File],
    ) -> Self {
        Self { name, source, beside: "", tools, own, wit: &[] }
    }

    const fn with(self, wit: &'static [File]) -> Self {
        Self { wit, ..self }
    }

    const fn and(self, beside: &'static str) -> Self {
        Self { beside, ..self }
    }
}

impl Template {
    const fn kind(self) -> Kind {
        match self {
            Self::HttpRust => {
                Kind::new("http-rust", "src/main.rs", "rustup target add wasm32-wasip2", RUST)
            }
            Self::HttpJs => {
                Kind::new("http-js", "src/function.js", NODE_THERE, JAVASCRIPT).with(wit::WIT)
            }
            Self::HttpPython => {
                Kind::new("http-python", "app.py", PYTHON_THERE, PYTHON).with(wit::WIT)
            }
            Self::Spa => Kind::new("spa", "public/app.js", "true", SPA),
            Self::LambdaPython => native::LAMBDA_PYTHON,
            Self::LambdaNode => native::LAMBDA_NODE,
            Self::LambdaJava => native::LAMBDA_JAVA,
            Self::LambdaGo => native::LAMBDA_GO,
            Self::LambdaRust => native::LAMBDA_RUST,
            Self::FunctionsFrameworkPython => native::FRAMEWORK_PYTHON,
            Self::FunctionsFrameworkNode => native::FRAMEWORK_NODE,
            Self::CloudRunPython => native::CLOUD_RUN_PYTHON,
            Self::AzurePython => native::AZURE_PYTHON,
            Self::AzureNode => native::AZURE_NODE,
            Self::AlibabaPython => native::ALIBABA_PYTHON,
            Self::OpenwhiskPython => native::OPENWHISK_PYTHON,
            Self::OpenwhiskNode => native::OPENWHISK_NODE,
            Self::FnPython => native::FN_PYTHON,
            Self::FnNode => native::FN_NODE,
            Self::KnativePython => native::KNATIVE_PYTHON,
            Self::OpenfaasPython => native::OPENFAAS_PYTHON,
            Self::OpenfaasNode => native::OPENFAAS_NODE,
            Self::KubelessPython => native::KUBELESS_PYTHON,
            Self::KubelessNode => native::KUBELESS_NODE,
            Self::IronfunctionsPython => native::IRONFUNCTIONS_PYTHON,
            Self::WorkerJs => native::WORKER,
            Self::Flask => native::FLASK,
            Self::Express => native::EXPRESS,
            Self::Php => native::PHP,
        }
    }

    /// What the template is called on the command line.
    pub(crate) const fn name(self) -> &'static str {
        self.kind().name
    }

    /// The file that a newcomer changes first.
    pub(crate) const fn source(self) -> &'static str {
        self.kind().source
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
        let Kind { source, beside, tools, own, wit, .. } = self.kind();
        let name = name.to_string();
        let copied = format!("{source} {beside}");
        own.iter().chain(COMMON).chain(wit).map(move |file| {
            let text = file.text.replace("<!-- use -->\n", native::USE);
            let text = text.replace("<source>", source).replace("<files>", copied.trim_end());
            let text = text.replace(NAME, &name).replace("TOOLS", tools);
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
                for mark in [NAME, "TOOLS", "<!-- use -->", "<source>", "<files>"] {
                    assert!(!text.contains(mark), "{template:?}: {path}: {mark}");
                }
            }
            let manifest = &files.iter().find(|(path, _)| *path == "casemate.toml").expect("one").1;
            assert!(manifest.contains("application = \"shop\""), "{manifest}");
            assert_eq!(template.to_possible_value().expect("a value").get_name(), template.name());
        }
    }

    #[test]
    fn what_people_read_lists_every_template() {
        for (page, text) in [
            ("README.md", include_str!("../../../README.md")),
            ("languages.md", include_str!("../../../docs/guides/languages.md")),
        ] {
            let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let words: Vec<&str> = text.split(|c| !of_name(c)).collect();
            for template in Template::value_variants() {
                assert!(words.contains(&template.name()), "{page}: {}", template.name());
            }
        }
    }

    #[test]
    fn what_templates_share_names_their_files() {
        let build = |template: Template| {
            let shop = name("shop");
            let mut files = template.files(&shop);
            files.find(|(path, _)| *path == "build.sh").expect("a build").1
        };
        assert!(build(Template::AzurePython).ends_with("\ncp function_app.py host.json dist/\n"));
        assert!(build(Template::Express).ends_with("\ncp package.json server.js dist/\n"));
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
