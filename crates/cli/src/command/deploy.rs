//! `casemate deploy`: a component or an application becomes what answers.

use crate::client::Client;
use crate::context::Context;
use crate::manifest::{self, Bare, Component, Directory, Plan, Target, Wanted};
use crate::voice::{Failure, Progress, Table, Voice};
use anyhow::Context as _;
use clap::Args;
use model::api::{DeployRequest, Deployed, Function};
use model::bundle::{self, BUNDLE_BYTES_MAX, HEAD_BYTES};
use model::manifest::{Auth, Wasi, Way};
use model::route::{Route, example_url};
use model::{ApplicationName, FunctionName, Grant};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  casemate deploy                            the casemate.toml of this directory
  casemate deploy shop/                      the one of another directory
  casemate deploy hello.wasm                 one component: route /hello/{*rest}, token required
  casemate deploy hello.wasm --route 'GET /hi/{name}' --public --grant
  casemate deploy hello.wasm --allow https://api.example.com --keyvalue carts --grant
  casemate deploy spin.toml                  an application of Spin's; see docs/guides/spin.md
  casemate deploy --grant                    write the grants that the manifest asks for, too

Without --grant a manifest's requests (public routes, outgoing HTTP) stay requests; the command
lists them with the `casemate grant` command for each.";

/// How many digests a node is asked about at a time.
const ASKED_AT_A_TIME: usize = 10_000;

/// Deploy an application or a single component
///
/// Uploads the components that the node does not hold yet, then makes the manifest the active
/// deployment of its application: all of its functions, or, on any error, none. Deployments are
/// numbered and kept, so that `casemate rollback` can go back to one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Deploy {
    /// A directory with a casemate.toml or a spin.toml, a manifest, or a component
    #[arg(value_name = "DIR | casemate.toml | FILE.wasm", default_value = ".")]
    path: PathBuf,
    /// The function's name [default: the file's name]
    #[arg(long, value_name = "NAME", help_heading = "Options of a single component")]
    name: Option<FunctionName>,
    /// A route that it answers; may be given more than once [default: * /NAME/{*rest}]
    #[arg(long, value_name = "ROUTE", help_heading = "Options of a single component")]
    route: Vec<Route>,
    /// Ask that everybody may call it
    #[arg(long, help_heading = "Options of a single component")]
    public: bool,
    /// The version of WASI that it is built for: 0.2, or 0.3 where the node allows it
    #[arg(long, value_name = "VERSION", value_parser = wasi, default_value = "0.2")]
    #[arg(help_heading = "Options of a single component", hide_default_value = true)]
    wasi: Wasi,
    /// Ask for outgoing requests: a URL, or `METHOD URL`; may be given more than once
    #[arg(long, value_name = "URL", help_heading = "Options of a single component")]
    allow: Vec<Target>,
    /// Ask for a key-value store: NAME, or NAME=read; may be given more than once
    #[arg(long, value_name = "NAME", help_heading = "Options of a single component")]
    keyvalue: Vec<Wanted>,
    /// Write the grants that the manifest, or these options, ask for
    #[arg(long)]
    grant: bool,
    #[command(flatten)]
    variables: Variables,
}

/// Values of a Spin application's variables.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Variables {
    /// The value of a variable of a spin.toml; may be given more than once
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) variables: Vec<(String, String)>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn wasi(text: &str) -> Result<Wasi, String> {
    match text {
        "0.2" => Ok(Wasi::V02),
        "0.3" => Ok(Wasi::V03),
        _ => Err("there are 0.2 and 0.3".to_owned()),
    }
}

/// What a deployment did, for programs.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    deployed: &'a Deployed,
    /// Whether every function is what it was before.
    unchanged: bool,
    /// The public listener.
    gateway: &'a str,
}

impl Deploy {
    /// Deploys, and says what answers where.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let Variables { variables } = self.variables;
        let bare = Bare {
            name: self.name,
            routes: self.route,
            public: self.public,
            wasi: self.wasi,
            allow: self.allow,
            keyvalue: self.keyvalue,
            variables,
        };
        let plan = manifest::read(&self.path, &bare)?;
        let client = context.client()?;
        let before = functions_of(&client, &plan.manifest.application)?;
        // Asked before, so that nothing can fail once it is deployed.
        let gateway = client.node()?.gateway;
        let left_out: usize = plan.directories.iter().map(|directory| directory.left_out).sum();
        let ignored: usize = plan.directories.iter().map(|directory| directory.ignored).sum();
        let deployed = deploy(&client, plan, self.grant, voice)?;
        let unchanged = is_same(&before, &deployed.functions);
        if voice.is_json() {
            return voice.document(&Report { deployed: &deployed, unchanged, gateway: &gateway });
        }
        say_deployed(voice, &deployed, unchanged)?;
        if left_out > 0 {
            voice.note(format_args!(
                "{left_out} names that begin with a dot were left out; `dotfiles = true` takes them"
            ));
        }
        if ignored > 0 {
            voice.note(format_args!(
                "{ignored} names that no package needs were left out, such as .git, .env and exports; a zip is taken whole"
            ));
        }
        print_functions(voice, &deployed, &gateway)?;
        print_grants(voice, &deployed)
    }
}

/// Uploads what is missing and deploys. Also what the demo does.
pub(crate) fn deploy(
    client: &Client,
    plan: Plan,
    grant: bool,
    voice: &Voice,
) -> anyhow::Result<Deployed> {
    let progress = voice.progress("looking what the node holds");
    let count = plan.components.len();
    for (index, component) in plan.components.iter().enumerate() {
        if !client.has_artifact(&component.digest)? {
            upload(client, component, &progress, &format!("{} of {count}", index + 1))?;
        }
    }
    for directory in &plan.directories {
        send(client, directory, &progress)?;
    }
    progress.doing(format!("compiling and deploying {}", plan.manifest.application));
    Ok(client.deploy(&DeployRequest { manifest: plan.manifest, grant })?)
}

fn upload(
    client: &Client,
    component: &Component,
    progress: &Progress,
    which: &str,
) -> anyhow::Result<()> {
    let content = component.open().context("cannot read the component again")?;
    let mut counted = Counted { content, sent: 0, total: component.bytes, progress, which };
    Ok(client.put_artifact(&component.digest, component.bytes, &mut counted)?)
}

/// Sends those pieces of files that the node does not hold, and the list of the files.
fn send(client: &Client, directory: &Directory, progress: &Progress) -> anyhow::Result<()> {
    let mut missing = BTreeSet::new();
    let all: BTreeSet<_> = directory.files.iter().flat_map(|file| &file.chunks).copied().collect();
    let all: Vec<_> = all.into_iter().collect();
    for some in all.chunks(ASKED_AT_A_TIME) {
        missing.extend(client.missing_artifacts(some)?);
    }
    let total = missing.len();
    let mut bundle = Vec::new();
    for file in &directory.files {
        if !file.chunks.iter().any(|chunk| missing.contains(chunk)) {
            continue;
        }
        file.each(|digest, bytes| {
            if !missing.remove(digest) {
                return Ok(());
            }
            if bundle.len() + HEAD_BYTES + bytes.len() > BUNDLE_BYTES_MAX {
                client.put_bundle(&std::mem::take(&mut bundle))?;
                let left = missing.len();
                progress.doing(format!("uploading files, {} of {total} pieces", total - left));
            }
            bundle::add(&mut bundle, digest, bytes);
            Ok(())
        })?;
    }
    if !bundle.is_empty() {
        client.put_bundle(&bundle)?;
    }
    if !client.has_artifact(&directory.list.digest)? {
        upload(client, &directory.list, progress, "list of files")?;
    }
    Ok(())
}

/// Shows how much of a component has been sent.
struct Counted<'a> {
    content: Box<dyn Read>,
    sent: u64,
    total: u64,
    progress: &'a Progress,
    which: &'a str,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.sent += count as u64;
        let percent = (self.sent * 100).checked_div(self.total).unwrap_or(100);
        self.progress.doing(format!("uploading component {}, {percent} %", self.which));
        Ok(count)
    }
}

/// The functions of an application that are deployed now.
pub(crate) fn functions_of(
    client: &Client,
    application: &ApplicationName,
) -> Result<Vec<Function>, Failure> {
    let mut functions = client.functions()?.items;
    functions.retain(|function| function.application == *application);
    Ok(functions)
}

/// Whether two deployments are made of the same revisions.
pub(crate) fn is_same(before: &[Function], after: &[Function]) -> bool {
    let revisions = |functions: &[Function]| {
        let mut all: Vec<_> =
            functions.iter().map(|f| (f.name.clone(), f.revision, f.digest)).collect();
        all.sort();
        all
    };
    !before.is_empty() && revisions(before) == revisions(after)
}

fn say_deployed(voice: &Voice, deployed: &Deployed, unchanged: bool) -> anyhow::Result<()> {
    let Deployed { application, deployment, .. } = deployed;
    if unchanged {
        voice.line(format_args!(
            "{application} is unchanged (deployment {deployment}): every function is what it was"
        ))
    } else {
        voice.line(format_args!("deployed {application} (deployment {deployment})"))
    }
}

/// Functions with their revisions, routes and a URL to try.
pub(crate) fn print_functions(
    voice: &Voice,
    deployed: &Deployed,
    gateway: &str,
) -> anyhow::Result<()> {
    voice.line("")?;
    let mut table = Table::new(["FUNCTION", "REVISION", "DIGEST", "ROUTE", "CALLERS", "URL"]);
    for function in &deployed.functions {
        let mut cells =
            [function.name.to_string(), function.revision.to_string(), function.digest.short()];
        if function.routes.is_empty() {
            let [name, revision, digest] = cells.clone();
            table.row([name, revision, digest, "none".into(), "operator".into(), "-".into()]);
        }
        for (at, route) in function.routes.iter().enumerate() {
            let callers = callers(function, function.auth.get(at));
            let [name, revision, digest] = std::mem::take(&mut cells);
            let url = example_url(gateway, route);
            table.row([name, revision, digest, route.to_string(), callers, url]);
        }
    }
    table.print(voice)
}

/// Who may call a route, if it is granted: everybody, or those who say who they are in one of its
/// ways. A node that does not say has routes for tokens only.
fn callers(function: &Function, auth: Option<&Auth>) -> String {
    let one_says_public = function.auth.iter().any(Auth::is_public);
    let open = auth.is_none_or(|auth| match auth {
        Auth::Token => !one_says_public,
        auth => auth.is_public(),
    });
    if function.public && open {
        return "everybody".to_owned();
    }
    let ways = auth.map_or(&[][..], Auth::ways).iter();
    let ways: Vec<String> =
        ways.filter(|way| **way != Way::Public).map(ToString::to_string).collect();
    if ways.is_empty() { "token".to_owned() } else { ways.join(", ") }
}

fn print_grants(voice: &Voice, deployed: &Deployed) -> anyhow::Result<()> {
    let list = |heading: &str, grants: &[Grant], command: &str| -> anyhow::Result<()> {
        if grants.is_empty() {
            return Ok(());
        }
        voice.line(format_args!("\n{heading}"))?;
        grants
            .iter()
            .try_for_each(|grant| voice.line(format_args!("  casemate {command} {}", shell(grant))))
    };
    list("granted with it; to take back:", &deployed.granted, "revoke")?;
    list("asked for and not granted; to grant:", &deployed.wanted, "grant")
}

/// A grant as a shell takes it: targets are quoted so that nothing in them is expanded.
pub(crate) fn shell(grant: &Grant) -> String {
    match &grant.action {
        action @ (model::Action::Http { target }
        | model::Action::KeyValue { target }
        | model::Action::Blob { target }
        | model::Action::DataReveal { target }
        | model::Action::Secret { target }) => {
            let target = target.replace('\'', r"'\''");
            let line = format!("{} {} '{target}'", grant.who, action.word());
            crate::voice::safe(&line).into_owned()
        }
        model::Action::Invoke { .. }
        | model::Action::InvokeAsync { .. }
        | model::Action::Publish { .. }
        | model::Action::Tcp { .. }
        | model::Action::Reveal { .. } => grant.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_target_reaches_the_shell() {
        let grant = Grant::parse("function:a", "http", "GET https://x/'$(id)'*").expect("a grant");
        assert_eq!(shell(&grant), r"function:a http 'GET https://x/'\''$(id)'\''*'");
    }
}
