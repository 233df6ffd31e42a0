//! What the list of an image's root has beside files: symbolic links, and directories in which nothing
//! is.
//!
//! Invariant: no path leads through a link. So the root can be laid out by whoever makes one directory
//! entry after the other, and nothing is ever written where a link leads.

use super::{Error, File, PATH_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Most files, links and directories of one image, the directories among them that only stand in a path.
pub const ENTRIES_MAX: usize = 100_000;
/// Most parts of a path: whoever lays the root out, removes it or walks it goes as deep.
pub const DEPTH_MAX: usize = 128;
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
        let paths = files.iter().map(|file| file.path.as_str()).chain(links);
        let paths = paths.chain(self.directories.iter().map(String::as_str)).collect();
        count_tree(paths)?;
        match self.links.iter().find(|link| !is_target(&link.target)) {
            Some(link) => refused(&link.path, "it is a link that says nothing, too much or a NUL"),
            None => Ok(()),
        }
    }
}

/// How much there is in the tree that has these paths: none stands twice, and none is above another, since an
/// empty directory with something in it is none. Directories that only stand in a path count, too.
fn count_tree(mut paths: Vec<&str>) -> Result<usize, Error> {
    paths.sort_unstable_by(|one, other| in_tree(one, other));
    let (mut count, mut before) = (paths.len(), "");
    for path in paths {
        if path == before {
            return Err(Error::Order(path.to_owned()));
        }
        let below = path.strip_prefix(before).is_some_and(|rest| rest.starts_with('/'));
        if below && !before.is_empty() {
            return Err(of_path(path, "a directory on its path is a file or a link"));
        }
        let both = before.split('/').zip(path.split('/'));
        let shared = both.take_while(|(one, other)| one == other).count();
        count += path.matches('/').count().saturating_sub(shared);
        if count > ENTRIES_MAX {
            return Err(Error::Entries(count));
        }
        before = path;
    }
    Ok(count)
}

/// The order in which what is in a directory follows it at once. No name has a NUL.
fn in_tree(one: &str, other: &str) -> Ordering {
    let key = |byte: u8| if byte == b'/' { 0 } else { byte };
    one.bytes().map(key).cmp(other.bytes().map(key))
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
    Err(of_path(path, reason))
}

fn of_path(path: &str, reason: &'static str) -> Error {
    Error::Path { path: path.chars().take(200).collect(), reason }
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
    for (depth, part) in path.split('/').enumerate() {
        if depth == DEPTH_MAX {
            return Err("a path has at most 128 parts");
        }
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
    use proptest::prelude::*;
    use std::collections::BTreeSet;

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
    fn directories_count_that_only_stand_in_a_path() {
        let deep = |number: usize, depth: usize| format!("{number}/{}f", "d/".repeat(depth));
        let paths = |count, depth| (0..count).map(|number| deep(number, depth)).collect();
        let counted = |paths: Vec<String>| {
            let mut all = image(&[], &[], &[]);
            all.files = paths.iter().flat_map(|path| image(&[path], &[], &[]).files).collect();
            all.files.sort_by(|one, other| one.path.cmp(&other.path));
            all.check()
        };
        // Each is a file in 99 directories.
        assert_eq!(counted(paths(1000, 98)), Ok(()));
        assert!(matches!(counted(paths(1001, 98)), Err(Error::Entries(_))), "{ENTRIES_MAX}");
        let shared = |number| format!("a/{}{number}", "b/".repeat(100));
        assert_eq!(counted((0..50_000).map(shared).collect()), Ok(()), "those are the same ones");
        assert_eq!(counted(paths(1, DEPTH_MAX - 2)), Ok(()));
        assert!(matches!(counted(paths(1, DEPTH_MAX - 1)), Err(Error::Path { .. })));
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_made(paths in proptest::collection::btree_set("(a|b|ab|a-|a[.]b)(/(a|b|ab|a-|a[.]b)){0,3}", 1..20)) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let mut directories = BTreeSet::new();
            for path in &paths {
                directories.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
            }
            let clash = paths.iter().any(|path| directories.contains(path));
            let expected = paths.len() + directories.len();
            match count_tree(paths) {
                Ok(count) => prop_assert!(!clash && count == expected),
                Err(_) => prop_assert!(clash),
            }
        }
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
