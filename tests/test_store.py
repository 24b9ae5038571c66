"""What a result leaves behind: ids, fingerprints, and files that are whole or not there."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from workbench import content, store
from workbench.errors import StoreError
from workbench.experiment import read
from workbench.store import Record, Store, canonical_json, digest, fingerprint
from workbench.theorems._examples import symmetric

SPECIFICATION = {
    "theorem": "positive_definite",
    **symmetric(2, ["0.5", "2"], 7, step_size="1/32", stop={"until_loss": "1e-4"}, backend={"name": "float64"}),
}


def record(name: str = "planted", files: list[str] | None = None, payload: Any = None, **own: Any) -> Record:
    names = files or []
    return Record(
        kind="evidence",
        name=name,
        specification={"name": name, **own},
        fingerprint=fingerprint([content.resolve(f) for f in names]),
        title="",
        statement="",
        standing="",
        hypotheses=[],
        source={},
        files=names,
        verdict="consistent",
        grade=None,
        margin=None,
        error=None,
        payload=payload or {},
    )


def test_the_run_id_of_one_specification_is_pinned() -> None:
    experiment = read(SPECIFICATION)
    assert canonical_json(experiment.specification()) == (
        '{"backend":{"name":"float64"},"dynamics":{"name":"gradient_descent","step_size":"1/32",'
        '"stop":{"steps":100000,"until_loss":"1/10000"}},"kind":"evidence","problem":{"loss":{"kind":"square",'
        '"normalisation":"half","target":{"eigenvalues":["1/2","2"],"family":"spectrum",'
        '"generator":"sha256-counter-1","rotate":7}},"network":{"kind":"linear","widths":[2,2,2]},'
        '"start":{"scheme":"identity"}},"theorem":{"name":"positive_definite"},"without":[]}'
    )
    assert experiment.run_id == "8e1e829b7ab25114977e67d9e74745e7f23dd9ba92cc7ab9927a03945dca8455"


def test_the_id_is_of_the_numbers_and_not_of_how_they_are_written() -> None:
    same = {
        "theorem": "positive_definite",
        **symmetric(2, ["2/4", "2.0"], 7, step_size="0.03125", stop={"until_loss": 1e-4}, backend={"name": "float64"}),
    }
    same["dynamics"]["stop"] = {"until_loss": "0.0001"}
    same["dynamics"]["name"] = "descent"
    assert read(same).run_id == read(SPECIFICATION).run_id
    same["dynamics"]["step_size"] = "0.03126"
    assert read(same).run_id != read(SPECIFICATION).run_id


def test_the_id_of_a_file_is_of_its_content(tmp_path: Path) -> None:
    from workbench.targets import target

    (tmp_path / "a.json").write_text('[["1/2", 0], [0, 2]]')
    (tmp_path / "b.csv").write_text("2/4,0\n0,2\n")
    assert target(str(tmp_path / "a.json")).specification() == target(str(tmp_path / "b.csv")).specification()


def test_canonical_json_has_one_form_and_no_nan() -> None:
    assert canonical_json({"b": 1, "a": [1, "é"]}) == '{"a":[1,"é"],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
    assert digest({}) == hashlib.sha256(b"{}").hexdigest()


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    kept, folder = record(payload={"x": [1, None, "1/3"]}), Store(tmp_path / "s")
    assert folder.get(kept.id) is None
    assert list(folder) == []
    assert folder.put(kept) == kept.id
    assert folder.get(kept.id) == kept
    assert list(folder) == [kept]
    assert folder.current(kept.specification) == kept


def test_changed_bytes_are_refused(tmp_path: Path) -> None:
    folder, kept = Store(tmp_path), record()
    folder.put(kept)
    path = folder.path(kept.id)
    whole = path.read_text()
    for changed in (
        whole.replace('"consistent"', '"violated"'),
        whole.replace('"planted"', '"plonted"'),
        whole[:-5],
        "",
        "[]",
        "null",
        '{"record": 3, "sha256": ""}',
        whole.replace('"margin":null,', ""),
    ):
        assert changed != whole
        path.write_text(changed)
        with pytest.raises(StoreError) as caught:
            folder.get(kept.id)
        assert "\n" not in str(caught.value)
        with pytest.raises(StoreError):
            list(folder)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError):
        folder.get(kept.id)
    path.write_text(whole)
    assert folder.get(kept.id) == kept


def test_a_record_under_another_id_is_refused(tmp_path: Path) -> None:
    folder, kept = Store(tmp_path), record()
    folder.put(kept)
    other = "0" * 64
    folder.path(kept.id).rename(folder.path(other))
    with pytest.raises(StoreError):
        folder.get(other)


def test_a_record_is_stale_once_its_theorem_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("x = 1\n")
    kept, folder = record(files=[str(path)]), Store(tmp_path / "s")
    folder.put(kept)
    assert folder.current(kept.specification) == kept
    path.write_text("x = 2\n")
    assert not kept.is_current()
    assert folder.current(kept.specification) is None
    assert folder.get(kept.id) == kept
    path.write_text("x = 1\n")
    assert kept.is_current()
    path.unlink()
    assert not kept.is_current()


def test_the_fingerprint_is_of_names_and_bytes_in_any_order(tmp_path: Path) -> None:
    paths = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "same.py")
        paths[-1].write_text(folder)
    assert fingerprint(paths) == fingerprint(paths[::-1])
    assert fingerprint(paths) != fingerprint(paths[:1]) != fingerprint([])
    before = fingerprint(paths)
    content_of_one = paths[0].read_text()
    paths[0].write_text(paths[1].read_text())
    paths[1].write_text(content_of_one)
    assert fingerprint(paths) == before


def test_the_engine_is_in_the_fingerprint_and_other_theorems_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "workbench"
    (root / "theorems").mkdir(parents=True)
    outside = ("report/pages.py", "cli/compare.py", "sweeps/execution.py", "bench/runs.py")
    for name in ("exact.py", "theorems/_run.py", "theorems/balancedness.py", *outside):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x = 1\n")
    monkeypatch.setattr(store, "__file__", str(root / "store.py"))
    before = fingerprint()
    for name, counts in [
        ("theorems/balancedness.py", False),
        *((name, False) for name in outside),
        ("theorems/_run.py", True),
        ("exact.py", True),
    ]:
        (root / name).write_text("x = 2\n")
        assert (fingerprint() != before) == counts, name
        (root / name).write_text("x = 1\n")
    assert fingerprint() == before


def test_an_experiment_is_found_again_and_recomputed_when_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, folder = read(SPECIFICATION), Store(tmp_path)
    first, computed = experiment.record(folder)
    again, recomputed = experiment.record(folder)
    assert (computed, recomputed) == (True, False)
    assert again == first
    assert again.id == experiment.run_id
    monkeypatch.setattr(store, "_engine_digest", lambda: "another engine")
    assert experiment.record(folder)[1]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, kept = Store(tmp_path), record()
    folder.put(kept)

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="No space left"):
        folder.put(record(payload={"new": 1}))
    assert folder.get(kept.id) == kept
    assert [p.name for p in (tmp_path / "records").iterdir()] == [f"{kept.id}.json"]


def test_leftover_parts_of_a_killed_process_are_harmless(tmp_path: Path) -> None:
    folder, kept = Store(tmp_path), record()
    folder.put(kept)
    (tmp_path / "records" / ".abc.part").write_text("{")
    assert list(folder) == [kept]
    assert folder.get(kept.id) == kept


def test_a_store_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store(path)
    with pytest.raises(StoreError, match="cannot be written"):
        Store(path / "below").put(record())


def test_a_manifest_comes_back_and_shows_a_change(tmp_path: Path) -> None:
    folder = Store(tmp_path)
    assert folder.manifest("report") == {}
    folder.put_manifest("report", {"key": "a" * 64})
    assert folder.manifest("report") == {"key": "a" * 64}
    path = tmp_path / "manifests" / "report.json"
    whole = path.read_text()
    for changed in (whole.replace("aaa", "aab"), whole[:-3], "[]", ""):
        path.write_text(changed)
        with pytest.raises(StoreError, match="report"):
            folder.manifest("report")


def _write_many(root: str, size: int) -> None:
    for index in range(30):
        Store(root).put(record(f"r{index % 5}", payload={"x": "y" * size}))


def test_two_processes_write_one_store_without_a_torn_record(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(tmp_path), size)) for size in (10, 200_000)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        seen += len(list(Store(tmp_path)))
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen > 0
    assert {r.name for r in Store(tmp_path)} == {f"r{i}" for i in range(5)}
    assert all(p.suffix == ".json" for p in (tmp_path / "records").iterdir())


def test_a_record_is_json_that_others_can_read(tmp_path: Path) -> None:
    kept = read(SPECIFICATION).record(Store(tmp_path))[0]
    envelope = json.loads(Store(tmp_path).path(kept.id).read_text())
    body = envelope["record"]
    assert envelope["format"] == 1
    assert envelope["sha256"] == hashlib.sha256(canonical_json(body).encode()).hexdigest()
    assert body["verdict"] == "consistent"
    assert Fraction(body["margin"]) > 0
    assert body["files"] == ["package:theorems/positive_definite.py"]
    assert body["payload"]["status"] == "converged"
