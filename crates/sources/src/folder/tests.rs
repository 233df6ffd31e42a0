//! Files that come, stay, change, do not fit and are in the way.

use super::*;
use crate::form::Shape;
use model::{Code, FunctionRef, Scope, Timestamp};
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

struct Standing;

impl Clock for Standing {
    fn wall(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn config(dir: &Path) -> Folder {
    Folder {
        path: dir.to_owned(),
        stable: Duration::ZERO,
        shape: FileShape::Whole(Shape::Data("text/plain".to_owned())),
        keep: true,
    }
}

fn opening() -> Opening {
    let function = FunctionRef { scope: Scope::default(), name: "f".parse().expect("a name") };
    let origin = "/sources/in".to_owned();
    Opening { function: Arc::new(function), secret: None, origin, bytes_max: 10 }
}

async fn open(config: Folder) -> Result<Box<dyn Feed>, Error> {
    Watched::new(config, Arc::new(Standing)).open(opening()).await
}

async fn feed(config: Folder) -> Box<dyn Feed> {
    open(config).await.unwrap_or_else(|error| panic!("{error}"))
}

fn put(dir: &TempDir, name: &str, text: &str) {
    std::fs::write(dir.path().join(name), text).expect("written");
}

fn inside(dir: &TempDir, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path().join(name)).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

fn shown(arrival: &Arrival) -> (&str, &[u8], Option<Code>) {
    let subject = arrival.event.get("subject").unwrap_or_default();
    (subject, arrival.event.data(), arrival.fault.map(Fault::code))
}

#[tokio::test]
async fn what_is_there_and_what_comes_is_taken_once_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&dir, "a.txt", "one");
    put(&dir, ".hidden", "no");
    std::fs::create_dir(dir.path().join("below")).expect("made");
    let mut feed = feed(config(dir.path())).await;
    let first = feed.next(10).await.expect("files");
    assert_eq!(first.iter().map(shown).collect::<Vec<_>>(), [("a.txt", &b"one"[..], None)]);
    assert_eq!(first[0].event.id(), first[0].token);
    assert_eq!(inside(&dir, ".taken"), [first[0].token.as_str()]);
    feed.settle(&first).await.expect("settled");
    assert_eq!(inside(&dir, ".taken"), [""; 0]);
    let kept = dir.path().join("done").join(&first[0].token).join("a.txt");
    assert_eq!(std::fs::read_to_string(kept).expect("kept"), "one");
    assert!(feed.next(10).await.expect("files").is_empty());
    // The same name again is another file.
    put(&dir, "a.txt", "two");
    let second = feed.next(10).await.expect("files");
    assert_eq!(shown(&second[0]), ("a.txt", &b"two"[..], None));
    assert_ne!(second[0].token, first[0].token);
}

#[tokio::test]
async fn what_was_taken_and_not_handed_over_comes_again_with_its_number() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&dir, "a.txt", "one");
    let mut first = feed(config(dir.path())).await;
    let taken = first.next(10).await.expect("files");
    let other = open(config(dir.path())).await.err().expect("one node has it");
    assert!(matches!(&other, Error::Refused(why) if why.contains("another node")), "{other}");
    drop(first);
    // A mark whose file was not moved before the end.
    let lost = taken[0].token.replace('0', "f");
    std::fs::write(dir.path().join(".taken").join(&lost), "").expect("written");
    put(&dir, "b.txt", "two");
    let mut again = feed(Folder { keep: false, ..config(dir.path()) }).await;
    assert_eq!(again.next(10).await.expect("files"), taken);
    again.settle(&taken).await.expect("settled");
    let next = again.next(10).await.expect("files");
    assert_eq!(next.iter().map(shown).collect::<Vec<_>>(), [("b.txt", &b"two"[..], None)]);
    again.settle(&next).await.expect("settled");
    assert_eq!((inside(&dir, ".taken"), inside(&dir, "done")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_does_not_fit_is_set_aside_with_a_fault() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&dir, "large", "12345678901");
    std::fs::write(dir.path().join("odd"), b"\xff\xfe").expect("written");
    let outside = tempfile::tempdir().expect("a directory");
    put(&outside, "secret", "x");
    std::fs::hard_link(outside.path().join("secret"), dir.path().join("linked")).expect("linked");
    symlink(outside.path().join("secret"), dir.path().join("link")).expect("linked");
    let mut feed = feed(config(dir.path())).await;
    let mut taken = feed.next(10).await.expect("files");
    taken.sort_by(|a, b| a.event.get("subject").cmp(&b.event.get("subject")));
    let expect = [
        ("large", &b""[..], Some(Code::SourceTooLarge)),
        ("linked", b"", Some(Code::SourceForm)),
        ("odd", b"\xff\xfe", Some(Code::SourceText)),
    ];
    assert_eq!(taken.iter().map(shown).collect::<Vec<_>>(), expect);
    feed.settle(&taken).await.expect("settled");
    assert_eq!(inside(&dir, "failed").len(), 3);
    assert_eq!(inside(&dir, "done"), [""; 0]);
    assert!(dir.path().join("link").is_symlink(), "a link is left where it is");
}

#[tokio::test]
async fn a_file_that_is_written_to_is_not_taken_until_it_stays() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&dir, "a.txt", "o");
    let long = Folder { stable: Duration::from_secs(600), ..config(dir.path()) };
    let mut looking = Looking::open(Arc::new(long), Arc::new(Standing), opening()).expect("open");
    let begin = Instant::now();
    let mut take =
        |after: u64| looking.take(10, begin + Duration::from_secs(after)).expect("files");
    assert!(take(0).is_empty() && take(599).is_empty());
    put(&dir, "a.txt", "one");
    assert!(take(600).is_empty() && take(1199).is_empty());
    assert_eq!(shown(&take(1200)[0]), ("a.txt", &b"one"[..], None));
}

#[tokio::test]
async fn a_function_may_be_told_where_the_file_lies() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&dir, "large", "12345678901");
    let mut feed = feed(Folder { shape: FileShape::Path, ..config(dir.path()) }).await;
    let taken = feed.next(10).await.expect("files");
    let said: serde_json::Value = serde_json::from_slice(taken[0].event.data()).expect("JSON");
    let path = said["path"].as_str().expect("a path");
    assert_eq!(
        (&said["bytes"], std::fs::read_to_string(path).expect("there").len()),
        (&11.into(), 11)
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_not_ours_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let gone = open(config(&dir.path().join("gone"))).await.err().expect("an error");
    assert!(matches!(&gone, Error::Down(why) if why.contains("gone")), "{gone}");
    symlink("/tmp", dir.path().join("done")).expect("linked");
    let linked = open(config(dir.path())).await.err().expect("an error");
    assert!(matches!(&linked, Error::Refused(why) if why.contains("done")), "{linked}");
}
