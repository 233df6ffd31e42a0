//! From file, environment and flags to one set of values.

use super::assets::Assets;
use super::compat::Compat;
use super::events::Events;
use super::file::File;
use super::gateway::Gateway;
use super::issuer::{self, Issuer};
use super::limit::Limit;
use super::native::Native;
use super::outbound::Outbound;
use super::pick::{Pick, SettingRow};
use super::queue::Queue;
use super::sections::{Compile, Journal, Wasm};
use super::tls::Tls;
use super::{Options, cap, secret, source, variable, websockets};
use crate::home;
use crate::keyring::PASSPHRASE_VARIABLE;
use engine::WebSockets;
use model::cap::CapRule;
use model::unit::{Duration, Size};
use model::{Code, Problem};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything that is set, resolved once at the start. All keys exist since 0.1.0.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data directory.
    pub home: PathBuf,
    /// The public listener.
    pub listen: SocketAddr,
    /// The admin listener. Loopback only, since it speaks plain HTTP.
    pub admin: SocketAddr,
    /// Being called as AWS Lambda, if it is not off.
    pub(crate) compat: Option<Compat>,
    /// The root key's file; inside the home unless named.
    pub root_key_file: PathBuf,
    /// The file with the passphrase that the root key is sealed with, if it is.
    pub root_key_passphrase_file: Option<PathBuf>,
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
    /// The HTTPS listener and its certificates; none if TLS is off.
    pub tls: Option<Tls>,
    /// Files that applications carry.
    pub assets: Assets,
    /// Functions that are processes.
    pub(crate) native: Native,
    /// Asynchronous calls.
    pub queue: Queue,
    /// What is published.
    pub events: Events,
    /// Whose tokens are taken.
    pub issuers: Vec<Issuer>,
    /// How often routes may be called, and credentials may be wrong.
    pub limit: Limit,
    /// The way out.
    pub outbound: Outbound,
    /// What a request and all that it causes may spend.
    pub budget: model::Budget,
    /// Most bytes of one key-value store.
    pub keyvalue: Size,
    /// What one container of blobs may hold.
    pub blobs: ports::blobs::Quota,
    /// What is looked for where data leaves functions.
    pub data: engine::DataDefaults,
    /// What a unit of cost is worth.
    pub price: Option<model::api::Price>,
    /// What may be used at most in so long, whatever manifests say.
    pub caps: Vec<CapRule>,
    /// Most WebSockets at a time.
    pub websockets: WebSockets,
    /// Secrets that are kept elsewhere.
    pub(crate) secrets: super::Secrets,
    /// Where messages are pulled from.
    pub(crate) sources: Vec<super::SourceSettings>,
    /// What native functions run in.
    pub(crate) jails: super::native::jail::Jails,
    /// Grant whatever manifests ask for; loopback only.
    pub dev: bool,
    rows: Vec<SettingRow>,
}

/// The data directory, which may be found in more places than other values.
fn home(pick: &mut Pick, options: &Options) -> Result<PathBuf, Problem> {
    let (home, origin) = home::choose(options.home.as_deref())?;
    let value = home.display().to_string();
    pick.0.push(SettingRow { key: "home".to_owned(), value, origin });
    Ok(home)
}

/// Where the root key is.
fn root_key_file(
    pick: &mut Pick,
    file: Option<PathBuf>,
    options: &Options,
    home: &Path,
) -> PathBuf {
    let shown = |path: PathBuf| path.display().to_string();
    let flag = options.root_key_file.clone().map(|path| ("--root-key-file", shown(path)));
    let default = shown(home.join("root.key"));
    let variable = from_environment("CASEMATE_ROOT_KEY_FILE");
    pick.from("root_key_file", default, file.map(shown), variable, flag).into()
}

/// Where the passphrase of the root key is.
fn passphrase_file(pick: &mut Pick, file: Option<PathBuf>, options: &Options) -> Option<PathBuf> {
    let shown = |path: PathBuf| path.display().to_string();
    let flag = options.root_key_passphrase_file.clone();
    let flag = flag.map(|path| ("--root-key-passphrase-file", shown(path)));
    let variable = from_environment(PASSPHRASE_VARIABLE);
    let key = "root_key_passphrase_file";
    let path = pick.from(key, String::new(), file.map(shown), variable, flag);
    (!path.is_empty()).then(|| path.into())
}

/// What is logged.
fn log(pick: &mut Pick, file: Option<String>) -> String {
    pick.from("log", "info".to_owned(), file, from_environment("CASEMATE_LOG"), None)
}

/// The operator's policy files, as they are named.
fn policies(pick: &mut Pick, named: Option<Vec<PathBuf>>) -> Vec<PathBuf> {
    let files = named.unwrap_or_default();
    pick.list("policies", files.iter().map(|path| path.display()));
    files
}

pub(super) fn from_environment(name: &str) -> Option<(String, String)> {
    variable(name).map(|value| (name.to_owned(), value))
}

pub(super) fn address(key: &str, text: &str) -> Result<SocketAddr, Problem> {
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
        let directory = options.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let mut pick = Pick(Vec::new());
        let home = home(&mut pick, options)?;
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
        let root_key_file = root_key_file(&mut pick, file.root_key_file, options, &home);
        let policies = policies(&mut pick, file.policies);
        let engine = engine::Config::default();
        let dev = pick.from("dev", false, None, None, options.dev.then_some(("--dev", true)));
        let tls = Tls::pick(&mut pick, file.tls.as_ref(), options, &home)?;
        let price = file.price.pick(&mut pick)?;
        let caps = cap::resolve(file.caps, price.as_ref(), &mut pick)?;
        let settings = Self {
            listen: address("listen", &listen)?,
            admin: address("admin", &admin)?,
            compat: Compat::pick(&mut pick, file.compat, options)?,
            root_key_file,
            root_key_passphrase_file: passphrase_file(&mut pick, file.passphrase_file, options),
            policies,
            log: log(&mut pick, file.log),
            drain: pick.of("drain", Duration::seconds(30), file.drain),
            in_flight: pick.of("in_flight", engine.in_flight_max, file.in_flight),
            in_flight_per_caller: pick.of(
                "in_flight_per_caller",
                engine.in_flight_per_caller_max,
                file.in_flight_per_caller,
            ),
            artifact: pick.of("artifact", Size { bytes: engine.artifact_bytes_max }, file.artifact),
            gateway: Gateway::pick(&mut pick, &file.gateway),
            journal: Journal::pick(&mut pick, &file.journal),
            wasm: Wasm::pick(&mut pick, &file.wasm)?,
            compile: Compile::pick(&mut pick, &file.compile),
            tls,
            assets: Assets::pick(&mut pick, &file.assets),
            jails: file.native.jail.pick(&mut pick, options)?,
            native: file.native.resolve(directory, &mut pick)?,
            queue: Queue::pick(&mut pick, &file.queue),
            events: Events::pick(&mut pick, file.events)?,
            limit: file.limit.pick(&mut pick),
            outbound: Outbound::pick(&mut pick, &file.outbound, directory, dev),
            budget: file.budget.pick(&mut pick),
            keyvalue: file.keyvalue.pick(&mut pick),
            blobs: file.blobs.pick(&mut pick),
            data: file.data.pick(&mut pick)?,
            price,
            caps,
            websockets: websockets::pick(&mut pick, &file.websockets),
            issuers: issuer::resolve(file.issuers, directory, dev, &mut pick.0)?,
            secrets: secret::resolve(file.secrets, file.vault, directory, &mut pick.0)?,
            sources: source::resolve(file.sources, directory, dev, &mut pick.0)?,
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
        let doors = std::iter::once(self.listen).chain(self.tls.as_ref().map(|tls| tls.listen));
        if let Some(open) = doors.into_iter().find(|door| self.dev && !door.ip().is_loopback()) {
            let detail = format!(
                "`--dev` grants whatever a manifest asks for, and {open} is not a loopback address"
            );
            return Err(Problem::new(Code::Unsafe).detail(detail));
        }
        if self.in_flight == 0 || self.wasm.instances == 0 || self.gateway.connections == 0 {
            let detail = "`in_flight`, `wasm.instances` and `gateway.connections` are at least 1";
            return Err(Problem::new(Code::BadConfig).detail(detail));
        }
        self.gateway.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(home: &Path) -> Options {
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
        let dev_tls = Options {
            dev: true,
            tls_listen: Some("0.0.0.0:8443".to_owned()),
            ..options(dir.path())
        };
        assert_eq!(Settings::resolve(&dev_tls).expect_err("open dev").code, Code::Unsafe);
        let address = Options { listen: Some("nowhere".to_owned()), ..options(dir.path()) };
        assert_eq!(Settings::resolve(&address).expect_err("no address").code, Code::BadConfig);
    }
}
