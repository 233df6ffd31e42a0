//! Packages are laid out whole, found again, mended, and go.

use super::*;
use aws_lc_rs::digest::{SHA256, digest};
use model::listing::{CHUNK_BYTES, File, VERSION};
use ports::memory::artifacts::Artifacts as Memory;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Digest(out)
}

struct Rig {
    home: tempfile::TempDir,
    artifacts: Arc<Memory>,
}

impl Rig {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        Self { home, artifacts: Arc::new(Memory::new(sha256)) }
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("packages")
    }

    fn open(&self) -> Packages {
        let artifacts = Arc::clone(&self.artifacts) as _;
        Packages::open(self.directory(), artifacts, Handle::current()).expect("opened")
    }

    async fn keep(&self, bytes: &[u8]) -> Digest {
        let digest = sha256(bytes);
        self.artifacts.put(digest, bytes.to_vec().into()).await.expect("kept");
        digest
    }

    /// Keeps the artifacts of a package, and gives its digest.
    async fn package(&self, files: &[(&str, &[u8], bool)]) -> Digest {
        let mut listed = Vec::new();
        for (path, bytes, executable) in files {
            let mut chunks = Vec::new();
            for piece in bytes.chunks(CHUNK_BYTES as usize) {
                chunks.push(self.keep(piece).await);
            }
            let (path, size) = ((*path).to_owned(), bytes.len() as u64);
            listed.push(File { path, size, chunks, executable: *executable });
        }
        self.keep(&Listing { v: VERSION, files: listed, root: None }.bytes()).await
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).expect("there");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("read").file_name();
        let mut names: Vec<String> =
            entries.map(name).map(|name| name.into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_laid_out_as_its_list_says() {
    let rig = Rig::new();
    let long: Vec<u8> = (0..CHUNK_BYTES * 2 + 7).map(|at| at as u8).collect();
    let files: [(&str, &[u8], bool); 4] = [
        ("bin/run", b"#!/bin/sh\n", true),
        ("lib/a/b.py", b"pass\n", false),
        ("lib/data", &long, false),
        ("none", b"", false),
    ];
    let package = rig.package(&files).await;
    let path = rig.open().lay_out(package).await.expect("laid out");
    assert_eq!(path, rig.directory().join(package.hex()));
    for (name, bytes, executable) in files {
        assert_eq!(fs::read(path.join(name)).expect(name), bytes);
        assert_eq!(mode(&path.join(name)), if executable { 0o755 } else { 0o644 });
    }
    assert_eq!((mode(&path), mode(&path.join("lib/a"))), (0o755, 0o755));
    let changed = fs::metadata(path.join("none")).expect("there").modified().expect("a time");
    let since = changed.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("later");
    assert_eq!(since.as_secs(), 315_532_800);
    assert_eq!(rig.names(), [package.hex()], "nothing is left beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_laid_out_is_used_again_and_what_was_changed_is_not() {
    type Harm = fn(&Path) -> io::Result<()>;
    let rig = Rig::new();
    let package = rig.package(&[("a/run", b"good", true), ("b", b"data", false)]).await;
    let path = rig.open().lay_out(package).await.expect("laid out");
    let before = fs::metadata(&path).expect("there");
    rig.open().lay_out(package).await.expect("found");
    let inode = |meta: &fs::Metadata| std::os::unix::fs::MetadataExt::ino(meta);
    assert_eq!(inode(&fs::metadata(&path).expect("there")), inode(&before), "it is the same one");

    let harms: [(&str, Harm); 10] = [
        ("another byte", |path| fs::write(path.join("a/run"), "evil")),
        ("more", |path| fs::write(path.join("b"), "data and more")),
        ("a file more", |path| fs::write(path.join("sitecustomize.py"), "evil")),
        ("a file less", |path| fs::remove_file(path.join("b"))),
        ("a directory more", |path| fs::create_dir(path.join("c"))),
        ("a link", |path| {
            fs::rename(path.join("b"), path.join("../c"))?;
            symlink("../c", path.join("b"))
        }),
        ("a second name", |path| fs::hard_link(path.join("b"), path.join("../d"))),
        ("another mode", |path| {
            fs::set_permissions(path.join("b"), fs::Permissions::from_mode(0o666))
        }),
        ("a directory for all", |path| {
            fs::set_permissions(path.join("a"), fs::Permissions::from_mode(0o777))
        }),
        ("no directory", |path| fs::remove_dir_all(path).and_then(|()| fs::write(path, "x"))),
    ];
    for (what, harm) in harms {
        harm(&path).expect(what);
        let path = rig.open().lay_out(package).await.expect(what);
        assert_eq!(fs::read(path.join("a/run")).expect(what), b"good", "{what}");
        assert_eq!(fs::read(path.join("b")).expect(what), b"data", "{what}");
        assert!(!fs::symlink_metadata(path.join("b")).expect(what).is_symlink(), "{what}");
        assert_eq!(fs::read_dir(&path).expect(what).count(), 2, "{what}");
        assert_eq!((mode(&path.join("a")), mode(&path.join("b"))), (0o755, 0o644), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_share_the_work_and_a_caller_that_leaves_does_not_stop_it() {
    let rig = Rig::new();
    let package = rig.package(&[("a", &vec![7; 3 << 20], false)]).await;
    let packages = Arc::new(rig.open());
    drop(tokio::time::timeout(std::time::Duration::ZERO, packages.lay_out(package)).await);
    let all: Vec<_> = (0..16)
        .map(|_| {
            let packages = Arc::clone(&packages);
            tokio::spawn(async move { packages.lay_out(package).await })
        })
        .collect();
    for one in all {
        one.await.expect("no panic").expect("laid out");
    }
    assert_eq!(packages.place.aside.load(Ordering::Relaxed), 1, "it was written once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_half_done_is_seen_or_stays() {
    let rig = Rig::new();
    let missing = File {
        path: "b".to_owned(),
        size: 1,
        chunks: vec![sha256(b"never sent")],
        executable: false,
    };
    let there = rig.keep(b"x").await;
    let first = File { path: "a".to_owned(), chunks: vec![there], ..missing.clone() };
    let list = Listing { v: VERSION, files: vec![first.clone(), missing], root: None };
    let list = rig.keep(&list.bytes()).await;
    let packages = rig.open();
    assert!(matches!(packages.lay_out(list).await, Err(Error::Artifact(_))));
    assert!(rig.names().is_empty(), "{:?}", rig.names());
    // What came meanwhile is found when it is asked for again.
    rig.keep(b"never sent").await;
    packages.lay_out(list).await.expect("laid out");

    let clash = File { path: "a/b".to_owned(), ..first.clone() };
    let clash =
        rig.keep(&Listing { v: VERSION, files: vec![first, clash], root: None }.bytes()).await;
    assert!(matches!(packages.lay_out(clash).await, Err(Error::List(_))));
    let unknown = packages.lay_out(sha256(b"unknown")).await;
    assert!(matches!(unknown, Err(Error::Artifact(ports::artifacts::Error::Missing(_)))));

    // A crash leaves what was not whole.
    fs::create_dir(rig.directory().join(format!("{}{ASIDE}3", list.hex()))).expect("made");
    fs::write(rig.directory().join("stray"), "x").expect("written");
    rig.open();
    assert_eq!(rig.names(), [list.hex()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_goes_and_comes_back_when_it_is_asked_for() {
    let rig = Rig::new();
    let (old, new) =
        (rig.package(&[("a", b"old", false)]).await, rig.package(&[("a", b"new", false)]).await);
    let packages = rig.open();
    for package in [old, new] {
        packages.lay_out(package).await.expect("laid out");
    }
    assert_eq!(packages.keep_only(&BTreeSet::from([new])), 1);
    assert_eq!(rig.names(), [new.hex()]);
    assert_eq!(packages.keep_only(&BTreeSet::from([new])), 0);
    let again = packages.lay_out(old).await.expect("laid out again");
    assert_eq!(fs::read(again.join("a")).expect("there"), b"old");
}
