//! For AWS Lambda: a zip file for each function, and a SAM template.

use super::yaml::Yaml;
use super::{Packaged, Report, Written};
use model::manifest::{Contract, EventForm, FunctionSpec, HttpTrigger, NativeSpec};
use model::{Manifest, SecretName};
use std::collections::BTreeMap;

/// Shortest memory of AWS's, in MiB.
const MEMORY_MIN: u64 = 128;
/// Longest time of AWS's, in seconds.
const TIMEOUT_MAX: u64 = 900;
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
    manifest: &Manifest,
    packaged: &[Packaged<'_>],
) -> anyhow::Result<Vec<Written>> {
    let mut files = Vec::new();
    let mut resources = Vec::new();
    let mut secrets: BTreeMap<String, SecretName> = BTreeMap::new();
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
            let id = format!("{}Layer", logical(spec.name.as_str()));
            resources.push((
                id.clone(),
                resource(
                    "AWS::Serverless::LayerVersion",
                    vec![("ContentUri".to_owned(), Yaml::text(path))],
                ),
            ));
            layer = Some(id);
        }
        for name in spec.allow.secret.keys() {
            secrets.insert(logical(name.as_str()), name.clone());
        }
        let guarded = spec.http.iter().any(|it| !it.auth.is_public());
        tokens |= guarded && native.event != EventForm::HttpV1;
        let properties = properties(report, manifest, (spec, native), &path, layer);
        resources
            .push((logical(spec.name.as_str()), resource("AWS::Serverless::Function", properties)));
    }
    let text = template(report, resources, &secrets, tokens);
    files.push(Written::text("template.yaml", text));
    report.next.push("sam deploy --guided".to_owned());
    Ok(files)
}

fn resource(kind: &str, properties: Vec<(String, Yaml)>) -> Yaml {
    Yaml::map([("Type", Yaml::text(kind)), ("Properties", Yaml::Map(properties))])
}

fn template(
    report: &Report,
    resources: Vec<(String, Yaml)>,
    secrets: &BTreeMap<String, SecretName>,
    tokens: bool,
) -> String {
    let mut all = vec![
        ("AWSTemplateFormatVersion".to_owned(), Yaml::text("2010-09-09")),
        ("Transform".to_owned(), Yaml::text("AWS::Serverless-2016-10-31")),
        ("Metadata".to_owned(), Yaml::map([("Application", Yaml::text(&report.application))])),
    ];
    let parameter = |(id, _): (&String, &SecretName)| {
        (id.clone(), Yaml::map([("Type", Yaml::text("String")), ("NoEcho", Yaml::Truth(true))]))
    };
    if !secrets.is_empty() {
        all.push(("Parameters".to_owned(), Yaml::Map(secrets.iter().map(parameter).collect())));
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
    manifest: &Manifest,
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
    let variables = variables(report, spec);
    if !variables.is_empty() {
        put("Environment", Yaml::map([("Variables", Yaml::Map(variables))]));
    }
    let calls: Vec<Yaml> = spec
        .allow
        .invoke
        .iter()
        .filter(|name| {
            manifest.functions.iter().any(|it| {
                it.name == **name
                    && it.native.as_ref().is_some_and(|it| it.contract == Contract::Lambda)
            })
        })
        .map(|name| {
            Yaml::map([(
                "LambdaInvokePolicy",
                Yaml::map([("FunctionName", Yaml::Tagged("!Ref", logical(name.as_str())))]),
            )])
        })
        .collect();
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
fn variables(report: &mut Report, spec: &FunctionSpec) -> Vec<(String, Yaml)> {
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
    for name in spec.allow.secret.keys() {
        let variable = name.as_str().to_uppercase().replace('-', "_");
        if all.iter().all(|(taken, _)| *taken != variable) {
            all.push((variable, Yaml::Tagged("!Ref", logical(name.as_str()))));
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

/// A name as CloudFormation takes it: letters and digits.
fn logical(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('-') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.extend(letters);
    }
    out
}
