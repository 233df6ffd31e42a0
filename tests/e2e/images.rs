//! Functions whose root is an image: made by a published tool, deployed, called, and looked at from
//! inside.

mod make;

use crate::rig::Node;
use make::Project;
use std::os::unix::fs::PermissionsExt as _;

/// An image of a web application as Cloud Run takes it: Flask behind gunicorn.
fn web() -> Project {
    Project::new()
        .bring("servers/python")
        .with(&["flask/web.py"])
        .starts(&["python3", "-m", "gunicorn"])
        .says(&[
            ("cmd", "--bind=0.0.0.0:5000"),
            ("cmd", "--worker-tmp-dir=/tmp"),
            ("cmd", "web:app"),
        ])
        .says(&[("exposedports", "5000/tcp"), ("user", "1234:1234")])
}

/// Sends an event to `f`.
fn invoked(node: &Node) -> String {
    let output = node.run(&["invoke", "f", "--data", r#"{"do":"event"}"#]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}\n{}", node.said(), node.ok(&["logs"]));
    said
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
    let project = Project::new()
        .bring("awslambdaric")
        .with(&["lambda/app.py"])
        .starts(&["/usr/bin/python3", "-m", "awslambdaric"])
        .says(&[("cmd", "app.handler")]);
    project.manifest("", "contract = \"lambda\"");
    project.deploy(&node);
    let said = invoked(&node);
    assert!(said.contains(r#"{"did": "event"}"#), "{said}");
    let reply = node.get("/hello", None);
    assert_eq!((reply.status, reply.text().contains("hello")), (200, true), "{reply:?}");
}

#[test]
fn an_image_for_fn_runs_with_its_own_library() {
    let node = Node::start();
    let project = Project::new()
        .bring("fn/python")
        .with(&["fn/func.py"])
        .starts(&["python3", "/app/func.py"]);
    project.manifest("", "contract = \"fn\"");
    project.deploy(&node);
    let said = invoked(&node);
    assert!(said.contains("event"), "{said}");
}

#[test]
fn an_image_for_knative_runs_with_its_own_library() {
    let node = Node::start();
    let project =
        Project::new().bring("knative").with(&["knative/func.py"]).starts(&["python3", "func.py"]);
    let probe = "[function.native.server]\nprobe = \"/health/readiness\"";
    project.manifest("", &format!("contract = \"knative\"\n{probe}"));
    project.deploy(&node);
    let reply = node.get("/hello", None);
    assert_eq!(reply.status, 200, "{}\n{}", node.said(), node.ok(&["logs"]));
    let did = |text: &str| {
        let said: serde_json::Value = serde_json::from_str(text).expect(text);
        (said["did"].clone(), said["service"].clone())
    };
    assert_eq!(did(&reply.text()), ("hello".into(), "f".into()));
    assert_eq!(did(&invoked(&node)).0, "event");
    let failed = node.get("/fail", None);
    assert_eq!(failed.status, 500, "{failed:?}");
}

#[test]
fn an_image_for_openfaas_runs_with_its_watchdog_or_without() {
    let node = Node::start();
    // As `faas-cli build` makes them: the watchdog is what starts, and it starts the function.
    let project = Project::new()
        .bring("servers/python")
        .with(&["openfaas/fwatchdog", "openfaas/index.py"])
        .starts(&["/app/fwatchdog"])
        .says(&[
            ("env", "mode=http"),
            ("env", "fprocess=python3 -m gunicorn --bind=127.0.0.1:5000 index:app"),
            ("env", "upstream_url=http://127.0.0.1:5000"),
            ("exposedports", "8080/tcp"),
        ]);
    let behind = "contract = \"openfaas\"\n[function.native.server]\nprobe = \"/_/health\"";
    let command = r#"["python3", "-m", "gunicorn", "--bind=0.0.0.0:5000", "index:app"]"#;
    let alone = format!("contract = \"openfaas\"\ncommand = {command}\nport = 5000");
    for (native, watched) in [(behind, true), (&*alone, false)] {
        project.manifest("", native);
        project.deploy(&node);
        let reply = node.get("/function/f/hello", None);
        assert_eq!(reply.status, 200, "{}\n{}", node.said(), node.ok(&["logs"]));
        let said: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!((&said["did"], &said["path"]), (&"hello".into(), &"/hello".into()));
        assert_eq!(said["watched"], watched, "{said}");
        assert!(said["call"].as_str().is_some_and(|id| !id.is_empty()), "{said}");
        assert!(invoked(&node).contains("event"));
        assert_eq!(node.get("/function/f/fail", None).status, 500);
    }
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
            "said": {name: os.environ.get(name) for name in ["HTTPS_PROXY", "SSL_CERT_FILE", "PATH", "WORD"]},
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
    let node = Node::start();
    let project = Project::new().holding(&[
        ("inside.py", INSIDE),
        ("hidden", ""),
        ("raised", "#!/bin/sh\n"),
        ("own/start", "#!/bin/sh\nexec /usr/bin/python3 /app/inside.py\n"),
    ]);
    let raised = std::fs::Permissions::from_mode(0o6755);
    let held = project.at("held");
    std::fs::set_permissions(held.join("raised"), raised).expect("set");
    let project = project.over(&held, "/app").without("/app/hidden").says(&[
        ("cmd", "start"),
        ("env", "GREETING=from the image"),
        ("env", "WORD=from the image"),
        ("env", "PATH=/usr/bin"),
        ("env", "HTTPS_PROXY=http://elsewhere.example:1"),
        ("env", "SSL_CERT_FILE=/app/hidden"),
        ("workingdir", "/app"),
        ("user", "0:0"),
    ]);
    let own = "environment = { WORD = \"from the manifest\", PATH = \"/none:/app/own\" }";
    project.manifest(own, "contract = \"http\"");
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
    let said = serde_json::json!({
        "HTTPS_PROXY": "http://127.0.0.1:3128",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "PATH": "/none:/app/own",
        "WORD": "from the manifest",
    });
    assert_eq!(seen["said"], said, "the platform's and the manifest's words come first");
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
    let mut changed = bytes.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    std::fs::write(&largest, changed).expect("written");
    project.is_refused(&node, "E0160", "layer");
    std::fs::remove_file(&largest).expect("removed");
    project.is_refused(&node, "E0160", "missing");
    std::fs::write(&largest, bytes).expect("written");
    project.deploy(&node);
    let project = project.built_for("riscv64");
    project.is_refused(&node, "E0161", "linux/riscv64");
}

#[test]
fn an_image_that_cannot_be_a_jails_root_is_refused_when_it_is_deployed() {
    let node = Node::start();
    let project = Project::new().holding(&[("run", "#!/bin/sh\n")]).starts(&["/app/run"]);
    project.manifest("", "contract = \"http\"");
    project.deploy(&node);
    for (directory, refused) in
        [("/none", true), ("/app/run", true), ("/tmp/x", true), ("/tmp", false), ("/bin", false)]
    {
        let image = Project::of(&project).says(&[("workingdir", directory)]);
        image.manifest("", "contract = \"http\"");
        if refused {
            image.is_refused(&node, "E0173", directory);
        } else {
            image.deploy(&node);
        }
    }
    let file = project.at("a-file");
    std::fs::write(&file, "no directory").expect("written");
    let image = Project::of(&project).over(&file, "/opt");
    image.manifest("", "contract = \"http\"");
    image.is_refused(&node, "E0173", "/opt");
}
