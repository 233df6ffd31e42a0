//! `casemate budget`: caps, what is used of them, lifting them, and proposals.

mod propose;

use crate::command::records::{size, time};
use crate::context::Context;
use crate::voice::{Table, safe};
use clap::{Args, Subcommand, ValueEnum};
use model::api::{CapState, LiftRequest};
use model::cap::{CapMode, MemoryTime, Meter, Whose};

const EXAMPLES: &str = "\
Examples:
  casemate budget
  casemate budget lift function orders
  casemate budget propose --function orders --since 7d";

/// Show caps and what is used of them, lift them for today, or have them proposed
///
/// Without a subcommand: every cap on functions, callers, applications and the tenant, those that
/// are used most first. Caps are set by `[[function.cap]]` in a manifest and by `[[cap]]` in the
/// node's configuration; both hold.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Budget {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lift(Lift),
    Propose(propose::Propose),
}

impl Budget {
    /// Runs the subcommand, or shows the caps.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            None => show(context),
            Some(Command::Lift(lift)) => lift.run(context),
            Some(Command::Propose(propose)) => propose.run(context),
        }
    }
}

fn show(context: &Context) -> anyhow::Result<()> {
    let voice = &context.voice;
    let caps = context.client()?.caps()?;
    if voice.is_json() {
        return voice.document(&caps);
    }
    if caps.items.is_empty() {
        voice.note(format_args!("nothing in {} has a cap", context.scope()));
        voice.hint("casemate budget propose");
        return Ok(());
    }
    let headings =
        ["OF", "NAME", "PER", "CAP", "USED", "STATE", "REFUSED TODAY", "SET BY", "UNTIL"];
    let mut table = Table::new(headings);
    for cap in &caps.items {
        table.row([
            cap.of.to_string(),
            name(cap),
            cap.per.to_string(),
            amount(cap.meter, cap.most),
            amount(cap.meter, cap.used),
            state(cap).to_owned(),
            refused(cap),
            cap.by.clone(),
            cap.until_us.to_string(),
        ]);
    }
    table.print(voice)
}

fn name(cap: &CapState) -> String {
    match (cap.of, &cap.caller) {
        (Whose::Caller, Some(caller)) => format!("{caller} of {}", cap.name),
        (Whose::Caller, None) => format!("(not seen since the start) of {}", cap.name),
        _ => cap.name.clone(),
    }
}

fn state(cap: &CapState) -> &'static str {
    match (cap.mode, cap.used >= cap.most) {
        _ if cap.lifted => "lifted",
        (CapMode::Enforce, true) => "refuses",
        (CapMode::Observe, true) => "would refuse",
        (CapMode::Enforce, false) => "ok",
        (CapMode::Observe, false) => "observes",
    }
}

fn refused(cap: &CapState) -> String {
    match cap.mode {
        CapMode::Enforce => cap.refused.to_string(),
        CapMode::Observe => format!("({})", cap.observed),
    }
}

/// An amount with its unit.
fn amount(meter: Meter, amount: u64) -> String {
    match meter {
        Meter::Invocations => format!("{amount} calls"),
        Meter::Cpu => format!("{} CPU", time(amount)),
        Meter::MemoryTime => MemoryTime { mib_s: amount / (1024 * 1000) }.to_string(),
        Meter::HostCalls => format!("{amount} asks"),
        Meter::Egress => format!("{} sent", size(amount)),
        Meter::Units => format!("{} units", amount / 1000),
    }
}

const LIFT_EXAMPLES: &str = "\
Examples:
  casemate budget lift function orders
  casemate budget lift caller orders         of each caller of `orders`
  casemate budget lift tenant default";

/// Whose caps.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    Function,
    Caller,
    Application,
    Tenant,
}

/// Lift caps per day until the day of UTC ends
///
/// Rates per second and minute hold on. The lifting is written into the ledger.
#[derive(Debug, Args)]
#[command(after_help = LIFT_EXAMPLES)]
struct Lift {
    /// Whose caps
    #[arg(value_name = "WHOSE")]
    of: Of,
    /// The function (for `caller`: whose callers), the application or the tenant
    #[arg(value_name = "NAME")]
    name: String,
}

impl Lift {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let of = match self.of {
            Of::Function => Whose::Function,
            Of::Caller => Whose::Caller,
            Of::Application => Whose::Application,
            Of::Tenant => Whose::Tenant,
        };
        let lifted = context.client()?.lift(&LiftRequest { of, name: self.name.clone() })?;
        if context.voice.is_json() {
            return context.voice.document(&lifted);
        }
        let (name, until, leaf) = (safe(&self.name), lifted.until_us, lifted.leaf);
        let line =
            format!("lifted the caps per day of {of} {name} until {until} (ledger entry {leaf})");
        context.voice.line(line)
    }
}
