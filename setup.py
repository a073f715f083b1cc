"""What `pyproject.toml` cannot say: the migrations, which stand beside the package, are inside of it in a wheel."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithMigrations(build_py):
    """Copies the migrations into the package that is built. An editable installation uses the folder itself."""

    def run(self) -> None:
        """Build the package, and copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "service", "migrations")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree("alembic", target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": WithMigrations})
