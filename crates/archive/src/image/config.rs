//! The documents of an image: which of its manifests is meant, its layers, and what it starts.

use super::blobs::Blobs;
use super::spool::sha256;
use super::{Refusal, unreadable};
use model::Digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// How deep lists of manifests may lie in each other, and how many manifests they may name.
const DEPTH_MAX: usize = 4;
const MANIFESTS_MAX: usize = 1000;

/// Layers, as OCI and Docker call them. How one is packed is seen by its first bytes.
const LAYERS: [&str; 9] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
];
const LISTS: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What an image says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The processor that its programs are for.
    pub architecture: String,
    /// What is always started.
    pub entrypoint: Vec<String>,
    /// What is started, or given to what is always started.
    pub command: Vec<String>,
    /// Its environment; what is no `NAME=VALUE` is left out.
    pub environment: BTreeMap<String, String>,
    /// Where its program starts.
    pub directory: Option<String>,
    /// Who its program wants to be. In a jail everybody is the jail's own user.
    pub user: Option<String>,
    /// Ports of TCP that it exposes.
    pub ports: BTreeSet<u16>,
    /// The signal that asks it to end, as it writes it.
    pub stop_signal: Option<String>,
}

/// The image that is meant.
pub(super) struct Chosen {
    pub(super) config: Config,
    /// From the lowest to the uppermost.
    pub(super) layers: Vec<LayerOf>,
}

/// One layer, and what leads to it.
pub(super) struct LayerOf {
    /// The name of its blob.
    pub(super) name: String,
    /// The digest and the size of the blob; none in what `docker save` writes.
    pub(super) packed: Option<(Digest, u64)>,
    /// The digest of what is in it.
    pub(super) unpacked: Digest,
}

#[derive(Debug, Clone, Deserialize)]
struct Descriptor {
    #[serde(rename = "mediaType", default)]
    media: String,
    digest: String,
    size: u64,
    platform: Option<Platform>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    config: Option<Runs>,
    rootfs: Rootfs,
}

#[derive(Deserialize)]
struct Rootfs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Runs {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    stop_signal: Option<String>,
}

/// Finds the one image for Linux on this processor.
pub(super) fn choose(blobs: &Blobs, architecture: &str) -> Result<Chosen, Refusal> {
    if let Some(bytes) = blobs.document("index.json")? {
        let index: Index = parse("index.json", &bytes)?;
        return Finding { blobs, architecture, left: MANIFESTS_MAX }.find(index);
    }
    if let Some(bytes) = blobs.document("manifest.json")? {
        let mut saved: Vec<Saved> = parse("manifest.json", &bytes).map_err(|_| {
            unreadable(
                "it is no image in OCI's layout: its `manifest.json` is none of `docker save`",
            )
        })?;
        let count = saved.len();
        let (Some(saved), 1) = (saved.pop(), count) else {
            return Err(unreadable(format!("it holds {count} images: save one alone")));
        };
        return from_saved(blobs, architecture, &saved);
    }
    Err(unreadable("it is no image: it has neither an `index.json` nor a `manifest.json`"))
}

/// The way from an index to the manifest that is meant.
struct Finding<'a> {
    blobs: &'a Blobs,
    architecture: &'a str,
    left: usize,
}

impl Finding<'_> {
    fn find(mut self, index: Index) -> Result<Chosen, Refusal> {
        let mut manifests = Vec::new();
        self.collect(index, DEPTH_MAX, &mut manifests)?;
        let (mut fitting, mut others) = (BTreeMap::new(), BTreeSet::new());
        for descriptor in manifests {
            let said = descriptor.platform.clone();
            // What builds say about themselves lies beside an image as one for no platform.
            if said.as_ref().is_some_and(|it| it.os == "unknown") {
                continue;
            }
            if let Some(platform) = said.filter(|it| !self.fits(it)) {
                others.insert(platform);
                continue;
            }
            let (manifest, document) = self.image(&descriptor)?;
            let platform =
                Platform { os: document.os.clone(), architecture: document.architecture.clone() };
            if self.fits(&platform) {
                fitting.insert(descriptor.digest.clone(), (manifest, document));
            } else {
                others.insert(platform);
            }
        }
        let count = fitting.len();
        match (fitting.into_values().next(), count) {
            (Some((manifest, document)), 1) => chosen(&manifest, document),
            (Some(_), _) => Err(Refusal::Platform(format!(
                "it holds {count} images for linux/{}: put the one that is meant into a layout of its own",
                self.architecture
            ))),
            (None, _) => Err(self.elsewhere(&others)),
        }
    }

    fn collect(
        &mut self,
        index: Index,
        depth: usize,
        into: &mut Vec<Descriptor>,
    ) -> Result<(), Refusal> {
        for descriptor in index.manifests {
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                Refusal::TooLarge(format!("it names more than {MANIFESTS_MAX} images"))
            })?;
            if LISTS.contains(&descriptor.media.as_str()) {
                if depth == 0 {
                    return Err(unreadable("its lists of images lie too deep in each other"));
                }
                let bytes = document(self.blobs, &descriptor)?;
                let inner = parse(&descriptor.digest, &bytes)?;
                self.collect(inner, depth - 1, into)?;
            } else if MANIFESTS.contains(&descriptor.media.as_str()) {
                into.push(descriptor);
            } else {
                let media = descriptor.media.escape_debug();
                return Err(unreadable(format!("it names a `{media}`, which is no image")));
            }
        }
        Ok(())
    }

    fn image(&self, descriptor: &Descriptor) -> Result<(Manifest, Document), Refusal> {
        let manifest: Manifest = parse(&descriptor.digest, &document(self.blobs, descriptor)?)?;
        if !CONFIGS.contains(&manifest.config.media.as_str()) {
            let media = manifest.config.media.escape_debug();
            return Err(unreadable(format!("it is configured by a `{media}`, which is not known")));
        }
        let bytes = document(self.blobs, &manifest.config)?;
        Ok((manifest.clone(), parse(&manifest.config.digest, &bytes)?))
    }

    fn fits(&self, platform: &Platform) -> bool {
        platform.os == "linux" && platform.architecture == self.architecture
    }

    fn elsewhere(&self, others: &BTreeSet<Platform>) -> Refusal {
        elsewhere(self.architecture, others)
    }
}

impl Clone for Manifest {
    fn clone(&self) -> Self {
        Self { config: self.config.clone(), layers: self.layers.clone() }
    }
}

fn elsewhere(architecture: &str, others: &BTreeSet<Platform>) -> Refusal {
    if others.is_empty() {
        return unreadable("it holds no image");
    }
    let names = others.iter().take(20).map(|it| format!("{}/{}", it.os, it.architecture));
    let names = names.collect::<Vec<_>>().join(", ");
    let names = names.escape_debug();
    Refusal::Platform(format!("it is for {names}, and this machine is linux/{architecture}"))
}

/// An image that is known by its manifest.
fn chosen(manifest: &Manifest, document: Document) -> Result<Chosen, Refusal> {
    let unpacked = diffs(&document)?;
    if unpacked.len() != manifest.layers.len() {
        let (layers, told) = (manifest.layers.len(), unpacked.len());
        return Err(unreadable(format!(
            "it has {layers} layers, and its configuration knows {told}"
        )));
    }
    let layers = manifest.layers.iter().zip(unpacked).map(|(layer, unpacked)| {
        if !LAYERS.contains(&layer.media.as_str()) {
            let media = layer.media.escape_debug();
            return Err(unreadable(format!("a layer is a `{media}`, which is not known")));
        }
        let digest = digest(&layer.digest)?;
        Ok(LayerOf { name: blob(&digest), packed: Some((digest, layer.size)), unpacked })
    });
    Ok(Chosen { layers: layers.collect::<Result<_, _>>()?, config: config(document) })
}

/// An image that `docker save` wrote.
fn from_saved(blobs: &Blobs, architecture: &str, saved: &Saved) -> Result<Chosen, Refusal> {
    let name = saved.config.escape_debug();
    let bytes = blobs.document(&saved.config)?;
    let bytes =
        bytes.ok_or_else(|| unreadable(format!("its configuration `{name}` is missing")))?;
    // It is named after its digest, in one way or the other.
    let stem = saved.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
    if sha256(&bytes).hex() != stem {
        return Err(unreadable(format!("its configuration `{name}` is not what its digest says")));
    }
    let document: Document = parse(&saved.config, &bytes)?;
    let platform =
        Platform { os: document.os.clone(), architecture: document.architecture.clone() };
    if platform.os != "linux" || platform.architecture != architecture {
        return Err(elsewhere(architecture, &BTreeSet::from([platform])));
    }
    let unpacked = diffs(&document)?;
    if unpacked.len() != saved.layers.len() {
        let (layers, told) = (saved.layers.len(), unpacked.len());
        return Err(unreadable(format!(
            "it has {layers} layers, and its configuration knows {told}"
        )));
    }
    let layers = saved.layers.iter().zip(unpacked);
    let layers = layers
        .map(|(name, unpacked)| LayerOf { name: name.clone(), packed: None, unpacked })
        .collect();
    Ok(Chosen { layers, config: config(document) })
}

fn diffs(document: &Document) -> Result<Vec<Digest>, Refusal> {
    document.rootfs.diff_ids.iter().map(|text| digest(text)).collect()
}

fn config(document: Document) -> Config {
    let runs = document.config.unwrap_or_default();
    let variables = runs.env.unwrap_or_default();
    let variables = variables.iter().filter_map(|line| line.split_once('='));
    let ports = runs.exposed_ports.unwrap_or_default();
    let ports = ports.keys().filter_map(|port| match port.split_once('/') {
        Some((port, "tcp")) => port.parse().ok(),
        Some(_) => None,
        None => port.parse().ok(),
    });
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    Config {
        architecture: document.architecture,
        entrypoint: runs.entrypoint.unwrap_or_default(),
        command: runs.cmd.unwrap_or_default(),
        environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        directory: said(runs.working_dir),
        user: said(runs.user),
        ports: ports.collect(),
        stop_signal: said(runs.stop_signal),
    }
}

/// A document by its descriptor.
fn document(blobs: &Blobs, descriptor: &Descriptor) -> Result<Vec<u8>, Refusal> {
    let digest = digest(&descriptor.digest)?;
    let bytes = blobs.document(&blob(&digest))?;
    let bytes = bytes.ok_or_else(|| unreadable(format!("`{digest}` is missing in it")))?;
    if sha256(&bytes) != digest || bytes.len() as u64 != descriptor.size {
        return Err(unreadable(format!("`{digest}` is not what its digest says")));
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Refusal> {
    let what = what.escape_debug();
    serde_json::from_slice(bytes).map_err(|error| unreadable(format!("`{what}`: {error}")))
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
    text.parse().map_err(|_| unreadable(format!("`{shown}` is no digest: only sha256 is read")))
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}
