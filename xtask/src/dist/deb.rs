//! The Debian package: an `ar` file of a version, a control archive and a data archive (deb(5)).

use super::binary::Completions;
use super::bundle::{Entry, gzip, tar};
use super::release::{Release, hex_of, own};
use anyhow::Result;
use md5::{Digest as _, Md5};
use std::fmt::Write as _;

/// Scripts of the package, in `packaging/`.
const SCRIPTS: &[&str] = &["postinst", "prerm", "postrm"];
/// What a user may change, and an upgrade keeps.
const CONFIGURATION: &str = "etc/casemate/casemate.toml";

/// The package's bytes.
pub(super) fn package(
    release: &Release,
    sbom: &[u8],
    completions: &Completions,
) -> Result<Vec<u8>> {
    let data = data(release, sbom, completions)?;
    let control = control(release, &data)?;
    let data = gzip(&tar(data, release.epoch)?)?;
    let control = gzip(&tar(control, release.epoch)?)?;
    let mut out = b"!<arch>\n".to_vec();
    member(&mut out, "debian-binary", release.epoch, b"2.0\n");
    member(&mut out, "control.tar.gz", release.epoch, &control);
    member(&mut out, "data.tar.gz", release.epoch, &data);
    Ok(out)
}

fn data(release: &Release, sbom: &[u8], completions: &Completions) -> Result<Vec<Entry>> {
    let file = |path: &str, bytes: Vec<u8>| Entry::file(path, 0o644, bytes);
    let documents = "usr/share/doc/casemate";
    Ok(vec![
        file(CONFIGURATION, own("packaging/casemate.toml")?),
        Entry::file("usr/bin/casemate", 0o755, release.binary.clone()),
        file("usr/lib/systemd/system/casemate.service", own("packaging/casemate.service")?),
        file("usr/share/bash-completion/completions/casemate", completions.bash.clone()),
        file(&format!("{documents}/CHANGELOG.md.gz"), gzip(&own("CHANGELOG.md")?)?),
        file(&format!("{documents}/copyright"), own("packaging/copyright")?),
        file(&format!("{documents}/sbom.cdx.json"), sbom.to_vec()),
        file("usr/share/fish/vendor_completions.d/casemate.fish", completions.fish.clone()),
        file("usr/share/zsh/vendor-completions/_casemate", completions.zsh.clone()),
    ])
}

fn control(release: &Release, data: &[Entry]) -> Result<Vec<Entry>> {
    let installed: usize = data.iter().map(|entry| entry.bytes.len().div_ceil(1024)).sum();
    let fields = format!(
        "Package: casemate\nVersion: {}\nArchitecture: {}\n\
         Maintainer: the authors of Casemate <casemate@users.noreply.github.com>\n\
         Installed-Size: {installed}\nDepends: passwd\nRecommends: ca-certificates\n\
         Section: net\nPriority: optional\n\
         Homepage: https://github.com/casemate-dev/casemate\n\
         Description: self-hosted serverless platform, secure by default\n \
         Runs WebAssembly components as functions, each call in a fresh instance under\n \
         hard limits, lets only those call them who were granted, and keeps a record.\n",
        release.version, release.architecture
    );
    let mut sums = String::new();
    for entry in data.iter().filter(|entry| entry.path != CONFIGURATION) {
        let _ = writeln!(sums, "{}  {}", hex_of(&Md5::digest(&entry.bytes)), entry.path);
    }
    let mut entries = vec![
        Entry::file("control", 0o644, fields.into_bytes()),
        Entry::file("conffiles", 0o644, format!("/{CONFIGURATION}\n").into_bytes()),
        Entry::file("md5sums", 0o644, sums.into_bytes()),
    ];
    for script in SCRIPTS {
        entries.push(Entry::file(*script, 0o755, own(&format!("packaging/{script}"))?));
    }
    Ok(entries)
}

/// One member of an `ar` file: a header of 60 bytes, the content, and a byte to be even.
fn member(out: &mut Vec<u8>, name: &str, epoch: u64, bytes: &[u8]) {
    let header =
        format!("{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 100_644, bytes.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(bytes);
    if bytes.len() % 2 == 1 {
        out.push(b'\n');
    }
}
