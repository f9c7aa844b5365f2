"""What is kept as JSON, as people read it."""

import pytest
from django.utils.safestring import SafeString

from foundation.laid_out import laid_out


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (None, "\N{EN DASH}"),
        ([], "\N{EN DASH}"),
        ({}, "\N{EN DASH}"),
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        ("a < b", "a &lt; b"),
        (SafeString("<b>x</b>"), "<b>x</b>"),
        (["AAPL", "IBM"], "AAPL, IBM"),
    ],
)
def test_a_value_is_its_words_and_escaped(kept, shown):
    assert laid_out(kept) == shown


def test_an_object_is_names_beside_values_with_numbers_to_the_right():
    assert laid_out({"limit_price": "1,204.50", "side": "buy", "deep": {"at": None}}) == (
        '<table class="kept"><tbody>'
        '<tr><th scope="row">limit price</th><td class="n">1,204.50</td></tr>'
        '<tr><th scope="row">side</th><td>buy</td></tr>'
        '<tr><th scope="row">deep</th><td><table class="kept"><tbody>'
        '<tr><th scope="row">at</th><td>\N{EN DASH}</td></tr></tbody></table></td></tr>'
        "</tbody></table>"
    )


def test_objects_are_rows_of_one_table_whatever_each_of_them_says():
    assert laid_out([{"a": 1}, {"b_c": "<x>"}]) == (
        '<table class="kept">'
        '<thead><tr><th scope="col">a</th><th scope="col">b c</th></tr></thead><tbody>'
        '<tr><td class="n">1</td><td>\N{EN DASH}</td></tr>'
        "<tr><td>\N{EN DASH}</td><td>&lt;x&gt;</td></tr></tbody></table>"
    )


def test_lists_within_a_list_are_its_rows():
    assert laid_out([["1.5", "AAPL"], ["2", True]]) == (
        '<table class="kept"><tbody>'
        '<tr><td class="n">1.5</td><td>AAPL</td></tr>'
        '<tr><td class="n">2</td><td>yes</td></tr></tbody></table>'
    )
    assert laid_out(["x", {"a": "b"}]) == (
        '<table class="kept"><tbody><tr><td>x</td></tr><tr><td><table class="kept"><tbody>'
        '<tr><th scope="row">a</th><td>b</td></tr></tbody></table></td></tr></tbody></table>'
    )
