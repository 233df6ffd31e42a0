//! The environment of a process that speaks AWS Lambda's contract.
//!
//! Later ones win: what is proposed, by the contract and by an image, the manifest's `config`, its
//! `environment`, placeholders of secrets, and what the contract reserves.

use super::facts::{REGION, VERSION, handler};
use ports::executor::Unit;
use std::collections::BTreeMap;

/// What is known of a process beside its unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// Where the Runtime API is, as `HOST:PORT`.
    pub(crate) runtime_api: String,
    /// Where the package is: `/var/task` in a jail.
    pub(crate) task: String,
    /// Names and placeholders of secrets, which the door replaces on the way out.
    pub(crate) placeholders: Vec<(String, String)>,
    /// A name for this process, unlike that of others of its function.
    pub(crate) instance: String,
    /// Whether it was started before there was something to do.
    pub(crate) provisioned: bool,
}

/// What a process finds if nobody says otherwise: what the contract proposes, below what its image says.
pub(crate) fn proposed(
    image: impl Iterator<Item = (String, String)>,
) -> impl Iterator<Item = (String, String)> {
    proposals().chain(image).filter(|(name, _)| !is_reserved(name))
}

/// What the manifest and the contract say of a process's environment, in the order of the names.
pub(crate) fn environment(unit: &Unit, around: &Around) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let config = unit.config.iter().filter(|(name, _)| is_name(name));
    all.extend(config.map(|(name, value)| (name.clone(), value.clone())));
    all.extend(unit.around.environment.iter().cloned());
    all.extend(around.placeholders.iter().filter(|(name, _)| is_name(name)).cloned());
    all.retain(|name, _| !is_reserved(name));
    all.extend(reserved(unit, around));
    all.into_iter().collect()
}

/// What a function may say otherwise.
fn proposals() -> impl Iterator<Item = (String, String)> {
    [
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("HOME", "/tmp"),
        ("LANG", "en_US.UTF-8"),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("TZ", ":UTC"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// What the contract says of the process itself, and nobody else may.
fn reserved(unit: &Unit, around: &Around) -> Vec<(String, String)> {
    let native = unit.around.native.as_ref();
    let function = unit.function.name.to_string();
    let memory = (unit.limits.memory_bytes >> 20).to_string();
    let start = if around.provisioned { "provisioned-concurrency" } else { "on-demand" };
    let version = match unit.around.version {
        Some(number) => number.to_string(),
        None => VERSION.to_owned(),
    };
    let stream = format!("[{version}]{}", around.instance);
    let mut all = vec![
        ("_HANDLER", handler(native)),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
        ("AWS_LAMBDA_FUNCTION_VERSION", version),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", start.to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_RUNTIME_API", around.runtime_api.clone()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("LAMBDA_TASK_ROOT", around.task.clone()),
    ];
    if let Some(parallel) = native.and_then(|native| native.parallel).filter(|&many| many > 1) {
        all.push(("AWS_LAMBDA_MAX_CONCURRENCY", parallel.to_string()));
    }
    if let Some(interpreter) = native.and_then(|native| native.interpreter.as_deref()) {
        all.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", runtime(interpreter))));
    }
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An interpreter under AWS's name for it.
fn runtime(interpreter: &str) -> String {
    match interpreter.strip_prefix("node") {
        Some("") => "nodejs".to_owned(),
        Some(version) => format!("nodejs{version}.x"),
        None => interpreter.to_owned(),
    }
}

/// Whether only the platform says it. AWS reserves region and keys too; here there is no role that
/// they would come from, so that functions may bring their own.
fn is_reserved(name: &str) -> bool {
    let of_user = ["AWS_LAMBDA_EXEC_WRAPPER", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"];
    let exact = [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_EXECUTION_ENV",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ];
    exact.contains(&name)
        || name.starts_with("_LAMBDA_")
        || (name.starts_with("AWS_LAMBDA_") && !of_user.contains(&name))
}

/// Whether it is a variable that shells and programs can read; other names of `config` are not put in.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::super::tests::unit;
    use super::*;
    use std::collections::HashMap;

    fn made(unit: &Unit, around: &Around) -> HashMap<String, String> {
        proposed(std::iter::empty()).chain(environment(unit, around)).collect()
    }

    fn text(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_process_is_told_what_the_contract_says() {
        let around = Around {
            runtime_api: "127.0.0.1:9001".to_owned(),
            task: "/var/task".to_owned(),
            instance: "7".to_owned(),
            ..Around::default()
        };
        let all = made(&unit(|_| ()), &around);
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("_HANDLER", "app.handler"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "[$LATEST]7"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11"),
            ("TZ", ":UTC"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!all.contains_key("AWS_LAMBDA_MAX_CONCURRENCY"));
    }

    #[test]
    fn later_ones_win_and_nobody_says_what_is_reserved() {
        let unit = unit(|unit| {
            let config =
                r#"{"A":"config","B":"config","C":"config","a.b":"config","_HANDLER":"x"}"#;
            unit.config = serde_json::from_str(config).expect("a config");
            let around = std::sync::Arc::get_mut(&mut unit.around).expect("alone");
            around.environment = vec![
                text("B", "environment"),
                text("C", "environment"),
                text("TZ", "Europe/Vienna"),
                text("AWS_REGION", "eu-central-1"),
                text("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                text("AWS_LAMBDA_RUNTIME_API", "evil:80"),
                text("_LAMBDA_TELEMETRY_LOG_FD", "3"),
            ];
        });
        let around = Around {
            runtime_api: "127.0.0.1:9001".to_owned(),
            placeholders: vec![text("C", "placeholder"), text("AWS_LAMBDA_FUNCTION_NAME", "evil")],
            ..Around::default()
        };
        let all = made(&unit, &around);
        for (name, value) in [
            ("A", "config"),
            ("B", "environment"),
            ("C", "placeholder"),
            ("TZ", "Europe/Vienna"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            ("_HANDLER", "app.handler"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!all.contains_key("a.b") && !all.contains_key("_LAMBDA_TELEMETRY_LOG_FD"));
        let image = [text("TZ", "image"), text("X", "image"), text("AWS_LAMBDA_RUNTIME_API", "x")];
        let below: HashMap<_, _> = proposed(image.into_iter()).collect();
        assert_eq!((below["TZ"].as_str(), below["X"].as_str()), ("image", "image"));
        assert!(!below.contains_key("AWS_LAMBDA_RUNTIME_API"), "an image says as little of it");
    }
}
