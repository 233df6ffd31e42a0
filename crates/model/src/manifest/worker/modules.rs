//! Which files of a package are modules of its Worker.

use super::WorkerSpec;
use crate::{Code, Problem};

/// Most modules.
pub const MODULES_MAX: usize = 1000;
/// The name of the platform's own module.
pub const ENTRY: &str = "casemate-worker.mjs";
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 512;
/// Files of tools, which are JSON and no modules.
const OF_TOOLS: &[&str] = &["package.json", "package-lock.json", "tsconfig.json", "wrangler.json"];

/// What a module is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An ES module.
    Module,
    /// A module of CommonJS.
    CommonJs,
    /// Text, which is what its import gives.
    Text,
    /// Bytes, which are what its import gives.
    Data,
    /// WebAssembly, compiled.
    Wasm,
    /// JSON, whose value is what its import gives.
    Json,
}

impl Form {
    /// What a file is by its name. None for what is no module.
    fn of(path: &str) -> Option<Self> {
        let (_, end) = path.rsplit_once('.')?;
        Some(match end {
            "js" | "mjs" => Self::Module,
            "cjs" => Self::CommonJs,
            "txt" | "html" | "sql" => Self::Text,
            "bin" => Self::Data,
            "wasm" => Self::Wasm,
            "json" => Self::Json,
            _ => return None,
        })
    }
}

/// A module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its name, which is its path in the package.
    pub name: &'a str,
    /// What it is.
    pub form: Form,
}

/// The modules of a package with these files, in their order. What `node_modules` and hidden
/// directories hold, and what is of no known form, is none of them.
///
/// # Errors
/// E0165 if the main module is not there or none, E0167 for one whose name cannot be used, or for too
/// many.
pub fn modules<'a>(
    worker: &WorkerSpec,
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Module<'a>>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        let apart = path.split('/').any(|part| part == "node_modules" || part.starts_with('.'));
        let file = path.rsplit('/').next().unwrap_or(path);
        let Some(form) = Form::of(path).filter(|_| !apart && !OF_TOOLS.contains(&file)) else {
            continue;
        };
        name(path).map_err(|why| {
            let hint = "rename the file, and what imports it";
            Problem::new(Code::WorkerModule).detail(why).hint(hint)
        })?;
        found.push(Module { name: path, form });
    }
    if found.len() > MODULES_MAX {
        let why = format!("the package has {} modules, and {MODULES_MAX} is the most", found.len());
        let hint = "bundle them, for example with `esbuild --bundle --format=esm`";
        return Err(Problem::new(Code::WorkerModule).detail(why).hint(hint));
    }
    let main = worker.main();
    match found.iter().find(|module| module.name == main).map(|module| module.form) {
        Some(Form::Module) => Ok(found),
        Some(_) => {
            let why =
                format!("`{main}` is no ES module: its name ends in neither `.js` nor `.mjs`");
            Err(Problem::new(Code::WorkerMain).detail(why))
        }
        None => {
            let others = found.iter().filter(|module| module.form == Form::Module).take(5);
            let others: Vec<String> = others.map(|module| format!("`{}`", module.name)).collect();
            let there =
                if others.is_empty() { "no ES module".to_owned() } else { others.join(", ") };
            let why = format!("the package has no `{main}`; it has {there}");
            Err(Problem::new(Code::WorkerMain).detail(why))
        }
    }
}

/// Refuses a name that an import cannot say in one way, or that is the platform's.
///
/// # Errors
/// Why, as a clause.
pub(super) fn name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(80).collect();
    let odd = |c: char| c.is_control() || "\"'`\\?#%:".contains(c);
    let parts = |part: &str| part.is_empty() || part == "." || part == "..";
    if name.len() > NAME_BYTES_MAX || name.chars().any(odd) || name.split('/').any(parts) {
        return Err(format!(
            "{shown:?} is no name of a module: no quotes, `\\`, `?`, `#`, `%`, `:` or control \
             characters, and no step back"
        ));
    }
    if name == ENTRY {
        return Err(format!("`{ENTRY}` is the platform's own module"));
    }
    Ok(())
}
