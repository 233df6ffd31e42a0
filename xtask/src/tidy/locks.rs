//! Where dependencies come from: the public registries, and nowhere else.

use super::tree::{File, Tree};
use super::{Finding, finding};

/// The only source of a crate.
const CRATES: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";
/// The only source of a JavaScript package.
const PACKAGES: &str = "\"https://registry.npmjs.org/";
/// Words that name another registry in a configuration file, and the files that may hold them.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("config.toml", &["[source", "[registries", "[registry"]),
    ("requirements.txt", &["--index-url", "--extra-index-url", "-i ", "--find-links"]),
    (".npmrc", &["registry"]),
    ("pip.conf", &["index-url"]),
];

/// Looks at lock files and at the configuration of package managers.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == name).map(|(_, words)| *words);
    let foreign = |line: &str| {
        let value = |key: &str| line.trim_start().strip_prefix(key).map(str::trim_start);
        match name {
            "Cargo.lock" => value("source = ").is_some_and(|source| source != CRATES),
            "package-lock.json" => {
                value("\"resolved\":").is_some_and(|source| !source.starts_with(PACKAGES))
            }
            _ => elsewhere.is_some_and(|words| words.iter().any(|word| line.starts_with(word))),
        }
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| foreign(line));
    let what = "a dependency comes from a public registry, by its usual name";
    lines.map(|(at, _)| finding(&file.path, at + 1, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_registries_are_named() {
        let good = format!("source = {CRATES}\n");
        let bad = "source = \"git+https://example.com/a\"\n";
        let js = "  \"resolved\": \"https://example.com/a.tgz\",\n";
        let index = "--index-url https://example.com\n";
        let tree = Tree::of(&[
            ("Cargo.lock", &good),
            ("examples/Cargo.lock", bad),
            ("a/package-lock.json", js),
            ("a/requirements.txt", index),
        ]);
        assert_eq!(check(&tree).len(), 3);
    }
}
