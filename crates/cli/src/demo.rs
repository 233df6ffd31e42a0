//! `casemate up --demo`: the examples, a token that may only invoke them, and commands to try.
//!
//! Invariant: a client of the admin API like any other command. It grants nothing that a manifest
//! asks for, and running it again on the same home leaves one token, not two.

use crate::args::Global;
use crate::client::Client;
use crate::command::demo_deploy;
use crate::local::{self, Ready};
use crate::manifest::{self, Plan};
use crate::shell::{program, quoted};
use crate::voice::{Format, Voice, safe};
use model::api::{Deployed, Function, TokenCreated, TokenRequest};
use model::{Code, Problem, Scope, TokenName};
use serde::Serialize;

/// What the token is called.
const TOKEN: &str = "demo";
/// The examples' manifest.
const MANIFEST: &str = include_str!("../../../examples/casemate.toml");
/// The examples, built.
const FILES: &[(&str, &[u8])] = &[
    ("prebuilt/hello.wasm", include_bytes!("../../../examples/prebuilt/hello.wasm")),
    ("prebuilt/echo.wasm", include_bytes!("../../../examples/prebuilt/echo.wasm")),
    ("prebuilt/words.wasm", include_bytes!("../../../examples/prebuilt/words.wasm")),
    ("prebuilt/outbound.wasm", include_bytes!("../../../examples/prebuilt/outbound.wasm")),
    ("prebuilt/counter.wasm", include_bytes!("../../../examples/prebuilt/counter.wasm")),
];

/// What the demo made.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    application: String,
    functions: Vec<String>,
    /// The token; it may invoke the functions and nothing else.
    token: String,
    /// What to try, ready for a shell.
    commands: Vec<String>,
}

impl Shown {
    /// Prints the commands to try.
    pub(crate) fn print(&self, voice: &Voice) -> anyhow::Result<()> {
        let functions = self.functions.join(", ");
        voice.line(format_args!(
            "\ndeployed the examples: {functions}. Try in another terminal:\n"
        ))?;
        self.commands.iter().try_for_each(|command| voice.line(format_args!("  {}", safe(command))))
    }
}

/// Deploys the examples and makes the token.
///
/// # Errors
/// What the admin API refused.
pub(crate) fn run(global: &Global, ready: &Ready) -> anyhow::Result<Shown> {
    let target = local::locate(Some(&ready.home))?;
    let scope = Scope { tenant: global.tenant.clone(), environment: global.env.clone() };
    let client = Client::new(&ready.admin, target.token, scope)?;
    // The ready line is the output; nothing of the deployment is shown beside it.
    let deployed = demo_deploy(&client, plan()?, false, &Voice::new(Format::Text, true))?;
    let token = token(&client, &deployed)?;
    Ok(shown(global, ready, &deployed, token.token.as_deref().unwrap_or_default()))
}

fn plan() -> Result<Plan, Problem> {
    manifest::embedded("examples/casemate.toml", MANIFEST, FILES)
}

/// A new token; the one of an earlier run ends, since nobody can know it any more.
fn token(client: &Client, deployed: &Deployed) -> anyhow::Result<TokenCreated> {
    let name = TokenName::parse(TOKEN)?;
    let invoke = deployed.functions.iter().map(|function| function.name.clone()).collect();
    let request =
        TokenRequest { name: name.clone(), invoke, expires_in: None, aws: false, manage: false };
    match client.create_token(&request) {
        Err(failure) if failure.problem.code == Code::TokenTaken => {
            client.revoke_token(&name)?;
            Ok(client.create_token(&request)?)
        }
        created => Ok(created?),
    }
}

fn shown(global: &Global, ready: &Ready, deployed: &Deployed, token: &str) -> Shown {
    let home = match &global.home {
        Some(home) => format!(" --home {}", quoted(&home.display().to_string())),
        None => String::new(),
    };
    let casemate = format!("{}{home}", quoted(&program()));
    let has = |name: &str| deployed.functions.iter().any(|f| f.name.as_str() == name);
    let mut commands = Vec::new();
    let greets = deployed.functions.iter().find(|f| f.name.as_str() == "hello");
    if let Some(function) =
        greets.or_else(|| deployed.functions.iter().find(|f| !f.routes.is_empty()))
    {
        commands.push(curl(ready, function, token));
    }
    if has("words") {
        commands.push(format!("{casemate} invoke words --path /words --data 'to be or not to be'"));
    }
    if has("counter") {
        // The one that keeps state, once it is granted.
        commands.push(format!(
            "{casemate} grant function:counter keyvalue 'read-write default' && \
             {casemate} invoke counter -X POST --path /counter/visits"
        ));
    }
    // The one that asks for a way out shows what a denial looks like.
    let denied = if has("outbound") { "invoke outbound --path /outbound" } else { "functions" };
    commands.push(format!("{casemate} {denied} && {casemate} logs"));
    Shown {
        application: deployed.application.to_string(),
        functions: deployed.functions.iter().map(|f| f.name.to_string()).collect(),
        token: token.to_owned(),
        commands,
    }
}

fn curl(ready: &Ready, function: &Function, token: &str) -> String {
    let url = function.routes.last().map(|route| model::route::example_url(&ready.gateway, route));
    format!("curl -H 'authorization: Bearer {token}' '{}'", url.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_examples_are_complete() {
        let plan = plan().expect("the examples' manifest and every file that it names");
        assert_eq!(plan.manifest.application.as_str(), "examples");
        assert_eq!(plan.components.len(), FILES.len(), "no file is embedded for nothing");
        plan.manifest.check(&model::limit::Ceiling::DEFAULT).expect("deployable");
    }
}
