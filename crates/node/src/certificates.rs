//! Certificates in the life of a node: opened, tended, looked at.

use crate::doctor::{Verdict, finding};
use crate::settings::Settings;
use model::Problem;
use model::api::Finding;
use model::key::KeyPurpose;
use ports::{Clock, KeyRing};
use std::sync::Arc;
use tls::{Certificates, Health, Source, Status};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// Looks at the operator's files before the home is touched.
pub(crate) fn check(settings: &Settings, clock: &dyn Clock) -> Result<(), Problem> {
    settings.tls.as_ref().map_or(Ok(()), |tls| tls.certificates.check(clock.wall()))
}

/// Opens the certificates, if there are to be any. Blocks on the disk.
pub(crate) fn open(
    settings: &Settings,
    ring: &Arc<dyn KeyRing>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Certificates>>, Problem> {
    let Some(tls) = &settings.tls else { return Ok(None) };
    let sealer = keys::Across::new(Arc::clone(ring), KeyPurpose::Certificate, &[]);
    Certificates::open(tls.certificates.clone(), Arc::new(sealer), Arc::clone(clock)).map(Some)
}

/// Watches files, obtains and renews certificates, and looks at all of them again at SIGHUP, until
/// the task is aborted. A node without certificates takes SIGHUP too, and goes on.
pub(crate) fn tend(certificates: Option<Arc<Certificates>>) -> std::io::Result<JoinHandle<()>> {
    let hangups = signal(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        let keeping = async {
            match &certificates {
                Some(all) => Arc::clone(all).keep().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(keeping, reload_at(hangups, certificates.as_ref()));
    }))
}

async fn reload_at(mut hangups: Signal, certificates: Option<&Arc<Certificates>>) {
    while hangups.recv().await.is_some() {
        match certificates {
            Some(all) => {
                tracing::info!("SIGHUP: certificates are read again");
                all.reload().await;
            }
            None => tracing::info!("SIGHUP: there are no certificates to read again"),
        }
    }
}

/// What `casemate doctor` says about them.
pub(crate) fn findings(certificates: &Certificates) -> Vec<Finding> {
    certificates.status().iter().map(one).collect()
}

fn one(status: &Status) -> Finding {
    let verdict = match status.health {
        Health::Good => Verdict::Ok,
        Health::Poor => Verdict::Warning,
        Health::Bad => Verdict::Problem,
    };
    let mut found = match (status.source, &status.expires) {
        (Source::Clients, _) => format!("client certificates of {}", status.label),
        (_, Some(expires)) if status.names == [status.label.as_str()] => {
            format!("{}, until {expires}", status.label)
        }
        (_, Some(expires)) => {
            format!("{}, for {}, until {expires}", status.label, status.names.join(", "))
        }
        (_, None) => format!("{}: there is none yet, a self-signed one stands in", status.label),
    };
    if let Some(trouble) = &status.trouble {
        found = format!("{found}; {trouble}");
    }
    let hint = match (status.health, status.source) {
        (Health::Good, _) => None,
        (_, Source::File) => Some("renew it and put it in its place: the node notices"),
        (_, Source::Acme) => {
            Some("see the node's log and docs/guides/tls.md; SIGHUP tries at once")
        }
        (_, Source::SelfSigned) => Some("is the machine's clock right?"),
        (_, Source::Clients) => Some("correct the file: the node notices"),
    };
    finding("certificate", verdict, found, hint)
}
