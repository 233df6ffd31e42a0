//! The environment of a function's process.
//!
//! Later ones win: what every process has, what its contract proposes, what its image says, what leads to
//! its doors, what its manifest says, what its contract says, and secrets. So an image neither changes
//! where a process sends what it asks for, nor has a name that a manifest gave away.

use super::recipe::{Process, RUNTIME_API, Revealed};
use super::rooted;
use crate::contract::{self, actionloop, lambda, server};
use crate::door;
use model::manifest::{Contract, NativeSpec};
use ports::executor::Unit;
use std::collections::BTreeMap;

/// All of it, in the order of the names.
pub(super) fn environment(
    unit: &Unit,
    native: &NativeSpec,
    process: Process<'_>,
    revealed: &[Revealed],
) -> Vec<(String, String)> {
    let mut own = said(unit, native, process);
    for (name, value) in revealed {
        if let Ok(text) = std::str::from_utf8(value.expose()) {
            own.insert(name.clone(), text.to_owned());
        }
    }
    in_capitals(&mut own, unit, revealed, |name| is_platforms(native.contract, name));
    door::environment(proposed(native), own)
}

/// Puts secrets and placeholders of secrets in as programs of other platforms look for them, too:
/// `stripe-key` as `STRIPE_KEY`, unless the manifest or the platform has that name.
fn in_capitals(
    own: &mut BTreeMap<String, String>,
    unit: &Unit,
    revealed: &[Revealed],
    is_platforms: impl Fn(&str) -> bool,
) {
    let held = unit.config.iter();
    let held = held.filter(|(name, value)| value.starts_with(&format!("secret-{name}-")));
    let names: Vec<(String, Option<String>)> = held
        .map(|(name, value)| (name.clone(), Some(value.clone())))
        .chain(revealed.iter().map(|(name, _)| (name.clone(), own.get(name).cloned())))
        .collect();
    for (name, value) in names {
        let name = name.to_uppercase().replace('-', "_");
        if let Some(value) = value.filter(|_| !is_platforms(&name)) {
            own.entry(name).or_insert(value);
        }
    }
}

/// What every process has in its environment, unless something else is said.
pub(super) fn common() -> BTreeMap<String, String> {
    let own = [
        ("HOME", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("TZ", "UTC"),
        // The files that it would write lie where nothing can be written.
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONUNBUFFERED", "1"),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What it is if neither the platform nor the manifest says otherwise.
fn proposed(native: &NativeSpec) -> BTreeMap<String, String> {
    let mut all = common();
    if native.image_config.is_some() {
        all.insert("PATH".to_owned(), rooted::PATH.to_owned());
    }
    let image = native.image_config.iter().flat_map(|config| config.environment.clone());
    if native.contract == Contract::Lambda {
        all.extend(lambda::proposed(image));
    } else {
        all.extend(image);
    }
    all
}

/// Whether a name means something already, whatever an image says.
fn is_platforms(contract: Contract, name: &str) -> bool {
    let of_lambda = || lambda::proposed(std::iter::empty()).any(|(own, _)| own == name);
    common().contains_key(name)
        || door::is_ours(name)
        || (contract == Contract::Lambda && of_lambda())
}

/// What the manifest and the contract say.
fn said(unit: &Unit, native: &NativeSpec, process: Process<'_>) -> BTreeMap<String, String> {
    if native.contract == Contract::Lambda {
        let around = lambda::Around {
            runtime_api: RUNTIME_API.to_string(),
            task: contract::TASK.to_owned(),
            instance: process.name.to_owned(),
            provisioned: process.ahead,
            ..lambda::Around::default()
        };
        return lambda::environment(unit, &around).into_iter().collect();
    }
    let config = unit.config.iter().map(|(name, value)| (name.clone(), value.clone()));
    let mut all: BTreeMap<String, String> = config.filter(|(name, _)| is_variable(name)).collect();
    all.extend(unit.around.environment.iter().cloned());
    let own = match native.contract {
        Contract::Actionloop => actionloop::environment(unit),
        _ => server::environment(unit, process.name).unwrap_or_default(),
    };
    all.extend(own);
    all
}

/// Whether a name of `config` can be one of the environment, too.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Digest, FunctionName, FunctionRef, Limits, Scope, Secret};
    use ports::executor::{Form, Program, Surroundings};
    use std::sync::Arc;

    /// What a function finds: of a contract, with an image's environment, and with what its manifest says.
    fn found(
        contract: &str,
        image: Option<&[(&str, &str)]>,
        config: &[(&str, &str)],
        revealed: &[&str],
    ) -> BTreeMap<String, String> {
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let mut spec = serde_json::json!({ "contract": contract });
        if let Some(image) = image {
            spec["image_config"] =
                serde_json::json!({ "architecture": "amd64", "environment": pairs(image) });
        }
        let native: NativeSpec = serde_json::from_value(spec).expect("a function");
        let name = FunctionName::parse("f").expect("a name");
        let config = serde_json::to_value(pairs(config)).expect("JSON");
        let around = Surroundings { native: Some(native.clone()), ..Surroundings::default() };
        let unit = Unit {
            function: Arc::new(FunctionRef { scope: Scope::default(), name }),
            revision: 1,
            program: Program { artifact: Digest([1; 32]), form: Form::Package },
            limits: Limits::default(),
            config: serde_json::from_value(config).expect("a config"),
            revealed: Vec::new(),
            around: Arc::new(around),
        };
        let secret = |name: &&str| ((*name).to_owned(), Secret::new(b"value".to_vec()));
        let revealed: Vec<Revealed> = revealed.iter().map(secret).collect();
        let process = Process { name: "1", share: 1000, ahead: false };
        environment(&unit, &native, process, &revealed).into_iter().collect()
    }

    #[test]
    fn the_platform_and_the_manifest_win_over_an_image() {
        let image = [
            ("STRIPE_KEY", "of-the-image"),
            ("PSP_KEY", "of-the-image"),
            ("HTTPS_PROXY", "http://elsewhere:1"),
            ("SSL_CERT_FILE", "/image/ca.pem"),
            ("PATH", "/image/bin"),
            ("GREETING", "image"),
            ("PLAIN", "image"),
            ("PORT", "9"),
        ];
        let config = [("GREETING", "manifest"), ("psp-key", "secret-psp-key-1f0c")];
        let all = found("http", Some(&image), &config, &["stripe-key"]);
        for (name, value) in [
            ("STRIPE_KEY", "value"),
            ("stripe-key", "value"),
            ("PSP_KEY", "secret-psp-key-1f0c"),
            ("HTTPS_PROXY", "http://127.0.0.1:3128"),
            ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
            ("PATH", "/image/bin"),
            ("GREETING", "manifest"),
            ("PLAIN", "image"),
            ("PORT", "8080"),
            ("HOME", "/tmp"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        let image = [("STRIPE_KEY", "image"), ("TZ", "image"), ("_HANDLER", "image")];
        let lambda = found("lambda", Some(&image), &[], &["stripe-key"]);
        assert_eq!((lambda["STRIPE_KEY"].as_str(), lambda["TZ"].as_str()), ("value", "image"));
        assert_ne!(lambda["_HANDLER"], "image");
    }

    #[test]
    fn a_secret_in_capitals_takes_no_name_of_the_platforms_or_the_manifests() {
        let config = [("A_KEY", "manifest"), ("http-proxy", "secret-http-proxy-1f0c")];
        let all = found("http", None, &config, &["path", "a-key", "home", "node-options"]);
        assert_eq!(all["A_KEY"], "manifest");
        assert_eq!(all["HTTP_PROXY"], "http://127.0.0.1:3128");
        assert_eq!((&all["PATH"], all["HOME"].as_str()), (&common()["PATH"], "/tmp"));
        assert!(!all["NODE_OPTIONS"].contains("value"), "{all:?}");
        let lambda = found("lambda", None, &[], &["aws-region"]);
        assert_ne!(lambda["AWS_REGION"], "value");
        assert_eq!(found("http", Some(&[]), &[], &[])["PATH"], rooted::PATH);
        let own = found("http", Some(&[("PATH", "/image")]), &[("PATH", "/manifest")], &[]);
        assert_eq!(own["PATH"], "/manifest", "and programs are looked for there");
    }
}
