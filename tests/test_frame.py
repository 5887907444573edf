"""Tables of any kind become the same columns."""

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastdl.tables import Frame
from fastdl.tables.column import column_of

DAY = 86400.0
EAST = datetime.timezone(datetime.timedelta(hours=5))


def same(a: Any, b: Any) -> None:
    """The two columns are alike, NaN where NaN is."""
    assert (a.name, a.kind) == (b.name, b.kind)
    if a.kind == "category":
        assert a.values.tolist() == b.values.tolist()
    else:
        np.testing.assert_array_equal(a.values, b.values)


@pytest.mark.parametrize(
    ("values", "kind", "want"),
    [
        ([1, 2, 3], "number", [1.0, 2.0, 3.0]),
        (np.array([1.5, np.nan], np.float32), "number", [1.5, np.nan]),
        ([True, False], "boolean", [1.0, 0.0]),
        (np.array([True, None], object), "boolean", [1.0, np.nan]),
        (np.array([1, None, decimal.Decimal("2.5")], object), "number", [1.0, np.nan, 2.5]),
        (["a", "", "b"], "category", ["a", None, "b"]),
        (np.array(["a", None, 3, 3.0], object), "category", ["a", None, "3", "3"]),
        (np.array([b"a", b"b"]), "category", ["a", "b"]),
        (np.array(["1970-01-02", "NaT"], "datetime64[D]"), "date", [DAY, np.nan]),
        (np.array([datetime.date(1970, 1, 3), None], object), "date", [2 * DAY, np.nan]),
        ([datetime.timedelta(seconds=3), None], "number", [3.0, np.nan]),
        ([datetime.time(1, 0, 2), None], "number", [3602.0, np.nan]),
        ([datetime.datetime(1970, 1, 2, 5, tzinfo=EAST), None, datetime.date(1970, 1, 2)], "date", [DAY, np.nan, DAY]),
        ([True, 2, None], "number", [1.0, 2.0, np.nan]),
        ([1.0, "x", float("nan"), True], "category", ["1", "x", None, "True"]),
        ([b"a", "a", b""], "category", ["a", "a", None]),
        ([decimal.Decimal("sNaN"), 2], "number", [np.nan, 2.0]),
        ([decimal.Decimal("3.0"), "3"], "category", ["3", "3"]),
        (np.ma.array([1, 2], mask=[1, 0]), "number", [np.nan, 2.0]),
        (np.ma.array([True, False], mask=[1, 0]), "boolean", [np.nan, 0.0]),
        (np.ma.array(["a", "b"], mask=[1, 0]), "category", [None, "b"]),
        (np.ma.array([0, 0], "datetime64[ns]", mask=[1, 0]), "date", [np.nan, 0.0]),
        (np.array(["a", ""], np.dtypes.StringDType()), "category", ["a", None]),
        (np.array([10**18], "datetime64[as]"), "date", [1.0]),
        (np.array([3, "NaT"], "timedelta64[s]"), "number", [3.0, np.nan]),
        (np.array([None, None], object), "number", [np.nan, np.nan]),
    ],
    ids=str,
)  # fmt: skip
def test_kinds_of_columns(values: Any, kind: str, want: list[Any] | None) -> None:
    column = column_of("c", values)
    assert column.kind == kind
    if want is None:
        return
    if kind == "category":
        assert column.values.tolist() == want
    else:
        np.testing.assert_array_equal(column.values, want)
    assert column.missing.tolist() == [value is None or value != value for value in want]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, np.inf], ["infinity", "row 1"]),
        (np.array([1j, 2j]), ["Complex data not supported"]),
        (np.array([{"a": 1}, None], object), ["row 0", "dict"]),
        (np.zeros((2, 2)), ["one dimension"]),
        ([(1, 2), (3, 4)], ["row 0", "tuple"]),
        (np.array([0, 10**9], "datetime64[Y]"), ["years", "row 1"]),
    ],
    ids=str,
)
def test_what_is_no_column_is_refused_by_name(values: Any, words: list[str]) -> None:
    with pytest.raises((ValueError, TypeError)) as info:
        column_of("price", values)
    for word in ["price", *words]:
        assert word in str(info.value)


def test_so_is_what_has_no_name_or_is_too_large() -> None:
    for value, error, words in ((object(), TypeError, "'a'.*object in row 1"), (10**400, ValueError, "'a'.*row 1")):
        with pytest.raises(error, match=words):
            column_of("a", [1 if isinstance(value, int) else "x", value])


COLUMNS: dict[str, list[Any]] = {
    "number": [1.0, None, -2.5],
    "whole": [3, 4, 5],
    "flag": [True, False, True],
    "colour": ["red", None, "blue"],
    "day": [datetime.datetime(2020, 1, 1), None, datetime.datetime(2021, 6, 5, 4, 3)],
}


def of_pandas() -> Any:
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def of_pandas_categories() -> Any:
    frame = of_pandas()
    return frame.assign(colour=frame["colour"].astype("category"), number=frame["number"].astype("Float64"))


def of_polars() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def of_pyarrow() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


@pytest.mark.parametrize("make", [of_pandas, of_pandas_categories, of_polars, of_pyarrow])
def test_every_library_gives_the_same(make: Callable[[], Any]) -> None:
    want = Frame.of({name: np.array([*values, None], object)[:-1] for name, values in COLUMNS.items()})
    got = Frame.of(make())
    assert got.named and got.rows == 3 and got.names == list(COLUMNS)
    for a, b in zip(got.columns, want.columns, strict=True):
        same(a, b)


def test_arrays_have_places_and_no_names() -> None:
    frame = Frame.of(np.arange(6).reshape(3, 2))
    assert (frame.rows, frame.names, frame.named) == (3, ["x0", "x1"], False)
    mixed = Frame.of(np.array([[1, "a"], [2, "b"]], object))
    assert [column.kind for column in mixed.columns] == ["number", "category"]


def test_rows_of_lists_keep_the_kinds_of_their_columns() -> None:
    frame = Frame.of([[1, "a", True, None], [2.5, "b", False, datetime.date(1970, 1, 2)]])
    assert [column.kind for column in frame.columns] == ["number", "category", "boolean", "date"]
    assert not frame.named
    with pytest.raises(ValueError, match="2 values in row 0 and 1 in row 1"):
        Frame.of([[1, 2], [3]])


def test_structured_arrays_have_names() -> None:
    frame = Frame.of(np.array([(1, "a"), (2, "")], [("n", int), ("s", "U1")]))
    assert frame.named and frame.names == ["n", "s"] and frame.columns[1].values.tolist() == ["a", None]


@pytest.mark.parametrize("X", [np.arange(3), 3.0, np.zeros((2, 2, 2))], ids=str)
def test_what_is_no_table_is_refused(X: Any) -> None:
    with pytest.raises(ValueError, match="2D"):
        Frame.of(X)


def test_columns_of_different_length_and_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Frame.of({"a": [1, 2], "b": [1]})
    with pytest.raises(ValueError, match="'a'"):
        Frame([column_of("a", [1]), column_of("a", [2])])


def test_rows_are_taken_by_number_and_by_mask() -> None:
    frame = Frame.of({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    for rows in (np.array([2, 0]), np.array([True, False, True])):
        part = frame.take(rows)
        assert part.rows == 2 and part.columns[1].values.tolist() == np.array(["x", "y", "z"])[rows].tolist()
