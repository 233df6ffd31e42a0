//! One page: from Markdown to HTML, with the same anchors that the repository's links use.

use super::map::{Map, Source};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A page's title, its headings and its body.
pub(super) struct Page {
    /// The text of the first heading.
    pub(super) title: String,
    /// Level, anchor and text of every heading below the first.
    pub(super) headings: Vec<(u8, String, String)>,
    /// The body's HTML.
    pub(super) html: String,
}

/// Renders a page. Raw HTML of the source, comments included, is left out.
pub(super) fn render(map: &Map, source: &Source) -> Page {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut headings: Vec<(u8, String, String)> = Vec::new();
    let mut heading: Option<(usize, String)> = None;
    for event in Parser::new_ext(&source.text, options) {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => {}
            Event::Start(Tag::Heading { .. }) => {
                heading = Some((events.len(), String::new()));
                events.push(event);
            }
            Event::End(TagEnd::Heading(level)) => {
                if let Some((at, text)) = heading.take() {
                    let anchor = crate::tidy::slug(&text);
                    headings.push((level as u8, anchor.clone(), text));
                    if let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(at) {
                        *id = Some(CowStr::from(anchor));
                    }
                }
                events.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(map.link(source, &dest_url));
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(map.link(source, &dest_url));
                events.push(Event::Start(Tag::Image { link_type, dest_url, title, id }));
            }
            // In the repository a link is named by its file, on the site by its page.
            Event::Text(name) if name.ends_with(".md") && titled(map, &events).is_some() => {
                let title = titled(map, &events).unwrap_or_default();
                events.push(Event::Text(CowStr::from(title)));
            }
            other => {
                if let (Some((_, text)), Event::Text(part) | Event::Code(part)) =
                    (heading.as_mut(), &other)
                {
                    text.push_str(part);
                }
                events.push(other);
            }
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    // A wide table scrolls by itself, and the page does not.
    let body = body
        .replace("<table>", "<div class=\"wide\"><table>")
        .replace("</table>", "</table></div>");
    let mut headings = headings.into_iter();
    let title = headings.next().map_or_else(|| source.path.clone(), |(_, _, text)| text);
    Page { title, headings: headings.collect(), html: body }
}

/// The title of the page that the link leads to which is being read.
fn titled(map: &Map, events: &[Event<'_>]) -> Option<String> {
    let Some(Event::Start(Tag::Link { dest_url, .. })) = events.last() else { return None };
    let path = dest_url.split('#').next()?.trim_start_matches("../");
    let file = path.rsplit('/').next()?;
    let page = map
        .pages()
        .iter()
        .find(|page| page.url == path || page.url.rsplit('/').next() == Some(file))?;
    let title = page.text.lines().find_map(|line| line.strip_prefix("# "))?;
    Some(title.replace('`', ""))
}

/// Escapes text for HTML, in content and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
