//! What a manifest says of a native function: which contract it speaks, and what runs it.

mod check;

use super::event_form::EventForm;
use super::image::ImageConfig;
use super::server::ServerSpec;
use super::worker::WorkerSpec;
use crate::Digest;
use crate::unit::{Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The contract between a function and the platform that it was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Contract {
    /// AWS Lambda: the function asks for its next invocation (Runtime API 2018-06-01).
    Lambda,
    /// AWS Lambda Web Functions: an HTTP server on the address that it is told.
    LambdaWeb,
    /// Any HTTP server on `PORT`.
    Http,
    /// Google Cloud Run.
    CloudRun,
    /// Google's Functions Framework.
    FunctionsFramework,
    /// Knative Serving.
    Knative,
    /// OpenFaaS, of-watchdog's HTTP mode.
    Openfaas,
    /// Alibaba Cloud Function Compute, custom runtime.
    Alibaba,
    /// Azure Functions, custom handler.
    Azure,
    /// Kubeless.
    Kubeless,
    /// Apache OpenWhisk: an HTTP server that is given its code (`/init`) and then called (`/run`).
    Openwhisk,
    /// Apache OpenWhisk's ActionLoop: lines of JSON on standard input, answers on descriptor 3.
    Actionloop,
    /// Fn Project: HTTP on a Unix socket (`http-stream`).
    Fn,
    /// IronFunctions' default: a process for each request, in its environment and on its streams.
    Ironfunctions,
    /// IronFunctions' `http`: one process, HTTP/1.1 on its standard streams.
    IronfunctionsHttp,
    /// OpenFaaS, classic watchdog: a process for each request.
    OpenfaasClassic,
    /// The Common Gateway Interface (RFC 3875), as WASI-CGI and web servers have it.
    Cgi,
    /// Cloudflare Workers, by their open runtime `workerd`.
    Workers,
}

impl Contract {
    /// As a manifest writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::LambdaWeb => "lambda-web",
            Self::Http => "http",
            Self::CloudRun => "cloud-run",
            Self::FunctionsFramework => "functions-framework",
            Self::Knative => "knative",
            Self::Openfaas => "openfaas",
            Self::Alibaba => "alibaba",
            Self::Azure => "azure",
            Self::Kubeless => "kubeless",
            Self::Openwhisk => "openwhisk",
            Self::Actionloop => "actionloop",
            Self::Fn => "fn",
            Self::Ironfunctions => "ironfunctions",
            Self::IronfunctionsHttp => "ironfunctions-http",
            Self::OpenfaasClassic => "openfaas-classic",
            Self::Cgi => "cgi",
            Self::Workers => "workers",
        }
    }

    /// Most bytes of all files of a package and its layers, unpacked. Lambda's is Lambda's own, so
    /// that what runs here runs there.
    #[must_use]
    pub const fn package_bytes_max(self) -> u64 {
        match self {
            Self::Lambda | Self::LambdaWeb => 262_144_000,
            _ => 1 << 30,
        }
    }

    /// Whether something is called within the program by its name.
    const fn has_handler(self) -> bool {
        matches!(
            self,
            Self::Lambda
                | Self::FunctionsFramework
                | Self::Kubeless
                | Self::Alibaba
                | Self::Azure
                | Self::Openwhisk
                | Self::Actionloop
                | Self::Openfaas
        )
    }

    /// Whether the function's server may listen where it likes.
    #[must_use]
    pub const fn has_port(self) -> bool {
        matches!(
            self,
            Self::Http
                | Self::CloudRun
                | Self::FunctionsFramework
                | Self::Knative
                | Self::Openfaas
                | Self::Alibaba
                | Self::Kubeless
        )
    }

    /// Whether every invocation has a process of its own, because its request is that process's
    /// environment and its streams.
    #[must_use]
    pub const fn is_a_process_each(self) -> bool {
        matches!(self, Self::Ironfunctions | Self::OpenfaasClassic | Self::Cgi)
    }

    /// Whether the process's standard output is its answers, and not its log.
    #[must_use]
    pub const fn answers_on_output(self) -> bool {
        self.is_a_process_each() || matches!(self, Self::IronfunctionsHttp)
    }

    /// Whether a process has one invocation at a time, whatever else is said.
    const fn is_one_at_a_time(self) -> bool {
        matches!(self, Self::Lambda | Self::Actionloop | Self::Fn) || self.answers_on_output()
    }
}

/// How a native function is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeSpec {
    /// The contract that it speaks.
    pub contract: Contract,
    /// What interprets it, as `casemate runtimes` lists it, such as `python3.11` or `node`. None if
    /// the package brings its own program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// What is called within it, in the contract's words, such as `app.handler`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// The shape in which requests over HTTP reach a function of AWS Lambda's contract.
    #[serde(default, skip_serializing_if = "EventForm::is_default")]
    pub event: EventForm,
    /// The program and its arguments, where interpreter and handler do not say it. The program is a
    /// path in the package, an absolute path, or the interpreter by its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Directories or zip files that are laid over each other at `/opt`, in this order; at most 10.
    /// Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// The digest of the list of files at `/opt`. `casemate deploy` fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers_digest: Option<Digest>,
    /// An OCI image that is the root of the function's jail: a directory or a tar file in OCI's image
    /// layout, or what `docker save` writes. Used by `casemate deploy` only, in the place of `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What the image's configuration says. `casemate deploy` fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_config: Option<ImageConfig>,
    /// The port that the function's server listens on, where the contract leaves it open: 1024 or
    /// above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What else is known of the function's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSpec>,
    /// Its modules and bindings, if it is a Worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Box<WorkerSpec>>,
    /// Invocations that one process has in hand at a time, at most 1000. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// Processes and threads at a time, at most 4096. Default 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Size of `/tmp`, which counts as memory too and is at most that. Default `64MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<Size>,
    /// Longest time to start, at most `10m`. Default `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// How long a process is kept that has nothing to do, at most `24h`. Default `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// Processes that are kept ready all the time, at most `concurrency`. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<u32>,
    /// Whether every invocation has a process of its own, which ends with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

impl NativeSpec {
    /// Whether an image is the root of the function's jail.
    #[must_use]
    pub const fn is_image(&self) -> bool {
        self.image.is_some() || self.image_config.is_some()
    }

    /// Most bytes of all files, unpacked: see [`Contract::package_bytes_max`]. An image has what a list
    /// may have.
    #[must_use]
    pub const fn bytes_max(&self) -> u64 {
        if self.is_image() {
            crate::listing::TOTAL_BYTES_MAX
        } else {
            self.contract.package_bytes_max()
        }
    }
}
