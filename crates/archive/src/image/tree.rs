//! What layers come to, laid over each other: names, and what they stand for.
//!
//! Invariant: nothing here follows a link. An entry whose path leads through one is refused, so what an
//! entry is called is where it lies.

use super::Refusal;
use super::spool::Spool;
use super::tar::{Entry, Kind};
use model::listing::{
    ENTRIES_MAX, File, LINK_BYTES_MAX, Link, Listing, Root, VERSION, check_root_path,
};
use std::collections::BTreeMap;

/// What hides something of the layers below.
const WHITEOUT: &str = ".wh.";
/// Hides all of a directory of the layers below.
const OPAQUE: &str = ".wh..wh..opq";
/// What AUFS wrote for itself.
const AUFS: &str = ".wh..wh.";
/// What a jail has of its own.
const OWN: [&str; 4] = ["dev", "proc", "sys", "tmp"];
/// Most entries of all layers.
const ALL_ENTRIES_MAX: usize = 10 * ENTRIES_MAX;

/// What an entry makes.
#[derive(Debug, Clone)]
pub(super) enum Made {
    Directory,
    File { content: usize, executable: bool },
    Link(String),
}

#[derive(Debug)]
enum What {
    Directory(BTreeMap<String, Node>),
    File { content: usize, executable: bool },
    Link(String),
}

#[derive(Debug)]
struct Node {
    what: What,
    /// The last layer that said something of it.
    layer: usize,
}

impl Node {
    const fn directory(layer: usize) -> Self {
        Self { what: What::Directory(BTreeMap::new()), layer }
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    root: Node,
    layer: usize,
    entries: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self { root: Node::directory(0), layer: 0, entries: 0 }
    }
}

impl Tree {
    /// Another layer begins.
    pub(super) const fn begin(&mut self) {
        self.layer += 1;
    }

    /// Where an entry lies. Nothing if there is no more to it: it hides something, or is what a jail has
    /// of its own.
    pub(super) fn place(&mut self, entry: &Entry) -> Result<Option<String>, Refusal> {
        self.entries += 1;
        if self.entries > ALL_ENTRIES_MAX {
            let why = format!("its layers have more than {ALL_ENTRIES_MAX} entries");
            return Err(Refusal::TooLarge(why));
        }
        let Some(path) = path(&entry.name, &entry.name)? else { return Ok(None) };
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if parent.split('/').any(|part| part.starts_with(WHITEOUT)) {
            return Err(Refusal::entry(&entry.name, "it lies in a whiteout"));
        }
        if name.starts_with(WHITEOUT) {
            self.hide(entry, parent, name)?;
            return Ok(None);
        }
        // A device of a jail's own directories is as good as none; anywhere else it is refused.
        if OWN.contains(&path.split('/').next().unwrap_or_default()) {
            return Ok(None);
        }
        Ok(Some(path))
    }

    /// What a symbolic link says.
    pub(super) fn target(&self, entry: &Entry) -> Result<String, Refusal> {
        match String::from_utf8(entry.target.clone()) {
            Ok(target) if (1..=LINK_BYTES_MAX).contains(&target.len()) => Ok(target),
            _ => Err(Refusal::entry(&entry.name, "it is a link that says nothing readable")),
        }
    }

    /// What a hard link is another name of.
    pub(super) fn same(&self, entry: &Entry) -> Result<Made, Refusal> {
        let shown = String::from_utf8_lossy(&entry.target).escape_debug().to_string();
        let refused =
            |why: &str| Refusal::entry(&entry.name, format!("it links to `{shown}`, {why}"));
        let target = path(&entry.target, &entry.name)
            .map_err(|_| refused("which leads out of the image, or is no name"))?;
        let mut node = &self.root;
        for part in target.iter().flat_map(|target| target.split('/')) {
            let What::Directory(children) = &node.what else {
                return Err(refused("whose path leads through a file or a link"));
            };
            node = children.get(part).ok_or_else(|| refused("which is not there"))?;
        }
        match &node.what {
            What::File { content, executable } => {
                Ok(Made::File { content: *content, executable: *executable })
            }
            What::Link(text) => Ok(Made::Link(text.clone())),
            What::Directory(_) => Err(refused("which is a directory")),
        }
    }

    /// Puts something where it lies.
    pub(super) fn put(&mut self, path: &str, made: Made) -> Result<(), Refusal> {
        let layer = self.layer;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let refused = |why: &str| Refusal::entry(path.as_bytes(), why);
        let children = self.children(parent, true).map_err(refused)?;
        let Some(children) = children else { return Ok(()) };
        if let Some(there) = children.get_mut(name) {
            match (&there.what, &made) {
                (What::Directory(_), Made::Directory) => {
                    there.layer = layer;
                    return Ok(());
                }
                _ if there.layer == layer => {
                    return Err(refused("it stands twice in one layer"));
                }
                _ => {}
            }
        }
        let what = match made {
            Made::Directory => What::Directory(BTreeMap::new()),
            Made::File { content, executable } => What::File { content, executable },
            Made::Link(target) => What::Link(target),
        };
        children.insert(name.to_owned(), Node { what, layer });
        Ok(())
    }

    /// What is in a directory; nothing if it is not there and is not to be made.
    fn children(
        &mut self,
        path: &str,
        make: bool,
    ) -> Result<Option<&mut BTreeMap<String, Node>>, &'static str> {
        let layer = self.layer;
        let mut node = &mut self.root;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let What::Directory(children) = &mut node.what else {
                return Err("its path leads through a file or a link");
            };
            if make && !children.contains_key(part) {
                children.insert(part.to_owned(), Node::directory(layer));
            }
            let Some(next) = children.get_mut(part) else { return Ok(None) };
            if make {
                next.layer = layer;
            }
            node = next;
        }
        match &mut node.what {
            What::Directory(children) => Ok(Some(children)),
            _ => Err("its path leads through a file or a link"),
        }
    }

    /// Takes away what is of the layers below.
    fn hide(&mut self, entry: &Entry, parent: &str, name: &str) -> Result<(), Refusal> {
        let layer = self.layer;
        let refused = |why: &str| Refusal::entry(&entry.name, why);
        let hidden = name.strip_prefix(WHITEOUT).unwrap_or_default();
        if !matches!(entry.kind, Kind::File | Kind::Hard) {
            return Err(refused("it is a whiteout, and no file"));
        }
        if name == OPAQUE {
            if let Some(children) = self.children(parent, false).map_err(refused)? {
                prune(children, layer);
            }
            return Ok(());
        }
        if name.starts_with(AUFS) {
            return Ok(());
        }
        if matches!(hidden, "" | "." | "..") {
            return Err(refused("it is a whiteout of nothing that could be"));
        }
        if let Some(children) = self.children(parent, false).map_err(refused)?
            && let Some(node) = children.get_mut(hidden)
            && is_below(node, layer)
        {
            children.remove(hidden);
        }
        Ok(())
    }

    /// All of it, and which content each file has.
    pub(super) fn list(self, spool: &Spool) -> Result<(Listing, Vec<usize>), Refusal> {
        let mut gathered = Gathered { spool, files: Vec::new(), root: Root::default() };
        if let What::Directory(children) = self.root.what {
            gathered.gather("", children);
        }
        let Gathered { mut files, mut root, .. } = gathered;
        files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        root.links.sort_by(|a, b| a.path.cmp(&b.path));
        root.directories.sort();
        let (files, contents) = files.into_iter().unzip();
        let list = Listing { v: VERSION, files, root: Some(root) };
        list.check().map_err(|error| Refusal::TooLarge(error.to_string()))?;
        Ok((list, contents))
    }
}

/// Takes away what the layers below said. True if nothing is left of it.
fn is_below(node: &mut Node, layer: usize) -> bool {
    if let What::Directory(children) = &mut node.what {
        prune(children, layer);
        return children.is_empty() && node.layer != layer;
    }
    node.layer != layer
}

fn prune(children: &mut BTreeMap<String, Node>, layer: usize) {
    children.retain(|_, node| !is_below(node, layer));
}

/// Where something lies, by its name in a layer; nothing for the root itself.
fn path(name: &[u8], shown: &[u8]) -> Result<Option<String>, Refusal> {
    let refused = |why: &str| Refusal::entry(shown, why);
    let name = std::str::from_utf8(name).map_err(|_| refused("its name is no UTF-8"))?;
    // Some programs call the root itself so.
    if name == "/" {
        return Ok(None);
    }
    if name.starts_with('/') {
        return Err(refused("its name is absolute"));
    }
    let mut plain = name;
    while let Some(rest) = plain.strip_prefix("./") {
        plain = rest;
    }
    let plain = plain.trim_end_matches('/');
    if matches!(plain, "" | ".") && !name.is_empty() {
        return Ok(None);
    }
    check_root_path(plain).map_err(refused)?;
    Ok(Some(plain.to_owned()))
}

struct Gathered<'a> {
    spool: &'a Spool,
    files: Vec<(File, usize)>,
    root: Root,
}

impl Gathered<'_> {
    fn gather(&mut self, prefix: &str, children: BTreeMap<String, Node>) {
        for (name, node) in children {
            let path = format!("{prefix}{name}");
            match node.what {
                What::Directory(children) if children.is_empty() => {
                    self.root.directories.push(path);
                }
                What::Directory(children) => self.gather(&format!("{path}/"), children),
                What::Link(target) => self.root.links.push(Link { path, target }),
                What::File { content, executable } => {
                    let kept = self.spool.content(content);
                    let (size, chunks) =
                        kept.map_or((0, Vec::new()), |kept| (kept.size, kept.chunks.clone()));
                    self.files.push((File { path, size, chunks, executable }, content));
                }
            }
        }
    }
}
