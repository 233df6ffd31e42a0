//! Rotations: what is added, who wins, and what a crash leaves.

use super::*;

fn sealed(ring: &FileRing) -> Vec<u8> {
    let mut buffer = b"text".to_vec();
    let sealer = ring.sealer(ring.epoch(), KeyPurpose::Value, &["a"]).unwrap();
    sealer.seal(b"p", &mut buffer, 0).unwrap();
    buffer
}

fn opens(ring: &FileRing, epoch: u32, sealed: &[u8]) -> bool {
    let sealer = ring.sealer(Epoch(epoch), KeyPurpose::Value, &["a"]).unwrap();
    sealer.unseal(b"p", sealed).is_ok_and(|plain| plain == b"text")
}

fn names(home: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_is_in_the_file_before_it_is_used() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    let old = sealed(&ring);
    let rotation = RootKeyFile::rotate(&path, &ring, Epoch(1), Timestamp(NOW.0 + 1)).unwrap();
    assert_eq!((ring.epoch(), rotation.made().epoch), (Epoch(1), Epoch(2)));
    assert_eq!(RootKeyFile::open(&path, None).unwrap().epoch(), Epoch(2));
    rotation.begin(&ring);
    let new = sealed(&ring);
    assert!(opens(&ring, 1, &old) && opens(&ring, 2, &new));
    assert!(!opens(&ring, 2, &old) && !opens(&ring, 1, &new));
    let again = RootKeyFile::open(&path, None).unwrap();
    assert!(opens(&again, 1, &old) && opens(&again, 2, &new), "the file has both roots");
    assert_eq!(again.made(), ring.made());
    assert_eq!(again.made()[1].at, Some(Timestamp(NOW.0 + 1)));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(names(&home), ["root.key"]);
}

#[test]
fn a_file_of_the_first_version_is_rotated_too() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, good(), 0o600);
    let ring = RootKeyFile::open(&path, None).unwrap();
    let old = sealed(&ring);
    RootKeyFile::rotate(&path, &ring, Epoch(1), NOW).unwrap();
    let after = RootKeyFile::open(&path, None).unwrap();
    assert_eq!(after.fingerprint(), ring.fingerprint());
    assert!(opens(&after, 1, &old));
    assert_eq!(after.epoch(), Epoch(2));
}

#[test]
fn of_two_who_decided_on_the_same_epoch_one_wins_and_the_other_is_told() {
    let home = directory();
    let path = home.path().join("root.key");
    RootKeyFile::create(&path, NOW, None).unwrap();
    let outcomes: Vec<Result<Rotation, Error>> = std::thread::scope(|scope| {
        let rotate = || {
            let ring = RootKeyFile::open(&path, None).unwrap();
            RootKeyFile::rotate(&path, &ring, Epoch(1), NOW)
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(lost.code(), Code::RootKeyChanged, "{lost}");
    }
    let made = RootKeyFile::open(&path, None).unwrap().made();
    assert_eq!(made.len(), 2, "one epoch was added");
    assert_eq!(&made[1], won[0].made());
    assert_eq!(names(&home), ["root.key"]);
}

#[test]
fn whoever_holds_other_roots_than_the_file_does_not_rotate_it() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    for text in [two(), good()] {
        write(&path, &text, 0o600);
        let newest = RootKeyFile::open(&path, None).unwrap().epoch();
        let error = RootKeyFile::rotate(&path, &ring, newest, NOW).unwrap_err();
        assert_eq!(error.code(), Code::RootKeyChanged);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::remove_file(&path).unwrap();
    let error = RootKeyFile::rotate(&path, &ring, Epoch(1), NOW).unwrap_err();
    assert_eq!(error.code(), Code::RootKeyMissing);
    assert_eq!(names(&home), [""; 0]);
}

/// A crash between the draft and its name leaves the file as it was, and the next rotation takes
/// the draft's place; the root in it was never used.
#[test]
fn a_torn_rotation_leaves_the_file_as_it_was_and_the_next_one_clears_it_away() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    let before = std::fs::read(&path).unwrap();
    for torn in [two().into_bytes(), two().into_bytes()[..40].to_vec(), Vec::new()] {
        write(&home.path().join(".root.key.next"), torn, 0o600);
        assert_eq!(RootKeyFile::open(&path, None).unwrap().made(), ring.made());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    RootKeyFile::rotate(&path, &ring, Epoch(1), NOW).unwrap().begin(&ring);
    assert_eq!(RootKeyFile::open(&path, None).unwrap().made(), ring.made());
    assert_eq!(names(&home), ["root.key"]);
}

#[test]
fn a_link_to_the_file_stays_one() {
    let home = directory();
    let (path, link) = (home.path().join("root.key"), home.path().join("link"));
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    symlink(&path, &link).unwrap();
    RootKeyFile::rotate(&link, &ring, Epoch(1), NOW).unwrap();
    assert!(link.is_symlink());
    assert_eq!(RootKeyFile::open(&path, None).unwrap().epoch(), Epoch(2));
}

#[test]
fn there_is_a_last_epoch() {
    let home = directory();
    let path = home.path().join("root.key");
    let full = roots(&[7; Roots::MAX]);
    write(&path, &*encode(&full, None).unwrap(), 0o600);
    let ring = RootKeyFile::open(&path, None).unwrap();
    let error = RootKeyFile::rotate(&path, &ring, ring.epoch(), NOW).unwrap_err();
    assert_eq!(error.code(), Code::EpochsFull);
    let last = Root::new(Epoch(u32::MAX), None, Secret::new([7; 32])).unwrap();
    write(&path, &*encode(&Roots::of(last), None).unwrap(), 0o600);
    let ring = RootKeyFile::open(&path, None).unwrap();
    let error = RootKeyFile::rotate(&path, &ring, Epoch(u32::MAX), NOW).unwrap_err();
    assert_eq!(error.code(), Code::EpochsFull);
}

#[test]
fn a_copy_is_put_back_where_nothing_is_lost_by_it() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = |text: &str| {
        let path = home.path().join("copy");
        write(&path, text, 0o600);
        RootKeyFile::open(&path, None).unwrap()
    };
    let (one, both) = (ring(&good()), ring(&two()));
    assert_eq!(RootKeyFile::put_back(&path, &one, None).unwrap(), Taken::Written);
    assert_eq!(RootKeyFile::put_back(&path, &one, None).unwrap(), Taken::There);
    assert_eq!(RootKeyFile::put_back(&path, &both, None).unwrap(), Taken::Replaced);
    assert_eq!(RootKeyFile::open(&path, None).unwrap().made(), both.made());
    let before = std::fs::read(&path).unwrap();
    let older = RootKeyFile::put_back(&path, &one, None).unwrap_err();
    assert_eq!(older.code(), Code::RootKeyOlder);
    let other = ring(&encode(&roots(&[1, 2, 3]), None).unwrap());
    assert_eq!(RootKeyFile::put_back(&path, &other, None).unwrap_err().code(), Code::RootKeyThere);
    let parted = ring(&encode(&roots(&[0x5a, 9, 3]), None).unwrap());
    assert_eq!(RootKeyFile::put_back(&path, &parted, None).unwrap_err().code(), Code::RootKeyThere);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    write(&path, "mine", 0o600);
    assert_eq!(RootKeyFile::put_back(&path, &both, None).unwrap_err().code(), Code::RootKeyThere);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn an_epoch_between_the_first_and_the_newest_goes_and_no_other() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    let mut of_each = vec![sealed(&ring)];
    for from in 1..4 {
        RootKeyFile::rotate(&path, &ring, Epoch(from), NOW).unwrap().begin(&ring);
        of_each.push(sealed(&ring));
    }
    for stays in [0, 1, 4, 5] {
        let retired = RootKeyFile::retire(&path, &ring, Epoch(stays));
        assert!(matches!(retired, Err(Error::Stays { .. })), "{stays}: {retired:?}");
    }
    RootKeyFile::retire(&path, &ring, Epoch(2)).unwrap();
    let again = RootKeyFile::open(&path, None).unwrap();
    for ring in [&ring, &again] {
        assert_eq!(ring.epochs(), [Epoch(1), Epoch(3), Epoch(4)]);
        assert_eq!((ring.founding(), ring.epoch()), (Epoch(1), Epoch(4)));
        assert!(ring.sealer(Epoch(2), KeyPurpose::Value, &["a"]).is_err(), "its root is gone");
        for epoch in [1, 3, 4_u32] {
            assert!(opens(ring, epoch, &of_each[epoch as usize - 1]), "{epoch}");
        }
    }
    assert!(RootKeyFile::retire(&path, &ring, Epoch(2)).is_err(), "it is gone already");
    RootKeyFile::rotate(&path, &ring, Epoch(4), NOW).unwrap().begin(&ring);
    assert_eq!(ring.epoch(), Epoch(5), "no number is used twice");
    assert_eq!(names(&home), ["root.key"]);
}

#[test]
fn an_epoch_goes_only_from_the_file_that_is_in_use() {
    let home = directory();
    let path = home.path().join("root.key");
    let ring = RootKeyFile::create(&path, NOW, None).unwrap();
    for from in 1..3 {
        RootKeyFile::rotate(&path, &ring, Epoch(from), NOW).unwrap().begin(&ring);
    }
    // Somebody rotated meanwhile, and this ring does not know.
    let other = RootKeyFile::open(&path, None).unwrap();
    RootKeyFile::rotate(&path, &other, Epoch(3), NOW).unwrap();
    let before = std::fs::read(&path).unwrap();
    let retired = RootKeyFile::retire(&path, &ring, Epoch(2));
    assert!(matches!(retired, Err(Error::Changed { .. })), "{retired:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(ring.epochs(), [Epoch(1), Epoch(2), Epoch(3)]);
}
