//! The container image, as an OCI image layout in a tar file, made without any container tool.
//!
//! After the OCI Image Format Specification 1.1: `oci-layout`, `index.json`, and blobs by SHA-256.

use super::bundle::{Entry, gzip, tar};
use super::release::{Release, own, sha256};
use anyhow::Result;
use serde_json::{Value, json};

/// The user in the image; nobody on the machine has this number.
const USER: u64 = 65_532;

/// The layout's bytes.
pub(super) fn layout(release: &Release) -> Result<Vec<u8>> {
    let layer = tar(files(release)?, release.epoch)?;
    let packed = gzip(&layer)?;
    let configuration = pretty(&configuration(release, &sha256(&layer)))?;
    let manifest = pretty(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &configuration),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &packed)],
    }))?;
    let mut top = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    top["platform"] = json!({ "architecture": release.architecture, "os": "linux" });
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": release.version });
    let index = pretty(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [top],
    }))?;
    let blob =
        |bytes: Vec<u8>| Entry::file(format!("blobs/sha256/{}", sha256(&bytes)), 0o644, bytes);
    let mark = br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec();
    let entries = vec![
        blob(configuration),
        blob(manifest),
        blob(packed),
        Entry::file("index.json", 0o644, index),
        Entry::file("oci-layout", 0o644, mark),
    ];
    tar(entries, release.epoch)
}

/// The image's files: the binary, a user, and a place for the home.
fn files(release: &Release) -> Result<Vec<Entry>> {
    let passwd = format!("casemate:x:{USER}:{USER}::/var/lib/casemate:/sbin/nologin\n");
    let group = format!("casemate:x:{USER}:\n");
    Ok(vec![
        Entry::file("etc/group", 0o644, group.into_bytes()),
        Entry::file("etc/passwd", 0o644, passwd.into_bytes()),
        Entry::directory("tmp/", 0o1777, 0),
        Entry::file("usr/bin/casemate", 0o755, release.binary.clone()),
        Entry::file("usr/share/doc/casemate/LICENSE", 0o644, own("LICENSE")?),
        Entry::directory("var/lib/casemate/", 0o700, USER),
    ])
}

fn configuration(release: &Release, layer: &str) -> Value {
    let created = jiff::Timestamp::from_second(i64::try_from(release.epoch).unwrap_or_default());
    let created = created.map(|at| at.to_string()).unwrap_or_default();
    json!({
        "created": created,
        "architecture": release.architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Env": ["PATH=/usr/bin", "CASEMATE_HOME=/var/lib/casemate"],
            "Entrypoint": ["/usr/bin/casemate"],
            "Cmd": ["up", "--listen", "0.0.0.0:8080"],
            "ExposedPorts": { "8080/tcp": {} },
            "Volumes": { "/var/lib/casemate": {} },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.source": "https://github.com/casemate-dev/casemate",
                "org.opencontainers.image.title": "casemate",
                "org.opencontainers.image.version": release.version,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": created, "created_by": "cargo xtask dist" }],
    })
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({
        "mediaType": kind,
        "digest": format!("sha256:{}", sha256(bytes)),
        "size": bytes.len(),
    })
}

fn pretty(value: &Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}
