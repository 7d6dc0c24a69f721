"""What ticks did to alerts, into the database: each firing with its notification, once, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from screening.alerts.book import Firing, Move
from screening.alerts.measures import plain
from screening.alerts.numbering import take_turn
from stocks.failpoints import reach
from stocks.lease import Lease
from stocks.wire_text import moment

# A process that is paused between two statements must not keep the lease and its rows for long.
_LET_GO = "SET LOCAL idle_in_transaction_session_timeout = '5s'"
# An alert that its user has changed meanwhile has another arm; one that was stopped or deleted is not active.
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(before)s::int[], %(states)s::smallint[], %(arms)s::int[], %(seen_at)s::bigint[],
        %(seen_seq)s::bigint[], %(fired)s::timestamptz[], %(counts)s::int[], %(done)s::boolean[]
    ) AS g (id, before, state, arm, seen_at, seen_seq, fired, count, done)
), moved AS (
    UPDATE screening_alert AS alert
       SET state = given.state, arm = given.arm, seen_at = given.seen_at, seen_seq = given.seen_seq,
           fired_as_of = COALESCE(given.fired, alert.fired_as_of),
           times_fired = alert.times_fired + given.count,
           status = CASE WHEN given.done THEN 'done' ELSE alert.status END
      FROM given
     WHERE alert.id = given.id AND alert.arm = given.before AND alert.status = 'active'
       AND (alert.seen_at, alert.seen_seq) < (given.seen_at, given.seen_seq)
    RETURNING alert.*
), told AS (
    INSERT INTO screening_notification
        (id, user_id, alert_id, arm, cause, name, kind, condition, field, stock_code, threshold, value, price,
         as_of, created_at)
    SELECT gen_random_uuid(), moved.user_id, moved.id, fired.arm, '', moved.name, moved.kind, moved.condition,
           moved.field, stock.code, moved.threshold, fired.value, fired.price, fired.as_of, %(now)s
      FROM unnest(%(of)s::uuid[], %(arm)s::int[], %(value)s::numeric[], %(price)s::numeric[],
                  %(as_of)s::timestamptz[]) WITH ORDINALITY AS fired (id, arm, value, price, as_of, place)
      JOIN moved USING (id)
      JOIN stocks_stock AS stock ON stock.id = moved.stock_id
      JOIN accounts_user AS account ON account.id = moved.user_id AND account.is_active
     ORDER BY fired.place
    ON CONFLICT (alert_id, arm) DO NOTHING
    RETURNING number, alert_id, user_id
), sent AS (
    INSERT INTO screening_delivery
        (id, notification_id, channel, endpoint_id, status, attempts, due_at, last_error, created_at)
    SELECT gen_random_uuid(), told.number, way.channel, way.endpoint_id, 'pending', 0, %(now)s, '', %(now)s
      FROM told
      JOIN moved ON moved.id = told.alert_id
      JOIN LATERAL (
          SELECT 'email' AS channel, NULL::uuid AS endpoint_id WHERE moved.by_email
          UNION ALL
          SELECT 'webhook', endpoint.id FROM screening_webhookendpoint AS endpoint
           WHERE moved.by_webhook AND endpoint.user_id = told.user_id AND endpoint.active
      ) AS way ON true
    RETURNING 1
)
SELECT (SELECT array_agg(id) FROM moved), (SELECT count(*) FROM told), (SELECT count(*) FROM sent)
"""


class Written(NamedTuple):
    """Which alerts were moved, how many notifications there are now, and how many are to be sent."""

    moved: frozenset[UUID]
    told: int
    to_send: int


def write(moves: Sequence[Move], *, lease: Lease, now: datetime) -> Written:
    """Write what changed; raises LeaseLost, and then has written nothing.

    What is written already, or is not what the alert is any more, is left out.
    """
    firings = [(move.alert_id, firing) for move in moves for firing in move.firings]
    # Within somebody else's transaction it would hold for all the rest of that.
    own = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if own:
                cursor.execute(_LET_GO)
            lease.check()
            if firings:
                take_turn()
            cursor.execute(_WRITE, {"now": now, **_of_moves(moves), **_of_firings(firings)})
            moved, told, to_send = cursor.fetchone()
        reach("mid_transaction")
    reach("after_commit")
    return Written(frozenset(moved or ()), told, to_send)


def _of_moves(moves: Sequence[Move]) -> dict[str, list[Any]]:
    return {
        "ids": [move.alert_id for move in moves],
        "before": [move.before for move in moves],
        "states": [int(move.state) for move in moves],
        "arms": [move.arm for move in moves],
        "seen_at": [move.seen[0] for move in moves],
        "seen_seq": [move.seen[1] for move in moves],
        "fired": [moment(move.firings[-1].as_of) if move.firings else None for move in moves],
        "counts": [len(move.firings) for move in moves],
        "done": [move.done for move in moves],
    }


def _of_firings(firings: Sequence[tuple[UUID, Firing]]) -> dict[str, list[Any]]:
    return {
        "of": [alert_id for alert_id, _ in firings],
        "arm": [firing.arm for _, firing in firings],
        "value": [plain(firing.value) for _, firing in firings],
        "price": [None if firing.price is None else plain(firing.price) for _, firing in firings],
        "as_of": [moment(firing.as_of) for _, firing in firings],
    }
