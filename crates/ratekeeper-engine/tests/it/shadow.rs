//! Shadow rules ride along: debited iff everything enforced and all their own passes, and never refuse.

use crate::{Setup, lines};

const POLICY: &str = "
rules:
  - { name: real, key: [user], limits: [4 per hour] }
  - { name: shade, key: [user], limits: [2 per hour, 9 per day], mode: shadow }
  - { name: other, key: [user], limits: [3 per hour], mode: shadow }
  - { name: gone, key: [user], limits: [1 per hour], mode: off }
";

#[test]
fn shadow_rules_count_by_themselves_and_refuse_nobody() {
    let setup = Setup::new(POLICY);
    let seen: Vec<_> = (0..5).map(|_| setup.user("alice")).collect();
    assert_eq!(
        seen.iter().map(ratekeeper_engine::Outcome::allowed).collect::<Vec<_>>(),
        [true, true, true, true, false]
    );
    let expected = [
        [
            ("real", 0, true, 3),
            ("shade", 0, true, 1),
            ("shade", 1, true, 8),
            ("other", 0, true, 2),
        ],
        [
            ("real", 0, true, 2),
            ("shade", 0, true, 0),
            ("shade", 1, true, 7),
            ("other", 0, true, 1),
        ],
        // The shadow rule would have refused: its other limit is not debited, the other shadow rule is.
        [
            ("real", 0, true, 1),
            ("shade", 0, false, 0),
            ("shade", 1, true, 7),
            ("other", 0, true, 0),
        ],
        [
            ("real", 0, true, 0),
            ("shade", 0, false, 0),
            ("shade", 1, true, 7),
            ("other", 0, false, 0),
        ],
        // The enforced rule refuses: no shadow rule is debited.
        [
            ("real", 0, false, 0),
            ("shade", 0, false, 0),
            ("shade", 1, true, 7),
            ("other", 0, false, 0),
        ],
    ];
    for (outcome, expected) in seen.iter().zip(expected) {
        assert_eq!(lines(outcome), expected);
    }
    assert_eq!(seen[2].shadow_refusing().count(), 1);
    assert_eq!(seen[2].refusing().count(), 0);
}
