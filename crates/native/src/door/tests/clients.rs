//! Real clients, as they come from their packages, with the environment and the files of a jail.

use super::super::files;
use super::super::trust::{PROXY, trust};
use super::rig::{FakeHost, Rig};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A client's surroundings: what a jail would have at fixed places, elsewhere.
struct Around {
    directory: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl Around {
    fn new(rig: &Rig) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut variables: BTreeMap<_, _> = trust().into_iter().collect();
        let (proxy, port) = (PROXY.to_string(), format!("roxyPort={}", PROXY.port()));
        for (place, bytes) in files(&rig.authority, []) {
            let here = directory.path().join(place.strip_prefix("/").expect("absolute"));
            std::fs::create_dir_all(here.parent().expect("a parent")).expect("a directory");
            std::fs::write(&here, bytes).expect("written");
            let (place, here) = (place.display().to_string(), here.display().to_string());
            for value in variables.values_mut() {
                *value = value.replace(&place, &here);
            }
        }
        for value in variables.values_mut() {
            *value = value.replace(&proxy, &rig.proxy.to_string());
            *value = value.replace(&port, &format!("roxyPort={}", rig.proxy.port()));
        }
        Self { directory, variables }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let place = self.directory.path().join(name);
        std::fs::write(&place, text).expect("written");
        place
    }

    /// Runs a program with nothing but these surroundings, and gives what it printed.
    async fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> String {
        let (status, out) = self.try_run(program.as_ref(), arguments).await;
        assert!(status, "{}: {out}", program.as_ref().display());
        out
    }

    async fn try_run(&self, program: &Path, arguments: &[&str]) -> (bool, String) {
        #[expect(clippy::disallowed_methods, reason = "a test's clients are programs")]
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.variables);
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(std::process::Stdio::null()).current_dir(self.directory.path());
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = run
            .await
            .expect("run")
            .unwrap_or_else(|error| panic!("{} has to be installed: {error}", program.display()));
        let both = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&both).into_owned())
    }
}

/// Python with `requests` and `boto3`: `cargo xtask test` makes it.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("target/tools/moto/bin/python")
}

#[tokio::test]
async fn curl_goes_through_the_proxy_in_every_way() {
    let rig = Rig::new();
    let around = Around::new(&rig);
    let plain = ["-sS", "--fail-with-body"];
    for (more, url) in [
        (&[][..], "http://api.example/a"),
        (&[], "https://api.example/a"),
        (&["--http1.1"], "https://api.example/a"),
        (&["--proxytunnel"], "http://api.example/a"),
    ] {
        let out = around.run("curl", &[&plain[..], more, &[url]].concat()).await;
        assert!(out.starts_with(&format!("GET {url} 0\n")), "{out}");
    }
    let upload = around.file("upload", &"x".repeat(3_000_000));
    let upload = upload.to_str().expect("a path");
    let out = around.run("curl", &["-sS", "-T", upload, "https://api.example/up"]).await;
    assert!(out.starts_with("PUT https://api.example/up 3000000\n"), "{out}");
    let (fine, out) = around
        .try_run("curl".as_ref(), &["-sS", "--fail-with-body", "https://denied.example/"])
        .await;
    assert!(!fine && out.contains("E0203") && out.contains("casemate logs"), "{out}");
    let (fine, out) =
        around.try_run("curl".as_ref(), &["-sS", "https://169.254.169.254/latest"]).await;
    assert!(!fine && out.contains("403"), "{out}");
    assert_eq!(rig.asked().len(), 6);
}

#[tokio::test]
async fn openssl_is_refused_under_another_name_and_served_without_one() {
    let rig = Rig::new();
    let around = Around::new(&rig);
    let (proxy, bundle) = (rig.proxy.to_string(), around.variables["SSL_CERT_FILE"].clone());
    let connect = ["s_client", "-proxy", &proxy, "-connect", "api.example:443", "-CAfile", &bundle];
    let (_, out) = around
        .try_run("openssl".as_ref(), &[&connect[..], &["-servername", "evil.example"]].concat())
        .await;
    assert!(out.contains("unrecognized name"), "{out}");
    for name in [&["-noservername"][..], &["-servername", "api.example"]] {
        let checked = ["-verify_hostname", "api.example", "-verify_return_error"];
        let out = around.run("openssl", &[&connect[..], name, &checked].concat()).await;
        assert!(out.contains("Verify return code: 0 (ok)"), "{out}");
        assert!(out.contains("Casemate, for one jail"), "{out}");
    }
}

#[tokio::test]
async fn python_uses_the_proxy_and_trusts_the_jail() {
    let rig = Rig::new();
    let around = Around::new(&rig);
    let script = around.file(
        "client.py",
        r#"
import json, urllib.request, urllib.error, requests
for url in ["http://api.example/u", "https://api.example/u"]:
    print(urllib.request.urlopen(url, timeout=30).read().decode().split("\n")[0])
    print(requests.post(url, data=b"abc", timeout=30).text.split("\n")[0])
session = requests.Session()
for _ in range(3):
    assert session.get("https://api.example/kept", timeout=30).status_code == 200
refused = requests.get("https://denied.example/", timeout=30)
print(refused.status_code, refused.json()["code"])
try:
    urllib.request.urlopen("http://169.254.169.254/latest/", timeout=30)
except urllib.error.HTTPError as error:
    print(error.code, json.load(error)["code"])
"#,
    );
    let out = around.run(python(), &[script.to_str().expect("a path")]).await;
    let expect = [
        "GET http://api.example/u 0",
        "POST http://api.example/u 3",
        "GET https://api.example/u 0",
        "POST https://api.example/u 3",
        "403 E0203",
        "403 E0933",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), expect, "{out}");
}

#[tokio::test]
async fn boto3_uses_the_proxy_and_finds_no_metadata_service() {
    let rig = Rig::new();
    let around = Around::new(&rig);
    let script = around.file(
        "client.py",
        r#"
import boto3, botocore
s3 = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
got = s3.get_object(Bucket="shop", Key="a/b")
print(got["Body"].read().decode().split("\n")[0])
try:
    boto3.client("sqs", region_name="eu-west-1").list_queues()
except botocore.exceptions.NoCredentialsError as error:
    print("no credentials")
"#,
    );
    let out = around.run(python(), &[script.to_str().expect("a path")]).await;
    let expect = ["GET https://shop.s3.eu-west-1.amazonaws.com/a/b 0", "no credentials"];
    assert_eq!(out.lines().collect::<Vec<_>>(), expect, "{out}");
    assert_eq!(rig.asked(), ["GET https://shop.s3.eu-west-1.amazonaws.com/a/b"]);
}

#[tokio::test]
async fn node_uses_the_proxy_whatever_its_code_calls() {
    let rig = Rig::with(FakeHost::default());
    let around = Around::new(&rig);
    let script = around.file(
        "client.mjs",
        r#"
import http from 'node:http';
import https from 'node:https';
const direct = http.createServer((_, answer) => answer.end('direct\n')).listen(0, '127.0.0.1');
await new Promise((done) => direct.once('listening', done));
const own = `http://127.0.0.1:${direct.address().port}/`;
const get = (client, url, options = {}) => new Promise((done, failed) => {
  client.get(url, options, (answer) => {
    let text = '';
    answer.on('data', (piece) => { text += piece; }).on('end', () => done(text.split('\n')[0]));
  }).on('error', failed);
});
const log = (line) => console.log(line);
log(await get(http, 'http://api.example/h'));
log(await get(https, 'https://api.example/h'));
const agent = new https.Agent({ keepAlive: true });
log(await get(https, 'https://api.example/own-agent', { agent }));
log(await get(https, 'https://api.example/again', { agent }));
log(await get(http, 'http://api.example/no-agent', { agent: false }));
log(await get(http, own));
for (const url of ['http://api.example/f', 'https://api.example/f', own]) {
  log((await (await fetch(url)).text()).split('\n')[0]);
}
const refused = await fetch('https://denied.example/');
log(`${refused.status} ${(await refused.json()).code}`);
await fetch('http://169.254.169.254/').catch((error) => log(error.cause?.code));
await get(http, 'http://169.254.169.254/').catch((error) => log(error.code));
agent.destroy();
direct.close();
process.exit(0);
"#,
    );
    let out = around.run("node", &[script.to_str().expect("a path")]).await;
    let expect = [
        "GET http://api.example/h 0",
        "GET https://api.example/h 0",
        "GET https://api.example/own-agent 0",
        "GET https://api.example/again 0",
        "GET http://api.example/no-agent 0",
        "direct",
        "GET http://api.example/f 0",
        "GET https://api.example/f 0",
        "direct",
        "403 E0203",
        "ERR_PROXY_TUNNEL",
        "ERR_PROXY_TUNNEL",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), expect, "{out}");
}

#[tokio::test]
async fn java_uses_the_proxy_and_trusts_the_jail() {
    let rig = Rig::new();
    let around = Around::new(&rig);
    let script = around.file(
        "Client.java",
        r#"
import java.io.*;
import java.net.*;
import java.net.http.*;
public class Client {
    public static void main(String[] arguments) throws Exception {
        for (String url : new String[] {"http://api.example/j", "https://api.example/j"}) {
            InputStream in = new URL(url).openConnection().getInputStream();
            System.out.println(new BufferedReader(new InputStreamReader(in)).readLine());
            HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
            String body = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            System.out.println(body.split("\n")[0]);
        }
    }
}
"#,
    );
    let out = around.run("java", &[script.to_str().expect("a path")]).await;
    let lines: Vec<_> = out.lines().filter(|line| line.starts_with("GET ")).collect();
    let expect = [
        "GET http://api.example/j 0",
        "GET http://api.example/j 0",
        "GET https://api.example/j 0",
        "GET https://api.example/j 0",
    ];
    assert_eq!(lines, expect, "{out}");
}
