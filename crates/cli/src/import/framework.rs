//! Projects of Google's Functions Framework, in Python, JavaScript and Go.

use super::draft::Import;
use super::source;
use model::Problem;
use model::manifest::{Contract, Signature};
use std::path::Path;

/// A function as its code names it.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    line: usize,
    name: String,
    signature: Signature,
}

/// Reads a project by the file that names what it depends on.
///
/// # Errors
/// E0156: no function is found in its code.
pub(super) fn read(
    import: &mut Import,
    file: &Path,
    text: &str,
    root: &Path,
) -> Result<(), Problem> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (code, interpreter, mut found) = match name {
        "package.json" => node(&import.file, text, root)?,
        "go.mod" => (GO_PROGRAM.to_owned(), "", go(&import.file, root)?),
        _ => {
            let code = "main.py".to_owned();
            let found = python(&read_code(&import.file, root, &code)?);
            (code, "python3", found)
        }
    };
    found.truncate(500);
    if found.is_empty() {
        return Err(super::unreadable(
            &import.file,
            &format!("no function is declared in `{code}`"),
        ));
    }
    let shown = root.join(&code);
    import.file = shown.strip_prefix(".").unwrap_or(&shown).display().to_string();
    for one in found {
        let Some(mut draft) = import.draft(&one.name, one.line, Contract::FunctionsFramework)
        else {
            continue;
        };
        draft.interpreter = Some(interpreter.to_owned()).filter(|it| !it.is_empty());
        draft.handler = Some(match draft.interpreter {
            Some(_) => format!("{code}:{}", one.name),
            None => one.name.clone(),
        });
        draft.signature = Some(one.signature).filter(|it| *it != Signature::Http);
        if !source::place(import, &mut draft, one.line, ".", root) {
            continue;
        }
        if draft.interpreter.is_none() {
            let made = format!("dist/{}", draft.name);
            draft.build =
                Some(format!("mkdir -p {made} && CGO_ENABLED=0 go build -o {made}/server ./cmd"));
            draft.command = vec!["./server".to_owned()];
            draft.source = made;
        }
        match one.signature {
            Signature::Http | Signature::Typed => {
                let at = format!("* /{}/{{*rest}}", draft.name);
                super::route(import, &mut draft, one.line, at, false);
            }
            Signature::Cloudevent | Signature::Event => {
                import.lack(one.line, "what sends it events: there is no such trigger here yet");
            }
        }
        import.note(one.line, "timeout, memory, variables and who may call it are given to `gcloud`, and stand in no file");
        import.drafts.push(draft);
    }
    Ok(())
}

fn read_code(file: &str, root: &Path, code: &str) -> Result<String, Problem> {
    if super::draft::climbs(code).is_some() {
        return Err(super::unreadable(file, "its code does not lie in the project"));
    }
    let place = root.join(code);
    let inside = match (place.canonicalize(), root.canonicalize()) {
        (Ok(place), Ok(root)) => place.starts_with(root),
        _ => false,
    };
    if !inside {
        return Err(super::unreadable(file, &format!("there is no `{code}` in the project")));
    }
    super::text_of(&place)
}

/// The program that starts Go's functions, as Google's examples call it.
const GO_PROGRAM: &str = "cmd/main.go";
/// Most files of Go's that are looked at.
const GO_FILES_MAX: usize = 100;

/// `functions.HTTP("NAME", …)` in the files beside `go.mod`.
fn go(file: &str, root: &Path) -> Result<Vec<Found>, Problem> {
    read_code(file, root, GO_PROGRAM)?;
    let mut names: Vec<_> = std::fs::read_dir(root)
        .map(|entries| {
            entries.flatten().filter_map(|it| it.file_name().into_string().ok()).collect()
        })
        .unwrap_or_default();
    names.retain(|name: &String| name.ends_with(".go") && !name.ends_with("_test.go"));
    names.sort();
    let mut found = Vec::new();
    for name in names.iter().take(GO_FILES_MAX) {
        let text = read_code(file, root, name)?;
        let kinds = [
            ("functions.HTTP", Signature::Http),
            ("functions.CloudEvent", Signature::Cloudevent),
            ("functions.Typed", Signature::Typed),
        ];
        found.extend(called(&text, &kinds));
    }
    Ok(found)
}

/// Functions behind decorators of the framework's; other `def`s are not deployed by themselves.
fn python(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut next = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if let Some(decorator) = line.strip_prefix("@functions_framework.") {
            next = match decorator.split('(').next().unwrap_or_default() {
                "http" => Some(Signature::Http),
                "cloud_event" => Some(Signature::Cloudevent),
                "typed" => Some(Signature::Typed),
                _ => None,
            };
        } else if let (Some(signature), Some(rest)) =
            (next, line.strip_prefix("def ").or_else(|| line.strip_prefix("async def ")))
        {
            let name = rest.split('(').next().unwrap_or_default().trim().to_owned();
            found.push(Found { line: at + 1, name, signature });
            next = None;
        }
    }
    found
}

type Project = (String, &'static str, Vec<Found>);

fn node(file: &str, text: &str, root: &Path) -> Result<Project, Problem> {
    let package: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| super::unreadable(&format!("{file}:{}", error.line()), "it is no JSON"))?;
    let code = package["main"].as_str().unwrap_or("index.js").trim_start_matches("./").to_owned();
    let mut found = declared(&read_code(file, root, &code)?);
    // A function that is only exported is named on the command line.
    let start = package["scripts"]["start"].as_str().unwrap_or_default();
    let option = |name: &str| {
        let words: Vec<&str> = start.split([' ', '=']).collect();
        words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].to_owned())
    };
    if let Some(name) = option("--target").filter(|name| found.iter().all(|it| it.name != *name)) {
        let signature = match option("--signature-type").as_deref() {
            Some("cloudevent") => Signature::Cloudevent,
            Some("event") => Signature::Event,
            _ => Signature::Http,
        };
        found.push(Found { line: 1, name, signature });
    }
    Ok((code, "node", found))
}

/// `functions.http('NAME', …)` and the others.
fn declared(text: &str) -> Vec<Found> {
    let kinds = [
        ("http", Signature::Http),
        ("cloudEvent", Signature::Cloudevent),
        ("typed", Signature::Typed),
    ];
    called(text, &kinds)
}

/// Calls of these, with a text as what they are given first.
fn called(text: &str, kinds: &[(&str, Signature)]) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (word, signature) in kinds {
            let Some((_, rest)) = line.split_once(&format!("{word}(")) else { continue };
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
            let name = quote.and_then(|quote| rest.split(quote).nth(1));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                found.push(Found { line: at + 1, name: name.to_owned(), signature: *signature });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_functions_are_found() {
        let found = python(
            "import x\n\n@functions_framework.http\ndef hello(request):\n    pass\n\n@functions_framework.cloud_event\ndef stored(event): pass\ndef helper(): pass\n",
        );
        let names: Vec<_> =
            found.iter().map(|it| (it.line, it.name.as_str(), it.signature)).collect();
        assert_eq!(names, [(4, "hello", Signature::Http), (8, "stored", Signature::Cloudevent)]);
        let found = declared(
            "const f = require('x')\nf.http('hello', (req, res) => {})\nf.cloudEvent(\"stored\", e => e)\nhttp(x)\n",
        );
        let names: Vec<_> =
            found.iter().map(|it| (it.line, it.name.as_str(), it.signature)).collect();
        assert_eq!(names, [(2, "hello", Signature::Http), (3, "stored", Signature::Cloudevent)]);
    }
}
