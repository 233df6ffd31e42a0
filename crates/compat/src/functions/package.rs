//! A zip file as a package: a list of files, and their pieces.

use crate::fault::Fault;
use archive::zip::{Archive, Refusal};
use bytes::Bytes;
use model::Digest;
use model::bundle::{self, BUNDLE_BYTES_MAX, HEAD_BYTES};
use model::listing::{CHUNK_BYTES, File, Listing, VERSION};
use model::manifest::Contract;
use std::io::Read as _;

/// Most bytes of a zip in a request: AWS's own limit.
pub(super) const ZIP_BYTES_MAX: usize = 52_428_800;

/// What is sent to the store.
#[derive(Debug)]
pub(super) struct Package {
    /// Of the list.
    pub(super) digest: Digest,
    pub(super) bundles: Vec<Bytes>,
}

impl Package {
    /// Unpacks a zip, in memory.
    ///
    /// # Errors
    /// It is none, or none that is taken.
    pub(super) fn read(zip: Vec<u8>) -> Result<Self, Fault> {
        if zip.len() > ZIP_BYTES_MAX {
            return Err(Fault::too_large(ZIP_BYTES_MAX as u64, "CreateFunction"));
        }
        let most = Contract::Lambda.package_bytes_max();
        let archive = Archive::read(zip.into(), most).map_err(|refusal| match refusal {
            Refusal::TooLarge(_) => {
                Fault::invalid(format!("Unzipped size must be smaller than {most} bytes"))
            }
            other => unreadable(&other),
        })?;
        let (mut files, mut bundles) = (Vec::new(), vec![Vec::new()]);
        for (at, entry) in archive.entries().iter().enumerate() {
            let damaged = |_: std::io::Error| {
                unreadable(&"it is damaged: what is unpacked is not what was packed")
            };
            let mut reader = archive.open(at).map_err(damaged)?;
            let (mut size, mut chunks, mut program) = (0_u64, Vec::new(), false);
            loop {
                let mut piece = Vec::new();
                let mut part = reader.by_ref().take(CHUNK_BYTES);
                part.read_to_end(&mut piece).map_err(damaged)?;
                if piece.is_empty() {
                    break;
                }
                program |= size == 0 && (piece.starts_with(b"\x7fELF") || piece.starts_with(b"#!"));
                size += piece.len() as u64;
                let digest = engine::sha256(&piece);
                put(&mut bundles, &digest, &piece);
                chunks.push(digest);
            }
            let executable = entry.executable.unwrap_or(program);
            files.push(File { path: entry.name.clone(), size, chunks, executable });
        }
        files.sort_by(|one, two| one.path.cmp(&two.path));
        let list = Listing { v: VERSION, files, root: None };
        list.check().and_then(|()| list.check_package()).map_err(|error| unreadable(&error))?;
        let bytes = list.bytes();
        let digest = engine::sha256(&bytes);
        put(&mut bundles, &digest, &bytes);
        Ok(Self { digest, bundles: bundles.into_iter().map(Bytes::from).collect() })
    }
}

fn put(bundles: &mut Vec<Vec<u8>>, digest: &Digest, bytes: &[u8]) {
    let full = |bundle: &Vec<u8>| {
        !bundle.is_empty() && bundle.len() + HEAD_BYTES + bytes.len() > BUNDLE_BYTES_MAX
    };
    if bundles.last().is_none_or(full) {
        bundles.push(Vec::new());
    }
    if let Some(bundle) = bundles.last_mut() {
        bundle::add(bundle, digest, bytes);
    }
}

fn unreadable(why: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!(
        "Could not unzip uploaded file. Please check your file, then try to upload again. ({why})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_that_is_none_is_said_to_be_none() {
        for bytes in [&b""[..], b"PK", b"no zip at all", &[0; 100]] {
            let fault = Package::read(bytes.to_vec()).expect_err("no zip");
            assert_eq!((fault.status, fault.kind), (400, "InvalidParameterValueException"));
            assert!(fault.message.starts_with("Could not unzip uploaded file."), "{fault:?}");
        }
        let large = Package::read(vec![0; ZIP_BYTES_MAX + 1]).expect_err("too large");
        assert_eq!(large.status, 413);
    }
}
