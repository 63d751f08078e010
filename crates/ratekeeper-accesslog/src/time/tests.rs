use proptest::prelude::*;

use super::*;

fn clf(text: &str) -> Result<u64, TimeFault> {
    parse_clf(text.as_bytes()).map(Timestamp::as_micros)
}

fn any(text: &str) -> Result<u64, TimeFault> {
    parse_any(text, None).map(Timestamp::as_micros)
}

#[test]
fn combined_times() {
    let cases = [
        ("17/May/2015:10:05:03 +0000", Ok(1_431_857_103_000_000)),
        ("01/Jul/1995:00:00:01 -0400", Ok(804_571_201_000_000)),
        ("17/May/2015:10:05:03.123456 +0000", Ok(1_431_857_103_123_456)),
        ("17/May/2015:10:05:03.1 +0000", Ok(1_431_857_103_100_000)),
        ("17/May/2015:10:05:03.1234569 +0000", Ok(1_431_857_103_123_456)),
        ("29/Feb/2000:00:00:00 +0000", Ok(951_782_400_000_000)),
        ("31/Dec/2016:23:59:60 +0000", Ok(1_483_228_800_000_000)),
        ("01/Jan/1970:00:00:00 +0000", Ok(0)),
        ("01/Jan/1970:00:30:00 +0100", Err(TimeFault::BeforeEpoch)),
        ("31/Dec/1969:23:30:00 -0100", Ok(1_800_000_000)),
        ("01/Jan/2256:00:00:00 +0000", Err(TimeFault::TooLate)),
        ("29/Feb/2015:00:00:00 +0000", Err(TimeFault::Day)),
        ("29/Feb/2100:00:00:00 +0000", Err(TimeFault::Day)),
        ("31/Apr/2015:00:00:00 +0000", Err(TimeFault::Day)),
        ("00/Apr/2015:00:00:00 +0000", Err(TimeFault::Day)),
        ("17/may/2015:10:05:03 +0000", Err(TimeFault::Month)),
        ("17/May/2015:24:00:00 +0000", Err(TimeFault::Hour)),
        ("17/May/2015:10:60:00 +0000", Err(TimeFault::Minute)),
        ("17/May/2015:10:05:61 +0000", Err(TimeFault::Second)),
        ("17/May/2015:10:05:03 0000", Err(TimeFault::Offset)),
        ("17/May/2015:10:05:03 +2400", Err(TimeFault::Offset)),
        ("17/May/2015:10:05:03 +0060", Err(TimeFault::Offset)),
        ("17/May/2015:10:05:03 +00:00", Err(TimeFault::Offset)),
        ("17/May/2015:10:05:03", Err(TimeFault::ClfForm)),
        ("17/May/2015:10:05:03. +0000", Err(TimeFault::ClfForm)),
        ("7/May/2015:10:05:03 +0000", Err(TimeFault::ClfForm)),
        ("17/May/2015 10:05:03 +0000", Err(TimeFault::ClfForm)),
        ("", Err(TimeFault::ClfForm)),
    ];
    for (text, micros) in cases {
        assert_eq!(clf(text), micros, "{text}");
    }
}

#[test]
fn numbers_are_exact_and_their_size_says_the_unit() {
    let cases = [
        ("1431857103", Ok(1_431_857_103_000_000)),
        ("1431857103.123456", Ok(1_431_857_103_123_456)),
        ("1431857103.1234569", Ok(1_431_857_103_123_456)),
        ("1431857103.0000019", Ok(1_431_857_103_000_001)),
        ("1431857103123", Ok(1_431_857_103_123_000)),
        ("1431857103123.5", Ok(1_431_857_103_123_500)),
        ("1431857103123456", Ok(1_431_857_103_123_456)),
        ("1431857103123456.9", Ok(1_431_857_103_123_456)),
        ("1431857103123456789", Ok(1_431_857_103_123_456)),
        ("1.431857103123456e9", Ok(1_431_857_103_123_456)),
        ("1.431857103123456E+09", Ok(1_431_857_103_123_456)),
        ("14318571031e-1", Ok(1_431_857_103_100_000)),
        ("0", Ok(0)),
        ("-0.0", Ok(0)),
        ("0.0000005", Ok(0)),
        ("0.000001", Ok(1)),
        ("1e-99999999999999999999", Err(TimeFault::Form)),
        ("1e-999", Ok(0)),
        ("1e999999999", Err(TimeFault::TooLate)),
        ("99999999999", Err(TimeFault::TooLate)),
        ("-1", Err(TimeFault::BeforeEpoch)),
        (".5", Err(TimeFault::Form)),
        ("1.2.3", Err(TimeFault::Form)),
        ("true", Err(TimeFault::Form)),
        ("", Err(TimeFault::Form)),
    ];
    for (text, micros) in cases {
        assert_eq!(any(text), micros, "{text}");
    }
    let unit = |text, unit| parse_any(text, Some(unit)).map(Timestamp::as_micros);
    assert_eq!(unit("12", Unit::Millis), Ok(12_000));
    assert_eq!(unit("12", Unit::Micros), Ok(12));
    assert_eq!(unit("12999", Unit::Nanos), Ok(12));
    assert!(any(&"9".repeat(100_000)).is_err());
    assert_eq!(any(&format!("{}1.5", "0".repeat(100_000))), Ok(1_500_000));
}

#[test]
fn texts_of_json_logs() {
    let cases = [
        ("2015-05-17T10:05:03Z", Ok(1_431_857_103_000_000)),
        ("2015-05-17T10:05:03.123456789Z", Ok(1_431_857_103_123_456)),
        ("2015-05-17T12:05:03+02:00", Ok(1_431_857_103_000_000)),
        ("2015-05-17T06:05:03-0400", Ok(1_431_857_103_000_000)),
        ("2015-05-17 12:05:03,5 +02", Ok(1_431_857_103_500_000)),
        ("2015-05-17t10:05:03z", Ok(1_431_857_103_000_000)),
        ("2015-05-17 10:05:03", Ok(1_431_857_103_000_000)),
        ("2016-12-31T23:59:60Z", Ok(1_483_228_800_000_000)),
        ("17/May/2015:10:05:03 +0000", Ok(1_431_857_103_000_000)),
        ("[17/May/2015:10:05:03 +0000]", Ok(1_431_857_103_000_000)),
        ("2015-13-17T10:05:03Z", Err(TimeFault::Month)),
        ("2015-02-29T10:05:03Z", Err(TimeFault::Day)),
        ("1969-12-31T23:59:59Z", Err(TimeFault::BeforeEpoch)),
        ("2015-05-17T10:05:03Q", Err(TimeFault::Offset)),
        ("2015-05-17", Err(TimeFault::Form)),
        ("yesterday", Err(TimeFault::Form)),
    ];
    for (text, micros) in cases {
        assert_eq!(any(text), micros, "{text}");
    }
}

proptest! {
    #[test]
    fn every_instant_comes_back(
        seconds in 0_i64..9_007_199_254, fraction in 0_i32..1_000_000, offset in -1439_i32..=1439,
    ) {
        let instant = jiff::Timestamp::new(seconds, fraction * 1000).unwrap();
        let zone = jiff::tz::Offset::from_seconds(offset * 60).unwrap().to_time_zone();
        let zoned = instant.to_zoned_datetime(zone);
        let micros = u64::try_from(instant.as_microsecond()).unwrap();
        prop_assert_eq!(clf(&zoned.strftime("%d/%b/%Y:%H:%M:%S.%6f %z").to_string()), Ok(micros));
        prop_assert_eq!(any(&zoned.strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string()), Ok(micros));
        prop_assert_eq!(any(&format!("{seconds}.{fraction:06}")), Ok(micros));
    }

    #[test]
    fn what_jiff_reads_is_read_the_same(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][0-1][0-9]:[0-5][0-9])") {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            let micros = u64::try_from(instant.as_microsecond()).ok();
            prop_assert_eq!(any(&text).ok(), micros.filter(|micros| *micros <= Timestamp::MAX.as_micros()));
        } else {
            prop_assert!(any(&text).is_err());
        }
    }
}
