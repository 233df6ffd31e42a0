//! Components and files that nothing refers to go, and what can be rolled back to stays.

use super::below;
use crate::rig::{Node, PATIENCE, casemate, example};
use crate::sites::{Application, artifacts, ask, numbers};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// Components and files, or compiled forms.
fn files(home: &Path, dir: &str) -> Vec<PathBuf> {
    below(&home.join(dir)).into_iter().filter(|path| path.is_file()).collect()
}

/// As if nobody had wanted anything for two hours.
fn age(home: &Path) {
    let then = SystemTime::now() - Duration::from_secs(7200);
    for path in files(home, "artifacts") {
        let file = File::options().write(true).open(path).expect("opens");
        file.set_modified(then).expect("set");
    }
}

/// Waits until this is so.
fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(20));
    }
}

/// Whether one of the artifacts has these bytes.
fn holds(home: &Path, bytes: &[u8]) -> bool {
    artifacts(home).iter().any(|path| fs::read(path).expect("readable") == bytes)
}

/// A directory of files that one application has at a place.
fn site(application: &str, pages: &[(&str, &[u8])]) -> Application {
    let manifest = format!(
        "manifest = 1\napplication = \"{application}\"\n\
         [[assets]]\ndirectory = \"public\"\nauth = \"public\"\n"
    );
    Application::new(&manifest, pages)
}

/// A home with two revisions of a directory that were removed, and a third that was refused
/// because the place was taken; and the refused one.
fn used_and_refused(home: &Path) -> Application {
    let mut node = Node::start_on(home, &[]);
    let large = numbers(600_000);
    let shop = site("shop", &[("page.html", b"first"), ("large.bin", &large), ("old.txt", b"old")]);
    shop.deploy(&node);
    fs::remove_file(shop.public().join("old.txt")).expect("removed");
    shop.write("page.html", b"second");
    shop.write("new.txt", b"new");
    shop.deploy(&node);
    let other = site("other", &[("page.html", b"refused"), ("large.bin", &large)]);
    let (_, said) = node.fails(&["deploy", "--grant", other.path()]);
    assert!(said.contains("E0107"), "{said}");
    node.ok(&["remove", "shop"]);
    assert_eq!(node.stop(), Some(0));
    other
}

#[test]
fn a_component_that_no_revision_refers_to_is_removed_with_its_compiled_form() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    let token = node.deploy(&example("hello"), "shop");
    let words = example("words");
    node.ok(&["deploy", words.to_str().expect("text"), "--name", "shop"]);
    // Another application may not take the route: its component was sent and compiled for nothing.
    let echo = example("echo");
    let route = ["--name", "other", "--route", "* /shop/{*rest}"];
    let (_, said) = node.fails(&[&["deploy", echo.to_str().expect("text")], &route[..]].concat());
    assert!(said.contains("E0107"), "{said}");
    assert_eq!(node.stop(), Some(0));
    assert_eq!((files(&home, "artifacts").len(), files(&home, "compiled").len()), (3, 3));
    age(&home);
    let node = Node::start_on(&home, &[]);
    until("the unused component is still there", || {
        files(&home, "artifacts").len() <= 2 && files(&home, "compiled").len() <= 2
    });
    assert!(!holds(&home, &fs::read(&echo).expect("readable")));
    node.ok(&["rollback", "shop"]);
    assert_eq!(node.get("/shop/you", Some(&token)).status, 200);
    node.ok(&["deploy", echo.to_str().expect("text"), "--name", "again"]);
}

#[test]
fn files_that_no_revision_refers_to_are_removed_and_all_others_are_served_from_a_backup() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let other = used_and_refused(&home);
    // Two lists, four texts and three pieces are used; the refused list and its page are not.
    assert_eq!(artifacts(&home).len(), 11);
    age(&home);
    let node = Node::start_on(&home, &[]);
    until("the unused files are still there", || artifacts(&home).len() <= 9);
    assert!(!holds(&home, b"refused"));

    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text"), "--include-root-key"]);
    let restored = dir.path().join("restored");
    let mut restore = casemate();
    restore.arg("restore").arg(&backup).arg("--home").arg(&restored);
    assert!(restore.output().expect("runs").status.success());
    assert_eq!(artifacts(&restored).len(), 9);
    let again = Node::start_on(&restored, &[]);
    for node in [&node, &again] {
        for (revision, page, only) in [("1", "first", "/old.txt"), ("2", "second", "/new.txt")] {
            node.ok(&["rollback", "shop", "--to", revision]);
            node.ok(&["grant", "public", "invoke", "shop-assets"]);
            assert_eq!(ask(node, "GET", "/page.html", &[]).text(), page);
            assert_eq!(ask(node, "GET", "/large.bin", &[]).body, numbers(600_000));
            assert_eq!(ask(node, "GET", only, &[]).status, 200);
        }
    }
    // What went is sent again when it is wanted after all.
    again.ok(&["remove", "shop"]);
    other.deploy(&again);
    assert_eq!(ask(&again, "GET", "/page.html", &[]).text(), "refused");
}

#[test]
fn a_list_of_files_that_cannot_be_read_keeps_everything_until_it_is_mended() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    used_and_refused(&home);
    let lists: Vec<PathBuf> = artifacts(&home)
        .into_iter()
        .filter(|path| fs::read(path).expect("readable").starts_with(b"{\"v\":1"))
        .collect();
    assert_eq!(lists.len(), 3);
    let whole: Vec<_> = lists.iter().map(|list| fs::read(list).expect("readable")).collect();
    lists.iter().for_each(|list| fs::write(list, "{}").expect("written"));
    age(&home);
    let mut node = Node::start_on(&home, &[]);
    until("the node does not say it", || node.said().contains("were not removed"));
    let said = node.said();
    assert!(said.contains("E0502") && said.contains("the list of a directory's files"), "{said}");
    assert_eq!(artifacts(&home).len(), 11);
    // A backup of what there is can be had all the same.
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text"), "--include-root-key"]);
    let listed = fs::read(&backup).expect("readable");
    assert!(listed.windows(7).any(|window| window == b"refused"), "it holds everything");
    node.stop();
    for (list, whole) in lists.iter().zip(whole) {
        fs::write(list, whole).expect("written");
    }
    age(&home);
    let _node = Node::start_on(&home, &[]);
    until("the unused files are still there", || artifacts(&home).len() <= 9);
}

#[test]
fn what_is_deployed_while_unused_files_are_removed_is_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let taken = site("taken", &[("index.html", b"taken")]);
    let pages: Vec<(String, Vec<u8>)> =
        (0..300u32).map(|at| (format!("{at}.txt"), format!("page {at}").into_bytes())).collect();
    let borrowed: Vec<(&str, &[u8])> = pages.iter().map(|(path, b)| (&path[..], &b[..])).collect();
    let refused = site("refused", &borrowed);
    let mut node = Node::start_on(&home, &[]);
    taken.deploy(&node);
    assert!(node.fails(&["deploy", refused.path()]).1.contains("E0107"));
    node.ok(&["remove", "taken"]);
    for round in 0..5 {
        node.stop();
        age(&home);
        // The node begins to look for what is unused, and all of this is, as the deployment begins.
        node = Node::start_on(&home, &[]);
        refused.write("round.txt", format!("round {round}").as_bytes());
        refused.deploy(&node);
        for at in [0, 150, 299] {
            let reply = ask(&node, "GET", &format!("/{at}.txt"), &[]);
            assert_eq!((reply.status, reply.text()), (200, format!("page {at}")));
        }
        assert_eq!(ask(&node, "GET", "/round.txt", &[]).text(), format!("round {round}"));
    }
}
