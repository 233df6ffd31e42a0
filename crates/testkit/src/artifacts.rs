//! What every version of the artifact port must do.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

use anyhow::{Result, ensure};
use aws_lc_rs::digest;
use bytes::Bytes;
use model::{Digest, Timestamp};
use ports::artifacts::{Artifacts, Error};

/// SHA-256, as memory versions of the ports want it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    Digest(out)
}

/// An empty memory version.
#[must_use]
pub fn memory() -> ports::memory::Artifacts {
    ports::memory::Artifacts::new(sha256)
}

/// Runs the suite on an empty store.
///
/// # Errors
/// Says what the store did that it must not.
pub async fn conforms(store: &dyn Artifacts) -> Result<()> {
    let bytes = Bytes::from_static(b"a component");
    let digest = sha256(&bytes);
    ensure!(store.list().await?.is_empty(), "the store is not empty");
    ensure!(!store.contains(digest).await?, "contains what was never put");
    ensure!(
        matches!(store.read(digest).await, Err(Error::Missing(missing)) if missing == digest),
        "reads what was never put"
    );

    let wrong = store.put(digest, Bytes::from_static(b"another")).await;
    ensure!(
        matches!(wrong, Err(Error::Digest { expected, found }) if expected == digest && found != digest),
        "takes bytes that have another digest: {wrong:?}"
    );
    ensure!(store.list().await?.is_empty(), "keeps bytes that it refused");

    for again in 0..2 {
        store.put(digest, bytes.clone()).await?;
        ensure!(store.contains(digest).await?, "put {again}: not contained");
        ensure!(store.read(digest).await? == bytes, "put {again}: reads other bytes");
    }

    let empty = Bytes::new();
    let large = Bytes::from(vec![7; 3 << 20]);
    let mut all = vec![digest];
    for more in [empty, large] {
        let digest = sha256(&more);
        store.put(digest, more.clone()).await?;
        ensure!(store.read(digest).await? == more, "reads other bytes");
        all.push(digest);
    }
    all.sort();
    ensure!(store.list().await? == all, "does not list what it keeps, in order");
    several(store, &all).await?;
    goes(store, digest, &bytes).await
}

/// Many at a time, beside what is kept already.
async fn several(store: &dyn Artifacts, kept: &[Digest]) -> Result<()> {
    let more: Vec<(Digest, Bytes)> = (0u32..40)
        .map(|at| Bytes::from(at.to_be_bytes().repeat(at as usize)))
        .map(|bytes| (sha256(&bytes), bytes))
        .collect();
    let digests: Vec<Digest> = more.iter().map(|(digest, _)| *digest).collect();
    let before = store.missing(digests.clone()).await?;
    // The first is empty, and kept already.
    ensure!(before == digests[1..], "does not say what is missing, in the order of the question");
    let mut wrong = more.clone();
    if let Some((_, bytes)) = wrong.last_mut() {
        *bytes = Bytes::from_static(b"another");
    }
    let refused = store.put_all(wrong).await;
    ensure!(matches!(refused, Err(Error::Digest { .. })), "takes wrong bytes among others");
    ensure!(store.list().await? == kept, "keeps a part of what it refused");
    for again in 0..2 {
        store.put_all(more.clone()).await?;
        ensure!(store.missing(digests.clone()).await?.is_empty(), "put {again}: still missing");
    }
    for (digest, bytes) in &more {
        ensure!(store.read(*digest).await? == *bytes, "reads other bytes");
    }
    Ok(())
}

/// What is wanted is known, and what is removed is gone.
async fn goes(store: &dyn Artifacts, digest: Digest, bytes: &Bytes) -> Result<()> {
    let all = store.list().await?;
    let rest: Vec<Digest> = all.iter().copied().filter(|one| *one != digest).collect();
    let at = |second: i64| Timestamp(1_900_000_000_000_000 + second * 1_000_000);
    store.want(rest.clone(), at(9)).await?;
    for second in [5, 7] {
        store.want(vec![digest, sha256(b"never put")], at(second)).await?;
        ensure!(store.unwanted(at(second)).await?.is_empty(), "what is wanted is unwanted");
        ensure!(store.unwanted(at(second + 1)).await? == [digest], "it stays wanted");
    }
    ensure!(store.unwanted(at(10)).await? == all, "not all are unwanted, in order");
    for again in 0..2 {
        store.remove(vec![digest]).await?;
        ensure!(!store.contains(digest).await?, "removal {again}: it is still there");
        ensure!(store.list().await? == rest, "removal {again}: others are not as they were");
    }
    store.put(digest, bytes.clone()).await?;
    ensure!(store.read(digest).await? == *bytes, "what was removed cannot be put again");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> Result<()> {
        conforms(&memory()).await
    }

    #[tokio::test]
    async fn the_memory_version_refuses_swapped_bytes() {
        let store = memory();
        let digest = sha256(b"a");
        store.put(digest, Bytes::from_static(b"a")).await.expect("right digest");
        store.swap(digest, Bytes::from_static(b"b"));
        assert!(matches!(store.read(digest).await, Err(Error::Digest { .. })));
        assert_eq!(store.missing(vec![digest]).await.expect("looked"), [digest]);
    }
}
