//! Programs that npm brings: what lies where programs lie is a script, and the program is elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The package that has the runtime of Workers for this kind of machine.
const WORKERD: &str = if cfg!(target_arch = "aarch64") {
    "@cloudflare/workerd-linux-arm64/bin/workerd"
} else {
    "@cloudflare/workerd-linux-64/bin/workerd"
};

/// The program that a script of npm's `workerd` starts. None if it is no script, or the program is not
/// where npm puts it.
pub(super) fn program_of(script: &Path) -> Option<PathBuf> {
    let script = script.canonicalize().ok()?;
    let mut begun = [0; 2];
    File::open(&script).ok()?.read_exact(&mut begun).ok()?;
    if &begun != b"#!" {
        return None;
    }
    // Below the package of the script, or beside it.
    let package = script.parent()?.parent()?;
    let below = package.join("node_modules").join(WORKERD);
    let beside = package.parent()?.join(WORKERD);
    [below, beside].into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_program_is_found_behind_its_script() {
        let root = tempfile::tempdir().expect("a directory");
        let modules = root.path().join("lib/node_modules");
        let script = modules.join("workerd/bin/workerd");
        fs::create_dir_all(script.parent().expect("a parent")).expect("made");
        fs::create_dir_all(root.path().join("bin")).expect("made");
        let link = root.path().join("bin/workerd");
        symlink("../lib/node_modules/workerd/bin/workerd", &link).expect("a link");
        fs::write(&script, "#!/usr/bin/env node\n").expect("written");
        assert_eq!(program_of(&link), None, "there is no program");
        for place in [modules.join(WORKERD), modules.join("workerd/node_modules").join(WORKERD)] {
            fs::create_dir_all(place.parent().expect("a parent")).expect("made");
            fs::write(&place, "program").expect("written");
            let found = program_of(&link).expect("found");
            assert_eq!(found, place.canonicalize().expect("there"));
        }
        // Where scripts may run at its installation, npm puts the program in the script's place.
        fs::write(&script, "\u{7f}ELF").expect("written");
        assert_eq!(program_of(&link), None);
    }
}
