//! What `watch` says: a line per event for people, a document per event for programs.

use super::host::{HOME, Host};
use super::{Round, listed};
use crate::client::{Client, LogFilter};
use crate::clock;
use crate::manifest::Outline;
use crate::shell::{program, quoted};
use crate::voice::{Closed, Tone, Voice, safe};
use model::FunctionName;
use model::api::{Deployed, Function, Log};
use model::manifest::{Example, FunctionSpec};
use model::route::example_url;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Tells what happens.
pub(super) struct Teller {
    voice: Voice,
    project: String,
    gateway: String,
    /// How other commands find the node.
    home: String,
    own_node: bool,
    functions: Vec<FunctionSpec>,
    /// Whose log lines are shown.
    names: Arc<Mutex<BTreeSet<FunctionName>>>,
    deployments: u32,
}

impl Teller {
    pub(super) fn new(voice: Voice, project: &Path, host: &Host) -> Self {
        Self {
            voice,
            project: project.display().to_string(),
            gateway: host.gateway.clone(),
            home: host.home.display().to_string(),
            own_node: host.is_own(),
            functions: Vec::new(),
            names: Arc::default(),
            deployments: 0,
        }
    }

    pub(super) fn begin(&self) -> anyhow::Result<()> {
        let Self { voice, project, gateway, home, .. } = self;
        if voice.is_json() {
            return voice.item(&json!({
                "event": "ready", "project": project, "gateway": gateway, "home": home,
            }));
        }
        voice.line(format_args!("watching {}; Ctrl-C ends it", safe(project)))?;
        let whose = if self.own_node { "your own node" } else { "the node" };
        let home = if self.own_node { HOME } else { home };
        voice.line(format_args!("{whose} is {gateway}, its home {}\n", safe(home)))
    }

    /// Remembers what the deployed manifest says.
    pub(super) fn know(&mut self, outline: &Outline) {
        self.functions.clone_from(&outline.manifest.functions);
        let names = self.functions.iter().map(|function| function.name.clone()).collect();
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Whether anything answers.
    pub(super) const fn has_deployed(&self) -> bool {
        self.deployments > 0
    }

    pub(super) fn deployed(
        &mut self,
        round: &Round,
        project: &Path,
        host: &Host,
    ) -> anyhow::Result<()> {
        self.deployments += 1;
        let Round { deployed, unchanged, build_ms, deploy } = round;
        let commands = self.commands(deployed, project, host);
        if self.voice.is_json() {
            return self.voice.item(&json!({
                "event": "deployed", "application": deployed.application,
                "deployment": deployed.deployment, "unchanged": unchanged,
                "build_ms": build_ms, "try": commands,
            }));
        }
        let built = match build_ms {
            Some(ms @ 0..=999) => format!("built in {ms} ms, "),
            Some(ms) => format!("built in {}.{} s, ", ms / 1000, ms % 1000 / 100),
            None => String::new(),
        };
        let name = &deployed.application;
        let good =
            self.voice.paint(Tone::Good, if *unchanged { "is what it was" } else { "is new" });
        let number = deployed.deployment;
        self.stamped(format_args!(
            "{name} {good}: {built}deployed in {deploy} (deployment {number})"
        ))?;
        if self.deployments > 1 {
            return Ok(());
        }
        self.voice.line("\ntry in another terminal:\n")?;
        commands
            .iter()
            .try_for_each(|command| self.voice.line(format_args!("  {}", safe(command))))?;
        self.voice.line("\nwaiting for changes; what your functions print appears here")
    }

    pub(super) fn changed(&self, paths: &[PathBuf]) -> anyhow::Result<()> {
        if self.voice.is_json() {
            return self.voice.item(&json!({ "event": "changed", "paths": paths }));
        }
        self.stamped(format_args!("{} changed", safe(&listed(paths))))
    }

    pub(super) fn muted(&self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display().to_string();
        if self.voice.is_json() {
            return self.voice.item(&json!({ "event": "muted", "path": shown }));
        }
        self.voice
            .warn(format_args!("every build changes {}, so it is no longer watched", safe(&shown)));
        self.voice.hint("name it in .gitignore");
        Ok(())
    }

    /// A build, a manifest or a deployment that failed.
    pub(super) fn failed(&self, error: &anyhow::Error) -> anyhow::Result<()> {
        let _it_goes_on = self.voice.fail(error);
        if self.voice.is_json() {
            let detail = format!("{error:#}");
            return self.voice.item(&json!({ "event": "failed", "detail": detail }));
        }
        let meanwhile =
            if self.has_deployed() { "the last good version goes on answering; " } else { "" };
        self.stamped(format_args!("{meanwhile}waiting for a change"))
    }

    pub(super) fn end(&self) -> anyhow::Result<()> {
        if self.voice.is_json() {
            return self.voice.item(&json!({ "event": "end" }));
        }
        self.voice.line("\nended")
    }

    fn stamped(&self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        self.voice.line(format_args!("{} {text}", clock::time_of_day()))
    }

    /// One command to try per function that has a route.
    fn commands(&self, deployed: &Deployed, project: &Path, host: &Host) -> Vec<String> {
        let functions = deployed.functions.iter().filter(|function| !function.routes.is_empty());
        let commands = functions.map(|function| {
            let spec = self.functions.iter().find(|spec| spec.name == function.name);
            let example = spec.and_then(|spec| spec.examples.first());
            if function.public || function.files.is_some() {
                curl(&self.gateway, function, example)
            } else {
                invoke(function, example, &self.named_home(project, host))
            }
        });
        commands.collect()
    }

    /// The home as a command takes it that is typed where this one was.
    fn named_home(&self, project: &Path, host: &Host) -> String {
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        let inside = here.is_ok_and(|here| here == project);
        if host.is_own() && inside { HOME.to_owned() } else { self.home.clone() }
    }

    /// Shows the log lines of the watched functions from now on, as they come. The thread ends
    /// with the node's stream, or with the process.
    pub(super) fn follow(&self, client: &Client) -> anyhow::Result<()> {
        let filter = LogFilter::default();
        let from = client.logs(&filter, 1)?.next;
        let lines = client.follow(&filter, from)?;
        let (voice, names) = (self.voice, Arc::clone(&self.names));
        thread::Builder::new().name("logs".to_owned()).spawn(move || {
            // A stream that breaks ends with its node; there is no more to say than its silence.
            for line in lines.map_while(Result::ok) {
                let ours = names.lock().unwrap_or_else(PoisonError::into_inner);
                let shown = ours.contains(&line.function);
                drop(ours);
                if shown && print(&voice, &line).is_err_and(|error| error.is::<Closed>()) {
                    return;
                }
            }
        })?;
        Ok(())
    }
}

fn print(voice: &Voice, line: &Log) -> anyhow::Result<()> {
    if voice.is_json() {
        return voice.item(&json!({ "event": "log", "line": line }));
    }
    let tone = match line.level.as_str() {
        "error" => Some(Tone::Bad),
        "platform" => Some(Tone::Warn),
        _ => None,
    };
    let name = format!("{} |", line.function);
    let name = tone.map_or_else(|| name.clone(), |tone| voice.paint(tone, &name));
    voice.line(format_args!("{name} {}{}", safe(&line.text), if line.cut { " […]" } else { "" }))
}

fn curl(gateway: &str, function: &Function, example: Option<&Example>) -> String {
    let route = function.routes.first();
    let Some(example) = example else {
        return format!(
            "curl {}",
            quoted(&route.map(|r| example_url(gateway, r)).unwrap_or_default())
        );
    };
    let mut command = "curl".to_owned();
    let mut add = |option: &str, value: &str| {
        command.push_str(&format!(" {option} {}", quoted(value)));
    };
    if let Some(method) = &example.request.method {
        add("-X", method);
    }
    for (name, value) in &example.request.headers {
        add("-H", &format!("{name}: {value}"));
    }
    if let Some(body) = &example.request.body {
        add("--data-raw", body);
    }
    if let Some(json) = &example.request.json {
        add("-H", "content-type: application/json");
        add("--data-raw", &json.to_string());
    }
    format!("{command} {}", quoted(&format!("{gateway}{}", example.request.path)))
}

fn invoke(function: &Function, example: Option<&Example>, home: &str) -> String {
    let path = example.map(|example| example.request.path.clone());
    let path = path.or_else(|| function.routes.first().map(|route| example_url("", route)));
    format!(
        "{} --home {} invoke {} --path {}",
        quoted(&program()),
        quoted(home),
        function.name,
        quoted(&path.unwrap_or_else(|| "/".to_owned()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_try_are_the_examples() {
        let function: Function = serde_json::from_value(json!({
            "name": "a", "application": "a", "revision": 1,
            "digest": format!("sha256:{}", "0".repeat(64)),
            "artifact": format!("sha256:{}", "0".repeat(64)), "strict": false,
            "routes": ["GET /a/{name}"], "public": true,
        }))
        .expect("a function");
        let example = |text: &str| serde_json::from_str::<Example>(text).expect(text);
        let given = |text: &str| curl("http://h:1", &function, Some(&example(text)));
        assert_eq!(curl("http://h:1", &function, None), "curl http://h:1/a/NAME");
        assert_eq!(given(r#"{"name":"x","request":{"path":"/a/b"}}"#), "curl http://h:1/a/b");
        assert_eq!(
            given(
                r#"{"name":"x","request":{"path":"/a?b=1","body":"it's","headers":{"x-a":"1"}}}"#
            ),
            r"curl -H 'x-a: 1' --data-raw 'it'\''s' 'http://h:1/a?b=1'"
        );
        let invoke = invoke(&function, None, ".casemate");
        assert!(invoke.ends_with("--home .casemate invoke a --path /a/NAME"), "{invoke}");
    }
}
