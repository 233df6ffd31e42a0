//! From file, environment and flags to one set of values.

use super::file::{self, File};
use super::{Options, variable};
use crate::home;
use model::unit::{Duration, Size};
use model::{Code, Problem};
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Default,
    File,
    Environment(String),
    Flag(&'static str),
}

/// One line of `up --print-config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The key, as the file has it.
    pub key: String,
    /// The value in force.
    pub value: String,
    /// `default`, `file`, a variable of the environment, or a flag.
    pub origin: String,
}

/// Everything that is set, resolved once at the start. All keys exist since 0.1.0.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data directory.
    pub home: PathBuf,
    /// The public listener.
    pub listen: SocketAddr,
    /// The admin listener. Loopback only, since it speaks plain HTTP.
    pub admin: SocketAddr,
    /// The root key's file; inside the home unless named.
    pub root_key_file: PathBuf,
    /// Cedar files of the operator.
    pub policies: Vec<PathBuf>,
    /// What is logged: a `tracing` filter.
    pub log: String,
    /// How long a drain may take.
    pub drain: Duration,
    /// Invocations under way on the node.
    pub in_flight: usize,
    /// Invocations under way for one caller.
    pub in_flight_per_caller: usize,
    /// Largest component.
    pub artifact: Size,
    /// The public listener's limits.
    pub gateway: Gateway,
    /// The flight recorder's ring.
    pub journal: Journal,
    /// The executor's pool and cache.
    pub wasm: Wasm,
    /// What the compiler child may use.
    pub compile: Compile,
    /// Grant whatever manifests ask for; loopback only.
    pub dev: bool,
    rows: Vec<SettingRow>,
}

/// `[gateway]`
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Worker threads; 0 is one for each core.
    pub workers: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// How long a request's headers may take.
    pub head_timeout: Duration,
    /// How long a request's body may be silent.
    pub body_idle: Duration,
    /// How long a connection may be silent between requests.
    pub idle: Duration,
}

/// `[journal]`
#[derive(Debug, Clone)]
pub struct Journal {
    /// The ring, in bytes.
    pub size: Size,
    /// The ring, in time.
    pub age: Duration,
    /// What is kept for control-plane acts, beside the ring.
    pub control: Size,
}

/// `[wasm]`
#[derive(Debug, Clone)]
pub struct Wasm {
    /// Instances that may live at a time.
    pub instances: u32,
    /// Compiled code that is kept loaded.
    pub cache: Size,
}

/// `[compile]`
#[derive(Debug, Clone)]
pub struct Compile {
    /// Address space.
    pub memory: Size,
    /// CPU time.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Output.
    pub output: Size,
}

impl Gateway {
    fn pick(pick: &mut Pick, file: &file::Gateway) -> Self {
        let default = gateway::Config::default();
        let ms = |ms| Duration { ms };
        Self {
            workers: pick.of("gateway.workers", default.workers, file.workers),
            connections: pick.of("gateway.connections", default.connections_max, file.connections),
            connections_per_address: pick.of(
                "gateway.connections_per_address",
                default.connections_per_address_max,
                file.connections_per_address,
            ),
            head_timeout: pick.of(
                "gateway.head_timeout",
                ms(default.head_timeout_ms),
                file.head_timeout,
            ),
            body_idle: pick.of("gateway.body_idle", ms(default.body_idle_ms), file.body_idle),
            idle: pick.of("gateway.idle", ms(default.idle_ms), file.idle),
        }
    }
}

impl Journal {
    fn pick(pick: &mut Pick, file: &file::Journal) -> Self {
        Self {
            size: pick.of("journal.size", Size::mib(2048), file.size),
            age: pick.of("journal.age", Duration::seconds(7 * 86_400), file.age),
            control: pick.of("journal.control", Size::mib(64), file.control),
        }
    }
}

impl Wasm {
    fn pick(pick: &mut Pick, file: &file::Wasm) -> Self {
        Self {
            instances: pick.of("wasm.instances", 1000, file.instances),
            cache: pick.of("wasm.cache", Size::mib(1024), file.cache),
        }
    }
}

impl Compile {
    fn pick(pick: &mut Pick, file: &file::Compile) -> Self {
        Self {
            memory: pick.of("compile.memory", Size::mib(4096), file.memory),
            cpu: pick.of("compile.cpu", Duration::seconds(180), file.cpu),
            wall: pick.of("compile.wall", Duration::seconds(240), file.wall),
            output: pick.of("compile.output", Size::mib(512), file.output),
        }
    }
}

/// Collects values and where they come from.
struct Pick(Vec<SettingRow>);

impl Pick {
    fn of<T: Display>(&mut self, key: &str, default: T, file: Option<T>) -> T {
        self.from(key, default, file, None, None)
    }

    fn from<T: Display>(
        &mut self,
        key: &str,
        default: T,
        file: Option<T>,
        environment: Option<(String, T)>,
        flag: Option<(&'static str, T)>,
    ) -> T {
        let (value, origin) = match (flag, environment, file) {
            (Some((name, value)), _, _) => (value, Origin::Flag(name)),
            (None, Some((name, value)), _) => (value, Origin::Environment(name)),
            (None, None, Some(value)) => (value, Origin::File),
            (None, None, None) => (default, Origin::Default),
        };
        let origin = match origin {
            Origin::Default => "default".to_owned(),
            Origin::File => "file".to_owned(),
            Origin::Environment(name) => name,
            Origin::Flag(name) => name.to_owned(),
        };
        self.0.push(SettingRow { key: key.to_owned(), value: value.to_string(), origin });
        value
    }
}

fn from_environment(name: &str) -> Option<(String, String)> {
    variable(name).map(|value| (name.to_owned(), value))
}

fn address(key: &str, text: &str) -> Result<SocketAddr, Problem> {
    let wrong = || {
        let detail = format!(
            "`{key}`: `{}` is no address: write IP:PORT, such as 127.0.0.1:8080",
            text.escape_debug()
        );
        Problem::new(Code::BadConfig).detail(detail)
    };
    text.replace("localhost", "127.0.0.1").parse().map_err(|_| wrong())
}

impl Settings {
    /// Resolves what the command line, the environment and the file say.
    ///
    /// # Errors
    /// `E0603` names the key or the line; `E0607` where a combination would be unsafe.
    pub fn resolve(options: &Options) -> Result<Self, Problem> {
        let file = options.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let mut pick = Pick(Vec::new());
        let (home, origin) = home::choose(options.home.as_deref())?;
        pick.0.push(SettingRow {
            key: "home".to_owned(),
            value: home.display().to_string(),
            origin,
        });
        let flag = |name, value: &Option<String>| value.clone().map(|value| (name, value));
        let listen = pick.from(
            "listen",
            "127.0.0.1:8080".to_owned(),
            file.listen,
            from_environment("CASEMATE_LISTEN"),
            flag("--listen", &options.listen),
        );
        let admin = pick.from(
            "admin",
            "127.0.0.1:8089".to_owned(),
            file.admin,
            from_environment("CASEMATE_ADMIN"),
            flag("--admin", &options.admin),
        );
        let shown = |path: PathBuf| path.display().to_string();
        let key_flag = options.root_key_file.clone().map(|path| ("--root-key-file", shown(path)));
        let key_default = shown(home.join("root.key"));
        let root_key_file = pick.from(
            "root_key_file",
            key_default,
            file.root_key_file.map(shown),
            from_environment("CASEMATE_ROOT_KEY_FILE"),
            key_flag,
        );
        let policies = file.policies.unwrap_or_default();
        let shown_policies =
            policies.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        pick.of("policies", "none".to_owned(), (!policies.is_empty()).then_some(shown_policies));
        let dev = pick.from("dev", false, None, None, options.dev.then_some(("--dev", true)));
        let settings = Self {
            listen: address("listen", &listen)?,
            admin: address("admin", &admin)?,
            root_key_file: root_key_file.into(),
            policies,
            log: pick.from(
                "log",
                "info".to_owned(),
                file.log,
                from_environment("CASEMATE_LOG"),
                None,
            ),
            drain: pick.of("drain", Duration::seconds(30), file.drain),
            in_flight: pick.of("in_flight", 2048, file.in_flight),
            in_flight_per_caller: pick.of("in_flight_per_caller", 1024, file.in_flight_per_caller),
            artifact: pick.of("artifact", Size::mib(256), file.artifact),
            gateway: Gateway::pick(&mut pick, &file.gateway),
            journal: Journal::pick(&mut pick, &file.journal),
            wasm: Wasm::pick(&mut pick, &file.wasm),
            compile: Compile::pick(&mut pick, &file.compile),
            dev,
            home,
            rows: pick.0,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Every value with its origin.
    #[must_use]
    pub fn table(&self) -> Vec<SettingRow> {
        self.rows.clone()
    }

    fn check(&self) -> Result<(), Problem> {
        if !self.admin.ip().is_loopback() {
            let detail = format!(
                "the admin listener speaks plain HTTP, and {} is not a loopback address",
                self.admin
            );
            return Err(Problem::new(Code::Unsafe).detail(detail));
        }
        if self.dev && !self.listen.ip().is_loopback() {
            let detail = format!(
                "`--dev` grants whatever a manifest asks for, and {} is not a loopback address",
                self.listen
            );
            return Err(Problem::new(Code::Unsafe).detail(detail));
        }
        if self.in_flight == 0 || self.wasm.instances == 0 || self.gateway.connections == 0 {
            let detail = "`in_flight`, `wasm.instances` and `gateway.connections` are at least 1";
            return Err(Problem::new(Code::BadConfig).detail(detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(home: &std::path::Path) -> Options {
        Options { home: Some(home.to_owned()), ..Options::default() }
    }

    #[test]
    fn flags_win_over_the_file_and_every_value_names_its_origin() {
        let dir = tempfile::tempdir().expect("temp dir");
        let config = dir.path().join("casemate.conf");
        std::fs::write(&config, "listen = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\n")
            .expect("write");
        let options = Options {
            config: Some(config),
            listen: Some("127.0.0.1:3".to_owned()),
            ..options(dir.path())
        };
        let settings = Settings::resolve(&options).expect("valid");
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.admin.port(), 2);
        let origin =
            |key: &str| settings.table().into_iter().find(|row| row.key == key).expect(key).origin;
        assert_eq!(origin("listen"), "--listen");
        assert_eq!(origin("admin"), "file");
        assert_eq!(origin("drain"), "default");
    }

    #[test]
    fn unsafe_combinations_are_refused() {
        let dir = tempfile::tempdir().expect("temp dir");
        let admin = Options { admin: Some("0.0.0.0:8089".to_owned()), ..options(dir.path()) };
        assert_eq!(Settings::resolve(&admin).expect_err("open admin").code, Code::Unsafe);
        let dev =
            Options { dev: true, listen: Some("0.0.0.0:8080".to_owned()), ..options(dir.path()) };
        assert_eq!(Settings::resolve(&dev).expect_err("open dev").code, Code::Unsafe);
        let address = Options { listen: Some("nowhere".to_owned()), ..options(dir.path()) };
        assert_eq!(Settings::resolve(&address).expect_err("no address").code, Code::BadConfig);
    }
}
