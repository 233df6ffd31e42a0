//! Requests signed for AWS, towards a server that verifies them: `moto`, which computes signatures
//! with botocore, the code that AWS's own tools use. `cargo xtask test` installs it. It leaves
//! queries out of what it verifies, and takes paths decoded; both are held by AWS's own examples,
//! in `crates/engine/src/secrets/sigv4/tests.rs`.

use crate::keeper::{Keeper, placeholder};
use crate::pebble::free_port;
use crate::rig::PATIENCE;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A running `moto`. Killed when dropped.
pub(crate) struct Moto {
    pub(crate) port: u16,
    child: Child,
}

impl Moto {
    /// Starts it, over TLS if there are files for that. After so many requests it verifies all.
    pub(crate) fn start(folder: &Path, tls: Option<(&Path, &Path)>) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join("target/tools/moto/bin/python");
        assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
        let port = free_port();
        let log = std::fs::File::create(folder.join(format!("moto-{port}.log"))).expect("a log");
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        if let Some((certificate, key)) = tls {
            command.arg("-c").arg(certificate).arg("-k").arg(key);
        }
        let child = command
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "4")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .spawn()
            .expect("python starts");
        let moto = Self { port, child };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "moto does not answer");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A certificate for `localhost`: the authority's file, and the files of server and key.
pub(crate) fn certificates(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for tests");
    let authority = params.self_signed(&key).expect("signed").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let own = own.signed_by(&key, &issuer).expect("signed").pem();
    let texts = [("ca.pem", authority), ("own.pem", own), ("own.key", key.serialize_pem())];
    let [ca, own, key] = texts.map(|(name, text)| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("written");
        file
    });
    (ca, own, key)
}

/// Sends bytes over TLS or without, by the tool that is there for both.
fn curl(url: &str, ca: &Path, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["-sS", "--cacert"])
        .arg(ca)
        .args(arguments)
        .arg(url)
        .output()
        .expect("curl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{url}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A user who may do everything with S3 and SQS: the id of the access key, and the key. With the
/// bucket these are the four requests that are not verified.
fn user(url: &str, ca: &Path) -> (String, String) {
    let iam = "authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
    let s3 = iam.replace("/iam/", "/s3/");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sqs:*"],"Resource":"*"}]}"#;
    let act = |pairs: &[&str]| {
        let mut words = vec!["-H", iam, "-d", "Version=2010-05-08", "-d", "UserName=shop"];
        for pair in pairs {
            words.extend(["--data-urlencode", *pair]);
        }
        curl(url, ca, &words)
    };
    act(&["Action=CreateUser"]);
    act(&["Action=PutUserPolicy", "PolicyName=p", &format!("PolicyDocument={policy}")]);
    curl(&format!("{url}/shop-bucket"), ca, &["-X", "PUT", "-H", &s3]);
    let made = act(&["Action=CreateAccessKey"]);
    let between = |name: &str| {
        let (_, rest) = made.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{made}"));
        rest.split_once('<').expect("closed").0.to_owned()
    };
    (between("AccessKeyId"), between("SecretAccessKey"))
}

#[test]
fn an_object_of_s3_is_put_and_got_with_a_signature_that_the_server_verifies() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ca, certificate, key) = certificates(dir.path());
    let moto = Moto::start(dir.path(), Some((&certificate, &key)));
    let url = format!("https://localhost:{}", moto.port);
    let (id, secret) = user(&url, &ca);
    let keeper = Keeper::open(&format!("authorities = [{:?}]", ca.to_str().expect("text")));
    assert!(keeper.put("set", "aws", &secret).status.success());
    keeper.deploy(&format!(
        "http = [\"* {url}/*\"]\nsecret.aws = {{ to = \"{url}/shop-bucket\", sigv4 = {{ \
         access_key = \"{id}\", region = \"us-east-1\", service = \"s3\" }} }}"
    ));
    let object = format!("{url}/shop-bucket/a/hello.txt");
    // Unsigned by the guest, and signed with the placeholder, as a client library does.
    let said = keeper.send("PUT", &object, "content-type:text/plain|x-amz-meta-a: 1  2", "hello");
    assert!(said.contains("status 200"), "{said}");
    let held = placeholder("m", "aws");
    let own = format!(
        "authorization:AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={held}"
    );
    let said = keeper.send("GET", &object, &own, "");
    assert!(said.contains("status 200") && said.contains("hello"), "{said}");
    let listed = keeper.send("GET", &format!("{url}/shop-bucket"), "", "");
    assert!(listed.contains("status 200"), "{listed}");
    // Elsewhere nothing is signed, and with another key the server refuses: so it does verify.
    let said = keeper.send("GET", &format!("{url}/other"), "", "");
    assert!(!said.contains("status 200"), "{said}");
    assert!(keeper.put("rotate", "aws", "another/key0123456789").status.success());
    let said = keeper.send("GET", &object, "", "");
    assert!(said.contains("status 403") && said.contains("SignatureDoesNotMatch"), "{said}");
    let everything = keeper.everything();
    assert!(!everything.contains(&secret) && !everything.contains("another/key"), "{everything}");
}

#[test]
fn a_call_of_another_service_is_signed_with_its_body() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ca, ..) = certificates(dir.path());
    let moto = Moto::start(dir.path(), None);
    let url = format!("http://localhost:{}", moto.port);
    let (id, secret) = user(&url, &ca);
    let keeper = Keeper::open("");
    let value = format!(r#"{{"Version":1,"AccessKeyId":"{id}","SecretAccessKey":"{secret}"}}"#);
    assert!(keeper.put("set", "aws", &value).status.success());
    keeper.deploy(&format!(
        "http = [\"* {url}/*\"]\nsecret.aws = {{ to = \"{url}\", sigv4 = {{ \
         region = \"us-east-1\", service = \"sqs\" }} }}"
    ));
    let fields = "content-type:application/x-amz-json-1.0|x-amz-target:AmazonSQS.CreateQueue";
    let said = keeper.send("POST", &format!("{url}/"), fields, r#"{"QueueName":"orders"}"#);
    assert!(said.contains("status 200") && said.contains("orders"), "{said}");
    let wrong = value.replace(&secret, "another/key0123456789");
    assert!(keeper.put("rotate", "aws", &wrong).status.success());
    let said = keeper.send("POST", &format!("{url}/"), fields, r#"{"QueueName":"more"}"#);
    assert!(said.contains("status 403"), "{said}");
}
