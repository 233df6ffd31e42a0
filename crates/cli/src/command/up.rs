//! `casemate up`: runs a node.

use crate::args::Global;
use crate::context::Context;
use crate::local::{self, End, Options, Ready, Settings};
use crate::voice::{Table, Voice, safe};
use crate::{demo, voice};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate up                              in the usual data directory
  casemate up --demo                       with example functions and commands to try
  casemate up --home ./data --listen 0.0.0.0:8080
  casemate up --print-config               what would be used, and why

When the node is ready, one line on standard output says so; logs go to standard error.
Ctrl-C and SIGTERM let it finish what it accepted; a second one stops it at once.

Exit codes: 0 if it was told to stop and finished, or if the time for that (`drain`) was over; 130 or
143 if a second Ctrl-C or SIGTERM stopped it at once; 1 or 78 if it could not start.";

/// Run a node
///
/// Makes the home on the first start: a database, a root key and the operator's token, readable
/// by you alone. The public listener takes requests for functions; the admin listener takes the
/// other commands and stays on this machine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Up {
    /// The public listener [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The admin listener, on this machine only [default: 127.0.0.1:8089]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// The listener for boto3 and other clients of AWS Lambda, on this machine only, or `off`
    /// [default: 127.0.0.1:8090, if it is free]
    #[arg(long, value_name = "ADDRESS")]
    api: Option<String>,
    /// A configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep the root key in this file instead of in the home
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
    /// The passphrase that the root key is sealed with, in a file that only its owner can read
    #[arg(long, value_name = "FILE")]
    root_key_passphrase_file: Option<PathBuf>,
    /// The HTTPS listener, beside the plain one [default: 127.0.0.1:8443, if there is TLS]
    #[arg(long, value_name = "ADDRESS")]
    tls_listen: Option<String>,
    /// Serve HTTPS with a certificate made here for this machine, to try it
    #[arg(long)]
    tls_self_signed: bool,
    /// Grant whatever manifests ask for; loopback listeners only
    #[arg(long)]
    dev: bool,
    /// Run native functions without a limit on their memory, where nothing can set one
    #[arg(long)]
    danger_no_memory_limit: bool,
    /// Run native functions without Landlock, where the kernel has none
    #[arg(long)]
    danger_no_landlock: bool,
    /// Run native functions without a `/proc`, where none can be mounted
    #[arg(long)]
    danger_no_proc: bool,
    /// Deploy the examples, make a token that may only invoke them, and print commands to try
    #[arg(long)]
    demo: bool,
    /// Print every value of the configuration with its origin, and end
    #[arg(long)]
    print_config: bool,
}

impl Up {
    /// Runs the node until it is told to stop.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let (print_config, demo) = (self.print_config, self.demo);
        let settings = local::resolve(&self.options(context))?;
        if print_config {
            print_settings(&settings, &context.voice)?;
            return Ok(ExitCode::SUCCESS);
        }
        let announcer = Announcer { voice: context.voice, global: context.global.clone() };
        let end = local::up(settings, move |ready| announcer.announce(ready, demo))?;
        Ok(match end {
            End::Drained => ExitCode::SUCCESS,
            // As a shell says it of a process that a signal ended.
            End::Aborted(signal) => ExitCode::from(128 + signal),
        })
    }

    fn options(self, context: &Context) -> Options {
        Options {
            home: context.global.home.clone(),
            listen: self.listen,
            admin: self.admin,
            api: self.api,
            config: self.config,
            root_key_file: self.root_key_file,
            root_key_passphrase_file: self.root_key_passphrase_file,
            tls_listen: self.tls_listen,
            tls_self_signed: self.tls_self_signed,
            dev: self.dev,
            danger: local::Danger {
                no_memory_limit: self.danger_no_memory_limit,
                no_landlock: self.danger_no_landlock,
                no_proc: self.danger_no_proc,
            },
        }
    }
}

fn print_settings(settings: &Settings, voice: &Voice) -> anyhow::Result<()> {
    let rows = local::setting_rows(settings);
    if voice.is_json() {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "key": row.key, "value": row.value, "origin": row.origin }))
            .collect();
        return voice.document(&json!({ "items": rows }));
    }
    let mut table = Table::new(["KEY", "VALUE", "ORIGIN"]);
    for row in rows {
        table.row([row.key.to_string(), row.value.to_string(), row.origin.to_string()]);
    }
    table.print(voice)
}

/// Says that the node is ready, and shows the demo.
struct Announcer {
    voice: Voice,
    global: Global,
}

impl Announcer {
    fn announce(self, ready: &Ready, demo: bool) {
        if !demo {
            self.tell(self.ready_line(ready, None));
            return;
        }
        // The demo is a client of the node that waits for this function to return.
        let ready = ready.clone();
        let thread = std::thread::Builder::new().name("demo".to_owned());
        let voice = self.voice;
        if let Err(error) = thread.spawn(move || self.show(&ready)) {
            voice.warn(format_args!("the demo could not be started: {error}"));
        }
    }

    fn show(self, ready: &Ready) {
        // People see at once that the node is ready; programs get one object with everything.
        if !self.voice.is_json() {
            self.tell(self.ready_line(ready, None));
        }
        match demo::run(&self.global, ready) {
            Ok(shown) if self.voice.is_json() => self.tell(self.ready_line(ready, Some(&shown))),
            Ok(shown) => self.tell(shown.print(&self.voice)),
            Err(error) => {
                if self.voice.is_json() {
                    self.tell(self.ready_line(ready, None));
                }
                let _the_node_goes_on = self.voice.fail(&error);
            }
        }
    }

    fn ready_line(&self, ready: &Ready, demo: Option<&demo::Shown>) -> anyhow::Result<()> {
        let home = ready.home.display().to_string();
        if self.voice.is_json() {
            let mut object = json!({
                "ready": true, "gateway": ready.gateway, "admin": ready.admin, "home": home,
            });
            if let (Some(api), Some(members)) = (&ready.api, object.as_object_mut()) {
                members.insert("api".to_owned(), json!(api));
            }
            if let (Some(tls), Some(members)) = (&ready.tls, object.as_object_mut()) {
                members.insert("tls".to_owned(), json!(tls));
            }
            if let (Some(demo), Some(members)) = (demo, object.as_object_mut()) {
                members.insert("demo".to_owned(), serde_json::to_value(demo)?);
            }
            return self.voice.item(&object);
        }
        let (gateway, admin) = (&ready.gateway, &ready.admin);
        let home = safe(&home);
        let tls = ready.tls.as_ref().map(|tls| format!(" tls {tls}")).unwrap_or_default();
        let api = ready.api.as_ref().map(|api| format!(" api {api}")).unwrap_or_default();
        self.voice.line(format_args!(
            "casemate is ready: gateway {gateway}{tls} admin {admin}{api} home {home}"
        ))
    }

    /// Nobody reads the output any more: the node goes on serving.
    fn tell(&self, told: anyhow::Result<()>) {
        match told {
            Err(error) if !error.is::<voice::Closed>() => {
                self.voice.warn(safe(&format!("{error:#}")));
            }
            _ => {}
        }
    }
}
