from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("usage", "0002_describe_ledger")]
    operations = [
        migrations.RunSQL(
            (SQL / "0003_histogram.sql").read_text(), reverse_sql=(SQL / "0003_histogram_undo.sql").read_text()
        ),
    ]
