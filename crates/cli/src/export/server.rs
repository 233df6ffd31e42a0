//! For Cloud Run and Knative: a build context for each function, and the file of their services.

use super::yaml::Yaml;
use super::{Packaged, Platform, Report, Written};
use model::manifest::{Contract, FunctionSpec, NativeSpec, Signature};
use model::unit::Size;

/// The label that says which application something belongs to.
const PART_OF: &str = "app.kubernetes.io/part-of";
/// Who the program runs as.
const USER: u32 = 65532;
/// Longest time of both platforms, in seconds: more has to be asked for.
const TIMEOUT_MAX: u64 = 3600;
/// Smallest memory of Cloud Run's, in MiB.
const MEMORY_MIN: u64 = 128;

/// Whether a function can be a server there.
pub(super) fn refused(native: &NativeSpec) -> Result<(), String> {
    let word = native.contract.word();
    match native.contract {
        Contract::Http | Contract::CloudRun | Contract::Knative => Ok(()),
        Contract::FunctionsFramework => Ok(()),
        Contract::Openfaas if !native.command.is_empty() => Ok(()),
        _ => Err(format!(
            "it speaks the contract `{word}`, and there only HTTP servers on a port run"
        )),
    }
}

/// The services, and every build context that their images are made of.
pub(super) fn written(
    report: &mut Report,
    packaged: &[Packaged<'_>],
) -> anyhow::Result<Vec<Written>> {
    let mut files = Vec::new();
    let mut services = Vec::new();
    for one in packaged {
        let spec = one.spec;
        let Some(native) = &spec.native else { continue };
        let home = format!("functions/{}", spec.name);
        one.package.contents(|file, content| {
            let path = format!("{home}/package/{}", file.path);
            files.push(Written { path, content, executable: file.executable });
            Ok(())
        })?;
        if let Some(layers) = one.layers {
            layers.contents(|file, content| {
                let path = format!("{home}/layers/{}", file.path);
                files.push(Written { path, content, executable: file.executable });
                Ok(())
            })?;
        }
        let text = dockerfile(report, spec, native, one.layers.is_some());
        files.push(Written::text(format!("{home}/Dockerfile"), text));
        services.push(service(report, spec, native).document());
        report.next.push(format!("docker build -t REGISTRY/{} {home}", spec.name));
    }
    let head = format!(
        "# Made by `casemate export --to {}`. What is lost there: {}.\n# Replace REGISTRY by yours.\n",
        report.to.word(),
        super::LOST
    );
    files.push(Written::text("service.yaml", head + &services.join("---\n")));
    report.next.push(match report.to {
        Platform::Cloudrun => "gcloud run services replace service.yaml".to_owned(),
        _ => "kubectl apply -f service.yaml".to_owned(),
    });
    Ok(files)
}

/// What is started: the function's own words, or the framework.
fn command(native: &NativeSpec) -> Vec<String> {
    if !native.command.is_empty() {
        return native.command.clone();
    }
    let handler = native.handler.as_deref().unwrap_or_default();
    let (source, target) = handler.rsplit_once(':').unwrap_or(("", handler));
    let signature =
        native.server.as_ref().and_then(|server| server.signature).unwrap_or(Signature::Http);
    let node = native.interpreter.as_deref().is_some_and(|it| it.starts_with("node"));
    let start: &[&str] = if node {
        &["node", "node_modules/@google-cloud/functions-framework/build/src/main.js"]
    } else {
        &["python3", "-m", "functions_framework"]
    };
    let mut words: Vec<String> = start.iter().map(|word| (*word).to_owned()).collect();
    words.push(format!("--target={target}"));
    words.push(format!("--signature-type={}", signature.word()));
    if !source.is_empty() && !node {
        words.push(format!("--source={source}"));
    }
    words
}

fn base(report: &mut Report, spec: &FunctionSpec, native: &NativeSpec) -> String {
    let Some(interpreter) = native.interpreter.as_deref() else {
        return "debian:stable-slim".to_owned();
    };
    let digits =
        |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect::<String>();
    let image = if let Some(version) = interpreter.strip_prefix("python") {
        let version = version.trim_end_matches('.');
        format!("python:{}-slim", if version.is_empty() { "3" } else { version })
    } else if interpreter.starts_with("node") {
        let version = digits(interpreter).trim_end_matches('.').to_owned();
        if version.is_empty() { "node:slim".to_owned() } else { format!("node:{version}-slim") }
    } else if interpreter.starts_with("java") {
        "eclipse-temurin:21-jre".to_owned()
    } else if interpreter.starts_with("php") {
        "php:cli".to_owned()
    } else {
        report.left(spec, format!("`interpreter = \"{interpreter}\"`: no image is known for it, name one in its Dockerfile"));
        "debian:stable-slim".to_owned()
    };
    if !image.contains(|c: char| c.is_ascii_digit()) || interpreter == "python3" {
        report.left(
            spec,
            format!("`interpreter = \"{interpreter}\"` names no version: `{image}` was written"),
        );
    }
    image
}

fn dockerfile(
    report: &mut Report,
    spec: &FunctionSpec,
    native: &NativeSpec,
    layers: bool,
) -> String {
    let words = serde_json::to_string(&command(native)).unwrap_or_default();
    let image = base(report, spec, native);
    // Where it lies in the jail, too: a command may name it.
    let place = if native.contract == Contract::Openfaas { "/home/app" } else { "/workspace" };
    let layers = if layers { "COPY layers/ /opt/\n" } else { "" };
    format!(
        "FROM {image}\nWORKDIR {place}\nCOPY package/ {place}/\n{layers}ENV PYTHONPATH={place} PYTHONUNBUFFERED=1\n\
         USER {USER}\nCMD {words}\n"
    )
}

/// A map of this one entry.
fn one(key: &str, value: Yaml) -> Yaml {
    Yaml::map([(key, value)])
}

fn service(report: &mut Report, spec: &FunctionSpec, native: &NativeSpec) -> Yaml {
    let seconds = spec.limits().wall_ms.div_ceil(1000).clamp(1, TIMEOUT_MAX);
    let container = container(report, spec, native);
    let mut template = Vec::new();
    if let Some(count) = native.provisioned.filter(|count| *count > 0) {
        let annotation = one("autoscaling.knative.dev/min-scale", Yaml::text(count.to_string()));
        template.push(("metadata".to_owned(), one("annotations", annotation)));
    }
    template.push((
        "spec".to_owned(),
        Yaml::map([
            ("containerConcurrency", Yaml::Number(native.parallel.unwrap_or(1).into())),
            ("timeoutSeconds", Yaml::Number(seconds)),
            ("containers", Yaml::List(vec![container])),
        ]),
    ));
    let metadata = metadata(report, spec);
    Yaml::map([
        ("apiVersion", Yaml::text("serving.knative.dev/v1")),
        ("kind", Yaml::text("Service")),
        ("metadata", metadata),
        ("spec", one("template", Yaml::Map(template))),
    ])
}

/// The service's name, and who may call it.
fn metadata(report: &mut Report, spec: &FunctionSpec) -> Yaml {
    let cloud_run = report.to == Platform::Cloudrun;
    let public = spec.http.iter().any(|it| it.auth.is_public());
    let mut metadata = vec![("name".to_owned(), Yaml::text(spec.name.as_str()))];
    let mut labels = vec![(PART_OF.to_owned(), Yaml::text(&report.application))];
    if cloud_run {
        let ingress = one("run.googleapis.com/ingress", Yaml::text("all"));
        metadata.push(("annotations".to_owned(), ingress));
    } else if !public {
        // There, everybody in the cluster may call it, and nobody outside.
        labels.push(("networking.knative.dev/visibility".to_owned(), Yaml::text("cluster-local")));
    }
    metadata.push(("labels".to_owned(), Yaml::Map(labels)));
    if cloud_run && public {
        let name = &spec.name;
        report.left(
            spec,
            format!(
                "`auth = \"public\"`: `gcloud run services add-iam-policy-binding {name} \
                 --member allUsers --role roles/run.invoker`"
            ),
        );
    }
    if let Some(route) = spec.http.first() {
        let more = if spec.http.len() > 1 { " and others" } else { "" };
        let what = format!(
            "its routes (`{}`{more}): there it has a host of its own, and every path of it",
            route.route
        );
        report.left(spec, what);
    }
    Yaml::Map(metadata)
}

fn container(report: &mut Report, spec: &FunctionSpec, native: &NativeSpec) -> Yaml {
    let cloud_run = report.to == Platform::Cloudrun;
    let least = if cloud_run { MEMORY_MIN } else { 1 };
    let bytes = spec.limits().memory_bytes;
    if bytes < least << 20 {
        report.left(spec, format!("`memory`: {} is the least there", Size::mib(least)));
    }
    let memory = Yaml::text(format!("{}Mi", bytes.div_ceil(1 << 20).max(least)));
    let port = one("containerPort", Yaml::Number(native.port.unwrap_or(8080).into()));
    let mut all = vec![
        ("image".to_owned(), Yaml::text(format!("REGISTRY/{}:latest", spec.name))),
        ("ports".to_owned(), Yaml::List(vec![port])),
        ("resources".to_owned(), one("limits", one("memory", memory))),
    ];
    let variables = variables(report, spec);
    if !variables.is_empty() {
        all.push(("env".to_owned(), Yaml::List(variables)));
    }
    if let Some(path) = native.server.as_ref().and_then(|server| server.probe.clone()) {
        let key = if cloud_run { "startupProbe" } else { "readinessProbe" };
        all.push((key.to_owned(), one("httpGet", one("path", Yaml::text(path)))));
    }
    if !cloud_run {
        let closed = Yaml::map([
            ("allowPrivilegeEscalation", Yaml::Truth(false)),
            ("readOnlyRootFilesystem", Yaml::Truth(true)),
            ("runAsNonRoot", Yaml::Truth(true)),
            ("capabilities", one("drop", Yaml::List(vec![Yaml::text("ALL")]))),
        ]);
        all.push(("securityContext".to_owned(), closed));
    }
    Yaml::Map(all)
}

/// Variables, and secrets by reference.
fn variables(report: &mut Report, spec: &FunctionSpec) -> Vec<Yaml> {
    let mut all = Vec::new();
    for (name, value) in spec.environment.iter().chain(spec.config.iter()) {
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name != "PORT" {
            all.push(Yaml::map([("name", Yaml::text(name)), ("value", Yaml::text(value))]));
        } else {
            report.left(spec, format!("variable `{name}`: there it is no name of a variable"));
        }
    }
    for name in spec.allow.secret.keys() {
        let variable = name.as_str().to_uppercase().replace('-', "_");
        let key = if report.to == Platform::Cloudrun { "latest" } else { "value" };
        let reference = Yaml::map([("name", Yaml::text(name.as_str())), ("key", Yaml::text(key))]);
        let from = Yaml::map([("secretKeyRef", reference)]);
        all.push(Yaml::map([("name", Yaml::text(variable)), ("valueFrom", from)]));
    }
    all
}
