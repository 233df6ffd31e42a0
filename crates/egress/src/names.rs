//! Finds the addresses of names.
//!
//! Invariant: only what `host.rs` calls a name comes here.

use crate::config::{Config, Servers};
use crate::fault::fail;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
    ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use parking_lot::Mutex;
use ports::outbound::{Error, Failure};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// How long one server is waited for before it, or another, is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is asked.
const ATTEMPTS: usize = 3;
/// Longest time that addresses are remembered, whatever their servers say.
const REMEMBER_MAX: Duration = Duration::from_secs(3600);
/// Longest time that a name's absence is remembered.
const ABSENT_MAX: Duration = Duration::from_secs(60);
/// Most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// What the system says about names.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// The resolver. It is made when a name is looked up, so that a node without a network starts.
pub(crate) struct Names {
    hosts: BTreeMap<String, Vec<IpAddr>>,
    servers: Servers,
    remembered: u64,
    made: Mutex<Option<Made>>,
}

/// A resolver, and when the system's files were written that it was made of.
struct Made {
    resolver: TokioResolver,
    files: [Option<SystemTime>; 2],
}

impl Names {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            hosts: config.hosts.clone(),
            servers: config.servers.clone(),
            remembered: config.names,
            made: Mutex::new(None),
        }
    }

    /// All addresses of a name, in the order of its servers; never an empty list.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        if let Some(addresses) = self.hosts.get(name).filter(|known| !known.is_empty()) {
            return Ok(addresses.clone());
        }
        let resolver = self.resolver().map_err(|error| {
            fail(Failure::Name, format!("{name}: this node cannot look up names: {error}"))
        })?;
        // With its dot, a name is whole: no domain is tried behind it.
        let found = resolver.lookup_ip(format!("{name}.")).await;
        let found = found.map_err(|error| failed(name, &error))?;
        let addresses: Vec<IpAddr> = found.iter().take(ADDRESSES_MAX).collect();
        match addresses.is_empty() {
            true => Err(fail(Failure::Name, format!("{name}: there are no addresses"))),
            false => Ok(addresses),
        }
    }

    /// Forgets the resolver, and all that it remembers, if the system's files have changed.
    pub(crate) fn refresh(&self) {
        if self.servers == Servers::System {
            let written = written();
            self.made.lock().take_if(|made| made.files != written);
        }
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut made = self.made.lock();
        if let Some(made) = &*made {
            return Ok(made.resolver.clone());
        }
        // Looked at first: what is written after is noticed.
        let files = written();
        let resolver = self.make()?;
        *made = Some(Made { resolver: resolver.clone(), files });
        Ok(resolver)
    }

    fn make(&self) -> Result<TokioResolver, NetError> {
        let of = |servers: Vec<NameServerConfig>| {
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let (mut builder, hosts) = match &self.servers {
            Servers::These(servers) => {
                (of(servers.iter().map(server).collect()), ResolveHosts::Never)
            }
            Servers::System => {
                let system = TokioResolver::builder_tokio().unwrap_or_else(|error| {
                    tracing::warn!(%error, "the system names no servers for names");
                    of(Vec::new())
                });
                (system, ResolveHosts::Always)
            }
        };
        set(builder.options_mut(), self.remembered, hosts);
        builder.build()
    }
}

fn written() -> [Option<SystemTime>; 2] {
    FILES.map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}

fn set(options: &mut ResolverOpts, remembered: u64, hosts: ResolveHosts) {
    options.timeout = PATIENCE;
    options.attempts = ATTEMPTS;
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    options.cache_size = remembered;
    options.use_hosts_file = hosts;
    options.positive_max_ttl = Some(REMEMBER_MAX);
    options.negative_max_ttl = Some(ABSENT_MAX);
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let at = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let ways = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
    NameServerConfig::new(address.ip(), true, ways)
}

fn failed(name: &str, error: &NetError) -> Error {
    let failure = match error {
        NetError::Timeout => Failure::NameTimeout,
        _ => Failure::Name,
    };
    let what = match error.is_nx_domain() {
        true => "there is no such name".to_owned(),
        false if error.is_no_records_found() => "the name has no addresses".to_owned(),
        false => error.to_string(),
    };
    fail(failure, format!("{name}: {what}"))
}
