import django.db.models.deletion
from django.db import migrations, models

import marketdata.models
from foundation.append_only import APP_ROLE

TABLES = """
    CREATE SCHEMA marketdata_parts;
    CREATE SEQUENCE marketdata_tick_number;
    CREATE TABLE marketdata_tapetrade (
      instrument_id uuid NOT NULL,
      at timestamptz NOT NULL,
      number bigint NOT NULL DEFAULT nextval('marketdata_tick_number'),
      source varchar(12) NOT NULL,
      price numeric(20, 9) NOT NULL,
      size numeric(28, 9) NOT NULL,
      trade_id text NOT NULL,
      sets_last boolean NOT NULL,
      PRIMARY KEY (instrument_id, at, number)
    ) PARTITION BY RANGE (at);
    CREATE TABLE marketdata_parts.tapetrade_default PARTITION OF marketdata_tapetrade DEFAULT;
    CREATE TABLE marketdata_tapequote (
      instrument_id uuid NOT NULL,
      at timestamptz NOT NULL,
      number bigint NOT NULL DEFAULT nextval('marketdata_tick_number'),
      source varchar(12) NOT NULL,
      bid numeric(20, 9),
      bid_size numeric(28, 9) NOT NULL,
      ask numeric(20, 9),
      ask_size numeric(28, 9) NOT NULL,
      PRIMARY KEY (instrument_id, at, number)
    ) PARTITION BY RANGE (at);
    CREATE TABLE marketdata_parts.tapequote_default PARTITION OF marketdata_tapequote DEFAULT;
"""
# A partition is made beside its table and then attached, which locks less of it than to make it
# there. What has come before it and waits in the default partition moves along.
FUNCTIONS = """
    CREATE FUNCTION openfloor_table_of_parts(kind text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
      CASE kind
        WHEN 'tapetrade', 'tapequote' THEN RETURN 'public.marketdata_' || kind;
        WHEN 'minutebar' THEN RETURN 'marketdata_parts.minutebar';
        ELSE RAISE EXCEPTION '% has no parts', kind USING ERRCODE = 'insufficient_privilege';
      END CASE;
    END $$;

    CREATE FUNCTION openfloor_make_part(kind text, first date, until date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
      whole text := openfloor_table_of_parts(kind);
      moment text := CASE kind WHEN 'minutebar' THEN 'start' ELSE 'at' END;
      part text := kind || to_char(first, '_YYYYMMDD');
      waiting text := kind || '_default';
      begins timestamptz := first::timestamp AT TIME ZONE 'UTC';
      ends timestamptz := until::timestamp AT TIME ZONE 'UTC';
    BEGIN
      IF to_regclass('marketdata_parts.' || part) IS NOT NULL THEN
        RETURN false;
      END IF;
      EXECUTE format('CREATE TABLE marketdata_parts.%I (LIKE %s INCLUDING ALL)', part, whole);
      EXECUTE format(
        'WITH moved AS (DELETE FROM marketdata_parts.%I WHERE %I >= %L AND %I < %L RETURNING *)'
        ' INSERT INTO marketdata_parts.%I SELECT * FROM moved',
        waiting, moment, begins, moment, ends, part);
      EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION marketdata_parts.%I FOR VALUES FROM (%L) TO (%L)',
        whole, part, begins, ends);
      RETURN true;
    END $$;

    CREATE FUNCTION openfloor_drop_part(kind text, first date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
      whole text := openfloor_table_of_parts(kind);
      part text := kind || to_char(first, '_YYYYMMDD');
    BEGIN
      IF to_regclass('marketdata_parts.' || part) IS NULL THEN
        RETURN false;
      END IF;
      EXECUTE format('DROP TABLE marketdata_parts.%I', part);
      RETURN true;
    END $$;
"""
GRANTS = f"""
    REVOKE EXECUTE ON FUNCTION openfloor_make_part(text, date, date) FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION openfloor_drop_part(text, date) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION openfloor_make_part(text, date, date) TO {APP_ROLE};
    GRANT EXECUTE ON FUNCTION openfloor_drop_part(text, date) TO {APP_ROLE};
"""
UNMADE = """
    DROP FUNCTION openfloor_drop_part(text, date);
    DROP FUNCTION openfloor_make_part(text, date, date);
    DROP FUNCTION openfloor_table_of_parts(text);
    DROP TABLE marketdata_tapequote, marketdata_tapetrade;
    DROP SEQUENCE marketdata_tick_number;
    DROP SCHEMA marketdata_parts;
"""


def _place():
    return [
        (
            "pk",
            models.CompositePrimaryKey(
                "instrument_id",
                "at",
                "number",
                blank=True,
                editable=False,
                primary_key=True,
                serialize=False,
            ),
        ),
        (
            "instrument",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="marketdata.instrument",
            ),
        ),
        ("at", models.DateTimeField()),
        ("number", models.BigIntegerField()),
        ("source", models.CharField(max_length=12)),
    ]


class Migration(migrations.Migration):
    """Trades and quotes as they came, in a partition for each day; and who may make those."""

    dependencies = [("marketdata", "0006_depth")]

    operations = [
        migrations.RunSQL(
            TABLES + FUNCTIONS + GRANTS,
            UNMADE,
            state_operations=[
                migrations.CreateModel(
                    name="TapeTrade",
                    fields=[
                        *_place(),
                        ("price", marketdata.models.PriceField()),
                        ("size", marketdata.models.QuantityField()),
                        ("trade_id", models.TextField()),
                        ("sets_last", models.BooleanField()),
                    ],
                ),
                migrations.CreateModel(
                    name="TapeQuote",
                    fields=[
                        *_place(),
                        ("bid", marketdata.models.PriceField(null=True)),
                        ("bid_size", marketdata.models.QuantityField()),
                        ("ask", marketdata.models.PriceField(null=True)),
                        ("ask_size", marketdata.models.QuantityField()),
                    ],
                ),
            ],
        ),
    ]
