//! What somebody with the disk changes is found.

use super::rig::Home;
use anyhow::Result;
use casemate_store_sqlite::Blobs;
use ports::Blobs as _;
use ports::blobs::{Error, Range};
use std::path::Path;
use testkit::blobs::{container, part, pattern, put, read};

const BYTES: usize = 200_000;

/// A home with the objects `a` and `b` in `photos`, both of several chunks, and `c` in `archive`.
async fn filled() -> Result<Home> {
    let home = Home::new();
    let blobs = home.open();
    let (photos, archive) = (container("photos"), container("archive"));
    put(&blobs, &photos, "a", &pattern(BYTES)).await?;
    put(&blobs, &photos, "b", &[7; BYTES]).await?;
    put(&blobs, &archive, "c", &[9; BYTES]).await?;
    Ok(home)
}

async fn of(blobs: &Blobs, name: &str) -> Result<Option<Vec<u8>>, Error> {
    read(blobs, &container("photos"), name).await
}

fn is_damage<T: std::fmt::Debug>(result: Result<T, Error>) {
    match result {
        Err(Error::Damaged(what)) => assert!(what.contains("photos"), "{what}"),
        other => panic!("{other:?}"),
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("write");
}

#[tokio::test]
async fn a_flipped_bit_of_a_file_is_found_and_what_lies_before_it_is_served() -> Result<()> {
    let home = filled().await?;
    let blobs = home.open();
    for path in home.files("objects") {
        let bytes = std::fs::metadata(&path)?.len();
        for at in [0, 20, 65_000, 70_000, usize::try_from(bytes)? - 1] {
            flip(&path, at);
            let mut found = 0;
            for (name, at) in [("a", "photos"), ("b", "photos"), ("c", "archive")] {
                let read = read(&blobs, &container(at), name).await;
                found += usize::from(matches!(read, Err(Error::Damaged(_))));
            }
            assert_eq!(found, 1, "byte {at}");
            flip(&path, at);
        }
        flip(&path, usize::try_from(bytes)? - 1);
        let first = Range { from: 0, until: Some(65_536) };
        assert!(part(&blobs, &container("photos"), "a", first).await?.is_some());
        flip(&path, usize::try_from(bytes)? - 1);
    }
    assert!(of(&blobs, "a").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn swapped_files_are_found() -> Result<()> {
    let home = filled().await?;
    let files = home.files("objects");
    for (one, two) in [(0, 1), (1, 2), (0, 2)] {
        let aside = home.path().join("aside");
        let swap = || {
            std::fs::rename(&files[one], &aside).expect("swap");
            std::fs::rename(&files[two], &files[one]).expect("swap");
            std::fs::rename(&aside, &files[two]).expect("swap");
        };
        swap();
        let blobs = home.open();
        let mut found = 0;
        for (name, at) in [("a", "photos"), ("b", "photos"), ("c", "archive")] {
            let read = read(&blobs, &container(at), name).await;
            found += usize::from(matches!(read, Err(Error::Damaged(_))));
        }
        assert_eq!(found, 2);
        swap();
    }
    Ok(())
}

#[tokio::test]
async fn moved_cut_and_missing_chunks_are_found() -> Result<()> {
    let home = Home::new();
    let at = container("photos");
    put(&home.open(), &at, "a", &[7; BYTES]).await?;
    let path = home.files("objects").pop().expect("a file");
    let whole = std::fs::read(&path)?;
    let chunk = (whole.len() - BYTES) / 4 + 65_536;
    let mut moved = whole.clone();
    moved[..2 * chunk].rotate_left(chunk);
    let mut again = whole.clone();
    again.copy_within(0..chunk, chunk);
    // Each leaves fewer whole chunks than there were.
    let cut = whole[..2 * chunk].to_vec();
    let shorter = whole[..whole.len() - 1].to_vec();
    let none = Vec::new();
    for bytes in [moved, again, cut, shorter, none] {
        std::fs::write(&path, bytes)?;
        is_damage(of(&home.open(), "a").await);
    }
    std::fs::remove_file(&path)?;
    is_damage(of(&home.open(), "a").await);
    std::fs::write(&path, whole)?;
    assert_eq!(of(&home.open(), "a").await?, Some(vec![7; BYTES]));
    Ok(())
}

#[tokio::test]
async fn an_older_file_in_the_place_of_a_newer_one_is_found() -> Result<()> {
    let home = Home::new();
    let (at, blobs) = (container("photos"), home.open());
    put(&blobs, &at, "a", &[1; BYTES]).await?;
    let older = std::fs::read(&home.files("objects")[0])?;
    put(&blobs, &at, "a", &[2; BYTES]).await?;
    let files = home.files("objects");
    assert_eq!(files.len(), 1, "what was replaced is gone");
    std::fs::write(&files[0], older)?;
    is_damage(of(&blobs, "a").await);
    Ok(())
}

#[tokio::test]
async fn swapped_removed_and_older_entries_are_found() -> Result<()> {
    let swap = "CREATE TABLE aside AS SELECT * FROM cell WHERE key IN (x'6f61', x'6f62');
        UPDATE cell SET (version, sealed) = (SELECT version, sealed FROM aside
            WHERE aside.key = CASE cell.key WHEN x'6f61' THEN x'6f62' ELSE x'6f61' END)
            WHERE key IN (x'6f61', x'6f62');
        DROP TABLE aside";
    let remove = "DELETE FROM cell WHERE key = x'6f61'";
    let rename = "UPDATE cell SET key = x'6f7a' WHERE key = x'6f61'";
    for sql in [swap, remove, rename] {
        let home = filled().await?;
        home.tamper(sql);
        let blobs = home.open();
        is_damage(blobs.info(&container("photos"), "a").await);
        is_damage(of(&home.open(), "a").await);
        is_damage(blobs.list(&container("photos"), "", None, 9).await);
        assert!(read(&blobs, &container("archive"), "c").await?.is_some(), "others go on");
        // What is damaged can be removed, and leaves no file.
        assert!(blobs.remove(&container("photos")).await?);
        assert_eq!(home.files("objects").len(), 1);
    }
    let home = filled().await?;
    home.tamper("CREATE TABLE aside AS SELECT * FROM cell WHERE key = x'6f61'");
    let file = std::fs::read(&home.files("objects")[0])?;
    let path = home.files("objects")[0].clone();
    // The index has no tables but its own.
    let connection = rusqlite::Connection::open(home.index())?;
    let row: (i64, Vec<u8>, i64, Vec<u8>) =
        connection.query_row("SELECT store, key, version, sealed FROM aside", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    connection.execute("DROP TABLE aside", [])?;
    drop(connection);
    home.open().delete(&container("photos"), &["a".to_owned()]).await?;
    std::fs::write(&path, file)?;
    let connection = rusqlite::Connection::open(home.index())?;
    connection.execute(
        "INSERT INTO cell VALUES (?1, ?2, ?3, ?4)",
        rusqlite::params![row.0, row.1, row.2, row.3],
    )?;
    drop(connection);
    is_damage(of(&home.open(), "a").await);
    Ok(())
}

#[tokio::test]
async fn an_older_index_is_found() -> Result<()> {
    let home = filled().await?;
    let older = std::fs::read(home.index())?;
    put(&home.open(), &container("photos"), "d", b"new").await?;
    std::fs::write(home.index(), older)?;
    let rolled_back = of(&home.open(), "a").await;
    assert!(matches!(rolled_back, Err(Error::RolledBack(_))), "{rolled_back:?}");
    std::fs::remove_file(home.index())?;
    let missing = of(&home.open(), "a").await;
    assert!(matches!(missing, Err(Error::RolledBack(_))), "{missing:?}");
    // Nothing but the anchor knows.
    assert!(of(&home.open_unanchored(), "a").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn nothing_of_a_value_lies_in_the_clear() -> Result<()> {
    let home = Home::new();
    let secret = b"the value of a customer".repeat(5_000);
    let blobs = home.open();
    put(&blobs, &container("photos"), "a", &secret).await?;
    put(&blobs, &container("photos"), "small", &secret[..30]).await?;
    drop(blobs);
    for path in home.files("objects").into_iter().chain([home.index()]) {
        let bytes = std::fs::read(&path)?;
        let found =
            bytes.windows(12).any(|window| window == b"a customerth" || window == b"the value of");
        assert!(!found, "{}", path.display());
    }
    Ok(())
}
