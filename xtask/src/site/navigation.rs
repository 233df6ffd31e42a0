//! The navigation: the groups and links of `docs/README.md`, in its order.

use super::map::Map;
use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// A group of links below a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Such as `Guides`.
    pub(super) title: String,
    /// Titles, and where they lead below the site.
    pub(super) links: Vec<(String, String)>,
}

/// Directories whose pages the index must name, one by one.
const LISTED: &[&str] = &["docs/guides/", "docs/concepts/", "docs/reference/"];

/// Reads the groups, and refuses an index that leaves a page out.
pub(super) fn read(map: &Map) -> Result<Vec<Group>> {
    let index = map.page("docs/README.md").context("there is no docs/README.md")?;
    let mut groups: Vec<Group> = Vec::new();
    let (mut strong, mut link, mut text) = (false, None, String::new());
    for event in Parser::new(&index.text) {
        match event {
            Event::Start(Tag::Strong) => (strong, text) = (true, String::new()),
            Event::End(TagEnd::Strong) => {
                strong = false;
                groups.push(Group { title: text.clone(), links: Vec::new() });
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                (link, text) = (Some(map.link(index, &dest_url)), String::new());
            }
            Event::End(TagEnd::Link) => {
                let url = link.take().filter(|url| !url.contains("://"));
                if let (Some(url), Some(group)) = (url, groups.last_mut()) {
                    group.links.push((text.clone(), url));
                }
            }
            Event::Text(part) | Event::Code(part) if strong || link.is_some() => {
                text.push_str(&part);
            }
            _ => {}
        }
    }
    groups.retain(|group| !group.links.is_empty());
    let named = |url: &str| groups.iter().any(|group| group.links.iter().any(|(_, to)| to == url));
    let listed = map.pages().iter().filter(|page| LISTED.iter().any(|d| page.path.starts_with(d)));
    let missing: Vec<&str> =
        listed.filter(|page| !named(&page.url)).map(|page| page.path.as_str()).collect();
    if !missing.is_empty() {
        bail!("docs/README.md does not name {}", missing.join(", "));
    }
    Ok(groups)
}
