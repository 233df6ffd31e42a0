//! The list of a directory's files, kept as an artifact of its own: what an `[[assets]]`, the `files`
//! of a function and the package of a native function are made of.
//!
//! A file is a row of chunks, each an artifact by its SHA-256. So a file that did not change is
//! not sent again, a large one is read and checked piece by piece, and what is swapped on the
//! disk has another digest. Nothing here is a path of a file system: a node looks files up by the
//! text of the path, and reads chunks by digest.

mod lookup;
mod root;

pub use lookup::{Lies, resolved};
pub use root::{DEPTH_MAX, ENTRIES_MAX, LINK_BYTES_MAX, Link, Root, check_path as check_root_path};

use crate::Digest;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use unicode_normalization::is_nfc;

/// The list's format.
pub const VERSION: u32 = 1;
/// Most files of one directory.
pub const FILES_MAX: usize = 20_000;
/// Bytes of a chunk; only a file's last one is shorter.
pub const CHUNK_BYTES: u64 = 256 << 10;
/// Largest file.
pub const FILE_BYTES_MAX: u64 = 512 << 20;
/// Most bytes of all files of one directory.
pub const TOTAL_BYTES_MAX: u64 = 4 << 30;
/// Longest part of a path of a package, in bytes: what file systems take.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 1024;

/// The files of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// [`VERSION`].
    pub v: u32,
    /// Sorted by path.
    pub files: Vec<File>,
    /// What there is beside files, if this is the root of an image.
    #[serde(default)]
    pub root: Option<Root>,
}

/// As with [`File`]: a list that is no image's has the bytes that it always had.
impl Serialize for Listing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.root.is_some() || !serializer.is_human_readable();
        let mut list = serializer.serialize_struct("Listing", if all { 3 } else { 2 })?;
        list.serialize_field("v", &self.v)?;
        list.serialize_field("files", &self.files)?;
        if all {
            list.serialize_field("root", &self.root)?;
        }
        list.end()
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Below the directory, with `/` between its parts.
    pub path: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Its content, in pieces of [`CHUNK_BYTES`].
    pub chunks: Vec<Digest>,
    /// Whether it may be executed. Only files of packages may: [`Listing::check_package`].
    #[serde(default)]
    pub executable: bool,
}

/// In text, what is no program says nothing of it, so that lists from before the field keep their
/// digest. Forms without names have every field in its place.
impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.executable || !serializer.is_human_readable();
        let mut file = serializer.serialize_struct("File", if all { 4 } else { 3 })?;
        file.serialize_field("path", &self.path)?;
        file.serialize_field("size", &self.size)?;
        file.serialize_field("chunks", &self.chunks)?;
        if all {
            file.serialize_field("executable", &self.executable)?;
        }
        file.end()
    }
}

/// Why a list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no JSON of this form.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Another format.
    #[error("its format is {0}, this build reads {VERSION}")]
    Version(u32),
    /// There is nothing in it, or too much.
    #[error("it has {0} files, 1 to {FILES_MAX} are taken")]
    Count(usize),
    /// A path that may not be.
    #[error("`{}`: {reason}", .path.escape_debug())]
    Path {
        /// Its beginning.
        path: String,
        /// Why not.
        reason: &'static str,
    },
    /// Not in order, or twice.
    #[error("`{}` is not in its place", .0.escape_debug())]
    Order(String),
    /// Size and chunks do not fit, or the file is too large.
    #[error("`{}`: {size} bytes in {chunks} chunks", .path.escape_debug())]
    Size {
        /// Its path.
        path: String,
        /// Its bytes.
        size: u64,
        /// Its chunks.
        chunks: usize,
    },
    /// All files together are too large.
    #[error("its files have {0} bytes, at most {TOTAL_BYTES_MAX} are taken")]
    Total(u64),
    /// A file that may be executed, where none is.
    #[error("`{}` may be executed, which only a file of a package may", .0.escape_debug())]
    Executable(String),
    /// The root of an image, where none is.
    #[error("it is the root of an image, and not a directory of files")]
    Root,
    /// There is nothing in an image, or too much.
    #[error("the image has {0} files, links and directories, 1 to {ENTRIES_MAX} are taken")]
    Entries(usize),
}

impl Listing {
    /// Reads and checks a list.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let list: Self =
            serde_json::from_slice(bytes).map_err(|error| Error::Unreadable(error.to_string()))?;
        list.check()?;
        Ok(list)
    }

    /// The bytes that are kept: equal lists have equal bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Plain structs with string keys: serializing them cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        if self.v != VERSION {
            return Err(Error::Version(self.v));
        }
        match &self.root {
            Some(root) => root.check(&self.files)?,
            None => self.check_names()?,
        }
        for file in &self.files {
            if file.size > FILE_BYTES_MAX || file.chunks.len() as u64 != chunks_of(file.size) {
                let chunks = file.chunks.len();
                return Err(Error::Size { path: file.path.clone(), size: file.size, chunks });
            }
        }
        let total = self.total();
        if total > TOTAL_BYTES_MAX { Err(Error::Total(total)) } else { Ok(()) }
    }

    fn check_names(&self) -> Result<(), Error> {
        if self.files.is_empty() || self.files.len() > FILES_MAX {
            return Err(Error::Count(self.files.len()));
        }
        let mut before: Option<&str> = None;
        for file in &self.files {
            check_path(&file.path).map_err(|reason| Error::Path {
                path: file.path.chars().take(200).collect(),
                reason,
            })?;
            if before.is_some_and(|before| before >= file.path.as_str()) {
                return Err(Error::Order(file.path.clone()));
            }
            before = Some(&file.path);
        }
        Ok(())
    }

    /// Checks that these are files to be read and no programs.
    ///
    /// # Errors
    /// The first that may be executed; or this is an image.
    pub fn check_plain(&self) -> Result<(), Error> {
        if self.root.is_some() {
            return Err(Error::Root);
        }
        match self.files.iter().find(|file| file.executable) {
            Some(file) => Err(Error::Executable(file.path.clone())),
            None => Ok(()),
        }
    }

    /// Checks that the files can lie in one directory of a file system.
    ///
    /// # Errors
    /// The first that cannot: a part of its name is too long, or is another file's name. Or this is an
    /// image, whose own check says as much.
    pub fn check_package(&self) -> Result<(), Error> {
        if self.root.is_some() {
            return Err(Error::Root);
        }
        let files: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        for file in &self.files {
            let refused = |reason| Err(Error::Path { path: file.path.clone(), reason });
            if file.path.split('/').any(|part| part.len() > NAME_BYTES_MAX) {
                return refused("a part of a path has at most 255 bytes");
            }
            let above = file.path.match_indices('/').map(|(at, _)| file.path.get(..at));
            if above.flatten().any(|above| files.contains(above)) {
                return refused("a directory on its path is a file, too");
            }
        }
        Ok(())
    }
}

/// How many chunks a file of `size` bytes has.
#[must_use]
pub const fn chunks_of(size: u64) -> u64 {
    size.div_ceil(CHUNK_BYTES)
}

/// Whether a path may stand in a list.
///
/// # Errors
/// Says why not.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return Err("a path has 1 to 1024 bytes");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("a path has no empty part, no `.` and no `..`");
    }
    if path.contains('\\') {
        return Err("`\\` in a name is a separator to some servers");
    }
    // Control characters, and those that change how the rest of a name is shown.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if path.contains(hidden) {
        return Err("a name has a control character");
    }
    if !is_nfc(path) {
        return Err("a name is not in Unicode's normal form C, so that links could miss it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, size: u64) -> File {
        let chunks = (0..chunks_of(size)).map(|at| Digest([at as u8; 32])).collect();
        File { path: path.to_owned(), size, chunks, executable: false }
    }

    fn list(files: Vec<File>) -> Listing {
        Listing { v: VERSION, files, root: None }
    }

    #[test]
    fn a_list_reads_as_it_was_written() {
        let list = list(vec![file("a.txt", 0), file("b/c.js", 3), file("big", CHUNK_BYTES + 1)]);
        assert_eq!(Listing::parse(&list.bytes()), Ok(list.clone()));
        assert_eq!(list.total(), CHUNK_BYTES + 4);
    }

    #[test]
    fn lists_that_nobody_of_ours_wrote_are_refused() {
        for bad in [
            list(vec![]),
            list(vec![file("b", 1), file("a", 1)]),
            list(vec![file("a", 1), file("a", 1)]),
            list(vec![File { size: 5, ..file("a", 0) }]),
            list(vec![File { size: u64::MAX, ..file("a", 0) }]),
            Listing { v: 2, files: vec![file("a", 1)], root: None },
        ] {
            assert!(Listing::parse(&bad.bytes()).is_err(), "{bad:?}");
        }
        for path in [
            "",
            "/a",
            "a/",
            "a//b",
            "../etc/passwd",
            "a/../b",
            "./a",
            "a\\b",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "e\u{301}",
        ] {
            assert!(Listing::parse(&list(vec![file(path, 1)]).bytes()).is_err(), "{path:?}");
        }
        assert!(Listing::parse(b"{}").is_err());
    }

    #[test]
    fn a_list_without_programs_has_the_bytes_that_it_always_had() {
        let plain = list(vec![file("a", 0)]);
        assert_eq!(plain.bytes(), br#"{"v":1,"files":[{"path":"a","size":0,"chunks":[]}]}"#);
        assert_eq!(plain.check_plain(), Ok(()));
        let program = list(vec![File { executable: true, ..file("a", 0) }]);
        assert_eq!(Listing::parse(&program.bytes()), Ok(program.clone()));
        assert_eq!(program.check_plain(), Err(Error::Executable("a".to_owned())));
        for either in [plain, program] {
            let bytes = postcard::to_stdvec(&either).expect("written");
            assert_eq!(postcard::from_bytes(&bytes), Ok(either), "it crosses to guests' processes");
        }
    }

    #[test]
    fn a_package_can_lie_in_a_directory() {
        assert_eq!(
            list(vec![file("a", 0), file("a.b/c", 0), file("a0", 0)]).check_package(),
            Ok(())
        );
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in [
            list(vec![file("a", 0), file("a.b", 0), file("a/b", 0)]),
            list(vec![file("a/b", 0), file("a/b/c/d", 0)]),
            list(vec![file(&long, 0)]),
            list(vec![file(&format!("a/{long}/b"), 0)]),
        ] {
            assert_eq!(bad.check(), Ok(()), "as a list it is fine");
            assert!(bad.check_package().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_path_that_is_taken_stays_below(path in "\\PC{0,30}|[a./\\\\]{0,12}") {
            if check_path(&path).is_ok() {
                use std::path::{Component, Path};
                let normal = |part| matches!(part, Component::Normal(_));
                prop_assert!(Path::new(&path).components().all(normal));
            }
        }
    }
}
