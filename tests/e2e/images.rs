//! Functions whose root is an image: made by a published tool, deployed, called, and looked at from
//! inside.

mod make;

use crate::rig::Node;
use make::Project;

/// An image of a web application as Cloud Run takes it: Flask behind gunicorn.
fn web() -> Project {
    Project::new().bring("servers/python").with(&["flask/web.py"]).config(&[
        "--config.entrypoint",
        "python3",
        "--config.entrypoint",
        "-m",
        "--config.entrypoint",
        "gunicorn",
        "--config.cmd",
        "--bind=0.0.0.0:5000",
        "--config.cmd",
        "--worker-tmp-dir=/tmp",
        "--config.cmd",
        "web:app",
        "--config.env",
        "GREETING=from the image",
        "--config.workingdir",
        "/app",
        "--config.exposedports",
        "5000/tcp",
        "--config.user",
        "1234:1234",
    ])
}

#[test]
fn an_image_for_cloud_run_answers() {
    let node = Node::start();
    let project = web();
    project.manifest("", "contract = \"cloud-run\"");
    project.deploy(&node);
    let reply = node.get("/hello", None);
    assert_eq!((reply.status, reply.text().trim()), (200, r#"{"did":"hello"}"#), "{}", node.said());
}

#[test]
fn an_image_for_lambda_runs_with_awss_own_library() {
    let node = Node::start();
    let project = Project::new().bring("awslambdaric").with(&["lambda/app.py"]).config(&[
        "--config.entrypoint",
        "/usr/bin/python3",
        "--config.entrypoint",
        "-m",
        "--config.entrypoint",
        "awslambdaric",
        "--config.cmd",
        "app.handler",
        "--config.workingdir",
        "/app",
    ]);
    project.manifest("", "contract = \"lambda\"");
    project.deploy(&node);
    let output = node.run(&["invoke", "f", "--data", r#"{"do":"event"}"#]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(r#"{"did": "event"}"#),
        "{said}\n{}\n{}",
        node.said(),
        node.ok(&["logs"])
    );
    let reply = node.get("/hello", None);
    assert_eq!((reply.status, reply.text().contains("hello")), (200, true), "{reply:?}");
}

#[test]
fn an_image_for_fn_runs_with_its_own_library() {
    let node = Node::start();
    let project = Project::new().bring("fn/python").with(&["fn/func.py"]).config(&[
        "--config.entrypoint",
        "python3",
        "--config.entrypoint",
        "/app/func.py",
        "--config.workingdir",
        "/app",
    ]);
    project.manifest("", "contract = \"fn\"");
    project.deploy(&node);
    let output = node.run(&["invoke", "f", "--data", r#"{"do":"event"}"#]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("event"), "{said}\n{}\n{}", node.said(), node.ok(&["logs"]));
}

/// What a program in a jail sees and may do, as a server says it.
const INSIDE: &str = r#"
import errno, http.server, json, os
def tried(path, mode):
    try: open(path, mode).close()
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
def read(path):
    try: return open(path).read()
    except OSError as error: return errno.errorcode[error.errno]
class Told(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = {
            "writes": {path: tried(path, "w") for path in ["/x", "/usr/x", "/etc/x", "/etc/hosts", "/etc/passwd", "/mark", "/app/x", "/var/lib/vacant/x", "/dev/x"]},
            "tmp": [tried("/tmp/x", "w"), os.path.exists("/tmp/lost")],
            "user": [os.getuid(), os.geteuid(), read("/etc/passwd").count("function:x:1000")],
            "hosts": "of-the-image" in read("/etc/hosts"),
            "resolv": read("/etc/resolv.conf"),
            "image": [read("/etc/os-release"), read("/mark"), os.environ.get("GREETING"), os.getcwd()],
            "hidden": os.path.exists("/app/hidden"),
            "machine": {path: read(path) for path in ["/etc/shadow", "/proc/1/root/etc/shadow", "/proc/kcore", "/sys/kernel/notes"]},
            "status": {line.split(":")[0]: line.split()[1] for line in read("/proc/self/status").splitlines() if line.startswith(("CapEff", "CapBnd", "Seccomp:", "NoNewPrivs"))},
            "setuid": oct(os.stat("/app/raised").st_mode & 0o7000),
            "left": [name for name in os.listdir("/dev") if name.startswith("own")],
            "top": sorted(os.listdir("/")),
        }
        try: os.unshare(os.CLONE_NEWUSER) if hasattr(os, "unshare") else os.chroot("/")
        except OSError as error: seen["escape"] = errno.errorcode[error.errno]
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Told).serve_forever()
"#;

#[test]
fn a_jail_with_an_image_as_its_root_holds_what_every_jail_does() {
    use std::os::unix::fs::PermissionsExt as _;
    let node = Node::start();
    let project = Project::new();
    let files = project.at("files");
    std::fs::create_dir(&files).expect("a directory");
    std::fs::write(files.join("inside.py"), INSIDE).expect("written");
    std::fs::write(files.join("hidden"), "").expect("written");
    std::fs::write(files.join("raised"), "#!/bin/sh\n").expect("written");
    let raised = std::fs::Permissions::from_mode(0o6755);
    std::fs::set_permissions(files.join("raised"), raised).expect("set");
    let project = project.over(&files, "/app").without("/app/hidden").config(&[
        "--config.cmd",
        "python3",
        "--config.cmd",
        "inside.py",
        "--config.env",
        "GREETING=from the image",
        "--config.workingdir",
        "/app",
        "--config.user",
        "0:0",
    ]);
    project.manifest("", "contract = \"http\"");
    project.deploy(&node);
    let reply = node.get("/", None);
    assert_eq!(reply.status, 200, "{}\n{}", reply.text(), node.said());
    let seen: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    for (path, result) in seen["writes"].as_object().expect("paths") {
        let refused = matches!(result.as_str(), Some("EROFS" | "EACCES"));
        assert!(refused, "{path}: {result}");
    }
    for (path, result) in seen["machine"].as_object().expect("paths") {
        let nothing = matches!(result.as_str(), Some("ENOENT" | "EACCES" | "EPERM" | ""));
        assert!(nothing, "{path}: {result}");
    }
    assert_eq!(seen["tmp"], serde_json::json!(["done", false]));
    assert_eq!(seen["user"], serde_json::json!([1000, 1000, 1]));
    assert_eq!((&seen["hosts"], &seen["resolv"]), (&false.into(), &"".into()));
    let own = ["NAME=image\n", "at the top\n", "from the image", "/app"];
    assert_eq!(seen["image"], serde_json::json!(own));
    assert_eq!((&seen["hidden"], &seen["setuid"]), (&false.into(), &"0o0".into()));
    assert_eq!(seen["left"], serde_json::json!([]), "{seen}");
    assert_eq!(seen["escape"], "EPERM");
    let status = &seen["status"];
    assert_eq!((&status["NoNewPrivs"], &status["Seccomp"]), (&"1".into(), &"2".into()));
    assert_eq!(status["CapEff"], "0000000000000000");
}

#[test]
fn an_image_that_is_damaged_or_for_others_is_refused() {
    let node = Node::start();
    let project = web();
    project.manifest("", "contract = \"cloud-run\"");
    let blobs = project.at("image/blobs/sha256");
    let largest = std::fs::read_dir(&blobs).expect("blobs").flatten();
    let largest = largest.max_by_key(|entry| entry.metadata().expect("there").len());
    let largest = largest.expect("a blob").path();
    let bytes = std::fs::read(&largest).expect("read");
    let refused = |code: &str, why: &str| {
        let (_, said) = node.fails(&["deploy", "--grant", project.path()]);
        assert!(said.contains(code) && said.contains(why), "{said}");
    };
    let mut changed = bytes.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    std::fs::write(&largest, changed).expect("written");
    refused("E0160", "layer");
    std::fs::remove_file(&largest).expect("removed");
    refused("E0160", "missing");
    std::fs::write(&largest, bytes).expect("written");
    project.deploy(&node);
    let project = project.config(&["--architecture", "riscv64"]);
    let (_, said) = node.fails(&["deploy", "--grant", project.path()]);
    assert!(said.contains("E0161") && said.contains("linux/riscv64"), "{said}");
}
