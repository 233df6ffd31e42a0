//! A list of files as a tree of directories, without being one: the list is sorted, so whatever
//! lies below a directory stands together in it.

use model::listing::{File, Listing};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A file of so many bytes.
    File(u64),
    /// A directory.
    Directory,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_directory: bool,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It would leave the directory that it begins at.
    Leaves,
    /// There is nothing.
    Nothing,
    /// Something on the way is a file.
    NotDirectory,
}

/// What `path` means, seen from the directory `base`: a path from the root, and what is there.
pub(super) fn look(list: &Listing, base: &str, path: &str) -> Result<(String, Found), Wrong> {
    if path.starts_with('/') {
        return Err(Wrong::Leaves);
    }
    if path.is_empty() {
        return Err(Wrong::Nothing);
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop().ok_or(Wrong::Leaves)?;
            }
            step => {
                // Each step has to be there, also one that is left again.
                let here = join(base, &steps);
                if find(list, &here) != Some(Found::Directory) {
                    return Err(Wrong::NotDirectory);
                }
                steps.push(step);
                if find(list, &join(base, &steps)).is_none() {
                    return Err(Wrong::Nothing);
                }
            }
        }
    }
    let whole = join(base, &steps);
    match find(list, &whole).ok_or(Wrong::Nothing)? {
        Found::File(_)
            if path.ends_with(['/', '.']) && path.rsplit('/').next().is_none_or(is_dots) =>
        {
            Err(Wrong::NotDirectory)
        }
        found => Ok((whole, found)),
    }
}

fn is_dots(step: &str) -> bool {
    matches!(step, "" | "." | "..")
}

fn join(base: &str, steps: &[&str]) -> String {
    let mut path = base.to_owned();
    for step in steps {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(step);
    }
    path
}

fn find(list: &Listing, path: &str) -> Option<Found> {
    if path.is_empty() {
        return Some(Found::Directory);
    }
    if let Ok(at) = list.files.binary_search_by(|file| file.path.as_str().cmp(path)) {
        return list.files.get(at).map(|file| Found::File(file.size));
    }
    let below = below(list, path).next();
    below.map(|_| Found::Directory)
}

/// The files below a directory, with their paths from there.
fn below<'a>(list: &'a Listing, path: &str) -> impl Iterator<Item = (&'a str, &'a File)> {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let from = list.files.partition_point(|file| file.path.as_str() < prefix.as_str());
    let rest = list.files.get(from..).unwrap_or_default();
    rest.iter().map_while(move |file| Some((file.path.strip_prefix(&*prefix)?, file)))
}

/// The names in a directory.
pub(super) fn entries(list: &Listing, path: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (rest, _) in below(list, path) {
        let (name, is_directory) = match rest.split_once('/') {
            Some((name, _)) => (name, true),
            None => (rest, false),
        };
        // A directory's files stand together.
        if entries.last().is_none_or(|last| last.name != name) {
            entries.push(Entry { name: name.to_owned(), is_directory });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::listing::VERSION;
    use proptest::prelude::*;

    fn list() -> Listing {
        let file = |path: &&str| File {
            path: (*path).to_owned(),
            size: path.len() as u64,
            chunks: Vec::new(),
            executable: false,
        };
        let mut paths = ["a.txt", "d/b.txt", "d/e/c.txt", "d-x", "d0"];
        paths.sort_unstable();
        Listing { v: VERSION, files: paths.iter().map(file).collect(), root: None }
    }

    #[test]
    fn paths_lead_to_files_and_directories_and_never_out() {
        let list = list();
        let look = |base: &str, path: &str| look(&list, base, path);
        let ok = |path: &str, found| Ok((path.to_owned(), found));
        assert_eq!(look("", "a.txt"), ok("a.txt", Found::File(5)));
        assert_eq!(look("", "./d/../a.txt"), ok("a.txt", Found::File(5)));
        assert_eq!(look("", "d"), ok("d", Found::Directory));
        assert_eq!(look("", "d/"), ok("d", Found::Directory));
        assert_eq!(look("", "."), ok("", Found::Directory));
        assert_eq!(look("d", "e/c.txt"), ok("d/e/c.txt", Found::File(9)));
        assert_eq!(look("d", "e/.."), ok("d", Found::Directory));
        for (base, path, wrong) in [
            ("", "", Wrong::Nothing),
            ("", "b", Wrong::Nothing),
            ("", "x/../a.txt", Wrong::Nothing),
            ("", "a.txt/x", Wrong::NotDirectory),
            ("", "a.txt/", Wrong::NotDirectory),
            ("", "a.txt/.", Wrong::NotDirectory),
            ("", "..", Wrong::Leaves),
            ("", "d/../..", Wrong::Leaves),
            ("d", "../a.txt", Wrong::Leaves),
            ("", "/a.txt", Wrong::Leaves),
            ("", "//etc/passwd", Wrong::Leaves),
        ] {
            assert_eq!(look(base, path), Err(wrong), "{base:?} {path:?}");
        }
    }

    #[test]
    fn a_directory_lists_each_name_once() {
        let names = |path: &str| {
            let all = entries(&list(), path).into_iter();
            all.map(|it| format!("{}{}", it.name, if it.is_directory { "/" } else { "" }))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a.txt", "d-x", "d/", "d0"]);
        assert_eq!(names("d"), ["b.txt", "e/"]);
        assert_eq!(names("d/e"), ["c.txt"]);
        assert!(names("nothing").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics_and_finds_only_what_is_listed(
            base in "d?(/e)?", path in "[.de/ab]{0,12}|\\PC{0,12}",
        ) {
            let list = list();
            if let Ok((whole, Found::File(_))) = look(&list, &base, &path) {
                prop_assert!(list.files.iter().any(|file| file.path == whole));
            }
        }
    }
}
