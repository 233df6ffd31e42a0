//! Directories of files, from `casemate deploy` to the browser.

mod attacks;
mod crossing;
mod domains;
mod lifetime;
mod serving;

use crate::rig::{Node, Reply, raw};
use std::path::Path;

/// A small single-page application.
pub(crate) const MANIFEST: &str = r#"
manifest = 1
application = "shop"

[[function]]
name = "api"
source = "api.wasm"
http = [{ route = "* /api/{*rest}", auth = "public" }]

[[assets]]
name = "site"
directory = "public"
fallback = "index.html"
not_found = "404.html"
auth = "public"
cache = [{ files = "assets/*", control = "public, max-age=31536000, immutable" }]
headers = [{ files = "*.html", set = { content-security-policy = "default-src 'self'" } }]
"#;

/// A directory with a manifest and files below `public`.
pub(crate) struct Application(pub(crate) tempfile::TempDir);

impl Application {
    pub(crate) fn new(manifest: &str, files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("casemate.toml"), manifest).expect("written");
        let component = crate::rig::example("hello");
        std::fs::copy(component, dir.path().join("api.wasm")).expect("copied");
        let application = Self(dir);
        files.iter().for_each(|(path, bytes)| application.write(path, bytes));
        application
    }

    /// The application of [`MANIFEST`].
    pub(crate) fn shop() -> Self {
        Self::new(
            MANIFEST,
            &[
                ("index.html", b"<!doctype html><title>shop</title>"),
                ("404.html", b"<!doctype html><title>nothing</title>"),
                ("about.html", b"about"),
                ("blog/index.html", b"blog"),
                ("assets/app.js", &b"let answer = 42;\n".repeat(100)),
                ("assets/app.js.br", b"brotli, so to speak"),
                ("assets/app.js.gz", b"gzip, so to speak, and longer"),
                ("data.bin", &numbers(700_000)),
                (".env", b"SECRET=1"),
            ],
        )
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.path().join("public").join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("written");
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("text")
    }

    pub(crate) fn public(&self) -> std::path::PathBuf {
        self.0.path().join("public")
    }

    pub(crate) fn deploy(&self, node: &Node) {
        node.ok(&["deploy", "--grant", self.path()]);
    }
}

/// Bytes of which no two places look alike.
pub(crate) fn numbers(bytes: usize) -> Vec<u8> {
    (0u32..).flat_map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()).take(bytes).collect()
}

/// Sends a request with these header lines.
pub(crate) fn ask(node: &Node, method: &str, path: &str, lines: &[&str]) -> Reply {
    let host =
        if lines.iter().any(|line| line.starts_with("host:")) { "" } else { "host: localhost\r\n" };
    let more: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    raw(
        node.gateway,
        format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{more}\r\n").as_bytes(),
    )
}

/// Every stored artifact of a home.
pub(crate) fn artifacts(home: &Path) -> Vec<std::path::PathBuf> {
    let directories = std::fs::read_dir(home.join("artifacts/sha256")).expect("a directory");
    directories
        .flatten()
        .flat_map(|dir| std::fs::read_dir(dir.path()).expect("a directory").flatten())
        .map(|entry| entry.path())
        .collect()
}
