//! `maxTimeMS` with and without `timeoutMS` (specification *Client Side Operations Timeout*).

use super::*;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(3));
const GIVEN: Option<Duration> = Some(Duration::from_secs(5));

/// The `maxTimeMS` that a command carries, which is there once at most.
fn max_time(operation: impl Operation, timeout: Option<Duration>) -> Option<i64> {
    // The reply does not matter.
    let mut server = Server::new(&["{ok: 0, code: 1}"]).with(Settings { timeout, ..Settings::default() });
    assert!(server.run(operation).is_err());
    let request = server.requests.remove(0);
    assert!(request.matches("maxTimeMS").count() <= 1, "{request}");
    let (_, rest) = request.split_once("maxTimeMS: ")?;
    rest.split(',').next().map(|millis| millis.parse().unwrap())
}

fn count(max_time: Option<Duration>) -> Count {
    Count { max_time, ..Count::new(namespace()) }
}

fn find(cursor_type: CursorType) -> Find {
    let options = FindOptions { max_time: GIVEN, ..FindOptions::default() };
    Find { cursor_type, options: options.into(), ..Find::new(namespace(), doc("{}")) }
}

fn get_more(max_await_time: Option<Duration>) -> GetMore {
    GetMore { namespace: namespace(), cursor_id: 1, batch_size: None, max_await_time, comment: None, exhaust: false }
}

#[test]
fn the_deadline_replaces_the_time_given() {
    assert_eq!(max_time(count(None), None), None);
    assert_eq!(max_time(count(GIVEN), None), Some(5000));
    assert_eq!(max_time(count(None), TIMEOUT), Some(3000));
    assert_eq!(max_time(count(GIVEN), TIMEOUT), Some(3000), "although it is the shorter");
    assert_eq!(max_time(count(Some(Duration::from_secs(1))), TIMEOUT), Some(3000), "although it is the longer");
    assert_eq!(max_time(count(GIVEN), Some(Duration::ZERO)), None, "no limit by choice");
    assert_eq!(max_time(Drop::new(namespace()), TIMEOUT), Some(3000));
}

#[test]
fn less_than_a_millisecond_is_not_no_limit() {
    assert_eq!(max_time(count(Some(Duration::from_nanos(1))), None), Some(1));
    assert_eq!(max_time(count(Some(Duration::ZERO)), None), Some(0));
    assert_eq!(max_time(count(None), Some(Duration::from_nanos(1))), Some(1));
}

#[test]
fn a_tailable_cursor_is_not_ended_by_the_time_of_its_first_command() {
    for (cursor_type, with_timeout) in [
        (CursorType::NonTailable, Some(3000)),
        (CursorType::Exhaust, Some(3000)),
        (CursorType::TailableAwait, Some(3000)),
        (CursorType::Tailable, None),
    ] {
        assert_eq!(max_time(find(cursor_type), TIMEOUT), with_timeout, "{cursor_type:?}");
        assert_eq!(max_time(find(cursor_type), None), Some(5000), "{cursor_type:?}");
    }
}

#[test]
fn get_more_waits_as_told_but_within_the_deadline() {
    assert_eq!(max_time(get_more(None), None), None);
    assert_eq!(max_time(get_more(None), TIMEOUT), None);
    assert_eq!(max_time(get_more(GIVEN), None), Some(5000));
    assert_eq!(max_time(get_more(Some(Duration::from_secs(1))), TIMEOUT), Some(1000));
    assert_eq!(max_time(get_more(GIVEN), TIMEOUT), Some(3000));
    assert_eq!(max_time(get_more(GIVEN), Some(Duration::ZERO)), Some(5000));
}

#[test]
fn each_batch_has_what_is_left() {
    let statements = [(); 3].map(|()| DeleteStatement::new(doc("{}"), true));
    let settings = Settings { timeout: TIMEOUT, ..Settings::default() };
    let mut server = Server::new(&["{ok: 1, n: 1}"; 3]).with_batches_of(1).with(settings);
    server.run(Delete::new(namespace(), statements).unwrap()).unwrap();
    for (request, left) in server.requests.iter().zip([3000, 2900, 2800]) {
        assert!(request.contains(&format!("maxTimeMS: {left}, ")), "{request}");
    }
}
