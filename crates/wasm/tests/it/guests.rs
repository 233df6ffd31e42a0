//! Small guests, written as core WebAssembly text against the canonical ABI and wrapped as
//! components by `wit-component`.
//!
//! A guest's text may use what [`PRELUDE`] defines: `$head` opens an answer, `$write` writes of
//! memory, `$done` finishes, `$field` adds a header field, `$say` prints.

use bytes::Bytes;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PRELUDE: &str = r#"
(import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
(import "wasi:http/types@0.2.0" "[method]fields.append"
    (func $append (param i32 i32 i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[constructor]outgoing-response"
    (func $response (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
    (func $status (param i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-response.body"
    (func $response-body (param i32 i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $body-write (param i32 i32)))
(import "wasi:http/types@0.2.0" "[static]outgoing-body.finish"
    (func $finish (param i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[resource-drop]outgoing-body" (func $drop-body (param i32)))
(import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[method]incoming-request.consume"
    (func $consume (param i32 i32)))
(import "wasi:http/types@0.2.0" "[method]incoming-body.stream" (func $in-stream (param i32 i32)))
(import "wasi:http/types@0.2.0" "[constructor]outgoing-request"
    (func $request (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
    (func $set-path (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe"
    (func $subscribe (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]future-incoming-response.get"
    (func $get (param i32 i32)))
(import "wasi:http/outgoing-handler@0.2.0" "handle" (func $send (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.write"
    (func $stream-write (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $flush (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-out (param i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
    (func $timer (param i64) (result i32)))
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))

(memory (export "memory") 2)
(data (i32.const 1024) "hello")
(global $map (mut i32) (i32.const 0))
(global $body (mut i32) (i32.const 0))
(global $stream (mut i32) (i32.const 0))
(global $free (mut i32) (i32.const 65536))

(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
        (then (if (i32.eq (i32.const -1)
                (memory.grow (i32.add (i32.const 1)
                    (i32.div_u (local.get 3) (i32.const 65536)))))
            (then unreachable))))
    (local.get $at))

(func $ready-map
    (if (i32.eqz (global.get $map)) (then (global.set $map (call $fields)))))
(func $field (param $name i32) (param $name-len i32) (param $value i32) (param $value-len i32)
    (call $ready-map)
    (call $append (global.get $map) (local.get $name) (local.get $name-len)
        (local.get $value) (local.get $value-len) (i32.const 0)))
(func $head (param $out i32) (param $code i32) (local $reply i32)
    (call $ready-map)
    (local.set $reply (call $response (global.get $map)))
    (drop (call $status (local.get $reply) (local.get $code)))
    (call $response-body (local.get $reply) (i32.const 0))
    (global.set $body (i32.load (i32.const 4)))
    (call $body-write (global.get $body) (i32.const 0))
    (global.set $stream (i32.load (i32.const 4)))
    (call $set (local.get $out) (i32.const 0) (local.get $reply) (i32.const 0) (i64.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
(func $write (param $at i32) (param $len i32)
    (call $flush (global.get $stream) (local.get $at) (local.get $len) (i32.const 0)))
(func $done
    (call $drop-out (global.get $stream))
    (call $finish (global.get $body) (i32.const 0) (i32.const 0) (i32.const 0)))
(func $hello (param $out i32)
    (call $head (local.get $out) (i32.const 200))
    (call $write (i32.const 1024) (i32.const 5))
    (call $done))
(func $say (param $to i32) (param $at i32) (param $len i32)
    (call $flush (local.get $to) (local.get $at) (local.get $len) (i32.const 0))
    (call $drop-out (local.get $to)))
"#;

/// A guest of the usual world: `handle` is the body of the handler (`$request-in`, `$out`),
/// `items` are further functions, data and globals.
pub(crate) fn guest(handle: &str, items: &str) -> Bytes {
    let text = format!(
        r#"(module {PRELUDE} {items}
        (func (export "wasi:http/incoming-handler@0.2.0#handle")
            (param $request-in i32) (param $out i32) {handle}))"#
    );
    wrap(&text, "guest")
}

/// Wraps a core module as a component of a world in `wasi.wit`.
pub(crate) fn wrap(text: &str, world: &str) -> Bytes {
    component(text, "wasi.wit", include_str!("wasi.wit"), world)
}

/// Wraps a core module as a component of one of a WIT file's worlds.
pub(crate) fn component(text: &str, file: &str, wit: &str, world: &str) -> Bytes {
    let mut module = wat::parse_str(text).expect("a guest's text");
    let mut resolve = Resolve::default();
    let package = resolve.push_str(file, wit).expect("a WIT file");
    let world = resolve.select_world(&[package], Some(world)).expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("module");
    encoder.encode().expect("component").into()
}

/// Answers 200 with `hello`.
pub(crate) fn hello() -> Bytes {
    guest("(call $hello (local.get $out))", "")
}

/// Computes for ever.
pub(crate) fn looper() -> Bytes {
    guest("(loop $again (br $again))", "")
}
