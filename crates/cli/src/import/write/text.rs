//! The text of a manifest: keys in the order in which people write them.

use super::super::draft::{Draft, Import, Route};
use super::Asks;
use model::ApplicationName;
use model::manifest::WorkerSpec;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything above the first function.
pub(super) fn head(import: &Import, application: &ApplicationName) -> String {
    let file = crate::voice::safe(&import.file).replace(['\n', '\r'], " ");
    let mut text = String::new();
    let word = import.format.word();
    let _infallible = write!(
        text,
        "# Made by `casemate import` of {file} ({word}).\n\
         # `casemate schema` prints every key that exists.\n\
         manifest = 1\napplication = {}\n",
        quoted(application.as_str())
    );
    text
}

/// One function.
pub(super) fn function(
    draft: &Draft,
    environment: &BTreeMap<String, String>,
    asks: &Asks,
) -> String {
    let mut text = "\n[[function]]\n".to_owned();
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _infallible = writeln!(text, "{key} = {value}");
        }
    };
    let string = |value: &Option<String>| value.as_deref().map(quoted);
    line("name", Some(quoted(draft.name.as_str())));
    line("build", string(&draft.build));
    line("source", Some(quoted(&draft.source)));
    line("runtime", Some(quoted("native")));
    line("timeout", draft.timeout.map(|it| quoted(&it.to_string())));
    line("memory", draft.memory.map(|it| quoted(&it.to_string())));
    line("concurrency", draft.concurrency.map(|it| it.to_string()));
    line("\n[function.native]\ncontract", Some(quoted(draft.contract.word())));
    line("interpreter", string(&draft.interpreter));
    line("handler", string(&draft.handler));
    line("command", list(&draft.command));
    line("layers", list(&draft.layers));
    let form = serde_json::to_value(draft.event).ok();
    let form = form.as_ref().and_then(|form| form.as_str()).filter(|_| !draft.event.is_default());
    line("event", form.map(quoted));
    line("port", draft.port.map(|it| it.to_string()));
    line("parallel", draft.parallel.map(|it| it.to_string()));
    line("provisioned", draft.provisioned.map(|it| it.to_string()));
    if draft.probe.is_some() || draft.signature.is_some() {
        line(
            "\n[function.native.server]\nprobe",
            Some(draft.probe.as_deref().map_or(String::new(), quoted)),
        );
        line("signature", draft.signature.map(|it| quoted(it.word())));
        text = text.replace("probe = \n", "");
    }
    if let Some(spec) = &draft.worker {
        worker(&mut text, spec);
    }
    for (name, cron) in &draft.times {
        let (name, cron) = (quoted(name), quoted(cron));
        let _infallible = write!(text, "\n[[function.schedule]]\nname = {name}\ncron = {cron}\n");
    }
    if !environment.is_empty() {
        text.push_str("\n[function.environment]\n");
    }
    for (name, value) in environment {
        let _infallible = writeln!(text, "{} = {}", key(name), quoted(value));
    }
    for route in &draft.routes {
        let _infallible = write!(text, "\n[[function.http]]\nroute = {}\n", quoted(&route.route));
        if route.open {
            text.push_str("auth = \"public\"\n");
        }
    }
    allow(&mut text, asks);
    text
}

fn worker(text: &mut String, spec: &WorkerSpec) {
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _infallible = writeln!(text, "{key} = {value}");
        }
    };
    line("\n[function.native.worker]\nmain", Some(quoted(spec.main())));
    line("compatibility_date", Some(quoted(&spec.compatibility_date)));
    line("compatibility_flags", list(&spec.compatibility_flags));
    let pairs = |all: Vec<(&String, String)>| {
        let all: Vec<String> =
            all.into_iter().map(|(name, to)| format!("{} = {}", key(name), quoted(&to))).collect();
        (!all.is_empty()).then(|| format!("{{ {} }}", all.join(", ")))
    };
    line("kv", pairs(spec.kv.iter().map(|(name, to)| (name, to.to_string())).collect()));
    line(
        "services",
        pairs(spec.services.iter().map(|(name, to)| (name, to.to_string())).collect()),
    );
    line("json", list(&spec.json));
}

fn allow(text: &mut String, asks: &Asks) {
    let Asks { http, invoke, keyvalue, secrets } = asks;
    if asks.lines().is_empty() {
        return;
    }
    text.push_str("\n[function.allow]\n");
    for (key, values) in [("http", http), ("invoke", invoke)] {
        if let Some(values) = list(&values.iter().cloned().collect::<Vec<_>>()) {
            let _infallible = writeln!(text, "{key} = {values}");
        }
    }
    for name in keyvalue {
        let _infallible = writeln!(text, "keyvalue.{name} = \"read-write\"");
    }
    for name in secrets {
        let _infallible = writeln!(text, "secret.{name} = {{ reveal = true }}");
    }
}

/// A route, and who may call it.
pub(super) fn route_and_who(route: &Route) -> String {
    let who = if route.open { "public, once granted" } else { "holders of a token" };
    format!("{} ({who})", route.route)
}

fn list(words: &[String]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| format!("[{}]", words.join(", ")))
}

/// A key, in quotes if it needs them.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// A text as TOML writes it, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_come_back_from_toml() {
        for text in ["plain", "a\"b\\c", "line\nline\r\t", "\u{1}\u{7f}\u{85}", "äöü \u{202e}"] {
            let table: toml::Table = toml::from_str(&format!("a = {}", quoted(text))).expect(text);
            assert_eq!(table["a"].as_str(), Some(text));
        }
    }
}
