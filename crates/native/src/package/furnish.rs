//! Places in an image for what a jail has of its own: files that are mounted over those of the image.
//!
//! A mount needs something to be mounted at, and a jail's root is read-only. So what is not there is
//! put there, empty, before the image is laid out. Links are followed here as the kernel follows them
//! in the jail, whose root is the image's.

use super::Error;
use model::listing::{self, File, Lies, Link, Listing, Root};
use std::collections::{BTreeMap, BTreeSet};

/// An image with a file at each of these paths, which are absolute.
pub(super) fn furnished<'a>(
    mut list: Listing,
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<Listing, Error> {
    // Where its program starts, the engine has looked for.
    list.check_jail(None).map_err(Error::Image)?;
    let root = list.root.take().unwrap_or_default();
    let mut furnishing = Furnishing {
        links: root.links.into_iter().map(|link| (link.path.clone(), link)).collect(),
        files: list.files.into_iter().map(|file| (file.path.clone(), file)).collect(),
        directories: root.directories.into_iter().collect(),
    };
    for path in paths {
        furnishing.place(path)?;
    }
    let list = Listing {
        v: list.v,
        files: furnishing.files.into_values().collect(),
        root: Some(Root {
            links: furnishing.links.into_values().collect(),
            directories: furnishing.directories.into_iter().collect(),
        }),
    };
    // With what was put there it may be too much.
    list.check().map_err(|error| Error::Image(error.to_string()))?;
    Ok(list)
}

struct Furnishing {
    links: BTreeMap<String, Link>,
    files: BTreeMap<String, File>,
    directories: BTreeSet<String>,
}

impl Furnishing {
    fn place(&mut self, path: &str) -> Result<(), Error> {
        let refused =
            |why: &str| Error::Image(format!("`{path}` {why}, and a jail has its own there"));
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.resolved(parent).ok_or_else(|| refused("is reached by no directory"))?;
        let at = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        self.links.remove(&at);
        if self.files.contains_key(&at) {
            return Ok(());
        }
        let below = format!("{at}/");
        let is_directory = self.directories.contains(&at)
            || starts(&self.files, &below)
            || starts(&self.links, &below)
            || self
                .directories
                .range(below.clone()..)
                .next()
                .is_some_and(|it| it.starts_with(&below));
        if is_directory {
            return Err(refused("is a directory"));
        }
        // What has something in it is no empty directory any more.
        for (end, _) in at.match_indices('/') {
            self.directories.remove(at.get(..end).unwrap_or_default());
        }
        let file = File { path: at.clone(), size: 0, chunks: Vec::new(), executable: false };
        self.files.insert(at, file);
        Ok(())
    }

    /// The directory that a path leads to. It need not be there; none if a file is in the way.
    fn resolved(&self, path: &str) -> Option<String> {
        let look = |at: &str| match self.links.get(at) {
            Some(link) => Lies::Link(&link.target),
            None if self.files.contains_key(at) => Lies::File,
            None => Lies::Else,
        };
        listing::resolved(path, look).filter(|at| !self.files.contains_key(at))
    }
}

fn starts<T>(map: &BTreeMap<String, T>, below: &str) -> bool {
    map.range(below.to_owned()..).next().is_some_and(|(path, _)| path.starts_with(below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::listing::VERSION;

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

    fn files(list: &Listing) -> Vec<&str> {
        list.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn what_is_missing_is_put_there_and_links_are_followed() {
        let list = image(
            &["bin/sh", "etc/hosts", "usr/ssl/openssl.cnf"],
            &[("etc/resolv.conf", "../run/resolv.conf"), ("etc/ssl", "/usr/../../usr/ssl")],
            &["etc/pki"],
        );
        let paths =
            ["/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs/all.crt", "/etc/pki/a", "/opt/b"];
        let list = furnished(list, paths).expect("furnished");
        let wanted = [
            "bin/sh",
            "etc/hosts",
            "etc/pki/a",
            "etc/resolv.conf",
            "opt/b",
            "usr/ssl/certs/all.crt",
            "usr/ssl/openssl.cnf",
        ];
        assert_eq!(files(&list), wanted);
        let root = list.root.expect("an image");
        assert_eq!((root.links.len(), root.directories.len()), (1, 0));
    }

    #[test]
    fn an_image_in_which_there_is_no_place_is_refused() {
        for list in [
            image(&["etc"], &[], &[]),
            image(&["etc/hosts/a"], &[], &[]),
            image(&["a"], &[], &["etc/hosts"]),
            image(&["a"], &[("etc", "/a")], &[]),
            image(&["a"], &[("etc/ssl", "ssl")], &[]),
            image(&["a"], &[("etc/ssl", "../a")], &[]),
        ] {
            let done = furnished(list.clone(), ["/etc/hosts", "/etc/ssl/x"]);
            assert!(matches!(done, Err(Error::Image(_))), "{list:?}");
        }
    }
}
