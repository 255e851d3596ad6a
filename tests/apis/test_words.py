from hypothesis import given
from hypothesis import strategies as st

from apis.words import MOST_CHARACTERS, fold, words_of


def test_accents_and_case_are_folded():
    assert fold("Café ÜBER Straße") == "cafe uber strasse"


def test_humps_signs_and_repeats():
    assert words_of("listOrders", "/orders/{orderId}", "HTTPStatus") == (
        "listorders list orders orderid order id httpstatus http status"
    )


def test_other_scripts_stay():
    assert words_of("طلبات 注文") == "طلبات 注文"


@given(st.text())
def test_words_are_folded_alike_however_often(text):
    once = words_of(text)
    assert words_of(once) == once
    assert "_" not in once


def test_a_huge_text_ends():
    assert len(words_of(" ".join(f"word{n}" for n in range(100_000)))) <= MOST_CHARACTERS
