//! The two forms of a file: TOML, and JSON with comments.

use super::super::yaml::{Node, Value};
use toml::de::{DeTable, DeValue};

pub(super) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

pub(super) fn of_table(text: &str, table: &DeTable<'_>, at: usize) -> Node {
    let entries = table.iter().map(|(key, value)| {
        let at = line(text, key.span().start);
        (key.get_ref().to_string(), of_value(text, value.get_ref(), at))
    });
    Node { line: at, tag: None, value: Value::Map(entries.collect()) }
}

fn of_value(text: &str, value: &DeValue<'_>, at: usize) -> Node {
    match value {
        DeValue::Table(table) => of_table(text, table, at),
        DeValue::Array(items) => {
            let items = items
                .iter()
                .map(|item| of_value(text, item.get_ref(), line(text, item.span().start)));
            Node { line: at, tag: None, value: Value::List(items.collect()) }
        }
        DeValue::String(text) => Node { line: at, tag: None, value: Value::Text(text.to_string()) },
        DeValue::Boolean(truth) => {
            Node { line: at, tag: None, value: Value::Text(truth.to_string()) }
        }
        // Numbers and times are asked for as values, and not as nodes.
        _ => Node { line: at, tag: None, value: Value::Text("a value".to_owned()) },
    }
}

/// JSON with its comments made spaces, so that lines stay where they are.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_text = false;
    while let Some(c) = rest.chars().next() {
        if !in_text && rest.starts_with("//") {
            rest = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or("");
            continue;
        }
        if !in_text && rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            out.extend(rest.get(..end).unwrap_or("").chars().filter(|c| *c == '\n'));
            rest = rest.get(end..).unwrap_or("");
            continue;
        }
        let escaped = in_text && c == '\\';
        in_text ^= c == '"';
        let length =
            c.len_utf8() + if escaped { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
        out.push_str(rest.get(..length).unwrap_or(""));
        rest = rest.get(length..).unwrap_or("");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn comments_go_and_lines_stay() {
        let text = "{ // a\n\"u\": \"http://x\\\"//y\", /* b\n c */ \"d\": 1 }";
        assert_eq!(without_comments(text), "{ \n\"u\": \"http://x\\\"//y\", \n \"d\": 1 }");
        assert_eq!(without_comments("/* open"), "");
    }
}
