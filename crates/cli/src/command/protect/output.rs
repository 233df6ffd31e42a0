//! Where transformed data goes: a file that appears when it is complete, or standard output.

use crate::voice::{SafeWriter, Voice, closed};
use anyhow::Context as _;
use rustix::fs::{RenameFlags, renameat_with};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What is written to.
pub(super) enum Output {
    /// A new file, under another name until it is complete.
    File(Part),
    /// Standard output.
    Stream(io::Stdout),
    /// A terminal, which is shown no control characters of foreign data.
    Terminal(SafeWriter<io::Stdout>),
}

/// A file that is being written. Removed when dropped, unless it got its name.
pub(super) struct Part {
    file: File,
    part: PathBuf,
    path: PathBuf,
    force: bool,
    complete: bool,
}

impl Output {
    /// Begins the output. The file is its owner's alone: data that came back is plain.
    pub(super) fn open(path: Option<&Path>, force: bool) -> anyhow::Result<Self> {
        let Some(path) = path else {
            let stdout = io::stdout();
            return Ok(match Voice::out_is_terminal() {
                true => Self::Terminal(SafeWriter::new(stdout)),
                false => Self::Stream(stdout),
            });
        };
        if path.exists() && !force {
            return Err(taken(path));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let writing = || format!("cannot write `{}`", part.display());
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(writing);
            }
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.with_context(writing)?;
        Ok(Self::File(Part { file, part, path: path.to_owned(), force, complete: false }))
    }

    /// Writes the next piece.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::File(part) => {
                let writing = || format!("cannot write `{}`", part.part.display());
                part.file.write_all(bytes).with_context(writing)
            }
            Self::Stream(stdout) => closed(stdout.write_all(bytes)),
            Self::Terminal(writer) => closed(writer.write_all(bytes)),
        }
    }

    /// Ends the output: the file is on the disk and has its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::File(part) => part.finish(),
            Self::Stream(mut stdout) => closed(stdout.flush()),
            Self::Terminal(writer) => closed(writer.finish()),
        }
    }
}

impl Part {
    fn finish(mut self) -> anyhow::Result<()> {
        let (here, path) = (rustix::fs::CWD, &self.path);
        let writing = || format!("cannot write `{}`", path.display());
        self.file.sync_all().with_context(writing)?;
        let flags = if self.force { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        match renameat_with(here, &self.part, here, path, flags) {
            Err(rustix::io::Errno::EXIST) => return Err(taken(path)),
            result => result.with_context(writing)?,
        }
        self.complete = true;
        // The name is only safe when the directory is.
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new("."))).and_then(|d| d.sync_all())?;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.complete {
            // What is there is half of something and must not be taken for the whole.
            let _already_failing = fs::remove_file(&self.part);
        }
    }
}

fn taken(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("`{}` exists already; --force replaces it", path.display())
}
