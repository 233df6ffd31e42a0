//! Native functions before they run: their packages and layers are there, whole, and stay.

use super::rig::{Rig, answer, manifest, rig_with};
use crate::Config;
use model::api::{DeployRequest, Interpreter};
use model::listing::{File, Listing, Root, VERSION};
use model::manifest::ImageConfig;
use model::{Code, Digest, Problem, Scope};
use ports::Artifacts as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3601);

/// A machine with two interpreters.
#[derive(Debug)]
struct Python;

impl ports::Interpreters for Python {
    fn list(&self) -> ports::Future<'_, Vec<Interpreter>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn check<'a>(&'a self, name: &'a str) -> ports::Future<'a, Result<Option<String>, Problem>> {
        Box::pin(std::future::ready(match name {
            "python3" => Ok(None),
            "workerd" => Ok(Some("2026-11-17".to_owned())),
            _ => Err(Problem::new(Code::InterpreterMissing).detail(name)),
        }))
    }
}

async fn machine() -> Rig {
    let config = Config { interpreters: Some(Arc::new(Python)), ..Config::default() };
    rig_with(config, &[], |_| answer()).await
}

fn file(path: &str, text: &str) -> File {
    let chunks = if text.is_empty() { vec![] } else { vec![audit::digest(text.as_bytes())] };
    File { path: path.to_owned(), size: text.len() as u64, chunks, executable: true }
}

/// Sends files and their list, and gives its digest.
pub(super) async fn send(rig: &Rig, files: &[(&str, &str)]) -> Digest {
    let mut bundle = Vec::new();
    for (_, text) in files.iter().filter(|(_, text)| !text.is_empty()) {
        model::bundle::add(&mut bundle, &audit::digest(text.as_bytes()), text.as_bytes());
    }
    let listed = files.iter().map(|(path, text)| file(path, text)).collect();
    let list = Listing { v: VERSION, files: listed, root: None }.bytes();
    model::bundle::add(&mut bundle, &audit::digest(&list), &list);
    rig.engine.put_bundle(bundle.into()).await.expect("kept");
    audit::digest(&list)
}

async fn deploy(rig: &Rig, name: &str, native: &str, package: Digest) -> Result<(), Problem> {
    let spec = format!(r#"{{"name":"{name}","runtime":"native","native":{{{native}}}}}"#);
    let request = DeployRequest { manifest: manifest(name, &spec, package), grant: false };
    rig.engine.deploy(&Scope::default(), "operator", request, None).await.map(drop)
}

async fn code(rig: &Rig, native: &str, package: Digest) -> Option<Code> {
    deploy(rig, "f", native, package).await.err().map(|problem| problem.code)
}

#[tokio::test(start_paused = true)]
async fn packages_and_layers_are_prepared_once_and_kept() {
    let rig = machine().await;
    let package = send(&rig, &[("bootstrap", "run"), ("empty", "")]).await;
    let layers = send(&rig, &[("lib/a.so", "shared")]).await;
    let unused = send(&rig, &[("old", "unused")]).await;
    let native = format!(r#""contract":"lambda","layers_digest":"{layers}""#);
    deploy(&rig, "f", &native, package).await.expect("deployed");
    deploy(&rig, "g", &native, package).await.expect("deployed");
    assert_eq!(rig.executor.prepares.load(Ordering::Relaxed), 2, "the package and the layers");
    rig.clock.forward(HOUR);
    rig.clock.forward(HOUR);
    rig.engine.sweep().await.expect("swept");
    for (digest, stays) in [
        (package, true),
        (layers, true),
        (audit::digest(b"run"), true),
        (audit::digest(b"shared"), true),
        (unused, false),
        (audit::digest(b"unused"), false),
    ] {
        assert_eq!(rig.artifacts.contains(digest).await.expect("read"), stays, "{digest}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_cannot_be_laid_out_is_refused() {
    let rig = machine().await;
    let whole = send(&rig, &[("bootstrap", "run")]).await;
    let clash = send(&rig, &[("a", "1"), ("a/b", "2")]).await;
    let lambda = r#""contract":"lambda""#;
    assert_eq!(code(&rig, lambda, audit::digest(b"nothing")).await, Some(Code::ArtifactMissing));
    assert_eq!(code(&rig, lambda, audit::digest(b"run")).await, Some(Code::PackageList));
    assert_eq!(code(&rig, lambda, clash).await, Some(Code::PackageList));
    let with_layers = |digest| format!(r#""contract":"lambda","layers_digest":"{digest}""#);
    assert_eq!(code(&rig, &with_layers(clash), whole).await, Some(Code::PackageList));
    let raw = r#""contract":"lambda","layers":["dir"]"#;
    assert_eq!(code(&rig, raw, whole).await, Some(Code::ArtifactMissing));

    let list = Listing { v: VERSION, files: vec![file("a", "not sent")], root: None }.bytes();
    let lacking = audit::digest(&list);
    rig.engine.put_artifact(lacking, list.into()).await.expect("kept");
    assert_eq!(code(&rig, lambda, lacking).await, Some(Code::ArtifactMissing));
    assert_eq!(rig.executor.prepares.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_interpreter_is_named_and_programs_are_for_packages_only() {
    let rig = machine().await;
    let package = send(&rig, &[("app.py", "run")]).await;
    let with = |name: &str| {
        format!(r#""contract":"lambda","interpreter":"{name}","handler":"app.handler""#)
    };
    assert_eq!(code(&rig, &with("node"), package).await, Some(Code::InterpreterMissing));
    assert_eq!(code(&rig, &with("python3"), package).await, None);

    let text = format!(
        r#"{{"manifest":1,"application":"site","assets":[{{"digest":"{package}","route":"/"}}]}}"#
    );
    let manifest = serde_json::from_str(&text).expect(&text);
    let request = DeployRequest { manifest, grant: false };
    let refused = rig.engine.deploy(&Scope::default(), "operator", request, None).await;
    assert_eq!(refused.expect_err("refused").code, Code::AssetList);
}

#[tokio::test(start_paused = true)]
async fn a_workers_modules_and_its_day_are_looked_at() {
    let rig = machine().await;
    let worker = |more: &str| {
        let worker = format!(r#""worker":{{"compatibility_date":{more}}}"#);
        format!(r#""contract":"workers","interpreter":"workerd",{worker}"#)
    };
    let good = send(&rig, &[("a\"b.css", "x"), ("index.js", "export default {}")]).await;
    let other = send(&rig, &[("main.js", "export default {}")]).await;
    let odd = send(&rig, &[("a\"b.js", "x"), ("index.js", "export default {}")]).await;
    let now = r#""2026-11-01""#;
    assert_eq!(code(&rig, &worker(now), good).await, None);
    assert_eq!(code(&rig, &worker(now), other).await, Some(Code::WorkerMain));
    assert_eq!(code(&rig, &worker(r#""2026-11-01","main":"main.js""#), other).await, None);
    assert_eq!(code(&rig, &worker(now), odd).await, Some(Code::WorkerModule));
    assert_eq!(code(&rig, &worker(r#""2027-01-01""#), good).await, Some(Code::WorkerDate));
    assert_eq!(code(&rig, &worker(r#""yesterday""#), good).await, Some(Code::WorkerDate));
    let flags = r#""2026-11-01","compatibility_flags":["experimental"]"#;
    assert_eq!(code(&rig, &worker(flags), good).await, Some(Code::WorkerFlag));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_a_jails_root_is_refused_before_it_is_deployed() {
    let rig = machine().await;
    let image = |paths: &[&str], directory: &str| {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        let files = paths.iter().map(|path| file(path, "text")).collect();
        let list = Listing { v: VERSION, files, root: Some(Root::default()) }.bytes();
        let here = ImageConfig::here();
        let config = format!(r#"{{"architecture":"{here}","directory":"{directory}"}}"#);
        (list, format!(r#""contract":"http","command":["/run"],"image_config":{config}"#))
    };
    let mut codes = Vec::new();
    for (paths, directory) in [
        (&["run", "app/x"][..], "/app"),
        (&["run"], "/app"),
        (&["run", "app"], "/app"),
        (&["run", "var"], "/"),
        (&["run", "etc"], "/"),
    ] {
        let (list, native) = image(paths, directory);
        let mut bundle = Vec::new();
        model::bundle::add(&mut bundle, &audit::digest(b"text"), b"text");
        model::bundle::add(&mut bundle, &audit::digest(&list), &list);
        rig.engine.put_bundle(bundle.into()).await.expect("kept");
        codes.push(code(&rig, &native, audit::digest(&list)).await);
    }
    let unfit = Some(Code::ImageUnfit);
    assert_eq!(codes, [None, unfit, unfit, unfit, unfit]);
}
