//! One order: from a name to a certificate.

use super::account::failed;
use crate::challenges::{Asked, Challenges};
use crate::config::Challenge;
use crate::server::provider;
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier,
    KeyAuthorization, NewOrder, Order, OrderStatus, RetryPolicy,
};
use model::{Code, Problem};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the directory may take to look, and then to sign.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// Why an order failed: the directory's error, to be looked at, or our own.
pub(super) enum Failure {
    Directory(Error),
    Ours(Problem),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Directory(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Ours(problem)
    }
}

impl Failure {
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::Directory(error) => failed(error),
            Self::Ours(problem) => problem.clone(),
        }
    }
}

/// What is ordered, and how it is proved.
pub(super) struct Wish<'a> {
    pub(super) name: &'a str,
    pub(super) challenge: Challenge,
    pub(super) challenges: &'a Arc<Challenges>,
    /// The certificate that is replaced, if the directory wants to know.
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
}

impl Wish<'_> {
    /// Orders a certificate and waits for it. Gives the PEM text of its key and its chain.
    pub(super) async fn fulfil(self, account: &Account) -> Result<Zeroizing<String>, Failure> {
        let identifiers = [Identifier::Dns(self.name.to_owned())];
        let mut new = NewOrder::new(&identifiers);
        if let Some(replaces) = self.replaces.clone() {
            new = new.replaces(replaces);
        }
        let mut order = account.new_order(&new).await?;
        // Answered until the order is ready, however this ends.
        let asked = self.answer(&mut order).await?;
        match order.poll_ready(&POLLS).await {
            Ok(OrderStatus::Invalid) | Err(Error::Api(_)) => return Err(reason(&mut order).await),
            ready => ready?,
        };
        drop(asked);
        self.finish(&mut order).await
    }

    /// Puts up answers to the order's challenges, and says so.
    async fn answer(&self, order: &mut Order) -> Result<Vec<Asked>, Failure> {
        let mut asked = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => return Err(ours(format!("the authorization is {status:?}"))),
            }
            let (kind, word) = match self.challenge {
                Challenge::Http01 => (ChallengeType::Http01, "http-01"),
                Challenge::TlsAlpn01 => (ChallengeType::TlsAlpn01, "tls-alpn-01"),
            };
            let mut challenge = authorization
                .challenge(kind)
                .ok_or_else(|| ours(format!("the directory does not offer {word}")))?;
            let answer = challenge.key_authorization();
            asked.push(match self.challenge {
                Challenge::Http01 => {
                    self.challenges.put_http(self.name, &challenge.token, answer.as_str())
                }
                Challenge::TlsAlpn01 => {
                    self.challenges.put_tls(self.name, proof(self.name, &answer)?)
                }
            });
            challenge.set_ready().await?;
        }
        Ok(asked)
    }

    /// Has a new key certified.
    async fn finish(&self, order: &mut Order) -> Result<Zeroizing<String>, Failure> {
        let internal = |error: rcgen::Error| Problem::new(Code::Internal).internal(error);
        let key = KeyPair::generate().map_err(internal)?;
        let mut params = CertificateParams::new(vec![self.name.to_owned()]).map_err(internal)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(internal)?;
        order.finalize_csr(request.der()).await?;
        let chain = order.poll_certificate(&POLLS).await?;
        let mut text = Zeroizing::new(key.serialize_pem());
        text.push_str(&chain);
        Ok(text)
    }
}

fn ours(why: String) -> Failure {
    Failure::Ours(Problem::new(Code::AcmeFailed).detail(why))
}

/// The certificate that a TLS-ALPN challenge asks for (RFC 8737, section 3).
fn proof(name: &str, answer: &KeyAuthorization) -> Result<CertifiedKey, Problem> {
    let internal = |error: rcgen::Error| Problem::new(Code::Internal).internal(error);
    let key = KeyPair::generate().map_err(internal)?;
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(internal)?;
    let digest = answer.digest();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let certificate = params.self_signed(&key).map_err(internal)?;
    let signing = provider().key_provider.load_private_key(key.into());
    let signing = signing.map_err(|error| Problem::new(Code::Internal).internal(error))?;
    // Its critical extension is one that nobody else may understand, so it is not looked at.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// Why an order became invalid: what the directory says about its challenges.
async fn reason(order: &mut Order) -> Failure {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let Ok(mut authorization) = authorization else { break };
        let Ok(state) = authorization.refresh().await else { break };
        if let Some(error) = state.challenges.iter().find_map(|one| one.error.clone()) {
            return Failure::Directory(Error::Api(error));
        }
    }
    ours("the directory found the order invalid and does not say why".to_owned())
}
