//! Directories of files that applications carry beside their functions.
//!
//! To the catalog, the router and the policies a directory is a function; this is where it stops
//! being one. No guest is started, and no flight record is written: see decision 0014.

mod body;
mod chunks;
mod coding;
mod conditions;
mod media;
mod path;
mod range;
mod serve;
mod shelf;
mod site;

pub(crate) use body::FileBody;
pub(crate) use chunks::Chunks;
pub(crate) use shelf::{Shelf, chunks_of};
