"""Every problem code there is, with its public page: what it means, who must act, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One code. `who` is caller, owner, operator or admin."""

    code: str
    title: str
    status: int
    who: str
    meaning: str
    mend: str


def _types(*rows: tuple[str, str, int, str, str, str]) -> dict[str, ProblemType]:
    return {row[0]: ProblemType(*row) for row in rows}


# fmt: off
GATEWAY = _types(
    ("route-not-found", "No API at this path", 404, "caller", "No published API has this path.", "Copy the base URL from the API's page in the catalog. Paths are case-sensitive."),
    ("version-unknown", "No such version", 404, "caller", "The API exists, the version in the path does not.", "Use a version the API's page lists, such as /v1/."),
    ("revision-unknown", "No such revision", 404, "caller", "Gatehouse-Revision names a revision that is not offered to you.", "Leave the header out. Owners see on the version's page Environments which revisions can be called."),
    ("operation-unknown", "No such operation", 404, "caller", "The version's document has no operation with this path.", "Compare the path with the operations of the version's docs."),
    ("method-not-allowed", "Method not allowed", 405, "caller", "The path exists, but not with this method.", "Use one of the methods the Allow header names."),
    ("version-retired", "This version is retired", 410, "caller", "The version was retired and is not served any more.", "Move to the successor the Link header and the catalog page name."),
    ("version-blocked", "This version is blocked", 503, "owner", "The owning team stopped this version for now.", "See the reason on its catalog page; try again after Retry-After."),
    ("version-brownout", "This version has a brownout", 503, "owner", "The version is deprecated; its owners let it refuse calls for a while, announced ahead, to show who still depends on it.", "Try again after Retry-After, and move to the successor before the sunset."),
    ("key-missing", "No key was sent", 401, "caller", "The API needs a key and the call carried none.", "Send Authorization: Bearer gh_live_… or x-api-key. A key is made on the application's page."),
    ("key-invalid", "The key is not known", 401, "caller", "The key has a typing error, or belongs to another installation.", "Copy the key again, or create a new one; keys are shown once."),
    ("key-expired", "The key has expired", 401, "caller", "The key's last day has passed.", "Create a new key on the application's page."),
    ("key-revoked", "The key was revoked", 401, "caller", "Somebody of the application's team revoked this key.", "Create a new key; the audit log says who revoked the old one."),
    ("subscription-required", "No subscription", 403, "caller", "The key is good, but its application is not subscribed to this version.", "Open the API in the catalog and choose Subscribe, or Get a key."),
    ("subscription-pending", "The subscription waits for approval", 403, "owner", "The plan needs the owner's approval, and it is not given yet.", "Ask the owning team; its contact is on the API's page."),
    ("subscription-suspended", "The subscription is suspended", 403, "owner", "The owning team suspended this subscription.", "Ask the owning team for the reason."),
    ("quota-exceeded", "Over the limit", 429, "caller", "The plan's limit for this window is used up.", "Wait for the seconds in Retry-After, or choose a larger plan."),
    ("body-too-large", "The body is too large", 413, "caller", "The request body is over the version's limit.", "Send less, or ask the owner to raise the limit."),
    ("bad-request", "The request cannot be read", 400, "caller", "The request breaks HTTP's or the API's form.", "The detail names what is wrong; correct it and send again."),
    ("validation-failed", "A value is not valid", 422, "caller", "The body was read, but a value breaks a rule.", "The list of errors names each field and what it takes."),
    ("policy-denied", "A policy refuses this call", 403, "owner", "An access rule of the API or the plan refuses this call.", "The detail names the rule; ask the owning team for access."),
    ("query-too-long", "The query is too long", 414, "caller", "The part of the address after the question mark is longer than this version takes.", "Send less in the query, or ask the API's owners."),
    ("headers-too-large", "The headers are too large", 431, "caller", "All headers together are larger than this version takes.", "Send fewer or shorter headers, cookies among them."),
    ("idempotency-key-invalid", "The Idempotency-Key is missing or not valid", 400, "caller", "The operation runs once for each Idempotency-Key, and the call had none, several or an unusable one.", "Send one text of your own making, such as a UUID, and the same again when you repeat the call."),
    ("idempotency-key-reused", "The Idempotency-Key belongs to another request", 422, "caller", "The same key came before with another method, path or body.", "Use a new key for a new request."),
    ("idempotency-running", "The first call with this key is still under way", 409, "caller", "A call with the same Idempotency-Key has not been answered yet.", "Repeat it after Retry-After: it is then answered with the first call's result."),
    ("issuer-unavailable", "The token's issuer cannot be asked", 503, "owner", "The keys that sign the caller's tokens could not be fetched from their issuer.", "Try again in some seconds; the owner checks jwks_url in the version's gateway settings."),
    ("upstream-unreachable", "The upstream does not answer", 502, "owner", "The gateway could not connect to the API's own server.", "The owner checks the server and the upstream URL."),
    ("upstream-invalid", "The upstream answered badly", 502, "owner", "The API's own server sent something that is not a valid answer.", "The owner looks at the server's logs at the time of this request."),
    ("upstream-timeout", "The upstream took too long", 504, "owner", "The API's own server did not answer within the version's time limits.", "Try again if the call may be repeated; the owner looks at the server's load."),
    ("upstream-unavailable", "The upstream is left alone for a moment", 503, "owner", "The API's own server failed several times in a row, so the gateway spares it for some seconds.", "Try again after Retry-After; the owner looks at the server."),
    ("upstream-forbidden", "The upstream address is not allowed", 502, "operator", "The upstream resolves to a private or metadata address.", "Allow its network in GATEHOUSE_PRIVATE_NETWORKS, or use a public address."),
    ("loop-detected", "The call came back to the gateway", 508, "owner", "The upstream of this API leads back to this gateway.", "The owner corrects the upstream URL."),
    ("model-unknown", "No such model", 404, "caller", "No model or alias of this name may be used with this key.", "GET /v1/models lists the names the key may use."),
    ("call-unknown", "No such call", 404, "caller", "No AI call with this id ended within the last hour, or another application made it.", "Ask with a key of the application that made the call, within an hour."),
    ("model-output-invalid", "The model's answer breaks its schema", 502, "owner", "The prompt asks for JSON of a schema and the model answered something else.", "Try again; the owner simplifies the schema or takes a stronger model."),
    ("provider-key-missing", "The provider has no working key", 503, "admin", "The model's provider needs a key and none is active.", "A platform admin adds a key on the provider's page."),
    ("provider-error", "The provider refused the call", 502, "admin", "The model's provider answered with an error.", "The detail carries the provider's own words."),
    ("price-unknown", "The model has no price", 403, "admin", "The plan refuses models without a known price.", "A platform admin sets a price for the model."),
    ("limits-unavailable", "Limits cannot be checked", 503, "operator", "The store of the counters does not answer and the plan says closed.", "The operator brings Valkey back; try again after Retry-After."),
    ("spool-full", "Usage cannot be recorded", 503, "operator", "The gateway's spool is full or cannot be written, so calls that must be billed are refused.", "The operator frees disk space or brings PostgreSQL back."),
    ("state-stale", "The gateway's state is too old", 503, "operator", "The gateway has not heard of the control plane for longer than its limit.", "The operator brings PostgreSQL back or raises GATEHOUSE_STATE_MAX_AGE."),
    ("not-ready", "The gateway is starting", 503, "operator", "The worker has no state yet.", "Try again in a few seconds."),
    ("internal-error", "Something broke on our side", 500, "operator", "An error nobody foresaw.", "Give the request id to the operator: it stands in the log."),
)

CONSOLE = _types(
    ("role-missing", "Your role does not allow this", 403, "caller", "You may see this, but your role in the team does not reach.", "Ask an owner of the team; the detail names the role."),
    ("second-factor-required", "Set up a second factor first", 403, "caller", "The installation asks for a second factor, and this person has none yet.", "Set one up at /account/security; access tokens made before go on working."),
    ("sign-in-failed", "Signing in did not work", 400, "caller", "The answer of the provider you sign in with is not good: too old, used, or not meant for this browser.", "Sign in anew from the sign-in page; the detail says what was wrong."),
    ("sign-in-refused", "You may not sign in here", 403, "owner", "The provider knows you, but this installation does not let you in by it.", "The detail says why; a platform admin may allow your domain or invite you."),
    ("form-expired", "The form is too old", 403, "caller", "The form's protection token is missing or old.", "Reload the page and send the form again."),
    ("not-found", "Nothing here", 404, "caller", "There is nothing at this address, or it is not shared with you.", "Search for it, or ask its team to share it."),
    ("conflict", "The current state does not allow this", 409, "caller", "The object is in a state in which this cannot be done.", "The detail says which state and what can be done."),
    ("stale", "Somebody changed it meanwhile", 412, "caller", "If-Match names an older version of the object.", "Read it again and repeat the change."),
    ("if-match-missing", "If-Match is needed", 428, "caller", "Writes name the version they saw.", "Send the ETag you read as If-Match."),
    ("too-large", "Too large", 413, "caller", "What was sent is over a size limit.", "The detail names the limit."),
    ("unavailable", "A part is not available", 503, "operator", "A part of Gatehouse that this needs does not answer.", "Try again; the operator looks at ./run doctor."),
    ("not-authenticated", "Sign in first", 401, "caller", "The REST API needs a session or an access token.", "Create a token at /account/tokens and send it as Authorization: Bearer."),
    ("authentication-failed", "The access token is not good", 401, "caller", "The token is unknown, expired or revoked.", "Create a new one at /account/tokens."),
    ("permission-denied", "Not allowed", 403, "caller", "Your role does not allow this.", "Ask an owner of the team."),
    ("parse-error", "The body cannot be read", 400, "caller", "The body is not valid JSON.", "Correct the body; the detail names the place."),
    ("unsupported-media-type", "This media type is not read", 415, "caller", "The REST API reads JSON and form uploads.", "Send Content-Type: application/json."),
    ("not-acceptable", "This media type is not written", 406, "caller", "The REST API answers JSON.", "Send Accept: application/json."),
    ("name-taken", "This name is taken", 409, "caller", "The team or the API has something of this name already.", "Choose another name; the detail names the one that has it."),
    ("base-path-taken", "This base path is taken", 409, "caller", "Another API is called at this base path.", "Choose another base path."),
    ("base-path-fixed", "The base path is fixed", 409, "caller", "A base path stays as it is from the first publication on, since clients call it.", "Make a new API where the path has to differ."),
    ("move-not-possible", "This move is not possible from here", 409, "caller", "The lifecycle has no such move from the state it is in, or the move is not built yet.", "The detail says from which states the move starts."),
    ("guard-failed", "Something is missing before this move", 409, "owner", "The move is legal, but a condition of it does not hold.", "The list of reasons names each; mend them and try again."),
    ("move-lost", "Somebody was faster", 409, "caller", "Somebody else moved it between your reading and your request.", "Read it again; what you wanted may be done already."),
    ("breaking-change", "A change breaks callers", 409, "caller", "The revision changes what callers of this version rely on, so it cannot become current in it.", "Publish it as the next version, take the change back, or ask an owner for a waiver; changes lists each."),
    ("risky-change", "A risky change is not ticked", 409, "caller", "The document alone cannot tell whether these changes break callers.", "Look at each change and send its key in accepted."),
    ("revision-frozen", "This revision is frozen", 409, "caller", "Only a draft is edited: what was sent for review or published stays as it was judged.", "Take it back to draft, or make a new version."),
    ("subscription-exists", "There is a subscription already", 409, "caller", "An application has at most one living subscription to a version.", "Use the one the member existing names, or end it first."),
    ("version-deprecated", "This version is deprecated", 409, "caller", "A deprecated version serves those who have it and takes nobody new.", "Subscribe to its successor; the detail names it."),
    ("version-not-open", "This version takes no subscriptions", 409, "caller", "Only a published version is subscribed to.", "Choose a published version of the API."),
    ("preview-not-listed", "This preview is for listed applications", 409, "owner", "A version in preview is called by the applications that its owners listed, and by nobody else.", "Ask the team that owns the API to list the application."),
    ("plan-closed", "This plan is closed", 409, "caller", "The plan takes no new subscriptions, or each plan needs an approval.", "Choose another plan, or ask for a subscription."),
    ("not-shared", "Not shared with that team", 409, "owner", "The API is not shared with the team whose application would call it.", "Choose an application of a team that sees the API, or ask its owner to share it."),
    ("key-revoked-already", "The key is revoked already", 409, "caller", "Somebody revoked this key before.", "Nothing is left to do; the audit log says who did it."),
    ("last-owner", "A team needs somebody who manages it", 409, "caller", "The last member of a team who may manage its members cannot leave it or lose that.", "Make somebody else owner first."),
    ("tree-cycle", "A team cannot lie below itself", 409, "caller", "The team it should go under is the team itself or lies below it.", "Choose another team."),
    ("tree-depth", "The tree of teams is too deep", 409, "caller", "Teams lie on five levels at most.", "Choose a team higher up."),
    ("team-in-use", "The team still has something", 409, "caller", "Teams lie below it, or it owns APIs, applications or the like.", "Move, hand over or delete them first."),
    ("role-in-use", "The role is in use", 409, "caller", "Members or open invitations have this role.", "Name the role they get instead."),
    ("member-already", "Already a member", 409, "caller", "This address belongs to a member of the team.", "Change their role on the members page."),
    ("plan-stale", "The plan is of another state", 412, "caller", "An object of the plan, or a manifest, changed since the plan that should be applied was made.", "Plan again, look at it, then apply with the new hash."),
    ("managed-elsewhere", "Another source manages this", 409, "caller", "Manifests of another source keep this object: two that change it would undo each other's work.", "Take its manifest out of the other source, or apply with take_over."),
    ("throttled", "Too many requests", 429, "caller", "Too many requests in a short time.", "Wait for the seconds in Retry-After."),
)
# fmt: on

PROBLEM_TYPES: dict[str, ProblemType] = GATEWAY | CONSOLE
