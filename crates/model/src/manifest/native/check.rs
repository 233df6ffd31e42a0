//! What a native function's manifest may say: what each contract needs, and how much of everything.

use super::{Contract, NativeSpec};
use crate::manifest::{FunctionSpec, Runtime, Wasi, worker};
use crate::unit::{Duration, Size};
use crate::{Code, Problem};

/// Most directories and zip files that are laid over each other at `/opt`.
const LAYERS_MAX: usize = 10;
/// Most words of `command`.
const WORDS_MAX: usize = 100;
/// Most bytes of `command`, and of a handler's name.
const WORDS_BYTES_MAX: usize = 8 << 10;
/// Most processes and threads.
const PROCESSES_MAX: u32 = 4096;
/// Most invocations that a process has in hand.
const PARALLEL_MAX: u32 = 1000;
/// Longest time to start.
const START_MAX: Duration = Duration::seconds(600);
/// Longest time that a process without work is kept.
const IDLE_MAX: Duration = Duration::seconds(24 * 3600);
/// Largest `/tmp`.
const SCRATCH_MAX: Size = Size::mib(10 * 1024);
/// Ports of the jail's own network that are the platform's.
const PLATFORM_PORTS: [u16; 2] = [9001, 3128];

/// The key below `function`, what is wrong with it, and what to do.
struct Wrong {
    code: Code,
    key: &'static str,
    why: String,
    hint: &'static str,
}

type Checked = Result<(), Wrong>;

fn wrong(key: &'static str, why: impl Into<String>, hint: &'static str) -> Checked {
    Err(Wrong { code: Code::ManifestValue, key, why: why.into(), hint })
}

impl FunctionSpec {
    /// Refuses what a native function cannot have, and what only one can.
    ///
    /// # Errors
    /// E0104, naming the function and the key.
    pub(in crate::manifest) fn check_native(&self) -> Result<(), Problem> {
        let checked = match (self.runtime, &self.native) {
            (Runtime::Wasm, None) => Ok(()),
            (Runtime::Wasm, Some(_)) => wrong(
                "native",
                "is for `runtime = \"native\"`, and this function is a component",
                "write `runtime = \"native\"` below `[[function]]`, or take `[function.native]` out",
            ),
            (Runtime::Native, None) => wrong(
                "runtime",
                "`native` needs a section `[function.native]`",
                "write `[function.native]` with a `contract`, such as `contract = \"lambda\"`",
            ),
            (Runtime::Native, Some(native)) => {
                self.check_absent().and_then(|()| native.check()).and_then(|()| self.beside(native))
            }
        };
        checked.map_err(|Wrong { code, key, why, hint }| {
            Problem::new(code)
                .detail(format!("function `{}`, `{key}`: {why}", self.name))
                .hint(hint)
                .below(format_args!("/{}", key.replace('.', "/")))
        })
    }

    /// What components have, and native functions have otherwise or not at all.
    fn check_absent(&self) -> Checked {
        if self.wasi != Wasi::default() {
            return wrong("wasi", "a native function is no component", "take `wasi` out");
        }
        if self.dialect.is_some() {
            return wrong("dialect", "a native function has a contract", "take `dialect` out");
        }
        if self.files.is_some() {
            return wrong(
                "files",
                "a native function has its files in its package",
                "put the files into the directory or the zip that `source` names, or into a layer",
            );
        }
        if !self.stores.is_empty() {
            return wrong(
                "stores",
                "a native function names its stores in full",
                "take `stores` out, and write the stores' own names in the code",
            );
        }
        let both = self.environment.iter().find(|(name, _)| self.config.get(name).is_some());
        match both {
            Some((name, _)) => wrong(
                "environment",
                format!("`{name}` is in `config`, too, and both are environment variables"),
                "say it once",
            ),
            None => Ok(()),
        }
    }

    /// What has to fit the function's own limits.
    fn beside(&self, native: &NativeSpec) -> Checked {
        if native.image.is_some() && self.source.is_some() {
            let hint = "take one of them out: the image has the function's files";
            return wrong("source", "`image` is said, too", hint);
        }
        self.check_worker(native)?;
        let limits = self.limits();
        if native.scratch.is_some_and(|scratch| scratch.bytes > limits.memory_bytes) {
            let memory = Size { bytes: limits.memory_bytes };
            return wrong(
                "native.scratch",
                format!("files below `/tmp` count as memory, and that is {memory}"),
                "raise `memory` by as much as `/tmp` is to hold, or lower `scratch`",
            );
        }
        if native.provisioned.is_some_and(|count| count > limits.concurrency) {
            return wrong(
                "native.provisioned",
                format!("at most {} run at a time", limits.concurrency),
                "raise `concurrency`, or lower `provisioned`",
            );
        }
        Ok(())
    }

    /// A Worker's bindings are all in one place, whatever they are.
    fn check_worker(&self, native: &NativeSpec) -> Checked {
        let Some(worker) = &native.worker else { return Ok(()) };
        let plain = |name: &str| {
            let mut said = self.environment.iter();
            let said = said.find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            said.or_else(|| self.config.get(name).map(String::as_str))
        };
        worker.check(plain).map_err(|wrong| {
            let worker::Wrong { code, key, why, hint } = *wrong;
            Wrong { code, key, why, hint }
        })?;
        match worker.bindings().find(|name| plain(name).is_some()) {
            Some(name) => wrong(
                "native.worker",
                format!("`{name}` is a variable's name, too"),
                "give each a name of its own",
            ),
            None => Ok(()),
        }
    }
}

impl NativeSpec {
    /// Whether a server in a jail may listen there.
    #[must_use]
    pub fn takes_port(port: u16) -> bool {
        port >= 1024 && !PLATFORM_PORTS.contains(&port)
    }

    fn check(&self) -> Checked {
        self.check_image()?;
        self.check_program()?;
        self.check_port()?;
        self.check_amounts()?;
        if self.layers.len() > LAYERS_MAX {
            let why = format!("has more than {LAYERS_MAX} entries");
            return wrong("native.layers", why, "lay some of them over each other before");
        }
        Ok(())
    }

    /// An image brings all that there is in its jail.
    fn check_image(&self) -> Checked {
        if let Some(config) = &self.image_config
            && let Err(why) = config.check()
        {
            return wrong("native.image_config", why, "deploy with `casemate deploy`");
        }
        if self.is_image() && self.interpreter.is_some() {
            let hint = "take `interpreter` out: the image's own program is started, or `command`";
            return wrong("native.interpreter", "an image brings its own", hint);
        }
        if self.is_image() && (!self.layers.is_empty() || self.layers_digest.is_some()) {
            let hint = "put what the layers hold into the image, below `/opt`";
            return wrong("native.layers", "nothing is laid over an image", hint);
        }
        Ok(())
    }

    /// What is started. `command` says it in full. Without one, an interpreter and a handler say it,
    /// or the contract knows what a package's program is called.
    fn check_program(&self) -> Checked {
        if let Some(name) = &self.interpreter
            && !is_interpreter(name)
        {
            return wrong(
                "native.interpreter",
                format!("`{}` is no name of an interpreter", shown(name)),
                "write one of `casemate runtimes`, such as `python3.11` or `node`",
            );
        }
        if let Some(handler) = &self.handler
            && !is_word(handler)
        {
            let hint = "write it as the contract does, such as `app.handler`";
            return wrong("native.handler", "is empty, too long or has control characters", hint);
        }
        self.check_command()?;
        self.check_is_worker()?;
        let (interpreted, handled) = (self.interpreter.is_some(), self.handler.is_some());
        let needs = |key, why: &str| {
            let hint = "docs/guides/native-functions.md shows what each contract needs";
            wrong(key, format!("the contract `{}` {why}", self.contract.word()), hint)
        };
        if handled && !self.contract.has_handler() {
            return needs("native.handler", "has none: `command` says what is started");
        }
        // What an image starts, its own configuration says, until it is read.
        if !self.command.is_empty() || self.image.is_some() {
            return Ok(());
        }
        if self.image_config.is_some() {
            return needs("native.command", "does not say what of the image is started");
        }
        match self.contract {
            Contract::Workers
                if !self.interpreter.as_ref().is_some_and(|name| name.starts_with("workerd")) =>
            {
                needs("native.interpreter", "needs `interpreter = \"workerd\"`")
            }
            Contract::Lambda if interpreted && !handled => {
                needs("native.handler", "calls a handler within an interpreter")
            }
            Contract::FunctionsFramework | Contract::Kubeless if !interpreted => {
                needs("native.interpreter", "needs an interpreter, or `command`")
            }
            Contract::FunctionsFramework | Contract::Kubeless if !handled => {
                needs("native.handler", "calls a handler")
            }
            // Their templates' handlers, by a server of the platform's own.
            Contract::Openfaas if interpreted => Ok(()),
            Contract::Http
            | Contract::CloudRun
            | Contract::Knative
            | Contract::Openfaas
            | Contract::Fn
            | Contract::Ironfunctions
            | Contract::IronfunctionsHttp
            | Contract::OpenfaasClassic
            | Contract::Cgi => {
                needs("native.command", "does not say what is started: write `command`")
            }
            Contract::Openwhisk if !interpreted => {
                needs("native.interpreter", "needs an interpreter, or `command`")
            }
            _ => Ok(()),
        }
    }

    /// What a Worker's runtime is started with, the platform says.
    fn check_is_worker(&self) -> Checked {
        let contract = self.contract.word();
        match (self.contract, &self.worker) {
            (Contract::Workers, None) => wrong(
                "native.worker",
                format!("the contract `{contract}` needs a section `[function.native.worker]`"),
                "write it with a `compatibility_date`, such as `\"2026-11-01\"`",
            ),
            (Contract::Workers, Some(_)) if !self.command.is_empty() || self.is_image() => wrong(
                "native.command",
                format!("a package of `{contract}` has modules, and nothing that is started"),
                "take `command` and `image` out: `worker.main` names the first module",
            ),
            (Contract::Workers, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => wrong(
                "native.worker",
                format!("belongs to the contract `workers`, not to `{contract}`"),
                "take it out",
            ),
        }
    }

    fn check_command(&self) -> Checked {
        let bytes: usize = self.command.iter().map(String::len).sum();
        let hint = "write the program and its arguments, such as `[\"python3\", \"server.py\"]`";
        if self.command.len() > WORDS_MAX || bytes > WORDS_BYTES_MAX {
            let why = format!("has more than {WORDS_MAX} words or {WORDS_BYTES_MAX} bytes");
            return wrong("native.command", why, hint);
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            return wrong("native.command", "has a NUL", hint);
        }
        match self.command.first() {
            Some(program) if !is_word(program) => wrong("native.command", "names no program", hint),
            _ => Ok(()),
        }
    }

    fn check_port(&self) -> Checked {
        let Some(port) = self.port else { return Ok(()) };
        if !self.contract.has_port() {
            let why = format!("the contract `{}` says the port itself", self.contract.word());
            return wrong("native.port", why, "take `port` out");
        }
        if !Self::takes_port(port) {
            let why = format!("{port} is below 1024, or the platform's own");
            return wrong("native.port", why, "take `port` out, or write one such as 8080");
        }
        Ok(())
    }

    fn check_amounts(&self) -> Checked {
        let counts = [
            ("native.parallel", self.parallel, 1, PARALLEL_MAX),
            ("native.processes", self.processes, 1, PROCESSES_MAX),
        ];
        for (key, value, least, most) in counts {
            if value.is_some_and(|value| value < least || value > most) {
                return wrong(key, format!("must be {least} to {most}"), "correct the number");
            }
        }
        let several = self.parallel.is_some_and(|parallel| parallel > 1);
        if several && (self.fresh || self.contract.is_one_at_a_time()) {
            let contract = self.contract.word();
            return wrong(
                "native.parallel",
                format!("with `fresh` or `{contract}` a process has one invocation at a time"),
                "take `parallel` out: invocations at the same time have processes of their own",
            );
        }
        if self.contract.is_a_process_each() && self.provisioned.is_some_and(|count| count > 0) {
            let contract = self.contract.word();
            let why = format!("a process of `{contract}` is started with its request");
            return wrong("native.provisioned", why, "take `provisioned` out");
        }
        if self.scratch.is_some_and(|size| size < Size::kib(64) || size > SCRATCH_MAX) {
            let why = format!("must be 64KiB to {SCRATCH_MAX}");
            return wrong("native.scratch", why, "correct the size");
        }
        if self.start.is_some_and(|start| start.ms == 0 || start > START_MAX) {
            let why = format!("must be above 0s and at most {START_MAX}");
            return wrong("native.start", why, "correct the time");
        }
        if self.idle.is_some_and(|idle| idle > IDLE_MAX) {
            let why = format!("must be at most {IDLE_MAX}");
            return wrong("native.idle", why, "keep processes ready with `provisioned`");
        }
        Ok(())
    }
}

/// A word that stands for something: not empty, not endless, nothing hidden in it.
fn is_word(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && !text.contains(char::is_control)
}

/// Whether it is like `python3.11` or `dotnet`.
fn is_interpreter(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(fits)
}

fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
