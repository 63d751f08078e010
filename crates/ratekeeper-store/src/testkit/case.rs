//! The list of cases, and running them.

use std::any::Any;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Subject;
use crate::Capabilities;

/// What a case needs of a store, to say anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `Batch::now` is obeyed.
    InjectableClock,
    /// Decisions agree with core's `step` to the microsecond.
    Exact,
    /// A unit over several keys is one atomic step.
    AtomicUnits,
    /// A state of so many bytes can be stored.
    State(u64),
}

impl Need {
    fn is_met(self, by: &Capabilities) -> bool {
        match self {
            Self::InjectableClock => by.injectable_clock,
            Self::Exact => by.exact,
            Self::AtomicUnits => by.atomic_units,
            Self::State(bytes) => by.largest_state.is_none_or(|largest| largest >= bytes),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InjectableClock => f.write_str("an injectable clock"),
            Self::Exact => f.write_str("exact decisions"),
            Self::AtomicUnits => f.write_str("atomic units"),
            Self::State(bytes) => write!(f, "states of {bytes} bytes"),
        }
    }
}

/// One property that every store has.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What must hold, as the name of a test.
    pub name: &'static str,
    /// Which file of the suite it is in.
    pub theme: &'static str,
    /// What a store must promise for the case to apply.
    pub needs: &'static [Need],
    run: fn(&Subject),
}

/// How a case that did not fail came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// The store does not promise what the case needs.
    DoesNotApply(Need),
}

impl Case {
    /// Examines a store.
    ///
    /// # Panics
    /// If the case does not hold, and says how.
    pub fn run(&self, subject: &Subject) -> Outcome {
        let capabilities = subject.capabilities();
        match self.needs.iter().find(|need| !need.is_met(&capabilities)) {
            Some(need) => Outcome::DoesNotApply(*need),
            None => {
                (self.run)(subject);
                Outcome::Passed
            }
        }
    }
}

/// A case that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the case.
    pub case: &'static str,
    /// What was found.
    pub message: String,
}

/// What came of all cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The cases that hold.
    pub passed: Vec<&'static str>,
    /// The cases that do not apply, and what they need.
    pub not_applicable: Vec<(&'static str, Need)>,
    /// The cases that do not hold.
    pub failed: Vec<Failure>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed) = (self.passed.len(), self.failed.len());
        writeln!(f, "{passed} cases hold, {failed} do not, {} do not apply", self.not_applicable.len())?;
        for (case, need) in &self.not_applicable {
            writeln!(f, "does not apply: {case} needs {need}")?;
        }
        for Failure { case, message } in &self.failed {
            writeln!(f, "does not hold: {case}: {message}")?;
        }
        Ok(())
    }
}

/// Runs every case, and reports.
#[must_use]
pub fn examine(subject: impl Into<Subject>) -> Report {
    let subject = subject.into();
    let mut report = Report::default();
    for case in CASES {
        match catch_unwind(AssertUnwindSafe(|| case.run(&subject))) {
            Ok(Outcome::Passed) => report.passed.push(case.name),
            Ok(Outcome::DoesNotApply(need)) => report.not_applicable.push((case.name, need)),
            Err(panic) => {
                report.failed.push(Failure { case: case.name, message: message(panic.as_ref()) });
            }
        }
    }
    report
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Runs every case; what does not apply is written to the standard error.
///
/// # Panics
/// If a case does not hold.
pub fn run(subject: impl Into<Subject>) {
    let report = examine(subject);
    assert!(report.failed.is_empty(), "{report}");
    for (case, need) in &report.not_applicable {
        say_not_applicable(case, *need);
    }
}

/// Runs the case with this name, as the tests of [`conformance!`](crate::conformance) do. That it does not apply is
/// written to the standard error.
///
/// # Panics
/// If the case does not hold, or there is none of this name.
pub fn check(name: &str, subject: impl Into<Subject>) -> Outcome {
    let case = CASES.iter().find(|case| case.name == name).expect("a case of the suite");
    let outcome = case.run(&subject.into());
    if let Outcome::DoesNotApply(need) = outcome {
        say_not_applicable(name, need);
    }
    outcome
}

/// Not by `eprintln!`, which a passing test swallows.
fn say_not_applicable(case: &str, need: Need) {
    let _ = writeln!(std::io::stderr(), "does not apply: {case} needs {need}");
}

/// Runs the conformance suite: one `#[test]` for each case of [`testkit::CASES`](crate::testkit::CASES).
///
/// The argument is an expression that makes a store or a [`Subject`](crate::testkit::Subject); each test evaluates it.
/// Put it into a module of its own:
///
/// ```
/// mod conformance {
///     ratekeeper_store::conformance!(ratekeeper_store::MemoryStore::default());
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::__conformance_cases! { __conformance_tests { $make } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ({ $make:expr } $($theme:ident { $($case:ident [$($need:expr),*];)+ })+) => {
        $($(
            #[test]
            fn $case() {
                $crate::testkit::check(stringify!($case), $make);
            }
        )+)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ({} $($theme:ident { $($case:ident [$($need:expr),*];)+ })+) => {
        /// Every case of the suite.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: stringify!($case),
                theme: stringify!($theme),
                needs: {
                    #[allow(unused_imports)]
                    use Need::*;
                    &[$($need),*]
                },
                run: $crate::testkit::cases::$theme::$case,
            },
        )+)+];
    };
}

/// The one list of cases, handed to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($then:ident $args:tt) => {
        $crate::$then! { $args
            algorithms {
                token_bucket_answers_like_step [InjectableClock, Exact];
                leaky_bucket_answers_like_step [InjectableClock, Exact];
                leaky_queue_answers_like_step [InjectableClock, Exact];
                fixed_window_answers_like_step [InjectableClock, Exact];
                calendar_window_answers_like_step [InjectableClock, Exact];
                sliding_window_answers_like_step [InjectableClock, Exact];
                sliding_log_answers_like_step [InjectableClock, Exact];
                concurrency_answers_like_step [InjectableClock, Exact];
                every_algorithm_is_examined [];
            }
            ops {
                a_take_takes_its_whole_cost_or_nothing [InjectableClock, Exact];
                what_can_never_pass_is_told_so [InjectableClock];
                a_window_of_zero_refuses_everything [InjectableClock];
                a_partial_take_gets_what_is_left [InjectableClock, Exact];
                a_peek_writes_nothing [InjectableClock, Exact];
                a_charge_goes_into_debt [InjectableClock, Exact];
                a_refund_with_its_token_undoes_a_take [InjectableClock, Exact];
                a_refund_gives_back_no_more_than_time_has_left [InjectableClock, Exact];
                a_refund_without_token_credits [InjectableClock, Exact];
                a_foreign_token_is_an_error [InjectableClock, Exact];
                a_reset_forgets [InjectableClock, Exact];
                holders_renew_and_release [InjectableClock, Exact];
            }
            units {
                a_refused_unit_leaves_every_counter_untouched [InjectableClock, Exact];
                a_partial_take_grants_the_least_of_all_checks [InjectableClock, Exact];
                the_units_of_a_batch_apply_in_order [InjectableClock, Exact];
                nothing_is_asked_and_nothing_happens [InjectableClock];
                a_key_twice_in_a_unit_is_an_error [InjectableClock];
                an_operation_that_is_none_is_an_error [InjectableClock];
                many_checks_and_many_units [InjectableClock, Exact, AtomicUnits];
                a_check_may_have_an_operation_of_its_own [InjectableClock, Exact, AtomicUnits];
                random_batches_answer_like_step [InjectableClock, Exact, AtomicUnits];
            }
            groups {
                shadow_groups_are_debited_iff_all_pass [InjectableClock, Exact];
                shadow_groups_follow_partial_takes [InjectableClock, Exact];
                random_batches_with_shadows_answer_like_step [InjectableClock, Exact, AtomicUnits];
            }
            time {
                waiting_exactly_retry_after_passes_and_less_fails [InjectableClock, Exact];
                after_reset_after_nothing_is_left [InjectableClock, Exact];
                windows_begin_at_their_boundary [InjectableClock, Exact];
                a_clock_that_steps_back_admits_no_more [InjectableClock];
                the_own_clock_runs_at_the_pace_of_time [];
                the_clock_is_read_once_a_batch [];
            }
            reload {
                a_raised_limit_keeps_what_was_used [InjectableClock, Exact];
                another_algorithm_starts_anew [InjectableClock, Exact];
                changing_limits_answer_like_step [InjectableClock, Exact];
            }
            keys {
                keys_of_every_length_are_distinct [];
                every_byte_is_kept [];
                hostile_keys_do_not_collide [];
                units_over_hostile_keys_are_atomic [];
            }
            concurrency {
                many_threads_get_exactly_what_there_is [InjectableClock];
                partial_takes_share_exactly_what_there_is [InjectableClock];
                refused_units_spend_nothing_under_contention [InjectableClock, AtomicUnits];
                overlapping_units_neither_block_nor_lose [InjectableClock, AtomicUnits];
                takes_and_refunds_balance [InjectableClock];
                never_more_hold_than_may [InjectableClock];
                the_envelope_holds_on_the_own_clock [];
            }
            linearizability {
                small_histories_are_linearizable [InjectableClock, Exact, AtomicUnits];
            }
            boundaries {
                the_largest_numbers_are_exact [InjectableClock, Exact];
                the_last_instant_is_exact [InjectableClock, Exact];
                the_longest_log_is_kept [InjectableClock, Exact, State(200_000)];
            }
            cancellation {
                an_answer_given_up_spoils_no_other [];
            }
        }
    };
}

__conformance_cases! { __conformance_list {} }
