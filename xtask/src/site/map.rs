//! Which files become pages, which are copied, and where each of them stands.

use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

/// Pages outside of `docs/`.
const OUTSIDE: &[&str] = &["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
/// What is copied as it is.
const COPIED: &[&str] = &["json", "cedarschema", "svg", "png"];
/// Where a link to a file that is no page leads.
const REPOSITORY: &str = "https://github.com/casemate-dev/casemate/blob/main/";

/// One file, in the repository and in the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Below the repository, with `/`.
    pub(super) path: String,
    /// Below the site, with `/`.
    pub(super) url: String,
    /// A page's Markdown; empty for what is copied.
    pub(super) text: String,
}

/// Every file of the site.
pub(super) struct Map {
    pages: Vec<Source>,
    copies: Vec<Source>,
}

impl Map {
    /// Looks through the repository.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let mut map = Self { pages: Vec::new(), copies: Vec::new() };
        for path in OUTSIDE {
            map.add(root, path)?;
        }
        let mut paths = Vec::new();
        walk(root, "docs", &mut paths)?;
        paths.sort();
        for path in &paths {
            map.add(root, path)?;
        }
        Ok(map)
    }

    fn add(&mut self, root: &Path, path: &str) -> Result<()> {
        let url = url_of(path);
        if path.ends_with(".md") {
            let text = fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
            self.pages.push(Source { path: path.to_owned(), url, text });
        } else if COPIED.iter().any(|kind| path.rsplit('.').next() == Some(kind)) {
            self.copies.push(Source { path: path.to_owned(), url, text: String::new() });
        }
        Ok(())
    }

    /// Every page.
    pub(super) fn pages(&self) -> &[Source] {
        &self.pages
    }

    /// Every file that is copied.
    pub(super) fn copies(&self) -> &[Source] {
        &self.copies
    }

    /// A page by its path in the repository.
    pub(super) fn page(&self, path: &str) -> Option<&Source> {
        self.pages.iter().find(|page| page.path == path)
    }

    /// Where a link of a page leads, in the site if the file is there.
    pub(super) fn link(&self, from: &Source, target: &str) -> String {
        if target.contains("://") || target.starts_with("mailto:") || target.starts_with('#') {
            return target.to_owned();
        }
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path, format!("#{anchor}")),
            None => (target, String::new()),
        };
        let Some(path) = crate::tidy::resolve(&from.path, path) else { return target.to_owned() };
        let found = self.pages.iter().chain(&self.copies).find(|source| source.path == path);
        match found {
            Some(source) => format!("{}{}{anchor}", up(&from.url), source.url),
            None => format!("{REPOSITORY}{path}{anchor}"),
        }
    }
}

/// From a page to the site's root: `../` for every directory that it stands in.
pub(super) fn up(url: &str) -> String {
    "../".repeat(url.matches('/').count())
}

fn url_of(path: &str) -> String {
    let inside = path.strip_prefix("docs/").map(str::to_owned);
    let inside = inside.unwrap_or_else(|| match path {
        "README.md" => "index.md".to_owned(),
        other => other.to_lowercase(),
    });
    match inside.strip_suffix(".md") {
        Some("README") => "documentation.html".to_owned(),
        Some(stem) => match stem.strip_suffix("/README") {
            Some(directory) => format!("{directory}/index.html"),
            None => format!("{stem}.html"),
        },
        None => inside,
    }
}

fn walk(root: &Path, directory: &str, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root.join(directory)).with_context(|| directory.to_owned())? {
        let entry = entry?;
        let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(root, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_their_places() {
        for (path, url) in [
            ("README.md", "index.html"),
            ("CHANGELOG.md", "changelog.html"),
            ("docs/README.md", "documentation.html"),
            ("docs/errors/README.md", "errors/index.html"),
            ("docs/guides/operate.md", "guides/operate.html"),
            ("docs/reference/openapi.json", "reference/openapi.json"),
        ] {
            assert_eq!(url_of(path), url);
        }
        assert_eq!(up("index.html"), "");
        assert_eq!(up("a/b/c.html"), "../../");
    }

    #[test]
    fn links_lead_to_pages_or_to_the_repository() {
        let source =
            |path: &str| Source { path: path.to_owned(), url: url_of(path), text: String::new() };
        let (a, b) = (source("docs/guides/a.md"), source("docs/concepts/b.md"));
        let map = Map { pages: vec![a.clone(), b], copies: Vec::new() };
        assert_eq!(map.link(&a, "../concepts/b.md#c"), "../concepts/b.html#c");
        assert_eq!(map.link(&a, "#here"), "#here");
        assert_eq!(map.link(&a, "https://example.com"), "https://example.com");
        assert_eq!(map.link(&a, "../../src/x.rs"), format!("{REPOSITORY}src/x.rs"));
    }
}
