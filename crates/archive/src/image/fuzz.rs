//! What the fuzzer and the tests call: the bytes of a layer.

use super::Refusal;
use super::config::LayerOf;
use super::layer::Layer;
use super::spool::{Spool, sha256};
use super::tree::Tree;
use model::Digest;
use std::path::{Component, Path};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// A layer of an image, as it is without its packing. What it makes stays in the image, leads through
/// no link, and can be laid out; with another digest it is refused.
///
/// # Errors
/// The promise that was broken.
pub fn layer(bytes: &[u8]) -> Outcome {
    let failed = |error: std::io::Error| error.to_string();
    let unpack = |unpacked: Digest| {
        let of = LayerOf { name: "layer".to_owned(), packed: None, unpacked };
        let file = std::env::temp_dir().join(format!("casemate-fuzz-{}", std::process::id()));
        let options =
            std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&file);
        let _gone = std::fs::remove_file(&file);
        let (mut tree, mut spool) = (Tree::default(), Spool::new(options.map_err(failed)?));
        tree.begin();
        let done = Layer::of(&of, bytes).and_then(|layer| layer.unpack(&mut tree, &mut spool));
        Ok::<_, String>(done.and_then(|()| tree.list(&spool)))
    };
    let Ok((list, _)) = unpack(sha256(bytes))? else { return Ok(()) };
    list.check().map_err(|error| error.to_string())?;
    let root = list.root.clone().unwrap_or_default();
    let paths = list.files.iter().map(|file| file.path.as_str());
    let paths = paths.chain(root.links.iter().map(|link| link.path.as_str()));
    for path in paths.chain(root.directories.iter().map(String::as_str)) {
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!("{path:?} does not stay in the image"));
        }
    }
    match unpack(Digest([0; 32]))? {
        Err(Refusal::Unreadable(_)) => Ok(()),
        other => Err(format!("with another digest it is {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn layer() {
        fuzzing::run("layer", 2000, super::layer);
    }
}
