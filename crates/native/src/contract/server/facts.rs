//! What is known of a function before it is called, in the words of its platform.

use super::row::Row;
use model::manifest::NativeSpec;
use ports::executor::Unit;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// The same for every function.
    Fixed(&'static str),
    /// The port of the server.
    Port,
    /// Where it listens: `0.0.0.0:PORT`.
    Endpoint,
    /// Where the code lies.
    Root,
    /// The function's name.
    Function,
    /// The tenant's name.
    Tenant,
    /// The revision's number.
    Revision,
    /// The function's name with the revision's number, as Knative names revisions.
    RevisionName,
    /// Which of the function's processes it is.
    Instance,
    /// What is called, as the manifest says it.
    Handler,
    /// Of `FILE:FUNCTION` or `FUNCTION` the function.
    Target,
    /// Of `FILE:FUNCTION` the file.
    Source,
    /// Of `MODULE.FUNCTION` the module.
    Module,
    /// Of `MODULE.FUNCTION` the function.
    Method,
    /// How the Functions Framework is called.
    Signature,
    /// What interprets it.
    Runtime,
    /// Memory, in bytes.
    Memory,
    /// Memory, in MiB.
    MemoryMib,
    /// Longest time of an invocation, in seconds, rounded up.
    TimeoutSeconds,
    /// The same as Go writes durations.
    Timeout,
}

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) port: u16,
    pub(super) function: String,
    /// What Azure calls the function: its handler, or its name.
    pub(super) called: String,
    root: &'static str,
    tenant: String,
    revision: u32,
    /// The same as OpenWhisk writes versions.
    version: String,
    instance: String,
    handler: Option<String>,
    signature: &'static str,
    runtime: Option<String>,
    memory_bytes: u64,
    wall_ms: u64,
}

impl Facts {
    pub(super) fn of(unit: &Unit, native: &NativeSpec, row: &Row, instance: &str) -> Self {
        let function = unit.function.name.to_string();
        let server = native.server.as_ref();
        let signature = server.and_then(|server| server.signature).unwrap_or_default();
        Self {
            port: native.port.unwrap_or(row.port),
            called: native.handler.clone().unwrap_or_else(|| function.clone()),
            function,
            root: row.root,
            tenant: unit.function.scope.tenant.to_string(),
            revision: unit.revision,
            version: format!("0.0.{}", unit.revision),
            instance: instance.to_owned(),
            handler: native.handler.clone(),
            signature: signature.word(),
            runtime: native.interpreter.clone(),
            memory_bytes: unit.limits.memory_bytes,
            wall_ms: unit.limits.wall_ms,
        }
    }

    /// What OpenWhisk says of an activation.
    pub(super) fn whisk<'a>(&'a self, id: &'a str, deadline_ms: i64) -> render::whisk::Said<'a> {
        let (namespace, action) = (self.tenant.as_str(), self.function.as_str());
        render::whisk::Said { namespace, action, version: &self.version, id, deadline_ms }
    }

    /// All of a row's environment. What nothing is known of is left out.
    pub(super) fn environment(&self, row: &Row) -> Vec<(String, String)> {
        let known = |(name, fact): &(&str, Fact)| Some(((*name).to_owned(), self.say(*fact)?));
        row.environment.iter().filter_map(known).collect()
    }

    /// A fact as text, if it is known.
    pub(super) fn say(&self, fact: Fact) -> Option<String> {
        let seconds = self.wall_ms.div_ceil(1000);
        let handler = || self.handler.as_deref();
        let named = || handler().map(|handler| handler.rsplit_once('.').unwrap_or(("", handler)));
        Some(match fact {
            Fact::Fixed(text) => text.to_owned(),
            Fact::Port => self.port.to_string(),
            Fact::Endpoint => format!("0.0.0.0:{}", self.port),
            Fact::Root => self.root.to_owned(),
            Fact::Function => self.function.clone(),
            Fact::Tenant => self.tenant.clone(),
            Fact::Revision => self.revision.to_string(),
            Fact::RevisionName => format!("{}-{:05}", self.function, self.revision),
            Fact::Instance => self.instance.clone(),
            Fact::Handler => handler()?.to_owned(),
            Fact::Target => handler()?.rsplit_once(':').map_or(handler()?, |(_, name)| name).into(),
            Fact::Source => handler()?.rsplit_once(':')?.0.to_owned(),
            Fact::Module => named()?.0.to_owned(),
            Fact::Method => named()?.1.to_owned(),
            Fact::Signature => self.signature.to_owned(),
            Fact::Runtime => self.runtime.clone()?,
            Fact::Memory => self.memory_bytes.to_string(),
            Fact::MemoryMib => (self.memory_bytes >> 20).to_string(),
            Fact::TimeoutSeconds => seconds.to_string(),
            Fact::Timeout => format!("{seconds}s"),
        })
    }
}
