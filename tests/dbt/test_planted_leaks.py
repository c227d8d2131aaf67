"""The shipped dbt tests turn red when a leak is planted in the models.

Each leak is a change of one file in a copy of the project; a ``dbt build`` of the copy has to fail
by a test that is named. Without a leak the same copy is green. What a leak does not reach is built
already, and of the tests only the named ones run: a plain build runs the same ones, and more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator import Settings
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import WRITING_RESULTS, copy_project, dbt_writing_to, run_dbt

MARTS = "models/marts"
FEATURES = f"{MARTS}/user_features_daily.sql"
UNITS_OF_FEATURES = (
    "a_window_ends_with_its_last_day",
    "a_quiz_average_is_over_attempts_and_not_over_days",
    "users_do_not_share_a_window_and_recency_starts_at_the_signup",
)


UNITS_OF_LABELS = (
    "a_label_needs_its_whole_window",
    "the_day_itself_is_not_in_its_label_window",
    "activity_in_the_gap_does_not_count",
)


@dataclass(frozen=True)
class Leak:
    """A change of one file, and the dbt tests of which one has to see it.

    dbt skips the other unit tests of a model once one has failed, so which of them fails is chance.
    """

    file: str
    sound: str
    leaking: str
    caught_by: tuple[str, ...]
    reaches: tuple[str, ...] = ()
    """Models besides that of the file."""

    @property
    def models(self) -> tuple[str, ...]:
        """Models in which a test has to see it."""
        is_model = self.file.startswith("models")
        return (*([Path(self.file).stem] if is_model else []), *self.reaches)


LEAKS = {
    "windows_peek_one_day_ahead": Leak(
        FEATURES,
        "rows between unbounded preceding and current row",
        "rows between unbounded preceding and 1 following",
        UNITS_OF_FEATURES,
    ),
    "one_measure_peeks_one_day_ahead": Leak(
        FEATURES,
        "cast(rolling_sums.support_tickets_{{ days }}d as integer)",
        "cast(coalesce(lead(rolling_sums.support_tickets_{{ days }}d) over"
        " (partition by rolling_sums.user_id order by rolling_sums.as_of_date), 0) as integer)",
        ("features_agree_with_the_days",),
    ),
    "one_measure_of_another_window": Leak(
        FEATURES,
        "{%- set payments = 'rolling_sums.payments_succeeded_and_failed_30d' %}",
        "{%- set payments = 'rolling_sums.payments_succeeded_and_failed_14d' %}",
        ("features_agree_with_the_days",),
    ),
    "a_mean_of_daily_means": Leak(
        FEATURES,
        "{{ unscaled_mean(\n"
        "            'rolling_sums.quiz_scores_scaled_' ~ days ~ 'd',"
        " low_of_pair(attempts_and_scores)\n"
        "        ) }} as",
        "avg(rolling_sums.quiz_avg_score) over (partition by rolling_sums.user_id order by"
        " rolling_sums.as_of_date rows between {{ days - 1 }} preceding and current row) as",
        ("a_quiz_average_is_over_attempts_and_not_over_days",),
    ),
    "users_share_a_window": Leak(
        FEATURES,
        "window user_days as (partition by running_totals.user_id order by",
        "window user_days as (order by running_totals.user_id,",
        UNITS_OF_FEATURES,
    ),
    "recency_knows_the_last_active_day_of_all": Leak(
        FEATURES,
        "max(measures_per_day.active_days_since_signup) over up_to_the_day",
        "max(measures_per_day.active_days_since_signup) over"
        " (partition by measures_per_day.user_id)",
        ("users_do_not_share_a_window_and_recency_starts_at_the_signup",),
    ),
    "a_day_holds_tomorrows_events": Leak(
        f"{MARTS}/user_daily.sql",
        "and {{ day_as_key('user_days.as_of_date') }}\n",
        "and {{ day_as_key('user_days.as_of_date') }} + 1\n",
        ("every_user_has_every_day_from_the_signup",),
    ),
    "the_latest_plan_on_all_days": Leak(
        f"{MARTS}/user_daily.sql",
        "select {{ users_together() }} * from {{ ref('stg_users') }}",
        "select users.* replace (coalesce(latest.plan, users.plan) as plan)"
        " from {{ ref('stg_users') }} as users left join ("
        "select user_id, max_by(plan, valid_from) as plan from {{ ref('stg_user_changes') }}"
        " group by user_id) as latest on users.user_id = latest.user_id",
        ("a_change_holds_from_its_day_until_the_next_one",),
    ),
    "features_know_the_latest_plan": Leak(
        FEATURES,
        "select user_daily.*\n    from",
        "select user_daily.* replace (last_value(user_daily.plan) over"
        " (partition by user_daily.user_id order by user_daily.as_of_date"
        " rows between unbounded preceding and unbounded following) as plan)\n    from",
        ("features_have_the_rows_of_user_daily",),
    ),
    "engagement_score_under_another_name": Leak(
        "models/staging/stg_users.sql",
        "cast(users.marketing_source as string)",
        "cast(users.engagement_score as string)",
        ("user_daily_has_the_attributes_of_raw_users",),
        reaches=("user_daily",),
    ),
    "the_label_window_is_a_day_short": Leak(
        f"{MARTS}/churn_labels.sql",
        "lead(active_days_so_far.active_days, {{ label_reach_days() }})",
        "lead(active_days_so_far.active_days, {{ label_reach_days() - 1 }})",
        UNITS_OF_LABELS,
    ),
    "the_gap_is_a_day_short": Leak(
        f"{MARTS}/churn_labels.sql",
        "{{ label_gap_days() }}",
        "{{ [label_gap_days() - 1, 0] | max }}",
        ("activity_in_the_gap_does_not_count",),
    ),
    "the_label_forgets_the_gap": Leak(
        "macros/label_window.sql",
        "label_gap_days() + (",
        "0 * label_gap_days() + (",
        (
            "activity_in_the_gap_does_not_count",
            "window_ends_can_be_set",
            "the_last_fifth_is_test_behind_an_embargo",
        ),
        reaches=("churn_labels", "training_splits"),
    ),
    "churned_users_are_eligible": Leak(
        "macros/is_eligible.sql",
        "{{ features }}.days_since_last_activity < {{ var('eligible_within_days') }}",
        "true",
        ("inactive_users_are_left_out", "eligible_users_are_scored_at_the_last_day"),
        reaches=("training_dataset", "scoring_dataset"),
    ),
    "users_never_seen_are_eligible": Leak(
        "macros/is_eligible.sql",
        "{{ first_active_day }} <= {{ features }}.as_of_date",
        "true",
        ("inactive_users_are_left_out", "eligible_users_are_scored_at_the_last_day"),
        reaches=("training_dataset", "scoring_dataset"),
    ),
    "the_dataset_takes_tomorrows_feature": Leak(
        f"{MARTS}/training_dataset.sql",
        "    select features.*\n",
        "    select features.* replace (coalesce(lead(features.watch_minutes_7d) over"
        " (partition by features.user_id order by features.as_of_date), 0)"
        " as watch_minutes_7d)\n",
        (
            "training_dataset_is_features_with_labels",
            "datasets_hold_the_features_of_their_days",
        ),
    ),
    "the_scoring_takes_another_window": Leak(
        f"{MARTS}/scoring_dataset.sql",
        "select * from {{ ref('user_features_daily') }}",
        "select * replace (watch_minutes_30d as watch_minutes_7d)"
        " from {{ ref('user_features_daily') }}",
        ("datasets_hold_the_features_of_their_days",),
    ),
    "the_label_of_another_day": Leak(
        f"{MARTS}/training_dataset.sql",
        "= {{ day_as_key('labels.as_of_date') }}",
        "= {{ day_as_key('labels.as_of_date') }} + 1",
        ("inactive_users_can_be_kept", "inactive_users_are_left_out"),
    ),
    "the_embargo_is_a_day_short": Leak(
        f"{MARTS}/training_splits.sql",
        "day_labelled_by('test_period.first_test_day')",
        "plus_days(day_labelled_by('test_period.first_test_day'), 1)",
        (
            "the_last_fifth_is_test_behind_an_embargo",
            "four_labelled_days_leave_one_test_day_and_no_train_day",
        ),
    ),
}


class Project:
    """A copy of the dbt project with a small warehouse; one path, so that dbt parses less."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        copy_project(folder)
        generate_warehouse(
            self.warehouse,
            Settings(n_users=30, days=100, churn_base_rate=0.8, paid_ratio=0.5, upgrade_rate=0.5),
            workers=1,
        )

    def build(self, *options: str) -> tuple[int, set[str], set[str]]:
        """Build; return dbt's exit code, and the names of what ran and of what failed."""
        where = ("--project-dir", str(self.folder), "--profiles-dir", str(self.folder))
        variables = dbt_writing_to(self.folder) | WRITING_RESULTS
        done = run_dbt(self.warehouse, variables, "build", *where, *options)
        results = json.loads((self.folder / "target/run_results.json").read_text())["results"]
        ended = {name_of(result["unique_id"]): result["status"] for result in results}
        failed = {name for name, status in ended.items() if status in ("fail", "error")}
        return done.returncode, set(ended), failed


def name_of(unique_id: str) -> str:
    """Return the name of a node; that of a unit test stands behind its model's."""
    return unique_id.split(".")[3 if unique_id.startswith("unit_test.") else 2]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The copy without a leak, built once."""
    project = Project(tmp_path_factory.mktemp("leaking"))
    code, ran, failed = project.build()
    assert (code, failed) == (0, set())
    assert ran >= {name for leak in LEAKS.values() for name in (*leak.models, *leak.caught_by)}
    shutil.copy(project.warehouse, project.folder / "built.duckdb")
    return project


@pytest.fixture
def planted(sound: Project) -> Iterator[Callable[[Leak], None]]:
    """What plants a leak in the built copy, until the test ends."""
    shutil.copy(sound.folder / "built.duckdb", sound.warehouse)
    texts: dict[Path, str] = {}

    def plant(leak: Leak) -> None:
        file = sound.folder / "dbt_project" / leak.file
        text = texts[file] = file.read_text()
        assert text.count(leak.sound) == 1, f"{leak.file} no longer has the line to change"
        file.write_text(text.replace(leak.sound, leak.leaking))

    yield plant
    for file, text in texts.items():
        file.write_text(text)


REPEATED = {
    "one_measure_of_another_window": "one_measure_peeks_one_day_ahead",
    "users_never_seen_are_eligible": "churned_users_are_eligible",
    "the_scoring_takes_another_window": "the_dataset_takes_tomorrows_feature",
}
"""Leaks that only slow tests plant, and those that the same tests catch in every run."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in REPEATED else []) for name in LEAKS],
)
def test_a_planted_leak_turns_the_build_red(
    name: str, sound: Project, planted: Callable[[Leak], None]
) -> None:
    leak = LEAKS[name]
    planted(leak)
    anew = [f"+{model}" for model in leak.models]  # a changed file outdates every mart
    selected = ("--indirect-selection", "empty", "--select", *anew, *leak.caught_by)
    code, _, failed = sound.build(*selected)
    assert code == 1
    assert failed & set(leak.caught_by)
