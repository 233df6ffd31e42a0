//! That files carry a log whole, and that files which are not a log are refused by name.

use super::*;
use crate::tests::{EDGES, key, log};
use crate::verify;
use proptest::prelude::*;

type Files = Vec<(String, Vec<u8>)>;

fn exported(size: u64) -> Files {
    export(&log(size)).unwrap()
}

fn without(files: Files, path: &str) -> Files {
    files.into_iter().filter(|(name, _)| name != path).collect()
}

fn file<'a>(files: &'a mut Files, path: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(name, _)| name == path).unwrap().1
}

#[test]
fn what_was_exported_is_imported_the_same_and_verifies() {
    for size in EDGES {
        let log = log(size);
        let imported = import(export(&log).unwrap()).unwrap();
        assert_eq!(imported, log, "{size}");
        assert!(verify(&imported, &key(), None).is_ok());
    }
    assert_eq!(export(&Snapshot::default()), Ok(vec![]));
    assert_eq!(import([]), Ok(Snapshot::default()));
}

#[test]
fn paths_are_those_of_the_document() {
    let names: Vec<String> = exported(513).into_iter().map(|(path, _)| path).collect();
    for path in [
        "checkpoint",
        "checkpoints/001",
        "checkpoints/513",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/1",
    ] {
        assert!(names.iter().any(|name| name == path), "{path}");
    }
    assert_eq!(names.len(), 1 + 513 + 4 + 3);
}

#[test]
fn entry_bundles_give_each_length_in_sixteen_bits() {
    let leaves = [vec![], b"ab".to_vec(), vec![7; 65_535]];
    let bytes = bundle(0, &leaves).unwrap();
    assert_eq!(bytes[..6], [0, 0, 0, 2, b'a', b'b']);
    assert_eq!(unbundle(&bytes).unwrap(), leaves);
    assert_eq!(bundle(1, &[vec![0; 65_536]]), Err(Error::LeafTooLong { number: 256 }));
}

#[test]
fn a_damaged_log_is_exported_as_it_is() {
    let mut log = log(257);
    log.leaves[3][0] ^= 1;
    log.checkpoints.remove(5);
    log.tiles.remove(0);
    assert_eq!(import(export(&log).unwrap()).unwrap(), log);
}

#[test]
fn a_log_that_no_files_can_say_is_not_exported() {
    for (level, length) in [(0, 0), (0, 33), (0, 257 * 32), (64, 32)] {
        let tile = Tile { level, index: 0, hashes: vec![0; length] };
        let log = Snapshot { tiles: vec![tile], ..Snapshot::default() };
        assert_eq!(export(&log), Err(Error::TileShape { level, index: 0 }));
    }
    let mut log = log(2);
    log.checkpoints[1].0 = 1;
    assert_eq!(export(&log), Err(Error::Twice { path: "checkpoints/001".to_owned() }));
}

#[test]
fn a_changed_file_is_found_by_its_name_or_by_the_verifier() {
    for path in ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000"] {
        let mut files = exported(257);
        let bytes = file(&mut files, path);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let log = import(files).unwrap();
        assert!(verify(&log, &key(), None).is_err(), "{path}");
    }
}

#[test]
fn files_that_do_not_hold_what_their_name_says_are_refused() {
    for (path, code) in [
        ("tile/0/000", Code::TileAltered),
        ("tile/1/000.p/1", Code::TileAltered),
        ("tile/entries/000", Code::LeafAltered),
        ("tile/entries/001.p/1", Code::LeafAltered),
    ] {
        let mut files = exported(257);
        file(&mut files, path).pop();
        let error = import(files).unwrap_err();
        assert_eq!(error, Error::Content { path: path.to_owned() });
        assert_eq!(error.problem().code, code);
    }
    let mut files = exported(2);
    file(&mut files, "checkpoints/001").push(0xff);
    assert!(matches!(import(files), Err(Error::Content { .. })));
}

#[test]
fn the_newest_checkpoint_must_be_the_newest() {
    let files = exported(3);
    let missing = import(without(files.clone(), "checkpoint"));
    assert_eq!(missing, Err(Error::Missing { path: "checkpoint".to_owned() }));
    let stale = import(without(files.clone(), "checkpoints/003"));
    assert_eq!(stale, Err(Error::Contradiction { path: "checkpoint".to_owned() }));
    let only: Files =
        files.into_iter().filter(|(path, _)| !path.starts_with("checkpoints/")).collect();
    let log = import(only).unwrap();
    assert_eq!(log.checkpoints.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_gap_in_the_entries_is_named() {
    let missing = import(without(exported(600), "tile/entries/001"));
    assert_eq!(missing, Err(Error::Missing { path: "tile/entries/001".to_owned() }));
}

#[test]
fn older_partial_tiles_may_lie_beside_if_they_say_the_same() {
    let mut files = exported(257);
    let old = exported(200);
    files.extend(old.iter().filter(|(path, _)| path.starts_with("tile/")).cloned());
    assert_eq!(import(files.clone()).unwrap(), log(257));
    let at = files.iter().position(|(path, _)| path == "tile/0/000.p/200").unwrap();
    files[at].1[0] ^= 1;
    let path = "tile/0/000.p/200".to_owned();
    assert_eq!(import(files), Err(Error::Contradiction { path }));
}

#[test]
fn names_that_are_not_a_ledgers_are_refused_where_they_matter() {
    for path in [
        "tile/0/../000",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/entries/",
        "tile/entries/000.p/256",
        "tile/x/000",
        "tile/",
        "checkpoints/1",
        "checkpoints/001.p/3",
    ] {
        let error = import([(path.to_owned(), vec![0; 32])]).unwrap_err();
        assert_eq!(error, Error::Name { path: path.to_owned() });
    }
    let other = ("README.md".to_owned(), b"hello".to_vec());
    assert_eq!(import([other]), Ok(Snapshot::default()));
}

proptest! {
    #[test]
    fn any_files_are_read_or_refused_without_a_panic(
        path in "(checkpoint|checkpoints/[0-9x/]{0,8}|tile/[0-9a-z/.]{0,20}|tile/entries/00[0-9])",
        bytes: Vec<u8>,
    ) {
        if let Ok(log) = import([(path, bytes)]) {
            let _ = verify(&log, &key(), None);
        }
    }
}
