//! TLS: certificates read from PEM files, and a listener that speaks it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderValue;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tls_listener::TlsListener;
use tls_listener::rustls::TlsAcceptor;

use crate::socket::Sockets;

/// A certificate with its key, and who is let in.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

/// Why files are no good for TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not there, or is not the PEM that it should be.
    #[error("cannot read {} from {}", .what, .file.display())]
    File {
        /// What was to be read.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file of certificates that holds none.
    #[error("no certificate in {}", .0.display())]
    Empty(PathBuf),
    /// The key is not of the certificate, or of a kind that is not known.
    #[error("certificate and key do not go together")]
    Pair(#[source] rustls::Error),
    /// The cryptography at hand knows no version of TLS.
    #[error("no version of TLS can be spoken")]
    Protocol(#[source] rustls::Error),
    /// The client CA is no good.
    #[error("the client CA cannot be used")]
    ClientCa(#[source] VerifierBuilderError),
    /// A certificate of the client CA is no good.
    #[error("a certificate of the client CA cannot be used")]
    Root(#[source] rustls::Error),
}

impl Tls {
    /// Reads PEM files: a certificate with its chain, its private key, and where clients have to show a certificate
    /// (mTLS) the CA that issues those.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or does not fit the others.
    pub fn read(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Self, TlsError> {
        let chain = certificates("the certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
            what: "the private key",
            file: key.to_owned(),
            source,
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Protocol)?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for root in certificates("the client CA", file)? {
                    roots.add(root).map_err(TlsError::Root)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(TlsError::ClientCa)?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands on every connection, on many at a time.
    pub(crate) fn listen(&self, listener: Sockets) -> TlsListener<Sockets, TlsAcceptor> {
        TlsListener::new(TlsAcceptor::from(Arc::clone(&self.0)), listener)
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Notes on a request that it came through TLS, as a proxy would.
pub(crate) async fn note(mut request: Request) -> Request {
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
    request
}

fn certificates(what: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::File { what, file: file.to_owned(), source };
    let all: Vec<_> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect::<Result<_, _>>().map_err(wrong)?;
    if all.is_empty() { Err(TlsError::Empty(file.to_owned())) } else { Ok(all) }
}
