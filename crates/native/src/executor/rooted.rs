//! The root of an image as the root of a jail: what is mounted of it, and what of it is started.
//!
//! Invariant: a path of an image is looked up with the image as the root, so that no link in it leads
//! out into the machine.

use super::command::{Start, nothing};
use crate::interpreter::Needs;
use crate::jail::Bind;
use model::Problem;
use model::manifest::{ImageConfig, NativeSpec};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What a jail has of its own, whatever an image says.
const OWN: [&str; 4] = ["dev", "proc", "sys", "tmp"];
/// Where programs are looked for, if an image does not say it.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a jail sees of an image: each thing at its top is mounted for itself, in a root that is the
/// jail's own.
pub(super) fn needs(image: &Path) -> Result<Needs, Problem> {
    let failed = |error: std::io::Error| nothing(format!("the image cannot be read: {error}"));
    let mut needs = Needs::default();
    for entry in fs::read_dir(image).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if OWN.iter().any(|own| *own == name) {
            continue;
        }
        let target = Path::new("/").join(&name);
        if entry.file_type().map_err(failed)?.is_symlink() {
            needs.links.push((target, fs::read_link(entry.path()).map_err(failed)?));
        } else {
            needs.binds.push(Bind { source: entry.path(), target });
        }
    }
    Ok(needs)
}

/// Where an image's program starts.
pub(super) fn directory(config: &ImageConfig) -> PathBuf {
    PathBuf::from(config.directory.as_deref().unwrap_or("/"))
}

/// What is started of an image. A program that is no path is looked for as a shell does it that has this
/// `PATH`.
///
/// # Errors
/// It is not there, or no program.
pub(super) fn program(
    native: &NativeSpec,
    config: &ImageConfig,
    (image, path): (&Path, &str),
) -> Result<Start, Problem> {
    let (program, arguments) = native
        .command
        .split_first()
        .ok_or_else(|| nothing("nothing says what of the image is started".to_owned()))?;
    let start = |path| Ok(Start::Program(path, arguments.to_vec()));
    let there = |path: &Path| is_program(image, path);
    if program.contains('/') {
        let path = directory(config).join(program);
        if there(&path) {
            return start(path);
        }
        return Err(nothing(format!("the image holds no program `{}`", path.display())));
    }
    let directories = path.split(':').filter(|directory| directory.starts_with('/'));
    let mut paths = directories.map(|directory| Path::new(directory).join(program));
    match paths.find(|path| there(path)) {
        Some(path) => start(path),
        None => Err(nothing(format!("the image holds no program `{program}` in `{path}`"))),
    }
}

/// Opens something of an image: where it lies on the machine says nothing of what its links mean.
fn open(image: &Path, path: &Path, flags: OFlags) -> Option<OwnedFd> {
    let place = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let root = rustix::fs::open(image, place, Mode::empty()).ok()?;
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), inside).ok()
}

fn mode(image: &Path, path: &Path) -> Option<u32> {
    let file = open(image, path, OFlags::PATH)?;
    let mode = fstat(file).ok()?.st_mode;
    (FileType::from_raw_mode(mode) == FileType::RegularFile).then_some(mode)
}

fn is_program(image: &Path, path: &Path) -> bool {
    mode(image, path).is_some_and(|mode| mode & 0o111 != 0)
}

/// The names of the files in a directory of an image, in no order; none if there is no such directory.
pub(super) fn files_in(image: &Path, directory: &Path) -> Vec<String> {
    let place = open(image, directory, OFlags::RDONLY | OFlags::DIRECTORY);
    let entries = place.and_then(|place| Dir::new(place).ok()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
    names.filter(|name| mode(image, &directory.join(name)).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn image() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a directory");
        let root = home.path();
        for directory in ["usr/bin", "dev", "opt", "app"] {
            fs::create_dir_all(root.join(directory)).expect(directory);
        }
        for (file, mode) in [("usr/bin/tool", 0o755), ("app/data", 0o644), ("start", 0o755)] {
            fs::write(root.join(file), "#!/bin/sh\n").expect(file);
            fs::set_permissions(root.join(file), fs::Permissions::from_mode(mode)).expect(file);
        }
        symlink("usr/bin", root.join("bin")).expect("a link");
        symlink("/usr/bin/tool", root.join("app/run")).expect("a link");
        symlink("/../../../../bin/sh", root.join("app/out")).expect("a link");
        fs::create_dir_all(root.join("lib/extensions")).expect("a directory");
        fs::write(root.join("lib/extensions/own"), "#!/bin/sh\n").expect("a file");
        let probes = [
            ("inside", "/usr/bin/tool"),
            ("host", "/etc/passwd"),
            ("none", "/nothing"),
            ("climbs", "../../../../../../../../etc/passwd"),
            ("process", "/proc/self/exe"),
            ("directory", "/usr"),
        ];
        for (name, target) in probes {
            symlink(target, root.join("lib/extensions").join(name)).expect("a link");
        }
        symlink("/lib/extensions", root.join("opt/extensions")).expect("a link");
        symlink("/etc", root.join("opt/machine")).expect("a link");
        home
    }

    fn started(command: &[&str], directory: Option<&str>, path: Option<&str>) -> Option<PathBuf> {
        let home = image();
        let mut native: NativeSpec =
            serde_json::from_str(r#"{"contract":"http"}"#).expect("a function");
        native.command = command.iter().map(|word| (*word).to_owned()).collect();
        let config = ImageConfig { directory: directory.map(Into::into), ..Default::default() };
        match program(&native, &config, (home.path(), path.unwrap_or(PATH))) {
            Ok(Start::Program(program, _)) => Some(program),
            _ => None,
        }
    }

    #[test]
    fn a_program_is_found_as_a_shell_in_the_image_finds_it() {
        let found = |text: &str| Some(PathBuf::from(text));
        assert_eq!(started(&["tool", "a"], None, None), found("/usr/bin/tool"));
        assert_eq!(started(&["tool"], None, Some("/none:/bin")), found("/bin/tool"));
        assert_eq!(started(&["tool"], None, Some("bin:/none")), None);
        assert_eq!(started(&["./run"], Some("/app"), None), found("/app/./run"));
        assert_eq!(started(&["/app/run"], None, None), found("/app/run"));
        assert_eq!(started(&["/start"], None, None), found("/start"));
        assert_eq!(started(&["/app/data"], None, None), None, "it is no program");
        assert_eq!(started(&["/app/out"], None, None), None, "it leads out of the image");
        assert_eq!(started(&["sh"], None, None), None, "the machine's is not the image's");
        assert_eq!(started(&[], None, None), None);
    }

    #[test]
    fn a_jail_has_what_is_at_the_top_and_its_own_devices() {
        let home = image();
        let needs = needs(home.path()).expect("read");
        let mut binds: Vec<_> = needs.binds.iter().map(|bind| bind.target.clone()).collect();
        binds.sort();
        assert_eq!(binds, ["/app", "/lib", "/opt", "/start", "/usr"].map(PathBuf::from));
        assert_eq!(needs.links, [("/bin".into(), PathBuf::from("usr/bin"))]);
    }

    #[test]
    fn files_are_found_in_the_image_and_never_on_the_machine() {
        let home = image();
        let found = |directory: &str| {
            let mut names = files_in(home.path(), Path::new(directory));
            names.sort();
            names
        };
        assert!(Path::new("/etc/passwd").is_file(), "or the test shows nothing");
        assert_eq!(found("/opt/extensions"), ["inside", "own"]);
        assert_eq!(found("/opt/machine"), [""; 0], "that is `/etc` of the image, which it has not");
        assert_eq!(found("/start"), [""; 0]);
    }
}
