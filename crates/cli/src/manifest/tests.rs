//! What is said about manifests that cannot be used.

use super::*;
use std::fs;

const HEAD: &str = "manifest = 1\napplication = \"shop\"\n";

fn plan(manifest: &str) -> (tempfile::TempDir, anyhow::Result<Plan>) {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("a.wasm"), b"\0asm component a").expect("a file");
    fs::create_dir(home.path().join("dist")).expect("a directory");
    fs::write(home.path().join("dist/b.wasm"), b"\0asm component b").expect("a file");
    fs::write(home.path().join(FILE_NAME), manifest).expect("a file");
    let plan = read(home.path(), &Bare::default());
    (home, plan)
}

/// Code and detail, with the temporary directory taken out.
fn refusal(manifest: &str) -> String {
    let (home, plan) = plan(manifest);
    let error = plan.expect_err(manifest);
    let problem = error.downcast_ref::<Problem>().expect("a coded problem");
    let hint = problem.hint.as_deref().map(|hint| format!(" | {hint}")).unwrap_or_default();
    let text = format!("{} {}{hint}", problem.code, problem.detail.as_deref().unwrap_or("-"));
    let directory = home.path().to_str().expect("UTF-8").to_owned();
    text.replace(&format!("{directory}/"), "").replace(&directory, "DIR")
}

fn below_head(rest: &str) -> String {
    refusal(&format!("{HEAD}{rest}"))
}

#[test]
fn unknown_keys_name_the_key_the_line_and_the_nearest_known_one() {
    let function = "[[function]]\nname = \"a\"\nsource = \"a.wasm\"\n";
    let check = |rest: &str| below_head(&format!("{function}{rest}"));
    assert_eq!(
        check("timout = \"3s\""),
        "E0103 casemate.toml:6: unknown key `timout` in [[function]]; did you mean `timeout`? \
         | in line 6 write `timeout` instead of `timout`"
    );
    assert_eq!(
        check("[[function.http]]\nrout = \"GET /\""),
        "E0103 casemate.toml:7: unknown key `rout` in [[function.http]]; did you mean `route`? \
         | in line 7 write `route` instead of `rout`"
    );
    assert_eq!(
        check("route = \"GET /\""),
        "E0103 casemate.toml:6: unknown key `route` in [[function]]; it belongs in [[function.http]] \
         | remove line 6"
    );
    assert_eq!(
        check("[function.allow]\nhtpp = []"),
        "E0103 casemate.toml:7: unknown key `htpp` in [function.allow]; did you mean `http`? \
         | in line 7 write `http` instead of `htpp`"
    );
    assert_eq!(
        check("allow = { udp = [] }"),
        "E0103 casemate.toml:6: unknown key `udp` in [function.allow]; known are blobs, http, invoke, keyvalue, publish, secret, tcp \
         | in line 6 write `allow = {  }` instead of `allow = { udp = [] }`"
    );
    assert_eq!(
        below_head("functions = []"),
        "E0103 casemate.toml:3: unknown key `functions` at the top; did you mean `function`? \
         | in line 3 write `function` instead of `functions`"
    );
    assert_eq!(
        check("zzz = 1\n[[function]]\nqqq = 2"),
        "E0103 casemate.toml:6: unknown key `zzz` in [[function]]; known are allow, async, build, cap, \
         concurrency, config, cpu, data, dialect, digest, environment, example, files, from, http, log, memory, name, native, on, queue_wait, record, \
         request_body, response_body, runtime, schedule, source, stores, stream_idle, timeout, wasi, webhook | remove line 6",
        "the first in the file is the one that is named"
    );
}

#[test]
fn wrong_values_name_the_line_and_what_was_expected() {
    let function = "[[function]]\nname = \"a\"\nsource = \"a.wasm\"\n";
    let check = |rest: &str| below_head(&format!("{function}{rest}"));
    for (rest, line, part) in [
        ("timeout = 3", 6, "`timeout`: invalid type: integer `3`, expected a string"),
        ("timeout = \"3 parsecs\"", 6, "`timeout`: `3 parsecs` is no duration"),
        ("memory = \"64\"", 6, "`memory`: `64` is no size"),
        ("concurrency = \"many\"", 6, "expected u32"),
        ("concurrency = -1", 6, "expected u32"),
        ("runtime = \"jvm\"", 6, "expected `wasm`"),
        ("http = \"GET /\"", 6, "expected a sequence"),
        ("[[function.http]]\nroute = \"/x\"", 7, "`route`: `/x` is no route"),
        (
            "[[function.http]]\nroute = \"GET /\"\nauth = \"me\"",
            8,
            "`me` is no way to say who asks",
        ),
        ("[[function.http]]\nroute = \"GET /\"\nauth = []", 8, "at least one way"),
        (
            "[[function.http]]\nroute = \"GET /\"\nrequire = { network = [\"10.0.0.1/8\"] }",
            8,
            "write `10.0.0.0/8`",
        ),
        ("[[function.http]]\nroute = \"GET /\"\nlimit = { rate = \"9\" }", 8, "`9` is no rate"),
        ("[function.allow]\nhttp = [1]", 7, "expected a string"),
        ("digest = \"sha256:00\"", 6, "not a digest"),
    ] {
        let said = check(rest);
        assert!(said.starts_with(&format!("E0104 casemate.toml:{line}: ")), "{rest}: {said}");
        assert!(said.contains(part), "{rest}: {said}");
    }
    assert!(below_head("[[function]]\nname = \"../x\"").contains("is no function name"));
    assert!(below_head("[[function]]\nname = \"admin\"").contains("is reserved"));
    assert!(refusal("application = \"a\"").contains("missing field `manifest`"));
}

#[test]
fn what_is_no_manifest_is_said_plainly() {
    assert!(refusal("= 1").starts_with("E0118 casemate.toml:1: "));
    assert!(refusal("manifest = 1\nmanifest = 2").starts_with("E0118 casemate.toml:2: "));
    let home = tempfile::tempdir().expect("a directory");
    let check = |path: &Path| {
        let error = read(path, &Bare::default()).expect_err("unusable");
        error.downcast_ref::<Problem>().expect("coded").code
    };
    assert_eq!(check(home.path()), Code::ManifestUnreadable);
    assert_eq!(check(&home.path().join("none.wasm")), Code::ManifestUnreadable);
    assert_eq!(check(&home.path().join("none.toml")), Code::ManifestUnreadable);
    fs::write(home.path().join("x.toml"), [0xff, 0xfe]).expect("a file");
    assert_eq!(check(&home.path().join("x.toml")), Code::ManifestUnreadable);
}

#[test]
fn sources_stay_inside_the_manifest_directory() {
    let check = |source: &str, more: &str| {
        below_head(&format!("[[function]]\nname = \"a\"\nsource = \"{source}\"\n{more}"))
    };
    assert_eq!(
        check("gone.wasm", "build = \"make gone\""),
        "E0104 casemate.toml:5: source = \"gone.wasm\": there is no such file | build it first: `casemate build casemate.toml`"
    );
    for outside in ["/etc/hostname", "../a.wasm", "dist/../../a.wasm"] {
        assert!(check(outside, "").contains("outside the manifest's directory"), "{outside}");
    }
    assert!(check("dist", "").contains("it is no file"));
    assert!(below_head("[[function]]\nname = \"a\"").contains("names no `source`"));
    let (_home, inside) =
        plan(&format!("{HEAD}[[function]]\nname = \"a\"\nsource = \"dist/../a.wasm\""));
    assert!(inside.is_ok(), "a detour that stays inside is allowed");
    let (home, _) = plan(HEAD);
    std::os::unix::fs::symlink("/etc/hostname", home.path().join("link.wasm")).expect("a link");
    fs::write(
        home.path().join(FILE_NAME),
        format!("{HEAD}[[function]]\nname = \"a\"\nsource = \"link.wasm\""),
    )
    .expect("a file");
    let error = read(home.path(), &Bare::default()).expect_err("a link that leads out");
    assert!(format!("{error}").contains("outside"), "{error}");
}

#[test]
fn each_file_is_digested_once_and_paths_stay_at_home() {
    let (_home, plan) = plan(&format!(
        "{HEAD}[[function]]\nname = \"a\"\nsource = \"a.wasm\"\n\
         [[function]]\nname = \"a2\"\nsource = \"a.wasm\"\n\
         [[function]]\nname = \"b\"\nsource = \"dist/b.wasm\""
    ));
    let plan = plan.expect("a good manifest");
    assert_eq!(plan.components.len(), 2);
    let functions = &plan.manifest.functions;
    assert_eq!(functions[0].digest, functions[1].digest);
    assert_ne!(functions[0].digest, functions[2].digest);
    assert!(functions.iter().all(|function| function.source.is_none()));
    let known = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"\0asm component a");
    assert_eq!(functions[0].digest.expect("filled in").0, known.as_ref());
}

#[test]
fn a_bare_component_gets_safe_defaults() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("My_App.wasm");
    fs::write(&file, b"\0asm").expect("a file");
    let plan = read(&file, &Bare::default()).expect("a component");
    let function = &plan.manifest.functions[0];
    assert_eq!(plan.manifest.application.as_str(), "my-app");
    assert_eq!(function.name.as_str(), "my-app");
    assert_eq!(function.http[0].route.to_string(), "* /my-app/{*rest}");
    assert_eq!(function.http[0].auth, model::manifest::Auth::Token);
    let routes = ["GET /x", "POST /y"].map(|route| route.parse().expect(route)).to_vec();
    let bare = Bare {
        name: Some("n".parse().expect("name")),
        routes,
        public: true,
        wasi: model::manifest::Wasi::V03,
        allow: vec!["https://a.example".parse().expect("a target")],
        keyvalue: vec!["default".parse().expect("a store"), "carts=read".parse().expect("one")],
        variables: Vec::new(),
    };
    let plan = read(&file, &bare).expect("a component");
    let function = &plan.manifest.functions[0];
    assert_eq!(function.wasi, model::manifest::Wasi::V03);
    assert_eq!(function.allow.http, ["* https://a.example/*"]);
    assert_eq!(function.allow.keyvalue["carts"].word(), "read");
    assert_eq!(function.name.as_str(), "n");
    assert_eq!(function.http.len(), 2);
    assert!(function.http.iter().all(|http| http.auth == model::manifest::Auth::Public));
}

#[test]
fn options_of_bare_components_do_not_go_with_a_manifest() {
    let (home, _) = plan(HEAD);
    let bare = Bare { public: true, ..Bare::default() };
    let error = read(home.path(), &bare).expect_err("both");
    assert!(error.to_string().contains("`--public` goes with a `.wasm` file"), "{error}");
}
