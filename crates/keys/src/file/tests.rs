//! What a root key file must be, and what happens when it is not.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn good() -> String {
    format!("{VERSION}\nepoch 1\nkey {}\n", "5a".repeat(32))
}

#[test]
fn a_new_file_opens_as_the_same_root_and_is_private() {
    let home = directory();
    let path = home.path().join("root.key");
    let made = RootKeyFile::create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(RootKeyFile::open(&path).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn two_new_roots_differ() {
    let home = directory();
    let a = RootKeyFile::create(&home.path().join("a")).unwrap();
    let b = RootKeyFile::create(&home.path().join("b")).unwrap();
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, "mine", 0o600);
    let error = RootKeyFile::create(&path).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_dangling_link_is_not_written_through() {
    let home = directory();
    let path = home.path().join("root.key");
    symlink(home.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(RootKeyFile::create(&path), Err(Error::Exists { .. })));
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn a_missing_directory_is_an_error_of_the_home() {
    let home = directory();
    let error = RootKeyFile::create(&home.path().join("no/root.key")).unwrap_err();
    assert_eq!(error.problem().code, Code::BadHome);
}

#[test]
fn a_missing_file_has_its_own_code() {
    let home = directory();
    let error = RootKeyFile::open(&home.path().join("root.key")).unwrap_err();
    assert_eq!(error.problem().code, Code::RootKeyMissing);
}

#[test]
fn what_others_could_read_is_refused() {
    let home = directory();
    let path = home.path().join("root.key");
    for mode in [0o640, 0o604, 0o660, 0o644, 0o610, 0o601] {
        write(&path, good(), mode);
        let error = RootKeyFile::open(&path).unwrap_err();
        assert_eq!(error.code(), Code::RootKeyUnsafe, "{mode:o}");
    }
    for mode in [0o600, 0o400] {
        write(&path, good(), mode);
        assert!(RootKeyFile::open(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, good(), 0o600);
    let file = File::open(&path).unwrap();
    let mut stat = rustix::fs::fstat(&file).unwrap();
    assert!(check(&path, &stat).is_ok());
    stat.st_uid += 1;
    assert_eq!(check(&path, &stat).unwrap_err().code(), Code::RootKeyUnsafe);
}

#[test]
fn a_link_counts_as_the_file_that_it_leads_to() {
    let home = directory();
    let (path, link) = (home.path().join("root.key"), home.path().join("link"));
    symlink(&path, &link).unwrap();
    write(&path, good(), 0o600);
    assert!(RootKeyFile::open(&link).is_ok());
    write(&path, good(), 0o644);
    assert_eq!(RootKeyFile::open(&link).unwrap_err().code(), Code::RootKeyUnsafe);
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let home = directory();
    let pipe = home.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    for path in [pipe.as_path(), home.path(), Path::new("/dev/null")] {
        let error = RootKeyFile::open(path).unwrap_err();
        assert_eq!(error.code(), Code::RootKeyInvalid, "{path:?}");
    }
}

#[test]
fn what_is_not_exactly_a_root_key_is_refused() {
    let key = "5a".repeat(32);
    for text in [
        String::new(),
        "\n".to_owned(),
        good().trim_end().to_owned(),
        format!("{}\n", good()),
        format!(" {}", good()),
        good().replace("v1", "v2"),
        good().replace("epoch 1", "epoch 0"),
        good().replace("epoch 1", "epoch 01"),
        good().replace("epoch 1", "epoch +1"),
        good().replace("epoch 1", "epoch 4294967296"),
        good().replace("epoch 1\n", ""),
        good().replace(&key, &key[..62]),
        good().replace(&key, &format!("{key}00")),
        good().replace(&key, &key.replace('5', "g")),
        good().replace(&key, &"00".repeat(32)),
        good().replace('\n', "\r\n"),
        "x".repeat(100_000),
    ] {
        assert!(decode(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(decode(good().as_bytes()).is_ok());
}

#[test]
fn a_file_that_is_too_long_is_refused_from_its_beginning() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, good() + &"\n".repeat(100_000), 0o600);
    assert_eq!(RootKeyFile::open(&path).unwrap_err().code(), Code::RootKeyInvalid);
}

#[test]
fn errors_do_not_quote_the_file() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, good().replace("key ", "kay "), 0o600);
    let error = RootKeyFile::open(&path).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("5a5a"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn what_is_written_is_read_back(root: [u8; 32], epoch in 1u32..) {
        prop_assume!(root != [0; 32]);
        let text = encode(Epoch(epoch), &Secret::new(root));
        let (epoch_read, root_read) = decode(text.as_bytes()).unwrap();
        prop_assert_eq!((epoch_read, *root_read.expose()), (Epoch(epoch), root));
    }

    #[test]
    fn no_cut_of_a_file_is_a_root_key(length in 0usize..94) {
        let text = good();
        prop_assert!(decode(&text.as_bytes()[..length.min(text.len() - 1)]).is_err());
    }
}
