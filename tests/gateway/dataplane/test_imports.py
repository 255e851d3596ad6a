import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_data_plane_and_the_node_import_no_django():
    code = (
        "import sys; import gateway.dataplane.__main__, gateway.node.__main__; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('django', 'rest_framework', 'celery', 'config', 'teams', 'apis', 'usage')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
