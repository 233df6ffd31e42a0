//! The compiler child's side: a component comes in, native code goes out.
//!
//! It opens no file and no socket, so it can run after `process` has taken everything else away.
//!
//! Invariant: it runs in no process that holds a key or serves a request.

use model::manifest::Wasi;
use std::io::{Read, Write};

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The component is at fault.
    #[error("{0}")]
    Refused(String),
    /// There was not enough memory.
    #[error("there is not enough memory to compile this component")]
    Memory,
    /// The output is larger than its limit.
    #[error("the compiled form is larger than its limit")]
    Output,
    /// The component could not be read, or its compiled form not be written.
    #[error("the compiler's input or output failed")]
    Io(#[source] std::io::Error),
}

/// Compiles the component on standard input for the engine of `wasi` and writes its native code to standard output.
///
/// # Errors
/// [`CompileError`]; the caller prints it and ends with the exit code that `process` reserves.
pub fn compile_stdin_to_stdout(wasi: Wasi) -> Result<(), CompileError> {
    compile_stream(wasi, &mut std::io::stdin().lock(), &mut std::io::stdout().lock())
}

/// Compiles the component that `input` holds for the engine of `wasi` and writes its native code to
/// `output`.
///
/// # Errors
/// [`CompileError`].
pub fn compile_stream(
    wasi: Wasi,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), CompileError> {
    let mut component = Vec::new();
    input.read_to_end(&mut component).map_err(CompileError::Io)?;
    let engine = crate::settings::compile_engine(wasi).map_err(|error| refused(&error))?;
    let code = engine.precompile_component(&component).map_err(|error| refused(&error))?;
    output.write_all(&code).and_then(|()| output.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => CompileError::Output,
        _ => CompileError::Io(error),
    })
}

fn refused(error: &wasmtime::Error) -> CompileError {
    let memory = error.is::<wasmtime::OutOfMemory>()
        || error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|cause| cause.kind() == std::io::ErrorKind::OutOfMemory);
    if memory { CompileError::Memory } else { CompileError::Refused(format!("{error:#}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_the_empty_component_and_refuses_garbage() {
        let component = wat::parse_str("(component)").expect("text");
        let mut code = Vec::new();
        compile_stream(Wasi::V02, &mut component.as_slice(), &mut code).expect("compiles");
        assert!(code.starts_with(b"\x7fELF"));
        let refused =
            compile_stream(Wasi::V02, &mut &b"\0asm\x0d\0\x01\0\xff"[..], &mut Vec::new());
        assert!(matches!(refused, Err(CompileError::Refused(_))));
    }
}
