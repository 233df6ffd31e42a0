//! What becomes of the directories and zip files that native functions name.

use crate::manifest::{Plan, read_only};
use model::listing::Listing;
use model::{Code, Problem};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

fn place(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, text).expect("written");
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        }
    }
    home
}

/// A zip of files that are not packed, all of this mode.
fn zip(path: &Path, files: &[(&str, &str)], mode: u32) {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = out.len() as u32;
        let size = text.len() as u32;
        let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        head.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
        head.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        out.write_all(&[b"PK\x03\x04", head.as_slice(), name.as_bytes(), text.as_bytes()].concat())
            .expect("written");
        directory.extend([b"PK\x01\x02\x14\x03", head.as_slice(), &[0; 6]].concat());
        directory.extend([(mode << 16).to_le_bytes(), offset.to_le_bytes()].concat());
        directory.extend(name.as_bytes());
    }
    let count = (files.len() as u16).to_le_bytes();
    let (at, size) = ((out.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    out.extend([directory.as_slice(), b"PK\x05\x06\0\0\0\0", &count, &count].concat());
    out.extend([size.as_slice(), &at, &[0, 0]].concat());
    fs::write(path, out).expect("written");
}

fn plan(home: &Path, function: &str, native: &str) -> Result<Plan, Problem> {
    let text = format!(
        "manifest = 1\napplication = \"shop\"\n\n[[function]]\nname = \"f\"\nruntime = \"native\"\n\
         {function}\n\n[function.native]\ncontract = \"lambda\"\n{native}\n"
    );
    let file = home.join("casemate.toml");
    fs::write(&file, text).expect("written");
    read_only(&file, None)
}

fn listings(plan: &Plan) -> Vec<Listing> {
    let read = |directory: &crate::manifest::Directory| {
        let mut bytes = Vec::new();
        directory.list.open().expect("kept").read_to_end(&mut bytes).expect("read");
        Listing::parse(&bytes).expect("a list")
    };
    plan.directories.iter().map(read).collect()
}

fn files(list: &Listing) -> Vec<(&str, bool)> {
    list.files.iter().map(|file| (file.path.as_str(), file.executable)).collect()
}

/// All bytes that would be sent.
fn sent(plan: &Plan) -> String {
    let mut all = Vec::new();
    for source in plan.directories.iter().flat_map(|directory| &directory.files) {
        source
            .each(|_, bytes| {
                all.extend(bytes);
                Ok(())
            })
            .expect("as it was");
    }
    String::from_utf8(all).expect("text")
}

#[test]
fn a_directory_is_a_package_with_its_programs_and_without_what_none_needs() {
    let home = place(&[
        ("app/app.py", "code"),
        ("app/bin/run", "#!/bin/sh"),
        ("app/node_modules/.bin/tool", "#!/bin/sh"),
        ("app/.git/config", "x"),
        ("app/.env", "SECRET=1"),
        ("app/.env.local", "SECRET=1"),
        ("app/__pycache__/fresh.pyc", "\x01\x02\x03\x04\x01\0\0\0rest"),
        ("app/__pycache__/stale.pyc", "\x01\x02\x03\x04\0\0\0\0rest"),
    ]);
    symlink("app.py", home.path().join("app/same.py")).expect("a link");
    let plan = plan(home.path(), "source = \"app\"", "").expect("planned");
    let lists = listings(&plan);
    assert_eq!(
        files(&lists[0]),
        [
            ("__pycache__/fresh.pyc", false),
            ("app.py", false),
            ("bin/run", true),
            ("node_modules/.bin/tool", true),
            ("same.py", false),
        ]
    );
    assert_eq!(plan.directories[0].ignored, 4);
    assert_eq!(plan.manifest.functions[0].digest, Some(plan.directories[0].list.digest));
    assert_eq!(plan.manifest.functions[0].source, None);
    assert!(plan.components.is_empty() && !sent(&plan).contains("SECRET"));
}

#[test]
fn an_export_that_lies_in_a_package_is_no_part_of_it() {
    let home = place(&[("app/app.py", "code")]);
    let digest = || {
        let plan = plan(home.path(), "source = \"app\"", "").expect("planned");
        (plan.manifest.functions[0].digest, plan.directories[0].ignored)
    };
    let (before, _) = digest();
    for name in ["export-lambda", "sub/elsewhere"] {
        let export = home.path().join("app").join(name);
        fs::create_dir_all(&export).expect("a directory");
        fs::write(export.join(crate::export::LOST), "lost").expect("written");
        fs::write(export.join("app.zip"), "a copy").expect("written");
    }
    assert_eq!(digest(), (before, 2));
    // A directory of that name alone is the function's own.
    fs::create_dir(home.path().join("app/export-knative")).expect("a directory");
    fs::write(home.path().join("app/export-knative/data"), "own").expect("written");
    assert_ne!(digest().0, before);
}

#[test]
fn a_zip_is_the_same_package_as_its_directory() {
    let home = place(&[("app/a/b.txt", "one"), ("app/c", "two")]);
    zip(&home.path().join("app.zip"), &[("c", "two"), ("a/b.txt", "one")], 0o100_644);
    let digest = |source: &str| {
        let plan = plan(home.path(), &format!("source = \"{source}\""), "").expect(source);
        (plan.manifest.functions[0].digest, sent(&plan))
    };
    assert_eq!(digest("app"), digest("app.zip"));
    // Archives of Windows know no programs; their beginnings do.
    let programs = [("bootstrap", "#!/bin/sh"), ("go", "\x7fELF..."), ("text", "#")];
    zip(&home.path().join("app.zip"), &programs, 0);
    let plan = plan(home.path(), "source = \"app.zip\"", "").expect("planned");
    assert_eq!(files(&listings(&plan)[0]), [("bootstrap", true), ("go", true), ("text", false)]);
}

#[test]
fn layers_lie_over_each_other_in_their_order() {
    let home = place(&[("app/run", "x"), ("low/a", "low"), ("low/b", "low"), ("top/d", "top")]);
    zip(&home.path().join("mid.zip"), &[("b", "mid"), ("c", "mid")], 0o100_755);
    let layers = "layers = [\"low\", \"mid.zip\", \"top\"]";
    let plan = plan(home.path(), "source = \"app\"", layers).expect("planned");
    let native = plan.manifest.functions[0].native.as_ref().expect("native");
    assert!(native.layers.is_empty());
    let at = |digest| plan.directories.iter().position(|one| Some(one.list.digest) == digest);
    let layers = at(native.layers_digest).expect("a list of layers");
    assert!(at(plan.manifest.functions[0].digest).is_some_and(|package| package != layers));
    let lists = listings(&plan);
    assert_eq!(files(&lists[layers]), [("a", false), ("b", true), ("c", true), ("d", false)]);
    plan.manifest.check(&model::limit::Ceiling::DEFAULT).expect("a node takes it");
}

#[test]
fn what_cannot_be_a_package_is_refused_with_the_place_and_what_to_do() {
    let home =
        place(&[("app/a", "x"), ("text.zip", "hello"), ("empty.zip", ""), ("cut.zip", "PK")]);
    fs::create_dir(home.path().join("none")).expect("made");
    fs::create_dir_all(home.path().join("leads/x")).expect("made");
    symlink("/etc/passwd", home.path().join("leads/x/passwd")).expect("a link");
    fs::create_dir_all(home.path().join("socket")).expect("made");
    let _listening = std::os::unix::net::UnixListener::bind(home.path().join("socket/s"));
    zip(&home.path().join("climbs.zip"), &[("../a", "x")], 0o100_644);
    zip(&home.path().join("link.zip"), &[("a", "/etc/passwd")], 0o120_777);
    for (source, code, why) in [
        ("missing", Code::ManifestValue, "there is no such file"),
        ("../other", Code::ManifestValue, "outside the manifest's directory"),
        ("text.zip", Code::ManifestValue, "neither a directory nor a zip"),
        ("empty.zip", Code::ManifestValue, "neither a directory nor a zip"),
        ("cut.zip", Code::ZipUnreadable, "cut off"),
        ("none", Code::PackageRefused, "it has no files"),
        ("leads", Code::PackageRefused, "`x/passwd` is a link that leads out"),
        ("socket", Code::PackageRefused, "`s` is no ordinary file"),
        ("climbs.zip", Code::ZipEntry, "`../a`: "),
        ("link.zip", Code::ZipEntry, "`a`: it is a symbolic link"),
    ] {
        let key = format!("source = \"{source}\"");
        let as_layer = format!("layers = [\"app\", \"{source}\"]");
        for (function, native, line) in
            [(key.as_str(), "", ":7: "), ("source = \"app\"", &as_layer, ":9: ")]
        {
            let problem = plan(home.path(), function, native).expect_err(source);
            let detail = problem.detail.clone().unwrap_or_default();
            assert_eq!(problem.code, code, "{source}: {detail}");
            let missing = source == "missing" && !native.is_empty();
            assert!(missing || detail.contains(why), "{source}: {detail}");
            assert!(detail.contains(line), "{source}: {detail}");
        }
    }
    let clash = place(&[("app/a", "x"), ("one/a", "x"), ("two/a/b", "x")]);
    let problem = plan(clash.path(), "source = \"app\"", "layers = [\"one\", \"two\"]");
    assert_eq!(problem.expect_err("a clash").code, Code::PackageRefused);
    let problem = plan(home.path(), "", "").expect_err("no source");
    assert!(problem.detail.is_some_and(|detail| detail.contains("names no `source`")));
}

#[test]
fn what_the_contract_does_not_take_is_too_large() {
    let home = place(&[("app/a", "x")]);
    let large = fs::File::create(home.path().join("app/large")).expect("made");
    large.set_len(262_144_000).expect("a file with a hole");
    let problem = plan(home.path(), "source = \"app\"", "").expect_err("too large");
    assert_eq!(problem.code, Code::PackageTooLarge);
    large.set_len(262_143_999).expect("a file with a hole");
    plan(home.path(), "source = \"app\"", "").expect("just right");
}
