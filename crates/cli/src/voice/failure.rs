//! How a command says that it failed, and with which exit code.
//!
//! Exit codes: 0 ok, 1 failed, 2 denied, 64 usage, 78 configuration (the last two after
//! `sysexits.h`). Text form: `error[E0107]: …`, the reason where the node gave one, where to read
//! more, and a hint as the last line.

use super::{Closed, Tone, Voice, safe, safe_json};
use model::{Code, InvocationId, Problem};
use serde_json::json;
use std::process::ExitCode;

/// Done.
const OK: u8 = 0;
/// It did not work.
const FAILED: u8 = 1;
/// The caller may not.
const DENIED: u8 = 2;
/// The command line cannot be used (`EX_USAGE`).
const USAGE: u8 = 64;
/// The configuration, the home or the keys cannot be used (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;

/// A problem that a node answered with.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Failure {
    /// What.
    pub(crate) problem: Problem,
    /// In which invocation.
    pub(crate) invocation: Option<InvocationId>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, invocation: None }
    }
}

/// Options that do not go together, found after the command line was read.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Usage {
    text: String,
}

/// An error of usage, exit code 64.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    Usage { text: text.into() }.into()
}

impl Voice {
    /// Says on standard error why the command failed.
    pub(crate) fn fail(&self, error: &anyhow::Error) -> ExitCode {
        if error.is::<Closed>() {
            return ExitCode::from(OK);
        }
        let invocation = error.downcast_ref::<Failure>().and_then(|failure| failure.invocation);
        match problem_in(error) {
            Some(problem) if self.is_json() => self.json(problem, invocation),
            Some(problem) => self.problem(problem, invocation),
            None if self.is_json() => self.plain_json(&format!("{error:#}"), error.is::<Usage>()),
            None => {
                let word = self.paint_err(Tone::Bad, "error");
                self.say(format_args!("{word}: {}", safe(&format!("{error:#}"))));
            }
        }
        ExitCode::from(exit_code(error))
    }

    fn problem(&self, problem: &Problem, invocation: Option<InvocationId>) {
        let code = problem.code;
        let word = self.paint_err(Tone::Bad, &format!("error[{code}]"));
        let detail = problem.detail.as_deref().map(|detail| format!(": {}", safe(detail)));
        self.say(format_args!("{word}: {}{}", code.title(), detail.unwrap_or_default()));
        if let Some(reason) = &problem.internal {
            self.say(format_args!("reason: {}", safe(reason)));
        }
        if let Some(id) = invocation {
            self.say(format_args!("invocation: {id}"));
        }
        self.say(format_args!("for more: casemate explain {code}"));
        let advice = advice(problem, invocation);
        let advice = safe(advice.strip_suffix('.').unwrap_or(&advice));
        self.say(format_args!("{} {advice}", self.paint_err(Tone::Advice, "hint:")));
    }

    fn json(&self, problem: &Problem, invocation: Option<InvocationId>) {
        let mut body = serde_json::to_value(problem.public_body(invocation)).unwrap_or_default();
        if let (Some(reason), Some(members)) = (&problem.internal, body.as_object_mut()) {
            members.insert("reason".to_owned(), reason.as_str().into());
        }
        self.say(safe_json(&body.to_string()));
    }

    /// Failures that have no code: of this machine's files and of the command line.
    fn plain_json(&self, text: &str, is_usage: bool) {
        let (kind, title) = if is_usage {
            ("usage", "the command line cannot be used")
        } else {
            ("local", "the command could not do its part on this machine")
        };
        let body = json!({
            "type": format!("urn:casemate:error:{kind}"), "title": title, "detail": text,
        });
        self.say(safe_json(&body.to_string()));
    }

    /// Says what is wrong with the command line, or prints the help that was asked for.
    pub(crate) fn clap(&self, error: &clap::Error) -> ExitCode {
        let help = !error.use_stderr();
        if !help && self.is_json() {
            let text = error.render().to_string();
            self.plain_json(text.trim_start_matches("error: ").trim_end(), true);
        } else {
            let _nobody_left = error.print();
        }
        ExitCode::from(if help { OK } else { USAGE })
    }
}

/// What to do: what the node said, or how to see more of this invocation, or the code's remedy.
fn advice(problem: &Problem, invocation: Option<InvocationId>) -> String {
    let ran = problem.code.text().starts_with("E04");
    match (&problem.hint, invocation) {
        (Some(hint), _) => hint.clone(),
        (None, Some(id)) if ran => format!("casemate record {id}"),
        (None, _) => problem.code.remedy().to_owned(),
    }
}

fn problem_in(error: &anyhow::Error) -> Option<&Problem> {
    let failure = error.downcast_ref::<Failure>().map(|failure| &failure.problem);
    failure.or_else(|| error.downcast_ref::<Problem>())
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() {
        return USAGE;
    }
    let Some(problem) = problem_in(error) else { return FAILED };
    match problem.code {
        Code::Denied => DENIED,
        Code::BadConfig
        | Code::Unsafe
        | Code::HomeForeign
        | Code::BadHome
        | Code::RootKeyMissing
        | Code::RootKeyInvalid
        | Code::RootKeyUnsafe
        | Code::RootKeyWrong
        | Code::PassphraseMissing
        | Code::PassphraseWrong
        | Code::PassphraseUnfit
        | Code::RootKeyOlder => CONFIGURATION,
        code if matches!(code.status(), 401 | 403) => DENIED,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        for (code, expect) in [
            (Code::RouteClash, FAILED),
            (Code::NotRunning, FAILED),
            (Code::Denied, DENIED),
            (Code::AdminCredential, DENIED),
            (Code::CredentialRequired, DENIED),
            (Code::OutboundDenied, DENIED),
            (Code::BadConfig, CONFIGURATION),
            (Code::HomeForeign, CONFIGURATION),
            (Code::RootKeyUnsafe, CONFIGURATION),
        ] {
            assert_eq!(exit_code(&Problem::new(code).into()), expect, "{code}");
            assert_eq!(exit_code(&Failure::from(Problem::new(code)).into()), expect, "{code}");
        }
        assert_eq!(exit_code(&usage("x")), USAGE);
        assert_eq!(exit_code(&anyhow::anyhow!("x")), FAILED);
    }

    #[test]
    fn a_problem_is_found_below_what_was_said_about_it() {
        let error = anyhow::Error::from(Problem::new(Code::BadConfig)).context("starting");
        assert_eq!(exit_code(&error), CONFIGURATION);
    }
}
