from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            (SQL / "0001_changelog.sql").read_text(), reverse_sql=(SQL / "0001_changelog_undo.sql").read_text()
        ),
    ]
