use super::layers::Loaded;
use super::*;

fn load(file: Option<&str>, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratekeeper.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    let layers = Layers {
        file: file.map(|_| path),
        flags: flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    layers.load(&env).map_err(|error| error.to_string())
}

#[test]
fn the_reference_is_read_and_shows_the_defaults() {
    let reference: Settings = toml::from_str(REFERENCE).unwrap();
    let default = Settings::default();
    assert_eq!(reference.listen, default.listen);
    assert_eq!(reference.dialect, default.dialect);
    assert_eq!(format!("{:?}", reference.envoy), format!("{:?}", default.envoy));
    assert_eq!(format!("{:?}", reference.limits), format!("{:?}", default.limits));
    assert_eq!(format!("{:?}", reference.drain), format!("{:?}", default.drain));
    assert_eq!(format!("{:?}", reference.log), format!("{:?}", default.log));
    assert_eq!(format!("{:?}", reference.redis), format!("{:?}", default.redis));
    assert!(reference.checked().is_ok());
}

#[test]
fn flags_come_before_the_environment_before_the_file() {
    let file = "listen = [\"127.0.0.1:1\"]\n[limits]\nconnections = 1\nheaders = 7\n";
    let env = [
        ("RATEKEEPER_LISTEN", "127.0.0.1:2, [::1]:2"),
        ("RATEKEEPER_LIMITS_CONNECTIONS", "2"),
    ];
    let loaded = load(Some(file), &env, &[("limits.connections", "3_000")]).unwrap();
    let limits = &loaded.settings.limits;
    assert_eq!((limits.connections, limits.headers, limits.uri_bytes), (3000, 7, 8192));
    assert_eq!(loaded.settings.listen.len(), 2);
    let printed = loaded.print();
    assert!(printed.contains("connections = 3000  # flag"), "{printed}");
    assert!(
        printed.contains("listen = [\"127.0.0.1:2\", \"[::1]:2\"]  # environment, RATEKEEPER_LISTEN"),
        "{printed}"
    );
    assert!(
        printed.contains("headers = 7  # file") && printed.contains("uri_bytes = 8192  # default"),
        "{printed}"
    );
}

#[test]
fn what_is_printed_can_be_read_again_and_shows_no_secret() {
    let loaded = load(None, &[("RATEKEEPER_SECRET", "hunter2")], &[("policy", "p.yaml")]).unwrap();
    let printed = loaded.print();
    assert!(!printed.contains("hunter2") && printed.contains("[redacted]"), "{printed}");
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
    let again = load(Some(&printed), &[], &[]).unwrap();
    assert_eq!(again.settings.policy, Some("p.yaml".into()));
}

#[test]
fn errors_say_where_and_what_would_be_right() {
    let wrong = |file: &str| load(Some(file), &[], &[]).unwrap_err();
    let unknown = wrong("listen = []\n[limits]\nconections = 1\n");
    assert!(
        unknown.contains("line 3, column 1") && unknown.contains("unknown field `conections`"),
        "{unknown}"
    );
    let span = wrong("[drain]\ntimeout = \"soon\"\n");
    assert!(span.contains("line 2") && span.contains("write one such as 10s"), "{span}");
    assert!(wrong("dialect = \"draft-99\"").contains("use one of none, draft-11"));
    assert!(wrong("operator_tokens = [\"secret\"]").contains("ratekeeper token"));
    assert!(wrong("listen = []").contains("there is no address"));
    assert!(wrong("[tls]\ncert = \"x\"").contains("cert and key need each other"));
    let number = load(None, &[("RATEKEEPER_LIMITS_HEADERS", "many")], &[]).unwrap_err();
    assert_eq!(number, "RATEKEEPER_LIMITS_HEADERS: \"many\" is no number");
    let shadow = load(None, &[], &[("envoy.shadow_mode", "maybe")]).unwrap_err();
    assert_eq!(shadow, "envoy.shadow_mode: \"maybe\" is neither true nor false");
    assert!(wrong("[envoy]\nlimit_header = \"a b\"").contains("is no name of a header"));
    let address = load(None, &[("RATEKEEPER_LISTEN", "localhost")], &[]).unwrap_err();
    assert!(address.starts_with("listen (environment, RATEKEEPER_LISTEN): "), "{address}");
    assert!(load(None, &[], &[("limit.x", "1")]).unwrap_err().contains("there is no such setting"));
}
