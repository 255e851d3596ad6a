"""Signals of teams, sent inside the transaction of the change. `gateway.control` writes changelog rows on them."""

from django.dispatch import Signal

# credential: teams.models.Credential, created or changed (revoked, disabled, expiry)
credential_changed = Signal()
# team: teams.models.Team, whose name changed
team_renamed = Signal()
# team: teams.models.Team, made below another one or moved; above: the keys of teams it came below or left
team_moved = Signal()
# user: teams.models.User, who leaves; successor: the User who takes over what they answer for
person_left = Signal()
# application: teams.models.Application, renamed or moved
application_changed = Signal()
