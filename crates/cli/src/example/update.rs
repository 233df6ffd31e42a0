//! `casemate test --update`: what came back becomes what must come back, in the manifest itself.
//!
//! Invariant: nothing of the manifest changes but what an example expects; comments and order stay.

use super::{Case, Outcome};
use anyhow::{Context as _, bail};
use model::manifest::ExampleAnswer;
use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value, value};

/// Writes the answers of failed examples into the manifest. Says how many were written; what
/// nobody can write, such as a part that `contains` should hold, is left.
///
/// # Errors
/// The manifest cannot be read or written.
pub(crate) fn update(file: &Path, failed: &[(Case<'_>, Outcome)]) -> anyhow::Result<usize> {
    let named = || format!("cannot update {}", file.display());
    let mut document: DocumentMut = fs::read_to_string(file).with_context(named)?.parse()?;
    let mut count = 0;
    for (case, outcome) in failed {
        let example = find(&mut document, case).with_context(named)?;
        if rewrite(example, case.example.expect.as_ref(), outcome) {
            count += 1;
        }
    }
    if count > 0 {
        replace(file, &document.to_string()).with_context(named)?;
    }
    Ok(count)
}

/// Readers see the old or the new manifest.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut new, text.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(file)?.permissions())?;
    new.persist(file)?;
    Ok(())
}

/// The table of an example.
fn find<'d>(
    document: &'d mut DocumentMut,
    case: &Case<'_>,
) -> anyhow::Result<&'d mut dyn TableLike> {
    let functions =
        document.get_mut("function").context("the manifest has no function any more")?;
    for index in 0.. {
        let Some(function) = nth(functions, index) else { break };
        if function.get("name").and_then(Item::as_str) != Some(case.function.as_str()) {
            continue;
        }
        let functions = document.get_mut("function").and_then(|all| nth(all, index));
        let examples = functions.and_then(|function| function.get_mut("example"));
        let example = examples.and_then(|examples| nth(examples, case.index));
        return example.context("the manifest has no such example any more");
    }
    bail!("the manifest has no function `{}` any more", case.function)
}

/// One table of an array, however the array is written.
fn nth(array: &mut Item, index: usize) -> Option<&mut dyn TableLike> {
    match array {
        Item::ArrayOfTables(tables) => {
            tables.get_mut(index).map(|table| table as &mut dyn TableLike)
        }
        Item::Value(Value::Array(values)) => {
            let value = values.get_mut(index)?.as_inline_table_mut()?;
            Some(value as &mut dyn TableLike)
        }
        _ => None,
    }
}

/// Makes an example expect what came. Says whether that could be written.
fn rewrite(example: &mut dyn TableLike, expect: Option<&ExampleAnswer>, outcome: &Outcome) -> bool {
    let answer = &outcome.answer;
    let Ok(text) = std::str::from_utf8(&answer.body) else { return false };
    let Some(expect) = expect else {
        let mut table = InlineTable::new();
        table.insert("status", i64::from(answer.status).into());
        table.insert("body", string(text));
        example.insert("expect", value(table));
        return true;
    };
    let Some(table) = example.get_mut("expect").and_then(Item::as_table_like_mut) else {
        return false;
    };
    let mut whole = true;
    for difference in &outcome.differences {
        let written = match difference.what.as_str() {
            "status" => set(table, "status", i64::from(answer.status).into()),
            "body" if expect.json.is_some() => {
                let json = serde_json::from_slice(&answer.body).ok();
                json.as_ref().and_then(toml).is_some_and(|json| set(table, "json", json))
            }
            "body" => set(table, "body", string(text)),
            what => match what.strip_prefix("header ") {
                Some(name) => header(table, name, answer.header(&name.to_ascii_lowercase())),
                None => false,
            },
        };
        whole &= written;
    }
    whole
}

/// Sets a value where it stands, or adds it.
fn set(table: &mut dyn TableLike, key: &str, mut new: Value) -> bool {
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
    true
}

fn header(table: &mut dyn TableLike, name: &str, came: Option<&str>) -> bool {
    let headers = table.get_mut("headers").and_then(Item::as_table_like_mut);
    match (headers, came) {
        (Some(headers), Some(value)) => set(headers, name, value.into()),
        _ => false,
    }
}

/// A text as TOML: on one line if it is one line.
fn string(text: &str) -> Value {
    let one_line = !text.strip_suffix('\n').unwrap_or(text).contains('\n');
    // The escapes of JSON are escapes of TOML, too.
    let escaped = one_line.then(|| Json::from(text).to_string().parse().ok()).flatten();
    escaped.unwrap_or_else(|| text.into())
}

/// JSON as TOML; TOML has no null.
fn toml(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(yes) => (*yes).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => {
            Value::Array(items.iter().map(toml).collect::<Option<Vec<_>>>()?.into_iter().collect())
        }
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (key, member) in members {
                table.insert(key, toml(member)?);
            }
            Value::InlineTable(table)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::compare::differences;
    use super::*;
    use crate::local::TrialAnswer;
    use model::Manifest;

    /// The manifest after an update with this answer to every example.
    fn updated(text: &str, status: u16, body: &str) -> (usize, String) {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.toml");
        fs::write(&file, text).expect("written");
        let manifest: Manifest = ::toml::from_str(text).expect(text);
        let functions: Vec<_> = manifest.functions.iter().collect();
        let (cases, _) = super::super::cases(&functions, None);
        let failed: Vec<_> = cases
            .into_iter()
            .map(|case| {
                let answer = TrialAnswer {
                    status,
                    headers: vec![("etag".to_owned(), "new".to_owned())],
                    body: body.as_bytes().to_vec(),
                    problem: None,
                    function: None,
                    logs: Vec::new(),
                };
                let differences = differences(&case, &answer);
                (case, Outcome { differences, answer, took_ms: 0 })
            })
            .collect();
        let count = update(&file, &failed).expect("updated");
        let after = fs::read_to_string(&file).expect("there");
        ::toml::from_str::<Manifest>(&after).expect(&after);
        (count, after)
    }

    const HEAD: &str = "manifest = 1\napplication = \"a\" # kept\n\n[[function]]\nname = \"a\"\n\n[[function.example]]\n";

    #[test]
    fn only_what_an_example_expects_is_rewritten() {
        let text = format!(
            "{HEAD}name = \"x\" # kept\nrequest = {{ path = \"/\" }}\nexpect = {{ status = 200, body = \"old\" }} # kept\n"
        );
        let (count, after) = updated(&text, 404, "it's\n\"new\"\n");
        assert_eq!(count, 1);
        let expect = text
            .replace("status = 200", "status = 404")
            .replace("\"old\"", "\"\"\"\nit's\n\"new\"\n\"\"\"");
        let same = |text: &str| ::toml::from_str::<Manifest>(text).expect(text);
        assert_eq!(same(&after), same(&expect), "{after}");
        assert_eq!(after.matches("# kept").count(), 3, "{after}");
    }

    #[test]
    fn what_is_missing_is_written_down() {
        let text = format!("{HEAD}name = \"x\"\nrequest = {{ path = \"/\" }}\n");
        let (count, after) = updated(&text, 200, "hello");
        assert_eq!(count, 1);
        assert!(after.ends_with("expect = { status = 200, body = \"hello\" }\n"), "{after}");
    }

    #[test]
    fn json_and_headers_are_rewritten_and_a_part_is_not() {
        let text = format!(
            "{HEAD}name = \"x\"\nrequest = {{ path = \"/\" }}\n[function.example.expect]\nheaders = {{ etag = \"old\" }}\njson = {{ a = 1 }}\n"
        );
        let (count, after) = updated(&text, 200, r#"{"a":[true,2.5,{"b":"c"}]}"#);
        assert_eq!(count, 1);
        assert!(after.contains("etag = \"new\""), "{after}");
        assert!(after.contains("a = [true, 2.5, { b = \"c\" }]"), "{after}");
        let (count, _) = updated(&text, 200, r#"{"a":null}"#);
        assert_eq!(count, 0, "TOML has no null");
        let part = format!(
            "{HEAD}name = \"x\"\nrequest = {{ path = \"/\" }}\nexpect = {{ contains = \"q\" }}\n"
        );
        assert_eq!(updated(&part, 200, "z"), (0, part));
    }

    #[test]
    fn one_line_stays_on_one_line() {
        for (text, expect) in
            [("a \"b\"\n", r#""a \"b\"\n""#), ("", r#""""#), ("a\nb\n", "\"\"\"\na\nb\n\"\"\"")]
        {
            assert_eq!(string(text).to_string().trim(), expect);
        }
        assert_eq!(
            string("\u{7f}\t").as_str(),
            Some("\u{7f}\t"),
            "what TOML does not take as it is"
        );
    }
}
