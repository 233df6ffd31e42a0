//! What `cargo xtask dist` makes is installed, upgraded and removed as people do it.
//!
//! The packages hold the binary under test. The Debian package is installed into an overlay of
//! this machine, in mount and process namespaces of its own, so that nothing of it stays.

use crate::rig::{BINARY, repository};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The files of a release around the binary under test, made once.
fn release() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let binary = dir.path().join("stripped");
        run(Command::new("strip").arg("-o").arg(&binary).arg(BINARY));
        package(&binary, dir.path(), &[]);
        dir
    })
    .path()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let wrote = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {}\n{wrote}{said}", output.status);
    output
}

fn file(ending: &str) -> PathBuf {
    let files = std::fs::read_dir(release()).expect("a directory").flatten();
    let mut paths = files.map(|entry| entry.path());
    paths.find(|path| path.to_string_lossy().ends_with(ending)).expect(ending)
}

/// Runs a script as root of an overlay of this machine.
fn in_a_copy_of_the_machine(script: &str) -> String {
    let debian = Path::new("/etc/debian_version").exists();
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    assert!(debian && root, "this test installs a package: it needs root on Debian");
    let dir = tempfile::tempdir().expect("a directory");
    let inside = dir.path().join("script");
    std::fs::write(&inside, script).expect("written");
    let outside = r#"
        set -eu
        mkdir "$1/upper" "$1/work" "$1/root"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
        mount -t proc proc "$1/root/proc"
        mount -t tmpfs tmpfs "$1/root/run"
        mount --rbind /dev "$1/root/dev"
        exec chroot "$1/root" /bin/bash -eu "$1/script" "$2"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]);
    command.args(["bash", "-c", outside, "-"]).arg(dir.path()).arg(file(".deb"));
    String::from_utf8(run(&mut command).stdout).expect("text")
}

#[test]
fn the_debian_package_installs_runs_upgrades_and_goes() {
    let said = in_a_copy_of_the_machine(
        r##"
        as_casemate() {
            setpriv --reuid casemate --regid casemate --clear-groups \
                env -i PATH=/usr/bin:/bin CASEMATE_HOME=/var/lib/casemate "$@"
        }
        dpkg -i "$1" >/dev/null
        dpkg --verify casemate
        stat -c '%U %a' /var/lib/casemate

        as_casemate casemate up --config /etc/casemate/casemate.toml \
            --listen 127.0.0.1:0 --admin 127.0.0.1:0 --format json >/run/ready 2>/run/log &
        node=$!
        for _ in $(seq 600); do [ -s /run/ready ] && break; sleep 0.1; done
        [ -s /run/ready ] || { cat /run/log; exit 1; }
        as_casemate casemate doctor >/run/doctor || { cat /run/doctor; exit 1; }

        echo '# mine' >>/etc/casemate/casemate.toml
        dpkg --force-confold -i "$1" >/dev/null
        tail -1 /etc/casemate/casemate.toml
        as_casemate casemate ledger verify >/dev/null
        kill $(pidof casemate)
        wait "$node"

        dpkg -r casemate >/dev/null
        [ ! -e /usr/bin/casemate ] && echo removed
        [ -e /etc/casemate/casemate.toml ] && echo configured
        dpkg -P casemate | tail -1
        [ ! -e /etc/casemate/casemate.toml ] && echo purged
        [ -e /var/lib/casemate/root.key ] && echo kept
        "##,
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "casemate 700",
            "# mine",
            "removed",
            "configured",
            "casemate: /var/lib/casemate is kept; remove it yourself if you mean it",
            "purged",
            "kept",
        ],
        "{said}"
    );
    assert!(!Path::new("/usr/bin/casemate").exists(), "it got out of the copy");
}

#[test]
fn the_image_is_an_oci_layout_whose_digests_fit() {
    let dir = tempfile::tempdir().expect("a directory");
    run(Command::new("tar").arg("-xf").arg(file(".oci.tar")).arg("-C").arg(dir.path()));
    let json = |path: &str| -> Value {
        let text = std::fs::read(dir.path().join(path)).expect(path);
        serde_json::from_slice(&text).expect(path)
    };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest").to_owned();
        let hex = digest.strip_prefix("sha256:").expect("SHA-256").to_owned();
        let path = format!("blobs/sha256/{hex}");
        let sum = run(Command::new("sha256sum").arg(dir.path().join(&path)));
        assert!(String::from_utf8_lossy(&sum.stdout).starts_with(&hex), "{path}");
        let size = std::fs::metadata(dir.path().join(&path)).expect("there").len();
        assert_eq!(descriptor["size"].as_u64(), Some(size), "{path}");
        path
    };
    assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let manifest = json(&blob(&json("index.json")["manifests"][0]));
    let configuration = json(&blob(&manifest["config"]));
    assert_eq!(configuration["config"]["User"], "65532:65532");
    let layer = dir.path().join(blob(&manifest["layers"][0]));
    let unpacked = run(Command::new("gzip").arg("-dc").arg(&layer)).stdout;
    let plain = dir.path().join("layer.tar");
    std::fs::write(&plain, &unpacked).expect("written");
    let sum = run(Command::new("sha256sum").arg(&plain)).stdout;
    let sum = String::from_utf8_lossy(&sum).split(' ').next().expect("a sum").to_owned();
    assert_eq!(configuration["rootfs"]["diff_ids"][0], format!("sha256:{sum}"));
    let list = run(Command::new("tar").args(["-tvf"]).arg(&plain)).stdout;
    let list = String::from_utf8(list).expect("text");
    assert!(list.contains("drwx------ 65532/65532"), "{list}");
    assert_eq!(list.lines().filter(|line| line.starts_with('-')).count(), 4, "{list}");
}

/// Packages any program; it is asked for completions, and may have none.
fn package(binary: &Path, out: &Path, more: &[&str]) {
    let mut dist = Command::new(env!("CARGO"));
    dist.current_dir(repository()).args(["run", "--quiet", "--locked", "-p", "xtask", "--"]);
    run(dist.args(["dist", "--binary"]).arg(binary).arg("--out").arg(out).args(more));
}

#[test]
fn checksums_fit_and_a_signature_can_be_checked() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let key = dir.path().join("key");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    let small = Path::new("/usr/bin/true");
    package(small, &one, &[]);
    package(small, &two, &["--sign", key.to_str().expect("text")]);
    let sums = |at: &Path| std::fs::read(at.join("SHA256SUMS")).expect("sums");
    assert_eq!(sums(&one), sums(&two), "the same commit and binary give other bytes");
    run(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&two));
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("a key");
    std::fs::write(two.join("allowed_signers"), format!("casemate {public}")).expect("written");
    let verify = "ssh-keygen -Y verify -f allowed_signers -I casemate -n casemate-release \
                  -s SHA256SUMS.sig < SHA256SUMS";
    run(Command::new("sh").args(["-c", verify]).current_dir(&two));
    std::fs::write(two.join("SHA256SUMS"), "0  casemate\n").expect("written");
    let refused = Command::new("sh").args(["-c", verify]).current_dir(&two).output();
    assert!(!refused.expect("runs").status.success(), "a changed list is taken");
}

#[test]
fn the_list_of_what_is_built_in_is_whole() {
    let text = std::fs::read(file(".cdx.json")).expect("a file");
    let list: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(
        (list["bomFormat"].as_str(), list["specVersion"].as_str()),
        (Some("CycloneDX"), Some("1.6"))
    );
    let components = list["components"].as_array().expect("a list");
    let named = |name: &str| components.iter().find(|it| it["name"] == name);
    let wasmtime = named("wasmtime").expect("wasmtime is built in");
    assert!(wasmtime["hashes"][0]["content"].as_str().is_some_and(|hex| hex.len() == 64));
    assert!(wasmtime["licenses"][0]["expression"].as_str().is_some_and(|it| it.contains("Apache")));
    assert!(named("casemate-engine").is_some(), "our own crates too");
    assert!(named("ring").is_none(), "what other platforms would bring is not built in");
    assert!(named("proptest").is_none(), "what only tests use is not built in");
}
