//! The kinds of modules that Node has, each loaded as AWS's own runtime loads it.

use super::place::{Place, Who, function};

/// Answers how it was loaded: only a module of CommonJS has `require`.
const COMMON: &str = "exports.handler = async () => typeof require;\n";
const MODULE: &str = "export const handler = async () => typeof require;\n";
/// A module of CommonJS whose parent, too, is one of the function's.
const THROUGH: &str = "module.exports = require('./inner');\n";

fn loads(name: &str, files: &[(&str, &str)], word: &str) {
    let place = Place::open(Who::Root);
    for (file, text) in files {
        place.write(&format!("app/{file}"), text);
    }
    let native = format!("contract = \"lambda\"\ninterpreter = \"node\"\nhandler = \"{name}\"\n");
    place.deploy(&function("f", "", &native));
    let reply = place.get("/f/hello");
    let log = place.log(&reply);
    assert_eq!((reply.status, reply.text()), (200, word.to_owned()), "{name}: {reply:?}\n{log}");
}

#[test]
fn a_module_is_what_its_name_and_its_package_say() {
    const TYPED: (&str, &str) = ("package.json", r#"{"type":"module"}"#);
    let common = "function";
    let module = "undefined";
    loads("app.handler", &[("app.js", COMMON)], common);
    loads("app.handler", &[("app.cjs", COMMON), TYPED], common);
    loads("app.handler", &[("app.js", THROUGH), ("inner.js", COMMON)], common);
    loads("app.handler", &[("app.mjs", MODULE)], module);
    loads("app.handler", &[("app.js", MODULE), TYPED], module);
    loads("lib/app.handler", &[("lib/app.js", MODULE), TYPED], module);
    let nearer = ("lib/package.json", "{}");
    loads("lib/app.handler", &[("lib/app.js", COMMON), nearer, TYPED], common);
}
