//! `casemate token`: credentials for callers.

use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand};
use model::api::TokenRequest;
use model::unit::Duration;
use model::{FunctionName, TokenName};

const EXAMPLES: &str = "\
Examples:
  casemate token create ci --invoke hello
  casemate token create boto --aws --invoke hello
  casemate token list
  casemate token revoke ci";

/// Make, list and revoke API tokens
///
/// A token lets its holder invoke the functions that it was granted, through the public listener; one
/// that was made with --aws, through the listener that speaks as AWS Lambda does.
/// It cannot deploy, grant or read anything.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

impl Token {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Create(create) => create.run(context),
            Command::List(list) => list.run(context),
            Command::Revoke(revoke) => revoke.run(context),
        }
    }
}

const CREATE_EXAMPLES: &str = "\
Examples:
  casemate token create ci --invoke hello orders --expires 30d
  TOKEN=$(casemate token create ci --invoke hello)
  curl -H \"authorization: Bearer $TOKEN\" http://127.0.0.1:8080/hello/
  export $(casemate token create boto --aws --invoke hello)
  aws lambda invoke --endpoint-url http://127.0.0.1:8090 --function-name hello answer.json";

/// Make a token and print it, this once
///
/// Standard output holds the token and nothing else. Only a hash of it is kept, so it cannot be
/// shown again. With --aws it is a key to sign requests with, as AWS's tools have it: two lines that
/// a shell can export. The key is kept sealed, and cannot be shown again either.
#[derive(Debug, Args)]
#[command(after_help = CREATE_EXAMPLES)]
struct Create {
    /// What to call it
    #[arg(value_name = "NAME")]
    name: TokenName,
    /// Functions that it may invoke
    #[arg(long, value_name = "FUNCTION", num_args = 1..)]
    invoke: Vec<FunctionName>,
    /// How long it works, such as `30d` [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    expires: Option<Duration>,
    /// Make a key that boto3, the AWS CLI and other tools of AWS sign with
    #[arg(long)]
    aws: bool,
    /// Let its holder make, change and remove functions, and invoke those that it made
    #[arg(long, requires = "aws")]
    manage: bool,
}

impl Create {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let request = TokenRequest {
            name: self.name,
            invoke: self.invoke,
            expires_in: self.expires,
            aws: self.aws,
            manage: self.manage,
        };
        let created = context.client()?.create_token(&request)?;
        if voice.is_json() {
            return voice.document(&created);
        }
        let functions: Vec<&str> = request.invoke.iter().map(FunctionName::as_str).collect();
        let until = match created.expires {
            Some(time) => format!("until {time}"),
            None => "until it is revoked".to_owned(),
        };
        let may = match (functions.is_empty(), request.manage) {
            (true, true) => "manage functions".to_owned(),
            (true, false) => "do what is granted to it".to_owned(),
            (false, true) => format!("manage functions and invoke {}", functions.join(", ")),
            (false, false) => format!("invoke {}", functions.join(", ")),
        };
        voice.note(format_args!(
            "token `{}` may {may} {until}; it is shown this once:",
            created.name
        ));
        if let Some(token) = &created.token {
            voice.line(crate::voice::safe(token))?;
        }
        if let (Some(id), Some(secret)) = (&created.access_key_id, &created.secret_access_key) {
            voice.line(format_args!("AWS_ACCESS_KEY_ID={}", crate::voice::safe(id)))?;
            voice.line(format_args!("AWS_SECRET_ACCESS_KEY={}", crate::voice::safe(secret)))?;
        }
        Ok(())
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  casemate token list
  casemate token list --format json";

/// List tokens, without their secrets
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let page = context.client()?.tokens()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note(format_args!("no tokens in {}", context.scope()));
            voice.hint("casemate token create NAME --invoke FUNCTION");
            return Ok(());
        }
        let mut table = Table::new(["NAME", "ID", "CREATED", "EXPIRES", "MAY INVOKE"]);
        for token in page.items {
            let functions: Vec<String> = token.invoke.iter().map(ToString::to_string).collect();
            table.row([
                token.name.to_string(),
                token.access_key_id.unwrap_or(token.id.0),
                token.created.to_string(),
                token.expires.map_or_else(|| "never".to_owned(), |time| time.to_string()),
                if functions.is_empty() { "nothing".to_owned() } else { functions.join(", ") },
            ]);
        }
        table.print(voice)
    }
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  casemate token revoke ci";

/// End a token and the grants made to it
///
/// Holds from the next request on, and cannot be undone.
#[derive(Debug, Args)]
#[command(after_help = REVOKE_EXAMPLES)]
struct Revoke {
    /// The token
    #[arg(value_name = "NAME")]
    name: TokenName,
}

impl Revoke {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let written = context.client()?.revoke_token(&self.name)?;
        if context.voice.is_json() {
            return context.voice.document(&written);
        }
        context
            .voice
            .line(format_args!("revoked token {} (ledger entry {})", self.name, written.leaf))
    }
}
