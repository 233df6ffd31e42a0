//! The files of a project, and which of them changed.
//!
//! The system only says that something happened somewhere; what changed is found by looking at
//! the files. So a file that was saved as it was is no change, and neither is one that a build
//! wrote as it was.
//!
//! Invariant: what builds make is not watched: the languages' own directories, what `.gitignore`
//! names, and every `source` that has a build command.

use crate::manifest::Outline;
use ignore::WalkBuilder;
use model::{Code, Problem};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Directories that hold no source, wherever they lie.
const NEVER: &[&str] =
    &[".git", ".hg", ".jj", ".svn", ".casemate", "node_modules", ".venv", "__pycache__"];
/// Directories that hold no source if they lie beside the manifest.
const OUTPUTS: &[&str] = &["target", "dist", "venv"];
/// Files up to this size are compared by what is in them, larger ones by their time.
const READ_BYTES_MAX: u64 = 1 << 20;
/// Most files of a project; more are somebody's home directory.
const FILES_MAX: usize = 20_000;

/// What a file was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Content(u64),
    Time(Option<SystemTime>, u64),
}

/// The watched files of a project.
pub(super) struct Files {
    root: PathBuf,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    marks: BTreeMap<PathBuf, Mark>,
    /// What builds make.
    made: BTreeSet<PathBuf>,
    /// What is deployed and built by nobody here.
    given: BTreeSet<PathBuf>,
    /// What changes with every build.
    muted: BTreeSet<PathBuf>,
}

impl Files {
    /// Looks at every file below `root`, and calls `touched` whenever something happens there.
    ///
    /// # Errors
    /// E0148: the system gives no watches, or there are too many files.
    pub(super) fn watch(root: &Path, touched: impl Fn() + Send + 'static) -> Result<Self, Problem> {
        let tell = move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                touched();
            }
        };
        let mut files = Self {
            root: root.to_owned(),
            watcher: notify::recommended_watcher(tell).map_err(|error| refused(root, &error))?,
            watched: BTreeSet::new(),
            marks: BTreeMap::new(),
            made: BTreeSet::new(),
            given: BTreeSet::new(),
            muted: BTreeSet::new(),
        };
        files.changed()?;
        Ok(files)
    }

    /// Takes from a manifest which files are made by builds and which are not.
    pub(super) fn follow(&mut self, outline: &Outline) {
        self.made.clear();
        self.given.clear();
        for function in &outline.manifest.functions {
            let image = function.native.as_ref().and_then(|native| native.image.as_ref());
            let Some(source) = function.source.as_ref().or(image) else { continue };
            let source = self.root.join(source);
            match (function.build.is_some(), source.is_dir()) {
                // Who builds in place has sources there, too.
                (true, _) if same(&source, &self.root) => {}
                (true, _) => drop(self.made.insert(source)),
                // Its files are looked at like all others.
                (false, true) => {}
                (false, false) => drop(self.given.insert(source)),
            }
        }
        // What was watched and is made now is forgotten, so that it is no change.
        let made = &self.made;
        self.marks.retain(|path, _| !is_below(made, path));
        for path in &self.given {
            if let Some(mark) = mark(path) {
                self.marks.entry(path.clone()).or_insert(mark);
            }
        }
    }

    /// Stops looking at a file.
    pub(super) fn mute(&mut self, path: &Path) {
        self.muted.insert(self.root.join(path));
        self.marks.remove(&self.root.join(path));
    }

    /// The files, named from the project, that are not what they were when this was called last.
    ///
    /// # Errors
    /// E0148, as for [`Files::watch`].
    pub(super) fn changed(&mut self) -> Result<Vec<PathBuf>, Problem> {
        let (directories, files) = self.walk()?;
        self.watch_all(directories)?;
        let seen: BTreeMap<PathBuf, Mark> =
            files.into_iter().filter_map(|path| mark(&path).map(|mark| (path, mark))).collect();
        let new = seen.iter().filter(|(path, mark)| self.marks.get(*path) != Some(mark));
        let gone = self.marks.keys().filter(|path| !seen.contains_key(*path));
        let short = |path: &PathBuf| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let changed = new.map(|(path, _)| path).chain(gone).map(short).collect();
        self.marks = seen;
        Ok(changed)
    }

    /// Every directory and every file that counts.
    fn walk(&self) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), Problem> {
        let root = self.root.clone();
        let walk = WalkBuilder::new(&self.root)
            .standard_filters(false)
            .git_ignore(true)
            .require_git(false)
            .filter_entry(move |entry| {
                let name = entry.file_name().to_str().unwrap_or_default();
                let output = entry.depth() == 1 && OUTPUTS.contains(&name);
                !(NEVER.contains(&name) || output) || entry.path() == root
            })
            .build();
        let mut directories = BTreeSet::new();
        let mut files = self.given.clone();
        // What disappears while it is walked over is seen the next time.
        for entry in walk.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Some(kind) if kind.is_dir() => {
                    directories.insert(path.to_owned());
                }
                Some(kind) if kind.is_file() && self.counts(path) => {
                    files.insert(path.to_owned());
                }
                _ => {}
            }
            if files.len() > FILES_MAX {
                return Err(Problem::new(Code::WatchFailed)
                    .detail(format!("`{}` has more than {FILES_MAX} files", self.root.display()))
                    .hint("name what is no source in `.gitignore`"));
            }
        }
        directories.extend(self.given.iter().filter_map(|path| path.parent()).map(Path::to_owned));
        Ok((directories, files))
    }

    fn counts(&self, path: &Path) -> bool {
        !is_below(&self.made, path) && !self.muted.contains(path)
    }

    fn watch_all(&mut self, directories: BTreeSet<PathBuf>) -> Result<(), Problem> {
        for directory in directories.difference(&self.watched) {
            match self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                Err(error) if directory.exists() => return Err(refused(directory, &error)),
                _ => {}
            }
        }
        for directory in self.watched.difference(&directories) {
            // The system forgets a directory that is gone by itself.
            let _gone = self.watcher.unwatch(directory);
        }
        self.watched = directories;
        Ok(())
    }
}

fn refused(path: &Path, error: &notify::Error) -> Problem {
    Problem::new(Code::WatchFailed).detail(format!("`{}`: {error}", path.display()))
}

/// Whether a path is one of these or lies below one.
fn is_below(all: &BTreeSet<PathBuf>, path: &Path) -> bool {
    path.ancestors().any(|above| all.contains(above))
}

fn same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn mark(path: &Path) -> Option<Mark> {
    let meta = fs::metadata(path).ok()?;
    if meta.len() > READ_BYTES_MAX {
        return Some(Mark::Time(meta.modified().ok(), meta.len()));
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(path).ok()?);
    Some(Mark::Content(hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Project {
        files: Files,
        dir: tempfile::TempDir,
    }

    impl Project {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let root = dir.path().canonicalize().expect("there");
            Self { files: Files::watch(&root, || {}).expect("watched"), dir }
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().expect("below")).expect("made");
            fs::write(path, text).expect("written");
        }

        fn changed(&mut self) -> Vec<String> {
            let changed = self.files.changed().expect("looked at");
            changed.iter().map(|path| path.display().to_string()).collect()
        }
    }

    #[test]
    fn only_what_is_in_a_file_counts() {
        let mut project = Project::new();
        project.write("src/a.rs", "one");
        assert_eq!(project.changed(), ["src/a.rs"]);
        project.write("src/a.rs", "one");
        assert!(project.changed().is_empty(), "saved as it was");
        project.write("src/a.rs", "two");
        assert_eq!(project.changed(), ["src/a.rs"]);
        fs::remove_file(project.dir.path().join("src/a.rs")).expect("removed");
        assert_eq!(project.changed(), ["src/a.rs"]);
        assert!(project.changed().is_empty());
    }

    #[test]
    fn what_is_made_or_ignored_is_no_change() {
        let mut project = Project::new();
        project.write(".gitignore", "*.tmp\n/out/\n");
        project.write("sub/.gitignore", "made\n");
        assert_eq!(project.changed().len(), 2);
        for path in [
            "target/x",
            "dist/x",
            "a/node_modules/x",
            ".git/x",
            ".casemate/x",
            ".venv/x",
            "a/__pycache__/x",
            "a.tmp",
            "deep/b.tmp",
            "out/x",
            "sub/made",
        ] {
            project.write(path, "made");
            assert!(project.changed().is_empty(), "{path}");
        }
        project.write("deep/target/x", "a directory that happens to be called so");
        assert_eq!(project.changed(), ["deep/target/x"]);
        project.write("often", "1");
        project.files.mute(Path::new("often"));
        project.write("often", "2");
        assert!(project.changed().is_empty());
    }

    #[test]
    fn a_source_counts_if_nobody_here_builds_it() {
        let mut project = Project::new();
        project.write(
            "casemate.toml",
            "manifest = 1\napplication = \"a\"\n\
             [[function]]\nname = \"a\"\nsource = \"a.wasm\"\nbuild = \"make\"\n\
             [[function]]\nname = \"b\"\nsource = \"target/b.wasm\"\n",
        );
        let outline = crate::manifest::outline(project.dir.path()).expect("a manifest");
        project.changed();
        project.files.follow(&outline);
        project.write("a.wasm", "1");
        assert!(project.changed().is_empty());
        project.write("target/b.wasm", "1");
        assert_eq!(project.changed(), ["target/b.wasm"]);
        project.write("target/b.wasm", "2");
        assert_eq!(project.changed(), ["target/b.wasm"]);
    }
}
