//! What goes when nothing refers to it, and what must stay.

use super::rig::{COMPONENT, Rig, answer, manifest, rig};
use crate::Swept;
use bytes::Bytes;
use model::api::DeployRequest;
use model::listing::{File, Listing, VERSION};
use model::{Code, Digest, Manifest, Scope};
use ports::Artifacts as _;
use std::sync::Arc;
use std::time::Duration;

const A: &str = r#"{"name":"a","http":[{"route":"GET /a","auth":"public"}]}"#;
const HOUR: Duration = Duration::from_secs(3601);

async fn put(rig: &Rig, component: &'static [u8]) -> Digest {
    let digest = audit::digest(component);
    rig.engine.put_artifact(digest, Bytes::from_static(component)).await.expect("kept");
    digest
}

async fn deploy(rig: &Rig, application: &str, functions: &str, artifact: Digest) -> Option<Code> {
    deploy_all(rig, manifest(application, functions, artifact)).await
}

async fn deploy_all(rig: &Rig, manifest: Manifest) -> Option<Code> {
    let request = DeployRequest { manifest, grant: false };
    let deployed = rig.engine.deploy(&Scope::default(), "operator", request, None).await;
    deployed.err().map(|problem| problem.code)
}

/// Sends files in a bundle, as the command line does, and gives the digest of their list.
async fn send(rig: &Rig, files: &[(&str, &str)]) -> Digest {
    let mut parts: Vec<Vec<u8>> = files.iter().map(|(_, text)| text.as_bytes().to_vec()).collect();
    let files = files.iter().map(|(path, text)| File {
        path: (*path).to_owned(),
        size: text.len() as u64,
        chunks: vec![audit::digest(text.as_bytes())],
        executable: false,
    });
    parts.push(Listing { v: VERSION, files: files.collect(), root: None }.bytes());
    let digests: Vec<Digest> = parts.iter().map(|part| audit::digest(part)).collect();
    let missing = rig.engine.missing_artifacts(digests.clone()).await.expect("answered");
    let mut bundle = Vec::new();
    for (digest, part) in digests.iter().zip(&parts).filter(|(digest, _)| missing.contains(digest))
    {
        model::bundle::add(&mut bundle, digest, part);
    }
    rig.engine.put_bundle(bundle.into()).await.expect("kept");
    digests[digests.len() - 1]
}

fn site(application: &str, route: &str, list: Digest) -> Manifest {
    let text = format!(
        r#"{{"manifest":1,"application":"{application}",
            "assets":[{{"digest":"{list}","route":"{route}"}}]}}"#
    );
    serde_json::from_str(&text).expect(&text)
}

async fn there(rig: &Rig, digest: Digest) -> bool {
    rig.artifacts.contains(digest).await.expect("works")
}

async fn sweep(rig: &Rig) -> Swept {
    rig.engine.sweep().await.expect("swept")
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_deployment_left_goes_and_what_was_ever_deployed_stays() {
    let rig = rig(|_| answer()).await;
    let (old, new) = (put(&rig, b"old").await, put(&rig, b"new").await);
    let (gone, clashing) = (put(&rig, b"gone").await, put(&rig, b"clashing").await);
    assert_eq!(deploy(&rig, "shop", A, old).await, None);
    assert_eq!(deploy(&rig, "shop", A, new).await, None);
    assert_eq!(deploy(&rig, "other", r#"{"name":"b"}"#, gone).await, None);
    let other = "other".parse().expect("a name");
    rig.engine.remove(&Scope::default(), "operator", &other).await.expect("removed");
    assert_eq!(deploy(&rig, "third", A, clashing).await, Some(Code::FunctionTaken));
    assert_eq!(sweep(&rig).await, Swept::default(), "it may be tried again");
    rig.clock.forward(HOUR);
    assert_eq!(sweep(&rig).await, Swept { artifacts: 1, compiled: 1 });
    assert!(!there(&rig, clashing).await);
    for digest in [old, new, gone] {
        assert!(there(&rig, digest).await, "a revision refers to it");
    }
    let shop = "shop".parse().expect("a name");
    rig.engine.rollback(&Scope::default(), "operator", &shop, None).await.expect("back");
    rig.engine.rollback(&Scope::default(), "operator", &other, Some(1)).await.expect("back");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_a_list_of_any_revision_stays_and_the_rest_goes() {
    let rig = rig(|_| answer()).await;
    let first = send(&rig, &[("a", "a, first"), ("b", "b")]).await;
    assert_eq!(deploy_all(&rig, site("shop", "/", first)).await, None);
    let second = send(&rig, &[("a", "a, second"), ("b", "b"), ("c", "c")]).await;
    assert_eq!(deploy_all(&rig, site("shop", "/", second)).await, None);
    // Another application at the same place: sent for nothing, but for the file that it shares.
    let clashing = send(&rig, &[("b", "b"), ("d", "d")]).await;
    assert_eq!(deploy_all(&rig, site("other", "/", clashing)).await, Some(Code::RouteClash));
    let shop = "shop".parse().expect("a name");
    rig.engine.remove(&Scope::default(), "operator", &shop).await.expect("removed");
    rig.clock.forward(HOUR);
    assert_eq!(sweep(&rig).await, Swept { artifacts: 2, compiled: 0 });
    assert!(!there(&rig, clashing).await && !there(&rig, audit::digest(b"d")).await);
    for kept in ["a, first", "a, second", "b", "c"] {
        assert!(there(&rig, audit::digest(kept.as_bytes())).await, "{kept}");
    }
    for (number, list) in [(1, first), (2, second)] {
        let back = rig.engine.rollback(&Scope::default(), "operator", &shop, Some(number)).await;
        assert_eq!(back.expect("back").functions[0].artifact, list);
        let same = deploy_all(&rig, site("shop", "/", list)).await;
        assert_eq!(same, None, "every piece is looked for");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_keeps_everything() {
    let rig = rig(|_| answer()).await;
    let list = send(&rig, &[("a", "a")]).await;
    assert_eq!(deploy_all(&rig, site("shop", "/", list)).await, None);
    let unused = put(&rig, b"unused").await;
    rig.clock.forward(HOUR);
    let whole = rig.artifacts.read(list).await.expect("there");
    let swapped = async |damage: &'static [u8]| {
        rig.artifacts.swap(list, Bytes::from_static(damage));
        rig.engine.sweep().await.expect_err("nothing may go")
    };
    for damage in [&b""[..], b"{}", b"{\"v\":1,\"files\":[]}"] {
        let problem = swapped(damage).await;
        assert_eq!(problem.code, Code::StoreCorrupt);
        assert!(problem.detail.expect("says which").contains(&list.to_string()));
    }
    rig.artifacts.remove(vec![list]).await.expect("removed");
    assert_eq!(rig.engine.sweep().await.expect_err("gone").code, Code::StoreCorrupt);
    assert!(there(&rig, unused).await && there(&rig, audit::digest(b"a")).await);
    // As the hint says: sent again as it was.
    rig.artifacts.put(list, whole).await.expect("put");
    assert_eq!(sweep(&rig).await, Swept { artifacts: 1, compiled: 0 });
    assert!(there(&rig, list).await && there(&rig, audit::digest(b"a")).await);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_an_artifact_finds_it_for_an_hour_more() {
    let rig = rig(|_| answer()).await;
    let digest = put(&rig, COMPONENT).await;
    rig.clock.forward(HOUR);
    assert!(rig.engine.has_artifact(digest).await.expect("works"));
    assert_eq!(sweep(&rig).await, Swept::default());
    rig.clock.forward(HOUR);
    put(&rig, COMPONENT).await;
    assert_eq!(sweep(&rig).await, Swept::default());
    rig.clock.forward(HOUR);
    assert_eq!(rig.engine.missing_artifacts(vec![digest]).await.expect("works"), []);
    assert_eq!(sweep(&rig).await, Swept::default());
    rig.clock.forward(HOUR);
    let mut bundle = Vec::new();
    model::bundle::add(&mut bundle, &digest, COMPONENT);
    rig.engine.put_bundle(bundle.into()).await.expect("kept");
    assert_eq!(sweep(&rig).await, Swept::default());
    rig.clock.forward(HOUR);
    assert_eq!(sweep(&rig).await, Swept { artifacts: 1, compiled: 0 });
    assert!(!rig.engine.has_artifact(digest).await.expect("works"));
    assert_eq!(deploy(&rig, "shop", A, digest).await, Some(Code::ArtifactMissing));
}

/// What a deployment under way names stays however long it takes, its files too.
#[tokio::test(start_paused = true)]
async fn what_a_deployment_under_way_names_stays() {
    let rig = rig(|_| answer()).await;
    let list = send(&rig, &[("a", "a")]).await;
    let mut using = rig.engine.using([list]).await;
    rig.clock.forward(HOUR);
    rig.engine.also_using(&mut using, [audit::digest(b"a")]).await;
    assert_eq!(sweep(&rig).await, Swept::default());
    let again = rig.engine.using([list]).await;
    drop(using);
    assert_eq!(sweep(&rig).await, Swept { artifacts: 1, compiled: 0 }, "the list is used still");
    drop(again);
    assert_eq!(sweep(&rig).await, Swept { artifacts: 1, compiled: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deployments_beside_sweeps_find_all_that_they_were_told_is_there() {
    let rig = Arc::new(rig(|_| answer()).await);
    // Old enough to go at once, unless somebody wants them.
    let texts: Vec<String> = (0..40).map(|at| format!("file {at}")).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|text| (&text[..], &text[..])).collect();
    let mut sorted = files.clone();
    sorted.sort_unstable();
    send(&rig, &sorted).await;
    rig.clock.forward(HOUR);
    let sweeping = tokio::spawn({
        let rig = Arc::clone(&rig);
        async move {
            let mut gone = 0;
            for _ in 0..200 {
                gone += sweep(&rig).await.artifacts;
                tokio::task::yield_now().await;
            }
            gone
        }
    });
    for at in 0..sorted.len() {
        let list = send(&rig, &sorted[at..]).await;
        assert_eq!(deploy_all(&rig, site("shop", "/", list)).await, None, "{at}");
    }
    sweeping.await.expect("swept");
    rig.clock.forward(HOUR);
    sweep(&rig).await;
    for number in 1..=sorted.len() as u32 {
        let shop = "shop".parse().expect("a name");
        let back = rig.engine.rollback(&Scope::default(), "operator", &shop, Some(number)).await;
        let list = back.expect("back").functions[0].artifact;
        assert_eq!(deploy_all(&rig, site("shop", "/", list)).await, None, "{number} is whole");
    }
}
