//! What a request says of a function: read part by part, so that nothing is ignored that would mean
//! something.

use super::facts::Facts;
use super::shown::{architecture, revision};
use crate::fault::Fault;
use model::manifest::{Contract, Environment, FunctionSpec, NativeSpec};
use model::unit::{Duration, Size};
use model::{FunctionName, FunctionRow};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Bytes of an answer.
const ANSWER: Size = Size { bytes: 6_291_556 };
/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 256;
/// Most time of a processor that a function gets, in seconds.
const CPU_MAX: u64 = 300;

/// The members of a request that were not looked at yet.
pub(super) struct Wanted(Map<String, Value>);

impl Wanted {
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Fault::content("Could not parse request body into json: no object")),
            Err(error) => {
                Err(Fault::content(format!("Could not parse request body into json: {error}")))
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::content(format!("{name} is no text"))),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Fault> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Fault::content(format!("{name} is neither true nor false"))),
        }
    }

    pub(super) fn number(
        &mut self,
        name: &str,
        least: u64,
        most: u64,
    ) -> Result<Option<u64>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        let mut at = name.to_owned();
        at.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
        number.map(Some).ok_or_else(|| {
            let why = format!("Member must have value between {least} and {most}");
            Fault::constraint(&value.to_string(), &at, &why)
        })
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|_| Fault::content(format!("{name} is no map of texts")))
    }

    /// A member that has members of its own.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Self>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(_) => Err(Fault::content(format!("{name} is no object"))),
        }
    }

    /// All that was not looked at yet.
    pub(super) fn members(self) -> Map<String, Value> {
        self.0
    }

    /// A list of texts.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|_| Fault::content(format!("{name} is no list of texts")))
    }

    /// The name of a function that is to be made.
    pub(super) fn name(&mut self) -> Result<FunctionName, Fault> {
        let text = self.text("FunctionName")?.unwrap_or_default();
        let named = crate::arn::Named::read(&text, None)?;
        FunctionName::parse(&named.name).map_err(|error| {
            Fault::invalid(format!("This node has no functions of such names: {error}"))
        })
    }

    /// The role. It is kept and shown, and nothing follows from it.
    pub(super) fn role(&mut self) -> Result<String, Fault> {
        let role = self.text("Role")?.unwrap_or_default();
        if is_role(&role) {
            return Ok(role);
        }
        let pattern = "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+";
        let why = format!("Member must satisfy regular expression pattern: {pattern}");
        Err(Fault::constraint(&role, "role", &why))
    }

    /// The zip in `Code`.
    pub(super) fn code(&mut self) -> Result<String, Fault> {
        match self.take("Code") {
            Some(Value::Object(members)) => Self(members).all_code(),
            _ => Err(Fault::invalid("Please provide a source for function code.")),
        }
    }

    fn all_code(mut self) -> Result<String, Fault> {
        let code = self.code_here()?;
        self.done()?;
        Ok(code)
    }

    /// The zip among these members.
    pub(super) fn code_here(&mut self) -> Result<String, Fault> {
        for (name, what) in [
            ("S3Bucket", "code in S3: send it as ZipFile"),
            ("S3Key", "code in S3: send it as ZipFile"),
            ("ImageUri", "images: send a zip as ZipFile"),
        ] {
            if self.has(name) {
                return Err(Fault::invalid(format!("This node does not fetch {what}.")));
            }
        }
        let zip = self.text("ZipFile")?;
        zip.ok_or_else(|| Fault::invalid("Please provide a source for function code."))
    }

    /// What somebody says of a version or an alias.
    pub(super) fn description(&mut self) -> Result<Option<String>, Fault> {
        match self.text("Description")? {
            Some(long) if long.chars().count() > DESCRIPTION_MAX => {
                let why =
                    format!("Member must have length less than or equal to {DESCRIPTION_MAX}");
                Err(Fault::constraint(&long, "description", &why))
            }
            text => Ok(text),
        }
    }

    pub(super) fn architectures(&mut self) -> Result<(), Fault> {
        match self.take("Architectures") {
            None => Ok(()),
            Some(Value::Array(all))
                if all.len() == 1
                    && all.first().and_then(Value::as_str) == Some(architecture()) =>
            {
                Ok(())
            }
            Some(other) => {
                Err(Fault::invalid(format!("This node runs {} only, not {other}.", architecture())))
            }
        }
    }

    pub(super) fn tags(&mut self, facts: &mut Facts) -> Result<(), Fault> {
        facts.tags = self.texts("Tags")?.unwrap_or_default();
        super::tags::check(&facts.tags)
    }

    /// Refuses a change of another state than the one that it was made from.
    pub(super) fn is_of(&mut self, row: &FunctionRow) -> Result<(), Fault> {
        self.take("FunctionName");
        match self.text("RevisionId")? {
            Some(said) if said != revision(row) => Err(Fault::another_revision()),
            _ => Ok(()),
        }
    }

    /// All that both making and changing a function say.
    pub(super) fn apply(
        &mut self,
        spec: &mut FunctionSpec,
        facts: &mut Facts,
        new: bool,
    ) -> Result<(), Fault> {
        if let Some(runtime) = self.text("Runtime")? {
            let (contract, parallel) = (Contract::Lambda, None::<u32>);
            let interpreter = interpreter(&runtime)?;
            let before = spec.native.take();
            let handler = before.as_ref().and_then(|native| native.handler.clone());
            let scratch = before.and_then(|native| native.scratch);
            spec.native = Some(native(contract, interpreter, handler, scratch, parallel));
            facts.runtime = runtime;
        } else if new {
            return Err(Fault::invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            ));
        }
        match (self.text("Handler")?, &mut spec.native) {
            (Some(handler), Some(native)) => native.handler = Some(handler),
            (None, _) if new => {
                return Err(Fault::invalid(
                    "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
                ));
            }
            _ => {}
        }
        if let Some(description) = self.description()? {
            facts.description = description;
        }
        let timeout = self.number("Timeout", 1, 900)?.or(new.then_some(3));
        if let Some(seconds) = timeout {
            spec.timeout = Some(Duration::seconds(seconds));
            spec.cpu = Some(Duration::seconds(seconds.min(CPU_MAX)));
        }
        let memory = self.number("MemorySize", 128, 10_240)?.or(new.then_some(128));
        if let Some(mib) = memory {
            spec.memory = Some(Size::mib(mib));
        }
        if new {
            spec.response_body = Some(ANSWER);
        }
        if let Some(Value::Object(members)) = self.take("Environment") {
            let mut environment = Self(members);
            let variables = environment.texts("Variables")?.unwrap_or_default();
            environment.done()?;
            spec.environment = variables.into_iter().collect::<Environment>();
        }
        if let Some(Value::Object(members)) = self.take("EphemeralStorage") {
            let mut storage = Self(members);
            let size = storage.number("Size", 512, 10_240)?.filter(|size| *size != 512);
            storage.done()?;
            if let Some(native) = &mut spec.native {
                native.scratch = size.map(Size::mib);
            }
        }
        self.architectures()
    }

    /// Refuses what is left and would mean something.
    pub(super) fn done(&mut self) -> Result<(), Fault> {
        let plain = |name: &str, value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty() || (name == "PackageType" && text == "Zip"),
            Value::Array(all) => all.is_empty(),
            Value::Object(members) => members.iter().all(|(name, value)| match value {
                Value::String(text) => {
                    text.is_empty()
                        || matches!(
                            (name.as_str(), text.as_str()),
                            ("Mode", "PassThrough") | ("ApplyOn", "None") | ("LogFormat", "Text")
                        )
                }
                Value::Array(all) => all.is_empty(),
                other => matches!(other, Value::Null | Value::Bool(false)),
            }),
            Value::Bool(true) | Value::Number(_) => false,
        };
        match self.0.iter().find(|(name, value)| !plain(name, value)) {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(80).collect();
                Err(Fault::invalid(format!("This node has no {name}: leave it out.")))
            }
        }
    }
}

/// What interprets functions of this runtime, by our word for it. None if they bring their own
/// program.
fn interpreter(runtime: &str) -> Result<Option<String>, Fault> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if matches!(runtime, "provided" | "provided.al2" | "provided.al2023") {
        return Ok(None);
    }
    if runtime.strip_prefix("python3.").is_some_and(digits) {
        return Ok(Some(runtime.to_owned()));
    }
    let node = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x"));
    if let Some(version) = node.filter(|version| digits(version)) {
        return Ok(Some(format!("node{version}")));
    }
    let why = "Member must satisfy enum value set: [python3.N, nodejsN.x, provided, provided.al2, provided.al2023]";
    Err(Fault::constraint(runtime, "runtime", why))
}

fn native(
    contract: Contract,
    interpreter: Option<String>,
    handler: Option<String>,
    scratch: Option<Size>,
    parallel: Option<u32>,
) -> NativeSpec {
    NativeSpec {
        contract,
        interpreter,
        handler,
        event: model::manifest::EventForm::default(),
        command: Vec::new(),
        layers: Vec::new(),
        layers_digest: None,
        image: None,
        image_config: None,
        port: None,
        server: None,
        worker: None,
        parallel,
        processes: None,
        scratch,
        start: None,
        idle: None,
        provisioned: None,
        fresh: false,
    }
}

fn is_role(text: &str) -> bool {
    let rest = text.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::"));
    let Some((partition, rest)) = rest else { return false };
    let Some((account, role)) = rest.split_once(":role") else { return false };
    partition.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.len() > 1
        && role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_have_our_words_or_are_refused() {
        let word = |runtime| interpreter(runtime).map_err(|fault| fault.kind);
        assert_eq!(word("python3.11"), Ok(Some("python3.11".to_owned())));
        assert_eq!(word("nodejs20.x"), Ok(Some("node20".to_owned())));
        assert_eq!(word("provided.al2023"), Ok(None));
        for bad in ["", "python", "python3.", "python3.x", "nodejs.x", "nodejs20", "java21", "../x"]
        {
            assert_eq!(word(bad), Err("ValidationException"), "{bad}");
        }
    }

    #[test]
    fn a_role_is_checked_by_its_form() {
        assert!(is_role("arn:aws:iam::000000000000:role/r"));
        assert!(is_role("arn:aws-cn:iam::123456789012:role/service/r"));
        for bad in [
            "",
            "r",
            "arn:aws:iam::1:role/r",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam::123456789012:user/r",
        ] {
            assert!(!is_role(bad), "{bad}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused_by_its_name() {
        let done = |text: &str| Wanted::read(text.as_bytes()).expect("an object").done();
        assert!(done(r#"{"Layers":[],"VpcConfig":{"SubnetIds":[]},"TracingConfig":{"Mode":"PassThrough"},"PackageType":"Zip"}"#).is_ok());
        for (text, name) in [
            (r#"{"Layers":["arn"]}"#, "Layers"),
            (r#"{"VpcConfig":{"SubnetIds":["a"]}}"#, "VpcConfig"),
            (r#"{"TracingConfig":{"Mode":"Active"}}"#, "TracingConfig"),
            (r#"{"PackageType":"Image"}"#, "PackageType"),
            (r#"{"KMSKeyArn":"a"}"#, "KMSKeyArn"),
        ] {
            let message = done(text).expect_err(name).message;
            assert_eq!(message, format!("This node has no {name}: leave it out."));
        }
    }
}
