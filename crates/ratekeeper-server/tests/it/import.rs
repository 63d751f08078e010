//! `ratekeeper import`.

use crate::Sandbox;

const A: &str = "domain: a\ndescriptors: [{ key: k, rate_limit: { unit: day, requests_per_unit: 5 } }]\n";
const B: &str = "domain: a\ndescriptors: [{ key: l, rate_limit: { unit: day, requests_per_unit: 6 } }]\n";

fn sandbox(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("config")).unwrap();
    files
        .iter()
        .fold(sandbox, |sandbox, (name, content)| sandbox.file(&format!("config/{name}"), content))
}

#[test]
fn a_directory_becomes_a_policy_that_can_be_explained() {
    let sandbox = sandbox(&[("b.yaml", B), ("a.yaml", A), (".b.yaml", "not: read")]);
    let options = ["--merge-domains", "--quota-mode", "--store", "${STORE}"];
    let policy = sandbox.run(&[&["import", "envoy", "config"], &options[..]].concat()).success();
    let rules: Vec<&str> = policy.lines().filter(|line| line.contains("- name:")).collect();
    assert_eq!(rules, ["  - name: a.k", "  - name: a.l"], "in the order of the names of the files");
    assert_eq!(policy.matches("mode: quota").count(), 2);
    let to_file = ["import", "envoy", "config", "-o", "policy.yaml"];
    assert_eq!(sandbox.run(&[&to_file, &options[..]].concat()).success(), "");
    assert_eq!(sandbox.read("policy.yaml"), policy);
    let env = ["--env", "STORE=redis://127.0.0.1"];
    let checked = sandbox.run(&[&["check", "policy.yaml"], &env[..]].concat()).success();
    assert!(checked.starts_with("policy.yaml: ok, 2 rules"), "{checked}");
    let ask = [
        "explain",
        "--policy",
        "policy.yaml",
        "--domain",
        "a",
        "--descriptor",
        "k=x",
    ];
    let explained = sandbox.run(&[&ask, &env[..]].concat()).success();
    assert!(explained.contains("+ a.k (quota): applies"), "{explained}");
}

#[test]
fn errors_have_their_place_and_their_exit_code() {
    let sandbox = sandbox(&[
        ("a.yaml", A),
        ("b.yaml", B),
        ("c.yml", "domain: c\ndescriptor: []\n"),
    ]);
    let errors = sandbox.run(&["import", "envoy", "config"]).failure(1);
    assert!(
        errors.contains("config/b.yaml:1:9: domain: the domain \"a\" is in a.yaml:1 already"),
        "{errors}"
    );
    assert!(errors.contains("config/c.yml:2:1: descriptor: unknown field"), "{errors}");
    let missing = sandbox.run(&["import", "envoy", "nowhere"]).failure(3);
    assert!(missing.starts_with("error: nowhere: No such file"), "{missing}");
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    let empty = sandbox.run(&["import", "envoy", "empty"]).failure(3);
    assert_eq!(empty, "error: empty: there is no .yaml or .yml file here\n");
    sandbox.run(&["import", "envoy"]).failure(2);
}

#[test]
fn what_has_no_effect_is_told() {
    let sandbox = sandbox(&[("a.yaml", "domain: a\ndescriptors: [{ key: k, shadow_mode: true }]\n")]);
    let finished = sandbox.run(&["import", "envoy", "config/a.yaml"]);
    assert_eq!(finished.code, Some(0));
    assert!(finished.out.ends_with("    limits: unlimited\n    mode: off\n"), "{}", finished.out);
    assert!(
        finished.err.starts_with("warning: config/a.yaml:2:38: descriptors[0].shadow_mode: "),
        "{}",
        finished.err
    );
    std::fs::write(sandbox.path("config/api"), "domain: b\n").unwrap();
    let beside = sandbox.run(&["import", "envoy", "config"]);
    let skipped = "warning: config/api: not read: it is no .yaml or .yml file of the directory\n";
    assert!(beside.code == Some(0) && beside.err.starts_with(skipped), "{}", beside.err);
}
