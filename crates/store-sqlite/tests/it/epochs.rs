//! A root key that is rotated while the stores are in use, and opened from its file again.

use anyhow::Result;
use casemate_store_sqlite::{Blobs, Queue, Stores, epochs, kv};
use keys::{FileRing, RootKeyFile};
use model::key::Epoch;
use model::{TenantName, Timestamp};
use ports::Queue as _;
use std::path::Path;
use std::sync::Arc;
use testkit::blobs::{append, begin, container, offset, put, read};
use testkit::keyvalue::{set, store_of, value, write};
use testkit::queue::{WIDE, message, want};

/// Anchors that remember nothing: these tests are not about files from before.
struct Forgetful;

impl kv::Anchors for Forgetful {
    fn load(&self, _: &TenantName) -> Result<Option<u64>, casemate_store_sqlite::Error> {
        Ok(None)
    }

    fn raise(&self, _: &TenantName, _: u64) -> Result<(), casemate_store_sqlite::Error> {
        Ok(())
    }
}

pub(super) struct Node {
    pub(super) ring: Arc<FileRing>,
    pub(super) stores: Stores,
    pub(super) blobs: Blobs,
    pub(super) queue: Queue,
}

/// Opens everything in a home, as a node would.
pub(super) fn start(home: &Path) -> Node {
    let file = home.join("root.key");
    let ring = if file.exists() {
        RootKeyFile::open(&file, None)
    } else {
        RootKeyFile::create(&file, Timestamp(1), None)
    };
    let ring = Arc::new(ring.expect("ring"));
    let keys = || Arc::clone(&ring) as Arc<dyn ports::KeyRing>;
    Node {
        stores: Stores::open(home, keys(), Arc::new(Forgetful)).expect("stores"),
        blobs: Blobs::open(home, keys(), Arc::new(Forgetful)).expect("blobs"),
        queue: Queue::open(home, keys()).expect("queue"),
        ring,
    }
}

pub(super) fn rotate(home: &Path, node: &Node) {
    let from = ports::KeyRing::epoch(&*node.ring);
    let rotated = RootKeyFile::rotate(&home.join("root.key"), &node.ring, from, Timestamp(2));
    rotated.expect("rotated").begin(&node.ring);
}

#[tokio::test]
async fn what_each_epoch_sealed_is_read_after_rotations_and_restarts() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let photos = container("photos");
    let node = start(home);
    let upload = begin(&node.blobs, &photos).await?;
    append(&node.blobs, &upload, 0, &[1; 100_000]).await?;
    drop(node);
    for round in 1..=3_u32 {
        let node = start(home);
        // A tenant of its own in each epoch, and one in all of them.
        let own = store_of(&format!("tenant-{round}"), "main", "carts");
        let shared = store_of("shared", "main", "carts");
        let (name, bytes) = (format!("{round}"), [round as u8; 70_000]);
        write(&node.stores, &own, &[set("a", &bytes[..10])]).await?;
        write(&node.stores, &shared, &[set(&name, &bytes[..10])]).await?;
        put(&node.blobs, &photos, &name, &bytes).await?;
        node.queue.put(message(round, "f", b"payload"), WIDE).await?;
        rotate(home, &node);
        for past in 1..=round {
            let (name, bytes) = (format!("{past}"), [past as u8; 70_000]);
            let own = store_of(&format!("tenant-{past}"), "main", "carts");
            assert_eq!(value(&node.stores, &own, "a").await?.as_deref(), Some(&bytes[..10]));
            assert_eq!(value(&node.stores, &shared, &name).await?.as_deref(), Some(&bytes[..10]));
            assert_eq!(read(&node.blobs, &photos, &name).await?.as_deref(), Some(&bytes[..]));
        }
    }
    let node = start(home);
    assert_eq!(offset(&node.blobs, &upload).await?, 100_000, "an upload of the first epoch");
    let leased = node.queue.lease(want(10, 10)).await?.items;
    assert_eq!(leased.len(), 3);
    assert!(leased.iter().all(|item| &item.payload[..] == b"payload"));
    for tenant in ["tenant-1", "tenant-3", "shared"] {
        let found = node.stores.verify(&TenantName::parse(tenant)?).await?;
        assert_eq!(found, [""; 0], "{tenant}");
    }
    let count = epochs::count(home)?;
    let of = |epoch, kind| count.get(&(Epoch(epoch), kind)).copied().unwrap_or_default();
    for epoch in 1..=3 {
        assert_eq!(of(epoch, "queued calls"), 1, "{count:?}");
        // What is written to the shared tenant's leaf counts as old as that, until it is moved.
        let shared = if epoch == 1 { 3 } else { 0 };
        assert_eq!(of(epoch, "values of key-value stores"), 1 + shared, "{count:?}");
    }
    assert!(count.keys().all(|(epoch, _)| epoch.0 <= 3), "nothing came after the last rotation");
    Ok(())
}

/// What was sealed after a rotation is not read, and not lost, with the file from before.
#[tokio::test]
async fn without_its_epoch_nothing_is_read_and_nothing_is_lost() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    let at = store_of("late", "main", "carts");
    let node = start(home);
    let old = std::fs::read(home.join("root.key"))?;
    rotate(home, &node);
    write(&node.stores, &at, &[set("a", b"1")]).await?;
    drop(node);
    let new = std::fs::read(home.join("root.key"))?;
    std::fs::write(home.join("root.key"), &old)?;
    let node = start(home);
    assert!(value(&node.stores, &at, "a").await.is_err());
    assert!(write(&node.stores, &at, &[set("a", b"2")]).await.is_err());
    drop(node);
    std::fs::write(home.join("root.key"), &new)?;
    assert_eq!(value(&start(home).stores, &at, "a").await?.as_deref(), Some(&b"1"[..]));
    Ok(())
}

#[test]
fn a_home_that_is_empty_has_nothing_of_any_epoch() -> Result<()> {
    let home = tempfile::tempdir()?;
    assert!(epochs::count(home.path())?.is_empty());
    assert_eq!(epochs::known(home.path())?, epochs::Known::default());
    assert_eq!(std::fs::read_dir(home.path())?.count(), 0, "looking makes nothing");
    Ok(())
}
