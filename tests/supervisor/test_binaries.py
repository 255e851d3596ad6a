"""Which server programs are chosen."""

from __future__ import annotations

from pathlib import Path

from supervisor.binaries import find_valkey


def test_a_server_that_goes_by_its_name_is_called_by_it(tmp_path: Path) -> None:
    # Debian's redis-server is a link to redis-check-rdb.
    program = tmp_path / "redis-check-rdb"
    program.write_text(
        '#!/bin/sh\ncase "$0" in */redis-server) echo "Redis server v=7.0.15 sha=0" ;; *) exit 1 ;; esac\n'
    )
    program.chmod(0o755)
    (tmp_path / "redis-server").symlink_to(program.name)
    found = find_valkey("system", path=str(tmp_path))
    assert (found.program, found.version) == (tmp_path / "redis-server", (7, 0))
