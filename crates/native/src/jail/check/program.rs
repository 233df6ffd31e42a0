//! This executable in a jail: it, its libraries, and what loads them.

use super::inside::CANARY;
use crate::jail::plan::{Bind, Ceilings, Plan};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Where it lies in the jail.
const PLACE: &str = "/opt/casemate";

/// A plan that runs a hidden subcommand of this executable.
pub(super) fn plan(
    executable: &Path,
    name: &str,
    arguments: &[String],
    ceilings: Ceilings,
) -> io::Result<Plan> {
    let libraries = libraries(&std::fs::read_to_string("/proc/self/maps")?);
    let mut binds = vec![Bind { source: executable.to_owned(), target: PLACE.into() }];
    binds.extend(libraries.iter().map(|path| Bind { source: path.clone(), target: path.clone() }));
    let own = [format!("__{name}")].into_iter().chain(arguments.iter().cloned());
    // One that is linked statically has no libraries, and nothing to load them.
    let (program, arguments) = match libraries.iter().find(|path| is_loader(path)) {
        None => (PathBuf::from(PLACE), own.collect()),
        Some(loader) => {
            let places: BTreeSet<&Path> =
                libraries.iter().filter_map(|path| path.parent()).collect();
            let places: Vec<String> =
                places.into_iter().map(|path| path.display().to_string()).collect();
            let options = ["--library-path".to_owned(), places.join(":"), PLACE.to_owned()];
            (loader.clone(), options.into_iter().chain(own).collect())
        }
    };
    Ok(Plan {
        binds,
        links: Vec::new(),
        places: Vec::new(),
        files: vec![(CANARY.into(), b"seen".to_vec())],
        hosts: Vec::new(),
        listeners: Vec::new(),
        sockets: 0,
        program,
        arguments,
        environment: Vec::new(),
        directory: "/tmp".into(),
        extra: false,
        window: None,
        ceilings,
    })
}

/// The libraries that this process has loaded, from `/proc/self/maps`.
fn libraries(maps: &str) -> BTreeSet<PathBuf> {
    let path = |line: &str| {
        let path = line.split_once('/').map(|(_, rest)| PathBuf::from(format!("/{rest}")))?;
        let name = path.file_name()?.to_str()?;
        (name.ends_with(".so") || name.contains(".so.")).then_some(path)
    };
    maps.lines().filter_map(path).collect()
}

fn is_loader(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("ld-linux") || name.starts_with("ld-musl") || name.starts_with("ld64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_their_loader_are_found() {
        let maps = "\
55d-55e r-xp 00000000 fe:00 12 /usr/bin/casemate
7f0-7f1 r-xp 00000000 fe:00 13 /usr/lib/x86_64-linux-gnu/libc.so.6
7f1-7f2 r--p 00000000 fe:00 13 /usr/lib/x86_64-linux-gnu/libc.so.6
7f2-7f3 r-xp 00000000 fe:00 14 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
7f4-7f5 rw-p 00000000 00:00 0
7ff-800 r-xp 00000000 00:00 0 [vdso]
";
        let found: Vec<PathBuf> = libraries(maps).into_iter().collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found.iter().filter(|path| is_loader(path)).count(), 1);
    }
}
