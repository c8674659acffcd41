"""Speakers across documents: what joins, what must not, and the table that is corrected by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from quoteattr.people import COLUMNS, DAYS, Appearance, GroupsError, corrected, from_csv, grouped, is_named, table, to_csv

DAY = date(2026, 1, 5)


def person(name: str, after: int = 0, outlet: str = "الميناء", kind: str = "person") -> Appearance:
    """A person who speaks some days after `DAY`."""
    day = DAY + timedelta(days=after)
    return Appearance(name, kind, outlet, day, day)


def together(*appearances: Appearance) -> list[list[str]]:
    """The names in their groups, in the order of the appearances."""
    groups: dict[str, list[str]] = {}
    for appearance, group in grouped(appearances).items():
        groups.setdefault(group, []).append(appearance.name)
    return list(groups.values())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أسامة الوزان", "اسامه الوزان"),
        ("عبد الله الخطيب", "عبدالله الخطيب"),
        ("رنا الخطيب", "رَنا  الخطيب،"),
        ("هدى علي", "هدي علي"),
    ],
)
def test_spellings_of_a_name_are_one_everywhere(one: str, other: str) -> None:
    assert together(person(one), person(other, 900, "النهار")) == [[one, other]]


@pytest.mark.parametrize("fuller", ["سالم الخطيب", "سالم محمود الخطيب"])
def test_a_family_name_joins_its_fuller_name(fuller: str) -> None:
    assert together(person(fuller), person("الخطيب", 3)) == [[fuller, "الخطيب"]]


def test_a_name_joins_the_same_with_a_middle_name_and_through_it_other_outlets() -> None:
    said = [*2 * [person("سالم الخطيب")], person("سالم محمود الخطيب"), person("سالم الخطيب", outlet="النهار"), person("الخطيب")]
    assert set(grouped(said).values()) == {"سالم الخطيب"}


@pytest.mark.parametrize(("after", "joins"), [(DAYS, True), (DAYS + 1, False), (-DAYS, True), (-DAYS - 1, False)])
def test_a_family_name_joins_within_the_days_only(after: int, joins: bool) -> None:
    assert len(together(person("سالم الخطيب"), person("الخطيب", after))) == (1 if joins else 2)


def test_a_month_and_a_year_reach_as_far_as_they_last() -> None:
    year = Appearance("سالم الخطيب", "person", "الميناء", date(2026, 1, 1), date(2026, 12, 31))
    assert len(together(year, person("الخطيب", 350))) == 1
    assert len(together(year, person("الخطيب", 450))) == 2


def test_without_dates_the_outlet_alone_decides() -> None:
    assert len(together(Appearance("سالم الخطيب", "person"), Appearance("الخطيب", "person"))) == 1
    assert len(together(Appearance("سالم الخطيب", "person"), person("الخطيب", outlet=""))) == 1
    assert len(together(Appearance("سالم الخطيب", "person", "أ"), Appearance("الخطيب", "person", "ب"))) == 2


@pytest.mark.parametrize(
    "names",
    [
        ("سالم الخطيب", "رنا الخطيب", "الخطيب"),  # two fit
        ("سالم الخطيب", "سالم"),  # a given name
        ("سالم بن محمود", "محمود"),  # the father
        ("سالم محمود", "سالم محمود الخطيب"),  # the family name is missing: may be another
        ("سالم خطيب", "الخطيب"),
        ("سالم الخطيب", "الوزير"),
        ("سالم الخطيب", "شقيق الوزير سالم الخطيب"),
        ("سالم الخطيب", "محامي سالم الخطيب"),
        ("سالم الخطيب", "المتحدث باسم سالم الخطيب"),
        ("وزير المالية", "وزير المالية السابق"),
    ],
)
def test_what_may_be_another_stays_alone(names: tuple[str, ...]) -> None:
    assert together(*map(person, names)) == [[name] for name in names]


def test_a_title_before_a_name_joins_it() -> None:
    names = ["سالم الخطيب", "وزير المالية سالم الخطيب", "الوزير سالم الخطيب"]
    assert together(*map(person, names)) == [names]
    assert len(together(person(names[0]), person(names[1], outlet="النهار"))) == 2


def test_a_name_that_is_everywhere_a_shorter_one_still_names_who_joins_it() -> None:
    said = [
        person("سالم محمود الخطيب", DAYS),
        person("سالم الخطيب"),
        person("الخطيب", -DAYS),
        person("الوزير سالم الخطيب", -DAYS),
    ]
    assert set(grouped(said).values()) == {"سالم محمود الخطيب", "سالم الخطيب"}


def test_organisations_join_by_the_same_words_only() -> None:
    names = [person(name, kind="organisation") for name in ("هيئة الموانئ", "هيئه الموانئ", "الهيئة", "هيئة الموانئ البحرية")]
    assert together(*names) == [["هيئة الموانئ", "هيئه الموانئ"], ["الهيئة"], ["هيئة الموانئ البحرية"]]


def test_a_group_has_the_spelling_that_stands_most_often() -> None:
    rare, common = person("اسامه الوزان"), person("أسامة الوزان")
    assert set(grouped([rare, common, common]).values()) == {"أسامة الوزان"}


@pytest.mark.parametrize("name", ["", " ", "؟؟", "«»", "\u202e", "بن", "ال"])
def test_names_without_words_are_no_error(name: str) -> None:
    assert len(grouped([person(name), person("سالم الخطيب")])) == 2
    assert not is_named(name, "organisation")


def test_dates_at_the_ends_of_time_are_no_error() -> None:
    ends = [Appearance("سالم الخطيب", "person", "", day, day) for day in (date.min, date.max)]
    assert len(together(*ends, Appearance("الخطيب", "person", "", date.max, date.max))) == 1


def test_the_table_goes_out_and_back_and_changes_nothing() -> None:
    said = [person("سالم الخطيب"), person("الخطيب", 3), person("الخطيب", 300), person("=1+1"), Appearance("هدى علي", "person")]
    groups = grouped(said)
    rows = from_csv(to_csv(table(said, groups)))
    assert corrected(groups, rows) == groups
    assert [row.group for row in rows if row.speaker == "الخطيب"] == ["سالم الخطيب", "الخطيب"]
    assert "'=1+1" in to_csv(table(said, groups))


def test_a_corrected_group_is_taken_for_its_line_only() -> None:
    said = [person("سالم الخطيب"), person("الخطيب", 3), person("الخطيب", 300), person("الخطيب", 3, "النهار")]
    lines = to_csv(table(said, grouped(said))).splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith("الخطيب,person,الميناء,2026-11"))
    lines[number] = lines[number].rpartition(",")[0] + ",رنا الخطيب"
    groups = corrected(grouped(said), from_csv("\n".join(lines)))
    assert [groups[a] for a in said] == ["سالم الخطيب", "سالم الخطيب", "رنا الخطيب", "الخطيب"]


def test_spreadsheets_may_change_separators_and_dates() -> None:
    text = ";".join(COLUMNS) + "\r\nالخطيب;person;الميناء;05/01/2026;08/01/2026;3;رنا الخطيب\r\n"
    appearance = person("الخطيب")
    assert corrected({appearance: "الخطيب"}, from_csv(text)) == {appearance: "رنا الخطيب"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the column 'speaker' is missing"),
        ("speaker,kind,outlet\nأ,person,ب\n", "line 1: the column 'group' is missing"),
        ("speaker,kind,outlet,group\nأ,person,ب,\n", "line 2: 'group' is empty"),
        ('speaker,kind,outlet,group\n"أ,person,ب,ج\n', "not CSV"),
        (
            "speaker,kind,outlet,first date,group\nأ,person,ب,5/1/26,ج\nأ,person,ب,6/1/26,د\n",
            "line 2: 'first date' must be a date as 2026-01-05, not '5/1/26'",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_where(text: str, message: str) -> None:
    with pytest.raises(GroupsError) as caught:
        from_csv(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
