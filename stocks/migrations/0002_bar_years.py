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
    IF to_regclass(partition) IS NULL THEN
        -- CREATE … PARTITION OF would shut out readers of the bars until the load ends; ATTACH does not.
        EXECUTE format('CREATE TABLE %I (LIKE stocks_dailybar INCLUDING ALL)', partition);
        EXECUTE format(
            'ALTER TABLE stocks_dailybar ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, make_date(year, 1, 1), make_date(year + 1, 1, 1)
        );
    END IF;
END
$$
"""

class Migration(migrations.Migration):
    dependencies = [("stocks", "0001_initial")]

    operations = [
        migrations.RunSQL(ENSURE_YEAR, "DROP FUNCTION stocks_dailybar_ensure_year(integer)"),
    ]
