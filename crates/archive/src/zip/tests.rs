//! Archives that are taken, and what is wrong with all others.

use super::*;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::io::Write as _;

/// An entry as it is to be written, with what is to be wrong with it.
#[derive(Clone)]
struct Given {
    name: Vec<u8>,
    content: Vec<u8>,
    mode: u32,
    deflate: bool,
    flags: u16,
    method: Option<u16>,
    checksum: Option<u32>,
    size: Option<u32>,
    local_name: Option<Vec<u8>>,
    /// Where its header is said to be.
    offset: Option<u32>,
}

fn given(name: &str, content: &[u8]) -> Given {
    Given {
        name: name.as_bytes().to_vec(),
        content: content.to_vec(),
        mode: if name.ends_with('/') { 0o040_755 } else { 0o100_644 },
        deflate: false,
        flags: 0,
        method: None,
        checksum: None,
        size: None,
        local_name: None,
        offset: None,
    }
}

fn made(entries: &[Given]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let packed = if entry.deflate {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&entry.content).expect("packed");
            encoder.finish().expect("packed")
        } else {
            entry.content.clone()
        };
        let checksum = entry.checksum.unwrap_or_else(|| crc32fast::hash(&entry.content));
        let size = entry.size.unwrap_or(entry.content.len() as u32);
        let method = entry.method.unwrap_or(if entry.deflate { 8 } else { 0 });
        let offset = entry.offset.unwrap_or(out.len() as u32);
        let shared = |out: &mut Vec<u8>, name: &[u8]| {
            out.extend(20u16.to_le_bytes());
            out.extend(entry.flags.to_le_bytes());
            out.extend(method.to_le_bytes());
            out.extend([0; 4]);
            out.extend(checksum.to_le_bytes());
            out.extend((packed.len() as u32).to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0; 2]);
        };
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        out.extend(b"PK\x03\x04");
        shared(&mut out, local);
        out.extend(local);
        out.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\x03");
        shared(&mut directory, &entry.name);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}

fn read(bytes: &[u8]) -> Result<Archive, Refusal> {
    Archive::read(bytes.into(), 1 << 30)
}

fn refusal(entries: &[Given]) -> String {
    let refusal = read(&made(entries)).expect_err("refused");
    match &refusal {
        Refusal::Unreadable(_) => format!("unreadable: {refusal}"),
        Refusal::Damaged { .. } => format!("damaged: {refusal}"),
        Refusal::Entry { .. } => format!("entry: {refusal}"),
        Refusal::TooLarge(_) => format!("large: {refusal}"),
    }
}

fn content(archive: &Archive, at: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.open(at)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn files_are_read_with_their_names_and_whether_they_are_programs() {
    let long: Vec<u8> = (0..100_000u32).map(|at| (at / 7) as u8).collect();
    let archive = read(&made(&[
        Given { mode: 0o040_755, ..given("lib/", b"") },
        Given { mode: 0o100_755, ..given("bootstrap", b"#!/bin/sh\n") },
        Given { deflate: true, ..given("lib/e\u{301}.bin", &long) },
        Given { mode: 0, ..given("empty", b"") },
    ]))
    .expect("read");
    let files: Vec<_> =
        archive.entries().iter().map(|entry| (entry.name.as_str(), entry.executable)).collect();
    let wanted = [("bootstrap", Some(true)), ("lib/\u{e9}.bin", Some(false)), ("empty", None)];
    assert_eq!(files, wanted);
    assert_eq!(content(&archive, 0).expect("read"), b"#!/bin/sh\n");
    assert_eq!(content(&archive, 1).expect("read"), long);
    assert_eq!(content(&archive, 2).expect("read"), b"");
}

#[test]
fn names_that_lead_out_or_mean_two_things_are_refused() {
    for (name, why) in [
        ("../a", "no `..`"),
        ("a/../../b", "no `..`"),
        ("/etc/passwd", "no empty part"),
        ("./a", "no `.`"),
        ("a//b", "no empty part"),
        ("", "1 to 1024"),
        ("..\\a", "separator"),
        ("C:\\a", "separator"),
        ("a\0b", "control character"),
        ("a\u{202e}b", "control character"),
    ] {
        let said = refusal(&[given("fine", b""), given(name, b"x")]);
        assert!(said.starts_with("entry: ") && said.contains(why), "{name:?}: {said}");
        assert!(!said.contains(['\0', '\u{202e}']), "{said:?}");
    }
    let latin = Given { name: b"caf\xe9".to_vec(), ..given("", b"") };
    assert_eq!(refusal(&[latin]), "entry: `caf\u{fffd}`: its name is no UTF-8");
    for (one, other) in [
        ("a", "a"),
        ("a/b", "A/B"),
        ("\u{e9}", "e\u{301}"),
        ("a/", "a"),
        ("stra\u{df}e", "STRA\u{df}E"),
    ] {
        let said = refusal(&[given(one, b""), given(other, b"")]);
        assert!(said.contains("another entry has the same name"), "{one} {other}: {said}");
    }
}

#[test]
fn what_is_no_ordinary_file_is_refused() {
    for (mode, why) in [
        (0o120_777, "`x`: it is a symbolic link"),
        (0o060_600, "`x`: it is no ordinary file"),
        (0o020_600, "`x`: it is no ordinary file"),
        (0o010_600, "`x`: it is no ordinary file"),
        (0o140_600, "`x`: it is no ordinary file"),
        (0o040_755, "`x`: it is no ordinary file"),
    ] {
        assert_eq!(refusal(&[Given { mode, ..given("x", b"/etc") }]), format!("entry: {why}"));
    }
    let directory = Given { mode: 0o040_755, ..given("x/", b"content") };
    assert!(refusal(&[directory]).contains("a directory with content"));
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_is_unpacked() {
    for flags in [1, 1 << 6, 1 << 13] {
        let said = refusal(&[Given { flags, ..given("x", b"") }]);
        assert_eq!(said, "damaged: `x`: it is encrypted");
    }
    for method in [1, 9, 12, 14, 93, 99] {
        let said = refusal(&[Given { method: Some(method), ..given("x", b"") }]);
        assert!(said.contains("another method"), "{said}");
    }
    let two_names = Given { local_name: Some(b"y".to_vec()), ..given("x", b"") };
    assert!(refusal(&[two_names]).contains("says something else"));
    let two_sizes = Given { size: Some(7), ..given("x", b"123") };
    assert!(refusal(&[two_sizes]).contains("two sizes"));
    let elsewhere = Given { offset: Some(3), ..given("x", b"") };
    assert!(refusal(&[elsewhere]).contains("not where it should be"));
    let same = Given { offset: Some(0), ..given("x", b"") };
    let overlap = [given("x", b""), Given { local_name: Some(b"x".to_vec()), ..same }];
    assert!(refusal(&overlap).contains("shares bytes"), "{}", refusal(&overlap));
}

#[test]
fn an_archive_with_more_or_less_than_itself_is_none() {
    let whole = made(&[given("a", b"one"), Given { deflate: true, ..given("b", b"two") }]);
    assert!(read(&whole).is_ok());
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
    }
    for (before, after) in [(&b"#!/bin/sh\n"[..], &b""[..]), (b"", b"\0"), (b"", whole.as_slice())]
    {
        let more = [before, &whole, after].concat();
        assert!(matches!(read(&more), Err(Refusal::Unreadable(_))));
    }
    // A comment is part of it, but not one that is an end as well.
    let end = whole.len() - 2;
    let comment = |text: &[u8]| [&whole[..end], &(text.len() as u16).to_le_bytes(), text].concat();
    assert!(read(&comment(b"made by hand")).is_ok());
    let second = comment(&whole[whole.len() - END_BYTES..]);
    assert_eq!(read(&second).expect_err("refused"), Refusal::Unreadable("it has two ends"));
    assert!(read(b"").is_err());
    assert!(read(&made(&[])).expect("an empty one").entries().is_empty());
}

#[test]
fn bombs_are_refused_by_what_they_announce_and_stop_at_it() {
    let zeros = Given { deflate: true, ..given("zeros", &vec![0; 20 << 20]) };
    let said = refusal(std::slice::from_ref(&zeros));
    assert!(said.starts_with("large: ") && said.contains("no honest package"), "{said}");
    let liar = Given { size: Some(u32::MAX - 1), ..zeros.clone() };
    assert!(refusal(&[liar]).contains("is the most"));
    // It says that it is small, and is not.
    let liar = read(&made(&[Given { size: Some(1000), ..zeros }])).expect("it looks fine");
    let mut bytes = Vec::new();
    let read_to_end = liar.open(0).expect("there").read_to_end(&mut bytes);
    assert!(read_to_end.is_err() && bytes.len() <= 1000, "{}", bytes.len());
    let most = Archive::read(made(&[given("a", b"12345")]).into(), 4);
    assert!(matches!(most, Err(Refusal::TooLarge(_))));
}

#[test]
fn what_is_unpacked_is_what_was_packed() {
    let lies = [
        Given { checksum: Some(1), ..given("a", b"content") },
        Given { checksum: Some(1), deflate: true, ..given("a", b"content") },
        Given { size: Some(6), deflate: true, ..given("a", b"content") },
        Given { size: Some(8), deflate: true, ..given("a", b"content") },
        Given { method: Some(8), ..given("a", b"no deflate stream") },
        Given { method: Some(8), size: Some(0), ..given("a", b"") },
    ];
    for lie in lies {
        let archive = read(&made(&[lie])).expect("it looks fine");
        assert!(content(&archive, 0).is_err());
    }
}

proptest! {
    #[test]
    fn what_was_packed_comes_back(
        files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}){0,3}", (any::<Vec<u8>>(), any::<bool>()), 1..20)
    ) {
        let entries: Vec<Given> = files
            .iter()
            .map(|(name, (content, deflate))| Given { deflate: *deflate, ..given(name, content) })
            .collect();
        let archive = read(&made(&entries)).expect("good");
        prop_assert_eq!(archive.entries().len(), files.len());
        for (at, entry) in archive.entries().iter().enumerate() {
            prop_assert_eq!(&content(&archive, at).expect("good"), &files[&entry.name].0);
        }
    }

    #[test]
    fn a_changed_byte_is_seen_or_changes_no_content(at in 0usize..400, to: u8) {
        let mut bytes = made(&[
            given("a", b"one"),
            Given { deflate: true, ..given("b/c", &[7; 300]) },
        ]);
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(archive) = read(&bytes) {
            for (at, entry) in archive.entries().iter().enumerate() {
                let found = content(&archive, at);
                let known = [b"one".to_vec(), vec![7; 300]];
                prop_assert!(found.map_or(true, |found| known.contains(&found)), "{}", entry.name);
            }
        }
    }
}
