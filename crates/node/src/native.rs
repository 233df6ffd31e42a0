//! What runs native functions: started when the first of them is deployed or called.

use crate::clock::SystemClock;
use crate::home::Home;
use crate::interpreters::Machine;
use crate::runtimes::{Opening, Runtimes};
use crate::settings::Settings;
use model::{Code, Problem};
use native::package::Packages;
use native::{Jails, Launcher, NativeExecutor, Parts};
use ports::child::Companions;
use ports::{Artifacts, Clock, Executor};
use std::path::PathBuf;
use std::sync::Arc;

/// Where packages are laid out, below the home.
pub(crate) const PACKAGES: &str = "packages";

/// What it is made of.
struct Workshop {
    packages: PathBuf,
    jails: Jails,
    native: native::Settings,
    companions: Arc<dyn Companions>,
    artifacts: Arc<dyn Artifacts>,
    machine: Arc<Machine>,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Handle,
}

/// All executors of a node: `wasm`, and that of native functions, which is started once it is needed.
pub(crate) fn runtimes(
    settings: &Settings,
    home: &Home,
    (children, artifacts): (&Arc<process::ChildProcesses>, &Arc<store_sqlite::Files>),
    machine: &Arc<Machine>,
    wasm: Arc<dyn Executor>,
) -> Runtimes {
    let native = &settings.native;
    let workshop = Arc::new(Workshop {
        packages: home.join(PACKAGES),
        jails: crate::jails::settings(settings, "node"),
        native: native::Settings { pool: native.pool, share: native.share, roots: Vec::new() },
        companions: Arc::clone(children) as _,
        artifacts: Arc::clone(artifacts) as _,
        machine: Arc::clone(machine),
        // A process sees the machine's time, whatever the platform around it was told.
        clock: Arc::new(SystemClock),
        runtime: tokio::runtime::Handle::current(),
    });
    let opening: Opening = Box::new(move || {
        let workshop = Arc::clone(&workshop);
        Box::pin(async move { workshop.open().await })
    });
    Runtimes::new(wasm, opening)
}

impl Workshop {
    async fn open(&self) -> Result<Arc<NativeExecutor>, Problem> {
        let internal = |error: &dyn std::fmt::Display| {
            Problem::new(Code::NativeFailed).detail(error.to_string())
        };
        let roots = tokio::task::spawn_blocking(roots).await.unwrap_or_default();
        let companions = Arc::clone(&self.companions);
        let launcher = Launcher::start(companions, &self.jails, self.runtime.clone());
        let launcher = launcher.map_err(|error| internal(&error))?;
        // This program looks at a jail from the inside.
        let own = std::env::current_exe().map_err(|error| internal(&error))?;
        native::check(&launcher, self.jails.danger, &own).await?;
        let artifacts = Arc::clone(&self.artifacts);
        let packages = Packages::open(self.packages.clone(), artifacts, self.runtime.clone());
        let packages = packages.map_err(|error| internal(&error))?;
        let machine = Arc::clone(&self.machine);
        Ok(Arc::new(NativeExecutor::new(Parts {
            launcher: Arc::new(launcher),
            packages: Arc::new(packages),
            interpreters: Box::new(move || {
                let machine = Arc::clone(&machine);
                Box::pin(async move { machine.table().await })
            }),
            clock: Arc::clone(&self.clock),
            settings: native::Settings { roots, ..self.native.clone() },
            runtime: self.runtime.clone(),
        })))
    }
}

/// The certificates of authorities that this machine trusts, in DER.
fn roots() -> Vec<Vec<u8>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| certificate.to_vec()).collect()
}
