//! What tests use: a launcher, plans, and a jail's program run to its end.

use crate::modes::{self, Mode};
use casemate_native::jail::{Bind, Ceilings, Ended, Jail, JailError, Launcher, Plan, Settings};
use ports::child::{Companion, Companions, Living};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The interpreter that most attacks are written for.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// Starts this executable.
pub(crate) struct Starter;

struct Started(tokio::process::Child);

impl Living for Started {
    fn ended(&mut self) -> ports::Future<'_, String> {
        Box::pin(async {
            let mut said = String::new();
            if let Some(stderr) = &mut self.0.stderr {
                let _ = stderr.read_to_string(&mut said).await;
            }
            match self.0.wait().await {
                Ok(status) => format!("{status}: {said}"),
                Err(error) => error.to_string(),
            }
        })
    }
}

impl Companions for Starter {
    #[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
    fn start(&self, companion: Companion) -> io::Result<Box<dyn Living>> {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command
            .arg(format!("__{}", companion.name))
            .args(["required", "0", &companion.settings])
            .env_clear()
            .stdin(Stdio::from(companion.socket))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        Ok(Box::new(Started(child)))
    }
}

/// A launcher and the runtime that it is watched on.
pub(crate) struct Rig {
    pub(crate) runtime: Runtime,
    pub(crate) launcher: Launcher,
    pub(crate) settings: Settings,
}

impl Rig {
    /// A launcher that does without control groups where this user has none.
    pub(crate) fn new() -> Self {
        let bare = modes::current() == Mode::Bare;
        Self::with(|settings| settings.danger.no_memory_limit = bare)
    }

    /// A launcher that does without nothing.
    pub(crate) fn bare() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut settings = Settings::new(format!("test-{}-{number}", std::process::id()));
        change(&mut settings);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let launcher = Launcher::start(Arc::new(Starter), &settings, runtime.handle().clone())
            .expect("a launcher");
        Self { runtime, launcher, settings }
    }

    pub(crate) fn jail(&self, plan: Plan) -> Result<Jail, JailError> {
        self.wait(self.launcher.jail(plan))
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, work).await.expect("within a minute")
        })
    }

    /// Runs a jail to its end: how that came, what it printed, and what it printed as errors.
    pub(crate) fn run(&self, plan: Plan) -> (Ended, String, String) {
        let mut jail = self.jail(plan).expect("a jail");
        self.rest(&mut jail)
    }

    /// The rest of what a jail prints, and its end.
    pub(crate) fn rest(&self, jail: &mut Jail) -> (Ended, String, String) {
        let (mut stdout, mut stderr) =
            (jail.stdout.take().expect("output"), jail.stderr.take().expect("errors"));
        drop(jail.stdin.take());
        self.wait(async {
            let (mut said, mut errors) = (Vec::new(), Vec::new());
            let (one, other) =
                tokio::join!(stdout.read_to_end(&mut said), stderr.read_to_end(&mut errors));
            one.expect("output");
            other.expect("errors");
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            (jail.ended().await, text(said), text(errors))
        })
    }

    /// Runs a script of Python in a jail, and gives what it printed. It has to end well.
    pub(crate) fn python(&self, script: &str) -> String {
        let (ended, said, errors) = self.run(python(script));
        assert_eq!(ended.code, Some(0), "{said}{errors}");
        said
    }
}

/// Ceilings that are high enough for everything.
pub(crate) fn ceilings() -> Ceilings {
    Ceilings {
        memory_bytes: 512 << 20,
        processes: 64,
        cpu_milli: 2000,
        scratch_bytes: 64 << 20,
        scratch_files: 4096,
        descriptors: 256,
    }
}

/// A plan with the machine's programs.
pub(crate) fn plan(program: &str, arguments: &[&str]) -> Plan {
    let bind = |path: &str| Bind { source: path.into(), target: path.into() };
    let mut binds = vec![bind("/usr")];
    let mut links = Vec::new();
    for name in ["/lib", "/lib64", "/bin", "/sbin"] {
        match std::fs::read_link(name) {
            Ok(target) => links.push((PathBuf::from(name), target)),
            Err(_) if Path::new(name).exists() => binds.push(bind(name)),
            Err(_) => {}
        }
    }
    Plan {
        binds,
        links,
        places: vec!["/var/task".into(), "/opt".into()],
        files: Vec::new(),
        hosts: Vec::new(),
        listeners: Vec::new(),
        sockets: 0,
        program: program.into(),
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        extra: false,
        window: None,
        directory: "/tmp".into(),
        ceilings: ceilings(),
    }
}

/// A plan that runs a script of Python.
pub(crate) fn python(script: &str) -> Plan {
    assert!(Path::new(PYTHON).exists(), "these tests need the package `python3`");
    plan(PYTHON, &["-I", "-S", "-c", script])
}

/// Lets everybody read a directory: those in a jail are others.
pub(crate) fn readable(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory, mode).expect("readable");
}

/// The processes whose command line contains a text: their numbers, and their users on the machine.
pub(crate) fn processes(text: &str) -> Vec<(i32, u32)> {
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let fits = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    };
    let with_user = |pid: i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:\t"))?;
        Some((pid, user.split('\t').next()?.parse().ok()?))
    };
    numbers.filter(fits).filter_map(with_user).collect()
}

/// The two processes of the launcher with a tag, the first one first.
pub(crate) fn launchers(tag: &str) -> Vec<i32> {
    let mut found: Vec<i32> =
        processes(&format!("\"tag\":\"{tag}\"")).into_iter().map(|(pid, _)| pid).collect();
    let parent = |pid: i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:\t"))?.parse().ok();
        line.filter(|parent: &i32| *parent != 0)
    };
    let is_second = |pid: &i32, all: &[i32]| parent(*pid).is_some_and(|one| all.contains(&one));
    let all = found.clone();
    found.sort_by_key(|pid| is_second(pid, &all));
    found
}

/// The control groups of the launcher with a tag, per controller.
pub(crate) fn groups(tag: &str) -> Vec<PathBuf> {
    fn walk(directory: &Path, name: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name() == name {
                found.push(entry.path());
            } else {
                walk(&entry.path(), name, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), &format!("casemate-{tag}"), &mut found);
    found
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not within a minute: {what}");
}

impl Rig {
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        groups(&self.settings.tag)
    }

    pub(crate) fn until(&self, what: &str, is_so: impl FnMut() -> bool) {
        until(what, is_so);
    }
}
