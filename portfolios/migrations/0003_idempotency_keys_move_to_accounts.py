from django.db import migrations

# Those of the last day are needed still: a request that is retried now must find its reply.
COPY = """
INSERT INTO {to} (user_id, key, digest, status, body, created_at)
SELECT user_id, key, digest, status, body, created_at FROM {of}
    ON CONFLICT (user_id, key) DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_idempotency_keys'),
        ('portfolios', '0002_ledger_is_append_only'),
    ]

    operations = [
        migrations.RunSQL(
            COPY.format(to='accounts_idempotencykey', of='portfolios_idempotencykey'),
            COPY.format(to='portfolios_idempotencykey', of='accounts_idempotencykey'),
        ),
        migrations.DeleteModel(
            name='IdempotencyKey',
        ),
    ]
