//! What a manifest says of a native function that is an HTTP server, beyond its contract.

use super::native::Contract;
use crate::unit::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name of a binding and longest path, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// The form in which functions of the Functions Framework take what they are called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// A request over HTTP.
    #[default]
    Http,
    /// A CloudEvent.
    Cloudevent,
    /// The event of a background function: data and context.
    Event,
    /// JSON in the form of the function's own type.
    Typed,
}

impl Signature {
    /// As the framework writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Cloudevent => "cloudevent",
            Self::Event => "event",
            Self::Typed => "typed",
        }
    }
}

/// What Function Compute tells a server beside its invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// `POST /initialize`, before the first invocation.
    Initialize,
    /// `GET /pre-freeze`, before the process is frozen.
    PreFreeze,
    /// `GET /pre-stop`, before the process is ended.
    PreStop,
}

/// What is known of the server beyond its contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// The path that a server answers with 2xx once it can take requests, such as `/healthz`. If it
    /// is not given, the contract's way is used, which for most is that the port is listened on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// How long the server has to end after it was told to (SIGTERM). The default is the contract's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Duration>,
    /// How the function takes what it is called with; `functions-framework` only. Default `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Whether requests are passed on as they are (`enableForwardingHttpRequest`); `azure` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// The name of the trigger's binding in `function.json`; `azure` only. Default `req`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// Whether a request's query and body stay as they are, and are not merged into parameters
    /// (`raw-http`); `openwhisk` and `actionloop` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
    /// What the server wants to be told of its life; `alibaba` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

impl ServerSpec {
    /// Refuses what the contract has no place for.
    ///
    /// # Errors
    /// What is wrong, in a sentence that begins with the key.
    pub fn check(&self, contract: Contract) -> Result<(), String> {
        let only = [
            (self.signature.is_some(), "signature", Contract::FunctionsFramework),
            (self.forward, "forward", Contract::Azure),
            (self.binding.is_some(), "binding", Contract::Azure),
            (!self.hooks.is_empty(), "hooks", Contract::Alibaba),
        ];
        for (said, key, of) in only {
            if said && of != contract {
                let (of, contract) = (of.word(), contract.word());
                return Err(format!("`{key}` belongs to the contract `{of}`, not to `{contract}`"));
            }
        }
        if self.raw && !matches!(contract, Contract::Openwhisk | Contract::Actionloop) {
            let contract = contract.word();
            return Err(format!("`raw` belongs to the contract `openwhisk`, not to `{contract}`"));
        }
        if contract == Contract::Lambda || contract.is_a_process_each() {
            return Err(format!("the contract `{}` has no server", contract.word()));
        }
        if let Some(path) = &self.probe
            && !is_path(path)
        {
            return Err(format!("`probe`: `{path}` is no path such as `/healthz`"));
        }
        if let Some(name) = &self.binding
            && !is_name(name)
        {
            return Err(format!("`binding`: `{name}` is no name such as `req`"));
        }
        Ok(())
    }
}

fn is_path(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    plain && text.starts_with('/') && text.len() <= TEXT_BYTES_MAX
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(contract: Contract, text: &str) -> Result<(), String> {
        serde_json::from_str::<ServerSpec>(text).map_err(|error| error.to_string())?.check(contract)
    }

    #[test]
    fn each_contract_has_its_own_keys() {
        assert_eq!(check(Contract::Alibaba, r#"{"hooks":["initialize","pre-stop"]}"#), Ok(()));
        assert_eq!(check(Contract::FunctionsFramework, r#"{"signature":"cloudevent"}"#), Ok(()));
        assert_eq!(check(Contract::Openwhisk, r#"{"raw":true}"#), Ok(()));
        assert_eq!(check(Contract::Azure, r#"{"forward":true,"binding":"req"}"#), Ok(()));
        assert_eq!(check(Contract::Http, r#"{"probe":"/healthz?a","grace":"3s"}"#), Ok(()));
        let refused = check(Contract::Http, r#"{"hooks":["pre-stop"]}"#).expect_err("refused");
        assert_eq!(refused, "`hooks` belongs to the contract `alibaba`, not to `http`");
        for (contract, text) in [
            (Contract::Knative, r#"{"signature":"http"}"#),
            (Contract::CloudRun, r#"{"forward":true}"#),
            (Contract::Kubeless, r#"{"binding":"req"}"#),
            (Contract::Lambda, "{}"),
            (Contract::Cgi, "{}"),
            (Contract::Fn, r#"{"raw":true}"#),
            (Contract::Http, r#"{"probe":"healthz"}"#),
            (Contract::Http, r#"{"probe":"/a b"}"#),
            (Contract::Http, r#"{"probe":"/a\r\nx: y"}"#),
            (Contract::Azure, r#"{"binding":""}"#),
            (Contract::Azure, r#"{"hooks":["initialise"]}"#),
        ] {
            assert!(check(contract, text).is_err(), "{text}");
        }
    }
}
