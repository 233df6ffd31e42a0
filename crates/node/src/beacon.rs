//! `node.json`: where a running node can be found.
//!
//! Invariant: it is trusted only if it belongs to the caller, names loopback addresses, its
//! process is alive, and somebody holds the home's lock; anything else is a stale file. A process
//! number alone proves nothing: after a crash or a restart of the machine another program may have
//! it, and the operator's token must not be sent to whoever listens on the old port.

use crate::home;
use model::{BootId, Code, Problem, Secret};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a running node writes about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beacon {
    /// The public listener.
    pub(crate) gateway: SocketAddr,
    /// The admin listener.
    pub(crate) admin: SocketAddr,
    /// The process.
    pub(crate) pid: i32,
    /// This start of it.
    pub(crate) boot: BootId,
}

const NAME: &str = "node.json";

impl Beacon {
    pub(crate) fn light(&self, home: &Path) -> Result<(), Problem> {
        let text = serde_json::to_vec(self)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        home::replace(&home.join(NAME), &text)
    }

    pub(crate) fn put_out(home: &Path) {
        if let Err(error) = std::fs::remove_file(home.join(NAME)) {
            tracing::debug!(%error, "node.json could not be removed");
        }
    }

    /// The node that runs on this home, if one does.
    pub(crate) fn find(home: &Path) -> Option<Self> {
        let path = home.join(NAME);
        let meta = std::fs::symlink_metadata(&path).ok()?;
        if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
            return None;
        }
        let beacon: Self = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let pid = rustix::process::Pid::from_raw(beacon.pid)?;
        let alive = rustix::process::test_kill_process(pid).is_ok();
        (alive && beacon.admin.ip().is_loopback() && home::is_locked(home)).then_some(beacon)
    }
}

/// Where the admin API is, and what opens it.
#[derive(Debug)]
pub struct Target {
    /// The admin API's URL.
    pub url: String,
    /// The operator's token.
    pub token: Secret<String>,
    /// The home, where it is on this machine.
    pub home: Option<PathBuf>,
}

/// Finds the node to talk to: `--home`, then `CASEMATE_URL` with `CASEMATE_TOKEN`, then
/// `CASEMATE_HOME`, then the default home.
///
/// # Errors
/// `E0606` if none runs there; `E0602` if the home is somebody else's.
pub fn locate(flag: Option<&Path>) -> Result<Target, Problem> {
    use crate::settings::variable;
    if flag.is_none()
        && let Some(url) = variable("CASEMATE_URL")
    {
        let token = variable("CASEMATE_TOKEN").ok_or_else(|| {
            Problem::new(Code::AdminCredential)
                .detail("CASEMATE_URL is set and CASEMATE_TOKEN is not")
        })?;
        return Ok(Target {
            url: url.trim_end_matches('/').to_owned(),
            token: Secret::new(token),
            home: None,
        });
    }
    let (path, _) = home::choose(flag)?;
    let not_running = || {
        Problem::new(Code::NotRunning)
            .detail(format!("no node runs on {}", path.display()))
            .hint(format!("start one with `casemate up --home {}`", path.display()))
    };
    if !path.exists() {
        return Err(not_running());
    }
    home::check_owner(&path)?;
    let beacon = Beacon::find(&path).ok_or_else(not_running)?;
    let token_path = path.join("operator.token");
    let token =
        std::fs::read_to_string(&token_path).map_err(|error| home::bad(&token_path, error))?;
    Ok(Target {
        url: format!("http://{}", beacon.admin),
        token: Secret::new(token.trim().to_owned()),
        home: Some(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beacon(pid: i32, admin: &str) -> Beacon {
        let gateway = "127.0.0.1:1".parse().expect("address");
        Beacon { gateway, admin: admin.parse().expect("address"), pid, boot: BootId(7) }
    }

    #[test]
    fn only_a_living_loopback_node_is_believed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = &dir.path().join("home");
        assert_eq!(Beacon::find(path), None);
        let home = home::Home::open(path).expect("made");
        let own = i32::try_from(std::process::id()).expect("pid");
        let live = beacon(own, "127.0.0.1:2");
        live.light(path).expect("written");
        assert_eq!(Beacon::find(path), Some(live.clone()));
        drop(home);
        assert_eq!(Beacon::find(path), None, "nobody holds the lock");
        let _home = home::Home::open(path).expect("free");
        assert_eq!(Beacon::find(path), Some(live));
        beacon(own, "192.0.2.1:2").light(path).expect("written");
        assert_eq!(Beacon::find(path), None);
        beacon(i32::MAX - 1, "127.0.0.1:2").light(path).expect("written");
        assert_eq!(Beacon::find(path), None);
        std::fs::write(path.join(NAME), "{").expect("written");
        assert_eq!(Beacon::find(path), None);
    }
}
