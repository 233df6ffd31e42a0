//! Components on their way in: refused with a code, or compiled, authenticated and kept.

use crate::guests::{guest, hello, wrap};
use crate::rig::{Failing, Rig, digest, finish, get};
use bytes::Bytes;
use casemate_wasm::Origin;
use model::Code;
use ports::child;
use ports::executor::{FaultKind, PrepareError};
use std::path::PathBuf;
use std::sync::Arc;

fn code(refused: Result<model::Digest, PrepareError>) -> (Code, String) {
    match refused {
        Err(PrepareError::Refused(problem)) => (problem.code, problem.detail.unwrap_or_default()),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn files(rig: &Rig) -> Vec<PathBuf> {
    let compiled = rig.dir.path().join("compiled");
    let mut all = Vec::new();
    for dir in std::fs::read_dir(compiled).expect("compiled").flatten() {
        all.extend(std::fs::read_dir(dir.path()).expect("dir").flatten().map(|f| f.path()));
    }
    all
}

#[tokio::test]
async fn what_is_no_component_is_refused_and_leaves_nothing() {
    let rig = Rig::new();
    let core: Bytes = wat::parse_str("(module)").expect("module").into();
    let mut cut = hello().to_vec();
    cut.truncate(cut.len() / 2);
    let table: [(Bytes, Code, &str); 6] = [
        (Bytes::new(), Code::NotAComponent, "empty"),
        (core, Code::NotAComponent, "core module"),
        (Bytes::from_static(b"(component)"), Code::NotAComponent, "text"),
        (Bytes::from_static(b"GIF89a"), Code::NotAComponent, "does not begin"),
        (Bytes::from_static(b"\0asm\x0d\0\x01\0garbage"), Code::CompileFailed, ""),
        (cut.into(), Code::CompileFailed, ""),
    ];
    for (bytes, expect, part) in table {
        let (code, detail) = code(rig.prepare(&bytes).await);
        assert_eq!(code, expect);
        assert!(detail.contains(part), "{detail}");
        assert!(!rig.ready(digest(&bytes)).await);
    }
    assert_eq!(files(&rig), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn every_import_that_is_missing_is_named() {
    let rig = Rig::new();
    let greedy = wrap(
        r#"(module
            (import "wasi:messaging/store@0.2.0-draft" "open" (func (param i32 i32) (result i32)))
            (import "wasi:blobstore/container@0.2.0" "count" (func (result i32)))
            (import "wasi:random/random@0.2.0" "get-random-u64" (func (result i64)))
            (memory (export "memory") 1)
            (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)))"#,
        "greedy",
    );
    let (code, detail) = code(rig.prepare(&greedy).await);
    assert_eq!(code, Code::ImportNotOffered);
    let mut names: Vec<&str> = detail.split(", ").collect();
    names.sort_unstable();
    assert_eq!(names, ["wasi:blobstore/container@0.2.0", "wasi:messaging/store@0.2.0-draft"]);
    assert_eq!(files(&rig), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_component_without_a_handler_is_refused() {
    let rig = Rig::new();
    let library = wrap(
        r#"(module
            (import "wasi:random/random@0.2.0" "get-random-u64" (func (result i64)))
            (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0)))"#,
        "library",
    );
    let (code, detail) = code(rig.prepare(&library).await);
    assert_eq!(code, Code::NoHandler);
    assert_eq!(detail, "it exports wasi:cli/run@0.2.0");
}

#[tokio::test]
async fn switched_off_proposals_and_oversized_instances_are_refused() {
    let rig = Rig::new();
    let core = r#"(component (core module (memory i64 1)))"#;
    let memory64: Bytes = wat::parse_str(core).expect("text").into();
    let (code64, detail) = code(rig.prepare(&memory64).await);
    assert_eq!(code64, Code::CompileFailed);
    assert!(detail.contains("memory64") || detail.contains("64-bit"), "{detail}");
    let large = guest("", "(table $t 100000 funcref)");
    let (code_large, detail) = code(rig.prepare(&large).await);
    assert_eq!(code_large, Code::CompileFailed);
    assert!(detail.contains("table"), "{detail}");
}

/// A node whose compiler is `children`.
fn compiling_by(children: Failing) -> Rig {
    let dir = Arc::new(tempfile::tempdir().expect("dir"));
    Rig::at(Arc::clone(&dir), |config| {
        config.origin = Origin::Here(Rig::workshop(dir.path(), Arc::new(children)));
    })
}

#[tokio::test]
async fn what_the_child_says_becomes_a_problem() {
    type Fails = fn() -> child::Error;
    let table: [(Fails, Code, &str); 3] = [
        (|| child::Error::Limit("CPU time"), Code::CompileLimit, "CPU time"),
        (
            || child::Error::Refused("bad \x1b[2J section".to_owned()),
            Code::CompileFailed,
            "bad  [2J",
        ),
        (|| child::Error::Died("signal 11".to_owned()), Code::CompileFailed, "signal 11"),
    ];
    for (error, expect, part) in table {
        let rig = compiling_by(Failing(error));
        let (code, detail) = code(rig.prepare(&hello()).await);
        assert_eq!(code, expect);
        assert!(detail.contains(part), "{detail}");
    }
    let io = || child::Error::Io(std::io::ErrorKind::NotFound.into());
    let rig = compiling_by(Failing(io));
    assert!(matches!(rig.prepare(&hello()).await, Err(PrepareError::Failed { .. })));
}

#[tokio::test]
async fn a_prepared_component_is_ready_after_a_restart_and_runs() {
    let rig = Rig::new();
    let digest = rig.prepare(&hello()).await.expect("component");
    rig.prepare(&hello()).await.expect("twice is once");
    let next = rig.restarted();
    assert_eq!(next.executor.loaded().0, 0);
    assert!(next.ready(digest).await);
    assert_eq!(finish(next.start(digest, get())).await.text(), "hello");
    let third = rig.restarted();
    assert_eq!(finish(third.start(digest, get())).await.text(), "hello", "loaded by the call");
}

#[tokio::test]
async fn what_was_never_prepared_does_not_run() {
    let rig = Rig::new();
    let answer = finish(rig.start(digest(b"unknown"), get())).await;
    assert_eq!(answer.kind(), Some(FaultKind::Platform));
}

#[tokio::test]
async fn a_changed_byte_is_found_and_the_component_can_be_compiled_again() {
    let rig = Rig::new();
    let digest = rig.prepare(&hello()).await.expect("component");
    let file = files(&rig).pop().expect("a file");
    let mut bytes = std::fs::read(&file).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("write");
    assert_eq!(finish(rig.start(digest, get())).await.text(), "hello", "what is mapped stays");
    let next = rig.restarted();
    let answer = finish(next.start(digest, get())).await;
    assert_eq!(answer.kind(), Some(FaultKind::Platform));
    assert!(answer.fault().expect("fault").reason.contains("E0409"));
    assert!(!next.ready(digest).await);
    next.prepare(&hello()).await.expect("compiled again");
    assert_eq!(finish(next.start(digest, get())).await.text(), "hello");
}

#[tokio::test]
async fn the_compiled_file_of_another_component_is_not_taken() {
    let rig = Rig::new();
    let evil = rig.prepare(&guest("unreachable", "")).await.expect("component");
    let good = rig.prepare(&hello()).await.expect("component");
    let path = |hex: String| {
        files(&rig).into_iter().find(|file| file.to_string_lossy().contains(&hex)).expect("file")
    };
    std::fs::copy(path(evil.hex()), path(good.hex())).expect("swap");
    let next = rig.restarted();
    assert!(!next.ready(good).await);
    assert!(next.ready(evil).await);
}

#[tokio::test]
async fn what_was_not_called_longest_is_unloaded_and_comes_back() {
    let rig = Rig::with(|config| config.cache_bytes = 1);
    let first = rig.prepare(&hello()).await.expect("component");
    let second =
        rig.prepare(&guest("(call $hello (local.get $out)) nop", "")).await.expect("other");
    assert_eq!(rig.executor.loaded().0, 1);
    for digest in [first, second, first] {
        assert_eq!(finish(rig.start(digest, get())).await.text(), "hello");
        assert_eq!(rig.executor.loaded().0, 1);
    }
}
