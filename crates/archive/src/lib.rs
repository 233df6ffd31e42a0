//! Archives that people bring, read strictly: zip files and OCI images.
#![forbid(unsafe_code)]

pub mod image;
pub mod zip;
