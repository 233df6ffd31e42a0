//! `[native.interpreter.NAME]`: interpreters beside those that lie where they usually lie.

use crate::settings::pick::{SettingRow, joined};
use model::{Code, Problem};
use native::interpreter::Configured;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The section, as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    /// Its program.
    executable: Option<PathBuf>,
    /// What else of the machine its functions see, read-only: files and directories.
    #[serde(default)]
    also: Vec<PathBuf>,
}

/// Checks the sections. Files are named from the configuration file's directory, and have to be there.
pub(super) fn resolve(
    sections: BTreeMap<String, Section>,
    directory: &Path,
    rows: &mut Vec<SettingRow>,
) -> Result<BTreeMap<String, Configured>, Problem> {
    let mut all = BTreeMap::new();
    for (name, section) in sections {
        let place = |key: &str| format!("[native.interpreter.\"{}\"] `{key}`", name.escape_debug());
        let absolute = |key: &str, path: &PathBuf| {
            let path = directory.join(path);
            std::path::absolute(&path).ok().filter(|path| path.exists()).ok_or_else(|| {
                let why = format!("{}: there is no {}", place(key), path.display());
                Problem::new(Code::InterpreterUnusable).detail(why)
            })
        };
        if section.executable.is_none() && section.also.is_empty() {
            let why = format!("{}: it says nothing", place("executable"));
            return Err(Problem::new(Code::BadConfig).detail(why));
        }
        let executable = section.executable.as_ref();
        let executable = executable.map(|path| absolute("executable", path)).transpose()?;
        let also: Result<Vec<_>, _> =
            section.also.iter().map(|path| absolute("also", path)).collect();
        let configured = Configured { executable, also: also? };
        let paths = configured.executable.iter().chain(&configured.also);
        rows.push(SettingRow {
            key: format!("native.interpreter.{}", name.escape_debug()),
            value: joined(paths.map(|path| path.display())).unwrap_or_default(),
            origin: "file".to_owned(),
        });
        all.insert(name, configured);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, directory: &Path) -> Result<(BTreeMap<String, Configured>, String), Code> {
        let sections = toml::from_str(text).expect(text);
        let mut rows = Vec::new();
        let all = resolve(sections, directory, &mut rows).map_err(|problem| problem.code)?;
        Ok((all, rows.into_iter().map(|row| format!("{}={}", row.key, row.value)).collect()))
    }

    #[test]
    fn paths_are_absolute_and_there() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("perl"), "").expect("written");
        let text =
            "[perl]\nexecutable = \"perl\"\nalso = [\"/usr\"]\n[\"python3.11\"]\nalso = [\"/etc\"]";
        let (all, rows) = read(text, home.path()).expect("good");
        assert_eq!(all["perl"].executable, Some(home.path().join("perl")));
        assert_eq!(all["python3.11"].also, [PathBuf::from("/etc")]);
        assert!(rows.contains("native.interpreter.python3.11=/etc"), "{rows}");
        let bad = |text| read(text, home.path()).expect_err(text);
        assert_eq!(bad("[perl]\nexecutable = \"python\""), Code::InterpreterUnusable);
        assert_eq!(bad("[perl]\nalso = [\"/nothing\"]"), Code::InterpreterUnusable);
        assert_eq!(bad("[perl]"), Code::BadConfig);
    }
}
