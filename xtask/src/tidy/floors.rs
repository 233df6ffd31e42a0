//! The floors of the house and its arrows, as `docs/ARCHITECTURE.md` draws them.
//!
//! Invariant: a crate depends only on what lies strictly below it; rooms of one floor do not know
//! each other; some rooms see even less, and the table here says which.

use super::tree::{Tree, line_where};
use super::{Finding, finding};
use toml::{Table, Value};

/// One crate of the house.
struct Room {
    /// Its directory below `crates/`.
    name: &'static str,
    /// Its floor.
    floor: u8,
    /// The only rooms that it may see, where that is less than all below it.
    sees: Option<&'static [&'static str]>,
}

const fn room(name: &'static str, floor: u8) -> Room {
    Room { name, floor, sees: None }
}

const fn narrow(name: &'static str, floor: u8, sees: &'static [&'static str]) -> Room {
    Room { name, floor, sees: Some(sees) }
}

/// The house, from its cellar to its roof.
const HOUSE: &[Room] = &[
    room("model", 0),
    room("ports", 1),
    narrow("render", 1, &["model"]),
    narrow("archive", 1, &["model"]),
    room("identity", 2),
    room("policy", 2),
    narrow("protect", 2, &["model"]),
    room("audit", 2),
    room("wasm", 2),
    room("process", 2),
    room("keys", 2),
    room("store-sqlite", 2),
    room("tls", 2),
    room("egress", 2),
    room("seam", 2),
    narrow("sources", 2, &["model", "ports"]),
    room("native", 2),
    narrow("engine", 3, &["model", "ports", "render", "identity", "policy", "protect", "audit"]),
    narrow("gateway", 4, &["model", "engine"]),
    narrow("control", 4, &["model", "engine"]),
    narrow("compat", 4, &["model", "engine", "archive"]),
    room("node", 5),
    narrow("cli", 6, &["node", "model", "audit", "protect", "archive"]),
];

/// The crates that only tests may use.
const TESTS_ONLY: &[Room] = &[narrow("testkit", 2, &["model", "ports"]), narrow("fuzzing", 0, &[])];
/// The crate that nobody may use.
const TOOLS: Room = narrow("xtask", 7, &["model"]);

/// Rooms that compute and do nothing else.
const PURE: &[&str] = &["model", "ports", "render", "identity", "policy", "protect", "audit"];
/// Crates that touch the world.
const WORLDLY: &[&str] = &[
    "axum",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "landlock",
    "libc",
    "rusqlite",
    "rustix",
    "seccompiler",
    "tar",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "ureq",
];

/// One dependency as a manifest says it.
struct Dependency {
    name: String,
    line: usize,
    shared: bool,
    for_tests: bool,
}

/// Holds every manifest against the table.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let manifests = tree.ending("toml").filter_map(|file| Some((room_of(&file.path)?, file)));
    let mut seen = Vec::new();
    for (name, file) in manifests {
        seen.push(name);
        match file.text.parse::<Table>() {
            Ok(table) => findings.extend(check_manifest(&file.path, &file.text, &table, name)),
            Err(error) => findings.push(finding(&file.path, 1, format!("no manifest: {error}"))),
        }
    }
    for room in HOUSE.iter().filter(|room| !seen.contains(&room.name)) {
        let what = format!("the table of floors names `{}`, and there is no such crate", room.name);
        findings.push(finding("xtask/src/tidy/floors.rs", 1, what));
    }
    findings
}

/// The room that a manifest belongs to.
fn room_of(path: &str) -> Option<&str> {
    if path == "xtask/Cargo.toml" {
        return Some("xtask");
    }
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

fn find(name: &str) -> Option<&'static Room> {
    TESTS_ONLY.iter().chain([&TOOLS]).chain(HOUSE).find(|room| room.name == name)
}

fn check_manifest(path: &str, text: &str, table: &Table, name: &str) -> Vec<Finding> {
    let Some(own) = find(name) else {
        let what = "no floor is known for this crate: a new one needs a decision record and a line \
                    in xtask/src/tidy/floors.rs";
        return vec![finding(path, 1, what)];
    };
    let mut findings = check_package(path, text, table, name);
    for dependency in dependencies(table, text) {
        let at = |what: String| finding(path, dependency.line, what);
        if !dependency.shared {
            let what = "takes its version from here, not from the workspace";
            findings.push(at(format!("`{}` {what}", dependency.name)));
        }
        let why = match find(&dependency.name) {
            Some(other) if !dependency.for_tests => arrow(own, other),
            None if !dependency.for_tests => worldly(own, &dependency.name),
            _ => None,
        };
        findings.extend(why.map(at));
    }
    findings
}

/// Why `own` may not depend on `other`, if it may not.
fn arrow(own: &Room, other: &Room) -> Option<String> {
    if TESTS_ONLY.iter().any(|room| room.name == other.name) {
        return Some(format!("`{}` is for tests only: name it in [dev-dependencies]", other.name));
    }
    if other.floor >= own.floor {
        return Some(format!(
            "`{}` is on floor {}, `{}` on floor {}: arrows only point down",
            own.name, own.floor, other.name, other.floor
        ));
    }
    let sees = own.sees?;
    let hidden = !sees.contains(&other.name);
    hidden.then(|| format!("`{}` sees {} only, not `{}`", own.name, sees.join(", "), other.name))
}

fn worldly(own: &Room, dependency: &str) -> Option<String> {
    let wrong = PURE.contains(&own.name) && WORLDLY.contains(&dependency);
    wrong.then(|| format!("`{}` only computes, and `{dependency}` touches the world", own.name))
}

fn dependencies(table: &Table, text: &str) -> Vec<Dependency> {
    let mut all = Vec::new();
    let targets = table.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    for section in [table].into_iter().chain(targets) {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(list) = section.get(kind).and_then(Value::as_table) else { continue };
            all.extend(list.iter().map(|(name, value)| Dependency {
                name: name.clone(),
                line: line_where(text, |line| names(line, name)),
                shared: value.get("workspace").and_then(Value::as_bool) == Some(true),
                for_tests: kind == "dev-dependencies",
            }));
        }
    }
    all
}

/// Whether a line of a manifest begins with `key`.
fn names(line: &str, key: &str) -> bool {
    let rest = line.strip_prefix(key);
    rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
}

/// What every package says alike.
fn check_package(path: &str, text: &str, table: &Table, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let package = table.get("package").and_then(Value::as_table);
    let called = package.and_then(|package| package.get("name")).and_then(Value::as_str);
    let expect = match name {
        "xtask" => "xtask".to_owned(),
        "cli" => "casemate".to_owned(),
        other => format!("casemate-{other}"),
    };
    if called != Some(expect.as_str()) {
        let line = line_where(text, |line| names(line, "name"));
        findings.push(finding(path, line, format!("this package is called `{expect}`")));
    }
    let shares = |section: Option<&Value>, key: &str| {
        let value = section.and_then(|section| section.get(key));
        value.and_then(Value::as_bool) == Some(true)
    };
    for key in ["version", "edition", "rust-version", "license"] {
        if !shares(package.and_then(|package| package.get(key)), "workspace") {
            findings.push(finding(path, 1, format!("write `{key}.workspace = true`")));
        }
    }
    if !shares(table.get("lints"), "workspace") {
        findings.push(finding(path, 1, "write `[lints]` and `workspace = true`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "version.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n";

    /// What is found in the manifest of `name` when it has these further lines.
    fn found(name: &str, lines: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"casemate-{name}\"\n{PACKAGE}{lines}");
        let path = format!("crates/{name}/Cargo.toml");
        let findings = check_manifest(&path, &text, &text.parse().expect("toml"), name);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_point_down() {
        assert!(found("wasm", "[dependencies]\nmodel.workspace = true\n").is_empty());
        assert!(found("engine", "[dependencies]\naudit.workspace = true\n").is_empty());
        let up = found("ports", "[dependencies]\nengine.workspace = true\n");
        assert_eq!(
            up,
            [
                "crates/ports/Cargo.toml:10: `ports` is on floor 1, `engine` on floor 3: arrows only \
             point down"
            ]
        );
    }

    #[test]
    fn rooms_of_one_floor_do_not_know_each_other() {
        let wall = found("wasm", "[dependencies]\nkeys = { workspace = true }\n");
        assert!(wall[0].contains("on floor 2"), "{wall:?}");
    }

    #[test]
    fn doors_see_the_model_and_the_engine() {
        let past = found("gateway", "[dependencies]\nports.workspace = true\n");
        assert!(past[0].contains("`gateway` sees model, engine only, not `ports`"), "{past:?}");
    }

    #[test]
    fn what_only_tests_use_is_free_and_what_tests_are_made_of_is_for_tests() {
        assert!(found("wasm", "[dev-dependencies]\ntestkit.workspace = true\n").is_empty());
        let wrong = found("node", "[dependencies]\ntestkit.workspace = true\n");
        assert!(wrong[0].contains("for tests only"), "{wrong:?}");
    }

    #[test]
    fn organs_do_not_touch_the_world() {
        let wrong = found("policy", "[dependencies]\ntokio.workspace = true\n");
        assert!(wrong[0].contains("touches the world"), "{wrong:?}");
        let behind = "[target.'cfg(unix)'.dependencies]\nlibc.workspace = true\n";
        assert_eq!(found("audit", behind).len(), 1);
    }

    #[test]
    fn versions_names_and_lints_are_the_workspaces() {
        let own = found("wasm", "[dependencies]\nbytes = \"1\"\n");
        assert!(own[0].contains("not from the workspace"), "{own:?}");
        let bare = check_manifest("crates/wasm/Cargo.toml", "", &Table::new(), "wasm");
        assert_eq!(bare.len(), 6);
        let unknown = check_manifest("crates/attic/Cargo.toml", "", &Table::new(), "attic");
        assert!(unknown[0].what.contains("decision record"));
    }
}
