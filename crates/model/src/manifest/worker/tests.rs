//! What a Worker may say of itself.

use super::*;
use proptest::prelude::*;

fn worker(lines: &str) -> WorkerSpec {
    let text = format!("{{\"compatibility_date\":\"2026-01-01\"{lines}}}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(worker: &WorkerSpec) -> Result<(), (Code, String)> {
    let plain = |name: &str| match name {
        "LIMITS" => Some(r#"{"a":[1]}"#),
        "TEXT" => Some("hunter2 {"),
        _ => None,
    };
    worker.check(plain).map_err(|wrong| (wrong.code, format!("{}: {}", wrong.key, wrong.why)))
}

#[test]
fn experimental_flags_are_refused_by_name() {
    assert!(EXPERIMENTAL.is_sorted(), "they are looked up by halves");
    for flag in EXPERIMENTAL {
        let refused =
            check(&worker(&format!(r#","compatibility_flags":["nodejs_compat","{flag}"]"#)));
        let (code, why) = refused.expect_err(flag);
        assert!(code == Code::WorkerFlag && why.contains(&format!("`{flag}`")), "{why}");
    }
    let good = r#","compatibility_flags":["nodejs_compat","streams_enable_constructors"]"#;
    assert_eq!(check(&worker(good)), Ok(()));
    let python = check(&worker(r#","compatibility_flags":["python_workers"]"#));
    assert_eq!(python.expect_err("refused").0, Code::WorkerFlag);
    for bad in ["", "a b", "a\\\"b", "Experimental", "\\n"] {
        let refused = check(&worker(&format!(r#","compatibility_flags":["{bad}"]"#)));
        assert_eq!(refused.expect_err(bad).0, Code::ManifestValue);
    }
}

#[test]
fn days_are_days_that_the_runtime_knows() {
    let on = |date: &str| WorkerSpec { compatibility_date: date.to_owned(), ..worker("") };
    for bad in ["", "x", "2026-13-01", "2026-02-30", "2026-1-1", "2026-01-01T00:00", "२०२६-०१-०१"]
    {
        assert_eq!(check(&on(bad)).expect_err(bad).0, Code::WorkerDate);
    }
    assert_eq!(check(&on("2024-02-29")), Ok(()));
    let version = Some("2026-11-17");
    for good in ["2026-11-17", "2026-11-24", "2021-01-01"] {
        on(good).check_date(version).expect(good);
    }
    for (bad, version) in [("2026-11-25", "2026-11-17"), ("2027-01-01", "2026-12-24")] {
        let refused = on(bad).check_date(Some(version)).expect_err(bad);
        assert_eq!(refused.code, Code::WorkerDate, "{refused}");
    }
    on("2999-01-01").check_date(None).expect("nothing is known");
    on("2999-01-01").check_date(Some("1.0")).expect("nothing is known");
    assert_eq!((day("1970-01-01"), day("2000-03-01")), (Some(0), Some(11_017)));
}

#[test]
fn bindings_have_names_of_their_own_and_json_is_json() {
    assert_eq!(check(&worker(r#","kv":{"CARTS":"carts"},"services":{"MAIL":"mail"}"#)), Ok(()));
    assert_eq!(check(&worker(r#","json":["LIMITS"],"main":"src/a.mjs""#)), Ok(()));
    for bad in [
        r#","kv":{"A":"carts"},"services":{"A":"mail"}"#,
        r#","kv":{"a b":"carts"}"#,
        r#","kv":{"1":"carts"}"#,
        r#","services":{"a\nb":"mail"}"#,
        r#","services":{"":"mail"}"#,
        r#","json":["MISSING"]"#,
        r#","json":["TEXT"]"#,
        r#","main":"../a.js""#,
        r#","main":"/a.js""#,
        r#","main":"a\"\n.js""#,
        r#","main":"casemate-worker.mjs""#,
    ] {
        let (code, why) = check(&worker(bad)).expect_err(bad);
        assert!(code == Code::ManifestValue && !why.contains("hunter2"), "{why}");
    }
}

#[test]
fn modules_are_files_of_known_forms() {
    let spec = worker(r#","main":"src/index.js""#);
    let of = |paths: &[&'static str]| {
        let found = modules(&spec, paths.iter().copied());
        found.map(|found| found.into_iter().map(|it| (it.name, it.form)).collect::<Vec<_>>())
    };
    let found = of(&[
        "README.md",
        "a.wasm",
        "b.bin",
        "node_modules/x/index.js",
        ".git/x.js",
        "package.json",
        "src/d.json",
        "src/index.js",
        "src/note.txt",
        "src/old.cjs",
    ]);
    let expected = [
        ("a.wasm", Form::Wasm),
        ("b.bin", Form::Data),
        ("src/d.json", Form::Json),
        ("src/index.js", Form::Module),
        ("src/note.txt", Form::Text),
        ("src/old.cjs", Form::CommonJs),
    ];
    assert_eq!(found.expect("modules"), expected);
    let missing = of(&["index.js", "b.js"]).expect_err("no main");
    assert_eq!(missing.code, Code::WorkerMain);
    assert!(missing.to_string().contains("`index.js`"), "{missing}");
    assert_eq!(of(&["src/index.js", "a\"b.js"]).expect_err("quotes").code, Code::WorkerModule);
    assert_eq!(of(&["src/index.js", "a\nb.txt"]).expect_err("lines").code, Code::WorkerModule);
    assert_eq!(of(&["src/index.js", ENTRY]).expect_err("ours").code, Code::WorkerModule);
    let text = WorkerSpec { main: Some("a.txt".to_owned()), ..worker("") };
    assert_eq!(modules(&text, ["a.txt"]).expect_err("text").code, Code::WorkerMain);
    let many: Vec<String> = (0..=MODULES_MAX).map(|number| format!("{number}.js")).collect();
    let refused = modules(&worker(""), many.iter().map(String::as_str));
    assert_eq!(refused.expect_err("too many").code, Code::WorkerModule);
}

proptest! {
    #[test]
    fn a_name_that_is_taken_says_itself_in_an_import(name in "\\PC{1,40}|[a-z/.\"'\\\\\n%]{1,12}") {
        if modules::name(&name).is_ok() {
            prop_assert!(!name.contains(['"', '\'', '\\', '\n', '`', '?', '#', '%', ':']));
            prop_assert!(!name.split('/').any(|part| part == ".." || part.is_empty()));
        }
    }
}
