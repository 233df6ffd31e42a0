//! Flags of the runtime's behaviour that no Worker may have.
//!
//! Reviewed by hand with each release of ours, last in November 2026 against `workerd` 2026-11-17. It
//! refuses flags of later versions by itself, since it is never started with `--experimental`; the list
//! is so that they are refused at the deployment, and by name.

/// Flags that the runtime's makers call experimental, in the order of their names.
pub const EXPERIMENTAL: &[&str] = &[
    "allow_insecure_inefficient_logged_eval",
    "auto_inject_python_workers",
    "cache_reload_enabled",
    "connect_handler_starttls",
    "connect_pass_through",
    "d1_binding_jsrpc",
    "durable_object_get_existing",
    "durable_object_rename",
    "durable_object_snapshots",
    "enable_abortsignal_rpc",
    "enable_ctx_version_metadata",
    "enable_d1_with_sessions_api",
    "enable_nodejs_inspector_local_dev",
    "enable_version_api",
    "enable_web_file_system",
    "experimental",
    "expose_draining_reader",
    "expose_serialization_test_class",
    "increase_websocket_message_size",
    "js_rpc",
    "kv_direct_binding",
    "memory_cache_delete",
    "offpeak_location_hint",
    "precise_timers",
    "python_workers_development",
    "python_workers_durable_objects",
    "python_zstd_snapshot",
    "r2_binding_jsrpc",
    "replica_routing",
    "rpc_dispose_cancels_call",
    "rtti_api",
    "service_binding_extra_handlers",
    "spec_compliant_property_attributes",
    "streaming_tail_worker",
    "streams_no_default_auto_allocate_chunk_size",
    "tail_worker_user_spans",
    "typescript_implemented_streams",
    "typescript_strip_types",
    "unsafe_module",
    "unsupported_process_actual_platform",
    "wasm_memory_discard",
    "workflows_bindings_rpc",
    "workflows_step_rollback",
];

/// Whether a flag is one of them.
pub(super) fn is_experimental(flag: &str) -> bool {
    EXPERIMENTAL.binary_search(&flag).is_ok()
}

/// Whether a flag makes a Worker one in Python, whose interpreter the runtime brings from the network.
pub(super) fn is_python(flag: &str) -> bool {
    flag.starts_with("python_")
}
