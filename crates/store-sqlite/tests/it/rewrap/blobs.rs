//! Blobs.

use super::{move_blobs, pattern, put, read};
use crate::epochs::{rotate, start};
use anyhow::{Context, Result};
use casemate_store_sqlite::blobs::{FileCount, Moved};
use model::key::Epoch;
use ports::Blobs as _;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use testkit::blobs::container;

/// Lets a future go on so many times. Gives what it came to, if it ended.
async fn a_little<T>(mut of: Pin<&mut impl Future<Output = T>>, times: usize) -> Option<T> {
    for _ in 0..times {
        let polled = poll_fn(|context| Poll::Ready(of.as_mut().poll(context))).await;
        if let Poll::Ready(done) = polled {
            return Some(done);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    None
}

/// The files of objects and uploads.
fn files(home: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![home.join("blobs")]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let kept = path.iter().any(|part| part == "objects" || part == "uploads");
            match path.is_dir() {
                true => open.push(path),
                false if kept => found.push(path),
                false => {}
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn an_object_that_is_cut_off_while_it_moves_is_what_it_was_and_leaves_no_file() -> Result<()>
{
    let home = tempfile::tempdir()?;
    let home = home.path();
    let (at, all) = (container("photos"), pattern(9_000_000));
    let node = start(home);
    put(&node.blobs, &at, "big", &all).await?;
    rotate(home, &node);
    for times in [1, 2, 3, 5, 9] {
        let moving = node.blobs.rewrap_object(&at, "big");
        let done = a_little(std::pin::pin!(moving), times).await;
        assert_eq!(read(&node.blobs, &at, "big").await?.as_ref(), Some(&all), "{done:?}");
    }
    // What was begun and is not to be cut off ends.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(node);
    let node = start(home);
    assert_eq!(read(&node.blobs, &at, "big").await?.as_ref(), Some(&all));
    // Whoever changes the container first does away with what was left.
    put(&node.blobs, &at, "small", b"1").await?;
    assert_eq!(files(home)?.len(), 2, "{:?}", files(home)?);
    move_blobs(&node, &at).await?;
    let mut count = FileCount::default();
    node.blobs.count_files(&at, &mut count).await?;
    assert_eq!(count.objects, BTreeMap::from([(Epoch(2), 2)]));
    assert_eq!(read(&node.blobs, &at, "big").await?.as_ref(), Some(&all));
    assert_eq!(files(home)?.len(), 2, "the old file is gone: {:?}", files(home)?);
    Ok(())
}

#[tokio::test]
async fn who_replaces_an_object_or_removes_it_while_it_moves_is_first() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let at = container("photos");
    let node = start(home);
    for name in ["replaced", "removed", "renamed"] {
        put(&node.blobs, &at, name, &pattern(9_000_000)).await?;
    }
    rotate(home, &node);
    let mut moving = Vec::new();
    for name in ["replaced", "removed", "renamed"] {
        let mut one = Box::pin(node.blobs.rewrap_object(&at, name));
        assert!(a_little(one.as_mut(), 3).await.is_none(), "it has hardly begun");
        moving.push(one);
    }
    put(&node.blobs, &at, "replaced", b"another").await?;
    node.blobs.delete(&at, &["removed".to_owned()]).await?;
    let quota = testkit::blobs::PLENTY;
    let now = testkit::blobs::at_second(3);
    node.blobs.rename((&at, "renamed"), (&at, "other"), quota, now).await?;
    for one in moving {
        assert_eq!(one.await?, Moved::Left);
    }
    assert_eq!(read(&node.blobs, &at, "replaced").await?.as_deref(), Some(&b"another"[..]));
    assert_eq!(read(&node.blobs, &at, "removed").await?, None);
    assert_eq!(read(&node.blobs, &at, "renamed").await?, None);
    assert_eq!(read(&node.blobs, &at, "other").await?, Some(pattern(9_000_000)));
    assert_eq!(move_blobs(&node, &at).await?, 1, "what was renamed");
    assert_eq!(files(home)?.len(), 2, "{:?}", files(home)?);
    Ok(())
}

#[tokio::test]
async fn who_reads_an_object_goes_on_while_it_moves() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let (at, all) = (container("photos"), pattern(3_000_000));
    let node = start(home);
    put(&node.blobs, &at, "a", &all).await?;
    let open = node.blobs.get(&at, "a", ports::blobs::Range::ALL).await?.context("an object")?;
    rotate(home, &node);
    assert_eq!(node.blobs.rewrap_object(&at, "a").await?, Moved::Anew);
    assert_eq!(node.blobs.rewrap_object(&at, "a").await?, Moved::Left, "it is there");
    assert_eq!(node.blobs.rewrap_object(&at, "b").await?, Moved::Left, "there is none");
    let seen = ports::blobs::read_all(open.body, 1 << 30).await?;
    assert_eq!(seen, all);
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_changed_is_not_sealed_anew() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let at = container("photos");
    let node = start(home);
    put(&node.blobs, &at, "a", &pattern(300_000)).await?;
    rotate(home, &node);
    let path = files(home)?.pop().context("a file")?;
    let mut bytes = std::fs::read(&path)?;
    bytes[200_000] ^= 1;
    std::fs::write(&path, bytes)?;
    let moved = node.blobs.rewrap_object(&at, "a").await;
    assert!(matches!(moved, Err(ports::blobs::Error::Damaged(_))), "{moved:?}");
    assert_eq!(files(home)?, [path], "nothing beside it is left");
    let mut count = FileCount::default();
    node.blobs.count_files(&at, &mut count).await?;
    assert_eq!(count.objects, BTreeMap::from([(Epoch(1), 1)]));
    Ok(())
}
