//! Where a function's code lies, and the command that brings what it depends on.

use super::draft::{Draft, Import, climbs, shown};
use crate::shell::quoted;
use std::path::Path;

/// Largest list of dependencies that is looked at, in bytes.
const DEPENDENCIES_BYTES_MAX: u64 = 1 << 20;

/// Says where a function's code lies. Whether it may lie there.
pub(super) fn place(
    import: &mut Import,
    draft: &mut Draft,
    line: usize,
    path: &str,
    root: &Path,
) -> bool {
    let Some(path) = within(import, line, "its code", path, root) else { return false };
    build(import, draft, line, &path, root);
    true
}

/// A path below the project, in its shortest form; otherwise why not is noted.
pub(super) fn within(
    import: &mut Import,
    line: usize,
    what: &str,
    path: &str,
    root: &Path,
) -> Option<String> {
    if path.contains("://") {
        import.lack(line, format!("{what} (`{}`) does not lie in the project", shown(path)));
        return None;
    }
    if let Some(why) = climbs(path) {
        import.lack(line, format!("{what} (`{}`) {why}", shown(path)));
        return None;
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !matches!(*step, "" | ".")) {
        match step {
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    let short = if steps.is_empty() { ".".to_owned() } else { steps.join("/") };
    let place = root.join(&short);
    match (place.canonicalize(), root.canonicalize()) {
        (Ok(real), Ok(root)) if !real.starts_with(&root) => {
            import.lack(
                line,
                format!("{what} (`{}`) is a link that leads out of the project", shown(path)),
            );
            return None;
        }
        (Err(_), _) => {
            import.note(
                line,
                format!("{what} (`{}`) is not there: build it before you deploy", shown(path)),
            );
        }
        _ => {}
    }
    Some(short)
}

/// Whether a list of dependencies names any.
pub(super) fn names_any(file: &Path) -> bool {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(file)
        .and_then(|it| it.take(DEPENDENCIES_BYTES_MAX).read_to_string(&mut text));
    if read.is_err() {
        return false;
    }
    if file.extension().is_some_and(|extension| extension == "json") {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let own = value.get("dependencies").and_then(|it| it.as_object());
        return own.is_some_and(|own| !own.is_empty());
    }
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Sets the source, and a build command where the code's own tools have to bring something.
fn build(import: &mut Import, draft: &mut Draft, line: usize, path: &str, root: &Path) {
    path.clone_into(&mut draft.source);
    path.clone_into(&mut draft.code);
    let place = root.join(path);
    if !place.is_dir() {
        return;
    }
    let interpreter = draft.interpreter.as_deref().unwrap_or_default();
    let python = interpreter.starts_with("python") && names_any(&place.join("requirements.txt"));
    let node = interpreter.starts_with("node") && names_any(&place.join("package.json"));
    let go = interpreter.is_empty() && place.join("go.mod").is_file();
    let made = format!("dist/{}", draft.name);
    let (from, to) = (quoted(path), quoted(&made));
    if python {
        // Into a directory of its own: the code's own directory stays as it is.
        let copy = if path == "." {
            format!("tar -cf - --exclude=./dist . | tar -xf - -C {to}")
        } else {
            format!("cp -R {from}/. {to}/")
        };
        draft.build = Some(format!(
            "mkdir -p {to} && python3 -m pip install --quiet --disable-pip-version-check \
             --target {to} --upgrade -r {from}/requirements.txt && {copy}"
        ));
        draft.source = made;
    } else if node {
        draft.build = Some(format!(
            "cd {from} && npm install --omit=dev --ignore-scripts --no-audit --no-fund"
        ));
    } else if go {
        draft.build = Some(format!(
            "mkdir -p {to} && cd {from} && CGO_ENABLED=0 go build -o \"$OLDPWD\"/{to}/bootstrap ."
        ));
        draft.source = made;
    }
    if draft.build.is_some() {
        import.note(line, "its dependencies are brought by a `build` command that was written for it: look at it, then type `casemate build`");
    }
}
