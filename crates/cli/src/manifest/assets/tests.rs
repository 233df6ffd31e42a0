//! What is taken of a directory, and what is refused by name.

use super::walk::{Found, Purpose, Refusal};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn made(files: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    for file in files {
        let path = home.path().join("public").join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, file).expect("written");
    }
    home
}

fn root(home: &Path) -> std::path::PathBuf {
    home.join("public").canonicalize().expect("there")
}

fn walk(root: &Path, dotfiles: bool) -> Result<Found, Refusal> {
    super::walk::walk(root, Purpose::Assets { dotfiles })
}

fn refused(home: &Path) -> String {
    walk(&root(home), false).expect_err("refused").to_string()
}

#[test]
fn files_are_listed_by_path_and_dotfiles_are_counted() {
    let home =
        made(&["b/c.js", "a.txt", ".git/config", ".env", ".well-known/security.txt", "e\u{301}"]);
    let found = walk(&root(home.path()), false).expect("walked");
    let paths: Vec<_> = found.list.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".well-known/security.txt", "a.txt", "b/c.js", "\u{e9}"]);
    assert_eq!(found.left_out, 2);
    found.list.check().expect("a list that nodes take");
    let all = walk(&root(home.path()), true).expect("walked");
    assert_eq!((all.list.files.len(), all.left_out), (6, 0));
}

#[test]
fn links_that_lead_out_are_refused_and_named() {
    let home = made(&["a.txt", ".env"]);
    let public = home.path().join("public");
    symlink(public.join("a.txt"), public.join("same.txt")).expect("a link");
    assert_eq!(walk(&root(home.path()), false).expect("walked").list.files.len(), 2);

    for (target, said) in [
        (Path::new("/etc/passwd"), "`x/passwd` is a link that leads out of the directory"),
        (Path::new("../../../public/../other"), "`x/passwd` is a link that leads nowhere"),
        (Path::new("../../outside"), "`x/passwd` is a link that leads out of the directory"),
        (Path::new("../.env"), "`x/passwd` is a link that leads out of the directory"),
        (Path::new(".."), "`x/passwd` is a link to a directory"),
    ] {
        fs::write(home.path().join("outside"), "secret").expect("written");
        let link = public.join("x/passwd");
        fs::create_dir_all(public.join("x")).expect("a directory");
        let _gone = fs::remove_file(&link);
        symlink(target, &link).expect("a link");
        assert_eq!(refused(home.path()), said);
    }
}

#[test]
fn what_is_no_file_or_has_no_usable_name_is_refused() {
    let home = made(&["a.txt"]);
    let path = home.path().join("public/socket");
    let _listening = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    assert_eq!(refused(home.path()), "`socket` is no ordinary file");
    fs::remove_file(&path).expect("removed");

    for (name, why) in
        [("a\\b", "separator"), ("a\nb", "control character"), ("a\u{202e}b", "control character")]
    {
        let path = home.path().join("public").join(name);
        fs::write(&path, "x").expect("written");
        let said = refused(home.path());
        assert!(said.contains(why) && !said.contains(['\n', '\u{202e}']), "{said}");
        fs::remove_file(&path).expect("removed");
    }
    for name in ["\u{e9}", "e\u{301}"] {
        fs::write(home.path().join("public").join(name), "x").expect("written");
    }
    assert!(refused(home.path()).contains("same name"));
}

#[test]
fn an_empty_directory_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join("public")).expect("a directory");
    assert_eq!(refused(home.path()), "it has no files");
}
