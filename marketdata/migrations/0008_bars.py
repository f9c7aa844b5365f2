import django.db.models.deletion
from django.db import migrations, models

TABLES = """
    ALTER TABLE marketdata_bar RENAME TO marketdata_bar_before;
    ALTER TABLE marketdata_bar_before DROP CONSTRAINT bar_unique;
    CREATE SEQUENCE marketdata_bar_number;
    CREATE TABLE marketdata_bar (
      id bigint NOT NULL DEFAULT nextval('marketdata_bar_number'),
      instrument_id uuid NOT NULL,
      timeframe varchar(5) NOT NULL,
      start timestamptz NOT NULL,
      source varchar(12) NOT NULL,
      open numeric(20, 9),
      high numeric(20, 9),
      low numeric(20, 9),
      close numeric(20, 9),
      volume numeric(28, 9) NOT NULL,
      turnover numeric(48, 18) NOT NULL,
      trades bigint NOT NULL,
      open_at timestamptz,
      close_at timestamptz,
      CONSTRAINT bar_unique UNIQUE (instrument_id, timeframe, start)
    ) PARTITION BY LIST (timeframe);
    CREATE TABLE marketdata_parts.minutebar PARTITION OF marketdata_bar
      FOR VALUES IN ('1Min') PARTITION BY RANGE (start);
    CREATE TABLE marketdata_parts.minutebar_default
      PARTITION OF marketdata_parts.minutebar DEFAULT;
    CREATE TABLE marketdata_parts.longerbar PARTITION OF marketdata_bar DEFAULT;
"""
# Hours are made of the minutes that there are; where two sources told of one, the later counts.
ROWS = """
    INSERT INTO marketdata_bar (instrument_id, timeframe, start, source, open, high, low, close,
                                volume, turnover, trades, open_at, close_at)
    SELECT instrument_id, timeframe, start, source, open, high, low, close, volume, turnover,
           trades, CASE WHEN open IS NOT NULL THEN start END,
           CASE WHEN open IS NOT NULL THEN start END
      FROM marketdata_bar_before;
    INSERT INTO marketdata_bar (instrument_id, timeframe, start, source, open, high, low, close,
                                volume, turnover, trades, open_at, close_at)
    SELECT instrument_id, '1Hour', date_trunc('hour', start, 'UTC') AS hour, source,
           (array_agg(open ORDER BY start) FILTER (WHERE open IS NOT NULL))[1],
           max(high), min(low),
           (array_agg(close ORDER BY start DESC) FILTER (WHERE open IS NOT NULL))[1],
           sum(volume), sum(turnover), sum(trades),
           min(start) FILTER (WHERE open IS NOT NULL), max(start) FILTER (WHERE open IS NOT NULL)
      FROM marketdata_bar_before
     WHERE timeframe = '1Min'
     GROUP BY instrument_id, hour, source
     ORDER BY max(start) DESC
    ON CONFLICT DO NOTHING;
    DROP TABLE marketdata_bar_before;
"""


class Migration(migrations.Migration):
    """Bars in partitions: minutes by the month, and hours and days, which are far fewer.

    There are bars of an hour now, and each says when its first and last price were made.
    """

    dependencies = [("marketdata", "0007_ticks")]

    operations = [
        migrations.RunSQL(
            TABLES + ROWS,
            state_operations=[
                migrations.AddField("bar", "open_at", models.DateTimeField(null=True)),
                migrations.AddField("bar", "close_at", models.DateTimeField(null=True)),
                migrations.AlterField(
                    "bar",
                    "instrument",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bars",
                        to="marketdata.instrument",
                    ),
                ),
                migrations.AlterField(
                    "bar",
                    "timeframe",
                    models.CharField(
                        choices=[("1Min", "Minute"), ("1Hour", "Hour"), ("1Day", "Day")],
                        max_length=5,
                    ),
                ),
            ],
        ),
    ]
