"""One page per move of a version: who is hit, what clients will see, the way back, one button."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.lifecycle import VERSION_STATES
from apis.models import ApiVersion, Review
from apis.selectors import available_moves, impact_of
from apis.selectors.gate import gate_of
from apis.services.blocking import block_version, lift_block
from apis.services.deprecation import deprecate_version, earliest_sunset, undo_deprecation
from apis.services.farewell import deprecation_text
from apis.services.planned_moves import cancel_planned_move, plan_move
from apis.services.preview import end_preview, list_for_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.retirement import archive_version, override_causes, restore_version, retire_version
from apis.services.reviews import reopen_draft, review_revision, submit_for_review, withdraw_from_review
from common.clock import now
from common.errors import Conflict, NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.workspace.comments import lines_of
from console.workspace.revisions import find_revision
from console.workspace.version import head_of, my_version
from gateway.control.rollout import wait_until_applied
from teams.models import Application, User
from teams.permissions import by_rule


class PlainForm(GatehouseForm):
    """A move that asks for nothing but consent."""


WHEN = forms.DateTimeField(
    label="When, UTC", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    help_text="Empty means now. A planned move is judged again at its moment; you are told when it cannot be made.",
)  # fmt: skip


class PublishForm(GatehouseForm):
    """Now, or at a moment to come."""

    at = WHEN


class DeprecateForm(GatehouseForm):
    """The sunset, the successor or a reason."""

    sunset = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The version may stop from the end of this day on, UTC.",
    )  # fmt: skip
    successor = forms.ChoiceField(required=False)
    reason = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, version: ApiVersion, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = version.api.versions.filter(state="published").exclude(pk=version.pk).order_by("-id")
        self.successors = {row.public_id: row for row in rows}
        choices = [(key, str(row)) for key, row in self.successors.items()]
        self.fields["successor"].choices = [("", "none"), *choices]  # type: ignore[attr-defined]
        self.fields["successor"].initial = next(iter(self.successors), "")
        self.fields["sunset"].initial = earliest_sunset(version, now()).date()


class RetireForm(GatehouseForm):
    """Now, or at a moment to come."""

    at = WHEN


class OverrideForm(RetireForm):
    """Asked only when the sunset has not come or somebody still calls."""

    override_reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stands in the audit log and on the tombstone.",
    )  # fmt: skip
    typed_name = forms.CharField(label="Type the version's name", max_length=120)


class PreviewForm(GatehouseForm):
    """Which applications may call it."""

    applications = forms.CharField(
        label="Applications", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Their ids (app_…), one per line. Their teams find them under Applications, Settings.",
    )  # fmt: skip

    def clean_applications(self) -> list[Application]:
        """Return the applications; name each id that there is none of."""
        names = self.cleaned_data["applications"].replace(",", " ").split()
        found = list(Application.objects.filter(public_id__in=names).select_related("team"))
        missing = sorted(set(names) - {application.public_id for application in found})
        if missing:
            raise forms.ValidationError(f"There is no application {', '.join(missing)}.")
        return found


class BlockForm(GatehouseForm):
    """Why, and until when."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Callers read it in the answer."
    )
    until = forms.DateTimeField(
        label="Until, UTC", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="As far as known: callers get it as Retry-After. Nothing is lifted by itself.",
    )  # fmt: skip


def _move(version: ApiVersion, name: str, user: User) -> Any:
    found = next((move for move in available_moves(version, user) if move.name == name), None)
    if found is None:
        label = VERSION_STATES[version.state].label.lower()
        raise Conflict(f"{version} is {label}: this move is not possible from there.", code="move-not-possible")
    return found


def _page(
    request: HttpRequest,
    version: ApiVersion,
    name: str,
    form: GatehouseForm,
    work: Callable[[], str],
    **context: Any,
) -> HttpResponse:
    """Show a move's page, or carry it out once."""
    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    move = _move(version, name, request.user)  # type: ignore[arg-type]
    known = {
        **head_of(request, version, "lifecycle"), "move": move, "name": name, "form": form,
        "impact": impact_of(version), **context,
    }  # fmt: skip
    return render_page(request, "workspace/move.html", known, status=422 if form.is_bound and form.errors else 200)


def _back(version: ApiVersion, suffix: str = "") -> str:
    api = version.api
    return f"/workspace/{api.team.slug}/{api.slug}/{version.name}{suffix}"


def _say(request: HttpRequest, version: ApiVersion, text: str) -> None:
    applied, total = wait_until_applied("route", version.public_id)
    messages.success(request, f"{text} {applied} of {total} gateway workers are in step.")


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def publish(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Publish a version; `?revision=` names the one that is meant, as it was tried in another environment."""
    found = my_version(request, team, api, version)
    number = request.GET.get("revision", "")
    meant = find_revision(found, int(number)) if number.isdigit() and len(number) < 9 else None
    form = PublishForm(request.POST or None)
    if meant is not None:
        # What is planned takes the revision of its own moment.
        del form.fields["at"]

    def work() -> str:
        if at := form.cleaned_data.get("at"):
            return _plan(request, found, "publish", at)
        publish_version(version=found, revision=meant, actor=request.user)  # type: ignore[arg-type]
        return _back(found, "?done=publish")

    answered = f"by revision {number} within a second" if meant else "within a second"
    response = _page(
        request, found, "publish", form, work, button=f"Publish {found.name}",
        sees=f"{found.api.base_path}/{found.name}/… answers {answered}. It appears in the catalog.",
        undo="Deprecate it, then retire it. The base path stays with this API for ever.",
    )  # fmt: skip
    if response.status_code in (204, 303) and not form.cleaned_data.get("at"):
        _say(request, found, f"{found.name} is published.")
    return response


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def deprecate(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Deprecate a version."""
    found = my_version(request, team, api, version)
    form = DeprecateForm(found, request.POST or None)

    def work() -> str:
        data = form.cleaned_data
        sunset_at = datetime.combine(data["sunset"], time(23, 59, 59), UTC)
        deprecate_version(
            version=found, sunset_at=sunset_at, actor=request.user, reason=data["reason"],  # type: ignore[arg-type]
            successor=form.successors.get(data["successor"]),
        )  # fmt: skip
        return _back(found, "?done=deprecate")

    earliest = earliest_sunset(found, now()) + timedelta(minutes=1)
    response = _page(
        request, found, "deprecate", form, work, button=f"Deprecate {found.name}",
        sees="Every response carries the headers below. Nothing stops before the sunset; nobody new may subscribe.",
        headers=[
            ("Deprecation", f"@{int(now().timestamp())}"),
            ("Sunset", f"{earliest:%a, %d %b %Y} 23:59:59 GMT"),
            ("Link", '<…>; rel="deprecation", <…>; rel="sunset", <…>; rel="successor-version"'),
        ],
        undo="Until the sunset, with Undo deprecation.",
        notice=deprecation_text(found, earliest, next(iter(form.successors.values()), None), ""),
    )  # fmt: skip
    if response.status_code in (204, 303):
        _say(request, found, f"{found.name} is deprecated.")
    return response


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def retire(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Retire a version; before its sunset or with callers it asks for a reason and the typed name."""
    found = my_version(request, team, api, version)
    causes = override_causes(found)
    form = OverrideForm(request.POST or None) if causes else RetireForm(request.POST or None)
    impact = impact_of(found)

    def work() -> str:
        values = dict(form.cleaned_data)
        if at := values.pop("at"):
            return _plan(request, found, "retire", at, **values)
        retire_version(version=found, actor=request.user, **values)  # type: ignore[arg-type]
        return _back(found, "?done=retire")

    apps = f" and cut off {impact.applications} application{'s' if impact.applications != 1 else ''}"
    response = _page(
        request, found, "retire", form, work, is_danger=True, causes=causes,
        button=f"Retire {found.name}{apps if impact.applications else ''}",
        typed=f"{found.api.slug}/{found.name}",
        sees="Calls get 410 with a link to the successor. Its subscriptions end.",
        undo="Restore brings it back within 30 days, with the subscriptions that ended now.",
    )  # fmt: skip
    if response.status_code in (204, 303) and not form.cleaned_data["at"]:
        _say(request, found, f"{found.name} is retired: calls get 410.")
    return response


def _plan(request: HttpRequest, version: ApiVersion, name: str, at: datetime, **values: Any) -> str:
    moment = at.replace(tzinfo=UTC)
    plan_move(version=version, name=name, at=moment, actor=request.user, **values)  # type: ignore[arg-type]
    messages.success(request, f"Planned for {moment:%-d %B %Y %H:%M} UTC. You can cancel it on this page until then.")
    return _back(version)


@page("apis.publish", methods=("POST",))
def cancel_planned(request: HttpRequest, team: str, api: str, version: str, planned: str) -> HttpResponse:
    """Cancel a planned move."""
    found = my_version(request, team, api, version)
    row = found.planned_moves.filter(public_id=planned).select_related("version__api__team").first()
    if row is None:
        raise NotFound("There is no such planned move.")
    cancel_planned_move(planned=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, "It is cancelled: nothing happens at that moment.")
    return HttpResponseRedirect(_back(found))


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def preview(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Route a version for listed applications; of one in preview, change the list."""
    found = my_version(request, team, api, version)
    is_running = found.state == ApiVersion.State.PREVIEW
    listed = found.preview_applications.order_by("name").values_list("public_id", flat=True)
    form = PreviewForm(request.POST or None, initial={"applications": "\n".join(listed)})

    def work() -> str:
        change = list_for_preview if is_running else start_preview
        change(version=found, actor=request.user, applications=form.cleaned_data["applications"])  # type: ignore[arg-type]
        return _back(found)

    sees = "The listed applications may subscribe and call it; everybody else gets 404. There is no service level."
    if is_running:
        if request.method == "POST" and (done := run_form(request, form, work)):
            messages.success(request, "The list of the preview is saved.")
            return done
        context = {
            **head_of(request, found, "lifecycle"), "form": form, "impact": impact_of(found), "sees": sees,
            "button": "Save the list", "undo": "Change it again.", "move": {"is_allowed": True},
        }  # fmt: skip
        return render_page(request, "workspace/move.html", context, status=422 if form.errors else 200)
    response = _page(
        request, found, "preview", form, work, button=f"Start a preview of {found.name}", sees=sees,
        undo="End the preview, or publish it: either ends the preview's subscriptions.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        _say(request, found, f"{found.name} is in preview.")
    return response


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def block(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Block a version."""
    found = my_version(request, team, api, version)
    form = BlockForm(request.POST or None)

    def work() -> str:
        data = form.cleaned_data
        block_version(version=found, actor=request.user, reason=data["reason"], until=data["until"])  # type: ignore[arg-type]
        return _back(found)

    response = _page(
        request, found, "block", form, work, is_danger=True, button=f"Block {found.name}",
        sees="Every call gets 503 with your reason within a second. Its state and its subscriptions stay.",
        undo="Lift the block at any time.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        _say(request, found, f"{found.name} is blocked: calls get 503.")
    return response


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def archive(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Archive a retired version."""
    found = my_version(request, team, api, version)

    def work() -> str:
        archive_version(version=found, actor=request.user)  # type: ignore[arg-type]
        return _back(found)

    response = _page(
        request, found, "archive", PlainForm(request.POST or None), work, is_danger=True,
        button=f"Archive {found.name}", sees="Calls get 404 in place of 410. The tombstone leaves the catalog.",
        undo="Not at all: an archived version cannot be restored. Its history stays with your team.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        _say(request, found, f"{found.name} is archived.")
    return response


PLAIN_MOVES: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "submit": (submit_for_review, "Send {0} for review", "Nothing changes for callers.", "Withdraw it from review."),
    "withdraw": (withdraw_from_review, "Withdraw {0}", "Nothing changes for callers.", "Send it for review again."),
    "reopen": (reopen_draft, "Take {0} back to draft", "Nothing changes for callers.", "It needs its approvals again."),
    "undo_deprecation": (
        undo_deprecation,
        "Undo the deprecation of {0}",
        "The headers go, new subscriptions are accepted again.",
        "Deprecate it again.",
    ),
    "end_preview": (
        end_preview,
        "End the preview of {0}",
        "Calls get 404, the preview's subscriptions end. Work goes on in a draft.",
        "Start a preview again.",
    ),
    "lift_block": (lift_block, "Lift the block of {0}", "Calls are served again within a second.", "Block it again."),
    "restore": (
        restore_version,
        "Restore {0}",
        "Calls are served again, as deprecated; the subscriptions that its retirement ended are back.",
        "Retire it again.",
    ),
}


@page("apis.design", methods=("GET", "HEAD", "POST"))
def plain_move(request: HttpRequest, team: str, api: str, version: str, move: str) -> HttpResponse:
    """Carry out a move that asks for consent alone."""
    found = my_version(request, team, api, version)
    name = move.replace("-", "_")
    if name not in PLAIN_MOVES:
        raise NotFound("There is no such move.")
    service, button, sees, undo = PLAIN_MOVES[name]

    def work() -> str:
        service(version=found, actor=request.user)
        return _back(found)

    response = _page(
        request, found, name, PlainForm(request.POST or None), work, button=button.format(found.name), sees=sees,
        undo=undo,
    )  # fmt: skip
    if response.status_code in (204, 303):
        messages.success(request, f"{found} is {VERSION_STATES[found.state].label.lower()}.")
    return response


class ReviewForm(GatehouseForm):
    """A verdict with a comment."""

    checked = forms.MultipleChoiceField(
        label="What the team asks for", required=False, widget=forms.CheckboxSelectMultiple
    )
    comment = forms.CharField(max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, checklist: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checked"].choices = [(line, line) for line in checklist]  # type: ignore[attr-defined]
        if not checklist:
            del self.fields["checked"]


@page("team.view", methods=("GET", "HEAD", "POST"))
def review(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Read a revision in review and judge it."""
    found = my_version(request, team, api, version)
    revision = found.revisions.filter(number=number).select_related("author").first()
    if revision is None:
        raise NotFound("There is no such revision.")
    revision.version = found
    form = ReviewForm(found.api.team.checklist, request.POST or None)
    verdict = Review.Verdict.REJECTED if request.POST.get("verdict") == "rejected" else Review.Verdict.APPROVED

    def work() -> str:
        review_revision(
            revision=revision,
            verdict=verdict,
            comment=form.cleaned_data["comment"],
            checked=form.cleaned_data.get("checked", []),
            actor=request.user,  # type: ignore[arg-type]
        )
        messages.success(request, f"Your verdict on revision {number} is recorded.")
        return _back(found)

    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    head = head_of(request, found, "revisions")
    context = {
        **head, "revision": revision, "form": form, "gate": gate_of(revision),
        "operations": revision.operations.order_by("position")[:300],
        "reviews": revision.reviews.select_related("reviewer"), "needed": found.api.team.required_approvals,
        "is_author": revision.author_id == request.user.pk,
        "can_review": {"apis.review", by_rule(found.api.team.reviewer_role, "apis.review")} <= head["may"],
        **lines_of(revision, request),
    }  # fmt: skip
    return render_page(request, "workspace/review.html", context, status=422 if form.errors else 200)
