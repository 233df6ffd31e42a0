//! What the site's search looks through: titles and headings, as a script, so that it works from
//! a disk as well.

use super::map::Source;
use super::page::Page;

/// One place that can be found: what it is called, on which page, and where.
pub(super) type Entry = (String, String, String);

/// The entries of a page.
pub(super) fn entries(source: &Source, page: &Page) -> Vec<Entry> {
    let mut found = vec![(page.title.clone(), String::new(), source.url.clone())];
    found.extend(page.headings.iter().map(|(_, anchor, text)| {
        (text.clone(), page.title.clone(), format!("{}#{anchor}", source.url))
    }));
    // The pages of errors all have the same headings.
    if source.path.starts_with("docs/errors/E") {
        found.truncate(1);
    }
    found
}

/// The entries as a script.
pub(super) fn script(entries: &[Entry]) -> String {
    let json = serde_json::to_string(entries).unwrap_or_else(|_| "[]".to_owned());
    format!("const INDEX = {json};\n")
}
