"""What is said about versions in several places says the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
PYPROJECTS = {
    folder: tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in (".", "course")
}
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def requirements(project):
    optional = project.get("optional-dependencies", {})
    return [
        *map(Requirement, project["dependencies"]),
        *(Requirement(r) for e in optional.values() for r in e),
    ]


def test_conda_users_get_python_pip_and_the_two_packages_and_no_other_pin():
    python, pip, packages = CONDA["dependencies"]
    assert python == f"python{PYPROJECTS['.']['requires-python']}"
    assert pip == "pip"
    folders = [re.fullmatch(r"-e (\./course|\.)(?:\[(.+)\])?", line).groups() for line in packages["pip"]]
    assert [folder for folder, _ in folders] == ["./course", "."]
    for folder, extra in folders:
        assert extra is None or extra in PYPROJECTS[Path(folder).name or "."]["optional-dependencies"]


def test_conda_installs_what_make_setup_installs():
    from bootstrap import EXTRAS

    assert f"-e .{EXTRAS['test']}" in CONDA["dependencies"][2]["pip"]


@pytest.mark.parametrize("folder", PYPROJECTS)
def test_constraints_lie_in_the_ranges_of_the_metadata(folder):
    pinned = {r.name: str(r.specifier).removeprefix("==") for r in CONSTRAINTS}
    for requirement in requirements(PYPROJECTS[folder]):
        if requirement.name in pinned:
            assert Version(pinned[requirement.name]) in requirement.specifier


def test_torch_is_a_range_from_2_2_and_never_a_plain_dependency():
    for project in PYPROJECTS.values():
        assert "torch" not in [Requirement(r).name for r in project["dependencies"]]
        for requirement in requirements(project):
            if requirement.name == "torch":
                assert requirement.specifier == SpecifierSet(">=2.2")


def test_the_two_packages_ask_for_the_same_python_and_numpy():
    both = list(PYPROJECTS.values())
    assert both[0]["requires-python"] == both[1]["requires-python"]
    numpys = {str(r.specifier) for project in both for r in requirements(project) if r.name == "numpy"}
    assert numpys == {">=1.26"}


def test_hooks_use_the_ruff_of_the_constraints():
    pinned = {r.name: str(r) for r in CONSTRAINTS}
    ruffs = {d for hook in HOOKS for d in hook["additional_dependencies"] if d.startswith("ruff")}
    assert ruffs == {pinned["ruff"]}


def test_plain_packages_bring_no_torch_by_their_names():
    plain = {Requirement(r).name for project in PYPROJECTS.values() for r in project["dependencies"]}
    ours = {"backpass", "ipywidgets", "jinja2", "matplotlib", "msgpack", "nbgrader", "numpy"}
    assert plain <= ours | {"pytest", "rich", "setuptools", "typer"}


@pytest.mark.xdist_group("together")
def test_the_tests_of_a_group_run_in_one_worker(request):
    """What a group shares is made once; where groups are lost without a word, `make test` takes twice as long."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@together")
