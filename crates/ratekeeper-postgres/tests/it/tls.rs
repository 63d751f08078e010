//! Encrypted connections.

use std::os::unix::fs::PermissionsExt as _;

use ratekeeper_store::StoreError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use testservers::Postgres;

use crate::support::{run, slow, store, take};

#[test]
fn certificates_are_checked_where_it_is_asked_for() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of the tests");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &authority).unwrap();
        std::fs::write(path("authority.pem"), authority.pem()).unwrap();
        std::fs::write(path("certificate.pem"), certificate.pem()).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(path("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let owned = std::process::Command::new("chown").arg("postgres").arg(path("key.pem")).status();
        assert!(owned.unwrap().success());
        let setting = |name: &str, file: &str| format!("{name}={}", path(file).display());
        let server = Postgres::with(&[
            "ssl=on",
            &setting("ssl_cert_file", "certificate.pem"),
            &setting("ssl_key_file", "key.pem"),
        ]);
        let port = server.address().port();
        let at =
            |host: &str, more: &str| store(&format!("postgres://postgres@{host}:{port}/postgres?{more}"));
        let roots = format!("sslrootcert={}", path("authority.pem").display());
        let limit = slow(100);
        for mode in ["require", "verify-full"] {
            assert!(
                take(&at("localhost", &format!("sslmode={mode}&{roots}")), "a", &limit, 1).await.unwrap()
            );
            // The certificate is of another name; and then of an authority that is not trusted.
            for store in [
                at("127.0.0.1", &format!("sslmode={mode}&{roots}")),
                at("localhost", &format!("sslmode={mode}")),
            ] {
                let error = take(&store, "a", &limit, 1).await.unwrap_err();
                assert!(
                    matches!(&error, StoreError::Unavailable { reason } if reason.contains("certificate")),
                    "{error}"
                );
            }
        }
        let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                         WHERE application_name = 'ratekeeper'";
        let preferred = at("127.0.0.1", "connections=1");
        assert!(take(&preferred, "a", &limit, 1).await.unwrap());
        assert_eq!(server.psql(encrypted), "t");
        drop(preferred);
        let plain = at("127.0.0.1", "sslmode=disable");
        assert!(take(&plain, "a", &limit, 1).await.unwrap());
        let without = Postgres::shared().address().port();
        let url = format!("postgres://postgres@localhost:{without}/postgres?sslmode=require&{roots}");
        let error = take(&store(&url), "a", &limit, 1).await.unwrap_err();
        assert!(error.to_string().contains("TLS"));
    });
}
