//! What the tests call with bytes that may be anything: a backup.
//!
//! Not for the real fuzzer: a build of this crate for it would take an hour. See
//! `docs/FUZZING.md`.

use super::{MARKER, restore};
use crate::backup::{CONTENTS, Contents, FORMAT, Item};
use model::{Code, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;

/// Raw bytes, or, behind `tar:`, lines that say what an archive holds: `+PATH TEXT` a file as it
/// is listed, `!PATH TEXT` one that is not listed, `?PATH TEXT` one that is listed and not there,
/// `~PATH TEXT` one that is listed with another text, `@PATH TARGET` a symbolic link. What is
/// restored is exactly what was listed; whatever is refused leaves nothing behind, in the home or
/// beside it.
fn backup(bytes: &[u8]) -> Result<(), String> {
    let broken = |error: std::io::Error| error.to_string();
    let (archive, expected) = match bytes.strip_prefix(b"tar:") {
        Some(lines) => archive(&String::from_utf8_lossy(lines)).map_err(broken)?,
        None => (bytes.to_vec(), None),
    };
    let place = tempfile::tempdir().map_err(broken)?;
    let home = place.path().join("home");
    let restored = restore(&mut archive.as_slice(), &home, None);
    let beside = std::fs::read_dir(place.path()).map_err(broken)?.count();
    match (restored, expected) {
        (Ok(restored), Some(expected)) => {
            let mut found = BTreeMap::new();
            read(&home, Path::new(""), &mut found).map_err(broken)?;
            found.remove(MARKER).ok_or("a home that does not know that it was restored")?;
            let same = found == expected && restored.files == expected.len() && beside == 1;
            same.then_some(()).ok_or_else(|| format!("{found:?} and not {expected:?}"))
        }
        (Ok(_), None) => Err("what no backup is was restored".to_owned()),
        (Err(problem), Some(_)) => Err(format!("a good backup is refused: {problem}")),
        (Err(problem), None) if beside > 0 => Err(format!("something is left: {problem}")),
        (Err(problem), None) if problem.code != Code::BackupInvalid => {
            Err(format!("another code: {problem}"))
        }
        (Err(_), None) => Ok(()),
    }
}

type Files = BTreeMap<String, Vec<u8>>;

/// The archive, and the files that it restores to if it is in order.
fn archive(lines: &str) -> std::io::Result<(Vec<u8>, Option<Files>)> {
    let mut builder = tar::Builder::new(Vec::new());
    let (mut files, mut entries, mut good) = (Vec::new(), Vec::new(), true);
    let mut expected = Files::new();
    for line in lines.lines().take(12) {
        let mut chars = line.chars();
        let what = chars.next().filter(|what| "!?~@".contains(*what)).unwrap_or('+');
        let (path, text) = chars.as_str().split_once(' ').unwrap_or((chars.as_str(), ""));
        // A header holds a hundred bytes of a path, and no zero.
        if path.is_empty() || path.len() > 99 || path.contains('\0') {
            continue;
        }
        let listed = if what == '~' { "another" } else { text };
        if what != '!' {
            let sha256 = audit::digest(listed.as_bytes());
            files.push(Item { path: path.to_owned(), bytes: listed.len() as u64, sha256 });
        }
        if what != '?' {
            entries.push((path.to_owned(), text.to_owned(), what == '@'));
        }
        good &= what == '+' && in_a_home(path);
        good &= expected.insert(path.to_owned(), text.as_bytes().to_vec()).is_none();
    }
    // A file in the place of a directory cannot be made.
    let crossed = expected.keys().any(|a| expected.keys().any(|b| b.starts_with(&format!("{a}/"))));
    let contents =
        Contents { format: FORMAT, version: "0.1.0".to_owned(), created: Timestamp(0), files };
    append(&mut builder, CONTENTS, &serde_json::to_string(&contents)?, false)?;
    for (path, text, link) in entries {
        append(&mut builder, &path, &text, link)?;
    }
    Ok((builder.into_inner()?, (good && !crossed).then_some(expected)))
}

/// Writes an entry with exactly this path: the library would refuse some.
fn append(
    builder: &mut tar::Builder<Vec<u8>>,
    path: &str,
    text: &str,
    link: bool,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    let name = &mut header.as_old_mut().name;
    name.iter_mut().zip(path.bytes()).for_each(|(to, from)| *to = from);
    header.set_mode(0o600);
    let text = if link { "" } else { text };
    if link {
        header.set_entry_type(tar::EntryType::Symlink);
        header.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
    }
    header.set_size(text.len() as u64);
    header.set_cksum();
    builder.append(&header, text.as_bytes())
}

/// Whether a backup of ours can hold the path, read by its pieces.
fn in_a_home(path: &str) -> bool {
    let pieces: Vec<&str> = path.split('/').collect();
    let plain = pieces.iter().all(|piece| !matches!(*piece, "" | "." | ".."));
    let known = match pieces.as_slice() {
        [one] => matches!(*one, "registry.db" | "root.key"),
        [first, ..] => matches!(*first, "artifacts" | "journal"),
        [] => false,
    };
    plain && known
}

fn read(home: &Path, below: &Path, found: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(home.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => read(home, &path, found)?,
            false => {
                found.insert(path.display().to_string(), std::fs::read(entry.path())?);
            }
        }
    }
    Ok(())
}

#[test]
fn backups() {
    fuzzing::run("backup", 400, backup);
}
