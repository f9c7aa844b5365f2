"""What happened cannot be unsaid: the database refuses, whoever asks."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from foundation.append_only import APP_ROLE

pytestmark = pytest.mark.django_db

APPEND_ONLY = [
    "accounts_accountnote",
    "accounts_activity",
    "accounts_historicalaccount",
    "accounts_historicalapikey",
    "accounts_historicalprofile",
    "accounts_historicaluser",
    "accounts_notepin",
    "accounts_securityevent",
    "accounts_termsacceptance",
    "accounts_viewing",
    "marketdata_historicalinstrument",
    "orders_historicalorder",
    "orders_trade",
    "portfolio_corporateactionstep",
    "portfolio_dailylimit",
    "portfolio_entitledlot",
    "portfolio_entitlement",
    "portfolio_equitysnapshot",
    "portfolio_fundingstep",
    "portfolio_historicalpayee",
    "portfolio_interestaccrual",
    "portfolio_interestday",
    "portfolio_interestrate",
    "portfolio_ledgeraccount",
    "portfolio_transfer",
    "reconciliation_archivedstatements",
    "reconciliation_breakstep",
    "reconciliation_closingmark",
    "reconciliation_historicalstatementsource",
    "reconciliation_legalhold",
    "reconciliation_legalholdrelease",
    "reconciliation_owedblock",
    "reconciliation_seal",
    "reconciliation_sealedblock",
    "reconciliation_statementday",
    "reconciliation_statementfile",
    "risk_alertevidence",
    "risk_alertstep",
    "risk_decision",
    "risk_historicallocate",
    "risk_historicalmargincall",
    "risk_historicalswitch",
    "risk_limits",
    "risk_liquidationwave",
    "risk_margincallnote",
    "risk_marginrate",
    "venues_historicalroute",
    "venues_historicalvenue",
    "venues_parkedstep",
]


def test_the_program_runs_as_the_restricted_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP_ROLE,)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {}", "TRUNCATE {}"])
def test_neither_update_nor_delete_is_granted(table, statement):
    refused = pytest.raises(DatabaseError, match="permission denied")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, a_column_of(table)))


def a_column_of(table):
    return connection.introspection.get_table_description(connection.cursor(), table)[0].name


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_trigger_refuses_even_the_owner(table):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid
                WHERE tgrelid = %s::regclass AND p.proname = 'openfloor_refuse_change'
                  AND tgenabled = 'O'""",
            [table],
        )
        assert cursor.fetchone() == (2,)


def test_every_history_table_is_among_them():
    """A new history model that is forgotten here, or in a migration, fails."""
    ours = ("accounts", "marketdata", "orders", "portfolio", "risk", "venues", "reconciliation")
    histories = {
        model._meta.db_table
        for app in ours
        for model in apps.get_app_config(app).get_models()
        if model.__name__.startswith("Historical")
    }
    assert histories <= set(APPEND_ONLY)
