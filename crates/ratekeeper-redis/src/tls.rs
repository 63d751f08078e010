//! Encrypted connections.

use std::path::Path;
use std::sync::Arc;

use ratekeeper_store::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Trusts the roots in a file, or else those of the system.
pub(crate) fn config(ca: Option<&Path>) -> Result<ClientConfig, StoreError> {
    let wrong = |reason: String| StoreError::Misconfigured { reason };
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let name = path.display();
            let bytes = std::fs::read(path).map_err(|error| wrong(format!("ca={name}: {error}")))?;
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                let certificate = certificate.map_err(|error| wrong(format!("ca={name}: {error}")))?;
                roots.add(certificate).map_err(|error| wrong(format!("ca={name}: {error}")))?;
            }
            if roots.is_empty() {
                return Err(wrong(format!("ca={name}: it has no certificate in PEM")));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                let reason =
                    "the system has no trusted certificates: install ca-certificates, or give ?ca=FILE";
                return Err(wrong(reason.to_owned()));
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
