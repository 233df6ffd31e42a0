//! Where a call's body comes from: the command line, a file, standard input.

use anyhow::Context as _;
use std::fs::File;
use std::io::{self, Cursor, Read};

/// A body and its length, where that is known.
pub(super) type Source = (Box<dyn Read>, Option<u64>);

/// Opens what `--data` names.
pub(super) fn open(data: &str) -> anyhow::Result<Source> {
    if data == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let Some(name) = data.strip_prefix('@') else {
        let bytes = data.as_bytes().to_vec();
        let length = bytes.len() as u64;
        return Ok((Box::new(Cursor::new(bytes)), Some(length)));
    };
    let failed = || format!("cannot read `{name}`");
    let file = File::open(name).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    // Only a file has its length beforehand; a pipe or a device is sent until it ends.
    let length = metadata.is_file().then_some(metadata.len());
    match length {
        Some(length) => Ok((Box::new(file.take(length)), Some(length))),
        None => Ok((Box::new(file), None)),
    }
}
