//! A function in AWS's words.

use super::facts::Facts;
use crate::LATEST;
use model::beside::Version;
use model::manifest::NativeSpec;
use model::{Digest, FunctionRow, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What `GetFunctionConfiguration` says, of what is active or of a version. It is deployed before it is answered, so it is never
/// pending.
pub(super) fn configuration(
    row: &FunctionRow,
    arn: &str,
    version: Option<(u32, &Version)>,
) -> Value {
    let (spec, limits) = (&row.spec, row.spec.limits());
    let native = spec.native.as_ref();
    let facts = Facts::of(spec).unwrap_or_default();
    let name = row.function.name.as_str();
    let (word, own) = match version {
        Some((number, version)) => (number.to_string(), version.description.clone()),
        None => (LATEST.to_owned(), None),
    };
    let environment: BTreeMap<&String, &String> = spec.environment.iter().collect();
    let scratch = native.and_then(|native| native.scratch).map_or(512, |it| it.bytes >> 20);
    let mut all = json!({
        "FunctionName": name,
        "FunctionArn": arn,
        "Role": facts.role,
        "Handler": native.and_then(|native| native.handler.clone()).unwrap_or_default(),
        "CodeSize": facts.code_size,
        "CodeSha256": facts.code_sha256,
        "Description": own.unwrap_or_else(|| facts.description.clone()),
        "Timeout": limits.wall_ms.div_ceil(1000),
        "MemorySize": limits.memory_bytes >> 20,
        "LastModified": time(facts.modified),
        "Version": word,
        "TracingConfig": { "Mode": "PassThrough" },
        "RevisionId": match version {
            Some((number, _)) => uuid(&engine::sha256(format!("{} {number}", row.digest).as_bytes())),
            None => revision(row),
        },
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [architecture()],
        "EphemeralStorage": { "Size": scratch },
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
        "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
    });
    if let Some(members) = all.as_object_mut() {
        let runtime = native.and_then(|native| runtime(&facts, native));
        members.extend(runtime.map(|it| ("Runtime".to_owned(), json!(it))));
        if !environment.is_empty() {
            members.insert("Environment".to_owned(), json!({ "Variables": environment }));
        }
    }
    all
}

/// AWS's word for what runs it.
fn runtime(facts: &Facts, native: &NativeSpec) -> Option<String> {
    if !facts.runtime.is_empty() {
        return Some(facts.runtime.clone());
    }
    // Where the version is left to the machine, there is no word for it.
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let interpreter = native.interpreter.as_deref()?;
    if let Some(version) = interpreter.strip_prefix("node") {
        return digits(version).then(|| format!("nodejs{version}.x"));
    }
    interpreter.strip_prefix("python3.").is_some_and(digits).then(|| interpreter.to_owned())
}

/// A name for this state of a function, of the form that AWS's have.
pub(super) fn revision(row: &FunctionRow) -> String {
    uuid(&row.digest)
}

/// A digest in the form of AWS's names for states.
pub(super) fn uuid(digest: &Digest) -> String {
    let text = digest.hex();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    let (a, b, c, d, e) = (part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32));
    format!("{a}-{b}-4{c}-8{d}-{e}")
}

/// What this machine is, in AWS's word.
pub(super) const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

pub(super) fn time(at: Timestamp) -> String {
    at.to_string().replace('Z', "+0000")
}
