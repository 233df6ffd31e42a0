//! Where a path of an image's root leads: links are followed as the kernel follows them in a jail whose
//! root it is.

use super::{File, Listing, Root};

/// How many links a path may lead through, as the kernel has it.
const LINKS_MAX: usize = 40;
/// What a jail has of its own where an image can name it: these are there, and nothing below them.
const OWN: [&str; 4] = ["tmp", "dev", "dev/shm", "proc"];
/// What has to be a directory, if it is there: a jail makes its own there.
const DIRECTORIES: [&str; 3] = ["etc", "opt", "var"];

/// What lies somewhere in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies<'a> {
    /// A link, and what it says.
    Link(&'a str),
    /// A file.
    File,
    /// A directory, or nothing at all.
    Else,
}

/// The path that a path leads to, without links in it. It need not be there; none if a file is in the
/// way, or if links lead on and on.
pub fn resolved<'a>(path: &str, look: impl Fn(&str) -> Lies<'a>) -> Option<String> {
    let mut left: Vec<String> = parts(path).rev().collect();
    let (mut at, mut hops) = (Vec::<String>::new(), 0);
    while let Some(part) = left.pop() {
        match part.as_str() {
            "." => {}
            ".." => drop(at.pop()),
            _ => {
                at.push(part);
                match look(&at.join("/")) {
                    Lies::Else => {}
                    // As the last part of all it is what was looked for.
                    Lies::File if left.is_empty() => {}
                    Lies::File => return None,
                    Lies::Link(target) => {
                        hops += 1;
                        if hops > LINKS_MAX {
                            return None;
                        }
                        at.pop();
                        if target.starts_with('/') {
                            at.clear();
                        }
                        left.extend(parts(target).rev());
                    }
                }
            }
        }
    }
    Some(at.join("/"))
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned)
}

impl Listing {
    /// Checks that this image can be the root of a jail whose program starts in `directory`, or at the
    /// root itself.
    ///
    /// # Errors
    /// What is in the way.
    pub fn check_jail(&self, directory: Option<&str>) -> Result<(), String> {
        let Some(root) = &self.root else { return Ok(()) };
        for path in DIRECTORIES {
            match look(&self.files, root, path) {
                Lies::File => {
                    return Err(format!(
                        "its `/{path}` is a file, and a jail has a directory there"
                    ));
                }
                // A jail makes its files in it before there is anything that a link could lead to.
                Lies::Link(_) if path == "etc" => {
                    return Err(format!(
                        "its `/{path}` is a link, and a jail has a directory there"
                    ));
                }
                _ => {}
            }
        }
        let Some(path) = directory else { return Ok(()) };
        let shown = path.escape_debug();
        let found = resolved(path, |at| look(&self.files, root, at)).filter(|at| {
            at.is_empty() || OWN.contains(&at.as_str()) || is_directory(&self.files, root, at)
        });
        match found {
            Some(_) => Ok(()),
            None => Err(format!("its program starts in `{shown}`, which is no directory of it")),
        }
    }
}

fn look<'a>(files: &[File], root: &'a Root, path: &str) -> Lies<'a> {
    if let Ok(at) = root.links.binary_search_by(|link| link.path.as_str().cmp(path)) {
        return root.links.get(at).map_or(Lies::Else, |link| Lies::Link(&link.target));
    }
    match files.binary_search_by(|file| file.path.as_str().cmp(path)) {
        Ok(_) => Lies::File,
        Err(_) => Lies::Else,
    }
}

fn is_directory(files: &[File], root: &Root, path: &str) -> bool {
    let below = format!("{path}/");
    root.directories.binary_search_by(|it| it.as_str().cmp(path)).is_ok()
        || has_below(files, &below, |file| &file.path)
        || has_below(&root.links, &below, |link| &link.path)
        || has_below(&root.directories, &below, |it| it)
}

/// Whether one of these, which are sorted by path, lies below another.
fn has_below<T>(all: &[T], below: &str, path: impl Fn(&T) -> &str) -> bool {
    let first = all.partition_point(|one| path(one) < below);
    all.get(first).is_some_and(|one| path(one).starts_with(below))
}

#[cfg(test)]
mod tests {
    use super::super::{Link, VERSION};
    use super::*;

    fn image(files: &[&str], links: &[(&str, &str)], directories: &[&str]) -> Listing {
        let file =
            |path: &&str| File { path: (*path).into(), size: 0, chunks: vec![], executable: false };
        let link =
            |(path, target): &(&str, &str)| Link { path: (*path).into(), target: (*target).into() };
        let root = Root {
            links: links.iter().map(link).collect(),
            directories: directories.iter().map(|path| (*path).into()).collect(),
        };
        Listing { v: VERSION, files: files.iter().map(file).collect(), root: Some(root) }
    }

    #[test]
    fn a_program_starts_in_a_directory_of_the_image() {
        let list = image(
            &["srv/a/file", "srv/b"],
            &[("in", "/srv/./a"), ("loop", "loop"), ("out", "../../srv/../srv"), ("t", "/tmp")],
            &["empty"],
        );
        list.check().expect("a list");
        for there in ["/", "/srv", "/srv/a/", "/in", "/out/a", "/empty", "/tmp", "/t"] {
            assert_eq!(list.check_jail(Some(there)), Ok(()), "{there}");
        }
        for not in ["/srv/b", "/srv/b/c", "/none", "/srv/ab", "/loop", "/empty/x", "/tmp/x", "/t/x"]
        {
            let why = list.check_jail(Some(not)).expect_err(not);
            assert!(why.contains(not), "{why}");
        }
        assert_eq!(list.check_jail(None), Ok(()));
    }

    #[test]
    fn what_a_jail_needs_as_a_directory_is_none_of_its_files() {
        for path in ["etc", "opt", "var"] {
            let why = image(&[path], &[], &[]).check_jail(None).expect_err(path);
            assert!(why.contains(&format!("`/{path}`")), "{why}");
        }
        image(&["a"], &[("etc", "/a")], &[]).check_jail(None).expect_err("a link");
        assert_eq!(image(&["x/a"], &[("opt", "/x"), ("var", "x")], &[]).check_jail(None), Ok(()));
    }
}
