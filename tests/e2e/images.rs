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
