//! Images for tests: made by `umoci`, of the machine's own Python and of published libraries.

use crate::rig::{Node, repository};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What of a virtual environment is no library of the function's.
const TOOLS: [&str; 5] = ["pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__"];
/// The interpreter of the images.
const PYTHON: &str = "/usr/bin/python3.11";
const LIBRARY: &str = "/usr/lib/python3.11";

/// Runs a program of the machine's to its end.
pub(super) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| {
        panic!("`{program}`: {error}: `cargo xtask test` installs what tests need")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// A layout with one image `t`: a small system with Python in it, which nothing starts yet.
fn base() -> &'static Path {
    static BASE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BASE.get_or_init(|| {
        let home = tempfile::tempdir().expect("a directory");
        let (root, layout) = (home.path().join("root"), home.path().join("base"));
        system(&root);
        let at = layout.to_str().expect("text").to_owned();
        run("umoci", &["init", "--layout", &at]);
        let image = format!("{at}:t");
        run("umoci", &["new", "--image", &image]);
        run("umoci", &["insert", "--image", &image, root.to_str().expect("text"), "/"]);
        fs::remove_dir_all(root).expect("removed");
        (home, layout)
    });
    path
}

/// The files of a small system, merged below `usr` as Debian has it.
fn system(root: &Path) {
    for directory in ["usr/bin", "usr/lib", "usr/lib64", "etc", "tmp", "var/lib/vacant", "run"] {
        fs::create_dir_all(root.join(directory)).expect(directory);
    }
    for name in ["bin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name)).expect(name);
    }
    symlink("/usr/bin/python3.11", root.join("usr/bin/python3")).expect("a link");
    symlink("../run/resolv.conf", root.join("etc/resolv.conf")).expect("a link");
    fs::write(root.join("etc/hosts"), "1.2.3.4 of-the-image\n").expect("written");
    fs::write(root.join("etc/os-release"), "NAME=image\n").expect("written");
    fs::write(root.join("mark"), "at the top\n").expect("written");
    fs::write(root.join("tmp/lost"), "nobody sees it\n").expect("written");
    copy(Path::new(LIBRARY), &root.join("usr/lib/python3.11"));
    let mut programs = vec![PathBuf::from(PYTHON), PathBuf::from("/bin/sh")];
    for program in &programs {
        let program = program.canonicalize().expect("a program");
        let name = program.file_name().expect("a name");
        fs::copy(&program, root.join("usr/bin").join(name)).expect("copied");
    }
    symlink("dash", root.join("usr/bin/sh")).expect("a link");
    let modules = fs::read_dir(format!("{LIBRARY}/lib-dynload")).expect("modules").flatten();
    programs.extend(modules.map(|entry| entry.path()));
    // What modules of others are linked with.
    let more = ["libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0", "librt.so.1", "libdl.so.2"]
        .map(|name| {
            Path::new("/usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH)).join(name)
        });
    programs.extend(more.iter().cloned());
    carry(&programs, root);
}

/// Copies the shared libraries that programs need.
fn carry(programs: &[PathBuf], root: &Path) {
    for library in libraries(programs) {
        // Where the machine has it, be it by way of a link.
        let directory = library.parent().expect("a directory").canonicalize().expect("there");
        let target = root.join(directory.strip_prefix("/").expect("absolute"));
        fs::create_dir_all(&target).expect("a directory");
        fs::copy(&library, target.join(library.file_name().expect("a name"))).expect("copied");
    }
}

/// The shared libraries that programs need.
fn libraries(programs: &[PathBuf]) -> Vec<PathBuf> {
    let names: Vec<&str> = programs.iter().map(|path| path.to_str().expect("text")).collect();
    let said = Command::new("ldd").args(names).output().expect("ldd");
    let text = String::from_utf8(said.stdout).expect("text");
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    let mut all: Vec<PathBuf> =
        words.filter(|word| !word.ends_with(':')).map(PathBuf::from).collect();
    let named = programs.iter().filter(|path| path.starts_with("/usr/lib"));
    all.extend(named.filter(|path| !path.starts_with(LIBRARY)).cloned());
    all.sort();
    all.dedup();
    all
}

/// Copies a directory with all in it, but for what programs do not need.
fn copy(from: &Path, to: &Path) {
    let name = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kind = fs::symlink_metadata(from).expect("there").file_type();
    if kind.is_file() {
        fs::copy(from, to).expect("copied");
    } else if kind.is_symlink() {
        symlink(fs::read_link(from).expect("a link"), to).expect("a link");
    } else if !["__pycache__", "test", "idlelib"].contains(&name) && !name.starts_with("config-") {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("readable").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

/// A project whose function is an image.
pub(super) struct Project {
    home: tempfile::TempDir,
}

impl Project {
    /// One whose image is a layout in `image`, with Python in it.
    pub(super) fn new() -> Self {
        Self::from(base())
    }

    /// Another one with the image of this one.
    pub(super) fn of(other: &Self) -> Self {
        Self::from(&other.at("image"))
    }

    fn from(image: &Path) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let layout = home.path().join("image");
        run("cp", &["-r", image.to_str().expect("text"), layout.to_str().expect("text")]);
        Self { home }
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn path(&self) -> &str {
        self.home.path().to_str().expect("text")
    }

    fn image(&self) -> String {
        format!("{}:t", self.at("image").display())
    }

    /// Lays a directory of the machine over the image as one more layer.
    pub(super) fn over(self, from: &Path, at: &str) -> Self {
        run("umoci", &["insert", "--image", &self.image(), from.to_str().expect("text"), at]);
        self
    }

    /// Hides something of the layers below.
    pub(super) fn without(self, path: &str) -> Self {
        run("umoci", &["insert", "--image", &self.image(), "--whiteout", path]);
        self
    }

    /// Lays files of these names and texts over it, at `/app`. Those that begin so are programs.
    pub(super) fn holding(self, files: &[(&str, &str)]) -> Self {
        let directory = self.at("held");
        for (name, text) in files {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(&path, text).expect(name);
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect(name);
        }
        self.over(&directory, "/app")
    }

    /// Lays files of `tests/native` over it, at `/app`.
    pub(super) fn with(self, files: &[&str]) -> Self {
        let app = self.at("app");
        fs::create_dir(&app).expect("a directory");
        for file in files {
            let from = repository().join("tests/native").join(file);
            fs::copy(&from, app.join(from.file_name().expect("a name"))).expect(file);
        }
        self.over(&app, "/app")
    }

    /// Lays the libraries of a virtual environment below `target/tools` over it.
    pub(super) fn bring(self, tool: &str) -> Self {
        let place = repository().join("target/tools").join(tool);
        assert!(place.exists(), "{} is missing: `cargo xtask test` makes it", place.display());
        let version = fs::read_dir(place.join("lib")).expect("a library").flatten().next();
        let packages = version.expect("a version").path().join("site-packages");
        let library = self.at("library");
        fs::create_dir(&library).expect("a directory");
        for entry in fs::read_dir(packages).expect("packages").flatten() {
            let name = entry.file_name().into_string().expect("text");
            if !TOOLS.iter().any(|tool| name.starts_with(tool)) {
                copy(&entry.path(), &library.join(name));
            }
        }
        self.over(&library, "/usr/lib/python3/dist-packages")
    }

    /// Says something of its configuration, as `umoci config` takes it; what stands twice is a list.
    pub(super) fn says(self, said: &[(&str, &str)]) -> Self {
        let said = said.iter().map(|(name, value)| (format!("--config.{name}"), *value));
        self.config(said)
    }

    /// It is for another processor.
    pub(super) fn built_for(self, architecture: &str) -> Self {
        self.config([("--architecture".to_owned(), architecture)].into_iter())
    }

    fn config<'a>(self, said: impl Iterator<Item = (String, &'a str)>) -> Self {
        let image = self.image();
        let said: Vec<(String, &str)> = said.collect();
        let mut all = vec!["config", "--image", &image];
        all.extend(said.iter().flat_map(|(name, value)| [name.as_str(), *value]));
        run("umoci", &all);
        self
    }

    /// It starts these words, in `/app`.
    pub(super) fn starts(self, words: &[&str]) -> Self {
        let words: Vec<(&str, &str)> = words.iter().map(|word| ("entrypoint", *word)).collect();
        self.says(&words).says(&[("workingdir", "/app")])
    }

    /// Writes its manifest: a function `f`, and what is said below `[function.native]`.
    pub(super) fn manifest(&self, function: &str, native: &str) {
        let text = format!(
            "manifest = 1\napplication = \"app\"\n[[function]]\nname = \"f\"\n\
             runtime = \"native\"\nmemory = \"256MiB\"\n\
             http = [{{ route = \"* /{{*rest}}\", auth = \"public\" }}]\n{function}\n\
             [function.native]\nimage = \"image\"\n{native}\n"
        );
        fs::write(self.at("casemate.toml"), text).expect("written");
    }

    pub(super) fn deploy(&self, node: &Node) -> String {
        node.ok(&["deploy", "--grant", self.path()])
    }

    /// A deployment that is refused, for this reason.
    pub(super) fn is_refused(&self, node: &Node, code: &str, why: &str) {
        let (_, said) = node.fails(&["deploy", "--grant", self.path()]);
        assert!(said.contains(code) && said.contains(why), "{said}");
    }
}
