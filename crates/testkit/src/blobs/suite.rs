//! The cases of objects.

use super::{PLENTY, at_second, begin, container, container_of, part, pattern, put, read, uploads};
use anyhow::{Context, Result, bail, ensure};
use ports::Blobs;
use ports::blobs::{
    BATCH_MAX, ContainerRef, Error, NAME_BYTES_MAX, NOTE_BYTES_MAX, PAGE_MAX, Quota, Range,
    body_of, read_all,
};

/// Runs every case against an empty version of its own.
///
/// # Errors
/// Says which case failed, and how.
pub async fn conforms<B: Blobs>(mut make: impl FnMut() -> B) -> Result<()> {
    nothing_is_empty(&make()).await.context("a container that there is not")?;
    containers(&make()).await.context("containers")?;
    objects(&make()).await.context("objects")?;
    ranges(&make()).await.context("ranges")?;
    readers(&make()).await.context("readers")?;
    pages(&make()).await.context("pages")?;
    deletion(&make()).await.context("deletion")?;
    copies(&make()).await.context("copies")?;
    renames(&make()).await.context("renames")?;
    quotas(&make()).await.context("quotas")?;
    limits(&make()).await.context("limits")?;
    apart(&make()).await.context("containers apart")?;
    uploads::stages(&make()).await.context("uploads in stages")?;
    uploads::labels(&make()).await.context("labels of objects")?;
    uploads::breaks(&make()).await.context("uploads that break")?;
    uploads::one_at_a_time(&make()).await.context("two that append")?;
    uploads::ends(&make()).await.context("the end of uploads")?;
    uploads::quotas(&make()).await.context("quotas of uploads")?;
    uploads::collection(&make()).await.context("stale uploads")
}

async fn nothing_is_empty(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    ensure!(blobs.container(&at).await?.is_none());
    ensure!(blobs.info(&at, "a").await?.is_none());
    ensure!(read(blobs, &at, "a").await?.is_none());
    ensure!(blobs.list(&at, "", None, 10).await?.names.is_empty());
    ensure!(blobs.uploads(&at, None, 10).await?.is_empty());
    blobs.delete(&at, &["a".to_owned()]).await?;
    blobs.clear(&at).await?;
    let same = (&at, "a");
    ensure!(!blobs.copy(same, (&at, "b"), PLENTY, at_second(1)).await?);
    ensure!(!blobs.rename(same, (&at, "b"), PLENTY, at_second(1)).await?);
    ensure!(!blobs.remove(&at).await?);
    ensure!(blobs.containers(&at.scope).await?.is_empty(), "reading makes no container");
    Ok(())
}

async fn containers(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    ensure!(blobs.create(&at, at_second(5)).await?);
    ensure!(!blobs.create(&at, at_second(6)).await?, "it was made twice");
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.created, held.objects, held.bytes) == (at_second(5), 0, 0), "{held:?}");
    put(blobs, &at, "ab", b"12345").await?;
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.created, held.objects, held.bytes) == (at_second(5), 1, 7), "{held:?}");
    ensure!((held.uploads, held.upload_bytes) == (0, 0), "{held:?}");
    let other = container("orders/default");
    put(blobs, &other, "x", b"").await?;
    let held = blobs.container(&other).await?.context("made by its first object")?;
    ensure!((held.created, held.objects, held.bytes) == (at_second(1), 1, 1), "{held:?}");
    let all = blobs.containers(&at.scope).await?;
    let names: Vec<_> = all.iter().map(|(name, _)| name.to_string()).collect();
    ensure!(names == ["orders/default", "photos"], "{names:?}");
    begin(blobs, &at).await?;
    ensure!(blobs.remove(&at).await?);
    ensure!(!blobs.remove(&at).await?, "it was removed twice");
    ensure!(blobs.container(&at).await?.is_none());
    ensure!(read(blobs, &at, "ab").await?.is_none());
    put(blobs, &at, "cd", b"new").await?;
    ensure!(blobs.list(&at, "", None, 10).await?.names == ["cd"], "what was removed came back");
    ensure!(blobs.uploads(&at, None, 10).await?.is_empty(), "an upload came back");
    Ok(())
}

async fn objects(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let sizes = [0, 1, 1000, 65_535, 65_536, 65_537, 131_072, 300_001];
    for bytes in sizes {
        let name = format!("{bytes}");
        let info = put(blobs, &at, &name, &pattern(bytes)).await?;
        ensure!(info.bytes == bytes as u64 && info.created == at_second(1), "{info:?}");
        ensure!(blobs.info(&at, &name).await? == Some(info));
    }
    for bytes in sizes {
        let found = read(blobs, &at, &format!("{bytes}")).await?;
        ensure!(found == Some(pattern(bytes)), "{bytes} bytes came back as something else");
    }
    let before = blobs.info(&at, "1000").await?.context("it is there")?;
    let after = put(blobs, &at, "1000", b"new").await?;
    ensure!(after.version != before.version && after.bytes == 3);
    ensure!(read(blobs, &at, "1000").await? == Some(b"new".to_vec()));
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!(held.objects == sizes.len() as u64);
    blobs.delete(&at, &["1000".to_owned()]).await?;
    let again = put(blobs, &at, "1000", b"new").await?;
    ensure!(again.version != after.version && again.version != before.version);
    let broken = super::breaking(&[b"half"]);
    let cut = ports::blobs::put(blobs, &at, "1000", broken, PLENTY, at_second(2)).await;
    ensure!(matches!(cut, Err(Error::Cut(_))), "{cut:?}");
    ensure!(read(blobs, &at, "1000").await? == Some(b"new".to_vec()), "half of it can be seen");
    ensure!(blobs.uploads(&at, None, 10).await?.is_empty(), "what broke is still there");
    Ok(())
}

async fn ranges(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let all = pattern(200_000);
    put(blobs, &at, "a", &all).await?;
    for (from, until) in [
        (0, None),
        (0, Some(0)),
        (0, Some(1)),
        (65_535, Some(65_537)),
        (65_536, Some(131_072)),
        (131_071, Some(131_073)),
        (70_000, Some(70_001)),
        (199_999, None),
        (199_999, Some(u64::MAX)),
        (200_000, None),
        (u64::MAX, None),
        (10, Some(5)),
    ] {
        let range = Range { from, until };
        let (first, end) = range.within(200_000);
        let object = blobs.get(&at, "a", range).await?.context("it is there")?;
        ensure!(object.info.bytes == 200_000 && object.range == (first, end), "{range:?}");
        let found = read_all(object.body, 1 << 20).await?;
        let expected = &all[usize::try_from(first)?..usize::try_from(end)?];
        ensure!(found == expected, "{range:?}: {} bytes", found.len());
    }
    Ok(())
}

async fn readers(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let old = pattern(300_000);
    for name in ["a", "b", "c"] {
        put(blobs, &at, name, &old).await?;
    }
    let mut reading = Vec::new();
    for name in ["a", "b", "c"] {
        reading.push(blobs.get(&at, name, Range::ALL).await?.context("it is there")?);
    }
    put(blobs, &at, "a", b"new").await?;
    blobs.delete(&at, &["b".to_owned()]).await?;
    blobs.clear(&at).await?;
    for object in reading {
        ensure!(read_all(object.body, 1 << 20).await? == old, "it changed under its reader");
    }
    Ok(())
}

async fn pages(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let names = ["a", "a/", "a/1", "a/2", "a/é", "a0", "b/1", "o/x", "u", "\u{10ffff}z"];
    for name in names {
        put(blobs, &at, name, b"x").await?;
    }
    begin(blobs, &at).await?;
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = blobs.list(&at, "", after.as_deref(), 3).await?;
        ensure!(page.names.len() == 3 || !page.more, "a page that is not full says there is more");
        after = page.names.last().cloned();
        all.extend(page.names);
        if !page.more {
            break;
        }
    }
    ensure!(all == names, "{all:?}");
    for (prefix, after, limit, expect, more) in [
        ("a/", None, 9, &["a/", "a/1", "a/2", "a/é"][..], false),
        ("a/", None, 2, &["a/", "a/1"], true),
        ("a/", Some("a/1"), 9, &["a/2", "a/é"], false),
        ("a/", Some("A"), 1, &["a/"], true),
        ("a/", Some("b"), 9, &[], false),
        ("c", None, 9, &[], false),
        ("\u{10ffff}", None, 9, &["\u{10ffff}z"], false),
    ] {
        let page = blobs.list(&at, prefix, after, limit).await?;
        ensure!(page.names == expect && page.more == more, "{prefix} {after:?}: {page:?}");
    }
    Ok(())
}

async fn deletion(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    for name in ["a", "b", "c", "d"] {
        put(blobs, &at, name, b"12345").await?;
    }
    let names = ["a", "c", "x", "a"].map(str::to_owned);
    blobs.delete(&at, &names).await?;
    ensure!(blobs.list(&at, "", None, 10).await?.names == ["b", "d"]);
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.objects, held.bytes) == (2, 12), "{held:?}");
    let upload = begin(blobs, &at).await?;
    blobs.clear(&at).await?;
    let held = blobs.container(&at).await?.context("it stays when it is cleared")?;
    ensure!((held.objects, held.bytes, held.uploads) == (0, 0, 1), "{held:?}");
    ensure!(blobs.list(&at, "", None, 10).await?.names.is_empty());
    ensure!(blobs.status(&upload).await?.is_some());
    Ok(())
}

async fn copies(blobs: &dyn Blobs) -> Result<()> {
    let (at, other) = (container("photos"), container("archive"));
    let bytes = pattern(150_000);
    put(blobs, &at, "a", &bytes).await?;
    put(blobs, &at, "b", b"old").await?;
    let now = at_second(9);
    ensure!(blobs.copy((&at, "a"), (&at, "b"), PLENTY, now).await?);
    ensure!(blobs.copy((&at, "a"), (&other, "x"), PLENTY, now).await?);
    ensure!(blobs.copy((&at, "a"), (&at, "a"), PLENTY, now).await?, "over itself");
    for (at, name) in [(&at, "a"), (&at, "b"), (&other, "x")] {
        ensure!(read(blobs, at, name).await?.as_ref() == Some(&bytes), "{name}");
    }
    let info = blobs.info(&other, "x").await?.context("it is there")?;
    ensure!(info.created == now);
    put(blobs, &at, "a", b"changed").await?;
    ensure!(read(blobs, &other, "x").await?.as_ref() == Some(&bytes), "the copy changed");
    ensure!(!blobs.copy((&at, "none"), (&at, "b"), PLENTY, now).await?);
    ensure!(read(blobs, &at, "b").await?.as_ref() == Some(&bytes), "nothing was copied over it");
    Ok(())
}

async fn renames(blobs: &dyn Blobs) -> Result<()> {
    let (at, other) = (container("photos"), container("archive"));
    let bytes = pattern(150_000);
    put(blobs, &at, "a", &bytes).await?;
    put(blobs, &at, "b", b"old").await?;
    let now = at_second(9);
    ensure!(blobs.rename((&at, "a"), (&at, "b"), PLENTY, now).await?);
    ensure!(blobs.rename((&at, "b"), (&at, "b"), PLENTY, now).await?, "onto itself");
    ensure!(blobs.list(&at, "", None, 9).await?.names == ["b"]);
    ensure!(read(blobs, &at, "b").await?.as_ref() == Some(&bytes));
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.objects, held.bytes) == (1, 150_001), "{held:?}");
    ensure!(blobs.rename((&at, "b"), (&other, "c"), PLENTY, now).await?);
    ensure!(read(blobs, &other, "c").await?.as_ref() == Some(&bytes));
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.objects, held.bytes) == (0, 0), "{held:?}");
    ensure!(!blobs.rename((&at, "b"), (&other, "c"), PLENTY, now).await?);
    ensure!(read(blobs, &other, "c").await?.is_some());
    Ok(())
}

async fn quotas(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let put = async |name: &str, bytes: &'static [u8], quota| {
        ports::blobs::put(blobs, &at, name, body_of(bytes), quota, at_second(1)).await
    };
    let bytes = |bytes_max| Quota { bytes_max, ..PLENTY };
    put("ab", b"12345678", bytes(10)).await.context("exactly the quota")?;
    let over = |result| matches!(result, Err(Error::Quota { what: "bytes", most: 10 }));
    ensure!(over(put("c", b"1", bytes(10)).await), "one more");
    ensure!(over(put("c", b"", bytes(10)).await), "names count");
    ensure!(blobs.uploads(&at, None, 9).await?.is_empty(), "what was refused stays");
    let objects = |objects_max| Quota { objects_max, ..PLENTY };
    let result = put("c", b"1", objects(1)).await;
    ensure!(result == Err(Error::Quota { what: "objects", most: 1 }), "{result:?}");
    put("ab", b"1234567890", objects(1)).await.context("another in its place")?;
    let copied = blobs.copy((&at, "ab"), (&at, "x"), bytes(20), at_second(1)).await;
    ensure!(matches!(copied, Err(Error::Quota { .. })), "{copied:?}");
    let copied = blobs.copy((&at, "ab"), (&at, "x"), objects(1), at_second(1)).await;
    ensure!(matches!(copied, Err(Error::Quota { .. })), "{copied:?}");
    let quota = Quota { bytes_max: 12, objects_max: 1 };
    ensure!(blobs.rename((&at, "ab"), (&at, "cd"), quota, at_second(1)).await?, "no larger");
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.objects, held.bytes, held.upload_bytes) == (1, 12, 0), "{held:?}");
    Ok(())
}

async fn limits(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let longest = "k".repeat(NAME_BYTES_MAX);
    put(blobs, &at, &longest, b"x").await?;
    ensure!(read(blobs, &at, &longest).await? == Some(b"x".to_vec()));
    ensure!(blobs.list(&at, &longest, None, 1).await?.names == std::slice::from_ref(&longest));
    let longer = format!("{longest}k");
    let many = vec!["k".to_owned(); BATCH_MAX + 1];
    let (kept, a) = ((&at, longest.as_str()), (&at, "a"));
    for wrong in ["", longer.as_str()] {
        for refused in [
            put(blobs, &at, wrong, b"x").await.map(drop),
            blobs.info(&at, wrong).await.map(drop),
            blobs.get(&at, wrong, Range::ALL).await.map(drop),
            blobs.delete(&at, &["a".to_owned(), wrong.to_owned()]).await,
            blobs.copy(kept, (&at, wrong), PLENTY, at_second(1)).await.map(drop),
            blobs.copy((&at, wrong), a, PLENTY, at_second(1)).await.map(drop),
            blobs.rename(kept, (&at, wrong), PLENTY, at_second(1)).await.map(drop),
        ] {
            let Err(Error::Invalid(text)) = refused else { bail!("{wrong:?}: {refused:?}") };
            ensure!(!text.contains("kkk"), "the name is in the error: {text}");
        }
    }
    for refused in [
        blobs.delete(&at, &many).await,
        blobs.list(&at, &longer, None, 1).await.map(drop),
        blobs.list(&at, "", Some(&longer), 1).await.map(drop),
        blobs.list(&at, "", None, 0).await.map(drop),
        blobs.list(&at, "", None, PAGE_MAX + 1).await.map(drop),
        blobs.uploads(&at, None, 0).await.map(drop),
        blobs.begin(&at, vec![0; NOTE_BYTES_MAX + 1].into(), at_second(1)).await.map(drop),
    ] {
        ensure!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    ensure!(blobs.list(&at, "", None, 9).await?.names == [longest], "something changed");
    Ok(())
}

async fn apart(blobs: &dyn Blobs) -> Result<()> {
    let all: [ContainerRef; 5] = [
        container("photos"),
        container("archive"),
        container("photos/default"),
        container_of("default", "test", "photos"),
        container_of("other", "main", "photos"),
    ];
    for (number, at) in all.iter().enumerate() {
        put(blobs, at, "k", number.to_string().as_bytes()).await?;
    }
    for (number, at) in all.iter().enumerate() {
        let found = read(blobs, at, "k").await?;
        ensure!(found == Some(number.to_string().into_bytes()), "{at:?} holds {found:?}");
    }
    ensure!(blobs.containers(&all[0].scope).await?.len() == 3);
    ensure!(blobs.containers(&all[4].scope).await?.len() == 1);
    ensure!(blobs.remove(&all[0]).await?);
    for at in &all[1..] {
        ensure!(part(blobs, at, "k", Range::ALL).await?.is_some(), "{at:?} went with it");
    }
    let upload = begin(blobs, &all[1]).await?;
    let elsewhere = ports::blobs::UploadRef { container: all[3].clone(), id: upload.id };
    ensure!(blobs.status(&elsewhere).await?.is_none(), "an upload belongs to its container");
    Ok(())
}
