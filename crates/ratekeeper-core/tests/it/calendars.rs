//! Calendar periods in real zones, with what their clocks have been through.

use proptest::prelude::*;
use proptest::sample::select;
use ratekeeper_core::model::period_around;
use ratekeeper_core::{Ask, Calendar, Limit, Micros, Op, Period, Timestamp, step};

use crate::any;

const HOUR: u64 = 3600;

fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_micros(u64::try_from(instant.as_microsecond()).unwrap())
}

/// The period around an instant is the one that is written here, whichever of its instants is asked for first.
fn check(period: Period, zone: &str, start: &str, end: &str) {
    let (start, end) = (at(start), at(end));
    let middle = start + Micros::new(end.since(start).get() / 2);
    // Half an hour in, where a clock that is set back at midnight shows the date before again.
    let again = start + Micros::from_secs(HOUR / 2);
    for now in [start, again, middle, end.before(Micros::new(1)), start] {
        let calendar = Calendar::new(period, zone).unwrap();
        assert_eq!(calendar.around(now), (start, end), "{calendar} at {now:?}");
        assert_eq!(calendar.around(end).0, end, "{calendar}: the next begins where this ends");
        assert_eq!(calendar.around(now), (start, end), "{calendar} at {now:?} again");
        assert_eq!(period_around(period, zone, now), (start, end), "the model of {zone}");
    }
}

fn hours(period: Period, zone: &str, now: &str) -> u64 {
    let (start, end) = Calendar::new(period, zone).unwrap().around(at(now));
    end.since(start).get() / 1_000_000 / HOUR
}

#[test]
fn days_have_23_or_25_hours_where_clocks_change() {
    assert_eq!(hours(Period::Day, "Europe/Paris", "2024-03-31T12:00Z"), 23);
    assert_eq!(hours(Period::Day, "Europe/Paris", "2024-10-27T12:00Z"), 25);
    assert_eq!(hours(Period::Day, "Europe/Paris", "2024-06-01T12:00Z"), 24);
    check(Period::Day, "Europe/Paris", "2024-03-30T23:00Z", "2024-03-31T22:00Z");
    // Half an hour on Lord Howe, two hours at Troll.
    check(Period::Day, "Australia/Lord_Howe", "2024-04-06T13:00Z", "2024-04-07T13:30Z");
    assert_eq!(hours(Period::Day, "Antarctica/Troll", "2024-03-31T12:00Z"), 22);
}

#[test]
fn days_begin_after_a_skipped_midnight() {
    // The clocks of Brazil jumped from 00:00 to 01:00.
    check(Period::Day, "America/Sao_Paulo", "2018-11-04T03:00Z", "2018-11-05T02:00Z");
    check(Period::Day, "America/Sao_Paulo", "2018-11-03T03:00Z", "2018-11-04T03:00Z");
    // So do those of Lebanon each spring.
    check(Period::Day, "Asia/Beirut", "2022-03-26T22:00Z", "2022-03-27T21:00Z");
    // Nepal began the year 1986 at 00:15.
    check(Period::Year, "Asia/Kathmandu", "1985-12-31T18:30Z", "1986-12-31T18:15Z");
}

#[test]
fn days_do_not_overlap_where_clocks_go_back_over_midnight() {
    // St. John's went from 00:01 back to 23:01 until 2011: the date of the 7th had begun, and goes on.
    check(Period::Day, "America/St_Johns", "2010-11-07T02:30Z", "2010-11-08T03:30Z");
    check(Period::Day, "America/St_Johns", "2010-11-06T02:30Z", "2010-11-07T02:30Z");
    // And from 00:01 to 01:01 in spring.
    check(Period::Day, "America/St_Johns", "2010-03-14T03:30Z", "2010-03-15T02:30Z");
    // São Paulo went back from 24:00 to 23:00.
    check(Period::Day, "America/Sao_Paulo", "2018-02-17T02:00Z", "2018-02-18T03:00Z");
}

#[test]
fn dates_that_never_were() {
    // Samoa went from the end of the 29th to the start of the 31st of December 2011.
    check(Period::Day, "Pacific/Apia", "2011-12-29T10:00Z", "2011-12-30T10:00Z");
    check(Period::Day, "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-31T10:00Z");
    assert_eq!(hours(Period::Week, "Pacific/Apia", "2011-12-28T12:00Z"), 6 * 24);
    assert_eq!(hours(Period::Month, "Pacific/Apia", "2011-12-28T12:00Z"), 30 * 24);
    check(Period::Day, "Pacific/Kwajalein", "1993-08-20T12:00Z", "1993-08-21T12:00Z");
}

#[test]
fn weeks_begin_on_monday() {
    check(Period::Week, "UTC", "2024-07-01T00:00Z", "2024-07-08T00:00Z");
    check(Period::Week, "America/New_York", "2024-03-04T05:00Z", "2024-03-11T04:00Z");
    check(Period::Week, "UTC", "2024-12-30T00:00Z", "2025-01-06T00:00Z");
}

#[test]
fn months_are_those_of_the_calendar_not_thirty_days() {
    check(Period::Month, "UTC", "2024-01-01T00:00Z", "2024-02-01T00:00Z");
    check(Period::Month, "UTC", "2024-02-01T00:00Z", "2024-03-01T00:00Z");
    check(Period::Month, "UTC", "2023-02-01T00:00Z", "2023-03-01T00:00Z");
    check(Period::Month, "UTC", "2100-02-01T00:00Z", "2100-03-01T00:00Z");
    check(Period::Month, "Europe/Paris", "2024-02-29T23:00Z", "2024-03-31T22:00Z");
}

#[test]
fn years_have_their_leap_days() {
    check(Period::Year, "UTC", "2024-01-01T00:00Z", "2025-01-01T00:00Z");
    assert_eq!(hours(Period::Year, "UTC", "2000-06-01T00:00Z"), 366 * 24);
    assert_eq!(hours(Period::Year, "UTC", "2100-06-01T00:00Z"), 365 * 24);
    check(Period::Year, "Asia/Kathmandu", "2023-12-31T18:15Z", "2024-12-31T18:15Z");
}

#[test]
fn the_first_day_begins_with_the_epoch_at_the_latest() {
    let (start, end) = Calendar::new(Period::Day, "Asia/Tokyo").unwrap().around(Timestamp::EPOCH);
    assert_eq!((start, end), (Timestamp::EPOCH, at("1970-01-01T15:00Z")));
}

#[test]
fn a_count_lasts_until_the_next_period_begins_and_no_longer() {
    let limit = Limit::calendar_window(2, Calendar::new(Period::Day, "America/Sao_Paulo").unwrap()).unwrap();
    let mut counter = None;
    let mut take = |now: &str| step(&mut counter, &limit, b"", at(now), &Ask::new(Op::Take, 1)).unwrap();
    assert!(take("2018-11-03T03:00Z").allowed);
    assert!(take("2018-11-04T02:59:59.999999Z").allowed);
    let refused = take("2018-11-04T02:59:59.999999Z");
    assert_eq!((refused.allowed, refused.retry_after), (false, Some(Micros::new(1))));
    assert_eq!(take("2018-11-04T03:00Z").reset_after, Micros::from_secs(23 * HOUR));
}

proptest! {
    #![proptest_config(any::cases(100))]

    #[test]
    fn periods_are_those_on_the_wall(
        zone in select(&any::ZONES[..]),
        period in select(&any::PERIODS[..]),
        nows in prop::collection::vec(86_400_000_000..4_000_000_000_000_000_u64, 1..4),
    ) {
        let calendar = Calendar::new(period, zone).unwrap();
        for now in nows {
            let now = Timestamp::from_micros(now);
            let (start, end) = calendar.around(now);
            prop_assert_eq!((start, end), period_around(period, zone, now));
            prop_assert!(start <= now && now < end);
            prop_assert_eq!(calendar.around(start), (start, end));
            prop_assert_eq!(calendar.around(end).0, end);
        }
    }
}
