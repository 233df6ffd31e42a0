//! What layers come to, laid over each other: names, and what they stand for.
//!
//! Invariant: nothing here follows a link. An entry whose path leads through one is refused, so what an
//! entry is called is where it lies.

use super::Refusal;
use super::spool::Spool;
use super::tar::{Entry, Kind};
use model::listing::{
    ENTRIES_MAX, File, LINK_BYTES_MAX, Link, Listing, Root, TOTAL_BYTES_MAX, VERSION,
    check_root_path,
};
use std::collections::BTreeMap;

/// What hides something of the layers below.
const WHITEOUT: &str = ".wh.";
/// Hides all of a directory of the layers below.
const OPAQUE: &str = ".wh..wh..opq";
/// What AUFS wrote for itself.
const AUFS: &str = ".wh..wh.";
/// Where AUFS kept files that have several names.
const AUFS_LINKS: &str = ".wh..wh.plnk/";
/// What a jail has of its own.
const OWN: [&str; 4] = ["dev", "proc", "sys", "tmp"];
/// Most entries of all layers.
const ALL_ENTRIES_MAX: usize = 10 * ENTRIES_MAX;
/// Most directories that are made of them, those among them that only stand in a path.
const DIRECTORIES_MAX: usize = 2 * ENTRIES_MAX;
/// Most bytes of the names and links of all layers.
const TEXT_BYTES_MAX: usize = 128 << 20;

/// Where an entry lies.
#[derive(Debug)]
pub(super) enum Placed {
    /// Nowhere: it hides something, or is what a jail has of its own.
    Nowhere,
    /// In the image.
    At(String),
    /// Beside it, for names that follow in the same layer.
    Aside(String),
}

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
    directories: usize,
    text_bytes: usize,
    /// What AUFS kept of the layer in hand, and whether it can be executed.
    aside: BTreeMap<String, (usize, bool)>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            root: Node::directory(0),
            layer: 0,
            entries: 0,
            directories: 0,
            text_bytes: 0,
            aside: BTreeMap::new(),
        }
    }
}

impl Tree {
    /// Another layer begins.
    pub(super) fn begin(&mut self) {
        self.layer += 1;
        self.aside.clear();
    }

    /// Where an entry lies.
    pub(super) fn place(&mut self, entry: &Entry) -> Result<Placed, Refusal> {
        self.count(entry)?;
        let Some(path) = path(&entry.name, &entry.name)? else { return Ok(Placed::Nowhere) };
        if path.starts_with(AUFS) && path != OPAQUE {
            let kept = path.starts_with(AUFS_LINKS) && entry.kind == Kind::File;
            return Ok(if kept { Placed::Aside(path) } else { Placed::Nowhere });
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if parent.split('/').any(|part| part.starts_with(WHITEOUT)) {
            return Err(Refusal::entry(&entry.name, "it lies in a whiteout"));
        }
        if name.starts_with(WHITEOUT) {
            self.hide(entry, parent, name)?;
            return Ok(Placed::Nowhere);
        }
        // A device of a jail's own directories is as good as none; anywhere else it is refused.
        if own(&path).is_some() {
            return Ok(Placed::Nowhere);
        }
        Ok(Placed::At(path))
    }

    /// Holds what is kept of all layers to what is taken.
    fn count(&mut self, entry: &Entry) -> Result<(), Refusal> {
        self.entries += 1;
        self.text_bytes += entry.name.len() + entry.target.len();
        let why = if self.entries > ALL_ENTRIES_MAX {
            format!("more than {ALL_ENTRIES_MAX} entries")
        } else if self.directories > DIRECTORIES_MAX {
            format!("more than {DIRECTORIES_MAX} directories")
        } else if self.text_bytes > TEXT_BYTES_MAX {
            format!("more than {} MiB of names and links", TEXT_BYTES_MAX >> 20)
        } else {
            return Ok(());
        };
        Err(Refusal::TooLarge(format!("its layers have {why}")))
    }

    /// Keeps a file that hard links of this layer may mean.
    pub(super) fn put_aside(&mut self, path: String, content: usize, executable: bool) {
        self.aside.insert(path, (content, executable));
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
        if let Some(own) = target.as_deref().and_then(own) {
            let why = format!("which is left out, since a jail has its own `/{own}`");
            return Err(refused(&why));
        }
        let kept = target.as_ref().and_then(|target| self.aside.get(target));
        if let Some((content, executable)) = kept {
            return Ok(Made::File { content: *content, executable: *executable });
        }
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
        let more = usize::from(matches!(made, Made::Directory));
        let what = match made {
            Made::Directory => What::Directory(BTreeMap::new()),
            Made::File { content, executable } => What::File { content, executable },
            Made::Link(target) => What::Link(target),
        };
        children.insert(name.to_owned(), Node { what, layer });
        self.directories += more;
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
                self.directories += 1;
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
        let mut gathered = Gathered { spool, files: Vec::new(), root: Root::default(), bytes: 0 };
        if let What::Directory(children) = self.root.what {
            gathered.gather("", children);
        }
        let Gathered { mut files, mut root, bytes, .. } = gathered;
        if bytes > TOTAL_BYTES_MAX {
            let most = TOTAL_BYTES_MAX >> 30;
            let why =
                format!("its files have more than {most} GiB, each counted under all its names");
            return Err(Refusal::TooLarge(why));
        }
        files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        root.links.sort_by(|a, b| a.path.cmp(&b.path));
        root.directories.sort();
        let (files, contents) = files.into_iter().unzip();
        let list = Listing { v: VERSION, files, root: Some(root) };
        list.check().map_err(|error| Refusal::TooLarge(error.to_string()))?;
        Ok((list, contents))
    }
}

/// The directory of a jail's own in which a path lies, if it does.
fn own(path: &str) -> Option<&'static str> {
    let top = path.split('/').next().unwrap_or_default();
    OWN.into_iter().find(|own| *own == top)
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
    /// Of all files so far. A file of many names is one in the spool, and many in the list.
    bytes: u64,
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
                    let size = kept.map_or(0, |kept| kept.size);
                    self.bytes = self.bytes.saturating_add(size);
                    // What is too much is refused, and not copied before.
                    let kept = kept.filter(|_| self.bytes <= TOTAL_BYTES_MAX);
                    let chunks = kept.map_or_else(Vec::new, |kept| kept.chunks.clone());
                    self.files.push((File { path, size, chunks, executable }, content));
                }
            }
        }
    }
}
