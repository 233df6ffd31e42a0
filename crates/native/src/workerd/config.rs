//! The text of the configuration, in Cap'n Proto's language.

use super::{EVENTS, PORT};
use crate::door;
use model::manifest::WorkerSpec;
use model::manifest::worker::{ENTRY, Form, Module};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The entrypoint of our own module that events go to.
const ENTRYPOINT: &str = "casemateEvents";

/// What a Worker reads under which name.
#[derive(Debug, Default)]
pub(crate) struct Bindings<'a> {
    /// Variables of its process's environment.
    pub(crate) variables: BTreeSet<&'a str>,
    /// Values that are JSON.
    pub(crate) json: Vec<(&'a str, &'a str)>,
}

/// A Worker, as it is configured.
pub(crate) struct Config<'a> {
    /// What its manifest says.
    pub(crate) spec: &'a WorkerSpec,
    /// Its modules.
    pub(crate) modules: &'a [Module<'a>],
    /// What it reads.
    pub(crate) bindings: Bindings<'a>,
    /// Where its package is in the jail.
    pub(crate) place: &'a str,
    /// Where our own module is in the jail.
    pub(crate) entry: &'a str,
}

impl Config<'_> {
    /// The whole of it.
    pub(crate) fn text(&self) -> String {
        let mut services = vec![self.worker()];
        let host = door::host_address();
        for (name, store) in &self.spec.kv {
            services.push(external(&kv(name), &host, &format!("{store}{}", door::STORES)));
        }
        for (name, function) in &self.spec.services {
            services.push(external(
                &service(name),
                &host,
                &format!("{function}{}", door::FUNCTIONS),
            ));
        }
        let proxy = quoted(&door::PROXY.to_string());
        services.push(format!(
            "(name = \"outside\", external = (address = {proxy}, http = (style = proxy)))"
        ));
        let sockets = [
            socket(
                "requests",
                PORT,
                "(forwardedProtoHeader = \"x-forwarded-proto\")",
                "\"worker\"",
            ),
            socket(
                "events",
                EVENTS,
                "()",
                &format!("(name = \"worker\", entrypoint = {})", quoted(ENTRYPOINT)),
            ),
        ];
        format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\
             const config :Workerd.Config = (\n  services = [\n    {}\n  ],\n  sockets = [\n    {}\n  ],\n);\n",
            services.join(",\n    "),
            sockets.join(",\n    ")
        )
    }

    fn worker(&self) -> String {
        let flags: Vec<String> =
            self.spec.compatibility_flags.iter().map(|flag| quoted(flag)).collect();
        format!(
            "(name = \"worker\", worker = (\n      modules = [\n        {}\n      ],\n      \
             compatibilityDate = {},\n      compatibilityFlags = [{}],\n      \
             bindings = [\n        {}\n      ],\n      globalOutbound = \"outside\",\n    ))",
            self.modules().join(",\n        "),
            quoted(&self.spec.compatibility_date),
            flags.join(", "),
            self.bindings().join(",\n        "),
        )
    }

    /// Our own first: it is the one that is called.
    fn modules(&self) -> Vec<String> {
        let own = module(ENTRY, "esModule", self.entry);
        let rest = self.modules.iter().map(|one| {
            let form = match one.form {
                Form::Module => "esModule",
                Form::CommonJs => "commonJsModule",
                Form::Text => "text",
                Form::Data => "data",
                Form::Wasm => "wasm",
                Form::Json => "json",
            };
            module(one.name, form, &format!("{}/{}", self.place, one.name))
        });
        std::iter::once(own).chain(rest).collect()
    }

    fn bindings(&self) -> Vec<String> {
        let variables = self.bindings.variables.iter();
        let variables = variables.map(|name| binding(name, "fromEnvironment", &quoted(name)));
        let json = self.bindings.json.iter();
        let json = json.map(|(name, value)| binding(name, "json", &quoted(value)));
        let stores = self.spec.kv.keys();
        let stores = stores.map(|name| binding(name, "kvNamespace", &quoted(&kv(name))));
        let functions = self.spec.services.keys();
        let functions = functions.map(|name| binding(name, "service", &quoted(&service(name))));
        variables.chain(json).chain(stores).chain(functions).collect()
    }
}

fn kv(name: &str) -> String {
    format!("kv {name}")
}

fn service(name: &str) -> String {
    format!("service {name}")
}

fn module(name: &str, form: &str, path: &str) -> String {
    // What is embedded is looked up below `-I /`, so that the path is the jail's own.
    format!("(name = {}, {form} = embed {})", quoted(name), quoted(path))
}

fn binding(name: &str, form: &str, value: &str) -> String {
    format!("(name = {}, {form} = {value})", quoted(name))
}

/// One address under another name of the host's: the door reads who is meant.
fn external(name: &str, address: &str, host: &str) -> String {
    format!(
        "(name = {}, external = (address = {}, http = (injectRequestHeaders = \
         [(name = \"Host\", value = {})])))",
        quoted(name),
        quoted(address),
        quoted(host)
    )
}

fn socket(name: &str, port: u16, http: &str, service: &str) -> String {
    format!(
        "(name = \"{name}\", address = \"127.0.0.1:{port}\", http = {http}, service = {service})"
    )
}

/// A text in Cap'n Proto's language. Whatever is no plain ASCII is written as its bytes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _infallible = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The texts of a configuration, as Cap'n Proto reads them; none if one does not end.
    fn texts(config: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut bytes = config.bytes();
        while let Some(byte) = bytes.next() {
            // Outside of texts there is nothing but our own.
            assert!(byte == b'\n' || (b' '..=b'~').contains(&byte));
            if byte != b'"' {
                continue;
            }
            let mut text = Vec::new();
            loop {
                match bytes.next()? {
                    b'"' => break,
                    b'\\' => match bytes.next()? {
                        b'x' => {
                            let digits = [bytes.next()?, bytes.next()?];
                            text.push(hex::decode(digits).ok()?[0]);
                        }
                        other => text.push(other),
                    },
                    other => text.push(other),
                }
            }
            found.push(String::from_utf8(text).ok()?);
        }
        Some(found)
    }

    fn spec(flags: &[String], kv: &str) -> WorkerSpec {
        let mut spec: WorkerSpec =
            serde_json::from_str(r#"{"compatibility_date":"2026-01-01"}"#).expect("a Worker");
        spec.compatibility_flags = flags.to_vec();
        let store = model::SharedStoreName::parse("carts").expect("a name");
        spec.kv.insert(kv.to_owned(), store);
        spec
    }

    proptest! {
        // Names are checked long before; this holds without that.
        #[test]
        fn whatever_is_said_stands_in_one_text(
            name in "\\PC{0,20}|[\"\\\\\n\r\t)(,=\\[\\]]{0,12}",
            value in "\\PC{0,40}|[\"\\\\\n;)]{0,12}",
            flag in "\\PC{0,12}|[\"\\\\\n]{0,6}",
        ) {
            let spec = spec(std::slice::from_ref(&flag), &name);
            let modules = [Module { name: &name, form: Form::Text }];
            let bindings = Bindings {
                variables: [name.as_str()].into(),
                json: vec![(name.as_str(), value.as_str())],
            };
            let config = Config { spec: &spec, modules: &modules, bindings, place: "/workspace", entry: "/e" };
            let found = texts(&config.text()).expect("every text ends");
            for said in [&name, &value, &flag, &format!("/workspace/{name}"), &kv(&name)] {
                prop_assert!(found.contains(said), "{said:?}");
            }
            // As many texts as with nothing to hide.
            let plain = plain();
            prop_assert_eq!(found.len(), texts(&plain).expect("ends").len());
        }
    }

    fn plain() -> String {
        let spec = spec(&["flag".to_owned()], "KV");
        let modules = [Module { name: "a.txt", form: Form::Text }];
        let bindings = Bindings { variables: ["A"].into(), json: vec![("B", "{}")] };
        let config =
            Config { spec: &spec, modules: &modules, bindings, place: "/workspace", entry: "/e" };
        config.text()
    }

    #[test]
    fn a_worker_reaches_its_doors_and_asks_for_no_experiments() {
        let text = plain();
        for line in [
            r#"(name = "casemate-worker.mjs", esModule = embed "/e")"#,
            r#"(name = "a.txt", text = embed "/workspace/a.txt")"#,
            r#"(name = "A", fromEnvironment = "A")"#,
            r#"(name = "B", json = "{}")"#,
            r#"(name = "KV", kvNamespace = "kv KV")"#,
            r#"(name = "kv KV", external = (address = "127.0.0.2:80", http = (injectRequestHeaders = [(name = "Host", value = "carts.kv.casemate.internal")])))"#,
            r#"(name = "outside", external = (address = "127.0.0.1:3128", http = (style = proxy)))"#,
            r#"globalOutbound = "outside""#,
            r#"address = "127.0.0.1:8788""#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
