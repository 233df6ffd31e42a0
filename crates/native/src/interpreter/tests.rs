//! Interpreters of a made-up machine, and of this one.

use super::*;
use crate::jail::Bind;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// A machine with these programs, and directories for the paths that end with a slash.
fn machine(programs: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for path in programs {
        let file = root.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&file).expect("made");
            continue;
        }
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        fs::write(&file, "program").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    }
    root
}

fn table(root: &Path, configured: &[(&str, Configured)], said: &[(&str, &str)]) -> Table {
    let configured: BTreeMap<_, _> =
        configured.iter().map(|(name, one)| ((*name).to_owned(), one.clone())).collect();
    let asked = candidates(root, &configured).into_iter().map(|candidate| {
        let answer = candidate.question().and_then(|_| {
            let is = |(path, _): &&(&str, &str)| candidate.path.ends_with(path);
            said.iter().find(is).map(|(_, said)| (*said).to_owned())
        });
        (candidate, answer)
    });
    Table::of(asked.collect())
}

fn names(table: &Table) -> Vec<String> {
    let line = |one: &Interpreter| format!("{} {}", one.name, one.aliases.join(" "));
    table.all().iter().map(|one| line(one).trim_end().to_owned()).collect()
}

#[test]
fn what_lies_where_interpreters_lie_is_found_with_its_names() {
    let root = machine(&[
        "usr/bin/python3.9",
        "usr/bin/python3.11",
        "usr/bin/python3.11-config",
        "usr/bin/python3",
        "usr/bin/perl",
        "usr/bin/node",
        "usr/bin/php8.2",
        "usr/lib/jvm/java-17-openjdk-amd64/bin/java",
        "usr/lib/dotnet/dotnet",
        "usr/lib/dotnet/shared/Microsoft.NETCore.App/8.0.4/",
        "usr/lib/dotnet/shared/Microsoft.NETCore.App/8.0.17/",
        "usr/local/bin/workerd",
        "home/user/bin/python3.14",
    ]);
    let jvm = root.path().join("usr/lib/jvm");
    fs::write(jvm.join("java-17-openjdk-amd64/release"), "X=1\nJAVA_VERSION=\"17.0.15\"\n")
        .expect("written");
    symlink("java-17-openjdk-amd64", jvm.join("default")).expect("a link");
    let said = [
        ("node", "v20.20.2\n"),
        ("python3.11", "Python 3.11.2"),
        ("workerd", "workerd 2026-11-17\n"),
    ];
    let table = table(root.path(), &[], &said);
    assert_eq!(
        names(&table),
        [
            "python3.11 python3 python",
            "python3.9",
            "node20 nodejs20.x node nodejs",
            "java17 java",
            "php8.2 php",
            "dotnet8 dotnet",
            "workerd",
        ]
    );
    assert_eq!(table.find("python").expect("there").version.as_deref(), Some("3.11.2"));
    assert_eq!(table.find("dotnet8").expect("there").version.as_deref(), Some("8.0.17"));
    assert_eq!(table.find("java").expect("there").version.as_deref(), Some("17.0.15"));
    assert_eq!(table.find("workerd").expect("there").version.as_deref(), Some("2026-11-17"));
}

#[test]
fn what_is_missing_is_named_with_what_to_install_and_what_is_there() {
    let root = machine(&["usr/bin/python3.11"]);
    let problem = table(root.path(), &[], &[]).find("nodejs22.x").expect_err("there is none");
    assert_eq!(problem.code, Code::InterpreterMissing);
    let detail = problem.detail.expect("a detail");
    assert_eq!(detail, "there is no `nodejs22.x` on this machine; there are `python3.11`");
    let hint = problem.hint.expect("a hint");
    assert!(hint.starts_with("`apt-get install nodejs`"), "{hint}");
    let empty = machine(&["usr/bin/"]);
    let problem = table(empty.path(), &[], &[]).find("python3").expect_err("there is none");
    assert!(problem.detail.is_some_and(|detail| detail.ends_with("there is none")));
}

#[test]
fn the_operator_adds_and_overrides_and_what_cannot_be_trusted_is_not_used() {
    let root = machine(&["usr/bin/python3.11", "opt/py/bin/python3.11", "opt/open", "opt/perl"]);
    let at = |path: &str| Some(root.path().join(path));
    fs::set_permissions(root.path().join("opt/open"), fs::Permissions::from_mode(0o777))
        .expect("set");
    let more = vec![root.path().join("opt")];
    let table = table(
        root.path(),
        &[
            ("node22", Configured { executable: at("opt/open"), also: vec![] }),
            ("perl", Configured { executable: at("opt/perl"), also: more.clone() }),
            ("python3.11", Configured { executable: at("opt/py/bin/python3.11"), also: vec![] }),
            ("ruby", Configured { executable: at("opt/nothing"), also: vec![] }),
        ],
        &[],
    );
    let python = table.find("python3.11").expect("there");
    assert!(python.path.ends_with("opt/py/bin/python3.11"), "{python:?}");
    assert_eq!(table.find("perl").expect("there").also, more);
    for unfit in ["node22", "ruby"] {
        let code = table.find(unfit).expect_err(unfit).code;
        assert_eq!(code, Code::InterpreterUnusable);
    }
    let rows = table.rows("2026-01-01");
    let warned: Vec<_> =
        rows.iter().filter(|row| row.warning.is_some()).map(|row| row.name.as_str()).collect();
    assert_eq!(warned, ["node22", "ruby"]);

    let also = Configured { executable: None, also: more.clone() };
    let with_more = with_also(root.path(), also);
    assert_eq!(with_more.find("python3.11").expect("there").also, more);
}

fn with_also(root: &Path, also: Configured) -> Table {
    table(root, &[("python3", also)], &[])
}

#[test]
fn rows_say_what_nobody_mends_any_more() {
    let root = machine(&["usr/bin/python3.9", "usr/bin/python3.99"]);
    let rows = table(root.path(), &[], &[("python3.9", "Python 3.9.2")]).rows("2025-11-01");
    assert_eq!(rows[0].name, "python3.99");
    assert_eq!((rows[0].end_of_life.as_deref(), rows[0].warning.as_deref()), (None, None));
    let row = &rows[1];
    assert_eq!(row.end_of_life.as_deref(), Some("2025-10-31"));
    assert_eq!(row.newest.as_deref(), Some("3.9.25"));
    assert!(row.warning.as_ref().is_some_and(|warning| warning.contains("2025-10-31")));
    let before = table(root.path(), &[], &[("python3.9", "Python 3.9.2")]).rows("2025-10-31");
    assert_eq!(before[1].warning, None, "the last day is still good");
}

#[test]
fn a_jail_sees_the_interpreter_and_its_libraries_and_nothing_that_is_secret() {
    let table = Table::of(
        candidates(Path::new("/"), &BTreeMap::new()).into_iter().map(|one| (one, None)).collect(),
    );
    let python = table.find("python3").expect("this machine has python3: apt-get install python3");
    let needs = python.needs();
    let sees = |path: &Path| {
        let path = path.canonicalize().unwrap_or(path.to_owned());
        needs
            .binds
            .iter()
            .any(|bind| path.starts_with(bind.source.canonicalize().expect("it is there")))
    };
    let line = python.kind.line(python.version.as_deref().expect("by its name"));
    let home = python.path.parent().and_then(Path::parent).expect("a home");
    for path in [python.path.clone(), home.join(format!("lib/python{line}/os.py"))] {
        assert!(sees(&path), "{} is not in {needs:?}", path.display());
    }
    for path in ["/etc/shadow", "/etc/passwd", "/etc/ssl/private", "/root", "/home", "/var", "/run"]
    {
        assert!(!sees(Path::new(path)), "{path} is in {needs:?}");
    }
    for (at, bind) in needs.binds.iter().enumerate() {
        assert!(bind.source.is_absolute() && bind.source == bind.target, "{bind:?}");
        let nested =
            |(other, known): (usize, &Bind)| other != at && bind.target.starts_with(&known.target);
        assert!(!needs.binds.iter().enumerate().any(nested), "{bind:?} lies in another");
    }
    let shell = shell();
    assert!(shell.binds.iter().any(|bind| bind.target == Path::new("/usr/bin/sh")));
    assert!(!needs.binds.iter().any(|bind| bind.target == Path::new("/usr/bin/sh")));
}
