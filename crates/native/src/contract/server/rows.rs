//! The contracts.
//!
//! Sources: the platforms' public documentation, and where it says too little the code of
//! functions-framework, of-watchdog, azure-functions-host and kubeless. Where one of them leaves a
//! value open, it is said beside it.

use super::facts::Fact::{
    Endpoint, Fixed, Function, Handler, Instance, Memory, MemoryMib, Method, Module, Port,
    Revision, RevisionName, Root, Runtime, Signature, Source, Target, Tenant, Timeout,
    TimeoutSeconds,
};
use super::row::Kind::{Always, Else};
use super::row::{Event, Form, Paths, Ready, Row, Signal, Stop};
use super::said::Said;
use crate::workerd;
use model::manifest::Contract;
use std::time::Duration;

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";
/// Cloud Run's, and of those that say nothing.
const GRACE: Stop = Stop::Terminate(Duration::from_secs(10));

/// Handlers that a server of ours calls, which is a file of the loader's.
macro_rules! hosted {
    ($platform:literal) => {
        [
            ("python", &["/var/runtime/shim.py", $platform]),
            ("node", &["/var/runtime/shim.mjs", $platform]),
        ]
    };
}

/// A server of which nothing is known but that it listens on `PORT`.
pub(super) const PLAIN: Row = Row {
    root: "/workspace",
    port: 8080,
    entries: &[],
    environment: &[("PORT", Port)],
    reserved: &[],
    said: &[],
    paths: Paths::AsIs,
    event: Event { path: "/", kind: Else(JSON) },
    ready: Ready::Listening,
    stop: GRACE,
    signals: &[],
    kept_back: &[],
    tells: None,
    form: Form::Plain,
};

const CLOUD_RUN: Row = Row {
    environment: &[
        ("PORT", Port),
        ("K_SERVICE", Function),
        ("K_REVISION", RevisionName),
        ("K_CONFIGURATION", Function),
    ],
    reserved: &["x-cloud-trace-context"],
    said: &[("x-cloud-trace-context", Said::CloudTrace)],
    ..PLAIN
};

const FUNCTIONS_FRAMEWORK: Row = Row {
    entries: &[
        ("python", &["-m", "functions_framework"]),
        ("node", &["node_modules/@google-cloud/functions-framework/build/src/main.js"]),
    ],
    environment: &[
        ("PORT", Port),
        ("FUNCTION_TARGET", Target),
        ("FUNCTION_SOURCE", Source),
        ("FUNCTION_SIGNATURE_TYPE", Signature),
        ("CLOUD_RUN_TIMEOUT_SECONDS", TimeoutSeconds),
        ("K_SERVICE", Function),
        ("K_REVISION", RevisionName),
        ("K_CONFIGURATION", Function),
    ],
    reserved: &["x-cloud-trace-context", "function-execution-id"],
    said: &[
        ("x-cloud-trace-context", Said::CloudTrace),
        ("function-execution-id", Said::Invocation),
    ],
    signals: &[Signal::There("x-google-status")],
    ..PLAIN
};

const KNATIVE: Row = Row {
    environment: CLOUD_RUN.environment,
    said: &[("k-original-host", Said::Host)],
    stop: Stop::Drain,
    ..PLAIN
};

/// The function's own server, or an of-watchdog that the package brings: both listen on a port.
const OPENFAAS: Row = Row {
    root: "/home/app",
    entries: &hosted!("openfaas"),
    environment: &[
        ("PORT", Port),
        ("CASEMATE_HANDLER", Handler),
        ("mode", Fixed("http")),
        ("exec_timeout", Timeout),
        ("read_timeout", Timeout),
        ("write_timeout", Timeout),
    ],
    reserved: &["x-call-id", "x-start-time", "x-duration-seconds", "x-openfaas-*", "x-served-by"],
    said: &[("x-call-id", Said::Invocation), ("x-start-time", Said::StartNanos)],
    paths: Paths::WithoutFunction,
    event: Event { path: "/", kind: Else(OCTETS) },
    stop: Stop::Drain,
    signals: &[Signal::There("x-openfaas-internal")],
    ..PLAIN
};

/// Credentials (`x-fc-access-key-*`, `x-fc-security-token`) are never sent.
const ALIBABA: Row = Row {
    root: "/code",
    port: 9000,
    entries: &hosted!("alibaba"),
    environment: &[
        ("FC_CUSTOM_LISTEN_PORT", Port),
        ("FC_SERVER_PORT", Port),
        ("FC_FUNC_CODE_PATH", Root),
        ("FC_ACCOUNT_ID", Tenant),
        ("FC_REGION", Fixed("local")),
        ("FC_FUNCTION_NAME", Function),
        ("FC_FUNCTION_HANDLER", Handler),
        ("FC_FUNCTION_MEMORY_SIZE", MemoryMib),
        ("FC_FUNCTION_VERSION", Revision),
        ("FC_QUALIFIER", Fixed("LATEST")),
        ("FC_INSTANCE_ID", Instance),
    ],
    reserved: &["x-fc-*"],
    said: &[
        ("x-fc-request-id", Said::Invocation),
        ("x-fc-control-path", Said::ControlPath),
        ("x-fc-function-name", Said::Fact(Function)),
        ("x-fc-function-handler", Said::Fact(Handler)),
        ("x-fc-function-memory", Said::Fact(MemoryMib)),
        ("x-fc-function-timeout", Said::Fact(TimeoutSeconds)),
        ("x-fc-region", Said::Fact(Fixed("local"))),
        ("x-fc-account-id", Said::Fact(Tenant)),
        ("x-fc-qualifier", Said::Fact(Fixed("LATEST"))),
        ("x-fc-version-id", Said::Fact(Revision)),
        ("x-fc-instance-id", Said::Fact(Instance)),
    ],
    event: Event { path: "/invoke", kind: Always(OCTETS) },
    signals: &[Signal::Not("x-fc-status", "200")],
    kept_back: &["x-fc-*"],
    tells: Some(("x-fc-error-type", "HandledInvocationError")),
    ..PLAIN
};

const AZURE: Row = Row {
    entries: &hosted!("azure"),
    environment: &[
        ("CASEMATE_HANDLER", Handler),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", Port),
        ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", Instance),
        ("FUNCTIONS_HTTPWORKER_PORT", Port),
        ("FUNCTIONS_HTTPWORKER_ID", Instance),
        ("FUNCTIONS_APP_ROOT_PATH", Root),
    ],
    reserved: &["x-azure-functions-*"],
    said: &[
        ("x-azure-functions-invocationid", Said::Invocation),
        ("x-azure-functions-hostversion", Said::Fact(Fixed("4.0.0"))),
        ("user-agent", Said::Agent("Azure-Functions-Host/4.0.0")),
    ],
    event: Event { path: "/", kind: Always(JSON) },
    ready: Ready::Answers,
    stop: Stop::Kill,
    form: Form::Azure,
    ..PLAIN
};

/// Its time to end is not documented.
const LAMBDA_WEB: Row = Row {
    root: "/var/task",
    port: 3000,
    entries: &[("node", &["index.js"])],
    environment: &[
        ("AWS_LAMBDA_HTTP_ENDPOINT", Endpoint),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", Fixed("native-http")),
    ],
    reserved: &["lambda-web-*", "x-real-ip", "x-http-method-override*"],
    said: &[
        ("lambda-web-request-id", Said::Invocation),
        ("lambda-web-endpoint-name", Said::Fact(Function)),
    ],
    // Where aws-lambda-web-adapter sends what is no request.
    event: Event { path: "/events", kind: Else(JSON) },
    stop: Stop::Terminate(Duration::from_secs(2)),
    signals: &[Signal::There("lambda-web-error-type")],
    ..PLAIN
};

const KUBELESS: Row = Row {
    root: "/kubeless",
    entries: &hosted!("kubeless"),
    environment: &[
        ("FUNC_PORT", Port),
        ("MOD_NAME", Module),
        ("FUNC_HANDLER", Method),
        ("FUNC_TIMEOUT", TimeoutSeconds),
        ("FUNC_RUNTIME", Runtime),
        ("FUNC_MEMORY_LIMIT", Memory),
    ],
    reserved: &["event-id", "event-type", "event-time", "event-namespace"],
    said: &[
        ("event-id", Said::EventId),
        ("event-type", Said::EventType),
        ("event-time", Said::EventTime),
        ("event-namespace", Said::EventSource),
    ],
    ready: Ready::Probe("/healthz"),
    stop: Stop::Kill,
    ..PLAIN
};

/// Its server is told its code, and then called.
const OPENWHISK: Row = Row {
    entries: &hosted!("openwhisk"),
    environment: &[("__OW_API_HOST", Fixed(""))],
    event: Event { path: "/run", kind: Always(JSON) },
    stop: Stop::Kill,
    form: Form::Whisk,
    ..PLAIN
};

/// Its server listens on a socket and not on a port.
const FN: Row = Row {
    environment: &[
        ("FN_LISTENER", Fixed("unix:/tmp/iofs/lsnr.sock")),
        ("FN_FORMAT", Fixed("http-stream")),
        ("FN_TYPE", Fixed("sync")),
        ("FN_APP_ID", Tenant),
        ("FN_APP_NAME", Tenant),
        ("FN_FN_ID", Function),
        ("FN_FN_NAME", Function),
        ("FN_MEMORY", MemoryMib),
    ],
    event: Event { path: "/call", kind: Else(JSON) },
    stop: Stop::Kill,
    form: Form::Fn,
    ..PLAIN
};

/// The only connection to its server are its standard streams.
const IRONFUNCTIONS_HTTP: Row =
    Row { environment: &[("FORMAT", Fixed("http"))], stop: Stop::Kill, form: Form::Stdio, ..PLAIN };

/// Its runtime is told where its Worker is by a file of the platform's, and events come to a port of
/// their own.
const WORKERS: Row = Row {
    port: workerd::PORT,
    entries: &[("workerd", workerd::ARGUMENTS)],
    environment: &[],
    reserved: &["cf-*"],
    said: &[("cf-connecting-ip", Said::Client)],
    stop: Stop::Kill,
    form: Form::Worker,
    ..PLAIN
};

/// The row of a contract. None if it is no server on a port.
pub(super) fn of(contract: Contract) -> Option<&'static Row> {
    Some(match contract {
        Contract::Lambda
        | Contract::Actionloop
        | Contract::Ironfunctions
        | Contract::OpenfaasClassic
        | Contract::Cgi => return None,
        Contract::LambdaWeb => &LAMBDA_WEB,
        Contract::Http => &PLAIN,
        Contract::CloudRun => &CLOUD_RUN,
        Contract::FunctionsFramework => &FUNCTIONS_FRAMEWORK,
        Contract::Knative => &KNATIVE,
        Contract::Openfaas => &OPENFAAS,
        Contract::Alibaba => &ALIBABA,
        Contract::Azure => &AZURE,
        Contract::Kubeless => &KUBELESS,
        Contract::Openwhisk => &OPENWHISK,
        Contract::Fn => &FN,
        Contract::IronfunctionsHttp => &IRONFUNCTIONS_HTTP,
        Contract::Workers => &WORKERS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::server::row::lists;

    #[test]
    fn whatever_a_platform_says_callers_cannot_say() {
        let rows = [
            &PLAIN,
            &CLOUD_RUN,
            &FUNCTIONS_FRAMEWORK,
            &KNATIVE,
            &OPENFAAS,
            &ALIBABA,
            &AZURE,
            &LAMBDA_WEB,
            &KUBELESS,
            &OPENWHISK,
            &FN,
            &IRONFUNCTIONS_HTTP,
            &WORKERS,
        ];
        for row in rows {
            for (name, said) in row.said {
                let ours =
                    lists(row.reserved, name) || lists(super::super::request::RESERVED, name);
                assert!(ours || matches!(said, Said::Agent(_)), "{name}");
                assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok(), "{name}");
            }
        }
    }
}
