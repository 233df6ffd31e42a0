//! A file that is searched, or standard input.

use crate::shell::quoted;
use model::{Code, Problem};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What is read.
pub(super) struct Source {
    /// Its name, as it was given.
    pub(super) name: String,
    /// Its size, if it has one.
    pub(super) size: Option<u64>,
    input: Box<dyn Read>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// E0320 with the file and the reason.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        if path == Path::new("-") {
            let input = Box::new(io::stdin().lock());
            return Ok(Self { name: "-".to_owned(), size: None, input });
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| unreadable(&name, &error))?;
        if metadata.is_dir() {
            let hint = format!("find {} -type f -exec casemate detect {{}} +", quoted(&name));
            return Err(Problem::new(Code::DataUnreadable)
                .detail(format!("`{name}` is a directory"))
                .hint(hint));
        }
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self { name, size, input: Box::new(file) })
    }
}

impl Source {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// E0320 with the file and the reason.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Problem> {
        loop {
            match self.input.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.name, &error)),
                Ok(count) => return Ok(count),
            }
        }
    }
}

fn unreadable(name: &str, error: &io::Error) -> Problem {
    Problem::new(Code::DataUnreadable).detail(format!("`{name}`: {error}"))
}
