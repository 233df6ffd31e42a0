//! A manifest in its one form: spaces, quotes and blank lines, and nothing that it means.
//!
//! Keys stay in their order and comments where they are. Invariant: the formatted text says the
//! same as the text did, and formatting it again changes nothing.

use model::{Code, Problem};
use toml_edit::{Array, DocumentMut, Item, Table, Value};

/// Arrays up to this width stay on one line.
const LINE_MAX: usize = 100;

/// The text in its one form.
///
/// # Errors
/// E0118 if it is no TOML.
pub(crate) fn formatted(file: &str, text: &str) -> Result<String, Problem> {
    let text = text.replace("\r\n", "\n");
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        let why = error.message().lines().next().unwrap_or_default().to_owned();
        Problem::new(Code::ManifestUnreadable).detail(format!("{file}:{line}: {why}"))
    })?;
    table(document.as_table_mut());
    let trailing = comments(document.trailing().as_str().unwrap_or_default());
    document.set_trailing(trailing);
    let out = document.to_string();
    Ok(format!("{}\n", out.trim_start_matches('\n').trim_end()))
}

fn table(table: &mut Table) {
    for (mut key, item) in table.iter_mut() {
        match item {
            Item::Value(value) => {
                let above = key.leaf_decor().prefix().and_then(|raw| raw.as_str());
                let above = comments(above.unwrap_or_default());
                key.leaf_decor_mut().set_prefix(above);
                key.leaf_decor_mut().set_suffix(" ");
                self::value(value, " ");
            }
            Item::Table(inner) => heading(inner),
            Item::ArrayOfTables(items) => items.iter_mut().for_each(heading),
            Item::None => {}
        }
    }
}

/// A table with a heading: one blank line before it, or before the comments that belong to it.
fn heading(inner: &mut Table) {
    let above = inner.decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default();
    let above = format!("\n{}", comments(above).trim_start_matches('\n'));
    let behind = inner.decor().suffix().and_then(|raw| raw.as_str()).unwrap_or_default();
    let behind = comment_behind(behind);
    inner.decor_mut().set_prefix(above);
    inner.decor_mut().set_suffix(behind);
    table(inner);
}

/// A value: one space before it, at most one comment behind it.
fn value(value: &mut Value, before: &str) {
    let behind = value.decor().suffix().and_then(|raw| raw.as_str()).unwrap_or_default();
    let behind = comment_behind(behind);
    match value {
        Value::Array(items) => array(items),
        Value::InlineTable(inner) => {
            for (mut key, item) in inner.iter_mut() {
                key.leaf_decor_mut().set_prefix(" ");
                key.leaf_decor_mut().set_suffix(" ");
                self::value(item, " ");
            }
            let last = inner.len().saturating_sub(1);
            if let Some((_, item)) = inner.iter_mut().nth(last) {
                item.decor_mut().set_suffix(" ");
            }
        }
        _ => {}
    }
    value.decor_mut().set_prefix(before);
    value.decor_mut().set_suffix(behind);
}

/// An array on one line if it fits and holds no comment, else an item a line.
fn array(items: &mut Array) {
    if items.to_string().contains('#') && has_comment(items) {
        return;
    }
    for (index, item) in items.iter_mut().enumerate() {
        value(item, if index == 0 { "" } else { " " });
    }
    items.set_trailing("");
    items.set_trailing_comma(false);
    if items.to_string().chars().count() <= LINE_MAX {
        return;
    }
    items.iter_mut().for_each(|item| item.decor_mut().set_prefix("\n  "));
    items.set_trailing("\n");
    items.set_trailing_comma(true);
}

fn has_comment(items: &Array) -> bool {
    let raw = |text: Option<&toml_edit::RawString>| {
        text.and_then(|raw| raw.as_str()).is_some_and(|text| text.contains('#'))
    };
    let of = |item: &Value| raw(item.decor().prefix()) || raw(item.decor().suffix());
    items.iter().any(of) || items.trailing().as_str().is_some_and(|text| text.contains('#'))
}

/// Comment lines above something, without indentation; at most one blank line in a row.
fn comments(text: &str) -> String {
    let mut out = String::new();
    let mut blank = false;
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let content = line.trim();
        if content.is_empty() && blank {
            continue;
        }
        blank = content.is_empty();
        out.push_str(content);
        out.push('\n');
    }
    out
}

/// A comment behind something: one space, and the comment.
fn comment_behind(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        comment => format!(" {comment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_meaning(a: &str, b: &str) -> bool {
        a.parse::<toml::Table>().ok() == b.parse::<toml::Table>().ok()
    }

    #[test]
    fn spaces_and_blank_lines_become_one_form_and_comments_stay() {
        let text = "\n\nmanifest=1\r\napplication   =   'shop'   # the shop\n\n\n\n# orders\n  # come here\n[[function]]\nname=\"orders\"\n[[function.http]]\nroute  = \"GET /\"\n\n\nauth=\"public\"\n[function.allow]\nhttp=[\"GET https://a\",\n \"GET https://b\"]\n# the end\n";
        let formatted = formatted("x", text).expect("TOML");
        assert_eq!(
            formatted,
            "manifest = 1\napplication = 'shop' # the shop\n\n# orders\n# come here\n[[function]]\nname = \"orders\"\n\n[[function.http]]\nroute = \"GET /\"\n\nauth = \"public\"\n\n[function.allow]\nhttp = [\"GET https://a\", \"GET https://b\"]\n# the end\n"
        );
        assert!(same_meaning(text, &formatted));
        assert_eq!(super::formatted("x", &formatted).expect("TOML"), formatted);
    }

    #[test]
    fn long_arrays_take_a_line_for_each_item() {
        let long = "x".repeat(60);
        let text = format!("a = [\"{long}\", \"{long}\"]\n");
        let formatted = formatted("x", &text).expect("TOML");
        assert_eq!(formatted, format!("a = [\n  \"{long}\",\n  \"{long}\",\n]\n"));
        assert_eq!(super::formatted("x", &formatted).expect("TOML"), formatted);
    }

    #[test]
    fn inline_tables_have_spaces_inside_their_braces() {
        let formatted = formatted("x", "a={b=1,c={d=\"e\"}}\n").expect("TOML");
        assert_eq!(formatted, "a = { b = 1, c = { d = \"e\" } }\n");
    }

    #[test]
    fn what_is_no_toml_is_named_with_its_line() {
        let problem = formatted("f.toml", "a = 1\nb = = 2\n").expect_err("no TOML");
        assert!(problem.detail.is_some_and(|detail| detail.starts_with("f.toml:2: ")));
    }

    proptest::proptest! {
        #[test]
        fn formatting_keeps_the_meaning_and_is_done_after_once(
            spaces in proptest::collection::vec("[ \t]{0,3}", 8),
            blanks in proptest::collection::vec("\n{1,4}(# [a-z]{1,5}\n)?", 4),
        ) {
            let text = format!(
                "manifest{0}={1}1{2}{8}application{3}={4}\"a\"{9}[[function]]{5}{10}name{6}=\"b\"\nlist{7}=[ 1,2 ,\n3]{11}",
                spaces[0], spaces[1], spaces[2], spaces[3], spaces[4], spaces[5], spaces[6], spaces[7],
                blanks[0], blanks[1], blanks[2], blanks[3],
            );
            let once = formatted("x", &text).expect("TOML");
            proptest::prop_assert!(same_meaning(&text, &once), "{}", once);
            proptest::prop_assert_eq!(formatted("x", &once).expect("TOML"), once);
        }
    }
}
