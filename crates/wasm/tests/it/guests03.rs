//! Small guests of WASI 0.3, written against the asynchronous canonical ABI.
//!
//! A guest answers with [`PRELUDE`]'s `$answer`, which gives the reply to the host, and goes on in
//! its callback with `$next`: it writes `hello`, says that the body is complete, and exits.

use crate::guests::component;
use bytes::Bytes;

const PRELUDE: &str = r#"
(import "wasi:http/types@0.3.0" "[constructor]fields" (func $fields (result i32)))
(import "wasi:http/types@0.3.0" "[static]response.new"
    (func $response (param i32 i32 i32 i32 i32)))
(import "wasi:http/types@0.3.0" "[static]request.new"
    (func $request (param i32 i32 i32 i32 i32 i32 i32)))
(import "wasi:http/types@0.3.0" "[method]request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.3.0" "[method]request.set-path-with-query"
    (func $set-path (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.3.0" "[static]request.consume-body"
    (func $consume (param i32 i32 i32)))
(import "wasi:http/types@0.3.0" "[stream-new-0][static]response.new"
    (func $stream-new (result i64)))
(import "wasi:http/types@0.3.0" "[async-lower][stream-write-0][static]response.new"
    (func $stream-write (param i32 i32 i32) (result i32)))
(import "wasi:http/types@0.3.0" "[stream-drop-writable-0][static]response.new"
    (func $stream-drop (param i32)))
(import "wasi:http/types@0.3.0" "[future-new-1][static]response.new"
    (func $future-new (result i64)))
(import "wasi:http/types@0.3.0" "[async-lower][future-write-1][static]response.new"
    (func $future-write (param i32 i32) (result i32)))
(import "wasi:http/types@0.3.0" "[future-drop-writable-1][static]response.new"
    (func $future-drop (param i32)))
(import "wasi:http/types@0.3.0" "[future-new-0][static]request.consume-body"
    (func $handled-new (result i64)))
(import "wasi:http/client@0.3.0" "[async-lower]send" (func $send (param i32 i32) (result i32)))
(import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for"
    (func $wait-for (param i64) (result i32)))
(import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $return (param i32 i32 i32 i64 i32 i32 i32 i32)))
(import "$root" "[waitable-set-new]" (func $set-new (result i32)))
(import "$root" "[waitable-join]" (func $join (param i32 i32)))

(memory (export "memory") 2)
(data (i32.const 1024) "hello")
(global $body (mut i32) (i32.const 0))
(global $end (mut i32) (i32.const 0))
(global $set (mut i32) (i32.const 0))
(global $step (mut i32) (i32.const 0))
(global $free (mut i32) (i32.const 65536))

(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

(func $reading (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
(func $writing (param i64) (result i32)
    (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))
;; Gives the host a reply whose body and end are still to be written.
(func $answer (local $stream i64) (local $future i64)
    (local.set $stream (call $stream-new))
    (local.set $future (call $future-new))
    (call $give (call $reading (local.get $stream)) (call $reading (local.get $future)))
    (global.set $body (call $writing (local.get $stream)))
    (global.set $end (call $writing (local.get $future))))
(func $give (param $contents i32) (param $trailers i32)
    (call $response (call $fields) (i32.const 1) (local.get $contents) (local.get $trailers)
        (i32.const 16))
    (call $return (i32.const 0) (i32.load (i32.const 16)) (i32.const 0) (i64.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
;; What a callback returns to be called again when something happens to `$waitable`.
(func $wait (param $waitable i32) (result i32)
    (if (i32.eqz (global.get $set)) (then (global.set $set (call $set-new))))
    (call $join (local.get $waitable) (global.get $set))
    (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
;; The next thing to do for the reply: write, end, exit.
(func $next (result i32)
    (global.set $step (i32.add (global.get $step) (i32.const 1)))
    (if (i32.eq (global.get $step) (i32.const 1)) (then
        (if (i32.eq (i32.const -1)
                (call $stream-write (global.get $body) (i32.const 1024) (i32.const 5)))
            (then (return (call $wait (global.get $body)))))
        (return (call $next))))
    (if (i32.eq (global.get $step) (i32.const 2)) (then
        (call $stream-drop (global.get $body))
        (if (i32.eq (i32.const -1) (call $future-write (global.get $end) (i32.const 4096)))
            (then (return (call $wait (global.get $end)))))
        (return (call $next))))
    (call $future-drop (global.get $end))
    (i32.const 0))
;; Waits for an hour.
(func $hour (result i32)
    (call $wait (i32.shr_u (call $wait-for (i64.const 3600000000000)) (i32.const 4))))
"#;

/// A guest of WASI 0.3: `handle` is the body of the handler (`$request-in`), `callback` that of what
/// is called when something has happened. Both give what to do next.
pub(crate) fn guest(handle: &str, callback: &str, items: &str) -> Bytes {
    let text = format!(
        r#"(module {PRELUDE} {items}
        (func (export "[async-lift]wasi:http/handler@0.3.0#handle")
            (param $request-in i32) (result i32) {handle})
        (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle")
            (param $event i32) (param $waitable i32) (param $what i32) (result i32) {callback}))"#
    );
    wrap(&text, "guest")
}

/// Wraps a core module as a component of a world in `wasi03.wit`.
pub(crate) fn wrap(text: &str, world: &str) -> Bytes {
    component(text, "wasi03.wit", include_str!("wasi03.wit"), world)
}

/// Answers 200 with `hello`.
pub(crate) fn hello() -> Bytes {
    guest("(call $answer) (call $next)", "(call $next)", "")
}

/// Does `handle` and nothing else.
pub(crate) fn only(handle: &str) -> Bytes {
    guest(&format!("{handle} (i32.const 0)"), "(i32.const 0)", "")
}
