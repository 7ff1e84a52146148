"""What needs the sandbox is skipped where the machine forbids it."""

from __future__ import annotations

import pytest

from autograder.sandbox import NoSandbox, check_isolation


def skip_without_sandbox() -> None:
    try:
        check_isolation("bubblewrap")
    except NoSandbox as error:
        pytest.skip(str(error))
