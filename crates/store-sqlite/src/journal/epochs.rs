//! Which epochs of the root key the segments of a journal are sealed with.

use super::disk::Disk as _;
use super::disk::real::RealDisk;
use super::segment::{HEADER_BYTES, Header, first_of};
use crate::Error;
use model::key::Epoch;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// One for each segment below `dir` whose header can be read, whether or not a node writes there.
///
/// # Errors
/// [`Error::Io`]
pub(crate) fn epochs(dir: &Path) -> Result<Vec<Epoch>, Error> {
    let mut found = Vec::new();
    for stream in list(dir)? {
        let stream = dir.join(stream);
        if !stream.is_dir() {
            continue;
        }
        for name in list(&stream)?.into_iter().filter(|name| first_of(name).is_some()) {
            let path = stream.join(name);
            let mut header = [0; HEADER_BYTES];
            match File::open(&path).and_then(|mut file| file.read_exact(&mut header)) {
                // It is damaged, or was given up meanwhile; `casemate doctor` says the former.
                Err(error) if is_gone(&error) => {}
                read => {
                    read.map_err(|error| Error::io(&path, error))?;
                    found.extend(Header::decode(&header).ok().map(|header| header.epoch));
                }
            }
        }
    }
    Ok(found)
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof)
}

fn list(dir: &Path) -> Result<Vec<String>, Error> {
    match RealDisk.list(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(|error| Error::io(dir, error)),
    }
}
