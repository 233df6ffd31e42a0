//! A manifest of what was found, in a text that our own reader accepts.
//!
//! Invariant: a function that the reader would refuse is left out with what the reader says of it;
//! the text as a whole is read once more before anybody gets it.

mod text;

use super::Imported;
use super::draft::{Draft, Import, Route, Variable, shown};
use super::plain::Seeker;
use super::report::{Asked, Became, Report};
use crate::manifest;
use model::manifest::Environment;
use model::{ApplicationName, Code, Problem, SecretName};
use std::collections::{BTreeMap, BTreeSet};

/// A function as it is written.
struct Part {
    text: String,
    became: Became,
}

/// What is common to all functions while they are written.
struct Writing {
    seeker: Seeker,
    /// Shapes of routes that are taken, with their methods.
    taken: BTreeSet<(String, String)>,
    secrets: BTreeMap<SecretName, Asked>,
}

/// Writes the manifest and the report.
///
/// # Errors
/// E0158: no function is left.
pub(super) fn written(mut import: Import) -> Result<Imported, Problem> {
    let application = application(&import)?;
    let mut writing =
        Writing { seeker: Seeker::new(), taken: BTreeSet::new(), secrets: BTreeMap::new() };
    let names: BTreeMap<String, String> =
        import.drafts.iter().map(|draft| (draft.was.clone(), draft.name.to_string())).collect();
    let mut parts = Vec::new();
    for draft in std::mem::take(&mut import.drafts) {
        import.about = Some(shown(&draft.was));
        parts.extend(part(&mut import, draft, &mut writing, &names));
    }
    let mut text = text::head(&import, &application);
    parts.iter().for_each(|part| text.push_str(&part.text));
    let accepted = manifest::accepted(manifest::FILE_NAME, &text);
    for noted in import.granted.iter_mut().chain(&mut import.lacks).chain(&mut import.notes) {
        noted.what = writing.seeker.covered(std::mem::take(&mut noted.what));
    }
    if parts.is_empty() {
        return Err(nothing(&import));
    }
    accepted.map_err(|problem| {
        let why = problem.detail.unwrap_or_default();
        Problem::new(Code::NothingToImport).detail(format!("{}: {why}", import.file))
    })?;
    let report = Report {
        format: import.format,
        file: import.file,
        application: application.to_string(),
        functions: parts.into_iter().map(|part| part.became).collect(),
        over_granted: import.granted,
        left_out: import.lacks,
        notes: import.notes,
        secrets: writing.secrets.into_values().collect(),
    };
    Ok(Imported { text, report })
}

fn application(import: &Import) -> Result<ApplicationName, Problem> {
    let was = &import.application;
    super::name::allowed(was, |name| ApplicationName::parse(name).ok()).ok_or_else(|| {
        let why = format!("`{}` is no name of an application, nor is any near it", shown(was));
        Problem::new(Code::NothingToImport).detail(why).hint("name it with `--application NAME`")
    })
}

fn nothing(import: &Import) -> Problem {
    let of = |noted: &super::draft::Noted| {
        let function =
            noted.function.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
        format!("{}: {function}{}", noted.place, noted.what)
    };
    let why: Vec<String> = import.lacks.iter().take(20).map(of).collect();
    let why = if why.is_empty() {
        format!("{}: it has no functions", import.file)
    } else {
        why.join("; ")
    };
    Problem::new(Code::NothingToImport).detail(why)
}

/// Writes one function, if the reader takes it.
fn part(
    import: &mut Import,
    mut draft: Draft,
    writing: &mut Writing,
    names: &BTreeMap<String, String>,
) -> Option<Part> {
    if writing.seeker.is_told(&draft.command) {
        import.lack(
            draft.line,
            "a secret stands in its command: give it as a variable, and import it again",
        );
        return None;
    }
    routes(import, &mut draft, writing);
    let (environment, secrets) = environment(import, &draft, &writing.seeker);
    if let Some(worker) = &mut draft.worker {
        worker.json.retain(|name| environment.contains_key(name));
    }
    let asks = asks(import, &draft, names, &secrets);
    let text = text::function(&draft, &environment, &asks);
    let alone = format!("manifest = 1\napplication = \"imported\"\n{text}");
    if let Err(problem) = manifest::accepted(manifest::FILE_NAME, &alone) {
        let why = problem.detail.unwrap_or_default();
        // The line is one of a text that nobody sees.
        let why = why.splitn(3, ':').nth(2).unwrap_or(&why).trim().to_owned();
        import.lack(draft.line, format!("it is not in the manifest: {}", shown_long(&why)));
        return None;
    }
    for (name, variable) in secrets {
        let command = format!("casemate secret set {name} --file FILE");
        let new = || Asked { secret: name.to_string(), variable, functions: vec![], command };
        writing
            .secrets
            .entry(name.clone())
            .or_insert_with(new)
            .functions
            .push(draft.name.to_string());
    }
    let became = Became {
        name: draft.name.to_string(),
        was: shown(&draft.was),
        place: format!("{}:{}", import.file, draft.line),
        contract: draft.contract,
        paths: std::iter::once(draft.code).chain(draft.layers).collect(),
        source: draft.source,
        build: draft.build,
        interpreter: draft.interpreter,
        handler: draft.handler,
        routes: draft.routes.iter().map(text::route_and_who).collect(),
        asks: asks.lines(),
    };
    Some(Part { text, became })
}

fn shown_long(text: &str) -> String {
    crate::voice::safe(&text.chars().take(300).collect::<String>()).into_owned()
}

/// Leaves out routes that are none of ours, or another function's.
fn routes(import: &mut Import, draft: &mut Draft, writing: &mut Writing) {
    for route in std::mem::take(&mut draft.routes) {
        match model::route::Route::parse(&route.route) {
            Err(error) => {
                import.lack(draft.line, format!("route {}", shown_long(&error.to_string())))
            }
            Ok(parsed) => {
                if writing.taken.insert((parsed.method.clone(), parsed.shape())) {
                    draft.routes.push(Route { route: parsed.to_string(), ..route });
                } else {
                    import
                        .lack(draft.line, format!("route `{parsed}`: another function answers it"));
                }
            }
        }
    }
}

type Secrets = Vec<(SecretName, String)>;

/// The variables that are no secrets, and those that are.
fn environment(
    import: &mut Import,
    draft: &Draft,
    seeker: &Seeker,
) -> (BTreeMap<String, String>, Secrets) {
    let mut plain = BTreeMap::new();
    let mut secrets: Secrets = Vec::new();
    for (name, (line, variable)) in &draft.environment {
        let short = shown(name);
        let why = match variable {
            Variable::Value(value) => match seeker.why(name, value) {
                Some(why) => why,
                None if Environment::from_iter([(name, value)]).is_fit() => {
                    plain.insert(name.clone(), value.clone());
                    continue;
                }
                None => {
                    import.lack(*line, format!("variable `{short}` is none here"));
                    continue;
                }
            },
            Variable::Secret => String::new(),
            // Whatever it is, it is one.
            Variable::Unknown(_) if super::plain::is_named(name) => String::new(),
            Variable::Unknown(what) => {
                import.lack(*line, format!("variable `{short}` is {what}, which the file does not say: write it below `[function.environment]`"));
                continue;
            }
        };
        let secret = super::name::allowed(name, |name| SecretName::parse(name).ok());
        let Some(secret) = secret.filter(|secret| secrets.iter().all(|(taken, _)| taken != secret))
        else {
            import.lack(
                *line,
                format!(
                    "variable `{short}` looks like a secret, and no secret's name is near its own"
                ),
            );
            continue;
        };
        if why.is_empty() {
            import.note(*line, format!("variable `{short}` is a secret: it reads `secret.{secret}`, once that is granted"));
        } else {
            import.grant(*line, format!("variable `{short}` holds a secret in plain text ({why}): whoever reads the file or the function's configuration has it; replace it, and say with `to` where it goes, so that not even the function holds it (docs/guides/secrets.md)"));
        }
        let here = secret.as_str().to_uppercase().replace('-', "_");
        if here != *name {
            import.note(*line, format!("the function finds `{short}` as `{here}` here"));
        }
        secrets.push((secret, short));
    }
    (plain, secrets)
}

/// What a function asks for.
#[derive(Debug, Default)]
struct Asks {
    http: BTreeSet<String>,
    invoke: BTreeSet<String>,
    keyvalue: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Asks {
    /// Each as a line of the manifest's.
    fn lines(&self) -> Vec<String> {
        let http = self.http.iter().map(|target| format!("allow.http = [\"{target}\"]"));
        let invoke = self.invoke.iter().map(|name| format!("allow.invoke = [\"{name}\"]"));
        let secrets =
            self.secrets.iter().map(|name| format!("allow.secret.{name} = {{ reveal = true }}"));
        let stores =
            self.keyvalue.iter().map(|name| format!("allow.keyvalue.{name} = \"read-write\""));
        http.chain(invoke).chain(stores).chain(secrets).collect()
    }
}

/// Services of AWS whose calls are all `POST /`, by what actions call them.
const SERVICES: &[&str] =
    &["dynamodb", "events", "kinesis", "kms", "secretsmanager", "sns", "sqs", "ssm", "states"];

fn asks(
    import: &mut Import,
    draft: &Draft,
    names: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Asks {
    let mut asks = Asks::default();
    let region = import.region.clone();
    for service in &draft.services {
        let known = SERVICES.iter().find(|known| service.starts_with(**known));
        match known {
            Some(known) => {
                asks.http.insert(format!("POST https://{known}.{region}.amazonaws.com/"));
            }
            None if matches!(service.as_str(), "lambda" | "lambdainvoke") => {}
            None => {
                let what = format!(
                    "what it may do with the service `{service}`: name its address in `allow.http`"
                );
                import.lack(draft.line, what);
            }
        }
    }
    for (method, bucket) in &draft.buckets {
        let (bucket, path) = bucket.split_once('/').unwrap_or((bucket, ""));
        let target = format!("{method} https://{bucket}.s3.{region}.amazonaws.com/{path}");
        let who = format!("function:{}", draft.name);
        if bucket.is_empty()
            || bucket.contains('*')
            || model::Grant::parse(&who, "http", &target).is_err()
        {
            import.lack(
                draft.line,
                format!(
                    "what it may do with the bucket `{}`: name its address in `allow.http`",
                    shown(bucket)
                ),
            );
        } else {
            asks.http.insert(target);
        }
    }
    if !asks.http.is_empty() {
        import.note(draft.line, format!("AWS is asked in `{region}`, and there is no role that credentials would come from: docs/guides/secrets.md has the platform sign"));
    }
    for called in &draft.calls {
        match names.get(called) {
            Some(name) => {
                asks.invoke.insert(name.clone());
            }
            None => import.lack(
                draft.line,
                format!("it may call `{}`, which is no function here", shown(called)),
            ),
        }
    }
    if !asks.invoke.is_empty() && draft.worker.is_none() {
        import.note(draft.line, "other functions are called as `http://NAME.fn.casemate.internal/` here, not by AWS's SDK");
    }
    asks.keyvalue.extend(draft.stores.iter().cloned());
    asks.secrets.extend(secrets.iter().map(|(name, _)| name.to_string()));
    asks
}
