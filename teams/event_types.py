"""The types of events: what webhooks and the feed can tell, and from which audit entries each is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: its name on the wire, one sentence, and the audit verb that makes it ("" when a service does)."""

    name: str
    text: str
    verb: str = ""


EVENT_TYPES: tuple[EventType, ...] = (
    EventType("api.created", "An API was made.", "api.create"),
    EventType("api.updated", "An API's words, sharing or address changed.", "api.update"),
    EventType("api.handed_over", "Somebody else answers for an API.", "api.hand_over"),
    EventType("api.transferred", "An API moved to another team.", "api.transfer"),
    EventType("api.deleted", "An API that was never published was deleted.", "api.delete"),
    EventType("version.created", "A version was made.", "version.create"),
    EventType("version.submitted", "A version was sent for review.", "version.submit"),
    EventType("version.withdrawn", "A version was taken out of review.", "version.withdraw"),
    EventType("version.rejected", "Changes were asked for.", "version.reject"),
    EventType("version.approved", "A version was approved.", "version.approve"),
    EventType("version.reopened", "An approved version went back to draft.", "version.reopen"),
    EventType("version.previewed", "A preview started.", "version.preview"),
    EventType("version.preview_ended", "A preview ended.", "version.end_preview"),
    EventType("version.published", "A version was published.", "version.publish"),
    EventType("version.deprecated", "A version was deprecated; its sunset is named.", "version.deprecate"),
    EventType("version.deprecation_undone", "A deprecation was taken back.", "version.undo_deprecation"),
    EventType("version.sunset_near", "The sunset of a version that is used comes near."),
    EventType("version.brownout_planned", "A deprecated version will refuse calls for a while."),
    EventType("version.message", "The owners of a version wrote to those who use it.", "version.write"),
    EventType("version.acknowledged", "A team has taken note of a deprecation.", "version.acknowledge"),
    EventType("version.publication_planned", "A publication was planned for a moment.", "version.plan_publish"),
    EventType("version.retirement_planned", "A retirement was planned for a moment.", "version.plan_retire"),
    EventType("version.retired", "A version was retired: calls get 410.", "version.retire"),
    EventType("version.restored", "A retired version is served again.", "version.restore"),
    EventType("version.archived", "A version was archived: calls get 404.", "version.archive"),
    EventType("version.blocked", "A version was blocked: calls get 503.", "version.block"),
    EventType("version.block_lifted", "A block was lifted.", "version.lift_block"),
    EventType("revision.submitted", "A revision was sent for review.", "revision.submit"),
    EventType("revision.approved", "A revision was approved.", "revision.approve"),
    EventType("revision.rejected", "Changes to a revision were asked for.", "revision.reject"),
    EventType("revision.released", "A revision became current.", "revision.deploy"),
    EventType("revision.rolled_back", "An earlier revision became current again.", "revision.roll_back"),
    EventType("access.requested", "A team asks for access to an API.", "access.ask"),
    EventType("access.granted", "An API was shared with a team that had asked.", "access.grant"),
    EventType("access.refused", "A request for access was refused.", "access.refuse"),
    EventType("access.withdrawn", "A request for access was taken back.", "access.withdraw"),
    EventType("revision.promoted", "A revision was deployed to an environment.", "revision.promote"),
    EventType("revision.undeployed", "A version was taken out of an environment.", "revision.undeploy"),
    EventType("canary.started", "A trial of a revision started.", "canary.start"),
    EventType("canary.changed", "The share of a trial changed.", "canary.change"),
    EventType("canary.ended", "A trial ended.", "canary.end"),
    EventType("canary.fell_back", "A trial failed too often and ended by itself.", "canary.fall_back"),
    EventType("revision.commented", "Somebody commented on a revision.", "review.comment"),
    EventType("plan.created", "A plan was added.", "plan.create"),
    EventType("plan.updated", "A plan changed.", "plan.update"),
    EventType("subscription.created", "An application subscribed, or asks to.", "subscription.create"),
    EventType("subscription.approved", "A subscription was approved.", "subscription.approve"),
    EventType("subscription.rejected", "A subscription was refused.", "subscription.reject"),
    EventType("subscription.cancelled", "A request for a subscription was taken back.", "subscription.cancel"),
    EventType("subscription.ended", "A subscription ended.", "subscription.end"),
    EventType("subscription.change_asked", "Another plan was asked for.", "subscription.ask_change"),
    EventType("subscription.plan_changed", "A subscription is under another plan.", "subscription.change_plan"),
    EventType("subscription.change_refused", "Another plan was refused.", "subscription.refuse_change"),
    EventType("subscription.suspended", "A subscription is suspended: calls get 403.", "subscription.suspend"),
    EventType("subscription.resumed", "A suspended subscription is served again.", "subscription.resume"),
    EventType("subscription.lapsed", "A request for a subscription was not answered in time.", "subscription.lapse"),
    EventType("application.created", "An application was made.", "application.create"),
    EventType("application.updated", "An application changed.", "application.update"),
    EventType("application.transferred", "An application moved to another team.", "application.transfer"),
    EventType("transfer.proposed", "An API or application was offered to another team.", "transfer.propose"),
    EventType("transfer.accepted", "A transfer was accepted.", "transfer.accept"),
    EventType("transfer.refused", "A transfer was refused.", "transfer.refuse"),
    EventType("transfer.withdrawn", "A transfer was taken back.", "transfer.withdraw"),
    EventType("transfer.lapsed", "A transfer was not answered in time.", "transfer.lapse"),
    EventType("key.created", "A key was made.", "key.create"),
    EventType("key.rotated", "A key got a successor; until its end both are served.", "key.rotate"),
    EventType("key.disabled", "A key was disabled.", "key.disable"),
    EventType("key.enabled", "A disabled key is served again.", "key.enable"),
    EventType("key.leaked", "A key was reported as leaked, and disabled.", "key.leak"),
    EventType("key.revoked", "A key was revoked.", "key.revoke"),
    EventType("member.invited", "Somebody was invited to the team.", "team.invite"),
    EventType("member.joined", "Somebody joined the team.", "team.join"),
    EventType("member.role_changed", "A member got another role.", "team.change_role"),
    EventType("member.removed", "Somebody left the team.", "team.remove_member"),
    EventType("team.moved", "The team lies below another one now, or at the top.", "team.move"),
    EventType("role.created", "A role was made for the team.", "role.create"),
    EventType("role.updated", "What a role allows changed for those who hold it.", "role.update"),
    EventType("role.deleted", "A role was deleted; its members have another one.", "role.delete"),
    EventType("lint.rules_changed", "A team's lint rules changed.", "lint.set_rules"),
    EventType("lint.ruleset_changed", "A team's ruleset in Spectral's format changed.", "lint.set_spectral"),
    EventType("manifests.applied", "Manifests changed what the team has; each change has its own event beside it."),
    EventType("webhook.test", "Sent when somebody presses Send a test."),
)
TYPE_OF_VERB = {known.verb: known.name for known in EVENT_TYPES if known.verb}
TYPE_NAMES = tuple(known.name for known in EVENT_TYPES)
