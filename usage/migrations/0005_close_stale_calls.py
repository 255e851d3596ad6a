from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_create_rollups")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_stale.sql").read_text(), reverse_sql="DROP FUNCTION usage_close_stale(timestamptz)"
        ),
    ]
