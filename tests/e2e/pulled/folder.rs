//! Files that are put into a folder.

use super::{Pulling, number};
use std::path::{Path, PathBuf};

fn section(dir: &Path) -> String {
    let inbox = dir.join("inbox");
    std::fs::create_dir_all(&inbox).expect("made");
    format!(
        "[[source]]\nname = \"in\"\n[source.folder]\npath = {inbox:?}\nstable = \"100ms\"\ntype = \"text/plain\"\n"
    )
}

fn put(pulling: &Pulling, name: &str, bytes: &[u8]) {
    // As careful writers do it: under another name, and then renamed.
    let inbox = pulling.dir.path().join("inbox");
    std::fs::write(inbox.join(".part"), bytes).expect("written");
    std::fs::rename(inbox.join(".part"), inbox.join(name)).expect("renamed");
}

/// The files below one of the folder's own folders.
fn below(pulling: &Pulling, name: &str) -> Vec<PathBuf> {
    let numbers = std::fs::read_dir(pulling.dir.path().join("inbox").join(name)).expect("there");
    let numbers = numbers.filter_map(|number| std::fs::read_dir(number.ok()?.path()).ok());
    numbers.flatten().map(|file| file.expect("a file").path()).collect()
}

#[test]
fn a_file_that_is_put_there_calls_the_function_once_it_is_granted() {
    let pulling = Pulling::start(
        |dir| {
            let section = section(dir);
            // It is there before the node.
            std::fs::write(dir.join("inbox/before.txt"), "one").expect("written");
            section
        },
        "",
    );
    let stands = pulling.until("it is not granted", |it| it["state"] == "not granted");
    assert_eq!(stands["grant"], "casemate grant trigger:in invoke f");
    assert!(stands["place"].as_str().is_some_and(|it| it.ends_with("/inbox")), "{stands}");
    pulling.grant();
    let ran = pulling.ran(1);
    assert_eq!((&ran[0]["bytes_in"], &ran[0]["bytes_out"]), (&3.into(), &3.into()));
    assert_eq!(ran[0]["trigger"], "event in from trigger:in, attempt 1");
    put(&pulling, "after.txt", b"two!");
    pulling.ran(2);
    assert_eq!(below(&pulling, "done").len(), 2);

    put(&pulling, "large.txt", &vec![b'x'; (1 << 20) + 1]);
    put(&pulling, "odd.txt", b"\xff\xfe");
    let dead = pulling.dead(2);
    assert!(
        dead.iter().any(|it| it.starts_with("E1445") && it.contains("1048577 bytes")),
        "{dead:?}"
    );
    assert!(dead.iter().any(|it| it.starts_with("E1446")), "{dead:?}");
    assert_eq!((below(&pulling, "failed").len(), pulling.ran(2).len()), (2, 2));
    let stands = pulling.stands();
    assert_eq!((number(&stands, "taken"), number(&stands, "refused")), (4, 2));
}

#[test]
fn files_that_were_taken_before_a_kill_are_neither_lost_nor_called_twice() {
    let mut pulling = Pulling::start(section, "");
    pulling.grant();
    let mut count = 0;
    for _ in 0..3 {
        for _ in 0..40 {
            put(&pulling, &format!("{count}.txt"), b"x");
            count += 1;
        }
        // Somewhere on the way.
        pulling.until("nothing is taken", |it| number(it, "taken") > 0);
        pulling = pulling.kill_and_start();
    }
    let ran = pulling.ran(count);
    assert_eq!(ran.len(), count, "each once");
    pulling.until("something is left", |it| it["lag"] == 0);
    assert_eq!(below(&pulling, "done").len(), count);
}

#[test]
fn a_folder_that_comes_later_is_found_and_doctor_says_that_it_is_not_there() {
    let pulling = Pulling::start(|dir| section(dir).replace("/inbox", "/late"), "");
    pulling.grant();
    let stands = pulling.until("it is not down", |it| it["state"] == "down");
    assert!(stands["error"].as_str().is_some_and(|it| it.contains("E1448")), "{stands}");
    let said = pulling.doctor();
    assert!(said.contains("source in") && said.contains("E1448"), "{said}");
    let late = pulling.dir.path().join("late");
    std::fs::create_dir(&late).expect("made");
    std::fs::write(late.join("a.txt"), "one").expect("written");
    pulling.ran(1);
}
