//! Uploads over tus and in one piece, with blobs in memory and functions that say what they got.

use super::rig::{Rig, rig};
use crate::{Refusal, ReplyBody, RequestBody};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use model::store::StoreName;
use model::{Code, Scope};
use ports::blobs::{ContainerRef, Range, read_all};
use ports::executor::BodyError;
use std::pin::Pin;
use std::task::{Context, Poll};
use testkit::executor::Step;

const UPLOADS: &str = r#"{"name":"up","http":[{"route":"* /files","auth":"token",
    "upload":{"max_size":"16MiB","expires":"1h"}}]}"#;

/// A function that answers with what it was told.
async fn open() -> (Rig, String) {
    let rig = rig(|request| {
        let path = request.uri().path();
        let head = if path == "/empty" { StatusCode::NO_CONTENT } else { StatusCode::OK };
        vec![Step::Head(head), Step::Echo, Step::End]
    })
    .await;
    rig.deploy(UPLOADS).await.expect("deployed");
    let token = rig.token("ci", &["up"]).await;
    (rig, token)
}

struct Ask<'a> {
    method: &'a str,
    uri: &'a str,
    token: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

impl Ask<'_> {
    fn with(&self, body: RequestBody) -> Request<RequestBody> {
        let mut request = Request::builder().method(self.method).uri(self.uri);
        request =
            request.header("host", "a").header("authorization", format!("Bearer {}", self.token));
        for (name, value) in self.fields {
            request = request.header(*name, *value);
        }
        request.body(body).expect("a request")
    }
}

fn full(bytes: impl Into<Bytes>) -> RequestBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that breaks off after these bytes.
fn cut(bytes: &'static [u8]) -> RequestBody {
    Cut(Some(Bytes::from_static(bytes))).boxed_unsync()
}

struct Cut(Option<Bytes>);

impl Body for Cut {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or(BodyError::Cut)))
    }
}

impl Rig {
    async fn tus(
        &self,
        (method, uri): (&str, &str),
        token: &str,
        fields: &[(&str, &str)],
        body: RequestBody,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let fields = [&[("tus-resumable", "1.0.0")], fields].concat();
        self.send(Ask { method, uri, token, fields: &fields }.with(body)).await
    }

    /// Begins an upload; gives its address.
    async fn begin(&self, token: &str, length: usize) -> String {
        let length = length.to_string();
        let fields = [("upload-length", &*length), ("upload-metadata", "filename YS50eHQ=")];
        let made = self.tus(("POST", "/files"), token, &fields, full("")).await.expect("begun");
        assert_eq!(made.status(), 201);
        assert_eq!(header(&made, "tus-resumable"), "1.0.0");
        header(&made, "location")
    }

    async fn patch(
        &self,
        uri: &str,
        token: &str,
        offset: u64,
        body: RequestBody,
    ) -> Result<Response<ReplyBody>, Refusal> {
        let offset = offset.to_string();
        let fields =
            [("content-type", "application/offset+octet-stream"), ("upload-offset", &*offset)];
        self.tus(("PATCH", uri), token, &fields, body).await
    }

    async fn offset(&self, uri: &str, token: &str) -> Result<String, Code> {
        let head = self.tus(("HEAD", uri), token, &[], full("")).await;
        head.map(|head| header(&head, "upload-offset")).map_err(|refusal| refusal.problem.code)
    }

    fn container(&self) -> ContainerRef {
        let name = StoreName::Own("up".parse().expect("a name"));
        ContainerRef { scope: Scope::default(), name }
    }

    async fn object(&self, name: &str) -> Vec<u8> {
        let blobs = &self.engine.parts.blobs;
        let found = blobs.get(&self.container(), name, Range::ALL).await.expect("readable");
        read_all(found.expect("there").body, 1 << 24).await.expect("whole")
    }
}

fn header(response: &Response<ReplyBody>, name: &str) -> String {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().expect("text").to_owned()
}

async fn told(response: Response<ReplyBody>) -> serde_json::Value {
    let body = response.into_body().collect().await.expect("whole").to_bytes();
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {body:?}"))
}

fn code(outcome: Result<Response<ReplyBody>, Refusal>) -> (Code, u16) {
    let refusal = outcome.err().expect("refused");
    assert_eq!(refusal.headers.as_ref().expect("fields")["tus-resumable"], "1.0.0");
    (refusal.problem.code, refusal.problem.code.status())
}

#[tokio::test]
async fn an_upload_in_pieces_becomes_an_object_and_one_call() {
    let (rig, token) = open().await;
    let uri = rig.begin(&token, 11).await;
    assert_eq!(rig.offset(&uri, &token).await, Ok("0".to_owned()));
    let first = rig.patch(&uri, &token, 0, full("hello ")).await.expect("added");
    assert_eq!((first.status().as_u16(), header(&first, "upload-offset")), (204, "6".to_owned()));
    assert_eq!(header(&first, "upload-expires"), "Fri, 15 Jan 2027 09:00:00 GMT");
    assert_eq!(rig.records().len(), 0, "nothing ran yet");
    let last = rig.patch(&uri, &token, 6, full("world")).await.expect("complete");
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (200, "11".to_owned()));
    let told = told(last).await;
    assert_eq!((&told["bytes"], &told["metadata"]["filename"]), (&11.into(), &"a.txt".into()));
    let name = told["name"].as_str().expect("a name");
    assert_eq!(name, format!("uploads/{}", uri.split('=').nth(1).expect("an id")));
    assert_eq!(rig.object(name).await, b"hello world");
    assert_eq!(rig.records().len(), 1);
    // Its client was cut off and asks; it is told, and nothing runs again.
    assert_eq!(rig.offset(&uri, &token).await, Ok("11".to_owned()));
    assert_eq!(rig.records().len(), 1);
    assert_eq!(code(rig.patch(&uri, &token, 11, full("")).await).0, Code::NoSuchUpload);
}

#[tokio::test]
async fn what_arrived_before_a_cut_stays_and_the_upload_goes_on_there() {
    let (rig, token) = open().await;
    let uri = rig.begin(&token, 10).await;
    assert_eq!(code(rig.patch(&uri, &token, 0, cut(b"01234")).await).0, Code::UploadCut);
    assert_eq!(rig.offset(&uri, &token).await, Ok("5".to_owned()));
    let wrong = rig.patch(&uri, &token, 0, full("0123456789")).await;
    assert_eq!(
        wrong.as_ref().err().expect("refused").headers.as_ref().expect("fields")["upload-offset"],
        "5"
    );
    assert_eq!(code(wrong), (Code::UploadConflict, 409));
    let last = rig.patch(&uri, &token, 5, full("56789")).await.expect("complete");
    let told = told(last).await;
    assert_eq!(rig.object(told["name"].as_str().expect("a name")).await, b"0123456789");
}

#[tokio::test]
async fn an_upload_is_nobody_elses() {
    let (rig, token) = open().await;
    let other = rig.token("other", &["up"]).await;
    let stranger = rig.token("stranger", &[]).await;
    let uri = rig.begin(&token, 5).await;
    assert_eq!(code(rig.patch(&uri, &other, 0, full("hello")).await), (Code::NoSuchUpload, 404));
    assert_eq!(rig.offset(&uri, &other).await, Err(Code::NoSuchUpload));
    assert_eq!(code(rig.tus(("DELETE", &uri), &other, &[], full("")).await).0, Code::NoSuchUpload);
    // Without a permit there is nothing at all.
    assert_eq!(rig.offset(&uri, &stranger).await, Err(Code::NotFound));
    assert_eq!(rig.offset(&uri, "cmt_x").await, Err(Code::CredentialRequired));
    assert_eq!(rig.offset(&uri, &token).await, Ok("0".to_owned()));
    // Nor is it another route's.
    let second = UPLOADS.replace("\"up\"", "\"up2\"").replace("/files", "/more");
    rig.deploy_as("more", &second, false).await.expect("deployed");
    rig.grant("token:ci", "invoke", "up2").await;
    let elsewhere = uri.replace("/files", "/more");
    assert_eq!(rig.offset(&elsewhere, &token).await, Err(Code::NoSuchUpload));
    rig.tus(("DELETE", &uri), &token, &[], full("")).await.expect("given up");
    assert_eq!(rig.offset(&uri, &token).await, Err(Code::NoSuchUpload));
}

#[tokio::test]
async fn a_checksum_that_is_wrong_changes_nothing() {
    let (rig, token) = open().await;
    let uri = rig.begin(&token, 5).await;
    let sum = |name: &str, algorithm, bytes: &[u8]| {
        format!("{name} {}", STANDARD.encode(aws_lc_rs::digest::digest(algorithm, bytes)))
    };
    let sha1 = sum("sha1", &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"hello");
    let sha256 = sum("sha256", &aws_lc_rs::digest::SHA256, b"lo");
    let send = async |sum: &str, offset: &str, body: &'static str| {
        let fields = [
            ("content-type", "application/offset+octet-stream"),
            ("upload-offset", offset),
            ("upload-checksum", sum),
        ];
        rig.tus(("PATCH", &uri), &token, &fields, full(body)).await
    };
    assert_eq!(code(send(&sha1, "0", "hellO").await), (Code::UploadChecksum, 460));
    assert_eq!(code(send("crc32 AAAA", "0", "hello").await), (Code::BadUpload, 400));
    assert_eq!(rig.offset(&uri, &token).await, Ok("0".to_owned()));
    rig.patch(&uri, &token, 0, full("hel")).await.expect("added");
    let last = send(&sha256, "3", "lo").await.expect("complete");
    assert_eq!(told(last).await["bytes"], 5);
}

#[tokio::test]
async fn one_that_nobody_goes_on_with_expires() {
    // Tokens of the rig live for a minute only.
    let (rig, _) = open().await;
    rig.deploy(&UPLOADS.replace("\"auth\":\"token\"", "\"auth\":\"public\""))
        .await
        .expect("deployed");
    rig.grant("public", "invoke", "up").await;
    let token = "somebody".to_owned();
    let (uri, swept) = (rig.begin(&token, 5).await, rig.begin(&token, 5).await);
    let minutes =
        |minutes: i64| rig.clock.forward(std::time::Duration::from_secs(60 * minutes as u64));
    minutes(59);
    rig.patch(&uri, &token, 0, full("h")).await.expect("in time");
    minutes(59);
    assert_eq!(rig.offset(&uri, &token).await, Ok("1".to_owned()));
    rig.engine.sweep_expired_uploads().await.expect("swept");
    assert_eq!(rig.offset(&swept, &token).await, Err(Code::NoSuchUpload));
    minutes(1);
    assert_eq!(code(rig.patch(&uri, &token, 1, full("ello")).await), (Code::UploadExpired, 410));
    assert_eq!(rig.offset(&uri, &token).await, Err(Code::NoSuchUpload));
    let left = rig.engine.parts.blobs.container(&rig.container()).await.expect("readable");
    assert_eq!(left.map(|it| (it.uploads, it.objects)), Some((0, 0)));
}

#[tokio::test]
async fn a_body_of_any_length_in_one_request_is_an_object_too() {
    let (rig, token) = open().await;
    let bytes = Bytes::from(vec![7; 9 << 20]);
    let ask =
        |method, body| Ask { method, uri: "/files?a=b", token: &token, fields: &[] }.with(body);
    let answer = rig.send(ask("POST", full(bytes.clone()))).await.expect("complete");
    let told = told(answer).await;
    assert_eq!(told["bytes"], 9 << 20);
    assert!(rig.object(told["name"].as_str().expect("a name")).await == bytes);
    // Everything else is a call like any other.
    assert_eq!(rig.send(ask("GET", full(""))).await.expect("called").status(), 200);
    let refused = rig.send(ask("PUT", full(vec![7; 17 << 20]))).await.err().expect("too large");
    assert_eq!(refused.problem.code, Code::UploadTooLarge);
    let refused = rig.send(ask("PUT", cut(b"half"))).await.err().expect("cut");
    assert_eq!(refused.problem.code, Code::UploadCut);
    let left = rig.engine.parts.blobs.container(&rig.container()).await.expect("readable");
    assert_eq!(left.map(|it| (it.uploads, it.objects)), Some((0, 1)));
}

/// A method, a URL, fields, and the code of the refusal.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Code);

#[tokio::test]
async fn what_is_no_step_of_an_upload_is_refused_by_its_code() {
    let (rig, token) = open().await;
    let uri = rig.begin(&token, 5).await;
    let octets = ("content-type", "application/offset+octet-stream");
    let cases: [Case<'_>; 9] = [
        ("POST", "/files", &[], Code::BadUpload),
        ("POST", "/files", &[("upload-length", "99999999999")], Code::UploadTooLarge),
        ("POST", "/files", &[("upload-defer-length", "1")], Code::BadUpload),
        ("PATCH", &uri, &[("upload-offset", "0")], Code::UploadType),
        ("PATCH", &uri, &[octets], Code::BadUpload),
        ("PATCH", &uri, &[octets, ("upload-offset", "7")], Code::UploadConflict),
        (
            "PATCH",
            &uri,
            &[octets, ("upload-offset", "0"), ("content-length", "6")],
            Code::UploadTooLarge,
        ),
        ("PATCH", "/files", &[octets, ("upload-offset", "0")], Code::MethodNotAllowed),
        ("PUT", &uri, &[], Code::MethodNotAllowed),
    ];
    for (method, uri, fields, expect) in cases {
        let outcome = rig.tus((method, uri), &token, fields, full("")).await;
        assert_eq!(code(outcome).0, expect, "{method} {uri} {fields:?}");
    }
    assert_eq!(code(rig.patch(&uri, &token, 0, full("too long")).await).0, Code::UploadTooLarge);
    let fields = [("tus-resumable", "0.2.2")];
    let old = rig
        .send(Ask { method: "HEAD", uri: &uri, token: &token, fields: &fields }.with(full("")))
        .await;
    assert_eq!(code(old), (Code::UploadVersion, 412));
    let options =
        Ask { method: "OPTIONS", uri: "/files", token: &token, fields: &[] }.with(full(""));
    let said = rig.send(options).await.expect("said");
    assert_eq!(
        (header(&said, "tus-version"), header(&said, "tus-max-size")),
        ("1.0.0".to_owned(), (16 << 20).to_string())
    );
    assert_eq!(rig.records().len(), 0);
}

#[tokio::test]
async fn an_upload_may_come_with_its_beginning_and_may_be_empty() {
    let (rig, token) = open().await;
    let octets = ("content-type", "application/offset+octet-stream");
    let fields = [octets, ("upload-length", "5")];
    let part = rig.tus(("POST", "/files"), &token, &fields, full("he")).await.expect("begun");
    assert_eq!((part.status().as_u16(), header(&part, "upload-offset")), (201, "2".to_owned()));
    let whole = rig.tus(("POST", "/files"), &token, &fields, full("hello")).await.expect("whole");
    assert_eq!((whole.status().as_u16(), header(&whole, "upload-offset")), (201, "5".to_owned()));
    assert!(whole.headers().contains_key("location"));
    let empty = rig.tus(("POST", "/files"), &token, &[("upload-length", "0")], full("")).await;
    assert_eq!(told(empty.expect("whole")).await["bytes"], 0);
    assert_eq!(rig.records().len(), 2);
}

#[tokio::test]
async fn a_caller_has_so_many_uploads_that_are_not_complete() {
    let (rig, token) = open().await;
    for _ in 0..100 {
        rig.begin(&token, 5).await;
    }
    let more = rig.tus(("POST", "/files"), &token, &[("upload-length", "5")], full("")).await;
    assert_eq!(code(more), (Code::UploadsCrowded, 429));
    let other = rig.token("other", &["up"]).await;
    rig.begin(&other, 5).await;
}

#[tokio::test]
async fn who_finds_no_room_for_the_call_asks_again_and_it_is_made() {
    let rig = rig(|request| {
        let hang = request.headers().contains_key("x-hang");
        if hang {
            vec![Step::Hang]
        } else {
            vec![Step::Head(StatusCode::OK), Step::Echo, Step::End]
        }
    })
    .await;
    let spec = UPLOADS.replace("\"http\"", "\"concurrency\":1,\"queue_wait\":\"0s\",\"http\"");
    rig.deploy(&spec).await.expect("deployed");
    let token = rig.token("ci", &["up"]).await;
    let uri = rig.begin(&token, 5).await;
    let hang = [("x-hang", "1")];
    let hang = Ask { method: "GET", uri: "/files", token: &token, fields: &hang }.with(full(""));
    let mut hanging = Box::pin(rig.send(hang));
    tokio::select! {
        biased;
        _ = &mut hanging => panic!("it hangs"),
        () = tokio::task::yield_now() => {}
    }
    let busy = rig.patch(&uri, &token, 0, full("hello")).await;
    assert!(matches!(code(busy).0, Code::FunctionBusy | Code::CallerBusy));
    drop(hanging);
    let before = rig.records().len();
    assert_eq!(rig.offset(&uri, &token).await, Ok("5".to_owned()));
    assert_eq!(rig.records().len(), before + 1, "it was delivered");
}
