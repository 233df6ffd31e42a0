//! Builds: the language's own tools, run as the manifest says, and a look at what they made.
//!
//! A build command runs with the developer's own rights, in the manifest's directory, for as long
//! as it may; it ends with everything that it started.

mod advice;

use crate::clock::Stopwatch;
use crate::interrupt::Interrupt;
use crate::local::{Tool, ToolEnd};
use crate::manifest::Outline;
use crate::voice::{Voice, safe};
use anyhow::Context as _;
use model::manifest::{Dialect, FunctionSpec, Runtime};
use model::{Code, FunctionName, Problem};
use serde::Serialize;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// How much of a build's output is kept, from its end.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// How many lines of it a program is told.
const LINES_MAX: usize = 20;

/// How builds are run.
#[derive(Clone)]
pub(crate) struct Builder {
    /// Who tells.
    pub(crate) voice: Voice,
    /// How long one command may take.
    pub(crate) wall: Duration,
    /// Whether the tools' output is shown as it comes, or only if they fail.
    pub(crate) live: bool,
    /// Who may end it.
    pub(crate) interrupt: Interrupt,
}

/// What one command built.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    /// The functions whose `build` it is.
    pub(crate) functions: Vec<FunctionName>,
    /// The command.
    pub(crate) command: String,
    /// How long it took.
    pub(crate) took_ms: u64,
}

impl Builder {
    /// Runs the build commands of these functions, each command once, in the manifest's order.
    ///
    /// # Errors
    /// E0141 to E0147 for the first that fails.
    pub(crate) fn build(
        &self,
        outline: &Outline,
        functions: &[&FunctionSpec],
    ) -> anyhow::Result<Vec<Built>> {
        let mut done: Vec<Built> = Vec::new();
        for function in functions {
            let Some(command) = &function.build else { continue };
            match done.iter_mut().find(|built| built.command == *command) {
                Some(built) => built.functions.push(function.name.clone()),
                None => done.push(self.run(outline, function, command)?),
            }
            check_source(&outline.directory, function)?;
        }
        Ok(done)
    }

    fn run(
        &self,
        outline: &Outline,
        function: &FunctionSpec,
        command: &str,
    ) -> anyhow::Result<Built> {
        let name = &function.name;
        if self.live {
            self.voice.note(format_args!("building {name}: {}", safe(command)));
        }
        let watch = Stopwatch::start();
        let mut kept = Vec::new();
        let end = self.tool(outline, command, &mut kept)?;
        if end == ToolEnd::Exited(0) {
            if self.live {
                self.voice.note(format_args!("built {name} in {}", watch.words()));
            }
            let took_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
            let functions = vec![name.clone()];
            return Ok(Built { functions, command: command.to_owned(), took_ms });
        }
        if !self.shows() && !self.voice.is_json() {
            self.voice.tool(&kept);
        }
        let said = String::from_utf8_lossy(&kept);
        let problem = failed(function, command, end, self.wall, &said);
        // A program sees only the problem, so the tool's last words go with it.
        Err(if self.voice.is_json() { problem.internal(last_lines(&said)) } else { problem }.into())
    }

    fn shows(&self) -> bool {
        self.live && !self.voice.is_quiet()
    }

    fn tool(
        &self,
        outline: &Outline,
        command: &str,
        kept: &mut Vec<u8>,
    ) -> anyhow::Result<ToolEnd> {
        let colour = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = if self.voice.tools_in_colour() {
            vec![colour("CARGO_TERM_COLOR", "always"), colour("FORCE_COLOR", "1")]
        } else {
            Vec::new()
        };
        let tool = Tool {
            line: command.to_owned(),
            directory: outline.directory.clone(),
            variables,
            wall: self.wall,
        };
        let said = |bytes: &[u8]| {
            if self.shows() {
                self.voice.tool(bytes);
            }
            kept.extend_from_slice(bytes);
            let surplus = kept.len().saturating_sub(KEPT_BYTES_MAX);
            kept.drain(..surplus);
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = tool.run(self.interrupt.wait(), said);
        runtime.block_on(run).with_context(|| format!("cannot run `{}`", safe(command)))
    }
}

fn failed(
    function: &FunctionSpec,
    command: &str,
    end: ToolEnd,
    wall: Duration,
    said: &str,
) -> Problem {
    let name = &function.name;
    let problem = |code, how: String| {
        Problem::new(code).detail(format!("function `{name}`: `{command}` {how}"))
    };
    match end {
        ToolEnd::TimedOut => {
            problem(Code::BuildTimeout, format!("was ended after {} s", wall.as_secs()))
        }
        ToolEnd::Stopped => problem(Code::Interrupted, "was ended".to_owned()),
        ToolEnd::Signalled(number) => {
            problem(Code::BuildFailed, format!("was ended by signal {number}"))
        }
        ToolEnd::Exited(code) => match advice::missing(code, said) {
            Some(advice) => {
                problem(Code::ToolMissing, format!("ended with exit code {code}")).hint(advice)
            }
            None => problem(Code::BuildFailed, format!("ended with exit code {code}")),
        },
    }
}

/// The end of what a tool said.
fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let from = lines.len().saturating_sub(LINES_MAX);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Looks whether a function's `source` is a component.
fn check_source(directory: &Path, function: &FunctionSpec) -> anyhow::Result<()> {
    let Some(source) = &function.source else { return Ok(()) };
    let problem = |code| {
        Problem::new(code).detail(format!("function `{}`: source = \"{source}\"", function.name))
    };
    if function.runtime == Runtime::Native {
        // A directory or a zip file: `casemate deploy` looks what is in it.
        let there = directory.join(source).exists();
        return if there { Ok(()) } else { Err(problem(Code::NothingBuilt).into()) };
    }
    let mut start = Vec::new();
    let opened = File::open(directory.join(source));
    let read = opened.and_then(|file| file.take(8).read_to_end(&mut start));
    if let Err(error) = read {
        let problem = problem(Code::NothingBuilt);
        return Err(match error.kind() {
            std::io::ErrorKind::NotFound => problem,
            _ => problem.hint(format!("look at the file: {error}")),
        }
        .into());
    }
    match start.as_slice() {
        b"\0asm\x0d\0\x01\0" => Ok(()),
        // `casemate deploy` makes a component of it.
        b"\0asm\x01\0\0\0" if function.dialect == Some(Dialect::Spin) => Ok(()),
        b"\0asm\x01\0\0\0" => Err(problem(Code::CoreModuleBuilt).into()),
        _ => Err(problem(Code::NotAComponent).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_has_to_be_a_component() {
        let dir = tempfile::tempdir().expect("a directory");
        let function: FunctionSpec =
            serde_json::from_str(r#"{"name":"a","source":"a.wasm"}"#).expect("a function");
        let check = || {
            let error = check_source(dir.path(), &function).err()?;
            Some(error.downcast::<Problem>().expect("a problem").code)
        };
        let write = |bytes: &[u8]| std::fs::write(dir.path().join("a.wasm"), bytes).expect("put");
        assert_eq!(check(), Some(Code::NothingBuilt));
        write(b"\0asm\x01\0\0\0rest");
        assert_eq!(check(), Some(Code::CoreModuleBuilt));
        write(b"\0asm");
        assert_eq!(check(), Some(Code::NotAComponent));
        write(b"\0asm\x0d\0\x01\0rest");
        assert_eq!(check(), None);
    }

    #[test]
    fn the_last_lines_are_the_last() {
        let text: String = (0..100).map(|n| format!("{n}\n")).collect();
        let last = last_lines(&text);
        assert!(last.starts_with("80\n") && last.ends_with("\n99"), "{last}");
        assert_eq!(last_lines(""), "");
    }
}
