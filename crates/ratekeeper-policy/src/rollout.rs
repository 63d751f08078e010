//! Rules for a part of their subjects, and experiments.

use crate::decode::{FromText, Wrong};
use crate::policy_limit::LimitList;
use crate::text::shown;

/// How many slots subjects fall into.
const SLOTS: u64 = 10_000;

/// To which subjects a rule applies.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    /// How many slots are in, from the first on.
    pub(crate) slots: u16,
    pub(crate) salt: String,
    pub(crate) arms: Vec<Arm>,
}

/// A part of the subjects that has limits of its own. They count under the stored keys of the rule: the slot follows from
/// the subject, so that all requests of a subject meet the same arm, and who changes arms keeps the count.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) name: String,
    /// The first slot after this arm; it begins where the one before ends.
    pub(crate) end: u16,
    pub(crate) limits: LimitList,
}

impl Rollout {
    /// The slot of a subject: always the same for the same salt.
    pub(crate) fn slot(&self, subject: &[u8]) -> u16 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&u64::try_from(self.salt.len()).unwrap_or(0).to_le_bytes());
        hasher.update(self.salt.as_bytes()).update(subject);
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u16::try_from(u64::from_le_bytes(first) % SLOTS).unwrap_or(0)
    }

    /// Whether a slot is in. Growing the percentage only adds slots.
    pub(crate) fn includes(&self, slot: u16) -> bool {
        slot < self.slots
    }

    /// Whether all subjects are in.
    pub(crate) fn is_full(&self) -> bool {
        u64::from(self.slots) == SLOTS
    }

    /// The arm of a slot.
    pub(crate) fn arm(&self, slot: u16) -> Option<&Arm> {
        self.arms.iter().find(|arm| slot < arm.end)
    }
}

/// A percentage with up to two decimals, in slots of a hundredth percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(pub(crate) u16);

impl FromText for Percent {
    const EXPECTED: &'static str = "a percentage such as 25%";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            let help = "write a percentage from 0 to 100 with at most two decimals, such as 25% or 0.5%";
            Wrong::new(format!("{} is no percentage", shown(text)), help)
        };
        let number = text.trim();
        let number = number.strip_suffix('%').map_or(number, str::trim_end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str, most: usize| {
            let fits = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| part.parse::<u32>().ok()).flatten().ok_or_else(wrong)
        };
        let hundredths = digits(decimals, 2)? * if decimals.len() == 1 { 10 } else { 1 };
        let slots = digits(whole, 3)? * 100;
        match u16::try_from(slots + hundredths) {
            Ok(slots) if u64::from(slots) <= SLOTS => Ok(Self(slots)),
            _ => Err(wrong()),
        }
    }

    fn text_schema() -> serde_json::Value {
        serde_json::json!({ "type": ["number", "string"], "minimum": 0, "maximum": 100 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, slots) in [
            ("25%", 2500),
            ("25", 2500),
            ("0.5", 50),
            ("0.01 %", 1),
            ("100.00", 10_000),
            ("0", 0),
        ] {
            assert_eq!(Percent::from_text(text), Ok(Percent(slots)), "{text}");
        }
        for wrong in ["", "%", "101", "100.01", "-1", "1.234", "1e2", ".5", "5.", "999"] {
            assert!(Percent::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn growing_only_adds_members_and_every_slot_is_used() {
        let rollout = |slots| Rollout { slots, salt: "salt".into(), arms: Vec::new() };
        let mut inside = 0;
        for subject in 0..10_000_u32 {
            let slot = rollout(2500).slot(&subject.to_le_bytes());
            assert!(slot < 10_000);
            inside += u32::from(rollout(2500).includes(slot));
            assert!(!rollout(2500).includes(slot) || rollout(2501).includes(slot));
            assert!(!rollout(0).includes(slot) && rollout(10_000).includes(slot));
        }
        assert!((2300..2700).contains(&inside), "{inside}");
    }
}
