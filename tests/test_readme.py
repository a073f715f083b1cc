"""The README shows the packages that exist, in the order in which they may import each other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _tree() -> list[str]:
    """The packages of the README's tree, from above."""
    return re.findall(r"^[├└]── (\w+)/", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_tree_of_the_readme_names_every_package() -> None:
    packages = {path.parent.name for path in (ROOT / "service").glob("*/__init__.py")}
    assert packages == set(_tree())


def test_tree_of_the_readme_follows_the_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers" and "layers" in contract)
    depth = {
        package.strip().removeprefix("service."): place
        for place, layer in enumerate(layers)
        for package in layer.split("|")
    }
    depths = [depth[package] for package in _tree()]
    assert depths == sorted(depths)
