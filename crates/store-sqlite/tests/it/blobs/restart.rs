//! What is there after a node ended, in whatever way, and what is not.

use super::rig::{Home, open_at};
use anyhow::{Context, Result};
use ports::Blobs as _;
use ports::blobs::Error;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use testkit::blobs::{
    PLENTY, append, at_second, begin, breaking, container, offset, pattern, put, read,
};

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    let all = pattern(400_000);
    let upload = begin(&home.open(), &at).await?;
    let mut from = 0;
    for bytes in [10, 70_000, 65_536, 0, 200_000] {
        let blobs = home.open();
        assert_eq!(offset(&blobs, &upload).await?, from as u64);
        append(&blobs, &upload, from as u64, &all[from..from + bytes]).await?;
        from += bytes;
    }
    let blobs = home.open();
    let broken = breaking(&[&all[from..]]);
    let cut = blobs.append(&upload, from as u64, broken, PLENTY, at_second(2)).await;
    assert!(matches!(cut, Err(Error::Cut(_))));
    drop(blobs);
    let blobs = home.open();
    assert_eq!(offset(&blobs, &upload).await?, 400_000);
    blobs.finish(&upload, "a", PLENTY, at_second(2)).await?;
    drop(blobs);
    let blobs = home.open();
    assert_eq!(read(&blobs, &at, "a").await?, Some(all));
    let held = blobs.container(&at).await?.context("a container")?;
    assert_eq!((held.objects, held.bytes, held.uploads, held.upload_bytes), (1, 400_001, 0, 0));
    Ok(())
}

#[tokio::test]
async fn what_a_crash_left_of_an_upload_is_no_part_of_its_object() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    let all = pattern(300_000);
    let upload = begin(&home.open(), &at).await?;
    append(&home.open(), &upload, 0, &all[..150_000]).await?;
    // More came, and the node died before it noted that.
    let path = home.files("uploads").pop().context("a file")?;
    let mut bytes = std::fs::read(&path)?;
    bytes.extend_from_slice(&[1; 500_000]);
    std::fs::write(&path, bytes)?;
    let blobs = home.open();
    assert_eq!(offset(&blobs, &upload).await?, 150_000);
    append(&blobs, &upload, 150_000, &all[150_000..]).await?;
    blobs.finish(&upload, "a", PLENTY, at_second(2)).await?;
    assert_eq!(read(&blobs, &at, "a").await?.as_ref(), Some(&all));
    let bytes = std::fs::metadata(&home.files("objects")[0])?.len();
    assert!(bytes < 301_000, "{bytes}");
    Ok(())
}

#[tokio::test]
async fn an_upload_that_died_while_it_was_finished_goes_on() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    let all = pattern(200_000);
    let upload = begin(&home.open(), &at).await?;
    append(&home.open(), &upload, 0, &all).await?;
    let path = home.files("uploads").pop().context("a file")?;
    // It was moved, and the node died before the index said so.
    let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
    let objects = path.parent().and_then(std::path::Path::parent).context("a place")?;
    let objects = objects.join("objects").join(&name[..2]);
    std::fs::create_dir_all(&objects)?;
    std::fs::rename(&path, objects.join(&name))?;
    let blobs = home.open();
    assert!(read(&blobs, &at, "a").await?.is_none());
    blobs.finish(&upload, "a", PLENTY, at_second(2)).await?;
    assert_eq!(read(&blobs, &at, "a").await?, Some(all));
    Ok(())
}

#[tokio::test]
async fn what_is_removed_leaves_no_file() -> Result<()> {
    let home = Home::new();
    let (at, blobs) = (container("photos"), home.open());
    for name in ["a", "b", "c", "d"] {
        put(&blobs, &at, name, &pattern(100_000)).await?;
    }
    put(&blobs, &at, "a", b"in its place").await?;
    blobs.delete(&at, &["b".to_owned()]).await?;
    blobs.rename((&at, "c"), (&at, "d"), PLENTY, at_second(2)).await?;
    let upload = begin(&blobs, &at).await?;
    append(&blobs, &upload, 0, &pattern(100_000)).await?;
    assert_eq!((home.files("objects").len(), home.files("uploads").len()), (2, 1));
    blobs.abort(&upload).await?;
    blobs.clear(&at).await?;
    assert_eq!((home.files("objects").len(), home.files("uploads").len()), (0, 0));
    put(&blobs, &at, "a", b"x").await?;
    blobs.remove(&at).await?;
    assert!(home.files("objects").is_empty());
    Ok(())
}

#[tokio::test]
async fn files_that_a_crash_kept_go_later() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    let blobs = home.open();
    put(&blobs, &at, "a", &pattern(100_000)).await?;
    let path = home.files("objects").pop().context("a file")?;
    let bytes = std::fs::read(&path)?;
    blobs.delete(&at, &["a".to_owned()]).await?;
    drop(blobs);
    // The node died before it could remove the file.
    std::fs::write(&path, bytes)?;
    let blobs = home.open();
    put(&blobs, &at, "b", b"x").await?;
    assert!(!path.exists());
    assert_eq!(home.files("objects").len(), 1);
    Ok(())
}

#[tokio::test]
async fn files_are_private() -> Result<()> {
    let home = Home::new();
    put(&home.open(), &container("photos"), "a", b"x").await?;
    let path = home.files("objects").pop().context("a file")?;
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    for dir in path.ancestors().skip(1).take_while(|dir| *dir != home.path()) {
        let mode = std::fs::metadata(dir)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", dir.display());
    }
    Ok(())
}

#[tokio::test]
async fn a_snapshot_holds_the_objects_of_one_moment() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    let blobs = Arc::new(home.open());
    let large = pattern(200_000);
    put(&*blobs, &at, "large", &large).await?;
    put(&*blobs, &at, "small", b"small").await?;
    let (short, long) = (begin(&*blobs, &at).await?, begin(&*blobs, &at).await?);
    append(&*blobs, &short, 0, b"half").await?;
    append(&*blobs, &long, 0, &large).await?;
    let work = home.path().join("work");
    std::fs::create_dir(&work)?;
    let taken = {
        let (blobs, work) = (Arc::clone(&blobs), work.clone());
        tokio::task::spawn_blocking(move || blobs.snapshot(&work)).await??
    };
    // What happens after does not touch it.
    put(&*blobs, &at, "large", b"new").await?;
    blobs.delete(&at, &["small".to_owned()]).await?;
    let other = tempfile::tempdir()?;
    for (path, copy) in taken {
        let target = other.path().join(&path);
        std::fs::create_dir_all(target.parent().context("a parent")?)?;
        std::fs::copy(copy, target)?;
    }
    let restored = open_at(other.path(), Arc::<super::rig::Kept>::default());
    assert_eq!(read(&restored, &at, "large").await?, Some(large));
    assert_eq!(read(&restored, &at, "small").await?, Some(b"small".to_vec()));
    // Of uploads only what the index holds itself is there.
    append(&restored, &short, 4, b" and half").await?;
    restored.finish(&short, "short", PLENTY, at_second(2)).await?;
    assert_eq!(read(&restored, &at, "short").await?, Some(b"half and half".to_vec()));
    assert_eq!(append(&restored, &long, 200_000, b"x").await, Err(Error::NoUpload));
    assert!(restored.abort(&long).await?);
    Ok(())
}
