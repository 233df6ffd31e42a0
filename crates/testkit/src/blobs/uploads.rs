//! The cases of uploads.

use super::{
    PLENTY, append, at_second, begin, breaking, container, offset, pattern, put, read, silent,
};
use anyhow::{Context, Result, ensure};
use model::Labels;
use ports::Blobs;
use ports::blobs::{
    Collected, ContainerRef, Error, Quota, Range, UPLOADS_MAX, UploadId, UploadRef, body_of,
    put_labelled,
};

pub(super) async fn stages(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let id = blobs.begin(&at, "a note".into(), at_second(3)).await?;
    let upload = UploadRef { container: at.clone(), id };
    let found = blobs.status(&upload).await?.context("it was begun")?;
    ensure!(found.offset == 0 && found.note == "a note", "{found:?}");
    ensure!((found.begun, found.touched) == (at_second(3), at_second(3)), "{found:?}");
    let all = pattern(300_000);
    let mut at_byte = 0;
    for bytes in [0, 1, 65_534, 1, 1, 65_535, 100_000, 68_928] {
        let piece = &all[at_byte..at_byte + bytes];
        let next = append(blobs, &upload, at_byte as u64, piece).await?;
        at_byte += bytes;
        ensure!(next == at_byte as u64 && offset(blobs, &upload).await? == next);
        ensure!(read(blobs, &at, "a").await?.is_none(), "it is seen before it is whole");
    }
    ensure!(at_byte == all.len());
    let found = blobs.status(&upload).await?.context("it goes on")?;
    ensure!((found.begun, found.touched) == (at_second(3), at_second(2)), "{found:?}");
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.uploads, held.upload_bytes, held.objects) == (1, 300_000, 0), "{held:?}");
    ensure!(blobs.list(&at, "", None, 9).await?.names.is_empty());
    let info = blobs.finish(&upload, "a", PLENTY, at_second(7)).await?;
    ensure!(info.bytes == 300_000 && info.created == at_second(7), "{info:?}");
    ensure!(read(blobs, &at, "a").await? == Some(all));
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.uploads, held.upload_bytes, held.objects, held.bytes) == (0, 0, 1, 300_001));
    Ok(())
}

pub(super) async fn labels(blobs: &dyn Blobs) -> Result<()> {
    let (at, other) = (container("photos"), container("others"));
    let seen = async |at: &ContainerRef, name: &str| {
        let object = blobs.get(at, name, Range::ALL).await?.context("an object")?;
        anyhow::Ok(object.labels.to_string())
    };
    let write = async |name: &str, labels: &str| {
        let named = (name, || Labels::parse(labels));
        put_labelled(blobs, &at, named, body_of("x"), PLENTY, at_second(1)).await
    };
    write("a", "pan.card,email.token").await?;
    write("plain", "").await?;
    ensure!(seen(&at, "a").await? == "email.token,pan.card");
    ensure!(seen(&at, "plain").await?.is_empty());
    blobs.copy((&at, "a"), (&other, "b"), PLENTY, at_second(2)).await?;
    blobs.rename((&at, "a"), (&at, "c"), PLENTY, at_second(2)).await?;
    blobs.rename((&other, "b"), (&at, "d"), PLENTY, at_second(2)).await?;
    for name in ["c", "d"] {
        ensure!(seen(&at, name).await? == "email.token,pan.card", "{name}");
    }
    write("c", "").await?;
    ensure!(seen(&at, "c").await?.is_empty(), "another object is there");
    Ok(())
}

pub(super) async fn breaks(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let upload = begin(blobs, &at).await?;
    let all = pattern(200_000);
    let broken = breaking(&[&all[..10], &all[10..100_000]]);
    let cut = blobs.append(&upload, 0, broken, PLENTY, at_second(2)).await;
    ensure!(matches!(cut, Err(Error::Cut(_))), "{cut:?}");
    ensure!(offset(blobs, &upload).await? == 100_000, "what arrived is kept");
    for wrong in [0, 99_999, 100_001, u64::MAX] {
        let result = append(blobs, &upload, wrong, b"x").await;
        ensure!(result == Err(Error::Offset { held: 100_000 }), "{wrong}: {result:?}");
    }
    ensure!(offset(blobs, &upload).await? == 100_000);
    append(blobs, &upload, 100_000, &all[100_000..]).await?;
    blobs.finish(&upload, "a", PLENTY, at_second(2)).await?;
    ensure!(read(blobs, &at, "a").await? == Some(all));
    Ok(())
}

pub(super) async fn one_at_a_time(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let upload = begin(blobs, &at).await?;
    append(blobs, &upload, 0, b"abc").await?;
    {
        let waiting = blobs.append(&upload, 3, silent(), PLENTY, at_second(2));
        tokio::pin!(waiting);
        // Far enough that it waits for its body.
        for _ in 0..50 {
            let first = tokio::time::timeout(std::time::Duration::from_millis(10), &mut waiting);
            ensure!(first.await.is_err(), "it ended without its body");
            if append(blobs, &upload, 3, b"x").await == Err(Error::Busy) {
                break;
            }
        }
        let busy = append(blobs, &upload, 3, b"x").await;
        ensure!(busy == Err(Error::Busy), "{busy:?}");
        let busy = blobs.finish(&upload, "a", PLENTY, at_second(2)).await;
        ensure!(busy == Err(Error::Busy), "{busy:?}");
        let busy = blobs.abort(&upload).await;
        ensure!(busy == Err(Error::Busy), "{busy:?}");
        ensure!(blobs.collect(at_second(100)).await? == Collected::default());
        // Other uploads go on meanwhile.
        let other = begin(blobs, &at).await?;
        append(blobs, &other, 0, b"other").await?;
        blobs.finish(&other, "other", PLENTY, at_second(2)).await?;
    }
    let from = offset(blobs, &upload).await?;
    ensure!(from == 3, "{from}");
    append(blobs, &upload, 3, b"def").await.context("the first one went away")?;
    blobs.finish(&upload, "a", PLENTY, at_second(2)).await?;
    ensure!(read(blobs, &at, "a").await? == Some(b"abcdef".to_vec()));
    Ok(())
}

pub(super) async fn ends(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    put(blobs, &at, "a", b"old").await?;
    let upload = begin(blobs, &at).await?;
    append(blobs, &upload, 0, &pattern(70_000)).await?;
    ensure!(blobs.abort(&upload).await?);
    ensure!(!blobs.abort(&upload).await?, "it was given up twice");
    let never = UploadRef { container: at.clone(), id: UploadId([9; 16]) };
    let finished = begin(blobs, &at).await?;
    blobs.finish(&finished, "empty", PLENTY, at_second(2)).await?;
    ensure!(read(blobs, &at, "empty").await? == Some(Vec::new()));
    for upload in [&upload, &finished, &never] {
        ensure!(blobs.status(upload).await?.is_none());
        ensure!(append(blobs, upload, 0, b"x").await == Err(Error::NoUpload));
        let again = blobs.finish(upload, "a", PLENTY, at_second(2)).await;
        ensure!(again == Err(Error::NoUpload), "{again:?}");
        ensure!(!blobs.abort(upload).await?);
    }
    let wrong = begin(blobs, &at).await?;
    append(blobs, &wrong, 0, b"new").await?;
    let refused = blobs.finish(&wrong, "", PLENTY, at_second(2)).await;
    ensure!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    blobs.finish(&wrong, "a", PLENTY, at_second(2)).await.context("it was as before")?;
    ensure!(read(blobs, &at, "a").await? == Some(b"new".to_vec()));
    let held = blobs.container(&at).await?.context("a container")?;
    ensure!((held.objects, held.uploads, held.upload_bytes) == (2, 0, 0), "{held:?}");
    Ok(())
}

pub(super) async fn quotas(blobs: &dyn Blobs) -> Result<()> {
    let at = container("photos");
    let quota = Quota { bytes_max: 100_000, objects_max: 1 };
    let add = async |upload: &UploadRef, offset, bytes: usize| {
        blobs.append(upload, offset, body_of(pattern(bytes)), quota, at_second(2)).await
    };
    let (one, two) = (begin(blobs, &at).await?, begin(blobs, &at).await?);
    add(&one, 0, 60_000).await?;
    let over = Err(Error::Quota { what: "bytes", most: 100_000 });
    ensure!(add(&two, 0, 60_000).await == over, "both together are too much");
    let kept = offset(blobs, &two).await?;
    ensure!(kept <= 40_000, "{kept} bytes are over the quota");
    ensure!(blobs.abort(&two).await?);
    add(&one, 60_000, 39_999).await.context("room that was given back")?;
    blobs.finish(&one, "a", quota, at_second(2)).await.context("with its name, the quota")?;
    let three = begin(blobs, &at).await?;
    ensure!(add(&three, 0, 1).await == over);
    let none = blobs.finish(&three, "b", quota, at_second(2)).await;
    ensure!(matches!(none, Err(Error::Quota { .. })), "{none:?}");
    blobs.finish(&three, "a", quota, at_second(2)).await.context("an empty one in its place")?;
    for _ in 0..UPLOADS_MAX {
        begin(blobs, &at).await?;
    }
    let most = blobs.begin(&at, "".into(), at_second(1)).await;
    ensure!(most == Err(Error::Quota { what: "uploads", most: UPLOADS_MAX }), "{most:?}");
    Ok(())
}

pub(super) async fn collection(blobs: &dyn Blobs) -> Result<()> {
    let (at, other) = (container("photos"), super::container_of("other", "main", "x"));
    put(blobs, &at, "a", b"stays").await?;
    let mut made = Vec::new();
    for (at, second) in [(&at, 10), (&other, 10), (&at, 20), (&at, 10)] {
        let id = blobs.begin(at, "n".into(), at_second(second)).await?;
        made.push(UploadRef { container: at.clone(), id });
    }
    for upload in &made[..2] {
        let body = body_of(pattern(70_000));
        blobs.append(upload, 0, body, PLENTY, at_second(11)).await?;
    }
    let body = body_of("late");
    blobs.append(&made[3], 0, body, PLENTY, at_second(30)).await?;
    let mut listed = blobs.uploads(&at, None, 2).await?;
    ensure!(listed.len() == 2);
    listed.extend(blobs.uploads(&at, Some(listed[1].0), 2).await?);
    ensure!(listed.len() == 3 && listed.is_sorted_by_key(|(id, _)| *id));
    ensure!(listed.iter().all(|(_, upload)| upload.note == "n"));
    ensure!(blobs.collect(at_second(11)).await? == Collected::default());
    let collected = blobs.collect(at_second(12)).await?;
    ensure!(collected == Collected { uploads: 2, bytes: 140_000 }, "{collected:?}");
    for (upload, there) in made.iter().zip([false, false, true, true]) {
        ensure!(blobs.status(upload).await?.is_some() == there, "{upload:?}");
    }
    ensure!(read(blobs, &at, "a").await? == Some(b"stays".to_vec()));
    let held = blobs.container(&other).await?.context("it stays")?;
    ensure!((held.uploads, held.upload_bytes) == (0, 0), "{held:?}");
    Ok(())
}
