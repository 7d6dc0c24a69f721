from django.db import migrations

ENSURE_YEAR = """
CREATE FUNCTION stocks_dailybar_ensure_year(year integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := format('stocks_dailybar_%s', year);
BEGIN
    IF year NOT BETWEEN 1900 AND 2199 THEN
        RAISE EXCEPTION 'year % is out of range', year USING ERRCODE = 'data_exception';
    END IF;
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two loaders may want the same year at once; the lock ends with their transaction.
    PERFORM pg_advisory_xact_lock(hashtext('stocks_dailybar_years'));
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF stocks_dailybar FOR VALUES FROM (%L) TO (%L)',
        partition, make_date(year, 1, 1), make_date(year + 1, 1, 1)
    );
END
$$
"""

MARKETS = [
    ("KOSPI", "KRX KOSPI Market", "XKRX", "KR", "KRW", "Asia/Seoul", "XKRX"),
    ("KOSDAQ", "KRX KOSDAQ Market", "XKOS", "KR", "KRW", "Asia/Seoul", "XKRX"),
    ("KONEX", "KRX KONEX Market", "XKON", "KR", "KRW", "Asia/Seoul", "XKRX"),
    ("NASDAQ", "Nasdaq Stock Market", "XNAS", "US", "USD", "America/New_York", "XNYS"),
    ("NYSE", "New York Stock Exchange", "XNYS", "US", "USD", "America/New_York", "XNYS"),
    ("US", "United States, venue not stated", "", "US", "USD", "America/New_York", "XNYS"),
    ("NSE", "National Stock Exchange of India", "XNSE", "IN", "INR", "Asia/Kolkata", "XBOM"),
]


def add_rows(apps, schema_editor):
    Market = apps.get_model("stocks", "Market")
    names = ("code", "name", "mic", "country", "currency", "timezone", "calendar")
    Market.objects.bulk_create(Market(**dict(zip(names, row, strict=True))) for row in MARKETS)
    apps.get_model("stocks", "Dataset").objects.create(id=1)


def remove_rows(apps, schema_editor):
    apps.get_model("stocks", "Dataset").objects.all().delete()
    apps.get_model("stocks", "Market").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("stocks", "0001_initial")]

    operations = [
        migrations.RunSQL(ENSURE_YEAR, "DROP FUNCTION stocks_dailybar_ensure_year(integer)"),
        migrations.RunPython(add_rows, remove_rows),
    ]
