//! `wrangler.toml` and `wrangler.jsonc` of Cloudflare Workers.
//!
//! Workers are not run yet, so all of a file is named as left out.

use super::draft::{Import, shown};
use super::yaml::{self, Node, Value};
use model::Problem;
use toml::de::{DeTable, DeValue};

/// Bindings, and what they would be.
const BINDINGS: &[(&str, &str, &str)] = &[
    ("kv_namespaces", "binding", "a key-value store"),
    ("r2_buckets", "binding", "a container of blobs"),
    ("d1_databases", "binding", "a database: there is none here"),
    ("services", "binding", "another function"),
    ("queues", "binding", "a queue: there is no such trigger here yet"),
    ("durable_objects", "name", "a durable object: there is none here"),
];
/// What says nothing about what a Worker does.
const QUIET: &[&str] = &[
    "$schema",
    "account_id",
    "compatibility_date",
    "compatibility_flags",
    "main",
    "name",
    "workers_dev",
];

/// Reads a file, in whichever of its two forms.
///
/// # Errors
/// E0156: it is neither.
pub(super) fn read(import: &mut Import, text: &str) -> Result<(), Problem> {
    let node = if import.file.ends_with(".toml") {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            super::unreadable(&format!("{}:{line}", import.file), &why)
        })?;
        of_table(text, table.get_ref(), 1)
    } else {
        let plain = without_comments(text);
        let documents = yaml::read(&plain).map_err(|error| {
            super::unreadable(&format!("{}:{}", import.file, error.line), &error.why)
        })?;
        super::first(&import.file, documents)?
    };
    let name = node.text_at("name").unwrap_or("worker");
    import.application = shown(name);
    import.about = Some(shown(name));
    import.lack(node.line, "Workers are not run here yet");
    worker(import, &node);
    for (environment, inner) in node.get("env").map(Node::entries).unwrap_or_default() {
        import.about = Some(format!("{} in {}", shown(name), shown(environment)));
        worker(import, inner);
    }
    Ok(())
}

fn worker(import: &mut Import, node: &Node) {
    for (key, value) in node.entries() {
        let binding = BINDINGS.iter().find(|(known, _, _)| known == key);
        match (key.as_str(), binding) {
            ("env", _) => {}
            (key, _) if QUIET.contains(&key) => {}
            ("vars", _) => {
                // Names only: what a value is, nobody has looked at.
                for (name, value) in value.entries() {
                    import.lack(value.line, format!("variable `{}`", shown(name)));
                }
            }
            ("route" | "routes", _) => {
                for route in value.items() {
                    let pattern =
                        route.text().or_else(|| route.text_at("pattern")).unwrap_or_default();
                    import.lack(route.line, format!("route `{}`", shown(pattern)));
                }
            }
            ("triggers", _) => {
                import.lack(value.line, "`triggers`: there is no such trigger here yet")
            }
            (key, Some((_, name, what))) => {
                for one in value.items() {
                    let named = one.text_at(name).unwrap_or_default();
                    import.lack(one.line, format!("`{key}` `{}`: {what}", shown(named)));
                }
            }
            (key, None) => {
                import.lack(value.line, format!("`{}` has no counterpart here", shown(key)))
            }
        }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn of_table(text: &str, table: &DeTable<'_>, at: usize) -> Node {
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
        // Numbers, times and truth are not asked for.
        _ => Node { line: at, tag: None, value: Value::Text("a value".to_owned()) },
    }
}

/// JSON with its comments made spaces, so that lines stay where they are.
fn without_comments(text: &str) -> String {
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
