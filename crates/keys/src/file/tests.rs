//! What a root key file must be, and what happens when it is not.

mod rotation;
mod sealed;

use super::form::{decode, encode};
use super::*;
use model::key::KeyPurpose;
use ports::KeyRing as _;
use proptest::prelude::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

/// A file of the first version.
fn good() -> String {
    format!("{VERSION_1}\nepoch 1\nkey {}\n", "5a".repeat(32))
}

/// Roots, each filled with one byte, in epochs that grow.
fn roots(bytes: &[u8]) -> Roots {
    let root = |(at, byte): (usize, &u8)| {
        Root::new(Epoch(at as u32 + 1), Some(NOW), Secret::new([*byte; 32])).unwrap()
    };
    Roots::all_of(bytes.iter().enumerate().map(root).collect()).unwrap()
}

/// A file of the second version, with two epochs.
fn two() -> String {
    encode(&roots(&[0x5a, 0x3c]), None).unwrap().to_string()
}

fn read_open(text: &[u8]) -> Option<Roots> {
    match decode(text) {
        Ok(Form::Open(roots)) => Some(roots),
        _ => None,
    }
}

fn secrets(roots: &Roots) -> Vec<(u32, [u8; 32])> {
    roots.all().map(|root| (root.epoch.0, *root.secret.expose())).collect()
}

#[test]
fn a_new_file_opens_as_the_same_root_and_is_private() {
    let home = directory();
    let path = home.path().join("root.key");
    let made = RootKeyFile::create(&path, NOW, None).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(RootKeyFile::open(&path, None).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn two_new_roots_differ() {
    let home = directory();
    let a = RootKeyFile::create(&home.path().join("a"), NOW, None).unwrap();
    let b = RootKeyFile::create(&home.path().join("b"), NOW, None).unwrap();
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, "mine", 0o600);
    let error = RootKeyFile::create(&path, NOW, None).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_dangling_link_is_not_written_through() {
    let home = directory();
    let path = home.path().join("root.key");
    symlink(home.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(RootKeyFile::create(&path, NOW, None), Err(Error::Exists { .. })));
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn a_missing_directory_is_an_error_of_the_home() {
    let home = directory();
    let error = RootKeyFile::create(&home.path().join("no/root.key"), NOW, None).unwrap_err();
    assert_eq!(error.problem().code, Code::BadHome);
}

#[test]
fn a_missing_file_has_its_own_code() {
    let home = directory();
    let error = RootKeyFile::open(&home.path().join("root.key"), None).unwrap_err();
    assert_eq!(error.problem().code, Code::RootKeyMissing);
}

#[test]
fn what_others_could_read_is_refused() {
    let home = directory();
    let path = home.path().join("root.key");
    for mode in [0o640, 0o604, 0o660, 0o644, 0o610, 0o601] {
        write(&path, good(), mode);
        let error = RootKeyFile::open(&path, None).unwrap_err();
        assert_eq!(error.code(), Code::RootKeyUnsafe, "{mode:o}");
    }
    for mode in [0o600, 0o400] {
        write(&path, good(), mode);
        assert!(RootKeyFile::open(&path, None).is_ok(), "{mode:o}");
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
    assert!(RootKeyFile::open(&link, None).is_ok());
    write(&path, good(), 0o644);
    assert_eq!(RootKeyFile::open(&link, None).unwrap_err().code(), Code::RootKeyUnsafe);
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let home = directory();
    let pipe = home.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    for path in [pipe.as_path(), home.path(), Path::new("/dev/null")] {
        let error = RootKeyFile::open(path, None).unwrap_err();
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
    assert_eq!(RootKeyFile::open(&path, None).unwrap_err().code(), Code::RootKeyInvalid);
}

#[test]
fn errors_do_not_quote_the_file() {
    let home = directory();
    let path = home.path().join("root.key");
    write(&path, good().replace("key ", "kay "), 0o600);
    let error = RootKeyFile::open(&path, None).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("5a5a"));
}

/// Homes that exist have such a file, and what it seals is read for ever.
#[test]
fn the_first_version_is_read_as_it_was() {
    let read = read_open(good().as_bytes()).unwrap();
    assert_eq!(secrets(&read), [(1, [0x5a; 32])]);
    assert_eq!(read.founding().at, None);
}

#[test]
fn what_is_not_exactly_the_second_version_is_refused() {
    let text = two();
    let line = |at: usize| text.lines().nth(at).unwrap().to_owned();
    let (first, second, key) = (line(1), line(2), line(3));
    for changed in [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}{key}\n"),
        text.replace('\n', "\r\n"),
        text.replace(&format!("{first}\n"), ""),
        text.replace(&format!("{first}\n{second}\n"), &format!("{second}\n{first}\n")),
        text.replace(&second, &first),
        text.replace(&format!("{key}\n"), ""),
        text.replace("epoch 2", "epoch 02"),
        text.replace("epoch 2", "epoch 4294967296"),
        text.replace(&NOW.0.to_string(), "-1"),
        text.replace(&NOW.0.to_string(), "1e3"),
        text.replace("key 5a", "key 5b"),
        text.replace(&"5a".repeat(32), &"3c".repeat(32)),
        text.replace("key ", "sealed "),
        format!("{VERSION}\n"),
        format!("{VERSION}\n{first}\nargon2id 65536 3 4 {}\n", "00".repeat(16)),
        format!("{VERSION}\n{first}\nargon2id 4294967295 3 4 {}\nsealed 00\n", "00".repeat(16)),
        format!("{VERSION}\n{}key {}\n", format!("{first}\n").repeat(300), "5a".repeat(32)),
    ] {
        assert!(decode(changed.as_bytes()).is_err(), "{changed}");
    }
    assert_eq!(secrets(&read_open(text.as_bytes()).unwrap()), [(1, [0x5a; 32]), (2, [0x3c; 32])]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(decode(&bytes).is_err());
    }

    /// Text that is nearly a file, in pieces that a file has.
    #[test]
    fn any_lines_are_read_or_refused_without_a_panic(
        lines in proptest::collection::vec("(epoch|key|argon2id|sealed)( [0-9a-f]{1,40}){0,4}", 0..8),
        version in 1..4,
    ) {
        let text = format!("casemate root key v{version}\n{}\n", lines.join("\n"));
        let _ = decode(text.as_bytes());
    }

    #[test]
    fn what_is_written_is_read_back(
        bytes in proptest::collection::vec((any::<[u8; 32]>(), 1u32..1000, 0i64..), 1..9),
    ) {
        let mut epoch = 0;
        let drawn: Vec<Root> = bytes
            .iter()
            .filter(|(root, ..)| *root != [0; 32])
            .map(|(root, step, at)| {
                epoch += step;
                let at = (*at > 0).then_some(Timestamp(*at));
                Root::new(Epoch(epoch), at, Secret::new(*root)).unwrap()
            })
            .collect();
        prop_assume!(!drawn.is_empty());
        let written = Roots::all_of(drawn).unwrap();
        let text = encode(&written, None).unwrap();
        let read = read_open(text.as_bytes()).unwrap();
        prop_assert_eq!(secrets(&read), secrets(&written));
        let times = |roots: &Roots| roots.all().map(|root| root.at).collect::<Vec<_>>();
        prop_assert_eq!(times(&read), times(&written));
        prop_assert_eq!(&*encode(&read, None).unwrap(), &*text);
    }

    #[test]
    fn no_cut_of_a_file_is_a_root_key(length: proptest::sample::Index) {
        for text in [good(), two()] {
            prop_assert!(decode(&text.as_bytes()[..length.index(text.len())]).is_err());
        }
    }

    /// A root that was changed on the disk would be another root, and everything would seem lost.
    #[test]
    fn a_changed_digit_is_noticed(at: proptest::sample::Index, digit in 0usize..16) {
        let text = two();
        let from = text.find("\nkey ").unwrap();
        let at = from + at.index(text.len() - from);
        let mut changed = text.clone().into_bytes();
        changed[at] = b"0123456789abcdef"[digit];
        prop_assume!(changed != text.as_bytes());
        prop_assert!(decode(&changed).is_err());
    }
}
