import pytest

from common.errors import Invalid, NotAllowed, NotFound, Stale
from prompts.models import PromptTemplate
from prompts.selectors import latest_version
from prompts.services.prompts import create_prompt, save_prompt_version
from prompts.services.publication import publish_prompt
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db
SCHEMA = {"type": "object", "properties": {"sentiment": {"type": "string"}}, "required": ["sentiment"]}


def test_parameters_left_out_are_found_in_the_text(version):
    assert [(row["name"], row["type"]) for row in version.parameters] == [("text", "string"), ("language", "string")]


def test_a_changed_text_keeps_what_is_known_of_its_parameters(prompt, developer):
    parameters = [{"name": "text", "type": "enum", "values": ["a", "b"]}, {"name": "language"}]
    save_prompt_version(template=prompt, actor=developer, parameters=parameters)
    saved = save_prompt_version(template=prompt, actor=developer, text="Say {{text}} as {{tone}}")
    assert [(row["name"], row["type"]) for row in saved.parameters] == [("text", "enum"), ("tone", "string")]


def test_saving_overwrites_until_it_is_published_and_then_numbers_on(prompt, version, developer, publisher):
    assert save_prompt_version(template=prompt, actor=developer, text="Just {{text}}").pk == version.pk
    publish_prompt(version=latest_version(prompt), actor=publisher)
    following = save_prompt_version(template=prompt, actor=developer, text="Only {{text}}")
    assert (following.number, following.revision_id) == (2, None)
    version.refresh_from_db()
    assert version.text == "Just {{text}}"


def test_a_save_on_an_old_reading_is_refused(prompt, version, developer):
    seen = version.row_version
    save_prompt_version(template=prompt, actor=developer, row_version=seen, text="One {{text}}")
    with pytest.raises(Stale):
        save_prompt_version(template=prompt, actor=developer, row_version=seen, text="Two {{text}}")


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"text": "  "}, "/text"),
        ({"text": "{{a}}", "parameters": []}, "/text"),
        ({"text": "{{a}}", "parameters": [{"name": "a"}, {"name": "b"}]}, "/parameters/1/name"),
        ({"system": "{{ no name }}"}, "/system"),
        ({"model": "replay/none"}, "/model"),
        ({"output": "json"}, "/schema"),
        ({"output": "json", "schema": {"type": "nothing"}}, "/schema"),
        ({"output": "json", "schema": {"$ref": "https://example.com/schema.json"}}, "/schema"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_nothing_is_kept(make_prompt, content, pointer):
    with pytest.raises(Invalid) as refusal:
        make_prompt(**content)
    assert refusal.value.errors[0]["pointer"] == pointer
    assert not PromptTemplate.objects.exists()


def test_json_output_keeps_its_schema_and_text_drops_it(make_prompt):
    assert make_prompt(name="A", output="json", schema=SCHEMA).versions.get().schema == SCHEMA
    assert make_prompt(name="B", output="text", schema=SCHEMA).versions.get().schema is None


def test_two_prompts_of_a_name_get_two_slugs(make_prompt):
    assert [make_prompt(name="My_prompt").slug, make_prompt(name="My prompt").slug] == ["my-prompt", "my-prompt-2"]


def test_who_may_write(team, prompt, member, stranger):
    content = {"text": "x", "model": "replay/chat"}
    with pytest.raises(NotAllowed):
        create_prompt(team=team, name="Other", actor=member, **content)
    with pytest.raises(NotAllowed):
        save_prompt_version(template=prompt, actor=member, **content)
    with pytest.raises(NotFound):
        save_prompt_version(template=prompt, actor=stranger, **content)


def test_the_audit_log_holds_sizes_and_no_text(make_prompt):
    make_prompt("A secret recipe: {{text}}")
    entry = AuditEvent.objects.get(verb="prompt.save")
    assert entry.after["text_chars"] == 25
    assert "recipe" not in str(list(AuditEvent.objects.values()))
