"""Write the keys of the teams above each team that has a parent already. Nothing to undo: the column goes with 0008."""

from django.db import migrations

FILL = """
WITH RECURSIVE tree(id, above) AS (
    SELECT id, '{}'::bigint[] FROM teams_team WHERE parent_id IS NULL
    UNION ALL
    SELECT team.id, tree.above || tree.id FROM teams_team team JOIN tree ON team.parent_id = tree.id
)
UPDATE teams_team SET ancestor_ids = tree.above FROM tree WHERE teams_team.id = tree.id AND teams_team.parent_id IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('teams', '0008_add_team_tree'),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
