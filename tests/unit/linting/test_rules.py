"""Each rule about numbers at its edge, and what one file says about another."""

from __future__ import annotations

from pathlib import Path

import pytest

import diag

GOOD = "tensorflow_model_server --port=8500 --model_base_path=/models/m"


@pytest.fixture(name="rules")
def _rules(tmp_path):
    def found(files: dict[str, str], **options: object) -> list[str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [p.finding.id for p in diag.lint([tmp_path], **options).problems]

    return found


def batching(**values: int) -> str:
    return "\n".join(f"{name} {{ value: {value} }}" for name, value in values.items())


@pytest.mark.parametrize(
    ("micros", "expected"),
    [
        (0, []),
        (1, ["batch-timeout-below-poll"]),
        (999, ["batch-timeout-below-poll"]),
        (1000, []),
        (59_999_999, []),
        (60_000_000, ["batch-timeout-endless"]),
    ],
)
def test_timeouts(rules, micros, expected):
    assert rules({"b.txt": batching(max_batch_size=8, batch_timeout_micros=micros)}) == expected


@pytest.mark.parametrize(("threads", "expected"), [(8, []), (9, ["threads-exceed-cpus"])])
def test_threads_against_cpus(rules, threads, expected):
    command = f"{GOOD} --tensorflow_session_parallelism={threads}\n"
    assert rules({"run.sh": command}, cpus=4) == expected
    assert rules({"run.sh": command}) == []  # how many CPUs there are is not known


@pytest.mark.parametrize(
    ("threads", "expected"), [(64, []), (63, ["handler-threads-below-batches"])]
)
def test_handler_threads_against_batches_of_all_models(rules, threads, expected):
    models = "".join(
        f'config {{ name: "{n}" base_path: "/models/{n}" model_platform: "tensorflow" }}\n'
        for n in "ab"
    )
    files = {
        "run.sh": "tensorflow_model_server --model_config_file=/etc/models.config "
        "--enable_batching --batching_parameters_file=/etc/b.txt "
        f"--grpc_max_threads={threads}\n",
        "b.txt": batching(max_batch_size=32),
        "models.config": f"model_config_list {{\n{models}}}\n",
    }
    assert rules(files) == expected


@pytest.mark.parametrize(("waiting", "expected"), [(62, []), (61, ["queue-shorter-than-callers"])])
def test_queues_against_callers(rules, waiting, expected):
    files = {
        "run.sh": f"{GOOD} --enable_batching --batching_parameters_file=b.txt "
        "--grpc_max_threads=128\n",
        "b.txt": batching(max_batch_size=2, max_enqueued_batches=waiting, num_batch_threads=2),
    }
    assert rules(files) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", []),
        ("1.01", ["memory-fraction-out-of-range"]),
        ("-0.1", ["memory-fraction-out-of-range"]),
    ],
)
def test_memory_fraction(rules, value, expected):
    assert rules({"run.sh": f"{GOOD} --per_process_gpu_memory_fraction={value}\n"}) == expected


def test_the_machine_decides_the_default_of_handler_threads(rules):
    files = {
        "run.sh": f"{GOOD} --enable_batching --batching_parameters_file=b.txt\n",
        "b.txt": batching(max_batch_size=32, max_enqueued_batches=100),
    }
    assert rules(files) == []
    assert rules(files, cpus=7) == ["handler-threads-below-batches"]
    assert rules(files, cpus=8) == []


def test_files_are_found_by_the_name_that_a_flag_gives(rules):
    files = {
        "run.sh": f"{GOOD} --enable_batching --batching_parameters_file=/etc/b/batching.txt "
        "--grpc_max_threads=8\n",
        "a/batching.txt": batching(max_batch_size=4),
        "b/batching.txt": batching(max_batch_size=16),
    }
    assert rules(files) == ["handler-threads-below-batches"]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("", ["batch-timeout-below-poll"]),
        ("# diag: ignore[batch-timeout-below-poll]", []),
        ("# diag: ignore", []),
        ("# diag: ignore[flag-twice, batch-timeout-below-poll] we know", []),
        ("# diag: ignore[flag-twice]", ["batch-timeout-below-poll"]),
        ("# diag: ignore[]", ["batch-timeout-below-poll"]),
    ],
)
def test_comments_switch_rules_off(rules, comment, expected):
    text = "max_batch_size { value: 8 }\n"
    line = "batch_timeout_micros { value: 5 }"
    assert rules({"b.txt": f"{text}{line} {comment}\n"}) == expected
    assert rules({"b.txt": f"{text}{comment}\n{line}\n"}) == expected


def test_an_option_leaves_a_rule_out(tmp_path):
    (tmp_path / "b.txt").write_text(batching(max_batch_size=8, batch_timeout_micros=5))
    found = diag.lint([tmp_path], ignore=["batch-timeout-below-poll"])
    assert (found.problems, found.ignored) == ((), 1)


def test_every_problem_is_of_a_known_rule_and_says_what_to_do():
    corpus = Path(__file__).parents[2] / "corpus" / "lint"
    problems = diag.lint(sorted(corpus.iterdir())).problems
    assert len(problems) > 60
    for each in problems:
        assert each.finding.id in diag.LINT_IDS
        assert each.finding.what.endswith(".")
        assert each.fix.endswith((".", "?"))
        assert each.finding.docs.endswith(f"/{each.finding.id}.md")
