"""What `serve` refuses before it listens."""

import os
import subprocess
import sys
from pathlib import Path


def test_an_outbox_that_others_could_see_is_refused_at_start(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILIATION_")}
    environment |= {"FILIATION_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "service", "serve", "--host", "0.0.0.0", "--port", "0"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("filiation: The outbox shows messages")
    assert ended.stderr.count("\n") == 1
    # It did not come to the point of starting a database.
    assert not (tmp_path / "data").exists()
