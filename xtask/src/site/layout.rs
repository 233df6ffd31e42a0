//! What stands around a page: head, navigation, contents, foot.

use super::map::{Source, up};
use super::navigation::Group;
use super::page::{Page, escape};
use std::fmt::Write as _;

/// Nothing of another origin, no inline script or style.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'";

/// The whole HTML of a page.
pub(super) fn whole(navigation: &[Group], source: &Source, page: &Page) -> String {
    let root = up(&source.url);
    let title = match page.title.as_str() {
        "Casemate" => "Casemate".to_owned(),
        other => format!("{} · Casemate", escape(other)),
    };
    let menu = menu(navigation, source, &root);
    let contents = contents(page);
    let body = &page.html;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{root}style.css\">\n\
         <script src=\"{root}index.js\" defer></script>\n\
         <script src=\"{root}search.js\" defer></script>\n</head>\n\
         <body data-root=\"{root}\">\n<a class=\"skip\" href=\"#content\">To the content</a>\n\
         <header><a class=\"name\" href=\"{root}index.html\">Casemate</a>\n\
         <div class=\"search\"><input id=\"search\" type=\"search\" placeholder=\"Search, or E0203\" \
         aria-label=\"Search the documentation\" autocomplete=\"off\" hidden>\
         <ol id=\"found\" hidden></ol></div></header>\n\
         <div class=\"frame\">\n<nav aria-label=\"Documentation\">{menu}</nav>\n\
         <main id=\"content\">\n{body}</main>\n{contents}</div>\n\
         <footer>Casemate is free software under Apache-2.0. \
         This site was made from its repository, and loads nothing from anywhere else.</footer>\n\
         </body>\n</html>\n"
    )
}

fn menu(navigation: &[Group], source: &Source, root: &str) -> String {
    let mut out = String::new();
    for group in navigation {
        let _ = write!(out, "\n<h2>{}</h2>\n<ul>", escape(&group.title));
        for (title, url) in &group.links {
            let here = if *url == source.url { " aria-current=\"page\"" } else { "" };
            let _ = write!(out, "\n<li><a href=\"{root}{url}\"{here}>{}</a></li>", escape(title));
        }
        out.push_str("\n</ul>");
    }
    out
}

/// The second-level headings, where there are enough to need them.
fn contents(page: &Page) -> String {
    let second: Vec<_> = page.headings.iter().filter(|(level, ..)| *level == 2).collect();
    if second.len() < 3 {
        return String::new();
    }
    let mut out = "<aside aria-label=\"On this page\"><h2>On this page</h2>\n<ul>".to_owned();
    for (_, anchor, text) in second {
        let _ = write!(out, "\n<li><a href=\"#{anchor}\">{}</a></li>", escape(text));
    }
    out.push_str("\n</ul></aside>\n");
    out
}
