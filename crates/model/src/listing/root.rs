//! What the list of an image's root has beside files: symbolic links, and directories in which nothing
//! is.
//!
//! Invariant: no path leads through a link. So the root can be laid out by whoever makes one directory
//! entry after the other, and nothing is ever written where a link leads.

use super::{Error, File, PATH_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most files, links and empty directories of one image.
pub const ENTRIES_MAX: usize = 100_000;
/// Longest text of a link, in bytes.
pub const LINK_BYTES_MAX: usize = 4095;

/// What an image's root has beside files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Sorted by path.
    pub links: Vec<Link>,
    /// Directories in which nothing is, sorted.
    pub directories: Vec<String>,
}

/// A symbolic link. What it says has a meaning only in a jail whose root this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where it is, below the root.
    pub path: String,
    /// What it says.
    pub target: String,
}

impl Root {
    pub(super) fn check(&self, files: &[File]) -> Result<(), Error> {
        let count = files.len() + self.links.len() + self.directories.len();
        if count == 0 || count > ENTRIES_MAX {
            return Err(Error::Entries(count));
        }
        let links = self.links.iter().map(|link| link.path.as_str());
        in_order(files.iter().map(|file| file.path.as_str()))?;
        in_order(links.clone())?;
        in_order(self.directories.iter().map(String::as_str))?;
        let ends: Vec<&str> = files.iter().map(|file| file.path.as_str()).chain(links).collect();
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for path in ends.iter().copied().chain(self.directories.iter().map(String::as_str)) {
            if !taken.insert(path) {
                return Err(Error::Order(path.to_owned()));
            }
        }
        for path in &taken {
            let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
            for above in above {
                // An empty directory with something in it is none.
                if taken.contains(above) {
                    return refused(path, "a directory on its path is a file or a link");
                }
            }
        }
        match self.links.iter().find(|link| !is_target(&link.target)) {
            Some(link) => refused(&link.path, "it is a link that says nothing, too much or a NUL"),
            None => Ok(()),
        }
    }
}

fn is_target(target: &str) -> bool {
    (1..=LINK_BYTES_MAX).contains(&target.len()) && !target.contains('\0')
}

fn in_order<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut before: Option<&str> = None;
    for path in paths {
        if let Err(reason) = check_path(path) {
            return refused(path, reason);
        }
        if before.is_some_and(|before| before >= path) {
            return Err(Error::Order(path.to_owned()));
        }
        before = Some(path);
    }
    Ok(())
}

fn refused(path: &str, reason: &'static str) -> Result<(), Error> {
    Err(Error::Path { path: path.chars().take(200).collect(), reason })
}

/// Whether a path may stand in the list of an image. Names there are not chosen for us: systems of the
/// world have `\` and letters with separate accents in them.
///
/// # Errors
/// Says why not.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return Err("a path has 1 to 1024 bytes");
    }
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return Err("a path has no empty part, no `.` and no `..`");
        }
        if part.len() > super::NAME_BYTES_MAX {
            return Err("a part of a path has at most 255 bytes");
        }
    }
    if path.contains(char::is_control) {
        return Err("a name has a control character");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Listing, VERSION};
    use super::*;

    fn image(files: &[&str], links: &[(&str, &str)], directories: &[&str]) -> Listing {
        let file = |path: &&str| File {
            path: (*path).to_owned(),
            size: 0,
            chunks: Vec::new(),
            executable: true,
        };
        let link = |(path, target): &(&str, &str)| Link {
            path: (*path).to_owned(),
            target: (*target).to_owned(),
        };
        Listing {
            v: VERSION,
            files: files.iter().map(file).collect(),
            root: Some(Root {
                links: links.iter().map(link).collect(),
                directories: directories.iter().map(|path| (*path).to_owned()).collect(),
            }),
        }
    }

    #[test]
    fn the_root_of_an_image_reads_as_it_was_written() {
        let list = image(&["usr/a\\x2d", "usr/e\u{301}"], &[("bin", "/usr/../..")], &["tmp"]);
        assert_eq!(Listing::parse(&list.bytes()), Ok(list.clone()));
        assert!(list.check_package().is_err() && list.check_plain().is_err(), "it is no package");
        let bytes = postcard::to_stdvec(&list).expect("written");
        assert_eq!(postcard::from_bytes(&bytes), Ok(list));
        assert_eq!(image(&[], &[("a", "b")], &[]).check(), Ok(()), "links alone");
    }

    #[test]
    fn a_root_in_which_a_path_leads_through_a_link_is_refused() {
        for bad in [
            image(&["a/b"], &[("a", "/etc")], &[]),
            image(&["a"], &[("a/b/c", "x")], &[]),
            image(&["a"], &[("a", "x")], &[]),
            image(&[], &[("a", "x")], &["a"]),
            image(&[], &[("a", "x")], &["a/b"]),
            image(&["a/b"], &[], &["a"]),
            image(&["../a"], &[], &[]),
            image(&[], &[("/a", "x")], &[]),
            image(&[], &[], &["a\nb"]),
            image(&[], &[], &["b", "a"]),
            image(&[], &[("a", "")], &[]),
            image(&[], &[("a", "b\0")], &[]),
            image(&[], &[("a", &"b".repeat(LINK_BYTES_MAX + 1))], &[]),
            image(&[], &[], &[]),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
            assert!(Listing::parse(&bad.bytes()).is_err(), "{bad:?}");
        }
    }
}
