//! Why a certificate was not accepted, ours by the host or the host's by us.

use std::{error::Error as StdError, io, iter};

use rustls::{AlertDescription, CertificateError};

/// Why there is no trust.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// No authority that is trusted has issued it.
    UnknownIssuer,
    /// It is for another host.
    HostMismatch,
    /// It was revoked.
    Revoked,
    /// The host asks for a client certificate, and none was given.
    ClientCertificateNeeded,
    /// The host does not accept the client certificate, or asks for one in other words.
    ClientCertificateRefused,
    /// Anything else, in the words of the TLS library.
    Other(String),
}

impl CertificateProblem {
    /// One line about the certificate of `host`.
    pub(crate) fn words(&self, host: &str) -> String {
        match self {
            Self::Expired => format!("the certificate of {host} has expired"),
            Self::NotYetValid => format!("the certificate of {host} is not valid yet"),
            Self::UnknownIssuer => format!("the certificate of {host} was issued by an authority that is not trusted"),
            Self::HostMismatch => format!("the certificate of {host} is for another host"),
            Self::Revoked => format!("the certificate of {host} was revoked"),
            Self::ClientCertificateNeeded => format!("{host} asks for a client certificate"),
            Self::ClientCertificateRefused => format!("{host} does not accept the client certificate"),
            Self::Other(reason) => format!("the certificate of {host} cannot be accepted: {reason}"),
        }
    }

    /// What to check.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Expired => {
                "check this machine's clock; if it is right, whoever runs the host, or a proxy that opens TLS, must \
                 renew its certificate"
            }
            Self::NotYetValid => "check this machine's clock; if it is right, ask whoever runs the host",
            Self::UnknownIssuer => {
                "if the host's certificate is from an authority of your own, or a proxy opens TLS on the way, give that \
                 authority's certificate: `network.authorities`"
            }
            Self::HostMismatch => {
                "check the url: it must be the host's own name, as in https://acme.my.salesforce.com; if it is, something \
                 else answers in its place"
            }
            Self::Revoked => "do not trust the host: ask whoever runs it",
            Self::ClientCertificateNeeded => "give a client certificate with its key: `network.identity`",
            Self::ClientCertificateRefused => {
                "check the client certificate, `network.identity`: that one is given, that it has not expired, and that \
                 the host knows its authority (Setup, Certificate and Key Management, Mutual Authentication)"
            }
            Self::Other(_) => "ask whoever runs the host, or the proxy that opens TLS on the way",
        }
    }
}

/// What is wrong with a certificate, if that is why an exchange failed. `error` is reqwest's, or one that has it among
/// its causes.
#[must_use]
pub fn explain(error: &(dyn StdError + 'static)) -> Option<CertificateProblem> {
    match causes(error).find_map(|cause| cause.downcast_ref())? {
        rustls::Error::InvalidCertificate(error) => Some(of_certificate(error)),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        _ => None,
    }
}

/// An error and its causes.
pub(super) fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // The source of an `io::Error` is that of the error inside, which would be passed over.
        Some(outer) => outer.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

fn of_certificate(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => CertificateProblem::NotYetValid,
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::HostMismatch
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        other => CertificateProblem::Other(other.to_string()),
    }
}

/// What the host said of ours (RFC 8446, 6.2; with TLS 1.3 it may say so only after the request was written).
fn of_alert(alert: AlertDescription) -> Option<CertificateProblem> {
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            Some(CertificateProblem::ClientCertificateNeeded)
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => Some(CertificateProblem::ClientCertificateRefused),
        _ => None,
    }
}
