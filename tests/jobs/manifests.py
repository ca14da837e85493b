"""The schema of manifests, and the same one in which a field that it does not describe is a mistake."""

import json
from importlib.resources import files

from jsonschema import Draft202012Validator

SCHEMA = json.loads((files("spark_balance.app.storage") / "manifest.schema.json").read_text(encoding="utf-8"))


def closed(schema):
    """Return a schema that refuses the fields that it does not name, unless it says what others are."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: closed(one) for name, one in schema.items()}
    return {"additionalProperties": False, **told} if "properties" in schema and schema.get("type") else told


def check_described(manifest):
    """Refuse a manifest that the schema does not describe, field by field."""
    Draft202012Validator(closed(SCHEMA)).validate(manifest)
