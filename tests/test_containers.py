"""The same table in any container is the same to the estimators."""

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastdl as fdl
from fastdl.tables import Frame
from fastdl.tables.targets import labels_of, numbers_of

pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

ROWS = 40
RNG = np.random.default_rng(0)
DAYS = [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=int(d), hours=3) for d in RNG.integers(0, 99, ROWS)]
LISTS: dict[str, list[Any]] = {
    "number": [None if i % 7 == 3 else float(x) for i, x in enumerate(RNG.normal(size=ROWS))],
    "whole": RNG.integers(0, 50, ROWS).tolist(),
    "flag": [None if i % 9 == 3 else bool(i % 2) for i in range(ROWS)],
    "colour": [["red", "green", None, "blue"][i % 4] for i in range(ROWS)],
    "day": [None if i % 11 == 3 else day for i, day in enumerate(DAYS)],
    "took": [datetime.timedelta(seconds=i * i % 17) for i in range(ROWS)],
    "price": [decimal.Decimal(i) / 4 for i in range(ROWS)],
}
Y = ["no" if i % 3 else "yes" for i in range(ROWS)]


def model(**options: Any) -> Any:
    return fdl.TabularClassifier("simple", epochs=2, hidden_layer_sizes=(4,), **options)


CONTAINERS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(LISTS, index=range(7, 7 + ROWS)),
    "pandas nullable": lambda: pd.DataFrame(LISTS).convert_dtypes(),
    "pandas arrow": lambda: pd.DataFrame({name: pd.array(pa.array(v), pd.ArrowDtype(pa.array(v).type))
                                          for name, v in LISTS.items()}),
    "pandas others": lambda: pd.DataFrame(LISTS).assign(
        colour=pd.Categorical(LISTS["colour"], ["blue", "unused", "red", "green"], ordered=True),
        whole=pd.arrays.SparseArray(np.array(LISTS["whole"])),
        day=pd.Series(LISTS["day"]).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    ),
    "polars": lambda: pl.DataFrame(LISTS),
    "polars others": lambda: pl.DataFrame(LISTS).with_columns(
        pl.col("colour").cast(pl.Enum(["blue", "red", "green", "more"])), pl.col("day").cast(pl.Datetime("ns", "UTC")),
        pl.col("whole").cast(pl.Int8),
    ),
    "pyarrow": lambda: pa.table(LISTS),
    "pyarrow others": lambda: pa.table({
        **LISTS,
        "colour": pa.array(LISTS["colour"]).dictionary_encode(),
        "number": pa.chunked_array([LISTS["number"][:5], LISTS["number"][5:]]),
        "day": pa.array(LISTS["day"], pa.timestamp("ms", "UTC")),
        "whole": pa.array(LISTS["whole"], pa.uint8()),
    }),
    "arrays": lambda: {name: np.array([*values, None], object)[:-1] for name, values in LISTS.items()},
    "series": lambda: {name: pl.Series(values) for name, values in LISTS.items()},
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CONTAINERS)
def test_the_same_table_gives_the_same_model(name: str) -> None:
    want = model().fit(LISTS, Y)
    X = CONTAINERS[name]()
    got = model().fit(X, Y)
    assert list(got.feature_names_in_) == list(LISTS)
    np.testing.assert_array_equal(got.predict_proba(X), want.predict_proba(LISTS))
    np.testing.assert_array_equal(got.predict_proba(LISTS), want.predict_proba(X))


def test_rows_do_not_depend_on_each_other() -> None:
    fitted = model().fit(LISTS, Y)
    whole = fitted.predict_proba(LISTS)
    for row in range(0, ROWS, 5):
        one = {name: values[row : row + 1] for name, values in LISTS.items()}
        np.testing.assert_array_equal(fitted.predict_proba(one), whole[row : row + 1])


@pytest.mark.parametrize("make", [pd.Categorical, lambda v: pd.Series(v, dtype="category"),
                                  lambda v: pa.array(v).dictionary_encode()])  # fmt: skip
def test_numbers_that_are_called_categories_are_some(make: Any) -> None:
    column = Frame.of({"a": make([3, None, 17])}).columns[0]
    assert column.kind == "category" and column.values.tolist() == ["3", None, str(17)]


def test_a_lazy_frame_is_told_to_be_collected() -> None:
    with pytest.raises(TypeError, match="collect"):
        Frame.of(pl.DataFrame(LISTS).lazy())
    for series in (pd.Series([1.0]), pl.Series([1.0]), pa.array([1.0])):
        with pytest.raises(ValueError, match="2D"):
            Frame.of(series)


def test_names_of_columns_follow_the_rules_of_scikit_learn() -> None:
    frame = CONTAINERS["pandas"]()
    fitted = model().fit(LISTS, Y)
    with pytest.raises(ValueError, match=r"same order"):
        fitted.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match=r"seen at fit time, yet now missing:\n- colour"):
        fitted.predict(frame.drop(columns="colour"))
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- more"):
        fitted.predict(frame.assign(more=1))
    for other in ({**LISTS, "more": [1] * ROWS}, {name: LISTS[name] for name in list(LISTS)[1:]}):
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(other)
    backwards = dict(reversed(LISTS.items()))  # a mapping has names, and no order worth the name
    np.testing.assert_array_equal(fitted.predict(backwards), fitted.predict(LISTS))


LABELS: list[tuple[Any, list[Any]]] = [
    (pd.Series([3, 1], dtype="Int64"), [3, 1]),
    (pd.Series([True, False], dtype="boolean"), [True, False]),
    (pd.Series(["a", "b"], dtype="category", index=[4, 4]), ["a", "b"]),
    (pd.Categorical(["a", "b"]), ["a", "b"]),
    (pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.string())), ["a", "b"]),
    (pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
    (pl.Series([True, False]), [True, False]),
    (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    (pa.chunked_array([[1], [2]]), [1, 2]),
    (np.array([3, 1], object), [3, 1]),
    (np.array(["a", np.str_("b")], object), ["a", "b"]),
    (np.array(["a", "b"], np.dtypes.StringDType()), ["a", "b"]),
]


@pytest.mark.parametrize(("y", "want"), LABELS, ids=lambda value: str(getattr(value, "dtype", type(value))))
def test_labels_of_any_container_keep_their_type(y: Any, want: list[Any]) -> None:
    got = labels_of(y)
    assert got.tolist() == want and got.dtype.kind == np.array(want).dtype.kind
    X = np.arange(2 * ROWS).reshape(ROWS, 2)
    assert model().fit(X, [*want] * (ROWS // 2)).classes_.tolist() == sorted(want)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None]),
        pl.Series(["a", None]),
        pa.array(["a", None]),
        np.ma.array([1, 2], mask=[False, True]),
        np.array(["a", None], object),
    ],
    ids=lambda value: type(value).__module__,
)
def test_a_missing_target_is_refused_by_its_row(y: Any) -> None:
    for read in (labels_of, numbers_of):
        with pytest.raises(ValueError, match="missing in row 1"):
            read(y)
    with pytest.raises(ValueError, match="missing in row 1"):
        model().fit([[1.0], [2.0]], y)


def test_labels_of_several_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="one kind, got int and str"):
        labels_of(["a", 1])
    np.testing.assert_array_equal(
        numbers_of(pd.DataFrame({"a": [1, 2], "b": pd.array([3, 4], "Int64")})), [[1, 3], [2, 4]]
    )
    np.testing.assert_array_equal(numbers_of([decimal.Decimal("1.5"), decimal.Decimal(2)]), [1.5, 2.0])
