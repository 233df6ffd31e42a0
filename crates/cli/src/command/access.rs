//! `casemate grant`, `revoke` and `grants`: who may do what.

use crate::context::Context;
use crate::voice::Table;
use clap::Args;
use model::{Action, Code, Grant, Problem};

/// A grant's three parts, as people write them.
#[derive(Debug, Args)]
struct Parts {
    /// Who: `public`, `token:NAME`, `jwt:ISSUER`, `jwt:ISSUER/SUBJECT`, `mtls:NAME`, `mtls:*` or
    /// `function:NAME`
    #[arg(value_name = "WHO")]
    who: String,
    /// What may be done: `invoke`, `invoke-async`, `http`, `keyvalue`, `blob`, `secret`,
    /// `secret-reveal`, `data-reveal`, `publish` or `tcp`
    #[arg(value_name = "ACTION")]
    action: String,
    /// To what: a function, for `http` a method and a URL such as 'GET https://host/path*', for
    /// `tcp` a host and a port, for `data-reveal` 'CLASS for URL as PURPOSE'
    #[arg(value_name = "WHAT")]
    what: String,
}

impl Parts {
    fn grant(&self) -> Result<Grant, Problem> {
        Grant::parse(&self.who, &self.action, &self.what)
            .map_err(|error| Problem::new(Code::BadGrant).detail(error))
    }
}

const GRANT_EXAMPLES: &str = "\
Examples:
  casemate grant public invoke hello
  casemate grant token:ci invoke hello
  casemate grant token:ci invoke-async hello
  casemate grant jwt:shop invoke orders
  casemate grant jwt:shop/alice invoke orders
  casemate grant mtls:spiffe://example.org/ns/shop invoke orders
  casemate grant function:orders http 'POST https://api.example.com/v1/*'
  casemate grant function:orders tcp db.internal:5432
  casemate grant function:shop data-reveal 'pan for https://psp.example/v1 as payment'";

/// Allow somebody to do something
///
/// Nothing is allowed that was not granted. A grant is written into the ledger and holds from the
/// next request on.
#[derive(Debug, Args)]
#[command(after_help = GRANT_EXAMPLES)]
pub(crate) struct GrantArgs {
    #[command(flatten)]
    parts: Parts,
}

impl GrantArgs {
    /// Writes the grant.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let grant = self.parts.grant()?;
        let written = context.client()?.grant(&grant)?;
        if context.voice.is_json() {
            return context.voice.document(&written);
        }
        let shown = grant.to_string();
        let shown = crate::voice::safe(&shown);
        context.voice.line(format_args!("granted {shown} (ledger entry {})", written.leaf))
    }
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  casemate revoke public invoke hello
  casemate revoke function:orders http 'POST https://api.example.com/v1/*'

The three parts are written as `casemate grants` lists them.";

/// Take a grant back
///
/// Holds from the next request on. The grant and its end both stay in the ledger.
#[derive(Debug, Args)]
#[command(after_help = REVOKE_EXAMPLES)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    parts: Parts,
}

impl RevokeArgs {
    /// Takes the grant back.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let grant = self.parts.grant()?;
        let written = context.client()?.revoke(&grant)?;
        if context.voice.is_json() {
            return context.voice.document(&written);
        }
        let shown = grant.to_string();
        let shown = crate::voice::safe(&shown);
        context.voice.line(format_args!("revoked {shown} (ledger entry {})", written.leaf))
    }
}

const GRANTS_EXAMPLES: &str = "\
Examples:
  casemate grants
  casemate grants --format json";

/// List who may do what
#[derive(Debug, Args)]
#[command(after_help = GRANTS_EXAMPLES)]
pub(crate) struct Grants {}

impl Grants {
    /// Lists the grants.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let page = context.client()?.grants()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note(format_args!(
                "no grants in {}: nobody but the operator may call anything",
                context.scope()
            ));
            voice.hint("casemate grant token:NAME invoke FUNCTION");
            return Ok(());
        }
        let mut table = Table::new(["WHO", "ACTION", "WHAT"]);
        for Grant { who, action } in page.items {
            let word = action.word().to_owned();
            let what = match action {
                Action::Invoke { function } | Action::InvokeAsync { function } => {
                    function.to_string()
                }
                Action::Http { target }
                | Action::KeyValue { target }
                | Action::Blob { target }
                | Action::DataReveal { target }
                | Action::Secret { target } => target,
                Action::Publish { application } => application.to_string(),
                Action::Reveal { target } => target.to_string(),
                Action::Tcp { target } => target.to_string(),
            };
            table.row([who.to_string(), word, what]);
        }
        table.print(voice)
    }
}
