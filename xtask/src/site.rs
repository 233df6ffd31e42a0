//! `cargo xtask site [--out DIR]`: the documentation as a small site of plain files.
//!
//! The pages are the repository's Markdown, the navigation is the order of `docs/README.md`, and
//! nothing of it is fetched from anywhere: it can be opened from a disk, or be served as a
//! directory of assets.
//!
//! Invariant: every link and anchor of the site leads somewhere, and no page loads anything from
//! another origin. What breaks that is an error, and nothing is left half-written in its place.

mod check;
mod layout;
mod map;
mod navigation;
mod page;
mod search;

use crate::place;
use crate::program::{print, say};
use anyhow::{Context as _, Result, bail};
use map::Map;
use std::fs;
use std::path::{Path, PathBuf};

/// How it is called.
const USAGE: &str = "usage: cargo xtask site [--out DIR]";
/// Where it is written unless said otherwise, below the repository.
const OUT: &str = "target/site";
/// What every page loads, by name and content.
const ASSETS: &[(&str, &str)] =
    &[("style.css", include_str!("site/style.css")), ("search.js", include_str!("site/search.js"))];

/// Runs the command.
///
/// # Errors
/// A page cannot be read, a link of a page leads nowhere, or the files cannot be written.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let out = match arguments {
        [] => place::root().join(OUT),
        [flag, directory] if flag == "--out" => PathBuf::from(directory),
        [other, ..] => bail!("`{other}` is not known\n{USAGE}"),
    };
    let files = build(&place::root())?;
    write(&out, &files)?;
    say(&format!("{} files", files.len()));
    print(&out.join("index.html").display().to_string());
    Ok(())
}

/// One file of the site: its path and its bytes.
type File = (String, Vec<u8>);

/// Makes every file of the site, and checks them together.
fn build(root: &Path) -> Result<Vec<File>> {
    let map = Map::of(root)?;
    let navigation = navigation::read(&map)?;
    let mut index = Vec::new();
    let mut files: Vec<File> = Vec::new();
    for source in map.pages() {
        let page = page::render(&map, source);
        index.extend(search::entries(source, &page));
        let html = layout::whole(&navigation, source, &page);
        files.push((source.url.clone(), html.into_bytes()));
    }
    files.extend(ASSETS.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    files.push(("index.js".to_owned(), search::script(&index).into_bytes()));
    for copy in map.copies() {
        let bytes = fs::read(root.join(&copy.path)).with_context(|| copy.path.clone())?;
        files.push((copy.url.clone(), bytes));
    }
    let findings = check::check(&files);
    if !findings.is_empty() {
        bail!("the site would have broken links:\n  {}", findings.join("\n  "));
    }
    Ok(files)
}

/// Replaces what `out` holds.
fn write(out: &Path, files: &[File]) -> Result<()> {
    if out.exists() && !out.join("index.js").exists() && fs::read_dir(out)?.next().is_some() {
        bail!("{} holds other files: name an empty directory", out.display());
    }
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| out.display().to_string())?;
    }
    for (path, bytes) in files {
        let path = out.join(path);
        let parent = path.parent().unwrap_or(out);
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_of_this_repository_is_whole() {
        let files = build(&place::root()).expect("builds");
        let text = |path: &str| {
            let (_, bytes) = files.iter().find(|(name, _)| name == path).expect(path);
            String::from_utf8(bytes.clone()).expect("text")
        };
        assert!(text("index.html").contains("<title>Casemate</title>"));
        assert!(text("errors/E0203.html").contains("Likely cause"));
        assert!(text("reference/cli.html").contains("id=\"casemate-deploy\""));
        assert!(text("index.js").contains("E0203"));
        assert!(!text("reference/openapi.json").is_empty());
    }

    #[test]
    fn a_directory_with_other_files_is_left_alone() {
        let own = std::env::temp_dir().join(format!("casemate-site-{}", std::process::id()));
        fs::create_dir_all(&own).expect("created");
        fs::write(own.join("thesis.txt"), "irreplaceable").expect("written");
        let refused = write(&own, &[("index.html".to_owned(), Vec::new())]);
        assert!(refused.is_err());
        assert!(own.join("thesis.txt").exists());
        fs::remove_dir_all(&own).expect("removed");
    }
}
