//! A consistent copy of all blobs, for a backup: copies of indexes, and links to files, which cost
//! no room.
//!
//! Invariant: whoever takes one keeps files from going meanwhile, so what an index names is there.

use super::DIRECTORY;
use super::rows::FileId;
use crate::Error;
use crate::kv;
use model::{EnvironmentName, FunctionName, SharedStoreName, TenantName};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Directories below a tenant's: environment, sort of name, name, `objects`, the first digits.
const DEPTH: usize = 5;
/// The directory of finished objects below a container's.
const OBJECTS: &str = "objects";

pub(super) fn take(home: &Path, target: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut taken = kv::copy_area(DIRECTORY, home, target)?;
    let links = target.join(DIRECTORY);
    std::fs::create_dir_all(&links).map_err(|error| Error::io(&links, error))?;
    for tenant in super::tenants(home)? {
        let dir = Path::new(DIRECTORY).join(tenant.as_str());
        walk(home, &dir, DEPTH, &links, &mut taken)?;
    }
    Ok(taken)
}

fn walk(
    home: &Path,
    dir: &Path,
    depth: usize,
    links: &Path,
    taken: &mut Vec<(String, PathBuf)>,
) -> Result<(), Error> {
    let path = home.join(dir);
    let entries = match std::fs::read_dir(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| Error::io(&path, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(&path, error))?;
        let name = entry.file_name();
        let below = dir.join(&name);
        let kind = entry.file_type().map_err(|error| Error::io(home.join(&below), error))?;
        match name.to_str() {
            // Uploads come and grow meanwhile.
            Some(name) if kind.is_dir() && depth > 0 && (depth != 2 || name == OBJECTS) => {
                walk(home, &below, depth - 1, links, taken)?;
            }
            Some(name) if kind.is_file() && depth == 0 && FileId::parse(name).is_some() => {
                let link = links.join(format!("{:08}", taken.len()));
                std::fs::hard_link(home.join(&below), &link)
                    .map_err(|error| Error::io(&link, error))?;
                taken.push((below.display().to_string(), link));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether it is an index, or the file of an object.
pub(super) fn belongs(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [DIRECTORY, index] => {
            let tenant = index.strip_suffix(".db");
            tenant.is_some_and(|tenant| TenantName::parse(tenant).is_ok())
        }
        [DIRECTORY, tenant, environment, sort, name, OBJECTS, digits, file] => {
            let container = match *sort {
                "own" => FunctionName::parse(name).is_ok(),
                "shared" => SharedStoreName::parse(name).is_ok(),
                _ => false,
            };
            container
                && TenantName::parse(tenant).is_ok()
                && EnvironmentName::parse(environment).is_ok()
                && FileId::parse(file).is_some()
                && file.get(..2) == Some(digits)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_paths_and_no_others() {
        let file = "ab".repeat(16);
        for (path, own) in [
            ("blobs/default.db".to_owned(), true),
            (format!("blobs/default/main/shared/photos/objects/ab/{file}"), true),
            (format!("blobs/default/main/own/orders/objects/ab/{file}"), true),
            (format!("blobs/default/main/own/orders/objects/cd/{file}"), false),
            (format!("blobs/default/main/own/orders/uploads/{file}"), false),
            (format!("blobs/default/main/../orders/objects/ab/{file}"), false),
            (format!("blobs/default/main/own/../objects/ab/{file}"), false),
            ("blobs/../registry.db".to_owned(), false),
            ("blobs/Default.db".to_owned(), false),
            ("blobs".to_owned(), false),
        ] {
            assert_eq!(belongs(&path), own, "{path}");
        }
    }
}
