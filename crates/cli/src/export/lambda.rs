//! For AWS Lambda: a zip file for each function, and a SAM template.

use super::yaml::Yaml;
use super::{Packaged, Report, Written};
use model::manifest::{Contract, EventForm, FunctionSpec, HttpTrigger, NativeSpec};
use model::{FunctionName, SecretName};
use std::collections::{BTreeMap, BTreeSet};

/// Shortest memory of AWS's, in MiB.
const MEMORY_MIN: u64 = 128;
/// Longest time of AWS's, in seconds.
const TIMEOUT_MAX: u64 = 900;
/// Most bytes of all variables of a function there.
const ENVIRONMENT_BYTES_MAX: usize = 4096;
/// The runtimes that stand for interpreters whose version was left open.
const PYTHON: &str = "python3.13";
const NODE: &str = "nodejs22.x";
const JAVA: &str = "java21";
const BARE: &str = "provided.al2023";

/// Whether functions of this contract run on AWS Lambda.
pub(super) fn refused(contract: Contract) -> Result<(), String> {
    if contract == Contract::Lambda {
        return Ok(());
    }
    Err(format!("it speaks the contract `{}`, and there only `lambda` is spoken", contract.word()))
}

/// The template, and every archive that it names.
pub(super) fn written(
    report: &mut Report,
    packaged: &[Packaged<'_>],
) -> anyhow::Result<Vec<Written>> {
    let mut files = Vec::new();
    let mut resources = Vec::new();
    let ids = Ids::of(packaged);
    let mut tokens = false;
    for one in packaged {
        let spec = one.spec;
        let Some(native) = &spec.native else { continue };
        let path = format!("functions/{}.zip", spec.name);
        files.push(Written {
            path: path.clone(),
            content: one.package.zipped()?,
            executable: false,
        });
        let mut layer = None;
        if let Some(layers) = one.layers {
            let path = format!("layers/{}.zip", spec.name);
            files.push(Written {
                path: path.clone(),
                content: layers.zipped()?,
                executable: false,
            });
            let id = format!("{}Layer", ids.function(&spec.name));
            resources.push((
                id.clone(),
                resource(
                    "AWS::Serverless::LayerVersion",
                    vec![("ContentUri".to_owned(), Yaml::text(path))],
                ),
            ));
            layer = Some(id);
        }
        let guarded = spec.http.iter().any(|it| !it.auth.is_public());
        tokens |= guarded && native.event != EventForm::HttpV1;
        let properties = properties(report, &ids, (spec, native), &path, layer);
        resources.push((
            ids.function(&spec.name).to_owned(),
            resource("AWS::Serverless::Function", properties),
        ));
    }
    let text = template(report, resources, &ids, tokens);
    files.push(Written::text("template.yaml", text));
    report.next.push("sam deploy --guided".to_owned());
    Ok(files)
}

fn resource(kind: &str, properties: Vec<(String, Yaml)>) -> Yaml {
    Yaml::map([("Type", Yaml::text(kind)), ("Properties", Yaml::Map(properties))])
}

fn template(report: &Report, resources: Vec<(String, Yaml)>, ids: &Ids, tokens: bool) -> String {
    let mut all = vec![
        ("AWSTemplateFormatVersion".to_owned(), Yaml::text("2010-09-09")),
        ("Transform".to_owned(), Yaml::text("AWS::Serverless-2016-10-31")),
        ("Metadata".to_owned(), Yaml::map([("Application", Yaml::text(&report.application))])),
    ];
    let parameter = |id: &String| {
        (id.clone(), Yaml::map([("Type", Yaml::text("String")), ("NoEcho", Yaml::Truth(true))]))
    };
    if !ids.secrets.is_empty() {
        all.push((
            "Parameters".to_owned(),
            Yaml::Map(ids.secrets.values().map(parameter).collect()),
        ));
    }
    let mut globals = Vec::new();
    if tokens {
        // So that a route can ask for signed requests.
        let auth = Yaml::map([("EnableIamAuthorizer", Yaml::Truth(true))]);
        globals.push(("HttpApi".to_owned(), Yaml::map([("Auth", auth)])));
    }
    if !globals.is_empty() {
        all.push(("Globals".to_owned(), Yaml::Map(globals)));
    }
    all.push(("Resources".to_owned(), Yaml::Map(resources)));
    format!(
        "# Made by `casemate export --to lambda`. What is lost there: {}.\n{}",
        super::LOST,
        Yaml::Map(all).document()
    )
}

fn properties(
    report: &mut Report,
    ids: &Ids,
    (spec, native): (&FunctionSpec, &NativeSpec),
    path: &str,
    layer: Option<String>,
) -> Vec<(String, Yaml)> {
    let mut all: Vec<(String, Yaml)> = Vec::new();
    let mut put = |key: &str, value: Yaml| all.push((key.to_owned(), value));
    put("FunctionName", Yaml::text(spec.name.as_str()));
    put("CodeUri", Yaml::text(path));
    let (runtime, handler) = runtime(report, spec, native);
    put("Runtime", Yaml::text(runtime));
    put("Handler", Yaml::text(handler));
    put(
        "Architectures",
        Yaml::List(vec![Yaml::text(if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "x86_64"
        })]),
    );
    let limits = spec.limits();
    put("Timeout", Yaml::Number(limits.wall_ms.div_ceil(1000).clamp(1, TIMEOUT_MAX)));
    put("MemorySize", Yaml::Number(limits.memory_bytes.div_ceil(1 << 20).max(MEMORY_MIN)));
    if let Some(count) = spec.concurrency {
        put("ReservedConcurrentExecutions", Yaml::Number(count.into()));
    }
    if let Some(count) = native.provisioned.filter(|count| *count > 0) {
        put("AutoPublishAlias", Yaml::text("live"));
        put(
            "ProvisionedConcurrencyConfig",
            Yaml::map([("ProvisionedConcurrentExecutions", Yaml::Number(count.into()))]),
        );
    }
    if let Some(layer) = layer {
        put("Layers", Yaml::List(vec![Yaml::Tagged("!Ref", layer)]));
    }
    let variables = variables(report, ids, spec);
    if !variables.is_empty() {
        put("Environment", Yaml::map([("Variables", Yaml::Map(variables))]));
    }
    let called = |id: &String| {
        let name = Yaml::map([("FunctionName", Yaml::Tagged("!Ref", id.clone()))]);
        Yaml::map([("LambdaInvokePolicy", name)])
    };
    let calls = spec.allow.invoke.iter().filter_map(|name| ids.functions.get(name));
    let calls: Vec<Yaml> = calls.map(called).collect();
    if !calls.is_empty() {
        put("Policies", Yaml::List(calls));
    }
    let events = events(report, spec, native);
    if !events.is_empty() {
        put("Events", Yaml::Map(events));
    }
    all
}

/// What runs it there.
fn runtime(report: &mut Report, spec: &FunctionSpec, native: &NativeSpec) -> (String, String) {
    let handler = native.handler.clone().unwrap_or_else(|| "bootstrap".to_owned());
    let Some(interpreter) = native.interpreter.as_deref() else {
        if !native.command.is_empty() {
            report.left(spec, "`command`: what starts there is the package's `bootstrap`");
        }
        return (BARE.to_owned(), handler);
    };
    let assumed = |report: &mut Report, runtime: &str| {
        report.left(
            spec,
            format!("`interpreter = \"{interpreter}\"` names no version: `{runtime}` was written"),
        );
        runtime.to_owned()
    };
    let runtime = match interpreter {
        "python3" | "python" => assumed(report, PYTHON),
        "node" | "nodejs" => assumed(report, NODE),
        "java" => assumed(report, JAVA),
        exact => exact.to_owned(),
    };
    let called = native.command.last().cloned().filter(|_| interpreter.starts_with("java"));
    (runtime, called.unwrap_or(handler))
}

/// Variables, and secrets as parameters that are not shown.
fn variables(report: &mut Report, ids: &Ids, spec: &FunctionSpec) -> Vec<(String, Yaml)> {
    let mut all = Vec::new();
    let own = spec.environment.iter();
    let config = spec.config.iter().filter(|(name, _)| !name.is_empty());
    for (name, value) in own.chain(config) {
        let reserved =
            name.starts_with("AWS_") || name.starts_with("_") || name.starts_with("LAMBDA_");
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if reserved || !plain || name.starts_with(|c: char| c.is_ascii_digit()) {
            report.left(
                spec,
                format!("variable `{name}`: there it is AWS's own, or no name of a variable"),
            );
        } else {
            all.push((name.clone(), Yaml::text(value)));
        }
    }
    let bytes: usize = spec.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ENVIRONMENT_BYTES_MAX {
        let most = ENVIRONMENT_BYTES_MAX;
        report.left(spec, format!("its variables have {bytes} bytes, and AWS takes {most}"));
    }
    for name in spec.allow.secret.keys() {
        let variable = name.as_str().to_uppercase().replace('-', "_");
        if all.iter().all(|(taken, _)| *taken != variable) {
            all.push((variable, Yaml::Tagged("!Ref", ids.secret(name))));
        }
    }
    all
}

fn events(report: &mut Report, spec: &FunctionSpec, native: &NativeSpec) -> Vec<(String, Yaml)> {
    let kind = match native.event {
        EventForm::HttpV1 => "Api",
        EventForm::HttpV2 => "HttpApi",
        EventForm::Alb => {
            report.left(spec, "its routes: a load balancer is made by hand there");
            return Vec::new();
        }
    };
    let mut all = Vec::new();
    for (at, trigger) in spec.http.iter().enumerate() {
        let HttpTrigger { route, auth, .. } = trigger;
        if route.host.is_some() || trigger.websocket.is_some() || trigger.upload.is_some() {
            report.left(
                spec,
                format!("route `{route}`: hosts, WebSockets and uploads are other services there"),
            );
            continue;
        }
        let method = if route.method == "*" { "ANY" } else { &route.method };
        let mut said = vec![
            ("Method".to_owned(), Yaml::text(method)),
            ("Path".to_owned(), Yaml::text(path(&route.path))),
        ];
        if !auth.is_public() {
            let authorizer = Yaml::map([("Authorizer", Yaml::text("AWS_IAM"))]);
            said.push(("Auth".to_owned(), authorizer));
        }
        let event = Yaml::map([("Type", Yaml::text(kind)), ("Properties", Yaml::Map(said))]);
        all.push((format!("Route{}", at + 1), event));
    }
    all
}

/// A path as API Gateway writes it: `{*rest}` is `{rest+}`.
fn path(ours: &str) -> String {
    let segment =
        |segment: &str| match segment.strip_prefix("{*").and_then(|it| it.strip_suffix('}')) {
            Some(name) => format!("{{{name}+}}"),
            None => segment.to_owned(),
        };
    ours.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// What functions and secrets are called in the template, where all names are of one kind.
struct Ids {
    functions: BTreeMap<FunctionName, String>,
    secrets: BTreeMap<SecretName, String>,
}

impl Ids {
    fn of(packaged: &[Packaged<'_>]) -> Self {
        let mut taken = BTreeSet::new();
        let mut ids = Self { functions: BTreeMap::new(), secrets: BTreeMap::new() };
        for one in packaged {
            let id = unique(&mut taken, one.spec.name.as_str(), "Function");
            ids.functions.insert(one.spec.name.clone(), id);
            for name in one.spec.allow.secret.keys() {
                if !ids.secrets.contains_key(name) {
                    let id = unique(&mut taken, name.as_str(), "Secret");
                    ids.secrets.insert(name.clone(), id);
                }
            }
        }
        ids
    }

    fn function(&self, name: &FunctionName) -> &str {
        self.functions.get(name).map(String::as_str).unwrap_or_default()
    }

    fn secret(&self, name: &SecretName) -> String {
        self.secrets.get(name).cloned().unwrap_or_default()
    }
}

/// A name as CloudFormation takes it, letters and digits, that says what it is and is not taken.
fn unique(taken: &mut BTreeSet<String>, name: &str, kind: &str) -> String {
    let mut id = logical(name);
    if !id.ends_with(kind) {
        id.push_str(kind);
    }
    let mut free = id.clone();
    let mut number = 1u32;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{}{number}{kind}", id.trim_end_matches(kind));
    }
    free
}

fn logical(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('-') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.extend(letters);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_template_are_each_ones_own() {
        let mut taken = BTreeSet::new();
        let mut name = |name, kind| unique(&mut taken, name, kind);
        assert_eq!(name("orders-function", "Function"), "OrdersFunction");
        assert_eq!(name("stripe", "Function"), "StripeFunction");
        assert_eq!(name("stripe", "Secret"), "StripeSecret");
        assert_eq!(name("a1", "Function"), "A1Function");
        assert_eq!(name("a-1", "Function"), "A12Function");
        assert_eq!(name("a12", "Function"), "A122Function");
        assert_eq!(name("function", "Function"), "Function");
    }
}
