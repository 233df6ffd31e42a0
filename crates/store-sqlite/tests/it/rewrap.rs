//! What an older epoch of the root key sealed is moved to the newest while it is in use.

mod blobs;
mod stores;

use super::epochs::{Node, rotate, start};
use anyhow::Result;
use casemate_store_sqlite::blobs::{FileCount, Moved};
use casemate_store_sqlite::kv::Walk;
use casemate_store_sqlite::{Stores, epochs};
use keys::RootKeyFile;
use model::TenantName;
use model::key::Epoch;
use ports::Queue as _;
use ports::blobs::ContainerRef;
use std::collections::BTreeMap;
use std::path::Path;
use testkit::blobs::{append, begin, container, offset, pattern, put, read};
use testkit::keyvalue::{delete, set, store_of, value, write};
use testkit::queue::{WIDE, message, want};

/// What moving came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    moved: u64,
    damaged: u64,
    whole: bool,
}

/// Moves a tenant's key-value stores.
async fn move_stores(stores: &Stores, tenant: &str) -> Result<Done> {
    let tenant = TenantName::parse(tenant)?;
    let (mut walk, mut done) = (Some(Walk::default()), Done::default());
    while let Some(at) = walk {
        let step = stores.rewrap(&tenant, at).await?;
        done.moved += step.moved;
        done.damaged += step.damaged;
        (walk, done.whole) = (step.next, step.whole);
    }
    Ok(done)
}

/// Moves the objects of a container and the index that they are in. Says how many objects.
async fn move_blobs(node: &Node, at: &ContainerRef) -> Result<u64> {
    let (mut moved, mut after) = (0, None);
    loop {
        let below = ports::KeyRing::epoch(&*node.ring);
        let (older, next) = node.blobs.older_objects(at, after.as_deref(), below).await?;
        for name in older {
            moved += u64::from(node.blobs.rewrap_object(at, &name).await? == Moved::Anew);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    let mut walk = Some(Walk::default());
    while let Some(at_walk) = walk {
        walk = node.blobs.rewrap_index(&at.scope.tenant, at_walk).await?.next;
    }
    Ok(moved)
}

/// Moves what is queued. Says how much, and how much is damaged.
async fn move_queue(node: &Node) -> Result<(u64, u64)> {
    let (mut after, mut moved, mut damaged) = (Some(0), 0, 0);
    while let Some(at) = after {
        let done = node.queue.rewrap(at).await?;
        (moved, damaged, after) = (moved + done.moved, damaged + done.damaged, done.next);
    }
    Ok((moved, damaged))
}

/// How much of a kind an epoch seals.
fn count(home: &Path, epoch: u32, kind: &'static str) -> Result<u64> {
    Ok(epochs::count(home)?.get(&(Epoch(epoch), kind)).copied().unwrap_or_default())
}

fn retire(home: &Path, node: &Node, epoch: u32) -> Result<()> {
    Ok(RootKeyFile::retire(&home.join("root.key"), &node.ring, Epoch(epoch))?)
}

const SIZES: [usize; 5] = [0, 1, 65_536, 70_000, 4_500_000];

#[tokio::test]
async fn what_was_moved_is_read_without_the_epoch_that_sealed_it() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let node = start(home);
    rotate(home, &node);
    let (carts, left) = (store_of("default", "main", "carts"), store_of("left", "main", "carts"));
    let large = vec![7; 1 << 20];
    let all: Vec<_> =
        (0..900_u32).map(|at| set(&format!("k/{at:04}"), &at.to_be_bytes())).collect();
    write(&node.stores, &carts, &all).await?;
    // One leaf that takes more than one step.
    for at in 0..6 {
        write(&node.stores, &carts, &[set(&format!("large/{at}"), &large)]).await?;
    }
    write(&node.stores, &left, &[set("a", b"1")]).await?;
    let photos = container("photos");
    for size in SIZES {
        put(&node.blobs, &photos, &format!("{size}"), &pattern(size)).await?;
    }
    let upload = begin(&node.blobs, &photos).await?;
    append(&node.blobs, &upload, 0, &[1; 100_000]).await?;
    for number in 0..150 {
        node.queue.put(message(number, "f", b"payload"), WIDE).await?;
    }

    rotate(home, &node);
    write(&node.stores, &carts, &[set("k/0001", b"anew"), delete("k/0002")]).await?;
    let done = move_stores(&node.stores, "default").await?;
    assert_eq!(done, Done { moved: 904, damaged: 0, whole: true });
    assert_eq!(move_stores(&node.stores, "default").await?.moved, 0, "nothing is done twice");
    assert_eq!(move_blobs(&node, &photos).await?, SIZES.len() as u64);
    assert_eq!(move_queue(&node).await?, (150, 0));
    let mut files = FileCount::default();
    node.blobs.count_files(&photos, &mut files).await?;
    assert_eq!(files.objects, BTreeMap::from([(Epoch(3), SIZES.len() as u64)]));
    assert_eq!(files.uploads, BTreeMap::from([(Epoch(2), 1)]), "an upload stays until it ends");
    assert_eq!(count(home, 2, epochs::VALUES)?, 1, "the other tenant's");
    assert_eq!(count(home, 3, epochs::VALUES)?, 905);
    for kind in [epochs::CALLS, epochs::ENTRIES, epochs::CONTAINERS] {
        assert_eq!(count(home, 2, kind)?, 0, "{kind}");
    }
    let with_all = std::fs::read(home.join("root.key"))?;
    retire(home, &node, 2)?;
    drop(node);

    let node = start(home);
    for at in 0..900_u32 {
        let expect = match at {
            1 => Some(b"anew".to_vec()),
            2 => None,
            _ => Some(at.to_be_bytes().to_vec()),
        };
        let found = value(&node.stores, &carts, &format!("k/{at:04}")).await?;
        assert_eq!(found.map(|value| value.to_vec()), expect, "{at}");
    }
    assert_eq!(value(&node.stores, &carts, "large/5").await?.as_deref(), Some(&large[..]));
    assert_eq!(node.stores.verify(&TenantName::parse("default")?).await?, [""; 0]);
    for size in SIZES {
        assert_eq!(read(&node.blobs, &photos, &format!("{size}")).await?, Some(pattern(size)));
    }
    let leased = node.queue.lease(want(1_000, 200)).await?.items;
    assert_eq!(leased.len(), 150);
    assert!(leased.iter().all(|item| &item.payload[..] == b"payload"));
    // What was not moved needs the epoch, and is there when it is back.
    assert!(value(&node.stores, &left, "a").await.is_err());
    assert!(append(&node.blobs, &upload, 100_000, b"more").await.is_err());
    drop(node);
    std::fs::write(home.join("root.key"), with_all)?;
    let node = start(home);
    assert_eq!(value(&node.stores, &left, "a").await?.as_deref(), Some(&b"1"[..]));
    assert_eq!(offset(&node.blobs, &upload).await?, 100_000);
    Ok(())
}

#[tokio::test]
async fn a_queued_call_that_is_damaged_stays_and_the_others_move() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let node = start(home);
    for number in 0..100 {
        node.queue.put(message(number, "f", b"payload"), WIDE).await?;
    }
    rotate(home, &node);
    node.queue.put(message(100, "f", b"payload"), WIDE).await?;
    drop(node);
    let queue = rusqlite::Connection::open(home.join("queue.db"))?;
    let sql = "UPDATE message SET payload = zeroblob(length(payload)) WHERE seq = 50";
    assert_eq!(queue.execute(sql, [])?, 1);
    drop(queue);
    let node = start(home);
    assert_eq!(move_queue(&node).await?, (99, 1));
    assert_eq!(move_queue(&node).await?, (0, 1));
    assert_eq!((count(home, 1, epochs::CALLS)?, count(home, 2, epochs::CALLS)?), (1, 100));
    let leased = node.queue.lease(want(1_000, 200)).await?.items;
    assert_eq!(leased.len(), 100);
    Ok(())
}
