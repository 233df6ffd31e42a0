//! The executors of a node, and which function is run by which.
//!
//! What runs native functions is started when the first of them is deployed or called: a node without
//! any has no launcher and no jail.
//!
//! Invariant: where the jail's self-check found a layer missing that nobody accepted, no native
//! function is prepared or run.

use bytes::Bytes;
use model::{Digest, FunctionRef, Problem};
use native::NativeExecutor;
use ports::executor::{
    Executor, Fault, FaultKind, Form, PrepareError, Program, Run, Running, Unit,
};
use ports::{Future, executor};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// How the executor of native functions is started.
pub(crate) type Opening =
    Box<dyn Fn() -> Future<'static, Result<Arc<NativeExecutor>, Problem>> + Send + Sync>;

/// All executors of a node.
pub(crate) struct Runtimes {
    wasm: Arc<dyn Executor>,
    native: OnceCell<Arc<NativeExecutor>>,
    opening: Opening,
}

impl Runtimes {
    pub(crate) fn new(wasm: Arc<dyn Executor>, opening: Opening) -> Self {
        Self { wasm, native: OnceCell::new(), opening }
    }

    /// The executor of native functions, started if it was not.
    async fn native(&self) -> Result<&Arc<NativeExecutor>, PrepareError> {
        self.native.get_or_try_init(&self.opening).await.map_err(PrepareError::Refused)
    }
}

impl Executor for Runtimes {
    fn prepare(&self, program: Program, bytes: Bytes) -> Future<'_, Result<(), PrepareError>> {
        match program.form {
            Form::Component(_) => self.wasm.prepare(program, bytes),
            Form::Package => {
                Box::pin(async move { self.native().await?.prepare(program, bytes).await })
            }
        }
    }

    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>> {
        match program.form {
            Form::Component(_) => self.wasm.ready(program),
            Form::Package => Box::pin(async move { self.native().await?.ready(program).await }),
        }
    }

    fn keep_only(&self, artifacts: BTreeSet<Digest>) -> Future<'_, usize> {
        Box::pin(async move {
            let compiled = self.wasm.keep_only(artifacts.clone()).await;
            match self.native.get() {
                Some(native) => compiled + native.keep_only(artifacts).await,
                None => compiled,
            }
        })
    }

    fn let_go(&self, live: &dyn Fn(&FunctionRef, u32) -> bool) {
        self.wasm.let_go(live);
        if let Some(native) = self.native.get() {
            native.let_go(live);
        }
    }

    fn expect(&self, units: &[Arc<Unit>]) {
        if let Some(native) = self.native.get() {
            native.expect(units);
        }
    }

    fn at_hand(&self, unit: &Unit) -> Option<usize> {
        self.native.get().and_then(|native| native.at_hand(unit))
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        match (run.unit.program.form, self.native.get()) {
            (Form::Component(_), _) => self.wasm.run(run),
            (Form::Package, Some(native)) => native.run(run),
            // Nothing is run that was not found to be ready before.
            (Form::Package, None) => Box::pin(executor::Refused(Fault {
                kind: FaultKind::Platform,
                reason: "native functions are not ready here".to_owned(),
            })),
        }
    }
}
