"""The ledger is only ever added to: the database refuses to change or remove its rows, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION portfolios_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of a transaction is refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'Correct a transaction by its reversal and another one in its place.';
END $$;
CREATE TRIGGER portfolios_transaction_append_only BEFORE UPDATE OR DELETE ON portfolios_transaction
    FOR EACH ROW EXECUTE FUNCTION portfolios_refuse_change();
"""
ALLOW = """
DROP TRIGGER portfolios_transaction_append_only ON portfolios_transaction;
DROP FUNCTION portfolios_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
