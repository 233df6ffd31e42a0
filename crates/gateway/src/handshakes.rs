//! Counts TLS handshakes that came to nothing, by what was in the way.

use rustls::{AlertDescription, Error};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};

/// What was in the way of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Obstacle {
    /// The client left.
    Left,
    /// The client was too slow.
    Slow,
    /// The client does not speak TLS.
    Clear,
    /// Client and node share no version, no suite or no protocol.
    Incompatible,
    /// The client does not like the node's certificate.
    Refused,
    /// The client's certificate is missing or not valid.
    Certificate,
    /// What the client sent is no TLS, or broken.
    Broken,
}

impl Obstacle {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Left, "the client left"),
        (Self::Slow, "too slow"),
        (Self::Clear, "no TLS spoken"),
        (Self::Incompatible, "no version, suite or protocol in common"),
        (Self::Refused, "the client refused our certificate"),
        (Self::Certificate, "the client's certificate was missing or not valid"),
        (Self::Broken, "broken messages"),
    ];

    pub(crate) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None if error.kind() == ErrorKind::TimedOut => Self::Slow,
            None => Self::Left,
            Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => Self::Incompatible,
            Some(
                Error::NoCertificatesPresented
                | Error::InvalidCertificate(_)
                | Error::InvalidCertRevocationList(_),
            ) => Self::Certificate,
            Some(Error::AlertReceived(alert)) => Self::of_alert(*alert),
            Some(_) => Self::Broken,
        }
    }

    /// What a client says before it leaves.
    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::CloseNotify | AlertDescription::UserCanceled => Self::Left,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            // A signature that is not its authority's.
            | AlertDescription::DecryptError => Self::Refused,
            AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::HandshakeFailure
            | AlertDescription::NoApplicationProtocol => Self::Incompatible,
            _ => Self::Broken,
        }
    }
}

/// How often each was in the way.
#[derive(Debug, Default)]
pub(crate) struct Handshakes([AtomicU64; Obstacle::ALL.len()]);

impl Handshakes {
    pub(crate) fn count(&self, obstacle: Obstacle) {
        if let Some(counter) = self.0.get(obstacle as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn of(&self, obstacle: Obstacle) -> u64 {
        self.0.get(obstacle as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

/// What came to nothing on several workers together: by reason, those that happened.
pub(crate) fn sum<'a>(
    all: &(impl Iterator<Item = &'a Handshakes> + Clone),
) -> Vec<(&'static str, u64)> {
    let counted = Obstacle::ALL.into_iter().map(|(obstacle, reason)| {
        (reason, all.clone().map(|handshakes| handshakes.of(obstacle)).sum())
    });
    counted.filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_a_place_of_its_own() {
        let handshakes = Handshakes::default();
        for (at, (obstacle, _)) in Obstacle::ALL.into_iter().enumerate() {
            assert_eq!(obstacle as usize, at);
            handshakes.count(obstacle);
            assert_eq!(sum(&[&handshakes].into_iter()).len(), at + 1);
        }
        assert_eq!(sum(&[&handshakes, &handshakes].into_iter())[0], ("the client left", 2));
    }

    #[test]
    fn an_error_says_what_was_in_the_way() {
        let of = |error| Obstacle::of(&io::Error::new(ErrorKind::InvalidData, error));
        for (error, obstacle) in [
            (Error::AlertReceived(AlertDescription::UnknownCA), Obstacle::Refused),
            (Error::AlertReceived(AlertDescription::DecryptError), Obstacle::Refused),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), Obstacle::Incompatible),
            (Error::AlertReceived(AlertDescription::CloseNotify), Obstacle::Left),
            (Error::AlertReceived(AlertDescription::DecodeError), Obstacle::Broken),
            (Error::NoCertificatesPresented, Obstacle::Certificate),
            (Error::NoApplicationProtocol, Obstacle::Incompatible),
            (Error::DecryptError, Obstacle::Broken),
        ] {
            assert_eq!(of(error.clone()), obstacle, "{error}");
        }
        assert_eq!(Obstacle::of(&ErrorKind::TimedOut.into()), Obstacle::Slow);
        assert_eq!(Obstacle::of(&ErrorKind::ConnectionReset.into()), Obstacle::Left);
    }
}
