"""What the tests share: the command line run in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Output:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Command = Callable[..., Output]


@pytest.fixture
def workbench(tmp_path: Path) -> Command:
    """Return a function that runs `workbench ARGUMENTS` in an empty folder, with its store there."""
    environment = {k: v for k, v in os.environ.items() if k != "WORKBENCH_STORE"}

    def call(*arguments: str, **extra: str) -> Output:
        command = [sys.executable, "-m", "workbench", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment | extra, capture_output=True, text=True, timeout=300, check=False
        )
        return Output(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def workbench_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the same function without a process of its own, which would import torch once more."""
    from workbench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_STORE", raising=False)

    def call(*arguments: str) -> Output:
        monkeypatch.setattr(sys, "argv", ["workbench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return Output(int(end.value.code or 0), *capsys.readouterr())

    return call
