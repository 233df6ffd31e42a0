//! OCI images, unpacked without a container engine: what their layers come to, laid over each other.
//!
//! An image is a directory or a tar file in OCI's image layout, or what `docker save` writes. Its layers
//! are laid over each other in memory, by the names of their entries; the bytes of files go to one
//! spool file, so nothing of an image ever becomes a path of the machine.
//!
//! Invariant: every byte that is used is covered by the digest that led to it, no entry gets outside
//! the image, and nothing is left out in silence but what a jail has of its own (`/dev`, `/proc`,
//! `/sys`, `/tmp`), owners, extended attributes, and the bits `setuid`, `setgid` and sticky.

mod blobs;
mod config;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod layer;
mod part;
mod spool;
mod tar;
mod tree;

pub use config::Config;

use blobs::Blobs;
use layer::Layer;
use model::listing::Listing;
use spool::Spool;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tree::Tree;

/// Most layers of an image.
const LAYERS_MAX: usize = 500;

/// Why an image is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no image that can be read, or something of it is damaged.
    #[error("{0}")]
    Unreadable(String),
    /// It is for another platform.
    #[error("{0}")]
    Platform(String),
    /// An entry of a layer may not be.
    #[error("`{name}`: {why}")]
    Entry {
        /// Its name, as it can be shown.
        name: String,
        /// Why not.
        why: String,
    },
    /// It holds too much.
    #[error("{0}")]
    TooLarge(String),
}

impl Refusal {
    fn entry(name: &[u8], why: impl Into<String>) -> Self {
        let name: String = String::from_utf8_lossy(name).chars().take(200).collect();
        Self::Entry { name: name.escape_debug().to_string(), why: why.into() }
    }
}

fn unreadable(why: impl Into<String>) -> Refusal {
    Refusal::Unreadable(why.into())
}

/// An image, unpacked.
#[derive(Debug)]
pub struct Image {
    /// What its root holds.
    pub list: Listing,
    /// What it says of itself.
    pub config: Config,
    spool: Spool,
    /// Which of the spool's contents each file of the list has.
    contents: Vec<usize>,
}

impl Image {
    /// Reads the image at `path` that is for Linux on `architecture`, in the words of images. `spool` is
    /// an empty file for what is unpacked.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn read(path: &Path, architecture: &str, spool: File) -> Result<Self, Refusal> {
        let blobs = Blobs::open(path)?;
        let chosen = config::choose(&blobs, architecture)?;
        if chosen.layers.len() > LAYERS_MAX {
            let count = chosen.layers.len();
            return Err(Refusal::TooLarge(format!(
                "it has {count} layers, {LAYERS_MAX} are taken"
            )));
        }
        let (mut tree, mut spool) = (Tree::default(), Spool::new(spool));
        for layer in &chosen.layers {
            tree.begin();
            Layer::open(&blobs, layer)?.unpack(&mut tree, &mut spool)?;
        }
        let (list, contents) = tree.list(&spool)?;
        Ok(Self { list, config: chosen.config, spool, contents })
    }

    /// A file of the list once more, by its number.
    ///
    /// # Errors
    /// There is no such file.
    pub fn open(&self, file: usize) -> io::Result<Box<dyn Read + '_>> {
        let content = self.contents.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(self.spool.open(*content)))
    }

    /// What a file of the list is called.
    #[must_use]
    pub fn name(&self, file: usize) -> &str {
        self.list.files.get(file).map_or("", |file| &file.path)
    }
}

#[cfg(test)]
mod tests;
