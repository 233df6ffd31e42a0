//! Which files a function carries, and under which paths.

use super::*;
use std::fs;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in [
        ("spin.toml", "x"),
        ("assets/a.txt", "a"),
        ("assets/b/c.txt", "c"),
        ("assets/b/d.md", "d"),
        ("static/e.txt", "e"),
        (".hidden", "h"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn found(spec: &str) -> Result<Vec<String>, String> {
    let dir = place();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("assets/link")).expect("a link");
    let root = dir.path().canonicalize().expect("a directory");
    let spec: FilesSpec = serde_json::from_str(spec).expect(spec);
    let mut gathering = Gathering::of(&root, &spec.exclude)?;
    spec.include.iter().try_for_each(|one| gathering.take(one))?;
    let (list, _) = gathering.listed()?;
    list.check().map_err(|error| error.to_string())?;
    Ok(list.files.into_iter().map(|file| file.path).collect())
}

#[test]
fn patterns_places_and_exceptions_say_which_and_where() {
    for (spec, expect) in [
        (r#"{"include":["assets/*.txt"]}"#, &["assets/a.txt"][..]),
        (r#"{"include":["assets/**/*.txt"]}"#, &["assets/a.txt", "assets/b/c.txt"]),
        (r#"{"include":["./assets/b/*"]}"#, &["assets/b/c.txt", "assets/b/d.md"]),
        (r#"{"include":["assets/b"]}"#, &["assets/b/c.txt", "assets/b/d.md"]),
        (r#"{"include":["static/e.txt"]}"#, &["static/e.txt"]),
        (r#"{"include":[{"source":"assets","destination":"/"}]}"#, &["a.txt", "b/c.txt", "b/d.md"]),
        (
            r#"{"include":[{"source":"assets/b","destination":"/x/y"},"static/*"]}"#,
            &["static/e.txt", "x/y/c.txt", "x/y/d.md"],
        ),
        (r#"{"include":[{"source":"static/e.txt","destination":"f"}]}"#, &["f"]),
        (r#"{"include":["assets/**/*"],"exclude":["assets/b/*"]}"#, &["assets/a.txt"]),
        (r#"{"include":["**/*.txt"],"exclude":["assets/*"]}"#, &["static/e.txt"]),
    ] {
        assert_eq!(found(spec).expect(spec), expect, "{spec}");
    }
}

#[test]
fn nothing_outside_is_carried_and_nothing_is_carried_in_silence() {
    for spec in [
        r#"{"include":["../x"]}"#,
        r#"{"include":["/etc/passwd"]}"#,
        r#"{"include":[{"source":"/etc","destination":"/"}]}"#,
        r#"{"include":["assets/link"]}"#,
        r#"{"include":["assets/*.png"]}"#,
        r#"{"include":["missing"]}"#,
        r#"{"include":["assets/*"],"exclude":["**"]}"#,
        r#"{"include":["[" ]}"#,
    ] {
        assert!(found(spec).is_err(), "{spec}");
    }
}
