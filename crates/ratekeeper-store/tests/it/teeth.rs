//! The suite finds what is wrong with a store, by the case that is about it.

use ratekeeper_store::testkit::{Need, Outcome, Subject, check, examine};
use ratekeeper_store::{Answer, Batch, Capabilities, MemoryStore, Store};

use crate::table::{Flaw, Table};

#[track_caller]
fn is_found(flaw: Flaw, case: &'static str) {
    let subject = || Subject::new(Table::with(flaw));
    let found = std::panic::catch_unwind(|| check(case, subject()));
    assert!(found.is_err(), "{case} does not find that a store {flaw:?}");
}

macro_rules! flaws {
    ($($test:ident: $flaw:ident by $($case:ident),+;)+) => {
        $(#[test] fn $test() { $(is_found(Flaw::$flaw, stringify!($case));)+ })+
    };
}

flaws! {
    another_clock: OwnClock by token_bucket_answers_like_step, windows_begin_at_their_boundary;
    refused_writes: WritesRefused by a_refused_unit_leaves_every_counter_untouched,
        refused_units_spend_nothing_under_contention;
    peeks_that_write: PeeksWrite by a_peek_writes_nothing;
    two_trips: TwoTrips by many_threads_get_exactly_what_there_is, overlapping_units_neither_block_nor_lose,
        small_histories_are_linearizable;
    keys_cut_at_zero: CutsAtZero by hostile_keys_do_not_collide, every_byte_is_kept;
    keys_trimmed: Trims by hostile_keys_do_not_collide;
    keys_as_text: Lossy by every_byte_is_kept;
    keys_in_one_case: FoldsCase by hostile_keys_do_not_collide, every_byte_is_kept;
    keys_cut_when_long: CutsLong by keys_of_every_length_are_distinct;
    nothing_validated: NoValidation by a_key_twice_in_a_unit_is_an_error, an_operation_that_is_none_is_an_error;
    resets_without_effect: KeepsReset by a_reset_forgets;
    units_out_of_order: UnitsInAnyOrder by the_units_of_a_batch_apply_in_order;
    shadows_that_refuse: ShadowsRefuse by shadow_groups_are_debited_iff_all_pass;
    shadows_that_always_count: ShadowsAlwaysCount by shadow_groups_are_debited_iff_all_pass;
    counters_that_restart: ForgetsOnReload by a_raised_limit_keeps_what_was_used, changing_limits_answer_like_step;
    several_readings: ReadsClockOften by the_clock_is_read_once_a_batch;
    tokens_ignored: IgnoresTokens by a_refund_gives_back_no_more_than_time_has_left;
    checks_one_by_one: CheckByCheck by a_refused_unit_leaves_every_counter_untouched,
        random_batches_answer_like_step;
}

/// The store in memory with fewer promises.
#[derive(Debug, Default)]
struct Modest(MemoryStore);

impl Store for Modest {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        self.0.apply(batch)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { injectable_clock: false, largest_state: Some(1000), ..self.0.capabilities() }
    }
}

#[test]
fn what_is_not_promised_is_not_examined_and_said_so() {
    let outcome = check("a_peek_writes_nothing", Modest::default());
    assert_eq!(outcome, Outcome::DoesNotApply(Need::InjectableClock));
    assert_eq!(check("every_byte_is_kept", Modest::default()), Outcome::Passed);
    let report = examine(Subject::new(Modest::default()).with_threads(2).with_effort(1));
    assert!(report.failed.is_empty(), "{report}");
    assert!(report.passed.len() > 5 && report.not_applicable.len() > 20, "{report}");
    assert!(
        report
            .to_string()
            .contains("does not apply: a_peek_writes_nothing needs an injectable clock")
    );
}

#[test]
fn a_report_names_what_fails() {
    let report = examine(Subject::new(Table::with(Flaw::KeepsReset)).with_threads(2).with_effort(1));
    assert!(report.failed.iter().any(|failure| failure.case == "a_reset_forgets"), "{report}");
    assert!(report.failed.iter().all(|failure| !failure.message.is_empty()), "{report}");
}
