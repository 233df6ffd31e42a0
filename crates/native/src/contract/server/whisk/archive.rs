//! A package as `/init` carries it: one file's text, or a zip file.

use render::whisk::Code;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Most bytes of all files: what OpenWhisk takes.
const BYTES_MAX: u64 = 48 << 20;
/// Of whatever is in an archive: the first of January 1980, the first day of a zip file's time.
const DATE: u16 = (1 << 5) | 1;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;

/// The code of a package that lies in this directory. Blocks on the disk.
///
/// # Errors
/// What the disk says, or that it is more than fits.
pub(super) fn code(package: &Path) -> io::Result<Code> {
    let mut files = Vec::new();
    let mut bytes = 0;
    read(package, "", &mut files, &mut bytes)?;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    if let [only] = files.as_slice()
        && let Ok(text) = std::str::from_utf8(&only.bytes)
    {
        return Ok(Code::Source(text.to_owned()));
    }
    Ok(Code::Archive(zip(&files)))
}

struct File {
    name: String,
    bytes: Vec<u8>,
    mode: u32,
}

fn read(at: &Path, before: &str, files: &mut Vec<File>, bytes: &mut u64) -> io::Result<()> {
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| io::Error::other("a name in the package is no text"))?;
        let (name, metadata) = (format!("{before}{name}"), entry.metadata()?);
        if metadata.is_dir() {
            read(&entry.path(), &format!("{name}/"), files, bytes)?;
            continue;
        }
        *bytes += metadata.len();
        if *bytes > BYTES_MAX {
            let what = format!("the package has more than {BYTES_MAX} bytes, which `/init` takes");
            return Err(io::Error::other(what));
        }
        let mode = 0o100_000 | (metadata.permissions().mode() & 0o777);
        files.push(File { name, bytes: fs::read(entry.path())?, mode });
    }
    Ok(())
}

/// A zip file of these, as they are.
fn zip(files: &[File]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for File { name, bytes, mode } in files {
        let at = size(zip.len());
        let (length, name_length) = (size(bytes.len()), short(name.len()));
        let mut common = Vec::new();
        put(&mut common, &[20, FLAGS, 0, 0, DATE]);
        put_long(&mut common, &[crc32fast::hash(bytes), length, length]);
        put(&mut common, &[name_length, 0]);
        zip.extend_from_slice(b"PK\x03\x04");
        zip.extend_from_slice(&common);
        zip.extend_from_slice(name.as_bytes());
        zip.extend_from_slice(bytes);
        directory.extend_from_slice(b"PK\x01\x02");
        // Made by Unix, so that the mode is one.
        put(&mut directory, &[0x0314]);
        directory.extend_from_slice(&common);
        put(&mut directory, &[0, 0, 0]);
        put_long(&mut directory, &[mode << 16, at]);
        directory.extend_from_slice(name.as_bytes());
    }
    let (at, length, count) = (size(zip.len()), size(directory.len()), short(files.len()));
    zip.extend_from_slice(&directory);
    zip.extend_from_slice(b"PK\x05\x06");
    put(&mut zip, &[0, 0, count, count]);
    put_long(&mut zip, &[length, at]);
    put(&mut zip, &[0]);
    zip
}

/// What is read is far below what would not fit.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn put(to: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|number| to.extend_from_slice(&number.to_le_bytes()));
}

fn put_long(to: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| to.extend_from_slice(&number.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "somebody else's reader is a program")]
    fn one_file_is_its_text_and_several_are_a_zip_that_others_read() {
        let place = tempfile::tempdir().expect("a directory");
        let package = place.path().join("package");
        fs::create_dir_all(package.join("lib/deep")).expect("directories");
        fs::write(package.join("__main__.py"), "print(1)\n").expect("written");
        assert_eq!(code(&package).expect("code"), Code::Source("print(1)\n".to_owned()));
        fs::write(package.join("lib/deep/ä.bin"), [0, 255, 7]).expect("written");
        fs::write(package.join("empty"), "").expect("written");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(package.join("empty"), executable).expect("changed");
        let Code::Archive(bytes) = code(&package).expect("code") else { panic!("one file") };
        let file = place.path().join("code.zip");
        fs::write(&file, bytes).expect("written");
        let script = "import sys, zipfile\n\
            zip = zipfile.ZipFile(sys.argv[1])\n\
            assert zip.testzip() is None\n\
            for it in zip.infolist(): print(it.filename, zip.read(it), oct(it.external_attr >> 16))";
        let read =
            Command::new("python3").args(["-c", script]).arg(&file).output().expect("python3");
        let said = String::from_utf8(read.stdout).expect("text");
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        assert_eq!(
            said,
            "__main__.py b'print(1)\\n' 0o100644\nempty b'' 0o100755\n\
             lib/deep/ä.bin b'\\x00\\xff\\x07' 0o100644\n"
        );
    }
}
