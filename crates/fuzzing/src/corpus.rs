//! The examples that a target begins with, and what once broke it: `fuzz/corpus/TARGET/*`.

use std::path::Path;

/// Every file of a target's corpus with its name, in the order of their names.
///
/// # Errors
/// Which directory cannot be read or has less than two files.
pub(crate) fn read(target: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let shown = format!("fuzz/corpus/{target}");
    let wrong = |error: std::io::Error| format!("{shown}: {error}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let bytes = std::fs::read(entry.path()).map_err(wrong)?;
        files.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    files.sort();
    match files.len() {
        0 | 1 => Err(format!("{shown} has {} examples: give it at least two", files.len())),
        _ => Ok(files),
    }
}
