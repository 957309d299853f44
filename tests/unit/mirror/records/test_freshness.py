"""Whether a stored response may be used as it is."""

from __future__ import annotations

import json

import pytest

from mirror.records.freshness import (
    DEFAULT_LIFETIME,
    FETCH,
    LONGEST_LIFETIME,
    REVALIDATE,
    SERVE,
    FreshnessRecord,
    conditional_headers,
    decide,
    from_headers,
    from_json,
    revalidated,
)

NOW = 1_700_000_000.0
TAGGED = FreshnessRecord(NOW, 600.0, '"abc"', "Mon, 01 Jan 2024 00:00:00 GMT")
BARE = FreshnessRecord(NOW, 600.0)


@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        ({}, DEFAULT_LIFETIME),
        ({"cache-control": "public"}, DEFAULT_LIFETIME),
        ({"cache-control": "max-age=60"}, 60.0),
        ({"cache-control": 'Public, MAX-AGE="60"'}, 60.0),
        ({"cache-control": "max-age=60, max-age=90"}, 60.0),
        ({"cache-control": "max-age=60", "age": "20"}, 40.0),
        ({"cache-control": "max-age=60", "age": "90"}, 0.0),
        ({"cache-control": "max-age=soon"}, 0.0),
        ({"cache-control": "max-age=31536000"}, LONGEST_LIFETIME),
        ({"cache-control": "no-cache"}, 0.0),
        ({"cache-control": "max-age=60, no-cache"}, 0.0),
        ({"cache-control": "no-store"}, 0.0),
        ({"cache-control": "max-age=60, stale-while-revalidate=600"}, 60.0),
        ({"expires": "Tue, 14 Nov 2023 22:15:20 GMT", "date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 120.0),
        ({"expires": "0", "date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0.0),
        ({"expires": "Tue, 14 Nov 2023 22:15:20 GMT"}, 0.0),
        ({"cache-control": "max-age=60", "expires": "0"}, 60.0),
    ],
)
def test_lifetime_is_what_the_index_says(headers: dict[str, str], lifetime: float) -> None:
    """RFC 9111, for a private cache; ten minutes without cache headers."""
    assert from_headers(headers, NOW) == FreshnessRecord(NOW, lifetime)


def test_validators_are_kept() -> None:
    """They make revalidation cheap."""
    record = from_headers({"etag": '"abc"', "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, NOW)

    assert record == FreshnessRecord(NOW, DEFAULT_LIFETIME, '"abc"', "Mon, 01 Jan 2024 00:00:00 GMT")


def test_no_store_leaves_no_validators() -> None:
    """The next request is not conditional."""
    assert from_headers({"cache-control": "no-store", "etag": '"abc"'}, NOW) == FreshnessRecord(NOW, 0.0)


@pytest.mark.parametrize(
    ("record", "age", "decision"),
    [
        (None, 0, FETCH),
        (TAGGED, 0, SERVE),
        (TAGGED, 599, SERVE),
        (TAGGED, 600, REVALIDATE),
        (TAGGED, -1, REVALIDATE),
        (BARE, 599, SERVE),
        (BARE, 600, FETCH),
        (FreshnessRecord(NOW, 0.0, '"abc"'), 0, REVALIDATE),
        (FreshnessRecord(NOW, 0.0, None, "Mon, 01 Jan 2024 00:00:00 GMT"), 0, REVALIDATE),
    ],
)
def test_the_decision_goes_by_age(record: FreshnessRecord | None, age: float, decision: str) -> None:
    """A fresh record is served, a stale one is revalidated, and one without validators is fetched."""
    assert decide(record, NOW + age) == decision


@pytest.mark.parametrize(("record", "decision"), [(None, FETCH), (TAGGED, REVALIDATE), (BARE, FETCH)])
def test_refresh_trusts_no_freshness(record: FreshnessRecord | None, decision: str) -> None:
    """But a validator still saves the body."""
    assert decide(record, NOW, refresh=True) == decision


@pytest.mark.parametrize("age", [-1e9, 0, 1e9])
@pytest.mark.parametrize("refresh", [False, True])
def test_offline_serves_every_stored_record(age: float, *, refresh: bool) -> None:
    """The mirror is a mirror, not a cache."""
    assert decide(BARE, NOW + age, offline=True, refresh=refresh) == SERVE
    assert decide(None, NOW, offline=True, refresh=refresh) == FETCH


def test_conditional_headers_name_the_validators() -> None:
    """Both, or none."""
    assert conditional_headers(TAGGED) == (
        ("If-None-Match", '"abc"'),
        ("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"),
    )
    assert conditional_headers(BARE) == ()


def test_a_304_makes_a_record_fresh_and_keeps_its_validators() -> None:
    """An index may leave out of a 304 what has not changed."""
    later = revalidated(TAGGED, {"cache-control": "max-age=30"}, NOW + 900)

    assert later == TAGGED._replace(fetched_at=NOW + 900, lifetime=30.0)


def test_a_304_may_bring_a_new_validator() -> None:
    """The newest counts."""
    assert revalidated(TAGGED, {"etag": '"new"'}, NOW + 900).etag == '"new"'


@pytest.mark.parametrize("record", [TAGGED, BARE])
def test_records_survive_json(record: FreshnessRecord) -> None:
    """What is stored is what comes back."""
    assert from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("value", [None, [], [1, 2, 3, 4], ["x", 600, None, None], {"fetched_at": 1}, [1, 2, None]])
def test_damage_reads_as_nothing(value: object) -> None:
    """Then the page is fetched again."""
    assert from_json(value) is None
