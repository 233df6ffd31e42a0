//! Artifacts in files.

use anyhow::Result;
use bytes::Bytes;
use casemate_store_sqlite::Files;
use model::Digest;
use ports::artifacts::{Artifacts, Error};
use std::path::PathBuf;
use tempfile::TempDir;
use testkit::artifacts::sha256;

fn open(home: &TempDir) -> Files {
    Files::open(home.path()).expect("open")
}

fn path(home: &TempDir, digest: Digest) -> PathBuf {
    let hex = digest.hex();
    home.path().join("artifacts/sha256").join(&hex[..2]).join(&hex)
}

#[tokio::test]
async fn conforms() -> Result<()> {
    let home = tempfile::tempdir()?;
    testkit::artifacts::conforms(&open(&home)).await
}

#[tokio::test]
async fn bytes_that_were_swapped_on_disk_are_refused_and_mended_by_the_next_upload() {
    let home = tempfile::tempdir().expect("home");
    let files = open(&home);
    let good = Bytes::from_static(b"good");
    let digest = sha256(&good);
    files.put(digest, good.clone()).await.expect("put");
    for swapped in [&b"evil"[..], b"goo", b""] {
        std::fs::write(path(&home, digest), swapped).expect("swap");
        let found = files.read(digest).await;
        assert!(
            matches!(found, Err(Error::Digest { expected, found })
                if expected == digest && found == sha256(swapped)),
            "{found:?}"
        );
    }
    files.put(digest, good.clone()).await.expect("put");
    assert_eq!(files.read(digest).await.expect("read"), good);
}

#[tokio::test]
async fn what_was_kept_is_there_for_the_next_start_and_leftovers_are_not() {
    let home = tempfile::tempdir().expect("home");
    let bytes = Bytes::from_static(b"component");
    let digest = sha256(&bytes);
    open(&home).put(digest, bytes.clone()).await.expect("put");
    let leftover = path(&home, digest).with_file_name(".partial-7");
    std::fs::write(&leftover, "half").expect("leftover");
    // Names that are not ours are neither listed nor touched.
    let stranger = path(&home, digest).with_file_name("README");
    std::fs::write(&stranger, "hello").expect("stranger");

    let files = open(&home);
    assert!(!leftover.exists(), "a half-written file stayed");
    assert!(stranger.exists());
    assert_eq!(files.list().await.expect("list"), [digest]);
    assert_eq!(files.read(digest).await.expect("read"), bytes);
}

#[tokio::test]
async fn many_may_upload_the_same_component_at_once() {
    let home = tempfile::tempdir().expect("home");
    let files = open(&home);
    let bytes = Bytes::from(vec![5; 100_000]);
    let digest = sha256(&bytes);
    let uploads: Vec<_> = (0..8)
        .map(|_| {
            let (files, bytes) = (files.clone(), bytes.clone());
            tokio::spawn(async move { files.put(digest, bytes).await })
        })
        .collect();
    for upload in uploads {
        upload.await.expect("task").expect("put");
    }
    assert_eq!(files.read(digest).await.expect("read"), bytes);
    let directory = path(&home, digest).parent().expect("parent").to_owned();
    assert_eq!(std::fs::read_dir(directory).expect("list").count(), 1, "something was left over");
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("home");
    let files = open(&home);
    let bytes = Bytes::from_static(b"component");
    let digest = sha256(&bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(files.put(digest, bytes)).expect("put");
    let mode = |path: PathBuf| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(path(&home, digest)), 0o600);
    assert_eq!(mode(home.path().join("artifacts/sha256")), 0o700);
}
