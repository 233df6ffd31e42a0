//! Files that functions carry: read by the function alone, whole or not at all, and kept.

use super::rig::{COMPONENT, Rig, manifest, rig};
use model::api::DeployRequest;
use model::listing::{File, Listing, VERSION};
use model::wire::v1::Decision;
use model::{Code, Digest, Scope};
use ports::Artifacts as _;
use ports::host::HostCall;
use std::time::Duration;
use testkit::executor::Step;

fn read(path: &str, piece: u32) -> HostCall {
    HostCall::File { path: path.to_owned(), piece }
}

/// Sends files, and gives the digest of their list and those of their pieces.
async fn send(rig: &Rig, files: &[(&str, &str)]) -> (Digest, Vec<Digest>) {
    let mut bundle = Vec::new();
    let mut listed = Vec::new();
    for (path, text) in files {
        let digest = audit::digest(text.as_bytes());
        model::bundle::add(&mut bundle, &digest, text.as_bytes());
        let size = text.len() as u64;
        listed.push(File {
            path: (*path).to_owned(),
            size,
            chunks: vec![digest],
            executable: false,
        });
    }
    let pieces = listed.iter().flat_map(|file| file.chunks.clone()).collect();
    let list = Listing { v: VERSION, files: listed, root: None }.bytes();
    model::bundle::add(&mut bundle, &audit::digest(&list), &list);
    rig.engine.put_bundle(bundle.into()).await.expect("kept");
    (audit::digest(&list), pieces)
}

async fn deploy(rig: &Rig, application: &str, files: &str) -> Result<(), Code> {
    let artifact = audit::digest(COMPONENT);
    rig.engine.put_artifact(artifact, bytes::Bytes::from_static(COMPONENT)).await.expect("kept");
    let spec = format!(
        r#"{{"name":"{application}","files":{files},
            "http":[{{"route":"GET /{application}","auth":"public"}}]}}"#
    );
    let manifest = manifest(application, &spec, artifact);
    let request = DeployRequest { manifest, grant: true };
    let deployed = rig.engine.deploy(&Scope::default(), "operator", request, None).await;
    deployed.map(drop).map_err(|problem| problem.code)
}

async fn reading(calls: Vec<HostCall>) -> Rig {
    rig(move |_| {
        let mut steps = vec![Step::Head(http::StatusCode::OK)];
        steps.extend(calls.iter().cloned().map(Step::Tell));
        steps.push(Step::End);
        steps
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_function_reads_the_files_of_its_own_list_and_no_others() {
    let calls = vec![read("a/b.txt", 0), read("a/b.txt", 1), read("c.txt", 0), read("../c.txt", 0)];
    let rig = reading(calls).await;
    let (list, _) = send(&rig, &[("a/b.txt", "mine")]).await;
    let (others, _) = send(&rig, &[("c.txt", "others")]).await;
    deploy(&rig, "f", &format!(r#"{{"digest":"{list}"}}"#)).await.expect("deployed");
    deploy(&rig, "g", &format!(r#"{{"digest":"{others}"}}"#)).await.expect("deployed");
    let (_, told) = rig.call("/f", None).await.expect("answered");
    assert!(told.contains("mine") && !told.contains("others"), "{told}");
    assert_eq!(told.matches("there is no such file").count(), 3, "{told}");
    let record = rig.records().pop().expect("a record");
    let seen: Vec<_> = record
        .calls
        .iter()
        .map(|call| (call.operation.as_str(), call.resource.as_str(), call.decision))
        .collect();
    assert_eq!(seen[0], ("file.read", "a/b.txt", Decision::Allowed));
    assert!(seen[1..].iter().all(|call| call.2 == Decision::Failed), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_carried_is_there_when_it_is_deployed_and_stays_with_its_revision() {
    let rig = reading(vec![read("a", 0)]).await;
    let nowhere = audit::digest(b"nowhere");
    for (files, code) in [
        (format!(r#"{{"digest":"{nowhere}"}}"#), Code::ArtifactMissing),
        (r#"{"include":["a"]}"#.to_owned(), Code::ArtifactMissing),
    ] {
        assert_eq!(deploy(&rig, "f", &files).await, Err(code), "{files}");
    }
    let (list, pieces) = send(&rig, &[("a", "first")]).await;
    rig.artifacts.remove(pieces.clone()).await.expect("removed");
    let files = format!(r#"{{"digest":"{list}"}}"#);
    assert_eq!(deploy(&rig, "f", &files).await, Err(Code::ArtifactMissing), "a piece is gone");
    let (list, pieces) = send(&rig, &[("a", "first")]).await;
    deploy(&rig, "f", &files).await.expect("deployed");
    // A later revision without it does not take it from the earlier one, which may come back.
    let (other, _) = send(&rig, &[("a", "second")]).await;
    deploy(&rig, "f", &format!(r#"{{"digest":"{other}"}}"#)).await.expect("deployed");
    rig.clock.forward(Duration::from_secs(7200));
    rig.engine.sweep().await.expect("swept");
    for digest in pieces.into_iter().chain([list]) {
        assert!(rig.artifacts.contains(digest).await.expect("works"), "{digest}");
    }
    assert!(rig.call("/f", None).await.expect("answered").1.contains("second"));
    let application = "f".parse().expect("a name");
    rig.engine.rollback(&Scope::default(), "operator", &application, None).await.expect("back");
    assert!(rig.call("/f", None).await.expect("answered").1.contains("first"));
}
